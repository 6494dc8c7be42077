import type { EpochMs } from '../../model/ids.ts';

/** Share of the window that must be covered before its mean is judged: 45 of 60 minutes, as for statutory hours (GB 3095). */
const COVERED = 0.75;
/** Most values a window holds: a day of one a second, and some. Beyond it the oldest go first. */
const MOST_VALUES = 100_000;

/** Mean of the values measured in (newest - window, newest], in a ring that grows as the window needs. */
export class RollingMean {
  readonly #windowMs: number;
  readonly #coverMs: number;
  #ts = new Float64Array(16);
  #values = new Float64Array(16);
  #first = 0;
  #count = 0;
  #sum = 0;

  /** @param intervalMs what one value stands for: an hourly value covers an hour. */
  constructor(windowMs: number, intervalMs: number) {
    this.#windowMs = windowMs;
    this.#coverMs = windowMs * COVERED - intervalMs;
  }

  /** Takes a value, newer than those before. Answers the mean, or NaN while too little of the window is covered. */
  push(ts: EpochMs, value: number): number {
    const oldest = ts - this.#windowMs;
    while (this.#count > 0 && (this.#count === MOST_VALUES || (this.#ts[this.#first] as number) <= oldest)) this.#drop();
    if (this.#count === this.#ts.length) this.#grow();
    const at = (this.#first + this.#count) % this.#ts.length;
    this.#ts[at] = ts;
    this.#values[at] = value;
    this.#count++;
    this.#sum += value;
    if (at === 0) this.#sumUp();
    return ts - (this.#ts[this.#first] as number) >= this.#coverMs ? this.#sum / this.#count : Number.NaN;
  }

  #drop(): void {
    this.#sum -= this.#values[this.#first] as number;
    this.#first = (this.#first + 1) % this.#ts.length;
    this.#count--;
    if (this.#count === 0) this.#sum = 0;
  }

  /** Once a round: adding and taking away in floating point would drift over months. */
  #sumUp(): void {
    let sum = 0;
    for (let n = 0; n < this.#count; n++) sum += this.#values[(this.#first + n) % this.#ts.length] as number;
    this.#sum = sum;
  }

  #grow(): void {
    const [ts, values] = [new Float64Array(this.#ts.length * 2), new Float64Array(this.#ts.length * 2)];
    for (let n = 0; n < this.#count; n++) {
      const at = (this.#first + n) % this.#ts.length;
      ts[n] = this.#ts[at] as number;
      values[n] = this.#values[at] as number;
    }
    this.#ts = ts;
    this.#values = values;
    this.#first = 0;
  }
}
