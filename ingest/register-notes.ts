import type { Logger } from 'pino';
import type { EpochMs } from '../model/ids.ts';
import type { RegisterMove } from '../model/register-change.ts';
import { type RetryPace, untilDone } from './retry.ts';

/** A register that did not go on from where it stood, as the readings tell it. Meter and quantity by their numbers. */
export interface FoundMove {
  readonly series: number;
  readonly meter: number;
  readonly quantity: number;
  /** The first reading on the new register that counts. */
  readonly at: EpochMs;
  readonly move: RegisterMove;
}

/** Has moves noted durably before the readings that show them: once those are acknowledged, nobody sends them again. */
export class RegisterNotes {
  readonly #note: (moves: readonly FoundMove[]) => Promise<unknown>;
  readonly #options: { readonly pace: RetryPace; readonly logger: Logger; readonly signal: AbortSignal };
  #found: FoundMove[] = [];

  constructor(
    note: (moves: readonly FoundMove[]) => Promise<unknown>,
    options: { readonly pace: RetryPace; readonly logger: Logger; readonly signal: AbortSignal },
  ) {
    this.#note = note;
    this.#options = options;
  }

  push(move: FoundMove): void {
    this.#found.push(move);
  }

  /** Resolves when all that was pushed is noted; null when there is nothing to wait for. */
  flush(): Promise<unknown> | null {
    if (this.#found.length === 0) return null;
    const moves = this.#found;
    this.#found = [];
    return untilDone(() => this.#note(moves), {
      ...this.#options,
      giveUp: () => false,
      onRetry: (error, delayMs) => this.#options.logger.warn({ err: error, delayMs, moves: moves.length }, 'register changes cannot be noted; trying again'),
    });
  }
}
