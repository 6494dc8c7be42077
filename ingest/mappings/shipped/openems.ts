import type { ShippedMapping } from '../../../model/mapping.ts';

export const OPENEMS: readonly ShippedMapping[] = [
  {
    id: 'openems',
    name: 'OpenEMS Edge, MQTT API controller',
    enabled: true,
    source:
      'OpenEMS, readme of io.openems.edge.controller.api.mqtt: edge/{edge}/channel/{component}/{channel}, one value a message, on change and at least every five minutes, without a time. Channels of the natures ElectricityMeter, SymmetricEss and Sum in W, var, mV, mA, mHz, Wh and % (signs and units from memory, high confidence; that a value stands alone as JSON likewise). Meters are {edge}:{component}, and {edge}:sum for _sum.',
    topics: ['edge/{edge}/channel/{component}/{channel}'],
    meter: '$topic.component = "_sum" ? $topic.edge & ":sum" : $topic.edge & ":" & $topic.component',
    named: {
      from: '{$topic.channel: $}',
      others: 'ignore',
      names: {
        ActivePower: { quantity: 'active_power', unit: 'W' },
        ReactivePower: { quantity: 'reactive_power', unit: 'var' },
        GridActivePower: { quantity: 'active_power', unit: 'W' },
        Frequency: { quantity: 'frequency', unit: 'mHz' },
        VoltageL1: { quantity: 'voltage_a', unit: 'mV' },
        VoltageL2: { quantity: 'voltage_b', unit: 'mV' },
        VoltageL3: { quantity: 'voltage_c', unit: 'mV' },
        CurrentL1: { quantity: 'current_a', unit: 'mA' },
        CurrentL2: { quantity: 'current_b', unit: 'mA' },
        CurrentL3: { quantity: 'current_c', unit: 'mA' },
        ActiveProductionEnergy: { quantity: 'active_energy_import', unit: 'Wh' },
        ActiveConsumptionEnergy: { quantity: 'active_energy_export', unit: 'Wh' },
        GridBuyActiveEnergy: { quantity: 'active_energy_import', unit: 'Wh' },
        GridSellActiveEnergy: { quantity: 'active_energy_export', unit: 'Wh' },
        ActiveChargeEnergy: { quantity: 'active_energy_import', unit: 'Wh' },
        ActiveDischargeEnergy: { quantity: 'active_energy_export', unit: 'Wh' },
        Soc: { quantity: 'state_of_charge', unit: '%' },
        EssSoc: { quantity: 'state_of_charge', unit: '%' },
      },
    },
  },
];
