import { crc32 } from 'node:zlib';
import type { ReadingBlock } from '../../model/reading.ts';
import type { Arrival } from '../reading-writer.ts';

// One block as bytes, in the machine's own byte order: a spool stays on the machine that wrote it.
//   0 version · 1 arrival · 2-3 zero · 4-7 rows · 8-11 frames · 12-15 CRC-32 of everything else
//   then the columns, widest first so that each is aligned:
//   ts of each frame (8) · value of each row (8) · meter of each frame (4) · rows of each frame (2) · quantity (2) and quality (1) of each row
// Rows of one meter and time that stand together are a frame, so that both are held once for all of them.

const VERSION = 1;
const HEADER_BYTES = 16;
const CRC_AT = 12;
const FRAME_BYTES = 14;
const ROW_BYTES = 11;
const MOST_ROWS_OF_FRAME = 0xffff;

interface Layout {
  readonly header: DataView;
  readonly rows: number;
  readonly frames: number;
  readonly ts: Float64Array;
  readonly value: Float64Array;
  readonly meter: Int32Array;
  readonly count: Uint16Array;
  readonly quantity: Uint16Array;
  readonly quality: Uint8Array;
}

function layoutOf(buffer: ArrayBuffer, rows: number, frames: number): Layout {
  let at = HEADER_BYTES;
  const next = (bytes: number): number => {
    at += bytes;
    return at - bytes;
  };
  return {
    header: new DataView(buffer, 0, HEADER_BYTES),
    rows,
    frames,
    ts: new Float64Array(buffer, next(8 * frames), frames),
    value: new Float64Array(buffer, next(8 * rows), rows),
    meter: new Int32Array(buffer, next(4 * frames), frames),
    count: new Uint16Array(buffer, next(2 * frames), frames),
    quantity: new Uint16Array(buffer, next(2 * rows), rows),
    quality: new Uint8Array(buffer, next(rows), rows),
  };
}

/** Does the row begin a frame of its own? */
function begins({ meter, ts }: ReadingBlock, row: number, rowsBefore: number): boolean {
  return row === 0 || rowsBefore === MOST_ROWS_OF_FRAME || meter[row] !== meter[row - 1] || ts[row] !== ts[row - 1];
}

/** Copies the block; `series` is not kept. What comes out is not sealed yet. */
export function packRows(block: ReadingBlock, arrival: Arrival): ArrayBuffer {
  const { length } = block;
  let frames = 0;
  for (let row = 0, inFrame = 0; row < length; row++) {
    if (begins(block, row, inFrame)) {
      frames++;
      inFrame = 0;
    }
    inFrame++;
  }
  const buffer = new ArrayBuffer(HEADER_BYTES + FRAME_BYTES * frames + ROW_BYTES * length);
  const packed = layoutOf(buffer, length, frames);
  packed.header.setUint8(0, VERSION);
  packed.header.setUint8(1, arrival === 'fresh' ? 0 : 1);
  packed.header.setUint32(4, length, true);
  packed.header.setUint32(8, frames, true);
  packed.value.set(block.value.subarray(0, length));
  packed.quantity.set(block.quantity.subarray(0, length));
  packed.quality.set(block.quality.subarray(0, length));
  for (let row = 0, frame = -1, inFrame = 0; row < length; row++) {
    if (begins(block, row, inFrame)) {
      frame++;
      inFrame = 0;
      packed.meter[frame] = block.meter[row] as number;
      packed.ts[frame] = block.ts[row] as number;
    }
    packed.count[frame] = ++inFrame;
  }
  return buffer;
}

/** What has to be known of packed rows without unpacking them. */
export interface PackedSummary {
  readonly rows: number;
  readonly arrival: Arrival;
  /** Earliest time of measurement among them. */
  readonly oldest: number;
}

/** Puts the check sum in: to be done once, before the bytes are written. */
export function seal(buffer: ArrayBuffer): PackedSummary {
  const header = new DataView(buffer, 0, HEADER_BYTES);
  header.setUint32(CRC_AT, checkSum(buffer), true);
  const packed = layoutOf(buffer, header.getUint32(4, true), header.getUint32(8, true));
  return { rows: packed.rows, arrival: arrivalOf(header), oldest: packed.ts.reduce((least, ts) => Math.min(least, ts), Number.POSITIVE_INFINITY) };
}

export interface UnpackedRows {
  readonly arrival: Arrival;
  readonly rows: number;
  /** Puts the rows into the columns from row `at` on. */
  into(block: ReadingBlock, at: number): void;
}

/** The rows behind the bytes, or why they cannot be believed. */
export function unpackRows(bytes: ArrayBuffer): UnpackedRows | { readonly fault: string } {
  if (bytes.byteLength < HEADER_BYTES) return { fault: `it has ${bytes.byteLength} bytes, less than its header` };
  const header = new DataView(bytes, 0, HEADER_BYTES);
  const version = header.getUint8(0);
  if (version !== VERSION) return { fault: `it is of version ${version}, and this program reads version ${VERSION}` };
  const rows = header.getUint32(4, true);
  const frames = header.getUint32(8, true);
  const expected = HEADER_BYTES + FRAME_BYTES * frames + ROW_BYTES * rows;
  if (bytes.byteLength !== expected) return { fault: `it has ${bytes.byteLength} bytes where its header says ${expected}` };
  if (checkSum(bytes) !== header.getUint32(CRC_AT, true)) return { fault: 'its check sum does not fit' };
  const packed = layoutOf(bytes, rows, frames);
  return { arrival: arrivalOf(header), rows, into: (block, at) => spread(packed, block, at) };
}

function spread({ frames, ts, meter, count, value, quantity, quality }: Layout, block: ReadingBlock, at: number): void {
  block.value.set(value, at);
  block.quantity.set(quantity, at);
  block.quality.set(quality, at);
  let row = at;
  for (let frame = 0; frame < frames; frame++) {
    const end = row + (count[frame] as number);
    block.ts.fill(ts[frame] as number, row, end);
    block.meter.fill(meter[frame] as number, row, end);
    row = end;
  }
}

const arrivalOf = (header: DataView): Arrival => (header.getUint8(1) === 0 ? 'fresh' : 'late');

const checkSum = (buffer: ArrayBuffer): number => crc32(new Uint8Array(buffer, HEADER_BYTES), crc32(new Uint8Array(buffer, 0, CRC_AT)));

/** A block of `length` rows whose columns are to be filled; `series` stands at -1. */
export function emptyBlock(length: number): ReadingBlock {
  return {
    length,
    series: new Int32Array(length).fill(-1),
    meter: new Int32Array(length),
    quantity: new Uint16Array(length),
    ts: new Float64Array(length),
    value: new Float64Array(length),
    quality: new Uint8Array(length),
  };
}
