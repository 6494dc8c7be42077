import type { GreenparkError } from '../../model/errors.ts';
import type { Correction, RawSeries, Revision, SeriesQuery, Step, WriteResult } from '../port.ts';
import type { CounterAnswer, CounterAsk } from './counter-columns.ts';
import type { NeighbourColumns, PointsAsk } from './point-columns.ts';
import type { SharedBlock } from './shared-block.ts';

/** What the main thread asks of the worker, and what the worker answers to each. */
export interface Questions {
  open: { ask: OpenAsk; answer: null };
  /** Blocks that wait at the same time go into one transaction. */
  write: { ask: SharedBlock; answer: WriteResult };
  correct: { ask: Correction; answer: null };
  revisions: { ask: { readonly meter: number; readonly quantity: number; readonly ts: number }; answer: readonly Revision[] };
  latest: { ask: null; answer: LatestColumns };
  raw: { ask: SeriesQuery & { readonly limit: number }; answer: RawSeries };
  steps: { ask: SeriesQuery & { readonly step: number; readonly origin: number }; answer: readonly Step[] };
  counters: { ask: CounterAsk; answer: CounterAnswer };
  neighbours: { ask: PointsAsk; answer: NeighbourColumns };
  deleteBefore: { ask: { readonly before: number }; answer: number };
  ping: { ask: null; answer: null };
  close: { ask: null; answer: null };
}

export interface OpenAsk {
  readonly file: string;
  readonly memoryLimitMb: number;
  readonly threads: number;
  readonly keepFreeBytes: number;
  readonly renewAfterFrames: number;
}

/** The newest reading of each series. Columns move between the threads; half a million objects would be written and read again. */
export interface LatestColumns {
  readonly meter: Float64Array;
  readonly quantity: Float64Array;
  readonly ts: Float64Array;
  readonly value: Float64Array;
  readonly quality: Float64Array;
}

export type QuestionName = keyof Questions;

export type Request = { [Name in QuestionName]: { readonly id: number; readonly name: Name; readonly ask: Questions[Name]['ask'] } }[QuestionName];

export type Reply =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: { readonly code: GreenparkError['code']; readonly message: string; readonly retryable: boolean } };
