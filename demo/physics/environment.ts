import type { EpochMs } from '../../model/ids.ts';
import { dayOf, dayStart, hourOfDay, KNOTS_PER_DAY, knotsAt } from './calendar.ts';
import { window } from './load.ts';
import { smooth, unit } from './noise.ts';
import type { Weather } from './weather.ts';

/** A disturbance that comes once a day at a time of its own: begin, length and height differ from day to day. */
export interface DailyEvent {
  readonly stream: number;
  /** Hours of the park's day between which it begins; may run past 24. */
  readonly between: readonly [from: number, to: number];
  readonly minutes: number;
  /** Its height; the day draws from the two. */
  readonly height: readonly [low: number, high: number];
}

const HOUR = 3_600_000;

/** Begin of the event of `day`, to the minute. */
export function eventBegin(event: DailyEvent, seed: number, day: number): EpochMs {
  const [from, to] = event.between;
  return dayStart(day) + Math.floor((from + (to - from) * unit(seed, event.stream, day)) * 60) * 60_000;
}

/** Height of the event at an instant: 0 outside of it, full after a ramp of a tenth of its length. */
export function eventAt(event: DailyEvent, seed: number, ts: EpochMs): number {
  const today = dayOf(ts);
  for (let day = Math.max(0, today - 1); day <= today; day++) {
    const begin = eventBegin(event, seed, day);
    const length = event.minutes * 60_000;
    if (ts <= begin || ts >= begin + length) continue;
    const height = event.height[0] + (event.height[1] - event.height[0]) * unit(seed, event.stream + 1, day);
    return height * window(ts - begin, 0, length, length / 10);
  }
  return 0;
}

/** A bell over the hours of the day, `width` hours wide on either side, that wraps at midnight. */
function bell(hour: number, centre: number, width: number): number {
  const away = Math.abs(hour - centre);
  const nearest = Math.min(away, 24 - away) / width;
  return Math.exp(-nearest * nearest);
}

export interface Ambient {
  readonly pm2_5: number;
  readonly pm10: number;
  readonly so2: number;
  readonly no2: number;
  readonly co: number;
  readonly o3: number;
}

/** Ambient air: particulates gather under the night's inversion, NO₂ follows the traffic, O₃ is made by the afternoon's sun. µg/m³, CO mg/m³. */
export function ambientAt(weather: Weather, seed: number, ts: EpochMs): Ambient {
  const knot = knotsAt(ts);
  const hour = hourOfDay(ts);
  const noise = (stream: number, knots: number): number => smooth(seed, 900 + stream, knot / knots);
  // Winter's still air holds more than summer's.
  const winter = 0.5 + 0.5 * Math.cos((2 * Math.PI * (knot / KNOTS_PER_DAY - 15)) / 365.2422);
  const wind = 1.25 / (0.6 + 0.4 * weather.windSpeed(ts - (ts % 300_000)));
  const night = bell(hour, 1.5, 5);
  const stale = (18 + 28 * winter) * (1 + 0.45 * noise(0, 400)) * wind;
  const fine = stale * (0.75 + 0.55 * night) * (1 + 0.06 * noise(1, 2)) + 3;
  const coarse = fine * (1.45 + 0.15 * noise(2, 60)) + 8 * bell(hour, 15, 4);
  const traffic = bell(hour, 8.2, 1.6) + 1.1 * bell(hour, 18.6, 2.2);
  const no2 = (14 + 12 * winter + 26 * traffic) * (1 + 0.12 * noise(3, 9)) * Math.min(1.3, wind);
  // The air remembers the sun of the last hours.
  const sun = (weather.irradiance.at(Math.max(ts - 2 * HOUR, ts - (ts - dayStart(dayOf(ts))))) + weather.irradiance.at(ts)) / 2;
  const warmth = Math.max(0, weather.temperature.at(ts) - 2) / 24;
  const o3 = Math.max(4, 34 + (0.14 * sun * (0.5 + warmth) + 62 * bell(hour, 15.3, 3.2) * (0.4 + 0.6 * warmth)) * (1 + 0.1 * noise(4, 30)) - 0.45 * no2);
  return {
    pm2_5: fine,
    pm10: coarse,
    so2: Math.max(2, 7 + 3 * noise(5, 70) + 2 * bell(hour, 10, 3)),
    no2,
    co: 0.45 + 0.008 * stale + 0.18 * traffic + 0.05 * noise(6, 8),
    o3,
  };
}

export interface StackSpec {
  readonly stream: number;
  /** Usual concentrations in mg/m³. */
  readonly so2: number;
  readonly nox: number;
  readonly dust: number;
  readonly nmhc: number | null;
  readonly oxygen: number;
  readonly temperature: number;
  /** Inner area in m², from which the velocity follows. */
  readonly area: number;
  readonly noxEvents: readonly DailyEvent[];
}

/** Flue gas of a stack that carries `flow` m³/h. A NOₓ event is a burner out of tune: less oxygen missing, more CO₂-lean flame, more NOₓ. */
export function stackAt(spec: StackSpec, flow: number, seed: number, ts: EpochMs): Record<string, number> {
  const knot = knotsAt(ts);
  const noise = (index: number, knots: number): number => smooth(seed, spec.stream + index, knot / knots);
  const event = spec.noxEvents.reduce((sum, each) => sum + eventAt(each, seed, ts), 0);
  const temperature = spec.temperature + 6 * noise(5, 8);
  const values: Record<string, number> = {
    stack_so2: spec.so2 * (1 + 0.25 * noise(0, 9) + 0.06 * noise(1, 0.8)),
    stack_nox: spec.nox * (1 + 0.07 * noise(2, 12) + 0.03 * noise(3, 0.7)) + event,
    stack_dust: spec.dust * (1 + 0.25 * noise(4, 10)),
    stack_oxygen: spec.oxygen + 0.4 * noise(6, 10) + event / 150,
    stack_temperature: temperature,
    stack_flow: flow,
    // Dry gas at standard conditions to moist gas at the stack's temperature.
    stack_velocity: ((flow / 3600 / spec.area) * (273.15 + temperature)) / 273.15 / 0.92,
    stack_humidity: 8 + 1.2 * noise(7, 20),
  };
  if (spec.nmhc !== null) values['stack_nmhc'] = spec.nmhc * (1 + 0.3 * noise(8, 9));
  return values;
}

export interface OutfallSpec {
  readonly stream: number;
  readonly codEvent: DailyEvent;
}

/** Treated water of the park's plant in mg/L; the surge of the day brings COD and a little of everything. */
export function outfallAt(spec: OutfallSpec, airTemperature: number, seed: number, ts: EpochMs): Record<string, number> {
  const knot = knotsAt(ts);
  const hour = hourOfDay(ts);
  const noise = (index: number, knots: number): number => smooth(seed, spec.stream + index, knot / knots);
  const surge = eventAt(spec.codEvent, seed, ts);
  const load = 0.5 * bell(hour, 11, 3) + 0.6 * bell(hour, 20, 3);
  return {
    cod: 26 + 5 * load + 2.5 * noise(0, 14) + 0.6 * noise(1, 1) + surge,
    ammonia_nitrogen: 1.1 + 0.4 * load + 0.25 * noise(2, 18) + 0.02 * surge,
    total_phosphorus: 0.21 + 0.05 * load + 0.04 * noise(3, 20) + 0.002 * surge,
    total_nitrogen: 9.2 + 0.9 * noise(4, 24) + 0.05 * surge,
    ph: 7.3 + 0.2 * noise(5, 30),
    water_temperature: 15.5 + 0.35 * (airTemperature - 12) + 0.3 * noise(6, 60),
  };
}

export interface NoiseSpec {
  readonly stream: number;
  /** dB(A) in the full day and in the still of the night. */
  readonly day: number;
  readonly night: number;
  readonly event: DailyEvent | null;
}

/** Equivalent level of the minute in dB(A): the sum of what is heard is taken in energies, as sound adds up. */
export function soundAt(spec: NoiseSpec, seed: number, ts: EpochMs): number {
  const hour = hourOfDay(ts);
  const minute = Math.floor(ts / 60_000);
  const awake = window(hour, 5.5, 22.25, 1.5);
  const background = spec.night + (spec.day - spec.night) * awake + 1.6 * smooth(seed, spec.stream, minute / 9) + 1.1 * smooth(seed, spec.stream + 1, minute);
  const event = spec.event === null ? 0 : eventAt(spec.event, seed, ts);
  return event === 0 ? background : 10 * Math.log10(10 ** (background / 10) + 10 ** (event / 10));
}

/** Rain of the interval that ended at `ts`, in mm. */
export const rainOver = (weather: Weather, ts: EpochMs, intervalMs: number): number => (weather.rain(ts) * intervalMs) / HOUR;
