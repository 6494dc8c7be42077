import type { GreenparkError } from '../../model/errors.ts';
import type { Correction, CounterQuery, CounterSeries, RawSeries, Revision, SeriesQuery, Step, StoredReading, WriteResult } from '../port.ts';
import type { SharedBlock } from './shared-block.ts';

/** What the main thread asks of the worker, and what the worker answers to each. */
export interface Questions {
  open: { ask: { readonly file: string; readonly memoryLimitMb: number; readonly threads: number; readonly keepFreeBytes: number }; answer: null };
  /** All blocks go into one transaction; one result a block, in order. */
  write: { ask: { readonly blocks: readonly SharedBlock[] }; answer: readonly WriteResult[] };
  correct: { ask: Correction; answer: null };
  revisions: { ask: { readonly meter: number; readonly quantity: number; readonly ts: number }; answer: readonly Revision[] };
  latest: { ask: null; answer: readonly StoredReading[] };
  raw: { ask: SeriesQuery & { readonly limit: number }; answer: RawSeries };
  steps: { ask: SeriesQuery & { readonly step: number; readonly origin: number }; answer: readonly Step[] };
  counters: { ask: CounterQuery; answer: readonly CounterSeries[] };
  deleteBefore: { ask: { readonly before: number }; answer: number };
  ping: { ask: null; answer: null };
  close: { ask: null; answer: null };
}

export type QuestionName = keyof Questions;

export type Request = { [Name in QuestionName]: { readonly id: number; readonly name: Name; readonly ask: Questions[Name]['ask'] } }[QuestionName];

export type Reply =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: { readonly code: GreenparkError['code']; readonly message: string; readonly retryable: boolean } };
