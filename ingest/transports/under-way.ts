/** Messages taken and not done with, so that whoever stops can wait for them. */
export class UnderWay {
  #count = 0;
  #whenNone: (() => void) | null = null;

  get count(): number {
    return this.#count;
  }

  begin(): void {
    this.#count++;
  }

  end(): void {
    if (--this.#count === 0) this.#whenNone?.();
  }

  /** Resolves when nothing is under way, after `withinMs` in any case. */
  none(withinMs: number): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#whenNone = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
