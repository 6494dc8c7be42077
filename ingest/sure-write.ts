import type { Logger } from 'pino';
import { GreenparkError } from '../model/errors.ts';
import type { ReadingBlock } from '../model/reading.ts';
import type { WriteResult } from '../store/port.ts';
import type { Arrival, Written } from './reading-writer.ts';
import { orAborted, type RetryPace, untilDone } from './retry.ts';
import type { IngestStats } from './stats.ts';

export interface SureWriteParts {
  readonly store: { write(block: ReadingBlock, arrival: Arrival): Promise<Written> };
  readonly pace: RetryPace;
  readonly logger: Logger;
  readonly stats: IngestStats;
  /** Aborted: there are no more attempts, and who waits gets the error of the last one. */
  readonly signal: AbortSignal;
  /** Aborted: nor is the attempt that is under way waited for. */
  readonly graceOver: AbortSignal;
  /** Puts a block of one row, which the store refuses, into the dead letters. */
  bury(row: ReadingBlock, error: GreenparkError): Promise<void>;
}

/** What an attempt that is still under way at the end of the grace period comes to; its memory stays its own. */
const stopped = () => new GreenparkError('STORE_CLOSED', 'ingest has stopped before the store answered');

const NOTHING: WriteResult = { stored: 0, duplicates: 0 };

/** Will the store never take the block, however often it is asked? */
export const isFinal = (error: unknown): boolean => error instanceof GreenparkError && (error.code === 'STORE_REFUSED' || error.code === 'STORE_CLOSED');

/** Writes blocks until they are stored: waits out a store that is away, and buries rows that it will never take one by one. */
export class SureWrite {
  readonly #parts: SureWriteParts;
  #fails = false;

  constructor(parts: SureWriteParts) {
    this.#parts = parts;
  }

  /** Has the last attempt failed, so that there will be another? */
  get fails(): boolean {
    return this.#fails;
  }

  async write(block: ReadingBlock, arrival: Arrival): Promise<Written> {
    let how = arrival;
    try {
      const attempt = () => orAborted(this.#parts.store.write(block, how), this.#parts.graceOver, stopped);
      const result = await untilDone(attempt, {
        pace: this.#parts.pace,
        signal: this.#parts.signal,
        giveUp: isFinal,
        onRetry: (error, delayMs) => {
          // The attempt may have reached the store after all: from now on its rows are not promised to be new.
          how = 'late';
          this.#fails = true;
          this.#parts.stats.storeRetries++;
          this.#parts.logger.warn({ err: error, delayMs, rows: block.length }, 'readings cannot be stored; trying again');
        },
      });
      this.#fails = false;
      this.#parts.stats.blocksWritten++;
      return countedAs(arrival, how, result);
    } catch (error) {
      if (!(error instanceof GreenparkError) || error.code !== 'STORE_REFUSED') throw error;
      this.#fails = false;
      if (block.length === 1) {
        await this.#parts.bury(block, error);
        return NOTHING;
      }
      const middle = block.length >> 1;
      const first = await this.write(cut(block, 0, middle), how);
      const second = await this.write(cut(block, middle, block.length), how);
      const lent = first.lent === true || second.lent === true;
      return countedAs(arrival, how, { stored: first.stored + second.stored, duplicates: first.duplicates + second.duplicates, lent });
    }
  }
}

/** New rows that an attempt before had stored after all are no repeats. */
function countedAs(arrival: Arrival, written: Arrival, result: Written): Written {
  return arrival === written ? result : { ...result, stored: result.stored + result.duplicates, duplicates: 0 };
}

function cut(block: ReadingBlock, from: number, to: number): ReadingBlock {
  return {
    length: to - from,
    series: block.series.subarray(from, to),
    meter: block.meter.subarray(from, to),
    quantity: block.quantity.subarray(from, to),
    ts: block.ts.subarray(from, to),
    value: block.value.subarray(from, to),
    quality: block.quality.subarray(from, to),
  };
}
