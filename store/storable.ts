import { GreenparkError } from '../model/errors.ts';
import type { ReadingBlock } from '../model/reading.ts';

/** The largest time, in ms from 1970 on either side, that a JavaScript date can hold. */
export const FARTHEST_MS = 8.64e15;

/**
 * Throws `STORE_REFUSED` for a block that no engine can keep: a value that is not a finite number or a time that is not a
 * whole millisecond. The pipeline never lets one through; what does is a fault in the program, and is said as such.
 */
export function requireStorable(block: ReadingBlock): void {
  const { length, ts, value } = block;
  let known = Number.NaN;
  for (let i = 0; i < length; i++) {
    if (!Number.isFinite(value[i])) throw refused(block, i, `value ${value[i]} is not a finite number`);
    const at = ts[i] as number;
    // The rows of a frame have one time.
    if (at === known) continue;
    if (!Number.isInteger(at) || at > FARTHEST_MS || at < -FARTHEST_MS) throw refused(block, i, `time ${at} is not a whole millisecond`);
    known = at;
  }
}

function refused(block: ReadingBlock, row: number, why: string): GreenparkError {
  return new GreenparkError('STORE_REFUSED', `row ${row} of the block (meter ${block.meter[row]}, quantity ${block.quantity[row]}): ${why}`);
}

/** Throws `STORE_REFUSED` unless the number is a whole one; `what` names it in the message. */
export function requireWhole(value: number, what: string): number {
  if (Number.isSafeInteger(value)) return value;
  throw new GreenparkError('STORE_REFUSED', `${what} must be a whole number, not ${value}`);
}

/** First instant of the step that `ts` falls into. */
export function stepOf(ts: number, step: number, origin: number): number {
  const into = (ts - origin) % step;
  return ts - (into < 0 ? into + step : into);
}
