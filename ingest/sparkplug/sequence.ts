import type { EpochMs } from '../../model/ids.ts';

/** Where a sequence number stands: as expected; beyond ones that are missing; one that was missing; or one that cannot be (it was here already). */
export type Place = 'next' | 'ahead' | 'late' | 'repeat';

/**
 * Sequence of one edge node's messages, 0 to 255 and then 0 again. A number that is missing opens a gap; when the gap is not filled
 * within the reorder time, messages were lost and the node has to be asked for its births.
 */
export class SequenceCheck {
  #expected = 0;
  readonly #missing = new Set<number>();
  #gapSince: EpochMs | null = null;
  #repeated = false;

  /** A node's birth: its number is where the sequence begins, whatever it is. */
  start(seq: number): void {
    this.#expected = (seq + 1) & 255;
    this.#close();
  }

  /** @param seq null, as encoders of protobuf 3 leave out a zero, counts as zero where zero is due and else is not checked */
  take(seq: number | null, now: EpochMs): Place {
    if (seq === null) {
      if (this.#expected === 0) this.#expected = 1;
      return 'next';
    }
    const ahead = (seq - this.#expected) & 255;
    if (ahead === 0) {
      this.#expected = (seq + 1) & 255;
      return 'next';
    }
    if (this.#missing.delete(seq)) {
      if (this.#missing.size === 0 && !this.#repeated) this.#gapSince = null;
      return 'late';
    }
    this.#gapSince ??= now;
    if (ahead >= 128) {
      this.#repeated = true;
      return 'repeat';
    }
    for (let at = 0; at < ahead; at++) this.#missing.add((this.#expected + at) & 255);
    this.#expected = (seq + 1) & 255;
    return 'ahead';
  }

  /** When the open gap began; null when nothing is missing. */
  get gapSince(): EpochMs | null {
    return this.#gapSince;
  }

  /** Gives up on what is missing: answers how many messages that were. The gap stays open until the next birth. */
  giveUp(): number {
    const lost = this.#missing.size;
    this.#missing.clear();
    this.#repeated = true;
    return lost;
  }

  #close(): void {
    this.#missing.clear();
    this.#gapSince = null;
    this.#repeated = false;
  }
}
