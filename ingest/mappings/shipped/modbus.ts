import type { ShippedMapping } from '../../../model/mapping.ts';

const FORM = 'No standard: gateways that poll Modbus and publish the registers as they read them differ in names; this is a form that many can be set to.';

/** One register as an unsigned number, however it is written. */
const word = (address: string): string => `$exists(r."${address}") ? $uint($registers(r."${address}"), 0, 2)`;

export const MODBUS: readonly ShippedMapping[] = [
  {
    id: 'modbus-registers',
    name: 'Modbus gateway: a flat list of registers',
    enabled: true,
    source: `${FORM} {"devices": [{"id": …, "time": …, "quality": "good", "registers": [{"address": 4000, "value": …}, …]}, …]}; energy uint32 of 10 Wh from 4000, power float32 in kW from 4002, voltages uint16 in tenths of V from 4004; a register is a number or a text, decimal or 0x… (our example: put the meter’s own register map in its place).`,
    topics: ['modbus/{gateway}/registers'],
    each: '$map(devices, function($d) { {"id": $d.id, "time": $d.time, "quality": $d.quality, "r": $merge($d.registers[$type(value) != "null"].{$string(address): value})} })',
    meter: 'id',
    zone: 'Asia/Shanghai',
    time: 'time',
    flag: { from: 'quality', map: { good: 'good', bad: 'fault', stale: 'estimated', '*': 'fault' } },
    values: {
      active_energy_import: { from: '$exists(r."4001") ? $uint($registers([r."4000", r."4001"]), 0, 4)', scale: 0.01, unit: 'kWh' },
      active_power: { from: '$exists(r."4003") ? $float($registers([r."4002", r."4003"]), 0, 4)', unit: 'kW' },
      voltage_a: { from: word('4004'), scale: 0.1, unit: 'V', missing: [65535] },
      voltage_b: { from: word('4005'), scale: 0.1, unit: 'V', missing: [65535] },
      voltage_c: { from: word('4006'), scale: 0.1, unit: 'V', missing: [65535] },
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
