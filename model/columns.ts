/**
 * Columns become this much longer when they are full: what is not written in a new one takes no memory, while what an old one took lies
 * about until a full collection of garbage.
 */
export const COLUMN_GROWTH = 8;

type Column = Int32Array | Uint16Array | Float64Array | Uint8Array;

/** The longer column `made`, with what stood in `old`. */
export function grown<T extends Column>(old: T, made: T): T {
  made.set(old as never);
  return made;
}
