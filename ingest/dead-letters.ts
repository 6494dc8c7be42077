import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import type { MeterId, ParkId } from '../model/ids.ts';
import type { DeadLetterRecords, NewDeadLetter } from '../store/registry/port.ts';
import type { PipelineLimits } from './limits.ts';
import type { Done } from './port.ts';
import type { RejectReason } from './reject-reasons.ts';
import { type RetryPace, untilDone } from './retry.ts';
import type { IngestStats } from './stats.ts';

export type Letter = NewDeadLetter;

/** A message of which something was refused, before it is decided what of it is kept. */
export interface RefusedMessage {
  readonly receivedAt: number;
  readonly transport: string;
  readonly topic: string;
  readonly isRetained: boolean;
  readonly gateway: string | null;
  readonly park: ParkId | null;
  readonly meter: MeterId | null;
  /** The message's bytes; copied here. */
  readonly payload: Uint8Array;
}

export interface Refusal {
  readonly reason: RejectReason;
  readonly detail: string;
}

export type DeadLetterLimits = Pick<
  PipelineLimits,
  | 'maxPayloadBytes'
  | 'deadLetterCapacity'
  | 'deadLetterBytes'
  | 'deadLettersPerSenderAndMinute'
  | 'deadLetterBytesPerSenderAndMinute'
  | 'deadLetterPayloadBytes'
>;

/** Letters in one transaction, and bytes of their payloads, give or take one message: nothing else goes on while it is written. */
const MOST_AT_ONCE = 1000;
const MOST_BYTES_AT_ONCE = 4 << 20;
/** Of all bytes, what one sender may fill in a minute at most. */
const MOST_SHARE = 1 / 8;
/** Half of a sender's bytes are for messages up to this: behind an external broker all gateways are one sender, and one's flood is of long ones. */
const SHORT_BYTES = 16 << 10;
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
  /** Of one sender in a minute. */
  readonly #mostBytes: number;
  #minute = 0;
  /** Letters by sender and reason, and bytes by sender. */
  readonly #inMinute = new Map<string, number>();
  readonly #bytesInMinute = new Map<string, number>();

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
    this.#mostBytes = Math.min(parts.limits.deadLetterBytesPerSenderAndMinute, parts.limits.deadLetterBytes * MOST_SHARE);
    this.#pace = parts.pace;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#stats = parts.stats;
    this.#signal = parts.signal;
  }

  /** Makes a letter of each refusal for which the sender has room left in this minute; the others are only counted. Answers how many were made. */
  post(message: RefusedMessage, refusals: readonly Refusal[]): number {
    const sender = message.gateway ?? message.transport;
    this.#beginMinute();
    const kept = this.#hasBytes(sender, message.payload.length) ? refusals.filter(({ reason }) => this.#hasRoom(`${sender} ${reason}`)) : [];
    this.#stats.lettersSkipped += refusals.length - kept.length;
    if (kept.length > 0) this.#countBytes(sender, this.keep(message, kept));
    return kept.length;
  }

  /** Makes them however many there were: of what is acknowledged and rests nowhere else. Answers the bytes that are kept for them. */
  keep(message: RefusedMessage, refusals: readonly Refusal[]): number {
    const { length } = message.payload;
    const isWhole = length <= Math.min(this.#limits.maxPayloadBytes, this.#mostBytes / 2);
    const payload = Buffer.from(isWhole ? message.payload : message.payload.subarray(0, this.#limits.deadLetterPayloadBytes));
    const shared = { ...message, topic: message.topic.slice(0, 1000), payload, payloadLength: length };
    for (const { reason, detail } of refusals) this.#letters.push({ ...shared, reason, detail });
    this.#stats.pendingLetters += refusals.length;
    this.#stats.pendingLetterBytes += payload.length;
    return payload.length;
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
      for (const some of groupsOf(letters)) {
        await untilDone(() => this.#records.add(some, { letters: this.#limits.deadLetterCapacity, bytes: this.#limits.deadLetterBytes }), {
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
      for (const [{ payload }] of messagesOf(letters)) this.#stats.pendingLetterBytes -= payload.length;
    }
  }

  #beginMinute(): void {
    const minute = Math.floor(this.#clock() / 60_000);
    if (minute === this.#minute) return;
    this.#minute = minute;
    this.#inMinute.clear();
    this.#bytesInMinute.clear();
  }

  #hasBytes(sender: string, length: number): boolean {
    return (this.#bytesInMinute.get(sender) ?? 0) < (length > SHORT_BYTES ? this.#mostBytes / 2 : this.#mostBytes);
  }

  #countBytes(sender: string, bytes: number): void {
    const before = this.#bytesInMinute.get(sender) ?? 0;
    this.#bytesInMinute.set(sender, before + bytes);
    for (const [bound, which] of [
      [this.#mostBytes / 2, `dead letters above ${SHORT_BYTES} bytes`],
      [this.#mostBytes, 'dead letters'],
    ] as const) {
      if (before < bound && before + bytes >= bound)
        this.#logger.warn({ sender, bytes: bound }, `${which} of this sender are only counted for the rest of the minute`);
    }
  }

  /** @param of the sender and the reason */
  #hasRoom(of: string): boolean {
    const count = this.#inMinute.get(of);
    if (count === undefined && this.#inMinute.size >= MOST_SENDERS) return false;
    if (count !== undefined && count >= this.#limits.deadLettersPerSenderAndMinute) return false;
    this.#inMinute.set(of, (count ?? 0) + 1);
    if (count !== undefined && count + 1 === this.#limits.deadLettersPerSenderAndMinute) {
      this.#logger.warn(
        { sender: of, perMinute: this.#limits.deadLettersPerSenderAndMinute },
        'dead letters of this sender and reason are only counted for the rest of the minute',
      );
    }
    return true;
  }
}

/** The letters of each message, which share its payload. */
function* messagesOf(letters: readonly Letter[]): Generator<readonly [Letter, ...Letter[]]> {
  let message: [Letter, ...Letter[]] | null = null;
  for (const letter of letters) {
    if (message !== null && message[0].payload === letter.payload) message.push(letter);
    else {
      if (message !== null) yield message;
      message = [letter];
    }
  }
  if (message !== null) yield message;
}

/** Pieces of which each is written in one transaction; no message is in two. */
function* groupsOf(letters: readonly Letter[]): Generator<readonly Letter[]> {
  let group: Letter[] = [];
  let bytes = 0;
  for (const message of messagesOf(letters)) {
    group.push(...message);
    bytes += message[0].payload.length;
    if (group.length < MOST_AT_ONCE && bytes < MOST_BYTES_AT_ONCE) continue;
    yield group;
    group = [];
    bytes = 0;
  }
  if (group.length > 0) yield group;
}
