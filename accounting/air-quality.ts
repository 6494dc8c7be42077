import type { EpochMs, MeterId } from '../model/ids.ts';
import type { AirQuality } from '../model/live.ts';
import type { QuantityName } from '../model/quantities.ts';

export const AIR_ITEMS = ['pm2_5', 'pm10', 'so2', 'no2', 'co', 'o3'] as const satisfies readonly QuantityName[];
export type AirItem = (typeof AIR_ITEMS)[number];
/** The columns of the standards' tables: one-hour, eight-hour and 24-hour means. */
export type Averaging = '1h' | '8h' | '24h';
export type AirStandard = 'HJ 633-2026' | 'HJ 633-2012';

const INDEX = [0, 50, 100, 150, 200, 300, 400, 500] as const;

type Table = Readonly<Record<string, readonly (number | null)[]>>;

// µg/m³, CO mg/m³. HJ 633-2026 table 3, read from the published standard.
const TABLE_2026: Table = {
  'so2 24h': [0, 50, 150, 475, 800, 1600, 2100, 2620],
  'so2 1h': [0, 150, 500, 650, 800, null, null, null],
  'no2 24h': [0, 40, 80, 180, 280, 565, 750, 940],
  'no2 1h': [0, 100, 200, 700, 1200, 2340, 3090, 3840],
  'co 24h': [0, 2, 4, 14, 24, 36, 48, 60],
  'co 1h': [0, 5, 10, 35, 60, 90, 120, 150],
  'o3 1h': [0, 160, 200, 300, 400, 800, 1000, 1200],
  'o3 8h': [0, 100, 160, 215, 265, 800, null, null],
  'pm10 24h': [0, 50, 120, 250, 350, 420, 500, 600],
  'pm2_5 24h': [0, 35, 60, 115, 150, 250, 350, 500],
};
// HJ 633-2012 table 1, as restated in public code: it differs in particulates alone.
const TABLE_2012: Table = { ...TABLE_2026, 'pm10 24h': [0, 50, 150, 250, 350, 420, 500, 600], 'pm2_5 24h': [0, 35, 75, 115, 150, 250, 350, 500] };

/** HJ 633-2026 is in force from this instant (2026-03-01, Beijing time). */
export const IN_FORCE_2026: EpochMs = Date.UTC(2026, 1, 28, 16);

/** The standard in force at the time of measurement. */
export const airStandardAt = (ts: EpochMs): AirStandard => (ts >= IN_FORCE_2026 ? 'HJ 633-2026' : 'HJ 633-2012');

/** GB/T 8170: to whole numbers, half to even; CO to one decimal. Answers tenths for CO, units otherwise. */
function rounded(item: AirItem, concentration: number): number {
  const scaled = item === 'co' ? concentration * 10 : concentration;
  const below = Math.floor(scaled);
  // Tenths of CO come from a product: 2.45 × 10 must count as the half that it is.
  const part = Number((scaled - below).toFixed(9));
  return part > 0.5 || (part === 0.5 && below % 2 === 1) ? below + 1 : below;
}

/**
 * The individual index of one pollutant, an integer from 0 to 500, always rounded up; computed in whole numbers, since 76.0000001 would
 * become 77. Null where the standard gives none (a negative concentration, or beyond a column that ends early in the 2012 edition).
 *
 * @param concentration µg/m³, CO mg/m³
 */
export function iaqi(standard: AirStandard, item: AirItem, averaging: Averaging, concentration: number): number | null {
  if (!(concentration >= 0)) return null;
  const tables = standard === 'HJ 633-2026' ? TABLE_2026 : TABLE_2012;
  // Particulates have no one-hour column: the real-time report reads their hourly mean against the 24-hour one.
  const column = tables[`${item} ${averaging}`] ?? tables[`${item} 24h`];
  if (column === undefined) return null;
  const scale = item === 'co' ? 10 : 1;
  const value = rounded(item, concentration);
  let last = 0;
  for (let at = 1; at < INDEX.length; at++) {
    const [low, high] = [column[at - 1] ?? null, column[at] ?? null];
    if (low === null || high === null) break;
    last = at;
    if (value > high * scale) continue;
    const rise = ((INDEX[at] as number) - (INDEX[at - 1] as number)) * (value - low * scale);
    const width = (high - low) * scale;
    return (INDEX[at - 1] as number) + Math.floor(rise / width) + (rise % width === 0 ? 0 : 1);
  }
  if (last === INDEX.length - 1) return 500;
  // SO₂ above 800 in an hour, O₃ above 800 in eight: notes to the 2026 table; the 2012 edition gives no index there.
  return standard === 'HJ 633-2026' ? (INDEX[last] as number) : null;
}

export interface Composite {
  readonly aqi: number | null;
  /** Pollutants with the largest index where it is above 50. */
  readonly primary: readonly AirItem[];
}

/** The largest of the individual indices, and which pollutants have it. */
export function composite(indices: ReadonlyMap<AirItem, number | null>): Composite {
  const known = [...indices].filter((entry): entry is [AirItem, number] => entry[1] !== null);
  if (known.length === 0) return { aqi: null, primary: [] };
  const aqi = Math.max(...known.map(([, index]) => index));
  return { aqi, primary: aqi > 50 ? known.filter(([, index]) => index === aqi).map(([item]) => item) : [] };
}

/** 1 excellent to 6 severe. */
export function airLevel(aqi: number): 1 | 2 | 3 | 4 | 5 | 6 {
  if (aqi <= 50) return 1;
  if (aqi <= 100) return 2;
  if (aqi <= 150) return 3;
  if (aqi <= 200) return 4;
  return aqi <= 300 ? 5 : 6;
}

/**
 * The real-time report of a station from its one-hour means. When one of the six is missing, the index is given only above 100;
 * below, the single items stand and the index is null (HJ 633-2026).
 *
 * @param at end of the hour
 */
export function realTimeAir(meter: MeterId, at: EpochMs, means: ReadonlyMap<AirItem, number>): AirQuality {
  const standard = airStandardAt(at);
  const indices = new Map<AirItem, number | null>();
  for (const [item, mean] of means) indices.set(item, iaqi(standard, item, '1h', mean));
  const whole = composite(indices);
  const complete = AIR_ITEMS.every((item) => (indices.get(item) ?? null) !== null);
  const aqi = whole.aqi !== null && (complete || whole.aqi > 100) ? whole.aqi : null;
  return {
    meter,
    at,
    standard,
    aqi,
    level: aqi === null ? null : airLevel(aqi),
    primary: aqi === null ? [] : whole.primary,
    items: AIR_ITEMS.flatMap((item) => (means.has(item) ? [{ quantity: item, mean: means.get(item) as number, iaqi: indices.get(item) ?? null }] : [])),
  };
}
