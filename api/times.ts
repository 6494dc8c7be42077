import Type from 'typebox';
import type { Fault } from '../model/errors.ts';
import type { EpochMs } from '../model/ids.ts';
import { invalidRequest } from './input.ts';

// A "+" that was not escaped arrives as a blank; nothing else can be meant.
const ISO = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+ -]\d\d:\d\d)`;

/** An instant in a query or body: ISO 8601 with an offset, or milliseconds since 1970 UTC. */
export const TimeSchema = Type.String({
  pattern: `^(\\d{1,14}|${ISO})$`,
  description: 'ISO 8601 with offset (2026-01-01T08:00:00+08:00) or milliseconds since 1970 UTC',
});

/** An instant in an answer. */
export const AnsweredTime = Type.String({ format: 'date-time', description: "ISO 8601 with the park's offset" });

/** Milliseconds, or null where the text names no instant (the 30th of February). */
export function parseTime(text: string): EpochMs | null {
  if (/^\d+$/.test(text)) return Number(text);
  const iso = text.replace(' ', '+');
  const ts = Date.parse(iso);
  if (Number.isNaN(ts)) return null;
  // Date rolls the 30th of February over to March: the day must still be the one that was written.
  const offset = /([+-])(\d\d):(\d\d)$/.exec(iso);
  const shift = offset === null ? 0 : (offset[1] === '-' ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3])) * 60_000;
  return new Date(ts + shift).toISOString().slice(0, 10) === iso.slice(0, 10) ? ts : null;
}

/** @throws GreenparkError `INPUT_INVALID`, naming the place in the request, for a text that names no instant */
export function instantOf(text: string, path: string): EpochMs {
  const ts = parseTime(text);
  if (ts === null) throw invalidRequest([{ path, message: `"${text}" is not an instant` }]);
  return ts;
}

interface Range {
  readonly from: EpochMs;
  readonly to: EpochMs;
}

/**
 * [from, to) as asked for; what is left out is `fallback`'s.
 *
 * @throws GreenparkError `INPUT_INVALID` for a text that names no instant and for a range that is empty or longer than `longestMs`.
 */
export function rangeOf(query: { readonly from?: string; readonly to?: string }, fallback: Range, longestMs: number): Range {
  const faults: Fault[] = [];
  const read = (key: 'from' | 'to'): EpochMs => {
    const text = query[key];
    if (text === undefined) return fallback[key];
    const ts = parseTime(text);
    if (ts === null) faults.push({ path: `query.${key}`, message: `"${text}" is not an instant` });
    return ts ?? fallback[key];
  };
  const to = read('to');
  const from = query.from === undefined && query.to !== undefined ? to - (fallback.to - fallback.from) : read('from');
  if (faults.length === 0 && from >= to) faults.push({ path: 'query.from', message: 'must be before "to"' });
  if (faults.length === 0 && to - from > longestMs) {
    faults.push({ path: 'query.from', message: `the range may be at most ${Math.floor(longestMs / 86_400_000)} days long` });
  }
  if (faults.length > 0) throw invalidRequest(faults);
  return { from, to };
}

/**
 * A step's length in milliseconds: `15`, seconds; or an ISO 8601 duration of weeks, days, hours, minutes, seconds (`PT15M`, `P1D`).
 * null where it is neither, is shorter than a second or has months, whose length differs.
 */
export function parseStep(text: string): number | null {
  if (/^\d+$/.test(text)) return Number(text) >= 1 ? Number(text) * 1000 : null;
  const parts = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(text);
  if (parts === null) return null;
  const [weeks, days, hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0)) as [number, number, number, number, number];
  const length = ((((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
  return length >= 1000 ? length : null;
}
