import type { ReadingBlock } from '../../model/reading.ts';

/** Bytes of one row: ts and value 8 each, meter 4, quantity 2, quality 1. */
const ROW_BYTES = 23;

/** The columns that are stored. Widest first in the buffer, so that each is aligned. */
export interface Columns {
  readonly length: number;
  readonly ts: Float64Array;
  readonly value: Float64Array;
  readonly meter: Int32Array;
  readonly quantity: Uint16Array;
  readonly quality: Uint8Array;
}

/** A block on shared memory, which the worker reads where it stands: it must not change until the worker has answered. */
export interface SharedBlock extends Columns {
  readonly arrival: 'fresh' | 'late';
}

/** Columns of `length` rows that share one buffer. */
function columnsOn(buffer: SharedArrayBuffer, length: number): Columns {
  return {
    length,
    ts: new Float64Array(buffer, 0, length),
    value: new Float64Array(buffer, 8 * length, length),
    meter: new Int32Array(buffer, 16 * length, length),
    quantity: new Uint16Array(buffer, 20 * length, length),
    quality: new Uint8Array(buffer, 22 * length, length),
  };
}

/** The stored columns for another thread: where they stand when their memory is shared, in a copy of their own otherwise. */
export function shared(block: ReadingBlock, arrival: 'fresh' | 'late'): SharedBlock {
  const { length, ts, value, meter, quantity, quality } = block;
  if (ts.buffer instanceof SharedArrayBuffer) return { length, arrival, ts, value, meter, quantity, quality };
  const columns = columnsOn(new SharedArrayBuffer(length * ROW_BYTES), length);
  columns.ts.set(ts.subarray(0, length));
  columns.value.set(value.subarray(0, length));
  columns.meter.set(meter.subarray(0, length));
  columns.quantity.set(quantity.subarray(0, length));
  columns.quality.set(quality.subarray(0, length));
  return { ...columns, arrival };
}

/** The rows whose flag is 0, in order. */
export function without(columns: Columns, dropped: Uint8Array): Columns {
  const kept = columnsOn(new SharedArrayBuffer(columns.length * ROW_BYTES), columns.length);
  let length = 0;
  for (let i = 0; i < columns.length; i++) {
    if (dropped[i] === 1) continue;
    kept.ts[length] = columns.ts[i] as number;
    kept.value[length] = columns.value[i] as number;
    kept.meter[length] = columns.meter[i] as number;
    kept.quantity[length] = columns.quantity[i] as number;
    kept.quality[length] = columns.quality[i] as number;
    length++;
  }
  return { ...kept, length };
}
