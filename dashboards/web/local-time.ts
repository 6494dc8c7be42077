import type { EpochMs } from '../../model/ids.ts';

const DAY = 86_400_000;
const clocks = new Map<string, Intl.DateTimeFormat>();

/** What clocks in the zone show, as a field of type datetime-local takes it: to the second, and finer only where the instant is. */
export function localTime(ts: EpochMs, zone: string): string {
  let clock = clocks.get(zone);
  if (clock === undefined) {
    const two = '2-digit';
    const parts = { year: 'numeric', month: two, day: two, hour: two, minute: two, second: two } as const;
    clock = new Intl.DateTimeFormat('en-GB', { ...parts, hourCycle: 'h23', timeZone: zone });
    clocks.set(zone, clock);
  }
  const part = Object.fromEntries(clock.formatToParts(ts).map(({ type, value }) => [type, value]));
  const ms = ((ts % 1000) + 1000) % 1000;
  const whole = `${part['year']}-${part['month']}-${part['day']}T${part['hour']}:${part['minute']}:${part['second']}`;
  return ms === 0 ? whole : `${whole}.${String(ms).padStart(3, '0')}`;
}

/** When clocks in the zone show `local`; the first time where they show it twice, null where they never do. */
export function instantOf(local: string, zone: string): EpochMs | null {
  const wall = shownAs(local);
  if (Number.isNaN(wall)) return null;
  const offsetAt = (ts: EpochMs) => shownAs(localTime(ts, zone)) - ts;
  // Where the clock is changed nearby, one of the offsets before and after holds.
  const found = [wall - DAY, wall + DAY].map((near) => wall - offsetAt(near)).find((ts) => ts + offsetAt(ts) === wall);
  return found ?? null;
}

const shownAs = (local: string): number => Date.parse(`${local}Z`);
