import type { EpochMs } from './ids.ts';

/**
 * Readings in columns, as the hot path carries them: row i is one value. Consecutive rows of one meter and time form a frame.
 * `meter` holds registry ordinals, `quantity` catalogue codes, `series` the SeriesIndex position (in memory only, never stored).
 */
export interface ReadingBlock {
  readonly length: number;
  readonly series: Int32Array;
  readonly meter: Int32Array;
  readonly quantity: Uint16Array;
  readonly ts: Float64Array;
  readonly value: Float64Array;
  readonly quality: Uint8Array;
}

/** Grows as rows are pushed; `take()` hands the filled block over and starts empty again. */
export class ReadingBlockBuilder {
  #capacity: number;
  #length = 0;
  #series!: Int32Array;
  #meter!: Int32Array;
  #quantity!: Uint16Array;
  #ts!: Float64Array;
  #value!: Float64Array;
  #quality!: Uint8Array;

  constructor(capacity = 8192) {
    this.#capacity = capacity;
    this.#allocate();
  }

  get length(): number {
    return this.#length;
  }

  push(series: number, meter: number, quantity: number, ts: EpochMs, value: number, quality: number): void {
    if (this.#length === this.#capacity) this.#grow();
    const at = this.#length++;
    this.#series[at] = series;
    this.#meter[at] = meter;
    this.#quantity[at] = quantity;
    this.#ts[at] = ts;
    this.#value[at] = value;
    this.#quality[at] = quality;
  }

  /** The rows pushed since the last take, each column cut to length; the builder's next rows go to fresh memory. */
  take(): ReadingBlock {
    const length = this.#length;
    const block: ReadingBlock = {
      length,
      series: this.#series.subarray(0, length),
      meter: this.#meter.subarray(0, length),
      quantity: this.#quantity.subarray(0, length),
      ts: this.#ts.subarray(0, length),
      value: this.#value.subarray(0, length),
      quality: this.#quality.subarray(0, length),
    };
    this.#length = 0;
    this.#allocate();
    return block;
  }

  /** The rows from `from` on as they stand now, on the builder's own memory: nothing is copied and the builder goes on. */
  view(from = 0): ReadingBlock {
    const to = this.#length;
    return {
      length: to - from,
      series: this.#series.subarray(from, to),
      meter: this.#meter.subarray(from, to),
      quantity: this.#quantity.subarray(from, to),
      ts: this.#ts.subarray(from, to),
      value: this.#value.subarray(from, to),
      quality: this.#quality.subarray(from, to),
    };
  }

  #allocate(): void {
    this.#series = new Int32Array(this.#capacity);
    this.#meter = new Int32Array(this.#capacity);
    this.#quantity = new Uint16Array(this.#capacity);
    this.#ts = new Float64Array(this.#capacity);
    this.#value = new Float64Array(this.#capacity);
    this.#quality = new Uint8Array(this.#capacity);
  }

  #grow(): void {
    const old = { series: this.#series, meter: this.#meter, quantity: this.#quantity, ts: this.#ts, value: this.#value, quality: this.#quality };
    this.#capacity *= 2;
    this.#allocate();
    this.#series.set(old.series);
    this.#meter.set(old.meter);
    this.#quantity.set(old.quantity);
    this.#ts.set(old.ts);
    this.#value.set(old.value);
    this.#quality.set(old.quality);
  }
}
