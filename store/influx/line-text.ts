const [ZERO, MINUS, POINT] = [0x30, 0x2d, 0x2e];
const FIRST_BYTES = 1 << 16;
/** No number is longer as text: 25 bytes suffice for a double. */
const NUMBER_BYTES = 32;
/** Decimals that are written without a detour; instruments send fewer nearly always. */
const DECIMALS = 3;
const SCALE = 10 ** DECIMALS;
/** Below this a scaled number is a small integer to the engine, whose arithmetic is several times as fast. */
const MOST_SMALL = 2 ** 31;
/** Below this a scaled number and its quotient are exact. */
const MOST_SCALED = 2 ** 53;
const BILLION = 1e9;

/**
 * Text that is put together byte by byte, and sent, in memory that is used again. Joining strings of numbers, as a language likes to do
 * it, took half of the CPU that writing to InfluxDB takes; collecting bodies that were strings took a third of what remained.
 */
export class LineText {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #at = 0;

  clear(): void {
    this.#at = 0;
  }

  /** In bytes. */
  get length(): number {
    return this.#at;
  }

  /** Everything since `clear`, where it stands: good until the text is changed. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  byte(value: number): void {
    if (this.#at === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#at++] = value;
  }

  /** UTF-8. */
  append(utf8: Uint8Array): void {
    const { length } = utf8;
    let at = this.#at;
    if (at + length > this.#bytes.length) this.#grow(length);
    const into = this.#bytes;
    for (let index = 0; index < length; index++) into[at++] = utf8[index] as number;
    this.#at = at;
  }

  /** Bytes that are in the text already, once more. */
  repeat(from: number, to: number): void {
    let at = this.#at;
    if (at + to - from > this.#bytes.length) this.#grow(to - from);
    const into = this.#bytes;
    for (let index = from; index < to; index++) into[at++] = into[index] as number;
    this.#at = at;
  }

  string(text: string): void {
    // A character takes three bytes of UTF-8 at most, as the second half of a pair takes none.
    if (this.#at + 3 * text.length > this.#bytes.length) this.#grow(3 * text.length);
    this.#at += this.#bytes.write(text, this.#at, 'utf8');
  }

  /**
   * A finite number of a column, as it reads in JavaScript or, where that is shorter to write, in another form of the same double. Handed
   * over by itself, every number would be an object first.
   */
  number(column: Float64Array, row: number): void {
    const value = column[row] as number;
    if (this.#at + NUMBER_BYTES > this.#bytes.length) this.#grow(NUMBER_BYTES);
    const magnitude = value < 0 ? -value : value;
    const scaled = Math.round(magnitude * SCALE);
    // Division rounds as reading a decimal does: where it gives the number back, so do these digits.
    if (scaled >= MOST_SCALED || scaled / SCALE !== magnitude) {
      this.string(String(value));
      return;
    }
    if (value < 0) this.#bytes[this.#at++] = MINUS;
    if (scaled < MOST_SMALL) {
      const small = scaled | 0;
      const whole = (small / SCALE) | 0;
      this.#whole(whole);
      this.#decimals(small - whole * SCALE);
      return;
    }
    const whole = Math.floor(scaled / SCALE);
    if (whole < BILLION) this.#whole(whole | 0);
    else {
      const high = Math.floor(whole / BILLION);
      this.#whole(high | 0);
      this.#padded((whole - high * BILLION) | 0, 9);
    }
    this.#decimals((scaled - whole * SCALE) | 0);
  }

  /** A whole number below a billion. */
  #whole(whole: number): void {
    let width = 1;
    for (let least = 10; width < 9 && whole >= least; least *= 10) width++;
    this.#padded(whole, width);
  }

  #decimals(thousandths: number): void {
    if (thousandths === 0) return;
    this.#bytes[this.#at++] = POINT;
    if (thousandths % 100 === 0) this.#padded(thousandths / 100, 1);
    else if (thousandths % 10 === 0) this.#padded(thousandths / 10, 2);
    else this.#padded(thousandths, DECIMALS);
  }

  /** A whole number below a billion in so many digits. */
  #padded(number: number, width: number): void {
    const into = this.#bytes;
    const first = this.#at;
    let rest = number;
    for (let place = first + width - 1; place >= first; place--) {
      const next = (rest / 10) | 0;
      into[place] = ZERO + rest - next * 10;
      rest = next;
    }
    this.#at = first + width;
  }

  #grow(by: number): void {
    const grown = Buffer.allocUnsafe(2 * (this.#bytes.length + by));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}
