import { GreenparkError } from '../../model/errors.ts';
import type { EpochMs } from '../../model/ids.ts';

/** China keeps UTC+8 all year. */
export const ZONE_OFFSET_MS = 8 * 3_600_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** Midnight of 2026-01-01 in the park: here all registers begin. Fixed for ever, or registers would jump between two starts. */
export const EPOCH: EpochMs = Date.UTC(2026, 0, 1) - ZONE_OFFSET_MS;
/** Signals are defined at knots five minutes apart and run straight between them, with a ripple. */
export const KNOT_MS = 300_000;
export const KNOTS_PER_HOUR = 12;
export const KNOTS_PER_DAY = 288;

export type DayType = 'workday' | 'saturday' | 'sunday' | 'holiday';

/** Days since the epoch in the park's zone; refuses an instant before the epoch. */
export function dayOf(ts: EpochMs): number {
  if (!(ts >= EPOCH)) {
    throw new GreenparkError('INPUT_INVALID', `the demonstration park begins at 2026-01-01T00:00+08:00, asked for ${new Date(ts).toISOString()}`);
  }
  return Math.floor((ts - EPOCH) / DAY_MS);
}

export const dayStart = (day: number): EpochMs => EPOCH + day * DAY_MS;

/** Position in knots since the epoch, with its fraction. */
export const knotsAt = (ts: EpochMs): number => (ts - EPOCH) / KNOT_MS;

/** Hour of the day in the park, 0 to 24, with its fraction. */
export const hourOfDay = (ts: EpochMs): number => ((ts - EPOCH) % DAY_MS) / HOUR_MS;

// First days of the lunar year (from memory); the works rest for seven days from the eve on.
const SPRING_FESTIVALS = ['2026-02-17', '2027-02-06', '2028-01-26', '2029-02-13', '2030-02-03'].map((day) => Date.parse(`${day}T00:00:00+08:00`));

/** What kind of day it is for the works. Adjusted working weekends are left out: a demonstration needs no official calendar. */
export function dayType(day: number): DayType {
  const start = dayStart(day);
  if (SPRING_FESTIVALS.some((first) => start >= first - DAY_MS && start < first + 6 * DAY_MS)) return 'holiday';
  const date = new Date(start + ZONE_OFFSET_MS);
  const month = date.getUTCMonth() + 1;
  const dayOfMonth = date.getUTCDate();
  if ((month === 1 && dayOfMonth === 1) || (month === 5 && dayOfMonth <= 3) || (month === 10 && dayOfMonth <= 7)) return 'holiday';
  const weekday = date.getUTCDay();
  return weekday === 0 ? 'sunday' : weekday === 6 ? 'saturday' : 'workday';
}
