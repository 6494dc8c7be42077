import { setTimeout as sleep } from 'node:timers/promises';

/** Delays between attempts, in milliseconds: they double from `first` to `longest`, and each is shortened at random by up to half. */
export interface RetryPace {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** A store or disk that is back has what waited for it within seconds; one attempt in five seconds is no load. */
export const DEFAULT_PACE: RetryPace = { firstMs: 200, longestMs: 5_000 };

/** Growing delays with jitter, so that many who wait for the same server do not come back in one instant. */
export class Backoff {
  readonly #pace: RetryPace;
  readonly #random: () => number;
  #attempt = 0;

  constructor(pace: RetryPace = DEFAULT_PACE, random: () => number = Math.random) {
    this.#pace = pace;
    this.#random = random;
  }

  /** The next delay in milliseconds. */
  next(): number {
    const whole = Math.min(this.#pace.longestMs, this.#pace.firstMs * 2 ** this.#attempt);
    if (whole < this.#pace.longestMs) this.#attempt++;
    return Math.round(whole * (0.5 + this.#random() / 2));
  }

  reset(): void {
    this.#attempt = 0;
  }
}

/**
 * Repeats `attempt` until it succeeds, `giveUp` answers true for its error, or `signal` is aborted: then the last error is thrown.
 * `onRetry` hears of every failure that will be tried again.
 */
export async function untilDone<T>(
  attempt: () => Promise<T>,
  options: { readonly pace: RetryPace; readonly signal: AbortSignal; giveUp(error: unknown): boolean; onRetry(error: unknown, delayMs: number): void },
): Promise<T> {
  const backoff = new Backoff(options.pace);
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (options.giveUp(error) || options.signal.aborted) throw error;
      const delay = backoff.next();
      options.onRetry(error, delay);
      try {
        await sleep(delay, undefined, { signal: options.signal });
      } catch {
        // Only an abort ends the sleep early, and then the reason for waiting is what the caller has to know.
        throw error;
      }
    }
  }
}

/**
 * What `work` comes to, or the rejection with `reason` when `signal` is aborted first, also where `work` never ends. Nothing is left at the
 * signal afterwards: whatever is raced against a promise that never settles is kept for as long as that one, with its answer.
 */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal, reason: () => unknown): Promise<T> {
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(reason());
  });
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** What `work` comes to, or the rejection with `tooLate` when it takes longer; the work itself goes on. */
export async function inTime<T>(work: Promise<T>, ms: number, tooLate: unknown): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(reject, ms, tooLate);
  });
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}
