import type { ShippedMapping } from '../../../model/mapping.ts';

const SOURCE =
  'SunSpec information models, points with their scale factors as gateways publish them by name (…_SF, powers of ten); a point that is not implemented reads -32768 or 65535. Point names from memory (high confidence); no standard says how they travel over MQTT.';
/** A point with its own scale factor. */
const scaled = (point: string, factor = `${point}_SF`): string => `$sunspec(${point}, ${factor})`;

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
      active_power: { from: scaled('W'), unit: 'W' },
      apparent_power: { from: scaled('VA'), unit: 'VA' },
      reactive_power: { from: scaled('VAr'), unit: 'var' },
      power_factor: { from: scaled('PF'), unit: '%' },
      frequency: { from: scaled('Hz'), unit: 'Hz' },
      voltage_a: { from: scaled('PhVphA', 'V_SF'), unit: 'V' },
      voltage_b: { from: scaled('PhVphB', 'V_SF'), unit: 'V' },
      voltage_c: { from: scaled('PhVphC', 'V_SF'), unit: 'V' },
      current_a: { from: scaled('AphA', 'A_SF'), unit: 'A' },
      current_b: { from: scaled('AphB', 'A_SF'), unit: 'A' },
      current_c: { from: scaled('AphC', 'A_SF'), unit: 'A' },
      // What an inverter makes is its export.
      active_energy_export: { from: scaled('WH'), unit: 'Wh', missing: [0] },
      dc_voltage: { from: scaled('DCV'), unit: 'V' },
      dc_current: { from: scaled('DCA'), unit: 'A' },
      dc_power: { from: scaled('DCW'), unit: 'W' },
      device_temperature: { from: scaled('TmpCab', 'Tmp_SF'), unit: '°C' },
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
      state_of_charge: { from: scaled('SoC'), unit: '%' },
      dc_voltage: { from: scaled('V'), unit: 'V' },
      dc_current: { from: scaled('A'), unit: 'A' },
      dc_power: { from: scaled('W'), unit: 'W' },
      device_temperature: { from: scaled('TmpBdy', 'Tmp_SF'), unit: '°C' },
    },
  },
];
