import type { EpochMs } from '../../../model/ids.ts';

const DAY = 86_400_000;
const clocks = new Map<string, Intl.DateTimeFormat>();

/** What a clock in the zone shows at `ts`, as milliseconds since its midnight. */
function timeOfDay(ts: EpochMs, zone: string): number {
  let clock = clocks.get(zone);
  if (clock === undefined) {
    clock = new Intl.DateTimeFormat('en-GB', { hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23', timeZone: zone });
    clocks.set(zone, clock);
  }
  const part = Object.fromEntries(clock.formatToParts(ts).map(({ type, value }) => [type, Number(value)]));
  return ((part['hour'] ?? 0) * 60 + (part['minute'] ?? 0)) * 60_000 + (part['second'] ?? 0) * 1000 + (((ts % 1000) + 1000) % 1000);
}

/** The first instant of the zone's day that holds `ts`, also where the clock changed since. */
export function dayBegin(ts: EpochMs, zone: string): EpochMs {
  const guess = ts - timeOfDay(ts, zone);
  const off = timeOfDay(guess, zone);
  // The clock changed between: the guess fell short of midnight (late in the day before) or beyond it.
  return off === 0 ? guess : off < DAY / 2 ? guess - off : guess + DAY - off;
}

/** Where the step that holds `ts` begins, as the service counts it: from the day's midnight. */
export function stepBegin(ts: EpochMs, step: number, zone: string): EpochMs {
  const day = dayBegin(ts, zone);
  return step >= DAY ? day : day + Math.floor((ts - day) / step) * step;
}
