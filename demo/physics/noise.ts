/** Deterministic randomness: every value is a pure function of its arguments, so that any instant can be computed directly. */

/** A stream number from a name (FNV-1a), so that two signals never share their noise. */
export function streamOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** Uniform in [0, 1). */
export function unit(seed: number, stream: number, index: number): number {
  let hash = Math.imul(seed ^ Math.imul(stream, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(index + 0x7f4a7c15, 0xc2b2ae35);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x7feb352d);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x846ca68b);
  hash ^= hash >>> 16;
  return (hash >>> 0) / 4294967296;
}

/** Uniform in [-1, 1). */
const signed = (seed: number, stream: number, index: number): number => 2 * unit(seed, stream, index) - 1;

/** Value noise in [-1, 1): random at whole `x`, smooth between them. */
export function smooth(seed: number, stream: number, x: number): number {
  const cell = Math.floor(x);
  const u = x - cell;
  const left = signed(seed, stream, cell);
  return left + (signed(seed, stream, cell + 1) - left) * u * u * (3 - 2 * u);
}
