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

/** Bytes of one row: ts and value 8 each, series and meter 4, quantity 2, quality 1. */
const ROW_BYTES = 27;

/** Columns on one buffer, widest first so that each is aligned. */
function columnsOn(buffer: SharedArrayBuffer, capacity: number): Omit<ReadingBlock, 'length'> {
  return {
    ts: new Float64Array(buffer, 0, capacity),
    value: new Float64Array(buffer, 8 * capacity, capacity),
    series: new Int32Array(buffer, 16 * capacity, capacity),
    meter: new Int32Array(buffer, 20 * capacity, capacity),
    quantity: new Uint16Array(buffer, 24 * capacity, capacity),
    quality: new Uint8Array(buffer, 26 * capacity, capacity),
  };
}

/**
 * Grows as rows are pushed, and is emptied and filled again: new memory for each block would cost more than what is done with it. The
 * memory is shared, so that another thread reads a block where it stands.
 */
export class ReadingBlockBuilder {
  #capacity: number;
  #length = 0;
  #ts!: Float64Array;
  #value!: Float64Array;
  #series!: Int32Array;
  #meter!: Int32Array;
  #quantity!: Uint16Array;
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

  /** Begins anew on the same memory: every view of it is of no more use. */
  clear(): void {
    this.#length = 0;
  }

  /** The rows as a block of their own; the builder's next rows go to fresh memory. */
  take(): ReadingBlock {
    const block = this.view();
    this.#length = 0;
    this.#allocate();
    return block;
  }

  #allocate(): void {
    const { ts, value, series, meter, quantity, quality } = columnsOn(new SharedArrayBuffer(this.#capacity * ROW_BYTES), this.#capacity);
    this.#ts = ts;
    this.#value = value;
    this.#series = series;
    this.#meter = meter;
    this.#quantity = quantity;
    this.#quality = quality;
  }

  #grow(): void {
    const { ts, value, series, meter, quantity, quality } = this.view();
    this.#capacity *= 2;
    this.#allocate();
    this.#ts.set(ts);
    this.#value.set(value);
    this.#series.set(series);
    this.#meter.set(meter);
    this.#quantity.set(quantity);
    this.#quality.set(quality);
  }
}
