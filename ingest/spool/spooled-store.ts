import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { GreenparkError } from '../../model/errors.ts';
import type { ReadingBlock } from '../../model/reading.ts';
import type { ReadingStore, WriteResult } from '../../store/port.ts';
import type { Arrival, Written } from '../reading-writer.ts';
import { inTime } from '../retry.ts';
import type { StageTimes } from '../stage-times.ts';
import type { IngestStats } from '../stats.ts';
import { isFinal, type SureWrite } from '../sure-write.ts';
import type { Spool } from './spool.ts';

export interface SpooledStoreParts {
  readonly store: Pick<ReadingStore, 'write'>;
  readonly spool: Spool;
  /** Writes into the same store, however long it takes. */
  readonly drain: SureWrite;
  /** How long the store may take for a block, in milliseconds. */
  readonly patienceMs: number;
  /** How long draining rests when the spool's own disk refused, in milliseconds. */
  readonly drainAgainMs: number;
  /** Readings that are drained in one write. */
  readonly windowRows: number;
  readonly stages: Pick<StageTimes, 'measure'>;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly stats: IngestStats;
  /** Readings that waited in the spool are in the store now. */
  onDrained(block: ReadingBlock): void;
}

const SLOW = new Error('the store has not answered in time');

/**
 * The store, with the spool in front of it while it is away: a block that it cannot take now is durable in the spool, and so is every
 * block after it until all are drained, so that the order is kept. Where the spool is full too, `write` rejects and the writer waits.
 *
 * What is drained goes in as late, whatever it was: the attempt that failed may have reached the store.
 */
export class SpooledStore implements Pick<ReadingStore, 'write'> {
  readonly #parts: SpooledStoreParts;
  /** Answers whether it came to the end. */
  #draining: Promise<boolean> | null = null;
  /** Writes into the store that have not ended. */
  readonly #attempts = new Set<Promise<unknown>>();
  #again: NodeJS.Timeout | undefined;
  #stopped = false;

  /** Begins to drain what an earlier process left. */
  constructor(parts: SpooledStoreParts) {
    this.#parts = parts;
    if (parts.spool.readings > 0) this.#startDraining();
  }

  async write(block: ReadingBlock, arrival: Arrival): Promise<Written> {
    const { spool, store, logger } = this.#parts;
    if (spool.readings > 0) {
      this.#startDraining();
      return this.#keep(block, arrival);
    }
    const attempt = store.write(block, arrival);
    const end = () => this.#attempts.delete(attempt);
    this.#attempts.add(attempt);
    attempt.then(end, end); // its error is heard below, or by nobody when it comes too late
    try {
      return await inTime(attempt, this.#parts.patienceMs, SLOW);
    } catch (error) {
      if (isFinal(error)) throw error;
      let kept: WriteResult;
      try {
        kept = this.#keep(block, arrival, error);
      } catch (full) {
        if (error !== SLOW) throw full;
        return attempt;
      }
      logger.warn({ err: error }, 'the store takes no readings; they go to the spool');
      this.#startDraining();
      return { ...kept, lent: error === SLOW };
    }
  }

  /** @param cause why the store does not take it, for the error when the spool does not either */
  #keep(block: ReadingBlock, arrival: Arrival, cause?: unknown): WriteResult {
    const { spool, stages } = this.#parts;
    stages.measure('spool', block.length, () => spool.append(block, arrival, cause));
    return { stored: block.length, duplicates: 0 };
  }

  /** Resolves when nothing waits in the spool; rejects STORE_UNREACHABLE where draining it comes to nothing. */
  async drained(): Promise<void> {
    const { spool } = this.#parts;
    while (spool.readings > 0) {
      this.#startDraining();
      if ((await this.#draining) === false)
        throw new GreenparkError('STORE_UNREACHABLE', `${spool.readings} readings wait in the spool and cannot be brought into the store now`, {
          retryable: true,
        });
    }
  }

  /**
   * Ends draining, waiting at most `graceMs` for the write that runs; what is left waits for the next start. To be called when the signal
   * of `drain` is aborted, or nothing waits.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#again);
    const over = new AbortController();
    await Promise.race([this.#draining, sleep(graceMs, undefined, { signal: over.signal }).catch(() => {})]);
    over.abort();
  }

  #startDraining(): void {
    this.#draining ??= this.#drain().then((complete) => {
      this.#draining = null;
      if (this.#stopped || this.#parts.spool.readings === 0) return complete;
      // A block may have come between the last look and this.
      if (complete) this.#startDraining();
      else this.#again = setTimeout(() => this.#startDraining(), this.#parts.drainAgainMs).unref();
      return complete;
    });
  }

  /** Answers whether it came to the end. */
  async #drain(): Promise<boolean> {
    const { spool, drain, windowRows, logger, stats } = this.#parts;
    const begun = performance.now();
    let drained = 0;
    try {
      // Two writes of the same rows at once could both find them missing.
      await Promise.allSettled([...this.#attempts]);
      for (let window = spool.next(windowRows); window !== null && !this.#stopped; window = spool.next(windowRows)) {
        const { block, last } = window;
        const found = block === null ? null : await drain.write(block, 'late');
        spool.remove(last);
        if (block === null || found === null) continue;
        stats.drainedStored += found.stored;
        stats.drainedDuplicate += found.duplicates;
        drained += block.length;
        this.#parts.onDrained(block);
      }
      logger.info({ drained, left: spool.readings, seconds: Math.round((performance.now() - begun) / 100) / 10 }, 'readings of the spool are in the store');
      return !this.#stopped;
    } catch (error) {
      if (!this.#stopped && !isFinal(error)) logger.error({ err: error, left: spool.readings }, 'the spool cannot be drained now');
      return false;
    }
  }
}
