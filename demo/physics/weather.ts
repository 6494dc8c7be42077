import type { EpochMs } from '../../model/ids.ts';
import { EPOCH, HOUR_MS, KNOT_MS, KNOTS_PER_DAY, KNOTS_PER_HOUR, knotsAt } from './calendar.ts';
import { smooth, streamOf } from './noise.ts';
import { Signal } from './signal.ts';

/** Longquanyi, east of Chengdu; degrees. */
const LATITUDE = 30.56;
const LONGITUDE = 104.27;
const RAD = Math.PI / 180;
const DAYS_PER_YEAR = 365.2422;

/** Sine of the sun's elevation over the park, below 0 at night. Cooper's declination and the usual equation of time. */
export function sinElevation(ts: EpochMs): number {
  const dayOfYear = 1 + (((ts - EPOCH) / HOUR_MS / 24) % DAYS_PER_YEAR);
  const declination = 23.45 * RAD * Math.sin(((2 * Math.PI) / 365) * (284 + dayOfYear));
  const b = ((2 * Math.PI) / 364) * (dayOfYear - 81);
  const equationMinutes = 9.87 * Math.sin(2 * b) - 7.53 * Math.cos(b) - 1.5 * Math.sin(b);
  const solarHour = ((ts / HOUR_MS) % 24) + LONGITUDE / 15 + equationMinutes / 60;
  const hourAngle = (solarHour - 12) * 15 * RAD;
  return Math.sin(LATITUDE * RAD) * Math.sin(declination) + Math.cos(LATITUDE * RAD) * Math.cos(declination) * Math.cos(hourAngle);
}

/** Global irradiance under a clear sky in W/m² (Haurwitz 1945). */
export function clearSky(ts: EpochMs): number {
  const sine = sinElevation(ts);
  return sine <= 0 ? 0 : 1098 * sine * Math.exp(-0.057 / sine);
}

/** The weather over the park: slowly varying fields, each a function of seed and time. */
export interface Weather {
  /** °C */
  readonly temperature: Signal;
  /** W/m² on the horizontal; never above the clear sky's. */
  readonly irradiance: Signal;
  /** Share of the sky that is covered, 0 to 1. */
  cloud(knot: number): number;
  /** % */
  humidity(ts: EpochMs): number;
  /** hPa; the park lies about 500 m above the sea. */
  pressure(ts: EpochMs): number;
  /** m/s */
  windSpeed(ts: EpochMs): number;
  /** degrees, from where it blows */
  windDirection(ts: EpochMs): number;
  /** mm/h */
  rain(ts: EpochMs): number;
}

export function weatherOf(seed: number): Weather {
  const [clouds, warmth, moisture, wind, direction, barometer] = ['cloud', 'temperature', 'humidity', 'wind', 'direction', 'pressure'].map(streamOf) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];

  const cloud = (knot: number): number => {
    const hours = knot / KNOTS_PER_HOUR;
    const field = 0.62 + 0.42 * smooth(seed, clouds, hours / 17) + 0.24 * smooth(seed, clouds + 1, hours / 3) + 0.12 * smooth(seed, clouds + 2, hours / 0.4);
    return Math.min(1, Math.max(0, field));
  };

  const temperatureAt = (knot: number): number => {
    const days = knot / KNOTS_PER_DAY;
    // Coldest in mid-January, warmest in late July; Chengdu's monthly means run from about 6 to 26 °C.
    const season = 16.2 - 10 * Math.cos((2 * Math.PI * (days - 15)) / DAYS_PER_YEAR);
    const spread = 3.2 + 1.8 * (1 - cloud(knot));
    const daily = -spread * Math.cos(2 * Math.PI * (days - 0.125 - 0.5 / 24));
    return season + daily + 3 * smooth(seed, warmth, days / 3) + 0.5 * smooth(seed, warmth + 1, days * 12);
  };

  const temperature = new Signal(temperatureAt, { seed, stream: warmth });
  const irradiance = new Signal(
    (knot) => {
      const clear = clearSky(EPOCH + knot * KNOT_MS);
      // Kasten and Czeplak 1980: how a covered sky dims the sun.
      return clear === 0 ? 0 : clear * (1 - 0.75 * cloud(knot) ** 3.4);
    },
    { seed, stream: clouds },
  );

  const humidity = (ts: EpochMs): number => {
    const knot = knotsAt(ts);
    const daily = 12 * Math.cos(2 * Math.PI * (knot / KNOTS_PER_DAY - 0.22));
    return Math.min(99, Math.max(28, 74 + daily + 10 * (cloud(knot) - 0.5) + 8 * smooth(seed, moisture, knot / 90)));
  };

  return {
    temperature,
    irradiance,
    cloud,
    humidity,
    pressure: (ts) => 957 + 6 * smooth(seed, barometer, knotsAt(ts) / (3 * KNOTS_PER_DAY)) - 1.2 * Math.cos((4 * Math.PI * knotsAt(ts)) / KNOTS_PER_DAY),
    windSpeed: (ts) => {
      const knot = knotsAt(ts);
      const gust = 0.5 * smooth(seed, wind + 1, knot * 5);
      return Math.max(0.1, 1.5 + 0.9 * smooth(seed, wind, knot / 50) - 0.4 * Math.cos((2 * Math.PI * knot) / KNOTS_PER_DAY) + gust);
    },
    windDirection: (ts) => (((30 + 110 * smooth(seed, direction, knotsAt(ts) / 70) + 15 * smooth(seed, direction + 1, knotsAt(ts))) % 360) + 360) % 360,
    rain: (ts) => {
      const knot = knotsAt(ts);
      const wet = cloud(knot) - 0.9;
      return wet <= 0 ? 0 : Math.max(0, 30 * wet * (0.6 + 0.8 * smooth(seed, moisture + 1, knot / 6)));
    },
  };
}
