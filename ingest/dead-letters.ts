import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import type { MeterId, ParkId } from '../model/ids.ts';
import type { DeadLetterRecords, NewDeadLetter } from '../store/registry/port.ts';
import type { Done } from './port.ts';
import type { RejectReason } from './reject-reasons.ts';
import { type RetryPace, untilDone } from './retry.ts';
import type { IngestStats } from './stats.ts';

export type Letter = NewDeadLetter;

/** What the letter is about, before it is decided whether it is kept. */
export interface Refusal {
  readonly receivedAt: number;
  readonly transport: string;
  readonly topic: string;
  readonly isRetained: boolean;
  readonly gateway: string | null;
  readonly park: ParkId | null;
  readonly meter: MeterId | null;
  readonly reason: RejectReason;
  readonly detail: string;
  /** The message's bytes; copied here, cut at `payloadBytes`. */
  readonly payload: Uint8Array;
}

export interface DeadLetterLimits {
  /** Letters kept in all; beyond it the oldest go. */
  readonly capacity: number;
  /** Bytes of a payload that are kept. */
  readonly payloadBytes: number;
  /** Letters of one sender with one reason that are kept per minute. All are counted. */
  readonly perSenderAndMinute: number;
}

/** Letters in one transaction. */
const MOST_AT_ONCE = 1000;
/** Senders told apart in one minute; beyond it nobody new gets letters, so that invented senders take no memory. */
const MOST_SENDERS = 10_000;

/** Writes refusals durably, many in one transaction, while the next ones gather. */
export class DeadLetterWriter {
  readonly #records: Pick<DeadLetterRecords, 'add'>;
  readonly #limits: DeadLetterLimits;
  readonly #pace: RetryPace;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #stats: IngestStats;
  readonly #signal: AbortSignal;
  #letters: Letter[] = [];
  #waiting: Done[] = [];
  #running = false;
  #minute = 0;
  readonly #inMinute = new Map<string, number>();

  constructor(parts: {
    readonly records: Pick<DeadLetterRecords, 'add'>;
    readonly limits: DeadLetterLimits;
    readonly pace: RetryPace;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly stats: IngestStats;
    readonly signal: AbortSignal;
  }) {
    this.#records = parts.records;
    this.#limits = parts.limits;
    this.#pace = parts.pace;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#stats = parts.stats;
    this.#signal = parts.signal;
  }

  /** Takes the refusal when its sender has room left in this minute; false when it was only counted. */
  post(refusal: Refusal): boolean {
    if (!this.#hasRoom(`${refusal.gateway ?? refusal.transport} ${refusal.reason}`)) {
      this.#stats.lettersSkipped++;
      return false;
    }
    this.keep(refusal);
    return true;
  }

  /** Takes it however many there were: of what is acknowledged and rests nowhere else. */
  keep(refusal: Refusal): void {
    const payload = Buffer.from(refusal.payload.subarray(0, this.#limits.payloadBytes));
    this.#stats.pendingLetters++;
    this.#stats.pendingLetterBytes += payload.length;
    this.#letters.push({ ...refusal, topic: refusal.topic.slice(0, 1000), payload, payloadLength: refusal.payload.length });
  }

  /** Calls back when every letter posted so far is durable. */
  settle(done: Done): void {
    this.#waiting.push(done);
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    // The rest of this turn's messages go into the same transaction.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const letters = this.#letters;
      const waiting = this.#waiting;
      this.#letters = [];
      this.#waiting = [];
      const error = await this.#write(letters);
      for (const done of waiting) done(error);
    }
    this.#running = false;
  }

  async #write(letters: readonly Letter[]): Promise<Error | undefined> {
    try {
      for (let from = 0; from < letters.length; from += MOST_AT_ONCE) {
        const some = letters.slice(from, from + MOST_AT_ONCE);
        await untilDone(() => this.#records.add(some, this.#limits.capacity), {
          pace: this.#pace,
          signal: this.#signal,
          giveUp: () => false,
          onRetry: (error, delayMs) => {
            this.#stats.letterRetries++;
            this.#logger.warn({ err: error, delayMs, letters: some.length }, 'dead letters cannot be written; trying again');
          },
        });
        this.#stats.lettersKept += some.length;
      }
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    } finally {
      this.#stats.pendingLetters -= letters.length;
      for (const letter of letters) this.#stats.pendingLetterBytes -= letter.payload.length;
    }
  }

  #hasRoom(sender: string): boolean {
    const minute = Math.floor(this.#clock() / 60_000);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#inMinute.clear();
    }
    const count = this.#inMinute.get(sender);
    if (count === undefined && this.#inMinute.size >= MOST_SENDERS) return false;
    if (count !== undefined && count >= this.#limits.perSenderAndMinute) return false;
    this.#inMinute.set(sender, (count ?? 0) + 1);
    if (count !== undefined && count + 1 === this.#limits.perSenderAndMinute) {
      this.#logger.warn(
        { sender, perMinute: this.#limits.perSenderAndMinute },
        'dead letters of this sender and reason are only counted for the rest of the minute',
      );
    }
    return true;
  }
}
