import type { Logger } from 'pino';
import type { NeighbourQuery, Neighbours, ReadingStore } from '../store/port.ts';
import { inTime } from './retry.ts';
import type { Spool } from './spool/spool.ts';
import type { StageTimes } from './stage-times.ts';

export interface StoredNeighboursParts {
  readonly store: Pick<ReadingStore, 'neighbours'>;
  readonly spool: Pick<Spool, 'readings'> | undefined;
  /** How long the store may take for an answer, in milliseconds. */
  readonly patienceMs: number;
  readonly stages: Pick<StageTimes, 'add'>;
  readonly logger: Pick<Logger, 'warn'>;
}

/** Asks the store what stands around late readings. Ingest goes on where it does not say. */
export class StoredNeighbours {
  readonly #parts: StoredNeighboursParts;

  constructor(parts: StoredNeighboursParts) {
    this.#parts = parts;
  }

  /** Null while the store is away or slow, or has not taken yet what waits for it. */
  async ask(query: NeighbourQuery): Promise<readonly Neighbours[] | null> {
    const { store, spool, patienceMs, stages, logger } = this.#parts;
    if (spool !== undefined && spool.readings > 0) return null;
    const began = performance.now();
    let answered = 0;
    try {
      const found = await inTime(store.neighbours(query), patienceMs, SLOW);
      answered = query.points.length;
      return found;
    } catch (error) {
      logger.warn({ err: error, readings: query.points.length }, 'late readings are judged without those around them, which the store does not tell now');
      return null;
    } finally {
      stages.add('neighbours', performance.now() - began, answered);
    }
  }
}

const SLOW = new Error('the store has not answered in time');
