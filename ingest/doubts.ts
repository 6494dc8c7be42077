import type { EpochMs } from '../model/ids.ts';

/**
 * Series of which the store has, or may have, readings that are newer than what is held as their newest: those whose clock was ahead and has
 * been set back, and those of meters that were registered after the store was asked. Up to the time of those, a reading that is the newest by
 * all appearance may be there already.
 */
export class Doubts {
  readonly #until = new Map<number, EpochMs>();

  /** None at all, as nearly always. */
  get none(): boolean {
    return this.#until.size === 0;
  }

  has(series: number): boolean {
    return this.#until.has(series);
  }

  /** The store may have readings up to this time. */
  hold(series: number, ts: EpochMs): void {
    this.#until.set(series, Math.max(ts, this.#until.get(series) ?? Number.NEGATIVE_INFINITY));
  }

  /** May a reading of this time, the newest one, be stored already? Those of a series come in order of time. */
  meets(series: number, ts: EpochMs): boolean {
    const until = this.#until.get(series);
    if (until === undefined) return false;
    if (ts <= until) return true;
    this.#until.delete(series);
    return false;
  }
}
