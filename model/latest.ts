import type { EpochMs } from './ids.ts';

/** Highest number of quantities the catalogue can hold; part of a series' key. */
const QUANTITY_SPAN = 1024;

/**
 * The one owner of "latest reading of each series", by time of measurement, in columns that grow.
 * A series is a (meter ordinal, quantity code) pair; its position here is in-memory only and never stored.
 * The ingest pipeline writes, everyone else reads.
 */
export class LatestReadings {
  readonly #positions = new Map<number, number>();
  readonly #seriesOfMeter = new Map<number, number[]>();
  #capacity = 1024;
  #count = 0;
  meter = new Int32Array(this.#capacity);
  quantity = new Uint16Array(this.#capacity);
  /** -Infinity where nothing has been read yet. */
  ts = new Float64Array(this.#capacity).fill(Number.NEGATIVE_INFINITY);
  value = new Float64Array(this.#capacity).fill(Number.NaN);
  quality = new Uint8Array(this.#capacity);

  /** Number of series known. */
  get count(): number {
    return this.#count;
  }

  /** Position of a series, given one at first sight. */
  seriesOf(meter: number, quantity: number): number {
    const key = meter * QUANTITY_SPAN + quantity;
    const known = this.#positions.get(key);
    if (known !== undefined) return known;
    if (this.#count === this.#capacity) this.#grow();
    const position = this.#count++;
    this.#positions.set(key, position);
    this.meter[position] = meter;
    this.quantity[position] = quantity;
    const siblings = this.#seriesOfMeter.get(meter);
    if (siblings === undefined) this.#seriesOfMeter.set(meter, [position]);
    else siblings.push(position);
    return position;
  }

  /** Position of a series that has been seen, or undefined. */
  find(meter: number, quantity: number): number | undefined {
    return this.#positions.get(meter * QUANTITY_SPAN + quantity);
  }

  /** Positions of a meter's series. */
  ofMeter(meter: number): readonly number[] {
    return this.#seriesOfMeter.get(meter) ?? [];
  }

  /** Takes the reading when it is newer than the one held; false when it is late (same time or older). */
  offer(series: number, ts: EpochMs, value: number, quality: number): boolean {
    if (ts <= (this.ts[series] as number)) return false;
    this.ts[series] = ts;
    this.value[series] = value;
    this.quality[series] = quality;
    return true;
  }

  /** Puts a corrected value in place of the one held, when that reading is still the newest. */
  correct(series: number, ts: EpochMs, value: number, quality: number): void {
    if (this.ts[series] !== ts) return;
    this.value[series] = value;
    this.quality[series] = quality;
  }

  #grow(): void {
    this.#capacity *= 2;
    const grown = <T extends Int32Array | Uint16Array | Float64Array | Uint8Array>(made: T, old: T): T => {
      made.set(old as never);
      return made;
    };
    this.meter = grown(new Int32Array(this.#capacity), this.meter);
    this.quantity = grown(new Uint16Array(this.#capacity), this.quantity);
    this.ts = grown(new Float64Array(this.#capacity).fill(Number.NEGATIVE_INFINITY), this.ts);
    this.value = grown(new Float64Array(this.#capacity).fill(Number.NaN), this.value);
    this.quality = grown(new Uint8Array(this.#capacity), this.quality);
  }
}
