import type { ShippedMapping } from '../../../model/mapping.ts';

const SOURCE =
  'Shelly Gen2 device API, MQTT and the components EM, EMData, EM1, EM1Data, Switch and PM1: NotifyStatus on {topic prefix}/events/rpc, and each component by itself on {topic prefix}/status/{component} where “generic status update over MQTT” is on; powers in W and VA, energies in Wh, params.ts in seconds; aenergy holds what ret_aenergy counts, too (the device API as quoted in two public issue threads). A prefix of several levels needs topics of its own, e.g. hall/{meter}/events/rpc. Component names were confirmed at a public integrator’s list; the names of the fields are from memory (high confidence).';

/** @param now where the component EM stands @param counted where EMData does */
const threePhases = (now: string, counted: string): NonNullable<ShippedMapping['values']> => ({
  active_power: { from: `${now}total_act_power`, unit: 'W' },
  apparent_power: { from: `${now}total_aprt_power`, unit: 'VA' },
  frequency: { from: `${now}a_freq`, unit: 'Hz' },
  voltage_a: { from: `${now}a_voltage`, unit: 'V' },
  voltage_b: { from: `${now}b_voltage`, unit: 'V' },
  voltage_c: { from: `${now}c_voltage`, unit: 'V' },
  current_a: { from: `${now}a_current`, unit: 'A' },
  current_b: { from: `${now}b_current`, unit: 'A' },
  current_c: { from: `${now}c_current`, unit: 'A' },
  active_energy_import: { from: `${counted}total_act`, unit: 'Wh' },
  active_energy_export: { from: `${counted}total_act_ret`, unit: 'Wh' },
});

/** The same of EM1 and EM1Data. */
const onePhase = (now: string, counted: string): NonNullable<ShippedMapping['values']> => ({
  active_power: { from: `${now}act_power`, unit: 'W' },
  apparent_power: { from: `${now}aprt_power`, unit: 'VA' },
  power_factor: { from: `${now}pf`, unit: '1' },
  frequency: { from: `${now}freq`, unit: 'Hz' },
  voltage_a: { from: `${now}voltage`, unit: 'V' },
  current_a: { from: `${now}current`, unit: 'A' },
  active_energy_import: { from: `${counted}total_act_energy`, unit: 'Wh' },
  active_energy_export: { from: `${counted}total_act_ret_energy`, unit: 'Wh' },
});

/** Of Switch, PM1, Cover and Light. @param of where the component stands */
const metered = (of: string): NonNullable<ShippedMapping['values']> => ({
  active_power: { from: `${of}apower`, unit: 'W' },
  power_factor: { from: `${of}pf`, unit: '1' },
  frequency: { from: `${of}freq`, unit: 'Hz' },
  voltage_a: { from: `${of}voltage`, unit: 'V' },
  current_a: { from: `${of}current`, unit: 'A' },
  // What is returned counts there as well.
  active_energy_import: { from: `$exists(${of}ret_aenergy.total) ? ${of}aenergy.total - ${of}ret_aenergy.total : ${of}aenergy.total`, unit: 'Wh' },
  active_energy_export: { from: `${of}ret_aenergy.total`, unit: 'Wh' },
  device_temperature: { from: `${of}temperature.tC`, unit: '°C' },
});
const METERED = ['switch', 'pm1', 'cover', 'light'];

const NOTIFIES = '(method = "NotifyStatus" or method = "NotifyFullStatus")';
/**
 * A component may tell what has changed alone, e.g. an error or its state: one of the values, if null, stands there. Not the temperature, which
 * relays without a meter have, too.
 */
const tellsOneOf = ({ device_temperature: _, ...values }: NonNullable<ShippedMapping['values']>): string =>
  `(${Object.values(values)
    .map((rule) => `$exists(${typeof rule === 'string' ? rule : rule.from})`)
    .join(' or ')})`;
/** Those components of a notification that tell what is measured. */
const EM1_PARTS = `$sift(params, function($v, $k) { $substring($k, 0, 3) = "em1" and ${tellsOneOf(onePhase('$v.', '$v.'))} })`;
const METERED_PARTS = `$sift(params, function($v, $k) { $substringBefore($k, ":") in ${JSON.stringify(METERED)} and ${tellsOneOf(metered('$v.'))} })`;

/** The status of a component, which is its whole message and bears no time. */
const statusOf = (...components: string[]): string[] => ['', 'shellies/'].flatMap((prefix) => components.map((component) => `${prefix}${component}`));

export const SHELLY: readonly ShippedMapping[] = [
  {
    id: 'shelly-3em',
    name: 'Shelly Pro 3EM and 3EM Gen3, three phases as one meter',
    enabled: true,
    source: SOURCE,
    topics: ['{meter}/events/rpc', 'shellies/{meter}/events/rpc'],
    when: `${NOTIFIES} and ${tellsOneOf(threePhases('params."em:0".', 'params."emdata:0".'))}`,
    meter: '$topic.meter',
    time: { from: 'params.ts', as: 'seconds' },
    values: threePhases('params."em:0".', 'params."emdata:0".'),
  },
  {
    id: 'shelly-em',
    name: 'Shelly Pro EM and EM Gen3: a meter for each channel, {device}:{channel}',
    enabled: true,
    source: SOURCE,
    topics: ['{device}/events/rpc', 'shellies/{device}/events/rpc'],
    when: `${NOTIFIES} and $exists(${EM1_PARTS})`,
    each: `($time := params.ts; $each(${EM1_PARTS}, function($v, $k) { {"channel": $substringAfter($k, ":"), "ts": $time, "now": $substringBefore($k, ":") = "em1" ? $v, "counted": $substringBefore($k, ":") = "em1data" ? $v} }))`,
    meter: '$topic.device & ":" & channel',
    time: { from: 'ts', as: 'seconds' },
    values: onePhase('now.', 'counted.'),
  },
  {
    id: 'shelly-3em-status',
    name: 'Shelly Pro 3EM and 3EM Gen3: the status of a component by itself',
    enabled: true,
    source: SOURCE,
    topics: statusOf('{meter}/status/em:0', '{meter}/status/emdata:0'),
    when: tellsOneOf(threePhases('', '')),
    meter: '$topic.meter',
    values: threePhases('', ''),
  },
  {
    id: 'shelly-em-status',
    name: 'Shelly Pro EM and EM Gen3: the status of a component by itself, {device}:{channel}',
    enabled: true,
    source: SOURCE,
    topics: statusOf('{device}/status/em1:{channel}', '{device}/status/em1data:{channel}'),
    when: tellsOneOf(onePhase('', '')),
    meter: '$topic.device & ":" & $topic.channel',
    values: onePhase('', ''),
  },
  {
    id: 'shelly-pm',
    name: 'Shelly plugs, relays and PM: a meter for each channel, {device}:{channel}',
    enabled: true,
    source: SOURCE,
    topics: ['{device}/events/rpc', 'shellies/{device}/events/rpc'],
    when: `${NOTIFIES} and $exists(${METERED_PARTS})`,
    each: `($time := params.ts; $each(${METERED_PARTS}, function($v, $k) { {"channel": $substringAfter($k, ":"), "ts": $time, "now": $v} }))`,
    meter: '$topic.device & ":" & channel',
    time: { from: 'ts', as: 'seconds' },
    values: metered('now.'),
  },
  {
    id: 'shelly-pm-status',
    name: 'Shelly plugs, relays and PM: the status of a component by itself, {device}:{channel}',
    enabled: true,
    source: SOURCE,
    topics: statusOf(...METERED.map((component) => `{device}/status/${component}:{channel}`)),
    when: tellsOneOf(metered('')),
    meter: '$topic.device & ":" & $topic.channel',
    values: metered(''),
  },
];
