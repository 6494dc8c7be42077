import type { EpochMs } from '../model/ids.ts';
import type { RejectReason } from './reject-reasons.ts';

export const YEAR_2000 = Date.UTC(2000, 0, 1);

/** Why no reading is taken at a time: what was found, and what would be right. */
export interface WrongTime {
  readonly reason: Extract<RejectReason, 'time-too-old' | 'time-in-future'>;
  readonly found: string;
  readonly expected: string;
}

/** May a reading stand at this time, by a clock that shows `now`? */
export const timeFits = (ts: EpochMs, now: EpochMs, clockSkewMs: number): boolean => ts >= YEAR_2000 && ts <= now + clockSkewMs;

/** What is wrong with a time that does not fit, in the words that live messages and tried mappings share. */
export function wrongTime(ts: EpochMs, now: EpochMs, clockSkewMs: number): WrongTime {
  if (!(ts >= YEAR_2000)) {
    const hint = ts > 9e8 && ts < 1e11 ? `; it looks like seconds, in milliseconds it would be ${ts * 1000}` : '';
    return { reason: 'time-too-old', found: `${ts} is before the year 2000`, expected: `UTC milliseconds${hint}` };
  }
  const ahead = Math.round((ts - now) / 1000);
  const allowed = Math.round(clockSkewMs / 1000);
  return { reason: 'time-in-future', found: `${ts} is ${ahead} s ahead of this service`, expected: `at most ${allowed} s, set the gateway's clock` };
}
