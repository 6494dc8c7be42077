import { KNOTS_PER_DAY, KNOTS_PER_HOUR } from './calendar.ts';
import { window } from './load.ts';
import { Signal } from './signal.ts';
import type { Weather } from './weather.ts';

/** DC side over AC rating: what makes an inverter clip on a clear summer noon. */
const DC_OVER_AC = 1.25;
const INVERTER_EFFICIENCY = 0.975;
/** Soiling, mismatch and cables. */
const SYSTEM_RATIO = 0.93;
const PER_DEGREE = -0.004;

/** Cell temperature over air temperature in °C at an irradiance in W/m². */
export const moduleTemperature = (air: number, irradiance: number): number => air + 0.03 * irradiance;

/** AC power in kW of an inverter of `ratedKw`: proportional to the sun, less in the heat, cut at the rated power. */
export function pvSignal(ratedKw: number, shading: number, seed: number, stream: number, weather: Weather): Signal {
  return new Signal(
    (knot) => {
      const irradiance = weather.irradiance.knot(knot);
      if (irradiance <= 0) return 0;
      const cell = moduleTemperature(weather.temperature.knot(knot), irradiance);
      const dc = ratedKw * DC_OVER_AC * (irradiance / 1000) * (1 + PER_DEGREE * (cell - 25)) * SYSTEM_RATIO * shading;
      return Math.min(ratedKw, dc * INVERTER_EFFICIENCY);
    },
    { seed, stream, ripple: 0.05, ceiling: ratedKw },
  );
}

export interface BatterySpec {
  readonly capacityKwh: number;
  readonly ratedKw: number;
}

export const SOC_MIN = 15;
export const SOC_MAX = 92;
/** Each way, inverter and cells together. */
export const BATTERY_EFFICIENCY = 0.95;

/**
 * Charges around noon, the more the sunnier, and gives it back in the evening peak. A day begins and ends at the lowest state
 * of charge, so the state at any instant follows from that day alone.
 */
export function batterySignals(spec: BatterySpec, seed: number, stream: number, weather: Weather): { readonly charge: Signal; readonly discharge: Signal } {
  const plans = new Map<number, { readonly charge: number; readonly discharge: number }>();
  const noon = (knot: number, day: number): number => {
    const hour = (knot - day * KNOTS_PER_DAY) / KNOTS_PER_HOUR;
    return window(hour, 10.25, 15.25, 0.5) * Math.min(1, 0.35 + weather.irradiance.knot(knot) / 700);
  };
  const evening = (knot: number, day: number): number => window((knot - day * KNOTS_PER_DAY) / KNOTS_PER_HOUR, 17.75, 21.75, 0.5);
  const planOf = (day: number) => {
    const known = plans.get(day);
    if (known !== undefined) return known;
    let chargeHours = 0;
    let dischargeHours = 0;
    for (let knot = day * KNOTS_PER_DAY; knot < (day + 1) * KNOTS_PER_DAY; knot++) {
      chargeHours += noon(knot, day) / KNOTS_PER_HOUR;
      dischargeHours += evening(knot, day) / KNOTS_PER_HOUR;
    }
    const room = (spec.capacityKwh * (SOC_MAX - SOC_MIN)) / 100;
    const charge = Math.min(0.6 * spec.ratedKw, (0.97 * room) / BATTERY_EFFICIENCY / chargeHours);
    const given = charge * chargeHours * BATTERY_EFFICIENCY * BATTERY_EFFICIENCY;
    const plan = { charge, discharge: given / dischargeHours };
    plans.set(day, plan);
    return plan;
  };
  const signal = (shape: (knot: number, day: number) => number, side: 'charge' | 'discharge', own: number): Signal =>
    new Signal(
      (knot) => {
        const day = Math.floor(knot / KNOTS_PER_DAY);
        return planOf(day)[side] * shape(knot, day);
      },
      { seed, stream: own, ripple: 0.02, ceiling: spec.ratedKw },
    );
  return { charge: signal(noon, 'charge', stream), discharge: signal(evening, 'discharge', stream + 1) };
}

/** kWh of electricity per kg of hydrogen, stack and auxiliaries (own assumption, usual for alkaline electrolysers). */
export const KWH_PER_KG_HYDROGEN = 53;

/** Electric power in kW: what the sun gives beyond the battery's charging, between the lowest load and the rated power. */
export function electrolyserSignal(ratedKw: number, sun: readonly Signal[], charging: readonly Signal[], seed: number, stream: number): Signal {
  return new Signal(
    (knot) => {
      const surplus = sun.reduce((sum, signal) => sum + signal.knot(knot), 0) - charging.reduce((sum, signal) => sum + signal.knot(knot), 0);
      return surplus < 0.15 * ratedKw ? 0 : Math.min(ratedKw, surplus);
    },
    { seed, stream, ripple: 0.01, ceiling: ratedKw },
  );
}
