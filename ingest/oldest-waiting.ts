import type { EpochMs } from '../model/ids.ts';

/** Messages that came within this time are counted together. */
const WIDTH_MS = 100;

interface Cohort {
  readonly key: number;
  waiting: number;
}

/** Since when the oldest message waits for its acknowledgement, to a tenth of a second. */
export class OldestWaiting {
  readonly #cohorts = new Map<number, Cohort>();
  #newest: Cohort = { key: Number.NaN, waiting: 0 };

  enter(at: EpochMs): void {
    const key = Math.floor(at / WIDTH_MS);
    if (key !== this.#newest.key) this.#begin(key);
    this.#newest.waiting++;
  }

  /** @param at what `enter` was given for the message */
  leave(at: EpochMs): void {
    const key = Math.floor(at / WIDTH_MS);
    const cohort = key === this.#newest.key ? this.#newest : this.#cohorts.get(key);
    if (cohort !== undefined && --cohort.waiting === 0 && cohort !== this.#newest) this.#cohorts.delete(key);
  }

  /** Null when nothing waits. */
  get since(): EpochMs | null {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { key, waiting } of this.#cohorts.values()) if (waiting > 0 && key < oldest) oldest = key;
    return oldest === Number.POSITIVE_INFINITY ? null : oldest * WIDTH_MS;
  }

  #begin(key: number): void {
    if (this.#newest.waiting === 0) this.#cohorts.delete(this.#newest.key);
    // A clock that was set back comes to a time that it had been before.
    this.#newest = this.#cohorts.get(key) ?? { key, waiting: 0 };
    this.#cohorts.set(key, this.#newest);
  }
}
