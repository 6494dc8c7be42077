import type { ShippedMapping } from '../../../model/mapping.ts';

/** Behind names of up to three levels: what others ask of a device, and whether it can be reached. */
const NOT_ITS_STATE = ['+', '+/+', '+/+/+'].flatMap((name) => ['set/#', 'get/#', 'availability'].map((said) => `zigbee2mqtt/${name}/${said}`));

export const ZIGBEE2MQTT: readonly ShippedMapping[] = [
  {
    id: 'zigbee2mqtt',
    name: 'Zigbee2MQTT plugs and meters',
    enabled: true,
    source:
      'zigbee2mqtt.io, MQTT topics and exposes: zigbee2mqtt/{friendly name} with power (W), energy (kWh), voltage (V), current (A), ac_frequency, last_seen where it is switched on (ISO 8601 with zone, or milliseconds); seen so in public logs. The names for phases b and c and produced_energy are from memory (medium confidence). A friendly name may have levels: hall/plug-1 is the meter hall:plug-1; a level of it must not be "set" or "get". For output "json", the default: single attributes are texts that no mapping reads.',
    topics: ['zigbee2mqtt/#'],
    except: ['zigbee2mqtt/bridge/#', ...NOT_ITS_STATE],
    when: '$exists(power) or $exists(energy)',
    meter: '$replace($topic.rest, "/", ":")',
    time: 'last_seen',
    values: {
      active_power: { from: 'power', unit: 'W' },
      reactive_power: { from: 'power_reactive', unit: 'var' },
      apparent_power: { from: 'power_apparent', unit: 'VA' },
      power_factor: { from: 'power_factor', unit: '1' },
      frequency: { from: 'ac_frequency', unit: 'Hz' },
      active_energy_import: { from: 'energy', unit: 'kWh' },
      active_energy_export: { from: 'produced_energy', unit: 'kWh' },
      voltage_a: { from: 'voltage', unit: 'V' },
      voltage_b: { from: 'voltage_phase_b', unit: 'V' },
      voltage_c: { from: 'voltage_phase_c', unit: 'V' },
      current_a: { from: 'current', unit: 'A' },
      current_b: { from: 'current_phase_b', unit: 'A' },
      current_c: { from: 'current_phase_c', unit: 'A' },
      device_temperature: { from: 'device_temperature', unit: '°C' },
    },
  },
];
