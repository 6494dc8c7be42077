import type { ShippedMapping } from '../../../model/mapping.ts';

const NAMES_NOTE =
  'The names of decoded values are those of the device’s codec: quantities of the catalogue are taken, further ones are named under "names", others are left out.';
const RAW_NOTE =
  'The layout of the bytes is an example of our own (fPort 10: status, energy in units of 10 Wh, power in W, voltage in tenths of V, all little endian); put that of the device in its place.';

/** Status byte, then uint32 energy, int32 power, uint16 voltage. */
const RAW_VALUES: NonNullable<ShippedMapping['values']> = {
  active_energy_import: { from: '$uint(bytes, 1, 4, "le")', scale: 0.01, unit: 'kWh' },
  active_power: { from: '$int(bytes, 5, 4, "le")', unit: 'W' },
  voltage_a: { from: '$uint(bytes, 9, 2, "le")', scale: 0.1, unit: 'V' },
};
const STATUS_FLAG: NonNullable<ShippedMapping['flag']> = {
  from: '$uint(bytes, 0, 1)',
  map: { '0': 'good', '1': 'maintenance', '2': 'calibration', '*': 'fault' },
};

/** When ChirpStack or else a gateway heard the uplink. */
const UPLINK_TIME = '[time, rxInfo.gwTime, rxInfo.nsTime][$ != null][0]';

export const LORAWAN: readonly ShippedMapping[] = [
  {
    id: 'chirpstack-v4',
    name: 'ChirpStack v4 uplinks with a codec',
    enabled: true,
    source: `chirpstack.io, MQTT integration and integration.proto of v4: application/{id}/device/{devEui}/event/up as JSON with time, deviceInfo, fPort, data (base64) and object (what the device profile’s codec made of it; left out or null without a codec). An uplink without time has that of a gateway under rxInfo, or that of arrival. A device tag "meter" goes before the EUI. ${NAMES_NOTE}`,
    topics: ['application/{application}/device/{eui}/event/up'],
    when: '$type(object) = "object"',
    meter: 'deviceInfo.tags.meter ?? deviceInfo.devEui ?? $topic.eui',
    time: { from: UPLINK_TIME, as: 'iso' },
    named: { from: 'object', others: 'ignore' },
  },
  {
    id: 'chirpstack-v4-raw',
    name: 'ChirpStack v4 uplinks as bytes',
    enabled: true,
    source: `chirpstack.io, as chirpstack-v4; data is base64. ${RAW_NOTE}`,
    topics: ['application/{application}/device/{eui}/event/up'],
    when: 'fPort = 10 and $type(data) = "string" and data != "" and $not($type(object) = "object")',
    each: `{"device": deviceInfo.tags.meter ?? deviceInfo.devEui ?? $topic.eui, "at": ${UPLINK_TIME}, "bytes": $bytes(data, "base64")}`,
    meter: 'device',
    time: { from: 'at', as: 'iso' },
    flag: STATUS_FLAG,
    values: RAW_VALUES,
  },
  {
    id: 'the-things-stack-v3',
    name: 'The Things Stack v3 uplinks with a payload formatter',
    enabled: true,
    source: `thethingsindustries.com, MQTT server and data formats: v3/{application}@{tenant}/devices/{device}/up with end_device_ids, received_at and uplink_message (decoded_payload, frm_payload as base64, f_port, received_at); empty fields are left out of the message. ${NAMES_NOTE}`,
    topics: ['v3/{application}/devices/{device}/up'],
    when: '$type(uplink_message.decoded_payload) = "object"',
    meter: 'end_device_ids.device_id ?? $topic.device',
    time: { from: 'uplink_message.received_at ?? received_at', as: 'iso' },
    named: { from: 'uplink_message.decoded_payload', others: 'ignore' },
  },
  {
    id: 'the-things-stack-v3-normalized',
    name: 'The Things Stack v3 uplinks with a normalized payload',
    enabled: true,
    source:
      'thethingsindustries.com, as the-things-stack-v3: uplink_message.normalized_payload is a list of measurements with names and units of the payload schema in the repository of LoRaWAN devices (air in °C, % and hPa, wind in m/s and °), each with a time of its own perhaps. Take it instead of the-things-stack-v3, which goes before it, where the names of decoded_payload are the device’s own.',
    topics: ['v3/{application}/devices/{device}/up'],
    when: '$type(uplink_message.normalized_payload) = "array" and $count(uplink_message.normalized_payload[$exists(air) or $exists(wind)]) > 0',
    each: 'uplink_message.normalized_payload[$exists(air) or $exists(wind)]',
    meter: '$message.end_device_ids.device_id ?? $topic.device',
    time: { from: 'time ?? $message.uplink_message.received_at ?? $message.received_at', as: 'iso' },
    values: {
      air_temperature: { from: 'air.temperature', unit: '°C' },
      air_humidity: { from: 'air.relativeHumidity', unit: '%' },
      air_pressure: { from: 'air.pressure', unit: 'hPa' },
      wind_speed: { from: 'wind.speed', unit: 'm/s' },
      wind_direction: { from: 'wind.direction', unit: '°' },
    },
  },
  {
    id: 'the-things-stack-v3-raw',
    name: 'The Things Stack v3 uplinks as bytes',
    enabled: true,
    source: `thethingsindustries.com, as the-things-stack-v3; frm_payload is base64. ${RAW_NOTE}`,
    topics: ['v3/{application}/devices/{device}/up'],
    when: 'uplink_message.f_port = 10 and $type(uplink_message.frm_payload) = "string" and $not($type(uplink_message.decoded_payload) = "object")',
    each: '{"device": end_device_ids.device_id ?? $topic.device, "at": uplink_message.received_at ?? received_at, "bytes": $bytes(uplink_message.frm_payload, "base64")}',
    meter: 'device',
    time: { from: 'at', as: 'iso' },
    flag: STATUS_FLAG,
    values: RAW_VALUES,
  },
];
