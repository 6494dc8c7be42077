import type { ShippedMapping } from '../../../model/mapping.ts';

/** Behind names of up to three levels: what others ask of a device, and whether it can be reached. */
const NOT_ITS_STATE = ['+', '+/+', '+/+/+'].flatMap((name) => ['set/#', 'get/#', 'availability'].map((said) => `zigbee2mqtt/${name}/${said}`));

const TOPICS = { topics: ['zigbee2mqtt/#'], except: ['zigbee2mqtt/bridge/#', ...NOT_ITS_STATE] };

/** Of three phases the plain name is that of the first; null while one of them was not heard of yet. Where the first has a name, too, it is that of all. */
function ofPhases(total: string, one: string): string {
  const phases = `[${one}, ${one}_phase_b, ${one}_phase_c]`;
  const further = `$not($exists(power_phase_a)) and ($exists(${one}_phase_b) or $exists(${one}_phase_c))`;
  return `$exists(${total}) ? ${total} : $not(${further}) ? ${one} : $exists(${one}) ? (null in ${phases} ? null : $sum(${phases}))`;
}

const ofFirstPhase = (one: string): string => `$exists(${one}_phase_a) ? ${one}_phase_a : ${one}`;

/** Ends of the names of values that belong to one of several channels. */
const CHANNELS = ['l1', 'l2', 'l3', 'l4', 'l5', 'l6', 'l7', 'l8', 'left', 'right'];
const ofChannel = (name: string): string => `"${name}": $lookup($device, "${name}_" & $)`;

export const ZIGBEE2MQTT: readonly ShippedMapping[] = [
  {
    id: 'zigbee2mqtt',
    name: 'Zigbee2MQTT plugs and meters',
    enabled: true,
    source:
      'zigbee2mqtt.io, MQTT topics and exposes: zigbee2mqtt/{friendly name} with power (W), energy (kWh), voltage (V), current (A), ac_frequency, last_seen where it is switched on (ISO 8601 with zone, or milliseconds); seen so in public logs, the names of phases in the converters’ source: of a meter with power_phase_b, power is that of the first phase, so that they are added where there is no total_power; of one with power_phase_a, too (PowerTag), power is that of all. With cache_state off such a meter may send its phases one by one: keep it on. produced_energy and total_power_factor are from memory (medium confidence). A friendly name may have levels: hall/plug-1 is the meter hall:plug-1; a level of it must not be "set" or "get". For output "json", the default: single attributes are texts that no mapping reads.',
    ...TOPICS,
    when: '$exists(power) or $exists(energy)',
    meter: '$replace($topic.rest, "/", ":")',
    time: 'last_seen',
    values: {
      active_power: { from: ofPhases('total_power', 'power'), unit: 'W' },
      reactive_power: { from: ofPhases('total_power_reactive', 'power_reactive'), unit: 'var' },
      apparent_power: { from: ofPhases('total_power_apparent', 'power_apparent'), unit: 'VA' },
      power_factor: {
        from: '$exists(total_power_factor) ? total_power_factor : $exists(power_phase_a) or $not($exists(power_phase_b)) ? power_factor',
        unit: '1',
      },
      frequency: { from: 'ac_frequency', unit: 'Hz' },
      active_energy_import: { from: 'energy', unit: 'kWh' },
      active_energy_export: { from: 'produced_energy', unit: 'kWh' },
      voltage_a: { from: ofFirstPhase('voltage'), unit: 'V' },
      voltage_b: { from: 'voltage_phase_b', unit: 'V' },
      voltage_c: { from: 'voltage_phase_c', unit: 'V' },
      current_a: { from: ofFirstPhase('current'), unit: 'A' },
      current_b: { from: 'current_phase_b', unit: 'A' },
      current_c: { from: 'current_phase_c', unit: 'A' },
      device_temperature: { from: 'device_temperature', unit: '°C' },
    },
  },
  {
    id: 'zigbee2mqtt-channels',
    name: 'Zigbee2MQTT plugs of several channels: a meter for each, {friendly name}:{channel}',
    enabled: true,
    source: `As zigbee2mqtt, for devices that have no power or energy of the whole and name those of their channels power_l1, energy_l1 and so on, seen so in the converters’ source (left and right from memory); channels are ${CHANNELS.join(', ')}. Others, e.g. power_a of a meter with two clamps, may be phases or channels: name them in a copy. What a device says of the whole beside its channels is taken by zigbee2mqtt alone.`,
    ...TOPICS,
    when: `$not($exists(power) or $exists(energy)) and $count($keys($)[$ in ${JSON.stringify(CHANNELS.flatMap((end) => [`power_${end}`, `energy_${end}`]))}]) > 0`,
    each: `($device := $; ${JSON.stringify(CHANNELS)}.{"channel": $, ${['power', 'energy', 'voltage', 'current'].map(ofChannel).join(', ')}}[$exists(power) or $exists(energy)])`,
    meter: '$replace($topic.rest, "/", ":") & ":" & channel',
    time: '$message.last_seen',
    values: {
      active_power: { from: 'power', unit: 'W' },
      active_energy_import: { from: 'energy', unit: 'kWh' },
      voltage_a: { from: '$exists(voltage) ? voltage : $message.voltage', unit: 'V' },
      current_a: { from: 'current', unit: 'A' },
    },
  },
];
