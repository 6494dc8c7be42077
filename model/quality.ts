/**
 * Quality flag of a reading, with its cause. The numbers are stored: never change or reuse one.
 * Readings that are not usable are stored and shown as such, and never enter an average, a usage or a cap.
 */
export const QUALITY = {
  good: 0,
  /** Outside the quantity's physical range. */
  range: 1,
  /** No change for longer than the quantity allows. */
  stuck: 2,
  jump: 3,
  /** A counter that stands below its last good register, until the next reading tells a reset from a slip. */
  backwards: 4,
  clock: 5,
  estimated: 6,
  calibration: 7,
  maintenance: 8,
  fault: 9,
  corrected: 10,
} as const;

export type QualityName = keyof typeof QUALITY;

const NAMES = Object.keys(QUALITY) as QualityName[];
export const qualityName = (quality: number): QualityName => NAMES[quality] ?? 'fault';

/** May this reading enter averages, usage and caps? */
export const isUsable = (quality: number): boolean => quality === QUALITY.good || quality === QUALITY.estimated || quality === QUALITY.corrected;
