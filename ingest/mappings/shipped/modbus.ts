import type { ShippedMapping } from '../../../model/mapping.ts';

const FORM = 'No standard: gateways that poll Modbus and publish the registers as they read them differ in names; this is a form that many can be set to.';

/** One register as an unsigned number, however it is written. */
const word = (address: number): string => `$exists(r."${address}") ? $uint($registers(r."${address}"), 0, 2)`;

/** Two registers as one value, the high word first; one of them without the other is refused. */
const two = (read: 'uint' | 'float', first: number): string =>
  `$exists(r."${first}") or $exists(r."${first + 1}") ? $${read}($registers([r."${first}", r."${first + 1}"]), 0, 4)`;

export const MODBUS: readonly ShippedMapping[] = [
  {
    id: 'modbus-registers',
    name: 'Modbus gateway: a flat list of registers',
    enabled: true,
    source: `${FORM} {"devices": [{"id": …, "time": …, "quality": "good", "registers": [{"address": 4000, "value": …}, …]}, …]}; energy uint32 of 10 Wh from 4000, power float32 in kW from 4002, voltages uint16 in tenths of V from 4004; a register is a number or a text, decimal or 0x…, or the first of several in an array (our example: put the meter’s own register map in its place; a meter that sends the low word first wants $registers([r."4001", r."4000"])).`,
    topics: ['modbus/{gateway}/registers'],
    each: '$map(devices, function($d) { {"id": $d.id, "time": $d.time, "quality": $d.quality, "r": $merge($d.registers.($at := $number(address); $map(value, function($w, $i) { $w = null ? {} : {$string($at + $i): $w} })))} })',
    meter: 'id',
    zone: 'Asia/Shanghai',
    time: 'time',
    flag: { from: 'quality', map: { good: 'good', bad: 'fault', stale: 'estimated', '*': 'fault' } },
    values: {
      active_energy_import: { from: two('uint', 4000), scale: 0.01, unit: 'kWh' },
      active_power: { from: two('float', 4002), unit: 'kW' },
      voltage_a: { from: word(4004), scale: 0.1, unit: 'V', missing: [65535] },
      voltage_b: { from: word(4005), scale: 0.1, unit: 'V', missing: [65535] },
      voltage_c: { from: word(4006), scale: 0.1, unit: 'V', missing: [65535] },
    },
  },
  {
    id: 'modbus-values',
    name: 'Modbus gateway: named values, also as texts with units',
    enabled: true,
    source: `${FORM} {"slave": …, "ts": …, "data": [{"name": "kW", "value": "12.4 kW"}, …]}.`,
    topics: ['modbus/{gateway}/values'],
    meter: '$topic.gateway & ":" & slave',
    zone: 'Asia/Shanghai',
    time: 'ts',
    missing: ['--', 'NaN', 'N/A'],
    named: {
      from: '$merge(data.{name: value})',
      names: {
        kWh: { quantity: 'active_energy_import', unit: 'kWh' },
        kW: { quantity: 'active_power', unit: 'kW' },
        kvar: { quantity: 'reactive_power', unit: 'kvar' },
        PF: { quantity: 'power_factor', unit: '1' },
        Hz: { quantity: 'frequency', unit: 'Hz' },
        Ua: { quantity: 'voltage_a', unit: 'V' },
        Ub: { quantity: 'voltage_b', unit: 'V' },
        Uc: { quantity: 'voltage_c', unit: 'V' },
        Ia: { quantity: 'current_a', unit: 'A' },
        Ib: { quantity: 'current_b', unit: 'A' },
        Ic: { quantity: 'current_c', unit: 'A' },
      },
    },
  },
];
