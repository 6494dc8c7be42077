/**
 * Quality flag of a reading, with its cause. The numbers are stored: never change or reuse one.
 * Readings that are not usable are stored and shown as such, and never enter an average, a usage or a cap.
 */
export const QUALITY = {
  good: 0,
  /** Outside the quantity's physical range. */
  range: 1,
  /** No change for longer than the meter's record allows. */
  stuck: 2,
  /** Further from the reading before than the meter's record allows, until the next reading tells a slip from a new level. */
  jump: 3,
  /** A counter that stands below its last good register, until the next reading tells a reset from a slip. */
  backwards: 4,
  /** Ahead of the service, or far in the past without being marked as backfill: the clock of its sender is wrong. */
  clock: 5,
  estimated: 6,
  calibration: 7,
  maintenance: 8,
  fault: 9,
  corrected: 10,
} as const;

export type QualityName = keyof typeof QUALITY;

/** In the order of their numbers, which begin at 0. */
export const QUALITY_NAMES = Object.keys(QUALITY) as readonly QualityName[];
export const qualityName = (quality: number): QualityName => QUALITY_NAMES[quality] ?? 'fault';

/** May this reading enter averages, usage and caps? */
export const isUsable = (quality: number): boolean => quality === QUALITY.good || quality === QUALITY.estimated || quality === QUALITY.corrected;
