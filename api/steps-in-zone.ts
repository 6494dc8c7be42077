import type { EpochMs } from '../model/ids.ts';
import { periodOf, type Span } from '../model/period.ts';

const DAY = 86_400_000;

/** A stretch of time whose steps are all of one length; `origin` is where its first step begins. All in ms. */
export interface Stretch extends Span {
  readonly step: number;
  readonly origin: EpochMs;
}

/**
 * Divides [from, to) so that steps begin at the zone's midnights. Steps of whole days are the calendar's: the day on which a
 * clock changes is 23 or 25 hours long. Shorter ones that divide a day begin anew at the midnight after a change; steps that
 * no day can be divided by are counted from the first midnight on. Where no clock changes, one stretch is answered.
 */
export function stretchesOf({ from, to }: Span, step: number, zone: string): Stretch[] {
  const wholeDays = step % DAY === 0;
  if (!wholeDays && DAY % step !== 0) return [{ from, to, step, origin: periodOf(from, 'day', zone).from }];
  const spans = daysBetween(from, to, zone);
  const days = wholeDays ? step / DAY : 1;
  const stretches: Stretch[] = [];
  for (let at = 0; at < spans.length; at += days) {
    const [first, last] = [spans[at], spans[Math.min(at + days, spans.length) - 1]];
    if (first === undefined || last === undefined) break;
    const isWhole = at + days <= spans.length;
    const length = wholeDays && isWhole ? last.to - first.from : step;
    const before = stretches.at(-1);
    const end = Math.min(to, last.to);
    if (before !== undefined && before.step === length && (first.from - before.origin) % length === 0) stretches[stretches.length - 1] = { ...before, to: end };
    else stretches.push({ from: Math.max(from, first.from), to: end, step: length, origin: first.from });
  }
  return stretches;
}

/** Days looked over at once: no clock has been put forward and back again within so few (Cairo did within 20, in 2010). */
const LEAP = 14;

/** The calendar days that touch [from, to), as `periodsBetween` gives them; a look-up in the zone for every 14 days where no clock changes. */
function daysBetween(from: EpochMs, to: EpochMs, zone: string): Span[] {
  const spans: Span[] = [];
  for (let at = periodOf(from, 'day', zone).from; at < to; ) {
    const end = at + LEAP * DAY;
    const unchanged = periodOf(end, 'day', zone).from === end;
    for (let count = 0; count < LEAP && at < to; count++) {
      const span = unchanged ? { from: at, to: at + DAY } : periodOf(at, 'day', zone);
      spans.push(span);
      at = span.to;
    }
  }
  return spans;
}
