import { COLUMN_GROWTH, grown } from './columns.ts';
import type { EpochMs } from './ids.ts';

/** End of a meter's chain of series, and of a meter that has none. */
const NONE = -1;

/**
 * The one owner of "latest reading of each series", by time of measurement, in columns that grow: a park of many meters must not cost an
 * object each.
 * A series is a (meter ordinal, quantity code) pair; its position here is in-memory only and never stored.
 * The ingest pipeline writes, everyone else reads.
 */
export class LatestReadings {
  /** By meter ordinal, which the registry gives in a row: position of its first series. */
  #firstOf = new Int32Array(1024).fill(NONE);
  #capacity = 1024;
  #count = 0;
  /** By position: that of the same meter's next series. A meter has a handful, so that walking along them finds one soonest. */
  #next = new Int32Array(this.#capacity);
  meter = new Int32Array(this.#capacity);
  quantity = new Uint16Array(this.#capacity);
  /** -Infinity where nothing has been read yet. */
  ts = new Float64Array(this.#capacity);
  value = new Float64Array(this.#capacity);
  quality = new Uint8Array(this.#capacity);

  /** Number of series known. */
  get count(): number {
    return this.#count;
  }

  /** Position of a series, given one at first sight. */
  seriesOf(meter: number, quantity: number): number {
    let last = NONE;
    for (let at = this.#first(meter); at !== NONE; at = this.#next[at] as number) {
      if (this.quantity[at] === quantity) return at;
      last = at;
    }
    if (this.#count === this.#capacity) this.#grow();
    const position = this.#count++;
    this.meter[position] = meter;
    this.quantity[position] = quantity;
    this.ts[position] = Number.NEGATIVE_INFINITY;
    this.value[position] = Number.NaN;
    this.#next[position] = NONE;
    if (last === NONE) this.#begin(meter, position);
    else this.#next[last] = position;
    return position;
  }

  /** Position of a series that has been seen, or undefined. */
  find(meter: number, quantity: number): number | undefined {
    for (let at = this.#first(meter); at !== NONE; at = this.#next[at] as number) if (this.quantity[at] === quantity) return at;
    return undefined;
  }

  /** Positions of a meter's series, in the order in which they were seen. */
  ofMeter(meter: number): readonly number[] {
    const positions: number[] = [];
    for (let at = this.#first(meter); at !== NONE; at = this.#next[at] as number) positions.push(at);
    return positions;
  }

  /** Takes the reading when it is newer than the one held; false when it is late (same time or older). */
  offer(series: number, ts: EpochMs, value: number, quality: number): boolean {
    if (ts <= (this.ts[series] as number)) return false;
    this.put(series, ts, value, quality);
    return true;
  }

  /** Takes the reading whatever is held: the caller has looked. */
  put(series: number, ts: EpochMs, value: number, quality: number): void {
    this.ts[series] = ts;
    this.value[series] = value;
    this.quality[series] = quality;
  }

  /** Puts a corrected value in place of the one held, when that reading is still the newest. */
  correct(series: number, ts: EpochMs, value: number, quality: number): void {
    if (this.ts[series] !== ts) return;
    this.value[series] = value;
    this.quality[series] = quality;
  }

  #first(meter: number): number {
    return this.#firstOf[meter] ?? NONE;
  }

  #begin(meter: number, position: number): void {
    if (meter >= this.#firstOf.length) this.#firstOf = grown(this.#firstOf, new Int32Array(2 ** Math.ceil(Math.log2(meter + 1))).fill(NONE));
    this.#firstOf[meter] = position;
  }

  #grow(): void {
    this.#capacity *= COLUMN_GROWTH;
    this.#next = grown(this.#next, new Int32Array(this.#capacity));
    this.meter = grown(this.meter, new Int32Array(this.#capacity));
    this.quantity = grown(this.quantity, new Uint16Array(this.#capacity));
    this.ts = grown(this.ts, new Float64Array(this.#capacity));
    this.value = grown(this.value, new Float64Array(this.#capacity));
    this.quality = grown(this.quality, new Uint8Array(this.#capacity));
  }
}
