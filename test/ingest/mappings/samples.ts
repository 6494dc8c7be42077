/** What a shipped mapping is shown, and the frames that it has to make: meter, time of measurement in UTC, values in the unit told. */
export interface Sample {
  readonly name: string;
  readonly mapping: string;
  readonly topic: string;
  /** JSON, or bytes in hexadecimal. */
  readonly payload: unknown;
  readonly gateway?: string;
  readonly frames: readonly (readonly [meter: string, ts: string | null, values: Readonly<Record<string, string>>])[];
  /** `at`, reason. */
  readonly failures?: readonly (readonly [string, string])[];
  readonly leftAlone?: true;
}

const AT = '2026-01-15T04:00:00.000Z';
const AT_MS = Date.UTC(2026, 0, 15, 4);

export const SAMPLES: readonly Sample[] = [
  {
    name: 'values alone take the time of arrival and the gateway that signed in',
    mapping: 'thingsboard-device',
    topic: 'v1/devices/me/telemetry',
    payload: { power: 1250, active_energy_import: 88.5 },
    gateway: 'g-7',
    frames: [['g-7', null, { active_power: '1.25 kW', active_energy_import: '88.5' }]],
  },
  {
    name: 'an array of readings with times, the device in the topic of a bridge',
    mapping: 'thingsboard-device',
    topic: 'thingsboard/press-2/v1/devices/me/telemetry',
    payload: [
      { ts: AT_MS, values: { energy: '1,234.5 kWh' } },
      { ts: AT_MS + 60_000, values: { energy: 1235 } },
    ],
    frames: [
      ['press-2', AT, { active_energy_import: '1234.5 kWh' }],
      ['press-2', '2026-01-15T04:01:00.000Z', { active_energy_import: '1235 kWh' }],
    ],
  },
  {
    name: 'a message that names no device, from a connection that is nobody’s, is told apart',
    mapping: 'thingsboard-device',
    topic: 'v1/devices/me/telemetry',
    payload: { ts: AT_MS, values: { power: 1 } },
    frames: [],
    failures: [['meter', 'no-meter']],
  },
  {
    name: 'the short topic, items with and without a time in one array, null for what is not measured, a count as a text',
    mapping: 'thingsboard-device',
    topic: 'v2/t/j',
    payload: [{ ts: String(AT_MS), values: { energy: 1, power: null } }, { power: 5 }],
    gateway: 'g-7',
    frames: [
      ['g-7', AT, { active_energy_import: '1 kWh' }],
      ['g-7', null, { active_power: '0.005 kW' }],
    ],
  },
  {
    name: 'items without "values", and one item instead of a list',
    mapping: 'thingsboard-gateway',
    topic: 'v1/gateway/telemetry',
    payload: { 'meter-1': [{ power: 500 }, { ts: AT_MS, values: { power: 600 } }], 'meter-2': { ts: AT_MS, values: { power: 700 } } },
    frames: [
      ['meter-1', null, { active_power: '0.5 kW' }],
      ['meter-1', AT, { active_power: '0.6 kW' }],
      ['meter-2', AT, { active_power: '0.7 kW' }],
    ],
  },
  {
    name: 'several devices, several times each; a name that means nothing is told and costs only itself',
    mapping: 'thingsboard-gateway',
    topic: 'v1/gateway/telemetry',
    payload: {
      'meter-1': [
        { ts: AT_MS, values: { power: 500, mood: 3 } },
        { ts: AT_MS + 1000, values: { power: 600 } },
      ],
      'meter-2': [{ values: { frequency: 50.01 } }],
    },
    frames: [
      ['meter-1', AT, { active_power: '0.5 kW' }],
      ['meter-1', '2026-01-15T04:00:01.000Z', { active_power: '0.6 kW' }],
      ['meter-2', null, { frequency: '50.01 Hz' }],
    ],
    failures: [['named.from', 'unknown-quantity']],
  },
  {
    name: 'a device whose name is no id',
    mapping: 'thingsboard-gateway',
    topic: 'v1/gateway/telemetry',
    payload: { 'Device A': [{ ts: AT_MS, values: { power: 500 } }] },
    frames: [],
    failures: [['meter', 'no-meter']],
  },
  {
    name: 'three phases as one meter, time in seconds with a fraction',
    mapping: 'shelly-3em',
    topic: 'shellypro3em-0cb815fd4a10/events/rpc',
    payload: {
      src: 'shellypro3em-0cb815fd4a10',
      method: 'NotifyStatus',
      params: {
        ts: AT_MS / 1000 + 0.25,
        'em:0': {
          ...{ id: 0, a_current: 4.029, a_voltage: 236.1, a_act_power: 951.2, a_pf: 0.89, a_freq: 50 },
          ...{ b_current: 4.027, b_voltage: 236.2, c_current: 3.03, c_voltage: 236.3, total_act_power: 2484.782, total_aprt_power: 2486.7 },
        },
      },
    },
    frames: [
      [
        'shellypro3em-0cb815fd4a10',
        '2026-01-15T04:00:00.250Z',
        {
          ...{ active_power: '2.484782 kW', apparent_power: '2.4867 kVA', frequency: '50 Hz' },
          ...{ voltage_a: '236.1 V', voltage_b: '236.2 V', voltage_c: '236.3 V', current_a: '4.029 A', current_b: '4.027 A', current_c: '3.03 A' },
        },
      ],
    ],
  },
  {
    name: 'the registers of three phases, in Wh',
    mapping: 'shelly-3em',
    topic: 'shellies/hall-3/events/rpc',
    payload: { method: 'NotifyStatus', params: { ts: AT_MS / 1000, 'emdata:0': { id: 0, total_act: 1234567.8, total_act_ret: 12.5 } } },
    frames: [['hall-3', AT, { active_energy_import: '1234.5678 kWh', active_energy_export: '0.0125 kWh' }]],
  },
  {
    name: 'what a Shelly says of its network is left alone',
    mapping: 'shelly-3em',
    topic: 'hall-3/events/rpc',
    payload: { method: 'NotifyStatus', params: { ts: 1, wifi: { rssi: -60 } } },
    frames: [],
    leftAlone: true,
  },
  {
    name: 'a meter for each channel',
    mapping: 'shelly-em',
    topic: 'shellyproem50-08f9/events/rpc',
    payload: {
      method: 'NotifyStatus',
      params: {
        ts: AT_MS / 1000,
        'em1:0': { id: 0, current: 4, voltage: 236, act_power: 951, aprt_power: 960, pf: 0.99, freq: 50 },
        'em1data:1': { id: 1, total_act_energy: 2776, total_act_ret_energy: 0 },
      },
    },
    frames: [
      [
        'shellyproem50-08f9:0',
        AT,
        { active_power: '0.951 kW', apparent_power: '0.96 kVA', power_factor: '0.99 1', frequency: '50 Hz', voltage_a: '236 V', current_a: '4 A' },
      ],
      ['shellyproem50-08f9:1', AT, { active_energy_import: '2.776 kWh', active_energy_export: '0 kWh' }],
    ],
  },
  {
    name: 'three phases by themselves, without a time',
    mapping: 'shelly-3em-status',
    topic: 'shellypro3em-0cb815fd4a10/status/em:0',
    payload: { id: 0, a_voltage: 236.1, total_act_power: 2484.782 },
    frames: [['shellypro3em-0cb815fd4a10', null, { voltage_a: '236.1 V', active_power: '2.484782 kW' }]],
  },
  {
    name: 'their registers by themselves',
    mapping: 'shelly-3em-status',
    topic: 'shellies/hall-3/status/emdata:0',
    payload: { id: 0, total_act: 1234567.8, total_act_ret: 12.5 },
    frames: [['hall-3', null, { active_energy_import: '1234.5678 kWh', active_energy_export: '0.0125 kWh' }]],
  },
  {
    name: 'a channel by itself',
    mapping: 'shelly-em-status',
    topic: 'shellyproem50-08f9/status/em1:1',
    payload: { id: 1, act_power: 951, voltage: 236 },
    frames: [['shellyproem50-08f9:1', null, { active_power: '0.951 kW', voltage_a: '236 V' }]],
  },
  {
    name: 'the register of a channel by itself',
    mapping: 'shelly-em-status',
    topic: 'shellyproem50-08f9/status/em1data:0',
    payload: { id: 0, total_act_energy: 2776 },
    frames: [['shellyproem50-08f9:0', null, { active_energy_import: '2.776 kWh' }]],
  },
  {
    name: 'an error that a meter tells alone is left alone',
    mapping: 'shelly-3em',
    topic: 'hall-3/events/rpc',
    payload: { method: 'NotifyStatus', params: { ts: AT_MS / 1000, 'em:0': { id: 0, errors: ['ct_type_not_set'], user_calibrated_phase: [] } } },
    frames: [],
    leftAlone: true,
  },
  {
    name: 'an error by itself is left alone',
    mapping: 'shelly-3em-status',
    topic: 'hall-3/status/em:0',
    payload: { id: 0, errors: ['ct_type_not_set'] },
    frames: [],
    leftAlone: true,
  },
  {
    name: 'an error of one channel beside a value of another',
    mapping: 'shelly-em',
    topic: 'hall-3/events/rpc',
    payload: { method: 'NotifyStatus', params: { ts: AT_MS / 1000, 'em1:0': { id: 0, errors: ['read'] }, 'em1:1': { id: 1, current: 4 } } },
    frames: [['hall-3:1', AT, { current_a: '4 A' }]],
  },
  {
    name: 'an error of a channel by itself is left alone',
    mapping: 'shelly-em-status',
    topic: 'hall-3/status/em1:0',
    payload: { id: 0, errors: ['read'] },
    frames: [],
    leftAlone: true,
  },
  {
    name: 'a voltage that changed alone, beside a relay that was switched',
    mapping: 'shelly-pm',
    topic: 'hall-3/events/rpc',
    payload: { method: 'NotifyStatus', params: { ts: AT_MS / 1000, 'switch:0': { id: 0, voltage: 231 }, 'switch:1': { id: 1, output: true } } },
    frames: [['hall-3:0', AT, { voltage_a: '231 V' }]],
  },
  {
    name: 'the whole status of a plug with two channels, one of which measures nothing now',
    mapping: 'shelly-pm',
    topic: 'shellypro2pm-1/events/rpc',
    payload: {
      method: 'NotifyFullStatus',
      params: {
        ...{ ts: AT_MS / 1000, ble: {}, wifi: { rssi: -60 }, 'input:0': { id: 0, state: false } },
        'switch:0': {
          ...{ id: 0, output: true, apower: 40.5, voltage: 230.1, freq: 50, current: 0.2, pf: 0.88, temperature: { tC: 41.5, tF: 106.7 } },
          ...{ aenergy: { total: 1234.5, by_minute: [1, 2, 3], minute_ts: 1 }, ret_aenergy: { total: 34.5, by_minute: [0, 0, 0], minute_ts: 1 } },
        },
        'switch:1': { id: 1, output: false, apower: null, voltage: null, aenergy: { total: 7 } },
      },
    },
    frames: [
      [
        'shellypro2pm-1:0',
        AT,
        {
          ...{ active_power: '0.0405 kW', power_factor: '0.88 1', frequency: '50 Hz', voltage_a: '230.1 V', current_a: '0.2 A' },
          ...{ active_energy_import: '1.2 kWh', active_energy_export: '0.0345 kWh', device_temperature: '41.5 °C' },
        },
      ],
      ['shellypro2pm-1:1', AT, { active_energy_import: '0.007 kWh' }],
    ],
  },
  {
    name: 'a relay that only says that it was switched is left alone',
    mapping: 'shelly-pm',
    topic: 'hall-3/events/rpc',
    payload: { method: 'NotifyStatus', params: { ts: AT_MS / 1000, 'switch:0': { id: 0, output: true, source: 'http' } } },
    frames: [],
    leftAlone: true,
  },
  {
    name: 'a meter without a relay by itself',
    mapping: 'shelly-pm-status',
    topic: 'shellypmminig3-1/status/pm1:0',
    payload: { id: 0, voltage: 230.1, current: 1, apower: 230, freq: 50, aenergy: { total: 2776 } },
    frames: [
      ['shellypmminig3-1:0', null, { active_power: '0.23 kW', frequency: '50 Hz', voltage_a: '230.1 V', current_a: '1 A', active_energy_import: '2.776 kWh' }],
    ],
  },
  {
    name: 'a relay without a meter by itself is left alone',
    mapping: 'shelly-pm-status',
    topic: 'hall-3/status/switch:0',
    payload: { id: 0, output: true, temperature: { tC: 41, tF: 105 } },
    frames: [],
    leftAlone: true,
  },
  {
    name: 'a plug of one phase, local time without a zone',
    mapping: 'tasmota-energy',
    topic: 'tele/plug-9/SENSOR',
    payload: {
      Time: '2026-01-15T12:00:00',
      ENERGY: { Total: 31.902, Yesterday: 0.5, Today: 0.25, Power: 367, ApparentPower: 507, ReactivePower: 350, Factor: 0.72, Voltage: 235, Current: 2.156 },
    },
    frames: [
      [
        'plug-9',
        AT,
        {
          ...{ active_energy_import: '31.902 kWh', active_energy_day: '0.25 kWh', active_power: '0.367 kW', apparent_power: '0.507 kVA' },
          ...{ reactive_power: '0.35 kvar', power_factor: '0.72 1', voltage_a: '235 V', current_a: '2.156 A' },
        },
      ],
    ],
  },
  {
    name: 'three phases as arrays, time with a zone',
    mapping: 'tasmota-energy',
    topic: 'tele/main/SENSOR',
    payload: {
      Time: '2026-01-15T05:00:00+01:00',
      ENERGY: { Total: 1000.5, Power: [100, 200, 300], Voltage: [230, 231, 232], Current: [1, 2, 3], Frequency: 50 },
    },
    frames: [
      [
        'main',
        AT,
        {
          ...{ active_energy_import: '1000.5 kWh', active_power: '0.6 kW', frequency: '50 Hz', voltage_a: '230 V', voltage_b: '231 V' },
          ...{ voltage_c: '232 V', current_a: '1 A', current_b: '2 A', current_c: '3 A' },
        },
      ],
    ],
  },
  {
    name: 'time in seconds, a phase that is not wired, all of them in arrays',
    mapping: 'tasmota-energy',
    topic: 'main/tele/SENSOR',
    payload: {
      Time: AT_MS / 1000,
      ENERGY: {
        Total: [10, 20, null],
        Today: [1, 2, null],
        Power: [100, 200, null],
        ApparentPower: [200, 300, null],
        Factor: [0.5, 0.67, null],
        Voltage: [230, 231, null],
        Current: [1, 2, null],
      },
    },
    frames: [
      [
        'main',
        AT,
        {
          ...{ active_energy_import: '30 kWh', active_energy_day: '3 kWh', active_power: '0.3 kW', apparent_power: '0.5 kVA', power_factor: '0.6 1' },
          ...{ voltage_a: '230 V', voltage_b: '231 V', current_a: '1 A', current_b: '2 A' },
        },
      ],
    ],
  },
  {
    name: 'what was asked for, the epoch beside a local time of another zone, a frequency and a voltage of all phases, energies over a period',
    mapping: 'tasmota-energy',
    topic: 'stat/main/STATUS8',
    payload: {
      StatusSNS: {
        ...{ Time: '2026-01-15T05:00:00', Epoch: AT_MS / 1000 },
        ENERGY: {
          ...{ TotalStartTime: '2024-01-01T00:00:00', Total: 31.902, Yesterday: 0.5, Today: 0.25, Period: 12 },
          ...{ ExportActive: [7.5, null, null], Power: [10, -30, 20], ApparentPower: [0, 0, 0], Factor: [0, 0, 0], Frequency: [null, 50], Voltage: 235 },
        },
      },
    },
    frames: [
      [
        'main',
        AT,
        {
          ...{ active_energy_import: '31.902 kWh', active_energy_export: '7.5 kWh', active_energy_day: '0.25 kWh', active_power: '0 kW' },
          ...{ apparent_power: '0 kVA', frequency: '50 Hz', voltage_a: '235 V' },
        },
      ],
    ],
  },
  {
    name: 'a text among the phases is refused, and no sum is made without it; milliseconds without a zone',
    mapping: 'tasmota-energy',
    topic: 'tele/main/SENSOR',
    payload: { Time: '2026-01-15T12:00:00.250', ENERGY: { Total: 5, Power: [100, '200', 300] } },
    frames: [['main', '2026-01-15T04:00:00.250Z', { active_energy_import: '5 kWh' }]],
    failures: [['values.active_power', 'mapping-failed']],
  },
  {
    name: 'a meter at its optical port is left alone',
    mapping: 'tasmota-energy',
    topic: 'tele/x/SENSOR',
    payload: { Time: AT, SML: { Total_in: 5 } },
    frames: [],
    leftAlone: true,
  },
  { name: 'a thermometer is left alone', mapping: 'tasmota-energy', topic: 'tele/x/SENSOR', payload: { Time: 'x', AM2301: {} }, frames: [], leftAlone: true },
  {
    name: 'a plug with last_seen in ISO 8601',
    mapping: 'zigbee2mqtt',
    topic: 'zigbee2mqtt/washer',
    payload: {
      current: 11.12,
      energy: 10.48,
      last_seen: '2026-01-15T12:00:00+08:00',
      linkquality: 39,
      power: 2441,
      state: 'ON',
      voltage: 223,
      ac_frequency: 50,
    },
    frames: [['washer', AT, { active_power: '2.441 kW', frequency: '50 Hz', active_energy_import: '10.48 kWh', voltage_a: '223 V', current_a: '11.12 A' }]],
  },
  {
    name: 'a plug with last_seen in milliseconds, and one without',
    mapping: 'zigbee2mqtt',
    topic: 'zigbee2mqtt/washer',
    payload: { power: 0, last_seen: AT_MS, energy: null },
    frames: [['washer', AT, { active_power: '0 kW' }]],
  },
  {
    name: 'three phases, of which the plain names are the first; last_seen in UTC',
    mapping: 'zigbee2mqtt',
    topic: 'zigbee2mqtt/main',
    payload: {
      ...{ power: 100, power_phase_b: 200, power_phase_c: -50, power_reactive: 10, power_reactive_phase_b: null, power_apparent: 1 },
      ...{ total_power_apparent: 320, power_factor: 0.9, voltage: 230, voltage_phase_b: 231, last_seen: '2026-01-15T04:00:00.000Z' },
    },
    frames: [['main', AT, { active_power: '0.25 kW', apparent_power: '0.32 kVA', voltage_a: '230 V', voltage_b: '231 V' }]],
  },
  {
    name: 'three phases with names of their own, beside which the plain names are of all',
    mapping: 'zigbee2mqtt',
    topic: 'zigbee2mqtt/powertag',
    payload: {
      ...{ power: 600, power_apparent: 700, power_factor: 0.86, energy: 12.5, ac_frequency: 50 },
      ...{ power_phase_a: 100, power_phase_b: 200, power_phase_c: 300, energy_phase_a: 2, energy_phase_b: 4, energy_phase_c: 6.5 },
      ...{ voltage_phase_a: 229, voltage_phase_b: 230, voltage_phase_c: 231, voltage_phase_ab: 398 },
      ...{ current_phase_a: 0.5, current_phase_b: 1, current_phase_c: 1.5 },
    },
    frames: [
      [
        'powertag',
        null,
        {
          ...{ active_power: '0.6 kW', apparent_power: '0.7 kVA', power_factor: '0.86 1', frequency: '50 Hz', active_energy_import: '12.5 kWh' },
          ...{ voltage_a: '229 V', voltage_b: '230 V', voltage_c: '231 V', current_a: '0.5 A', current_b: '1 A', current_c: '1.5 A' },
        },
      ],
    ],
  },
  {
    name: 'later phases without the first make no whole',
    mapping: 'zigbee2mqtt',
    topic: 'zigbee2mqtt/main',
    payload: { energy: 5, power_phase_b: 200 },
    frames: [['main', null, { active_energy_import: '5 kWh' }]],
  },
  {
    name: 'a meter for each channel, a voltage of all, a channel that was not heard of yet',
    mapping: 'zigbee2mqtt-channels',
    topic: 'zigbee2mqtt/hall/twin',
    payload: {
      ...{ power_l1: 10, power_l2: 0, energy_l1: 1.5, energy_l2: null, current_l1: 0.1, voltage: 230, state_l1: 'ON' },
      ...{ power_on_behavior_l1: 'on', last_seen: AT_MS },
    },
    frames: [
      ['hall:twin:l1', AT, { active_power: '0.01 kW', active_energy_import: '1.5 kWh', voltage_a: '230 V', current_a: '0.1 A' }],
      ['hall:twin:l2', AT, { active_power: '0 kW', voltage_a: '230 V' }],
    ],
  },
  {
    name: 'what has a power of the whole is left alone',
    mapping: 'zigbee2mqtt-channels',
    topic: 'zigbee2mqtt/twin',
    payload: { power: 10, power_l1: 10 },
    frames: [],
    leftAlone: true,
  },
  {
    name: 'a switch of several channels without a meter is left alone',
    mapping: 'zigbee2mqtt-channels',
    topic: 'zigbee2mqtt/twin',
    payload: { state_l1: 'ON', power_on_behavior_l1: 'on' },
    frames: [],
    leftAlone: true,
  },
  { name: 'a lamp is left alone', mapping: 'zigbee2mqtt', topic: 'zigbee2mqtt/lamp', payload: { state: 'ON' }, frames: [], leftAlone: true },
  {
    name: 'a friendly name with levels',
    mapping: 'zigbee2mqtt',
    topic: 'zigbee2mqtt/hall/ground-floor/plug-1',
    payload: { power: 5 },
    frames: [['hall:ground-floor:plug-1', null, { active_power: '0.005 kW' }]],
  },
  ...(
    [
      ['zigbee2mqtt/bridge/state', 'online'],
      ['zigbee2mqtt/plug/availability', 'offline'],
      ['zigbee2mqtt/hall/plug-1/availability', 'offline'],
      ['zigbee2mqtt/hall/plug-1/get', { power: '' }],
      ['zigbee2mqtt/plug/set/state', 'ON'],
    ] as const
  ).map(
    ([topic, payload]): Sample => ({
      ...{ name: `${topic} is left alone, whatever form it has`, mapping: 'zigbee2mqtt', topic, frames: [], leftAlone: true },
      payload: typeof payload === 'string' ? `hex:${Buffer.from(payload).toString('hex')}` : payload,
    }),
  ),
  {
    name: 'decoded values, the meter by tag, time with nanoseconds',
    mapping: 'chirpstack-v4',
    topic: 'application/9f5c/device/0102030405060708/event/up',
    payload: {
      time: '2026-01-15T04:00:00.123456789+00:00',
      deviceInfo: { devEui: '0102030405060708', tags: { meter: 'w-12' } },
      fPort: 1,
      data: 'AQ==',
      object: { water_volume: 4711.25, battery: 3.1 },
    },
    frames: [['w-12', '2026-01-15T04:00:00.123Z', { water_volume: '4711.25' }]],
  },
  {
    name: 'an uplink without a time of its own has that of the gateway that heard it',
    mapping: 'chirpstack-v4',
    topic: 'application/9f5c/device/0102030405060708/event/up',
    payload: { deviceInfo: { devEui: '0102030405060708' }, object: { water_volume: 1 }, rxInfo: [{ rssi: -80 }, { gwTime: '2026-01-15T04:00:00+00:00' }] },
    frames: [['0102030405060708', AT, { water_volume: '1' }]],
  },
  {
    name: 'an uplink without a codec is left alone',
    mapping: 'chirpstack-v4',
    topic: 'application/9f5c/device/0102030405060708/event/up',
    payload: { time: '2026-01-15T04:00:00Z', deviceInfo: { devEui: '0102030405060708' }, fPort: 10, data: 'AQ==', object: null },
    frames: [],
    leftAlone: true,
  },
  {
    name: 'an uplink whose object is null has its bytes read',
    mapping: 'chirpstack-v4-raw',
    topic: 'application/9f5c/device/0102030405060708/event/up',
    payload: { deviceInfo: { devEui: '0102030405060708' }, fPort: 10, data: Buffer.from('0040e2010024fafffffd08', 'hex').toString('base64'), object: null },
    frames: [['0102030405060708', null, { active_energy_import: '1234.56 kWh', active_power: '-1.5 kW', voltage_a: '230.1 V' }]],
  },
  {
    name: 'an uplink without a payload is left alone',
    mapping: 'chirpstack-v4-raw',
    topic: 'application/9f5c/device/0102030405060708/event/up',
    payload: { deviceInfo: { devEui: '0102030405060708' }, fPort: 10, data: '' },
    frames: [],
    leftAlone: true,
  },
  {
    name: 'an uplink with nothing but names that are ignored is understood',
    mapping: 'chirpstack-v4',
    topic: 'application/9f5c/device/0102030405060708/event/up',
    payload: { time: '2026-01-15T04:00:00Z', deviceInfo: { devEui: '0102030405060708' }, object: { battery: 3 } },
    frames: [],
  },
  {
    name: 'an uplink whose codec made nothing of it is not',
    mapping: 'chirpstack-v4',
    topic: 'application/9f5c/device/0102030405060708/event/up',
    payload: { time: '2026-01-15T04:00:00Z', deviceInfo: { devEui: '0102030405060708' }, object: {} },
    frames: [],
    failures: [['named', 'empty']],
  },
  {
    name: 'bytes, little endian, signed, with a status',
    mapping: 'chirpstack-v4-raw',
    topic: 'application/9f5c/device/0102030405060708/event/up',
    payload: {
      time: '2026-01-15T04:00:00Z',
      deviceInfo: { devEui: '0102030405060708' },
      fPort: 10,
      // 01, 123456 × 10 Wh, −1500 W, 230.1 V
      data: Buffer.from('0140e2010024fafffffd08', 'hex').toString('base64'),
    },
    frames: [
      ['0102030405060708', AT, { active_energy_import: '1234.56 kWh maintenance', active_power: '-1.5 kW maintenance', voltage_a: '230.1 V maintenance' }],
    ],
  },
  {
    name: 'an uplink that was cut short, and says at which byte',
    mapping: 'chirpstack-v4-raw',
    topic: 'application/9f5c/device/0102030405060708/event/up',
    payload: { time: '2026-01-15T04:00:00Z', deviceInfo: { devEui: '0102030405060708' }, fPort: 10, data: Buffer.from('0040e20100', 'hex').toString('base64') },
    frames: [['0102030405060708', AT, { active_energy_import: '1234.56 kWh' }]],
    failures: [
      ['values.active_power', 'mapping-failed'],
      ['values.voltage_a', 'mapping-failed'],
    ],
  },
  {
    name: 'a formatter’s values',
    mapping: 'the-things-stack-v3',
    topic: 'v3/park-app@ttn/devices/dev-1/up',
    payload: {
      end_device_ids: { device_id: 'dev-1', application_ids: { application_id: 'park-app' }, dev_eui: '0004A30B001C0530' },
      received_at: '2026-01-15T04:00:01.5Z',
      uplink_message: { f_port: 1, frm_payload: 'AQ==', decoded_payload: { air_temperature: 21.5, air_humidity: 40 }, received_at: '2026-01-15T04:00:00Z' },
    },
    frames: [['dev-1', AT, { air_temperature: '21.5', air_humidity: '40' }]],
  },
  {
    name: 'measurements with names of the schema, at times of their own, to the nanosecond; those of the ground are not taken',
    mapping: 'the-things-stack-v3-normalized',
    topic: 'v3/park-app@ttn/devices/dev-1/up',
    payload: {
      end_device_ids: { device_id: 'dev-1' },
      uplink_message: {
        received_at: '2026-01-15T04:00:00.187679495Z',
        decoded_payload: { TempC_SHT: 19.58 },
        normalized_payload: [
          { air: { location: 'indoor', relativeHumidity: 90.1, temperature: 19.58 }, battery: 3.1 },
          { time: '2026-01-15T03:00:00Z', air: { pressure: 1013 }, wind: { speed: 9.002, direction: 180 } },
          { soil: { temperature: 5 } },
        ],
      },
    },
    frames: [
      ['dev-1', '2026-01-15T04:00:00.187Z', { air_temperature: '19.58 °C', air_humidity: '90.1 %' }],
      ['dev-1', '2026-01-15T03:00:00.000Z', { air_pressure: '1013 hPa', wind_speed: '9.002 m/s', wind_direction: '180 °' }],
    ],
  },
  {
    name: 'an uplink whose formatter normalizes nothing is left alone',
    mapping: 'the-things-stack-v3-normalized',
    topic: 'v3/park-app/devices/dev-1/up',
    payload: { end_device_ids: { device_id: 'dev-1' }, uplink_message: { received_at: '2026-01-15T04:00:00Z', normalized_payload: null } },
    frames: [],
    leftAlone: true,
  },
  {
    name: 'an uplink without a formatter is left alone',
    mapping: 'the-things-stack-v3',
    topic: 'v3/park-app/devices/dev-1/up',
    payload: { end_device_ids: { device_id: 'dev-1' }, uplink_message: { f_port: 10, frm_payload: 'AQ==', decoded_payload: null } },
    frames: [],
    leftAlone: true,
  },
  {
    name: 'bytes beside a decoded payload that is null',
    mapping: 'the-things-stack-v3-raw',
    topic: 'v3/park-app/devices/dev-1/up',
    payload: {
      end_device_ids: { device_id: 'dev-1' },
      received_at: '2026-01-15T04:00:00Z',
      uplink_message: { f_port: 10, frm_payload: Buffer.from('0001000000e80300006400', 'hex').toString('base64'), decoded_payload: null },
    },
    frames: [['dev-1', AT, { active_energy_import: '0.01 kWh', active_power: '1 kW', voltage_a: '10 V' }]],
  },
  {
    name: 'bytes without a formatter',
    mapping: 'the-things-stack-v3-raw',
    topic: 'v3/park-app/devices/dev-1/up',
    payload: {
      end_device_ids: { device_id: 'dev-1' },
      received_at: '2026-01-15T04:00:00Z',
      uplink_message: { f_port: 10, frm_payload: Buffer.from('0001000000e80300006400', 'hex').toString('base64') },
    },
    frames: [['dev-1', AT, { active_energy_import: '0.01 kWh', active_power: '1 kW', voltage_a: '10 V' }]],
  },
  {
    name: 'one channel a message',
    mapping: 'openems',
    topic: 'edge/edge0/channel/ess0/Soc',
    payload: 57,
    frames: [['edge0:ess0', null, { state_of_charge: '57 %' }]],
  },
  {
    name: 'the sum of the site',
    mapping: 'openems',
    topic: 'edge/edge0/channel/_sum/GridActivePower',
    payload: -4200,
    frames: [['edge0:sum', null, { active_power: '-4.2 kW' }]],
  },
  {
    name: 'what an inverter of PV has made',
    mapping: 'openems',
    topic: 'edge/edge0/channel/pvInverter0/ActiveProductionEnergy',
    payload: 4200,
    frames: [['edge0:pvInverter0', null, { active_energy_export: '4.2 kWh' }]],
  },
  {
    name: 'what a meter has drawn',
    mapping: 'openems',
    topic: 'edge/edge0/channel/meter0/ActiveProductionEnergy',
    payload: 4200,
    frames: [['edge0:meter0', null, { active_energy_import: '4.2 kWh' }]],
  },
  {
    name: 'a storage that discharges',
    mapping: 'openems',
    topic: 'edge/edge0/channel/ess0/ActivePower',
    payload: 5000,
    frames: [['edge0:ess0', null, { active_power: '-5 kW' }]],
  },
  { name: 'a channel that nobody maps is understood', mapping: 'openems', topic: 'edge/edge0/channel/_sum/State', payload: 0, frames: [] },
  { name: 'a channel without a value now is understood', mapping: 'openems', topic: 'edge/edge0/channel/ess0/Soc', payload: null, frames: [] },
  {
    name: 'a channel with what is no value is told',
    mapping: 'openems',
    topic: 'edge/edge0/channel/ess0/Soc',
    payload: 'UNDEFINED',
    frames: [],
    failures: [['named.names.Soc', 'not-a-number']],
  },
  {
    name: 'registers of two devices: words, float32, a phase that is not there, a device that says its values are bad',
    mapping: 'modbus-registers',
    topic: 'modbus/rtu-1/registers',
    payload: {
      devices: [
        {
          ...{ id: 'm-1', time: '2026-01-15 12:00:00', quality: 'good' },
          registers: [
            { address: 4000, value: 1 },
            { address: 4001, value: 57920 },
            { address: 4002, value: 0x42f6 },
            { address: 4003, value: 0xe666 },
            { address: 4004, value: 2301 },
            { address: 4005, value: 65535 },
          ],
        },
        { id: 'm-2', time: AT_MS / 1000, quality: 'bad', registers: [{ address: 4004, value: 2299 }] },
      ],
    },
    frames: [
      ['m-1', AT, { active_energy_import: '1234.56 kWh', active_power: '123.45 kW', voltage_a: '230.1 V' }],
      ['m-2', AT, { voltage_a: '229.9 V fault' }],
    ],
  },
  {
    name: 'registers as texts, decimal and hexadecimal, one that could not be read, and one that is none',
    mapping: 'modbus-registers',
    topic: 'modbus/rtu-1/registers',
    payload: {
      devices: [
        {
          ...{ id: 'm-1', time: '2026-01-15 12:00:00', quality: 'good' },
          registers: [
            { address: '4000', value: '1' },
            { address: '4001', value: '0xE240' },
            { address: '4002', value: null },
            { address: '4003', value: '0xe666' },
            { address: '4004', value: '2301' },
            { address: '4005', value: '65535' },
            { address: '4006', value: '23.01' },
          ],
        },
      ],
    },
    frames: [['m-1', AT, { active_energy_import: '1234.56 kWh', voltage_a: '230.1 V' }]],
    failures: [
      ['values.active_power', 'mapping-failed'],
      ['values.voltage_c', 'mapping-failed'],
    ],
  },
  {
    name: 'several registers in an array, addresses as texts, and a value of 32 bits where one register is expected',
    mapping: 'modbus-registers',
    topic: 'modbus/rtu-1/registers',
    payload: {
      devices: [
        {
          ...{ id: 'm-1', time: '2026-01-15 12:00:00' },
          registers: [
            { address: 4000, value: [1, '0xE240', 0x42f6, 0xe666] },
            { address: '4004', value: [2301, null, '2299'] },
          ],
        },
        { id: 'm-2', time: AT_MS, registers: [{ address: 4000, value: 123456 }] },
        { id: 'm-3', time: AT_MS, registers: [{ address: 4000, value: 1 }] },
        { id: 'm-4', time: AT_MS, registers: [{ address: 4004, value: '08FD' }] },
      ],
    },
    frames: [['m-1', AT, { active_energy_import: '1234.56 kWh', active_power: '123.45 kW', voltage_a: '230.1 V', voltage_c: '229.9 V' }]],
    failures: [
      ['values.active_energy_import', 'mapping-failed'],
      ['values.active_energy_import', 'mapping-failed'],
      ['values.voltage_a', 'mapping-failed'],
    ],
  },
  {
    name: 'texts with units, a decimal comma, and what is not measured; one text that two countries read differently',
    mapping: 'modbus-values',
    topic: 'modbus/rtu-1/values',
    payload: {
      slave: 3,
      ts: '2026-01-15 12:00:00',
      data: [
        { name: 'kW', value: '12.4 kW' },
        { name: 'kWh', value: '1,234.5' },
        { name: 'Ia', value: '12,5' },
        { name: 'Ib', value: '850 mA' },
        { name: 'Ic', value: '--' },
        { name: 'Ua', value: '1,234' },
        { name: 'Ub', value: '3 kW' },
      ],
    },
    frames: [['rtu-1:3', AT, { active_power: '12.4 kW', active_energy_import: '1234.5 kWh', current_a: '12.5 A', current_b: '0.85 A' }]],
    failures: [
      ['named.names.Ua', 'not-a-number'],
      ['named.names.Ub', 'unknown-unit'],
    ],
  },
  {
    name: 'an energy frame as bytes, with leading FE',
    mapping: 'dlt645-frame',
    topic: 'dlt645/dtu-1/frame',
    payload: 'hex:fefefe6812345678901268910833333433ab896745cc16',
    frames: [['129078563412', null, { active_energy_import: '123456.78 kWh' }]],
  },
  {
    name: 'a frame whose check sum is wrong',
    mapping: 'dlt645-frame',
    topic: 'dlt645/dtu-1/frame',
    payload: 'hex:6812345678901268910833333433ab896745cd16',
    frames: [],
    failures: [['meter', 'mapping-failed']],
  },
  {
    name: 'two frames in one message, a broken one between them, and what is no frame behind',
    mapping: 'dlt645-frame',
    topic: 'dlt645/dtu-1/frame',
    payload: `hex:fefe6812345678901268910833333433ab896745cc16fe6812345678901268910833333433ab896745cd16${frame645('02030000', '003456')}0102`,
    frames: [
      ['129078563412', null, { active_energy_import: '123456.78 kWh' }],
      ['000000004711', null, { active_power: '0.3456 kW' }],
    ],
    failures: [
      ['meter', 'mapping-failed'],
      ['meter', 'mapping-failed'],
    ],
  },
  {
    name: 'blocks: the energy before that of its tariffs, the power before that of its phases',
    mapping: 'dlt645-frame',
    topic: 'dlt645/dtu-1/frame',
    payload: `hex:${frame645('0001FF00', '000003000000020012345678')}${frame645('0203FF00', '000100000200000300000600')}`,
    frames: [
      ['000000004711', null, { active_energy_import: '123456.78 kWh' }],
      ['000000004711', null, { active_power: '0.06 kW' }],
    ],
  },
  {
    name: 'frames in JSON: power that flows back, voltages of three phases in a block',
    mapping: 'dlt645-hex',
    topic: 'dlt645/dtu-1/frames',
    payload: { time: '2026-01-15 12:00:00', frames: [frame645('02030000', '803456'), frame645('0201FF00', '230223012299')] },
    frames: [
      ['000000004711', AT, { active_power: '-0.3456 kW' }],
      ['000000004711', AT, { voltage_a: '229.9 V', voltage_b: '230.1 V', voltage_c: '230.2 V' }],
    ],
  },
  {
    name: 'a frame whose check sum is wrong between two that are right costs itself alone',
    mapping: 'dlt645-hex',
    topic: 'dlt645/dtu-1/frames',
    payload: {
      time: '2026-01-15 12:00:00',
      frames: [frame645('02030000', '003456'), '6812345678901268910833333433ab896745cd16', frame645('0201FF00', '230223012299')],
    },
    frames: [
      ['000000004711', AT, { active_power: '0.3456 kW' }],
      ['000000004711', AT, { voltage_a: '229.9 V', voltage_b: '230.1 V', voltage_c: '230.2 V' }],
    ],
    failures: [['meter', 'mapping-failed']],
  },
  {
    name: 'frames as text: hexadecimal with spaces',
    mapping: 'dlt645-frame',
    topic: 'dlt645/dtu-1/frame',
    payload: `hex:${Buffer.from('FE FE 68 12 34 56 78 90 12 68 91 08 33 33 34 33 AB 89 67 45 CC 16\r\n').toString('hex')}`,
    frames: [['129078563412', null, { active_energy_import: '123456.78 kWh' }]],
  },
  {
    name: 'frames as text: base64',
    mapping: 'dlt645-frame',
    topic: 'dlt645/dtu-1/frame',
    payload: `hex:${Buffer.from(Buffer.from('fefefe6812345678901268910833333433ab896745cc16', 'hex').toString('base64')).toString('hex')}`,
    frames: [['129078563412', null, { active_energy_import: '123456.78 kWh' }]],
  },
  {
    name: 'frames in JSON: base64, two in one text with wake-up bytes, what is no text at all, and what is no frame',
    mapping: 'dlt645-hex',
    topic: 'dlt645/dtu-1/frames',
    payload: {
      time: '2026-01-15 12:00:00',
      frames: [
        Buffer.from(frame645('02030000', '003456'), 'hex').toString('base64'),
        `FEFE ${frame645('00010000', '00000100')} FE FE FE FE ${frame645('02800002', '5001')}`,
        17,
        'xyz',
      ],
    },
    frames: [
      ['000000004711', AT, { active_power: '0.3456 kW' }],
      ['000000004711', AT, { active_energy_import: '1 kWh' }],
      ['000000004711', AT, { frequency: '50.01 Hz' }],
    ],
    failures: [
      ['meter', 'mapping-failed'],
      ['meter', 'mapping-failed'],
    ],
  },
  {
    name: 'a block of one phase, a combined register below zero, a phase that the meter has not, and a value that is too long',
    mapping: 'dlt645-hex',
    topic: 'dlt645/dtu-1/frames',
    payload: {
      time: '2026-01-15 12:00:00',
      frames: [
        ...[frame645('0201FF00', '2299'), frame645('00030000', '80000123'), frame645('0202FF00', '801500ffffff001500')],
        ...[frame645('00010000', '0000000100'), frame645('0201FF00', '012299')],
      ],
    },
    frames: [
      ['000000004711', AT, { voltage_a: '229.9 V' }],
      ['000000004711', AT, { reactive_energy_import: '-1.23 kvarh range' }],
      ['000000004711', AT, { current_a: '1.5 A', current_c: '-1.5 A' }],
    ],
    failures: [
      ['meter', 'mapping-failed'],
      ['meter', 'mapping-failed'],
    ],
  },
  {
    name: 'the combined active energy, alone and before its tariffs, is not taken for import',
    mapping: 'dlt645-frame',
    topic: 'dlt645/dtu-1/frame',
    payload: `hex:${frame645('00000000', '00000100')}${frame645('0000FF00', '0000010000000100')}`,
    frames: [],
    failures: [
      ['named.from', 'unknown-quantity'],
      ['named.from', 'unknown-quantity'],
    ],
  },
  {
    name: 'values by identifier, as texts',
    mapping: 'dlt645-values',
    topic: 'dlt645/dtu-1/values',
    payload: { meters: [{ address: '000000004711', time: '2026-01-15 12:00:00', data: { '00010000': '123456.78', '02010100': '229.9 V', '02030000': '--' } }] },
    frames: [['000000004711', AT, { active_energy_import: '123456.78 kWh', voltage_a: '229.9 V' }]],
  },
  {
    name: 'points with scale factors, one that is not implemented, in operation',
    mapping: 'sunspec-inverter',
    topic: 'sunspec/inv-1/inverter',
    payload: { ts: AT_MS, W: 1234, W_SF: 1, Hz: 5001, Hz_SF: -2, PhVphA: 2301, V_SF: -1, PhVphB: 65535, WH: 1234567, WH_SF: 0, DCV: 6502, DCV_SF: -1, St: 4 },
    frames: [
      ['inv-1', AT, { active_power: '12.34 kW', frequency: '50.01 Hz', voltage_a: '230.1 V', active_energy_export: '1234.567 kWh', dc_voltage: '650.2 V' }],
    ],
  },
  {
    name: 'an accumulator that stands at 65535, a power that runs backwards, and a word that is no int16',
    mapping: 'sunspec-inverter',
    topic: 'sunspec/inv-1/inverter',
    payload: {
      ts: AT_MS,
      WH: 65535,
      WH_SF: 0,
      W: -1,
      W_SF: 1,
      VAr: 65535,
      VAr_SF: 0,
      Hz: '5001',
      Hz_SF: -2,
      PhVphA: 2301,
      V_SF: null,
      DCW: null,
      DCW_SF: null,
    },
    frames: [['inv-1', AT, { active_energy_export: '65.535 kWh', active_power: '-0.01 kW', frequency: '50.01 Hz' }]],
    failures: [
      ['values.reactive_power', 'mapping-failed'],
      ['values.voltage_a', 'mapping-failed'],
    ],
  },
  {
    name: 'an inverter in its fault state',
    mapping: 'sunspec-inverter',
    topic: 'sunspec/inv-1/inverter',
    payload: { ts: AT_MS, W: 0, W_SF: 0, St: 7 },
    frames: [['inv-1', AT, { active_power: '0 kW fault' }]],
  },
  {
    name: 'a battery',
    mapping: 'sunspec-battery',
    topic: 'sunspec/bat-1/battery',
    payload: { ts: AT_MS / 1000, SoC: 574, SoC_SF: -1, V: 7680, V_SF: -1, A: -125, A_SF: -1, W: -96, W_SF: 2 },
    frames: [['bat-1', AT, { state_of_charge: '57.4 %', dc_voltage: '768 V', dc_current: '-12.5 A', dc_power: '-9.6 kW' }]],
  },
  {
    name: 'points as texts: NaN for what is not measured; one with a unit, and what is no number, are refused',
    mapping: 'sunspec-battery',
    topic: 'sunspec/bat-1/battery',
    payload: { ts: AT_MS / 1000, SoC: 'NaN', SoC_SF: 'NaN', V: '7680', V_SF: '-1', A: true, A_SF: 0, W: '9.6 kW', W_SF: 2 },
    frames: [['bat-1', AT, { dc_voltage: '768 V' }]],
    failures: [
      ['values.dc_current', 'mapping-failed'],
      ['values.dc_power', 'mapping-failed'],
    ],
  },
  {
    name: 'a point without its scale factor is refused and costs itself alone; one that is not implemented needs none',
    mapping: 'sunspec-battery',
    topic: 'sunspec/bat-1/battery',
    payload: { ts: AT_MS / 1000, SoC: 574, V: 7680, V_SF: -1, A: -32768 },
    frames: [['bat-1', AT, { dc_voltage: '768 V' }]],
    failures: [['values.state_of_charge', 'mapping-failed']],
  },
];

/** A meter's answer as DL/T 645 frames it: digits of the value most significant first. */
function frame645(identifier: string, digits: string): string {
  const reversed = (hex: string): number[] => [...Buffer.from(hex, 'hex')].reverse();
  const data = [...reversed(identifier), ...reversed(digits)].map((byte) => (byte + 0x33) & 0xff);
  const bytes = [0x68, ...reversed('000000004711'), 0x68, 0x91, data.length, ...data];
  return Buffer.from([...bytes, bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0), 0x16]).toString('hex');
}

/** The payload as it travels. */
export const bytesOfSample = ({ payload }: Sample): Uint8Array =>
  typeof payload === 'string' && payload.startsWith('hex:') ? Buffer.from(payload.slice(4), 'hex') : Buffer.from(JSON.stringify(payload));
