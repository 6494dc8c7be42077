import type { Logger } from 'pino';
import type { NeighbourQuery, Neighbours, ReadingStore } from '../store/port.ts';
import { inTime, orAborted } from './retry.ts';
import type { Spool } from './spool/spool.ts';
import type { StageTimes } from './stage-times.ts';

export interface StoredNeighboursParts {
  readonly store: Pick<ReadingStore, 'neighbours'>;
  readonly spool: Pick<Spool, 'readings'> | undefined;
  /** How long the store may take for an answer, in milliseconds. */
  readonly patienceMs: number;
  /** Aborted: no answer is waited for any more. */
  readonly graceOver: AbortSignal;
  readonly stages: Pick<StageTimes, 'add'>;
  readonly logger: Pick<Logger, 'warn'>;
}

/** Asks the store what stands around late readings. Ingest goes on where it does not say. */
export class StoredNeighbours {
  readonly #parts: StoredNeighboursParts;
  /** One whose answer nobody waits for any more: the store is not to have several of them. */
  #overdue: Promise<unknown> | null = null;

  constructor(parts: StoredNeighboursParts) {
    this.#parts = parts;
  }

  /** Null while the store is away or slow, or has not taken yet what waits for it. Asked for one block after the other. */
  async ask(query: NeighbourQuery): Promise<readonly Neighbours[] | null> {
    const { store, spool, patienceMs, graceOver, stages, logger } = this.#parts;
    if (this.#overdue !== null || graceOver.aborted || (spool !== undefined && spool.readings > 0)) return null;
    const began = performance.now();
    const question = store.neighbours(query);
    let answered = 0;
    try {
      const found = await orAborted(inTime(question, patienceMs, SLOW), graceOver, () => STOPPED);
      answered = query.points.length;
      return found;
    } catch (error) {
      if (error === SLOW) this.#leave(question);
      logger.warn({ err: error, readings: query.points.length }, 'late readings are judged without those around them, which the store does not tell now');
      return null;
    } finally {
      stages.add('neighbours', performance.now() - began, answered);
    }
  }

  #leave(question: Promise<unknown>): void {
    const end = () => {
      this.#overdue = null;
    };
    this.#overdue = question.then(end, end);
  }
}

const SLOW = new Error('the store has not answered in time');
const STOPPED = new Error('ingest has stopped before the store answered');
