import type { EpochMs } from '../model/ids.ts';
import type { ReadingBlock } from '../model/reading.ts';
import { SERVICE_AUTHOR } from '../model/service-author.ts';

/**
 * Where readings rest. One interface, several engines, one contract suite (test/contract/reading-store.ts).
 * Meters are named by registry ordinal, quantities by catalogue code. All times are UTC milliseconds; ranges are [from, to).
 * Every method rejects with GreenparkError: `STORE_UNREACHABLE` (retryable) when the engine is away,
 * `STORE_REFUSED` (not retryable) when it will never take the input, `STORE_CLOSED` after close().
 */
export interface ReadingStore {
  /**
   * Stores a block, durably: resolved means it survives a crash. The whole block or none of it. The block's memory is not to change
   * before the promise has settled.
   *
   * The same (meter, quantity, ts) is one reading; the value stored first stays. `fresh` rows are promised to be newer than
   * everything stored for their series; `late` rows are checked against what is stored, and duplicates within the block too.
   *
   * A reading that is flagged `clock` was measured at another time than the one that it bears, so that it does not keep its place from the
   * one that was measured then: unless it has been corrected, a late row with any other flag corrects it (CLOCK_CORRECTION) and counts as stored.
   */
  write(block: ReadingBlock, arrival: 'fresh' | 'late'): Promise<WriteResult>;

  /** Puts a corrected value beside the original. Reads answer the latest correction; the original stays in `revisions`. */
  correct(correction: Correction): Promise<void>;

  /** Every value that was ever held for one reading: the original first, then its corrections in order. */
  revisions(meter: number, quantity: number, ts: EpochMs): Promise<readonly Revision[]>;

  /** The newest reading of every series, by time of measurement. There may be millions: an object is made for each as it is come to. */
  latest(): Promise<Iterable<StoredReading>>;

  /** Raw readings in time order, with their quality, at most `limit`. */
  raw(query: SeriesQuery & { readonly limit: number }): Promise<RawSeries>;

  /**
   * The series in steps of `step` ms, steps aligned to `origin` (the zone's midnight, for steps of a day).
   * Only usable readings count. Steps without any are absent.
   */
  steps(query: SeriesQuery & { readonly step: number; readonly origin: EpochMs }): Promise<readonly Step[]>;

  /**
   * The counters' movement per step, for usage: see CounterStep. Only usable readings count. Also answers, per counter, the
   * last usable reading before `from` and the first one at or after `to`, so that usage at the borders can be shared out.
   */
  counters(query: CounterQuery): Promise<readonly CounterSeries[]>;

  /** Of each point the readings of its series that stand nearest to it; in the order of the points. Only usable readings count. */
  neighbours(query: NeighbourQuery): Promise<readonly Neighbours[]>;

  /** Deletes everything measured before `before`; answers how many readings went. */
  deleteBefore(before: EpochMs): Promise<number>;

  /** Resolves when the engine can take a write now; rejects `STORE_UNREACHABLE` otherwise. */
  ping(): Promise<void>;

  /** Finishes what was begun and lets go of files and sockets. May be called twice. */
  close(): Promise<void>;
}

export interface WriteResult {
  readonly stored: number;
  readonly duplicates: number;
}

export interface SeriesQuery {
  readonly meter: number;
  readonly quantity: number;
  readonly from: EpochMs;
  readonly to: EpochMs;
}

export interface StoredReading {
  readonly meter: number;
  readonly quantity: number;
  readonly ts: EpochMs;
  readonly value: number;
  readonly quality: number;
}

export interface RawSeries {
  readonly length: number;
  readonly ts: Float64Array;
  readonly value: Float64Array;
  readonly quality: Uint8Array;
}

export interface Step {
  /** First instant of the step. */
  readonly at: EpochMs;
  readonly count: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  /** The newest value in the step. */
  readonly last: number;
}

export interface CounterQuery {
  /** (meter, quantity) pairs; all in one question, so that a park's usage is one round trip. */
  readonly counters: readonly { readonly meter: number; readonly quantity: number }[];
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly step: number;
  readonly origin: EpochMs;
}

export interface CounterSeries {
  readonly meter: number;
  readonly quantity: number;
  readonly before: CounterPoint | null;
  readonly after: CounterPoint | null;
  readonly steps: readonly CounterStep[];
  /** Rises that the readings alone do not show; no engine answers them, they come from what is known of the registers. */
  readonly adjustments?: readonly Adjustment[];
}

/** Between two consecutive readings, at `from` and `to`, the counter rose by so much more than the readings say; may be negative. */
export interface Adjustment {
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly rise: number;
}

export interface NeighbourQuery {
  readonly points: readonly { readonly meter: number; readonly quantity: number; readonly ts: EpochMs }[];
  /** How far from its point a reading may stand, ms; `Infinity` looks through all there is. */
  readonly reach: number;
}

/** The last reading before the point, and the first one at it or after it; null where none is within reach. */
export interface Neighbours {
  readonly before: CounterPoint | null;
  readonly after: CounterPoint | null;
}

export interface CounterPoint {
  readonly ts: EpochMs;
  readonly value: number;
}

/** What a counter did inside one step; steps without a usable reading are absent. */
export interface CounterStep {
  readonly at: EpochMs;
  readonly first: CounterPoint;
  readonly last: CounterPoint;
  /** Sum of the rises between consecutive readings inside the step; after a fall the new register counts from zero. */
  readonly rise: number;
  /** How often the register fell inside the step (reset or rollover). */
  readonly falls: number;
}

export interface Correction extends StoredReading {
  readonly author: string;
  readonly reason: string;
  /** When the correction was made. */
  readonly at: EpochMs;
}

/** What a correction says that the service itself makes: the reading which was measured at this time came after one whose clock was wrong. */
export const CLOCK_CORRECTION = { author: SERVICE_AUTHOR, reason: 'the reading that stood here bore the time of a clock that was wrong' } as const;

export interface Revision {
  readonly value: number;
  readonly quality: number;
  /** null for the original, as the instrument sent it. */
  readonly correction: { readonly author: string; readonly reason: string; readonly at: EpochMs } | null;
}
