import type { ShippedMapping } from '../../../model/mapping.ts';

const SOURCE =
  'SunSpec information models, points with their scale factors as gateways publish them by name (…_SF, powers of ten); a point that is not implemented reads -32768 (int16) or 65535 (uint16), an accumulator 0. Names and types of the points from memory (high confidence); no standard says how they travel over MQTT.';
/** A point by its type, with its own scale factor. */
const scaled = (point: string, type: string, factor = `${point}_SF`): string => `$sunspec(${point}, ${factor}, "${type}")`;

export const SUNSPEC: readonly ShippedMapping[] = [
  {
    id: 'sunspec-inverter',
    name: 'SunSpec inverter (models 101 to 103)',
    enabled: true,
    source: SOURCE,
    topics: ['sunspec/{meter}/inverter'],
    meter: '$topic.meter',
    time: 'ts',
    // Operating state 7 is a fault; what is measured then is kept and marked.
    flag: { from: '$string(St)', map: { '7': 'fault', '8': 'good', '*': 'good' } },
    values: {
      active_power: { from: scaled('W', 'int16'), unit: 'W' },
      apparent_power: { from: scaled('VA', 'int16'), unit: 'VA' },
      reactive_power: { from: scaled('VAr', 'int16'), unit: 'var' },
      power_factor: { from: scaled('PF', 'int16'), unit: '%' },
      frequency: { from: scaled('Hz', 'uint16'), unit: 'Hz' },
      voltage_a: { from: scaled('PhVphA', 'uint16', 'V_SF'), unit: 'V' },
      voltage_b: { from: scaled('PhVphB', 'uint16', 'V_SF'), unit: 'V' },
      voltage_c: { from: scaled('PhVphC', 'uint16', 'V_SF'), unit: 'V' },
      current_a: { from: scaled('AphA', 'uint16', 'A_SF'), unit: 'A' },
      current_b: { from: scaled('AphB', 'uint16', 'A_SF'), unit: 'A' },
      current_c: { from: scaled('AphC', 'uint16', 'A_SF'), unit: 'A' },
      // What an inverter makes is its export.
      active_energy_export: { from: scaled('WH', 'acc32'), unit: 'Wh', missing: [0] },
      dc_voltage: { from: scaled('DCV', 'uint16'), unit: 'V' },
      dc_current: { from: scaled('DCA', 'uint16'), unit: 'A' },
      dc_power: { from: scaled('DCW', 'int16'), unit: 'W' },
      device_temperature: { from: scaled('TmpCab', 'int16', 'Tmp_SF'), unit: '°C' },
    },
  },
  {
    id: 'sunspec-battery',
    name: 'SunSpec battery (model 802)',
    enabled: true,
    source: SOURCE,
    topics: ['sunspec/{meter}/battery'],
    meter: '$topic.meter',
    time: 'ts',
    values: {
      state_of_charge: { from: scaled('SoC', 'uint16'), unit: '%' },
      dc_voltage: { from: scaled('V', 'uint16'), unit: 'V' },
      dc_current: { from: scaled('A', 'int16'), unit: 'A' },
      dc_power: { from: scaled('W', 'int16'), unit: 'W' },
      device_temperature: { from: scaled('TmpBdy', 'int16', 'Tmp_SF'), unit: '°C' },
    },
  },
];
