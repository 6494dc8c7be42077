import type { EpochMs } from '../../model/ids.ts';
import type { QuantityName } from '../../model/quantities.ts';
import type { Meter } from '../../model/registry.ts';
import { type Connection, frequencyAt, phasesAt } from '../physics/electrical.ts';
import { BATTERY_EFFICIENCY, type BatterySpec, moduleTemperature, SOC_MIN } from '../physics/renewables.ts';
import { type Flow, sinceMidnight } from '../physics/signal.ts';
import type { Weather } from '../physics/weather.ts';

/** What a meter reports for an instant. */
export type Reader = (ts: EpochMs) => Partial<Record<QuantityName, number>>;

/** A value cut to the digits that an instrument sends. */
export function shown(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}

/** Main meters report the phases too; sub-meters power, energy and power factor. Secondary values where the meter has a multiplier. */
export function electricityReading(
  flow: Flow,
  connection: Connection,
  options: { readonly seed: number; readonly stream: number; readonly meter: Meter; readonly begun: number; readonly main: boolean },
): Reader {
  const { seed, stream, begun, main } = options;
  const { multiplier } = options.meter;
  const digits = multiplier === 1 ? 2 : 4;
  return (ts) => {
    const power = flow.at(ts);
    const phases = phasesAt(power, connection, seed, stream, ts);
    const values: ReturnType<Reader> = {
      active_energy_import: shown((begun + flow.total(ts)) / multiplier, digits),
      active_power: shown(power / multiplier, digits),
      power_factor: shown(phases.powerFactor, 3),
    };
    if (!main) return values;
    values.reactive_power = shown(phases.reactive / multiplier, 2);
    values.frequency = shown(frequencyAt(seed, ts), 3);
    values.voltage_a = shown(phases.volts[0], 1);
    values.voltage_b = shown(phases.volts[1], 1);
    values.voltage_c = shown(phases.volts[2], 1);
    values.current_a = shown(phases.amperes[0] / multiplier, 2);
    values.current_b = shown(phases.amperes[1] / multiplier, 2);
    values.current_c = shown(phases.amperes[2] / multiplier, 2);
    return values;
  };
}

/** A battery: import is what it takes, export what it gives; positive power charges. */
export function storageReading(
  battery: { readonly spec: BatterySpec; readonly charge: Flow; readonly discharge: Flow },
  weather: Weather,
  begun: number,
): Reader {
  const { spec, charge, discharge } = battery;
  return (ts) => {
    const power = charge.at(ts) - discharge.at(ts);
    const held = sinceMidnight(charge, ts) * BATTERY_EFFICIENCY - sinceMidnight(discharge, ts) / BATTERY_EFFICIENCY;
    const soc = SOC_MIN + (100 * held) / spec.capacityKwh;
    const volts = 690 + 1.6 * soc + (20 * power) / spec.ratedKw;
    return {
      active_energy_import: shown(begun + charge.total(ts), 2),
      active_energy_export: shown(begun * 0.9 + discharge.total(ts), 2),
      active_power: shown(power, 1),
      state_of_charge: shown(soc, 2),
      dc_voltage: shown(volts, 1),
      dc_current: shown((power * 1000) / volts, 1),
      device_temperature: shown(22 + 0.2 * (weather.temperature.at(ts) - 18) + (9 * Math.abs(power)) / spec.ratedKw, 1),
    };
  };
}

/** Units that turn electricity into something else, or the sun into electricity. */
export const unitReading = {
  /** An inverter: its register counts what it has given (export), and its power is that giving, never negative. */
  pv(flow: Flow, weather: Weather, begun: number, units: { readonly active_power: 'W'; readonly dc_power: 'W' }): Reader {
    const scale = units.active_power === 'W' ? 1000 : 1;
    return (ts) => {
      const power = flow.at(ts);
      const irradiance = weather.irradiance.at(ts);
      const cell = moduleTemperature(weather.temperature.at(ts), irradiance);
      const dc = power / 0.975;
      const volts = power > 0 ? 640 - 1.8 * (cell - 25) : 0;
      return {
        active_energy_export: shown(begun + flow.total(ts), 2),
        active_power: shown(power * scale, 0),
        dc_power: shown(dc * scale, 0),
        dc_voltage: shown(volts, 1),
        dc_current: volts === 0 ? 0 : shown((dc * 1000) / volts, 2),
        irradiance: shown(irradiance, 1),
        module_temperature: shown(cell, 1),
      };
    };
  },

  electrolyser(flow: Flow, kwhPerKg: number, begun: number): Reader {
    return (ts) => {
      const power = flow.at(ts);
      const made = flow.total(ts);
      return {
        active_energy_import: shown(begun * kwhPerKg + made, 2),
        active_power: shown(power, 1),
        hydrogen_mass: shown(begun + made / kwhPerKg, 3),
        hydrogen_flow: shown(power / kwhPerKg, 3),
        device_temperature: shown(30 + (45 * power) / 1000, 1),
      };
    };
  },

  capture(power: Flow, captured: Flow, begun: number): Reader {
    return (ts) => ({
      active_energy_import: shown(begun * 100 + power.total(ts), 2),
      active_power: shown(power.at(ts), 1),
      captured_co2_mass: shown(begun + captured.total(ts), 4),
      captured_co2_flow: shown(captured.at(ts), 4),
    });
  },
};
