import { COLUMN_GROWTH, grown } from './columns.ts';
import type { EpochMs } from './ids.ts';

/** What was said last of whether a meter can be reached. */
export interface ToldStatus {
  readonly online: boolean;
  readonly since: EpochMs;
}

/**
 * What was said last of whether meters can be reached: by their status topic, by the last will of whoever publishes it, by births and
 * deaths of Sparkplug. In memory alone: after a start nothing is known until it is said again.
 */
export class MeterStatuses {
  /** By meter ordinal: since when, negative for offline; 0 where nothing was said. */
  #told = new Float64Array(1024);

  /** A meter that is told to be gone again may have been back without a word. */
  tell(meter: number, online: boolean, at: EpochMs): void {
    if (meter >= this.#told.length) this.#told = grown(this.#told, new Float64Array(Math.max(meter + 1, this.#told.length * COLUMN_GROWTH)));
    if (!online) this.#told[meter] = -at;
    else if (!((this.#told[meter] as number) > 0)) this.#told[meter] = at;
  }

  /** Null where nothing was said. */
  of(meter: number): ToldStatus | null {
    const told = this.#told[meter] ?? 0;
    return told === 0 ? null : { online: told > 0, since: Math.abs(told) };
  }
}
