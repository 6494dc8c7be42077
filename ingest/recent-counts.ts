/** Time between samples. */
export const SAMPLE_EVERY_MS = 10_000;
/** They reach back five minutes. */
const SAMPLES = 31;

export interface Lately<K> {
  /** How much time it is, at least that of one sample. */
  readonly overMs: number;
  /** What each counter has gained in it, in the order of `read`. */
  gained(subject: K): readonly number[];
}

/** What counters have gained lately. They are sampled now and then, so that counting itself costs nothing. */
export class RecentCounts<K extends object> {
  readonly #read: (subject: K) => readonly number[];
  /** Samples of a subject one after the other. What was not sampled yet was zero then. */
  readonly #samples = new WeakMap<K, Float64Array>();
  readonly #times = new Float64Array(SAMPLES);
  #taken = 1;

  /**
   * @param began monotonic time in milliseconds when all counters stood at zero
   * @param read the counters of a subject, always as many
   */
  constructor(began: number, read: (subject: K) => readonly number[]) {
    this.#times[0] = began;
    this.#read = read;
  }

  /** To be called every `SAMPLE_EVERY_MS`, with everything that is counted. */
  sample(now: number, subjects: Iterable<K>): void {
    const slot = this.#taken++ % SAMPLES;
    this.#times[slot] = now;
    for (const subject of subjects) {
      const counts = this.#read(subject);
      let samples = this.#samples.get(subject);
      if (samples === undefined) {
        samples = new Float64Array(SAMPLES * counts.length);
        this.#samples.set(subject, samples);
      }
      samples.set(counts, slot * counts.length);
    }
  }

  /** Since the sample next to `withinMs` ago, or the oldest there is. */
  lately(now: number, withinMs: number): Lately<K> {
    const slot = this.#slotAt(now - withinMs);
    return {
      overMs: Math.max(SAMPLE_EVERY_MS, now - (this.#times[slot] as number)),
      gained: (subject) => {
        const counts = this.#read(subject);
        const samples = this.#samples.get(subject);
        return samples === undefined ? counts : counts.map((count, at) => count - (samples[slot * counts.length + at] as number));
      },
    };
  }

  #slotAt(time: number): number {
    const oldest = Math.max(0, this.#taken - SAMPLES);
    let taken = oldest;
    while (taken < this.#taken - 1 && (this.#times[taken % SAMPLES] as number) < time - SAMPLE_EVERY_MS / 2) taken++;
    return taken % SAMPLES;
  }
}
