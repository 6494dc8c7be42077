import { Worker } from 'node:worker_threads';
import { GreenparkError } from '../../model/errors.ts';
import type { ReadingBlock } from '../../model/reading.ts';
import type {
  Correction,
  CounterQuery,
  CounterSeries,
  NeighbourQuery,
  Neighbours,
  RawSeries,
  ReadingStore,
  Revision,
  SeriesQuery,
  Step,
  StoredReading,
  WriteResult,
} from '../port.ts';
import { requireStorable, requireWhole } from '../storable.ts';
import { askOf, seriesOf } from './counter-columns.ts';
import { neighboursAt, pointsAskOf } from './point-columns.ts';
import type { LatestColumns, QuestionName, Questions, Reply } from './protocol.ts';
import { shared } from './shared-block.ts';

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: GreenparkError) => void;
}

/** What the worker makes for a moment it makes in so much, in MB: values are in columns outside of its heap, and by itself that grows to 48. */
const YOUNG_MB = 8;

/** The main thread's half: shares blocks and passes questions on. */
export class EmbeddedStore implements ReadingStore {
  readonly #worker: Worker;
  readonly #released: () => void;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #closing: Promise<void> | null = null;
  #dead: GreenparkError | null = null;
  /** Told when nothing is under way any more. */
  #idle: (() => void) | null = null;
  readonly #exited: Promise<void>;

  /** `released` is called once, when the worker is gone and the folder is free. */
  constructor(released: () => void) {
    this.#released = released;
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { name: 'store', resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
    this.#worker.on('message', (reply: Reply) => this.#take(reply));
    this.#worker.on('error', (error) => this.#die(error));
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#die(undefined);
        this.#released();
        resolve();
      });
    });
  }

  /** Opens the database file; a rejection leaves nothing behind. */
  async open(ask: Questions['open']['ask']): Promise<void> {
    try {
      await this.#ask('open', ask);
    } catch (error) {
      await this.#exited;
      throw error;
    }
  }

  async write(block: ReadingBlock, arrival: 'fresh' | 'late'): Promise<WriteResult> {
    this.#requireOpen();
    requireStorable(block);
    if (block.length === 0) return { stored: 0, duplicates: 0 };
    return this.#ask('write', shared(block, arrival));
  }

  async correct(correction: Correction): Promise<void> {
    this.#requireOpen();
    const { meter, quantity, ts, quality, at, value } = correction;
    for (const [what, number] of Object.entries({ meter, quantity, ts, quality, at })) requireWhole(number, `the correction's ${what}`);
    if (!Number.isFinite(value)) throw new GreenparkError('STORE_REFUSED', `the corrected value ${value} is not a finite number`);
    await this.#ask('correct', { ...correction });
  }

  async revisions(meter: number, quantity: number, ts: number): Promise<readonly Revision[]> {
    this.#requireOpen();
    return this.#ask('revisions', { meter, quantity, ts });
  }

  async latest(): Promise<Iterable<StoredReading>> {
    this.#requireOpen();
    const columns = await this.#ask('latest', null);
    return { [Symbol.iterator]: () => readingsIn(columns) };
  }

  async raw(query: SeriesQuery & { readonly limit: number }): Promise<RawSeries> {
    this.#requireOpen();
    return this.#ask('raw', query);
  }

  async steps(query: SeriesQuery & { readonly step: number; readonly origin: number }): Promise<readonly Step[]> {
    this.#requireOpen();
    return this.#ask('steps', query);
  }

  async counters(query: CounterQuery): Promise<readonly CounterSeries[]> {
    this.#requireOpen();
    const { ask, places } = askOf(query);
    return seriesOf(query, places, await this.#ask('counters', ask));
  }

  async neighbours(query: NeighbourQuery): Promise<readonly Neighbours[]> {
    this.#requireOpen();
    if (query.points.length === 0) return [];
    const answer = await this.#ask('neighbours', pointsAskOf(query));
    return query.points.map((_, place) => neighboursAt(answer, place));
  }

  async deleteBefore(before: number): Promise<number> {
    this.#requireOpen();
    return this.#ask('deleteBefore', { before: requireWhole(before, 'the time to delete before') });
  }

  async ping(): Promise<void> {
    this.#requireOpen();
    await this.#ask('ping', null);
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  async #finish(): Promise<void> {
    if (this.#waiting.size > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    try {
      if (this.#dead === null) await this.#ask('close', null);
    } finally {
      await this.#exited;
    }
  }

  #ask<Name extends QuestionName>(name: Name, ask: Questions[Name]['ask']): Promise<Questions[Name]['answer']> {
    if (this.#dead !== null) return Promise.reject(this.#dead);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, name, ask });
    });
  }

  #take(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.id);
    if ('error' in reply) waiting.reject(new GreenparkError(reply.error.code, reply.error.message, { retryable: reply.error.retryable }));
    else waiting.resolve(reply.answer as never);
    if (this.#waiting.size === 0) this.#idle?.();
  }

  #die(cause: unknown): void {
    this.#dead ??= new GreenparkError('STORE_UNREACHABLE', "the embedded store's thread ended", { retryable: true, cause });
    for (const waiting of this.#waiting.values()) waiting.reject(this.#dead);
    this.#waiting.clear();
    this.#idle?.();
  }

  #requireOpen(): void {
    if (this.#closing !== null) throw new GreenparkError('STORE_CLOSED', 'the store is closed');
  }
}

function* readingsIn({ meter, quantity, ts, value, quality }: LatestColumns): Generator<StoredReading> {
  for (const [row, ordinal] of meter.entries()) {
    yield { meter: ordinal, quantity: quantity[row] as number, ts: ts[row] as number, value: value[row] as number, quality: quality[row] as number };
  }
}
