import type { ShippedMapping } from '../../../model/mapping.ts';

/** Over the phases that are there: one number, or an array in which a phase that is not wired is null. */
const over = (how: 'sum' | 'average', field: string): string => `$${how}(ENERGY.${field}[$type($) = "number"])`;

export const TASMOTA: readonly ShippedMapping[] = [
  {
    id: 'tasmota-energy',
    name: 'Tasmota energy sensors, one or three phases',
    enabled: true,
    source:
      'tasmota.github.io, MQTT and power monitoring: tele/{topic}/SENSOR with ENERGY; Time is the local time of the device without a zone unless it was configured otherwise, and may be seconds since 1970; Total and Today in kWh, powers in W, VA and var; values of several phases are arrays, null where a phase is not wired. The arrays and TotalOut/ExportActive are from memory (high and medium confidence).',
    topics: ['tele/{meter}/SENSOR', '{meter}/tele/SENSOR'],
    zone: 'Asia/Shanghai',
    when: '$exists(ENERGY)',
    meter: '$topic.meter',
    time: 'Time',
    values: {
      active_energy_import: { from: `$type(ENERGY.Total) = "array" ? ${over('sum', 'Total')} : ENERGY.Total`, unit: 'kWh' },
      active_energy_export: { from: `${over('sum', 'ExportActive')} ?? ENERGY.TotalOut`, unit: 'kWh' },
      active_energy_day: { from: `$type(ENERGY.Today) = "array" ? ${over('sum', 'Today')} : ENERGY.Today`, unit: 'kWh' },
      active_power: { from: over('sum', 'Power'), unit: 'W' },
      apparent_power: { from: over('sum', 'ApparentPower'), unit: 'VA' },
      reactive_power: { from: over('sum', 'ReactivePower'), unit: 'var' },
      power_factor: { from: over('average', 'Factor'), unit: '1' },
      frequency: { from: 'ENERGY.Frequency[0]', unit: 'Hz' },
      voltage_a: { from: 'ENERGY.Voltage[0]', unit: 'V' },
      voltage_b: { from: 'ENERGY.Voltage[1]', unit: 'V' },
      voltage_c: { from: 'ENERGY.Voltage[2]', unit: 'V' },
      current_a: { from: 'ENERGY.Current[0]', unit: 'A' },
      current_b: { from: 'ENERGY.Current[1]', unit: 'A' },
      current_c: { from: 'ENERGY.Current[2]', unit: 'A' },
    },
  },
];
