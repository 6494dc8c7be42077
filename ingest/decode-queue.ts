import type { Decoded, TopicCodec } from './codecs/decoded.ts';

type Then = (decoded: Decoded | Error) => void;

/**
 * Codecs may answer later; what they decode keeps the order in which it came, codec by codec, also when a later message is decoded at
 * once while an earlier one is not ready.
 */
export class DecodeQueue {
  readonly #tails = new Map<TopicCodec, Promise<void>>();
  #length = 0;

  /** Messages whose `then` has not been called. */
  get length(): number {
    return this.#length;
  }

  /** Calls `then` once: now where nothing is ahead and the answer is there, otherwise in its turn. */
  run(codec: TopicCodec, answer: Decoded | Promise<Decoded>, then: Then): void {
    const tail = this.#tails.get(codec);
    if (tail === undefined && !(answer instanceof Promise)) {
      then(answer);
      return;
    }
    this.#length++;
    const decoded = Promise.resolve(answer).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
    const mine = (tail ?? Promise.resolve()).then(async () => {
      const answer = await decoded;
      this.#length--;
      then(answer);
      if (this.#tails.get(codec) === mine) this.#tails.delete(codec);
    });
    this.#tails.set(codec, mine);
  }
}
