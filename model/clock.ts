import type { EpochMs } from './ids.ts';

/** Now, in UTC milliseconds. Handed in, so that tests own the time. */
export type Clock = () => EpochMs;
