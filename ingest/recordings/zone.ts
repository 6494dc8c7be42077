import { Temporal } from 'temporal-polyfill';
import type { EpochMs } from '../../model/ids.ts';
import { isTimeZone } from '../../model/period.ts';

const DAY = 86_400_000;
const OFFSET = /^([+-])(\d{2}):?(\d{2})$/;

/** `+08:00` or `-0730` in milliseconds, null for anything else. */
export function offsetOf(text: string): number | null {
  const [, sign, hours, minutes] = OFFSET.exec(text) ?? [];
  if (sign === undefined || Number(hours) > 18 || Number(minutes) > 59) return null;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

/** Is it a zone that a recording may name: IANA, `UTC`, or a fixed offset? */
export const isZone = (text: string): boolean => offsetOf(text) !== null || (!/^[+-]/.test(text) && isTimeZone(text));

/** Turns what a wall clock in one zone shows into instants. */
export class WallClock {
  readonly #zone: string;
  readonly #fixed: number | null;
  /** Offset of days (by number since 1970) that have a single one; null for days around a change. */
  readonly #ofDay = new Map<number, number | null>();

  constructor(zone: string) {
    this.#zone = zone;
    this.#fixed = zone === 'UTC' ? 0 : offsetOf(zone);
  }

  /**
   * The instants at which the clock shows `wall` (local time as if it were UTC, in milliseconds), earliest first: one as a rule,
   * none where the clock was set forward past it, two where it was set back over it.
   */
  instants(wall: EpochMs): readonly EpochMs[] {
    if (this.#fixed !== null) return [wall - this.#fixed];
    const day = Math.floor(wall / DAY);
    let offset = this.#ofDay.get(day);
    if (offset === undefined) {
      const before = this.#offsetAt((day - 1) * DAY);
      offset = before === this.#offsetAt((day + 2) * DAY) && before === this.#offsetAt(day * DAY) && before === this.#offsetAt((day + 1) * DAY) ? before : null;
      this.#ofDay.set(day, offset);
    }
    if (offset !== null) return [wall - offset];
    const candidates = new Set([wall - this.#offsetAt(wall - DAY), wall - this.#offsetAt(wall + DAY)]);
    return [...candidates].filter((at) => at + this.#offsetAt(at) === wall).sort((a, b) => a - b);
  }

  #offsetAt(at: EpochMs): number {
    return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(this.#zone).offsetNanoseconds / 1e6;
  }
}
