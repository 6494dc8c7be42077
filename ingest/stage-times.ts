import { STAGES, type Stage } from '../model/ingest.ts';
import type { ReadingStore } from '../store/port.ts';

/** Decoding and validation are measured on every so manieth message alone. Prime, so that gateways that take turns all come to it. */
const EVERY = 61;

export interface StageSpent {
  seconds: number;
  /** Messages for `decode` and `validate`, readings for the others. */
  items: number;
}

/** Where the time goes: how long each stage has worked since the start, and on how much. */
export class StageTimes {
  readonly spent: Readonly<Record<Stage, StageSpent>> = Object.fromEntries(STAGES.map((stage) => [stage, { seconds: 0, items: 0 }])) as Record<
    Stage,
    StageSpent
  >;
  #left = EVERY;
  #isMeasured = false;
  #at = 0;

  /** Work on a message begins; until the last `lap` nothing else may come between. */
  begin(): void {
    this.#isMeasured = --this.#left === 0;
    if (!this.#isMeasured) return;
    this.#left = EVERY;
    this.#at = performance.now();
  }

  /**
   * What was done since `begin`, or the lap before, was this stage. One measured message stands for all up to the next one.
   *
   * @param isFirst false where the stage takes up a message again that it has counted
   */
  lap(stage: Stage, isFirst = true): void {
    if (!this.#isMeasured) return;
    const now = performance.now();
    this.add(stage, (now - this.#at) * EVERY, isFirst ? EVERY : 0);
    this.#at = now;
  }

  add(stage: Stage, ms: number, items: number): void {
    const spent = this.spent[stage];
    spent.seconds += ms / 1000;
    spent.items += items;
  }

  /** Work that fails counts with its time and without items. */
  measure(stage: Stage, items: number, work: () => void): void {
    const began = performance.now();
    let done = 0;
    try {
      work();
      done = items;
    } finally {
      this.add(stage, performance.now() - began, done);
    }
  }

  /** The store with its writes measured as a stage, as `measure` does. */
  writesOf(store: Pick<ReadingStore, 'write'>, stage: Stage): Pick<ReadingStore, 'write'> {
    return {
      write: async (block, arrival) => {
        const began = performance.now();
        let written = 0;
        try {
          const result = await store.write(block, arrival);
          written = block.length;
          return result;
        } finally {
          this.add(stage, performance.now() - began, written);
        }
      },
    };
  }
}
