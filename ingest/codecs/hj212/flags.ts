import { QUALITY } from '../../../model/quality.ts';

/**
 * Data flags of HJ 212-2017 (table of flags, as restated in public implementations) as our quality. N and S are the ones that count in
 * the standard's statistics.
 */
const QUALITY_OF: Readonly<Record<string, number>> = {
  // Normal.
  N: QUALITY.good,
  // A value set by hand: usable, and not measured.
  S: QUALITY.estimated,
  // Out of operation on purpose.
  F: QUALITY.maintenance,
  M: QUALITY.maintenance,
  C: QUALITY.calibration,
  // Above the measuring range.
  T: QUALITY.range,
  D: QUALITY.fault,
  // No communication between instrument and logger.
  B: QUALITY.fault,
};

/** null: the flag is not of the standard's list, and the value is taken as `fault`. A value without a flag is normal. */
export const qualityOfFlag = (flag: string | undefined): number | null =>
  flag === undefined || flag === '' ? QUALITY.good : (QUALITY_OF[flag.toUpperCase()] ?? null);

/** Normal, or without a flag. */
export const isNormal = (flag: string | undefined): boolean => qualityOfFlag(flag) === QUALITY.good;
