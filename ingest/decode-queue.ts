import type { Decoded, TopicCodec } from './codecs/decoded.ts';

type Then = (decoded: Decoded | Error) => void;

/**
 * Codecs may answer later; what they decode keeps the order in which it came, codec by codec, also when a later message is decoded at
 * once while an earlier one is not ready.
 */
export class DecodeQueue {
  readonly #tails = new Map<TopicCodec, Promise<void>>();

  /** Calls `then` once: now where nothing is ahead and the answer is there, otherwise in its turn. */
  run(codec: TopicCodec, answer: Decoded | Promise<Decoded>, then: Then): void {
    const tail = this.#tails.get(codec);
    if (tail === undefined && !(answer instanceof Promise)) {
      then(answer);
      return;
    }
    const decoded = Promise.resolve(answer).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
    const mine = (tail ?? Promise.resolve()).then(async () => {
      then(await decoded);
      if (this.#tails.get(codec) === mine) this.#tails.delete(codec);
    });
    this.#tails.set(codec, mine);
  }
}
