import { BIGINT, DOUBLE, type DuckDBAppender, type DuckDBConnection, DuckDBDataChunk, INTEGER, UBIGINT } from '@duckdb/node-api';
import bindings from '@duckdb/node-bindings';
import type { NewestFrame, NewestFrames } from './newest-frames.ts';
import { DATABASE } from './schema.ts';
import { type Shapes, SLOTS } from './shapes.ts';
import type { Columns } from './shared-block.ts';

/** Rows of one DuckDB vector. */
export const CHUNK_ROWS = 2048;
const TWO_TO_32 = 2 ** 32;
const NONE = -1;

/** One column of a chunk that is used again and again: an own typed buffer, copied into DuckDB's vector as a whole. */
export class ChunkColumn<T extends Int32Array | Uint32Array | Float64Array | Uint8Array> {
  readonly items: T;
  readonly #vector: ReturnType<typeof bindings.data_chunk_get_vector>;
  readonly #rowBytes: number;

  constructor(chunk: DuckDBDataChunk, column: number, items: T) {
    this.items = items;
    this.#vector = bindings.data_chunk_get_vector(chunk.chunk, column);
    this.#rowBytes = items.byteLength / CHUNK_ROWS;
  }

  put(rows: number): void {
    bindings.copy_data_to_vector(this.#vector, 0, this.items.buffer as ArrayBuffer, this.items.byteOffset, rows * this.#rowBytes);
  }

  /** Which rows hold a value: one bit each. */
  putValid(bits: Uint32Array, rows: number): void {
    bindings.vector_ensure_validity_writable(this.#vector);
    bindings.copy_data_to_vector_validity(this.#vector, 0, bits.buffer as ArrayBuffer, bits.byteOffset, ((rows + 63) >> 6) << 3);
  }
}

/** Writes a time as a 64-bit integer through a pair of 32-bit ones; a BigInt for each row would cost more than the append. */
export function putTime(items: Uint32Array, row: number, ts: number): void {
  const high = Math.floor(ts / TWO_TO_32);
  items[2 * row] = ts - high * TWO_TO_32;
  items[2 * row + 1] = high;
}

/** All of a word's bits: every row holds a value. */
const ALL = 0xffffffff;

/** Turns columns into frames (consecutive rows of one meter and time, at most SLOTS values) and appends them to `frame`. */
export class FrameAppender {
  readonly #appender: DuckDBAppender;
  readonly #shapes: Shapes;
  readonly #newest: NewestFrames | null;
  readonly #chunk = DuckDBDataChunk.create([INTEGER, BIGINT, INTEGER, ...Array<typeof DOUBLE>(SLOTS).fill(DOUBLE), UBIGINT, BIGINT], CHUNK_ROWS);
  readonly #meter = new ChunkColumn(this.#chunk, 0, new Int32Array(CHUNK_ROWS));
  readonly #ts = new ChunkColumn(this.#chunk, 1, new Uint32Array(2 * CHUNK_ROWS));
  readonly #shape = new ChunkColumn(this.#chunk, 2, new Int32Array(CHUNK_ROWS));
  /** The columns of the slots, one behind the other. */
  readonly #value = new Float64Array(SLOTS * CHUNK_ROWS);
  readonly #slots = Array.from(
    { length: SLOTS },
    (_, slot) => new ChunkColumn(this.#chunk, 3 + slot, this.#value.subarray(slot * CHUNK_ROWS, (slot + 1) * CHUNK_ROWS)),
  );
  /** For each slot which rows hold a value in it: nearly always all. */
  readonly #valid = Array.from({ length: SLOTS }, () => new Uint32Array(CHUNK_ROWS / 32).fill(ALL));
  readonly #quality = new ChunkColumn(this.#chunk, 3 + SLOTS, new Uint8Array(8 * CHUNK_ROWS));
  readonly #received = new ChunkColumn(this.#chunk, 4 + SLOTS, new Uint32Array(2 * CHUNK_ROWS));
  #rows = 0;
  /** What the rows from the first up to, not including, `to` of the last column say. */
  readonly #receivedFilled = { with: Number.NaN, to: 0 };
  /** The shape of the frame before: the next one mostly has it too. */
  #lastShape = NONE;
  #lastQuantities: readonly number[] = [];

  private constructor(appender: DuckDBAppender, shapes: Shapes, newest: NewestFrames | null) {
    this.#appender = appender;
    this.#shapes = shapes;
    this.#newest = newest;
  }

  /** @param newest is shown every frame that may be the newest of its meter and shape */
  static async create(connection: DuckDBConnection, shapes: Shapes, newest: NewestFrames): Promise<FrameAppender> {
    return new FrameAppender(await connection.createAppender('frame', 'main', DATABASE), shapes, newest);
  }

  /** Into a temporary table of the connection that is like `frame`. */
  static async createTemporary(connection: DuckDBConnection, shapes: Shapes, table: string): Promise<FrameAppender> {
    return new FrameAppender(await connection.createAppender(table, 'main', 'temp'), shapes, null);
  }

  /** Answers the number of frames. */
  append(columns: Columns, received: number): number {
    const { length, meter, quantity, ts, value, quality } = columns;
    const slots = this.#value;
    const flags = this.#quality.items;
    let frames = 0;
    // Of a run of frames of one meter and shape in order of time only the last can be the newest.
    const run = { shape: NONE, first: 0, until: 0 };
    for (let first = 0; first < length; frames++) {
      const row = this.#rows;
      const whose = meter[first] as number;
      const at = ts[first] as number;
      const most = Math.min(length, first + SLOTS);
      let until = first + 1;
      while (until < most && meter[until] === whose && ts[until] === at) until++;
      let shape = this.#shapeOf(quantity, first, until);
      if (shape === NONE) {
        until = first + 1;
        shape = this.#shapeOf(quantity, first, until);
      }
      for (let i = first, place = row; i < until; i++, place += CHUNK_ROWS) slots[place] = value[i] as number;
      for (let i = first, place = 8 * row; i < until; i++, place++) flags[place] = quality[i] as number;
      if (until - first < SLOTS) this.#leaveEmpty(row, until - first);
      this.#meter.items[row] = whose;
      putTime(this.#ts.items, row, at);
      this.#shape.items[row] = shape;
      if (run.shape !== shape || meter[run.first] !== whose || at < (ts[run.first] as number)) this.#seen(run, columns);
      run.shape = shape;
      run.first = first;
      run.until = until;
      first = until;
      if (++this.#rows === CHUNK_ROWS) this.#emit(received);
    }
    this.#seen(run, columns);
    if (this.#rows > 0) this.#emit(received);
    return frames;
  }

  /**
   * Appends frames that have their shapes already. Found anew, the shape of several that stand side by side and are of one meter and time would
   * be that of all their values together, which the table of shapes may not know.
   */
  appendFrames(frames: Iterable<NewestFrame>): void {
    for (const { meter, ts, shape, size, first, value, quality } of frames) {
      const row = this.#rows;
      for (let slot = 0; slot < size; slot++) {
        this.#value[slot * CHUNK_ROWS + row] = value[first + slot] as number;
        this.#quality.items[8 * row + slot] = quality[first + slot] as number;
      }
      if (size < SLOTS) this.#leaveEmpty(row, size);
      this.#meter.items[row] = meter;
      putTime(this.#ts.items, row, ts);
      this.#shape.items[row] = shape;
      if (++this.#rows === CHUNK_ROWS) this.#emit(0);
    }
    if (this.#rows > 0) this.#emit(0);
  }

  /** Hands what was appended to the open transaction. */
  flush(): void {
    this.#appender.flushSync();
  }

  /** Forgets what was appended and not flushed, after a transaction that failed. The appender is of no more use. */
  abandon(): void {
    this.#appender.clear();
  }

  close(): void {
    this.#appender.closeSync();
  }

  #seen(run: { readonly shape: number; readonly first: number; readonly until: number }, columns: Columns): void {
    if (run.shape !== NONE) this.#newest?.see(run.shape, columns, run.first, run.until);
  }

  /** The shape of the quantities in these rows; NONE where there is none and there may not be one more. */
  #shapeOf(quantity: Uint16Array, first: number, until: number): number {
    const last = this.#lastQuantities;
    if (last.length === until - first) {
      let slot = 0;
      while (slot < last.length && quantity[first + slot] === last[slot]) slot++;
      if (slot === last.length) return this.#lastShape;
    }
    return this.#otherShapeOf(quantity, first, until);
  }

  /** Apart, as what its closure captures would be put aside for every frame. */
  #otherShapeOf(quantity: Uint16Array, first: number, until: number): number {
    const shapes = this.#shapes;
    let end = shapes.root;
    for (let i = first; i < until; i++) end = shapes.step(end, quantity[i] as number);
    if (until - first > 1 && !shapes.isOpen(end)) return NONE;
    const shape = shapes.at(end, () => Array.from(quantity.subarray(first, until)));
    this.#lastShape = shape;
    this.#lastQuantities = shapes.quantities(shape);
    return shape;
  }

  /** The slots from `size` on hold nothing in this row. */
  #leaveEmpty(row: number, size: number): void {
    for (let slot = size; slot < SLOTS; slot++) {
      const bits = this.#valid[slot] as Uint32Array;
      bits[row >> 5] = (bits[row >> 5] as number) & ~(1 << (row & 31));
      this.#quality.items[8 * row + slot] = 0;
    }
  }

  #emit(received: number): void {
    const rows = this.#rows;
    this.#fillReceived(received, rows);
    this.#meter.put(rows);
    this.#ts.put(rows);
    this.#shape.put(rows);
    for (let slot = 0; slot < SLOTS; slot++) {
      const column = this.#slots[slot] as ChunkColumn<Float64Array>;
      const bits = this.#valid[slot] as Uint32Array;
      column.put(rows);
      column.putValid(bits, rows);
      bits.fill(ALL);
    }
    this.#quality.put(rows);
    this.#received.put(rows);
    this.#chunk.rowCount = rows;
    this.#appender.appendDataChunk(this.#chunk);
    this.#rows = 0;
  }

  #fillReceived(received: number, rows: number): void {
    const filled = this.#receivedFilled;
    if (filled.with !== received) {
      filled.with = received;
      filled.to = 0;
    }
    for (; filled.to < rows; filled.to++) putTime(this.#received.items, filled.to, received);
  }
}
