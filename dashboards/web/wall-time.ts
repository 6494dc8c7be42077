import type { EpochMs } from '../../model/ids.ts';

/** What a clock in the zone is ahead of UTC at `ts`, in ms. */
function offsetAt(ts: EpochMs, zone: string): number {
  const clock = new Intl.DateTimeFormat('en-GB', {
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
    hourCycle: 'h23',
    timeZone: zone,
  });
  const part = Object.fromEntries(clock.formatToParts(ts).map(({ type, value }) => [type, Number(value)]));
  const shown = Date.UTC(part['year'] ?? 0, (part['month'] ?? 1) - 1, part['day'], part['hour'], part['minute'], part['second']);
  return shown - (ts - (((ts % 1000) + 1000) % 1000));
}

/** The instant at which a clock in the zone shows `wall`, as a field of the kind `datetime-local` writes it; null where that is no time. */
export function instantOf(wall: string, zone: string): EpochMs | null {
  const asUtc = Date.parse(`${wall}Z`);
  if (Number.isNaN(asUtc)) return null;
  // Near a change of the clock the first guess may have the other side's offset.
  return asUtc - offsetAt(asUtc - offsetAt(asUtc, zone), zone);
}
