import { BIGINT, DOUBLE, type DuckDBAppender, type DuckDBConnection, DuckDBDataChunk, INTEGER, UBIGINT } from '@duckdb/node-api';
import bindings from '@duckdb/node-bindings';
import type { NewestFrames } from './newest-frames.ts';
import { type Shapes, SLOTS } from './shapes.ts';
import type { Columns } from './shared-block.ts';

/** Rows of one DuckDB vector. */
export const CHUNK_ROWS = 2048;
const TWO_TO_32 = 2 ** 32;

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

/** Turns columns into frames (consecutive rows of one meter and time, at most SLOTS values) and appends them to `frame`. */
export class FrameAppender {
  readonly #appender: DuckDBAppender;
  readonly #shapes: Shapes;
  readonly #newest: NewestFrames | null;
  readonly #chunk = DuckDBDataChunk.create([INTEGER, BIGINT, INTEGER, ...Array<typeof DOUBLE>(SLOTS).fill(DOUBLE), UBIGINT, BIGINT], CHUNK_ROWS);
  readonly #meter = new ChunkColumn(this.#chunk, 0, new Int32Array(CHUNK_ROWS));
  readonly #ts = new ChunkColumn(this.#chunk, 1, new Uint32Array(2 * CHUNK_ROWS));
  readonly #shape = new ChunkColumn(this.#chunk, 2, new Int32Array(CHUNK_ROWS));
  readonly #values = Array.from({ length: SLOTS }, (_, slot) => new ChunkColumn(this.#chunk, 3 + slot, new Float64Array(CHUNK_ROWS)));
  readonly #valid = Array.from({ length: SLOTS }, () => new Uint32Array(CHUNK_ROWS / 32));
  readonly #quality = new ChunkColumn(this.#chunk, 3 + SLOTS, new Uint8Array(8 * CHUNK_ROWS));
  readonly #received = new ChunkColumn(this.#chunk, 4 + SLOTS, new Uint32Array(2 * CHUNK_ROWS));
  #rows = 0;

  private constructor(appender: DuckDBAppender, shapes: Shapes, newest: NewestFrames | null) {
    this.#appender = appender;
    this.#shapes = shapes;
    this.#newest = newest;
  }

  /** @param newest is shown every frame */
  static async create(connection: DuckDBConnection, shapes: Shapes, newest: NewestFrames): Promise<FrameAppender> {
    return new FrameAppender(await connection.createAppender('frame'), shapes, newest);
  }

  /** Into a temporary table of the connection that is like `frame`. */
  static async createTemporary(connection: DuckDBConnection, shapes: Shapes, table: string): Promise<FrameAppender> {
    return new FrameAppender(await connection.createAppender(table, 'main', 'temp'), shapes, null);
  }

  append(columns: Columns, received: number): void {
    const { length, meter, quantity, ts, value, quality } = columns;
    const shapes = this.#shapes;
    for (let row = 0; row < CHUNK_ROWS; row++) putTime(this.#received.items, row, received);
    for (let i = 0; i < length; ) {
      const first = i;
      const at = ts[i] as number;
      const whose = meter[i] as number;
      const row = this.#rows;
      let end = shapes.root;
      for (let slot = 0; slot < SLOTS && i < length && meter[i] === whose && ts[i] === at; slot++, i++) {
        end = shapes.step(end, quantity[i] as number);
        (this.#values[slot] as ChunkColumn<Float64Array>).items[row] = value[i] as number;
        const bits = this.#valid[slot] as Uint32Array;
        bits[row >> 5] = (bits[row >> 5] as number) | (1 << (row & 31));
        this.#quality.items[8 * row + slot] = quality[i] as number;
      }
      if (i - first > 1 && !shapes.isOpen(end)) {
        this.#cutToOne(row);
        i = first + 1;
        end = shapes.step(shapes.root, quantity[first] as number);
      }
      const until = i;
      this.#meter.items[row] = whose;
      putTime(this.#ts.items, row, at);
      const shape = shapes.at(end, () => Array.from(quantity.subarray(first, until)));
      this.#shape.items[row] = shape;
      this.#newest?.see(shape, columns, first, until);
      if (++this.#rows === CHUNK_ROWS) this.#emit();
    }
    if (this.#rows > 0) this.#emit();
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

  /** Leaves only the first value of the frame that is being filled. */
  #cutToOne(row: number): void {
    for (let slot = 1; slot < SLOTS; slot++) {
      const bits = this.#valid[slot] as Uint32Array;
      bits[row >> 5] = (bits[row >> 5] as number) & ~(1 << (row & 31));
      this.#quality.items[8 * row + slot] = 0;
    }
  }

  #emit(): void {
    const rows = this.#rows;
    this.#meter.put(rows);
    this.#ts.put(rows);
    this.#shape.put(rows);
    for (let slot = 0; slot < SLOTS; slot++) {
      const column = this.#values[slot] as ChunkColumn<Float64Array>;
      const bits = this.#valid[slot] as Uint32Array;
      column.put(rows);
      column.putValid(bits, rows);
      bits.fill(0);
    }
    this.#quality.put(rows);
    this.#quality.items.fill(0);
    this.#received.put(rows);
    this.#chunk.rowCount = rows;
    this.#appender.appendDataChunk(this.#chunk);
    this.#rows = 0;
  }
}
