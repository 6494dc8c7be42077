import type { ShippedMapping } from '../../../model/mapping.ts';

/** One number, or an array over phases in which one that is not wired is null. A text among them is refused, not passed over. */
const sum = (field: string): string => `$sum(ENERGY.${field}[$ != null])`;

export const TASMOTA: readonly ShippedMapping[] = [
  {
    id: 'tasmota-energy',
    name: 'Tasmota energy sensors, one or three phases',
    enabled: true,
    source:
      'tasmota.github.io, MQTT and power monitoring, and the firmware’s energy driver: tele/{topic}/SENSOR with ENERGY, or stat/{topic}/STATUS8 (older: STATUS10) with the same under StatusSNS, where somebody asked for it. Time is the device’s local time without a zone, with one (SetOption52), or seconds since 1970 (Time 3); Epoch stands beside it with Time 2 and goes before it, as it needs no zone. Total, Today and ExportActive in kWh, powers in W, VA and var; values of several phases are arrays, null where a phase is not wired; Total and Today are so with SetOption129. The power factor of several phases is that of their sums. Yesterday, Period and TotalStartTime are not taken. A meter read by its optical port (SML) has names of its own making instead of ENERGY: copy this for it. TotalOut is from memory (medium confidence).',
    topics: ['tele/{meter}/SENSOR', '{meter}/tele/SENSOR', 'stat/{meter}/STATUS8', '{meter}/stat/STATUS8', 'stat/{meter}/STATUS10', '{meter}/stat/STATUS10'],
    zone: 'Asia/Shanghai',
    when: '$exists(ENERGY) or $exists(StatusSNS.ENERGY)',
    each: '$exists(StatusSNS) ? StatusSNS : $',
    meter: '$topic.meter',
    time: '$exists(Epoch) ? Epoch : Time',
    values: {
      active_energy_import: { from: sum('Total'), unit: 'kWh' },
      active_energy_export: { from: `${sum('ExportActive')} ?? ENERGY.TotalOut`, unit: 'kWh' },
      active_energy_day: { from: sum('Today'), unit: 'kWh' },
      active_power: { from: sum('Power'), unit: 'W' },
      apparent_power: { from: sum('ApparentPower'), unit: 'VA' },
      reactive_power: { from: sum('ReactivePower'), unit: 'var' },
      power_factor: {
        from: `$type(ENERGY.Factor) = "array" ? (${sum('ApparentPower')} > 0 ? $round(${sum('Power')} / ${sum('ApparentPower')}, 3)) : ENERGY.Factor`,
        unit: '1',
      },
      frequency: { from: 'ENERGY.Frequency[$ != null][0]', unit: 'Hz' },
      voltage_a: { from: 'ENERGY.Voltage[0]', unit: 'V' },
      voltage_b: { from: 'ENERGY.Voltage[1]', unit: 'V' },
      voltage_c: { from: 'ENERGY.Voltage[2]', unit: 'V' },
      current_a: { from: 'ENERGY.Current[0]', unit: 'A' },
      current_b: { from: 'ENERGY.Current[1]', unit: 'A' },
      current_c: { from: 'ENERGY.Current[2]', unit: 'A' },
    },
  },
];
