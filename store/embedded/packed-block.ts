import type { ReadingBlock } from '../../model/reading.ts';
import type { PackedBlock } from './protocol.ts';

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

/** Columns of `length` rows that share one buffer. */
export function columnsOn(buffer: ArrayBuffer, length: number): Columns {
  return {
    length,
    ts: new Float64Array(buffer, 0, length),
    value: new Float64Array(buffer, 8 * length, length),
    meter: new Int32Array(buffer, 16 * length, length),
    quantity: new Uint16Array(buffer, 20 * length, length),
    quality: new Uint8Array(buffer, 22 * length, length),
  };
}

/** Copies the block (its memory stays the caller's) into one buffer that can be transferred. */
export function pack(block: ReadingBlock, arrival: 'fresh' | 'late'): PackedBlock {
  const { length } = block;
  const buffer = new ArrayBuffer(length * ROW_BYTES);
  const columns = columnsOn(buffer, length);
  columns.ts.set(block.ts.subarray(0, length));
  columns.value.set(block.value.subarray(0, length));
  columns.meter.set(block.meter.subarray(0, length));
  columns.quantity.set(block.quantity.subarray(0, length));
  columns.quality.set(block.quality.subarray(0, length));
  return { length, arrival, buffer };
}

export const unpack = (block: PackedBlock): Columns => columnsOn(block.buffer, block.length);

/** The rows whose flag is 0, in order. */
export function without(columns: Columns, dropped: Uint8Array): Columns {
  const kept = columnsOn(new ArrayBuffer(columns.length * ROW_BYTES), columns.length);
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
