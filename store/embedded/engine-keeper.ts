/** What answers from the open database file. */
export interface Engine<Request> {
  answer(request: Request): Promise<unknown>;
  /** It holds much memory that another one on the same file would not, and nothing long is under way. */
  readonly isWorn: boolean;
  /** Brings everything into the file, and lets go of it. */
  close(): Promise<void>;
  /** Lets go of the file as it is. */
  abandon(): Promise<void>;
}

/** What DuckDB says of an instance that it has given up, as when the disk was full at a checkpoint. Another one on the same file goes on. */
const GIVEN_UP = /^FATAL Error|atabase (".*" )?has been invalidated/;

export const isGivenUp = (error: unknown): boolean => error instanceof Error && GIVEN_UP.test(error.message);

/**
 * Passes requests to the engine, and opens another one when DuckDB has given up the one there is, or when that is worn: what was committed is
 * in the file. What is asked meanwhile waits.
 */
export class EngineKeeper<Request> {
  readonly #open: () => Promise<Engine<Request>>;
  /** Null after an opening that failed: whoever asks next has it tried again. */
  #engine: Promise<Engine<Request>> | null = null;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(open: () => Promise<Engine<Request>>) {
    this.#open = open;
  }

  /** Rejects when the file cannot be opened. */
  async start(): Promise<void> {
    await this.#begin(this.#open());
  }

  async answer(request: Request): Promise<unknown> {
    const asked = this.#engine ?? this.#begin(this.#open());
    const engine = await asked;
    // Given up between the two.
    if (this.#engine !== asked) return this.answer(request);
    const answering = engine.answer(request);
    this.#underWay.add(answering);
    try {
      return await answering;
    } catch (error) {
      // The first to hear of it sees to the next engine.
      if (isGivenUp(error) && this.#engine === asked) void this.#begin(this.#another(() => engine.abandon()));
      throw error;
    } finally {
      this.#underWay.delete(answering);
      if (this.#engine === asked && engine.isWorn) void this.#begin(this.#another(() => engine.close()));
    }
  }

  /** Brings everything into the file and lets go of it. Where it cannot be opened there is nothing to bring, and nothing to let go of. */
  async close(): Promise<void> {
    for (let asked = this.#engine; asked !== null; asked = this.#engine) {
      const engine = await asked.catch(() => null);
      if (engine === null || this.#engine !== asked) continue;
      await engine.close();
      return;
    }
  }

  #begin(opening: Promise<Engine<Request>>): Promise<Engine<Request>> {
    this.#engine = opening;
    opening.catch(() => {
      this.#engine = null;
    });
    return opening;
  }

  async #another(end: () => Promise<void>): Promise<Engine<Request>> {
    await Promise.allSettled([...this.#underWay]);
    await end();
    return this.#open();
  }
}
