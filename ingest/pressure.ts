import type { PipelineLimits } from './limits.ts';
import type { IngestStats } from './stats.ts';

/** Senders are taken from again when no more than this share of what may be unacknowledged is left. */
const RELIEVED_SHARE = 0.5;

/** What is unacknowledged against what may be: tells whoever takes messages when it is too much, and whoever waits when nothing is left. */
export class Pressure {
  readonly #stats: IngestStats;
  readonly #limits: Pick<PipelineLimits, 'maxPendingReadings' | 'maxPendingMessages' | 'maxPendingLetterBytes' | 'maxPendingDecodeBytes'>;
  readonly #listeners = new Set<(full: boolean) => void>();
  #full = false;
  #whenNone: (() => void)[] = [];

  constructor(stats: IngestStats, limits: PipelineLimits) {
    this.#stats = stats;
    this.#limits = limits;
  }

  get full(): boolean {
    return this.#full;
  }

  /** Calls back whenever `full` changes. Answers how to stop listening. */
  onChange(listener: (full: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Something was taken, and counted. */
  taken(): void {
    if (!this.#full && this.#isOver(1)) this.#setFull(true);
  }

  /** Something was acknowledged, and is no longer counted. */
  relieved(): void {
    if (this.#full && !this.#isOver(RELIEVED_SHARE)) this.#setFull(false);
    if (this.#stats.pendingMessages > 0 || this.#whenNone.length === 0) return;
    const waiting = this.#whenNone;
    this.#whenNone = [];
    for (const resolve of waiting) resolve();
  }

  /** Resolves when nothing is unacknowledged. */
  none(): Promise<void> {
    if (this.#stats.pendingMessages === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenNone.push(resolve));
  }

  #isOver(share: number): boolean {
    const { pendingReadings, pendingMessages, pendingLetterBytes, pendingDecodeBytes } = this.#stats;
    const { maxPendingReadings, maxPendingMessages, maxPendingLetterBytes, maxPendingDecodeBytes } = this.#limits;
    return (
      pendingReadings >= maxPendingReadings * share ||
      pendingMessages >= maxPendingMessages * share ||
      pendingLetterBytes >= maxPendingLetterBytes * share ||
      pendingDecodeBytes >= maxPendingDecodeBytes * share
    );
  }

  #setFull(full: boolean): void {
    this.#full = full;
    if (full) this.#stats.pressures++;
    for (const listener of [...this.#listeners]) {
      // One that was told before has taken so much that it is otherwise again, and everybody knows.
      if (this.#full !== full) return;
      listener(full);
    }
  }
}
