import type { ShippedMapping } from '../../../model/mapping.ts';

/** The value by its channel; by that of its kind of component where it means another thing there. */
const OF_COMPONENT =
  '{($is := function($kind, $channels){ $substring($topic.component, 0, $length($kind)) = $kind and $topic.channel in $channels }; ' +
  '$is("pv", ["ActiveProductionEnergy", "ActiveConsumptionEnergy"]) ? "pv " & $topic.channel : ' +
  '$is("ess", ["ActivePower", "ReactivePower"]) ? "ess " & $topic.channel : $topic.channel): $}';

export const OPENEMS: readonly ShippedMapping[] = [
  {
    id: 'openems',
    name: 'OpenEMS Edge, MQTT API controller',
    enabled: true,
    source:
      'OpenEMS, readme of io.openems.edge.controller.api.mqtt: edge/{edge}/channel/{component}/{channel}, one value a message, on change and at least every five minutes, without a time. Channels of the natures ElectricityMeter, SymmetricEss and Sum in W, var, mV, mA, mHz, Wh and % (signs and units from memory, high confidence; that a value stands alone as JSON, null where there is none, was read in the controller’s source). It publishes them as retained: those that a broker kept are refused when the service subscribes, as nobody knows how old they are, and come again within five minutes. Meters are {edge}:{component}, and {edge}:sum for _sum. Of components called pv… production is what they generate; of those called ess… power counts as drawn while they charge, as everywhere here.',
    topics: ['edge/{edge}/channel/{component}/{channel}'],
    meter: '$topic.component = "_sum" ? $topic.edge & ":sum" : $topic.edge & ":" & $topic.component',
    named: {
      from: OF_COMPONENT,
      others: 'ignore',
      names: {
        ActivePower: { quantity: 'active_power', unit: 'W' },
        ReactivePower: { quantity: 'reactive_power', unit: 'var' },
        GridActivePower: { quantity: 'active_power', unit: 'W' },
        'pv ActiveProductionEnergy': { quantity: 'active_energy_export', unit: 'Wh' },
        'pv ActiveConsumptionEnergy': { quantity: 'active_energy_import', unit: 'Wh' },
        'ess ActivePower': { quantity: 'active_power', unit: 'W', scale: -1 },
        'ess ReactivePower': { quantity: 'reactive_power', unit: 'var', scale: -1 },
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
