import type { EpochMs } from '../model/ids.ts';
import { isUsable, QUALITY } from '../model/quality.ts';
import type { PipelineLimits } from './limits.ts';
import type { RejectReason } from './reject-reasons.ts';

export const YEAR_2000 = Date.UTC(2000, 0, 1);

export type TimeBounds = Pick<PipelineLimits, 'clockToleranceMs' | 'clockSkewMs' | 'farPastMs'>;

/** Why no reading is taken at a time: what was found, and what would be right. */
export interface WrongTime {
  readonly reason: Extract<RejectReason, 'time-too-old' | 'time-in-future'>;
  readonly found: string;
  readonly expected: string;
}

/** May a reading stand at this time, by a clock that shows `now`? */
export const timeFits = (ts: EpochMs, now: EpochMs, clockSkewMs: number): boolean => ts >= YEAR_2000 && ts <= now + clockSkewMs;

/** The clock of whoever sent it is ahead by more than clocks differ. */
export const isAhead = (ts: EpochMs, now: EpochMs, clockToleranceMs: number): boolean => ts > now + clockToleranceMs;

/** A clock that lost its time begins years ago; a buffer of that age would be marked as what it is. */
export const isFarPast = (ts: EpochMs, now: EpochMs, farPastMs: number): boolean => ts < now - farPastMs;

/** What the time says of a value, unless its instrument says of it that it does not count; that of an instrument which vouches for it is wrong all the same. */
export const flaggedByTime = (dated: number, said: number | undefined): number =>
  said === undefined || (dated !== QUALITY.good && isUsable(said)) ? dated : said;

/** A date, perhaps with a time, without signs between them. As a count since 1970, of whatever unit, it is a time at which no reading is taken. */
const COMPACT = /^(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])((?:[01]\d|2[0-3])[0-5]\d([0-5]\d(\d{3})?)?)?$/;

/** The pattern by which digits are a date, and no count; null where they are none. */
export function compactForm(digits: string): string | null {
  const found = COMPACT.exec(digits);
  if (found === null) return null;
  const [, clock, seconds, thousandths] = found;
  return `YYYYMMDD${clock === undefined ? '' : 'HHmm'}${seconds === undefined ? '' : 'ss'}${thousandths === undefined ? '' : 'SSS'}`;
}

/** What is wrong with a time that does not fit, in the words that live messages and tried mappings share. */
export function wrongTime(ts: EpochMs, now: EpochMs, clockSkewMs: number): WrongTime {
  const form = compactForm(String(ts));
  const asDate = form === null ? null : `UTC milliseconds; it looks like ${form}, which a mapping reads where its time.as is that`;
  if (!(ts >= YEAR_2000)) {
    if (asDate !== null) return { reason: 'time-too-old', found: `${ts} is before the year 2000`, expected: asDate };
    const hint = ts > 9e8 && ts < 1e11 ? `; it looks like seconds, in milliseconds it would be ${ts * 1000}` : '';
    return { reason: 'time-too-old', found: `${ts} is before the year 2000`, expected: `UTC milliseconds${hint}` };
  }
  const ahead = Math.round((ts - now) / 1000);
  const allowed = Math.round(clockSkewMs / 1000);
  return { reason: 'time-in-future', found: `${ts} is ${ahead} s ahead of this service`, expected: asDate ?? `at most ${allowed} s, set the gateway's clock` };
}
