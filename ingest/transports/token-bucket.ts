/**
 * How much of something a sender may take per second, with a burst of `burst`. What is taken may go below zero once, so that a message
 * larger than the burst passes; the sender waits until the debt is paid.
 */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  /**
   * @param perSecond above 0; Infinity never holds anybody
   * @param now monotonic time in milliseconds
   */
  constructor(perSecond: number, burst: number, now: number) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = now;
  }

  /** Milliseconds until something may be taken; 0: now. */
  waitMs(now: number): number {
    if (this.#perMs === Number.POSITIVE_INFINITY) return 0;
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
    return this.#tokens > 0 ? 0 : Math.max(1, -this.#tokens / this.#perMs);
  }

  take(amount: number): void {
    this.#tokens -= amount;
  }
}
