import type { EpochMs } from '../model/ids.ts';
import { QUALITY } from '../model/quality.ts';
import { QUANTITIES } from '../model/quantities.ts';

const SPAN = 1024;
const MIN = new Float64Array(SPAN).fill(Number.NEGATIVE_INFINITY);
const MAX = new Float64Array(SPAN).fill(Number.POSITIVE_INFINITY);
const COUNTER = new Uint8Array(SPAN);
for (const quantity of QUANTITIES) {
  [MIN[quantity.code], MAX[quantity.code]] = quantity.range;
  COUNTER[quantity.code] = quantity.kind === 'counter' ? 1 : 0;
}

/** `range` outside what is physically possible for the quantity, `good` otherwise. */
export function rangeQuality(code: number, value: number): number {
  return value < (MIN[code] as number) || value > (MAX[code] as number) ? QUALITY.range : QUALITY.good;
}

/**
 * Judges readings in order of measurement; state per series in columns that grow.
 *
 * A counter that stands below its last good register is `backwards`, for one low reading may be a slip (meters send a momentary 0)
 * or a reset (exchange, rollover), and a slip taken for a reset would count the whole register as usage. The next reading decides:
 * - at or above the last good register: the low one was a slip and stays flagged;
 * - above the low one and still below the old register: the counter goes on from there, it was a reset, `good` again;
 * - the same low register again: still undecided, as a counter at rest looks like a stuck zero; there is no usage in it either way;
 * - lower still: undecided, with this one as the new candidate.
 */
export class QualityJudge {
  #last = new Float64Array(1024).fill(Number.NaN);
  /** The low register that awaits its judgement; NaN when there is none. */
  #low = new Float64Array(1024).fill(Number.NaN);

  /**
   * What the newest stored reading of a series says before the first one comes in, for a service that starts again.
   * A `backwards` one stays a candidate under a register that is no longer known.
   */
  seed(series: number, ts: EpochMs, value: number, quality: number): void {
    this.#room(series);
    if (ts === Number.NEGATIVE_INFINITY) return;
    if (quality === QUALITY.backwards) {
      this.#last[series] = Number.POSITIVE_INFINITY;
      this.#low[series] = value;
    } else if (quality !== QUALITY.range) {
      this.#last[series] = value;
    }
  }

  /** The quality of a reading that is newer than all before it in its series. */
  judge(series: number, code: number, value: number): number {
    if (value < (MIN[code] as number) || value > (MAX[code] as number)) return QUALITY.range;
    if (COUNTER[code] === 0) return QUALITY.good;
    if (series >= this.#last.length) this.#room(series);
    if (value < (this.#last[series] as number)) {
      // NaN compares false: without a candidate the reading becomes one.
      if (!(value > (this.#low[series] as number))) {
        this.#low[series] = value;
        return QUALITY.backwards;
      }
    }
    this.#last[series] = value;
    this.#low[series] = Number.NaN;
    return QUALITY.good;
  }

  #room(series: number): void {
    let capacity = this.#last.length;
    if (series < capacity) return;
    while (capacity <= series) capacity *= 2;
    const last = new Float64Array(capacity).fill(Number.NaN);
    last.set(this.#last);
    this.#last = last;
    const low = new Float64Array(capacity).fill(Number.NaN);
    low.set(this.#low);
    this.#low = low;
  }
}
