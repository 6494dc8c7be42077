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

/** A block's columns, with whatever stands behind its rows. */
export type ReadingColumns = Omit<ReadingBlock, 'length'>;

/** Columns on one buffer, widest first so that each is aligned. */
function columnsOf(capacity: number): ReadingColumns {
  const buffer = new SharedArrayBuffer(capacity * ROW_BYTES);
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
  #columns: ReadingColumns;

  constructor(capacity = 8192) {
    this.#capacity = capacity;
    this.#columns = columnsOf(capacity);
  }

  get length(): number {
    return this.#length;
  }

  push(series: number, meter: number, quantity: number, ts: EpochMs, value: number, quality: number): void {
    const columns = this.room(1);
    const at = this.#length++;
    columns.series[at] = series;
    columns.meter[at] = meter;
    columns.quantity[at] = quantity;
    columns.ts[at] = ts;
    columns.value[at] = value;
    columns.quality[at] = quality;
  }

  /** The columns, with room for so many rows from `length` on. What is written there counts once it is added. */
  room(rows: number): ReadingColumns {
    if (this.#length + rows > this.#capacity) this.#grow(this.#length + rows);
    return this.#columns;
  }

  /** Counts in so many rows that were written behind the last one. */
  add(rows: number): void {
    this.#length += rows;
  }

  /** The rows from `from` on as they stand now, on the builder's own memory: nothing is copied and the builder goes on. */
  view(from = 0): ReadingBlock {
    const to = this.#length;
    const { series, meter, quantity, ts, value, quality } = this.#columns;
    return {
      length: to - from,
      series: series.subarray(from, to),
      meter: meter.subarray(from, to),
      quantity: quantity.subarray(from, to),
      ts: ts.subarray(from, to),
      value: value.subarray(from, to),
      quality: quality.subarray(from, to),
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
    this.#columns = columnsOf(this.#capacity);
    return block;
  }

  #grow(atLeast: number): void {
    const { series, meter, quantity, ts, value, quality } = this.view();
    this.#capacity = Math.max(atLeast, 2 * this.#capacity);
    this.#columns = columnsOf(this.#capacity);
    this.#columns.series.set(series);
    this.#columns.meter.set(meter);
    this.#columns.quantity.set(quantity);
    this.#columns.ts.set(ts);
    this.#columns.value.set(value);
    this.#columns.quality.set(quality);
  }
}
