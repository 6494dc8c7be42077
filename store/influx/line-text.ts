const [ZERO, MINUS, POINT] = [0x30, 0x2d, 0x2e];
const FIRST_BYTES = 1 << 16;
/** No number is longer as text: 25 bytes suffice for a double. */
const NUMBER_BYTES = 32;
/** Decimals that are written without a detour; instruments send fewer nearly always. */
const DECIMALS = 3;
const SCALE = 10 ** DECIMALS;
/** Below this a scaled number and its quotient are exact. */
const MOST_SCALED = 2 ** 53;
const BILLION = 1e9;

/**
 * Text that is put together byte by byte in memory that is used again. Joining strings of numbers, as a language likes to do it, took
 * half of the CPU that writing to InfluxDB takes.
 */
export class LineText {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #at = 0;
  /** Not a byte above 127 so far. */
  #isAscii = true;
  readonly #digits = new Uint8Array(NUMBER_BYTES);

  clear(): void {
    this.#at = 0;
    this.#isAscii = true;
  }

  get isEmpty(): boolean {
    return this.#at === 0;
  }

  byte(value: number): void {
    if (this.#at === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#at++] = value;
  }

  /** ASCII. */
  bytes(ascii: Uint8Array): void {
    if (this.#at + ascii.length > this.#bytes.length) this.#grow(ascii.length);
    const into = this.#bytes;
    let at = this.#at;
    for (let index = 0; index < ascii.length; index++) into[at++] = ascii[index] as number;
    this.#at = at;
  }

  string(text: string): void {
    // A character takes three bytes of UTF-8 at most, as the second half of a pair takes none.
    if (this.#at + 3 * text.length > this.#bytes.length) this.#grow(3 * text.length);
    const written = this.#bytes.write(text, this.#at, 'utf8');
    if (written !== text.length) this.#isAscii = false;
    this.#at += written;
  }

  /** A finite number, as it reads in JavaScript or, where that is shorter to write, in another form of the same double. */
  number(value: number): void {
    if (this.#at + NUMBER_BYTES > this.#bytes.length) this.#grow(NUMBER_BYTES);
    const magnitude = value < 0 ? -value : value;
    const scaled = Math.round(magnitude * SCALE);
    // Division rounds as reading a decimal does: where it gives the number back, so do these digits.
    if (scaled >= MOST_SCALED || scaled / SCALE !== magnitude) {
      this.string(String(value));
      return;
    }
    if (value < 0) this.#bytes[this.#at++] = MINUS;
    const whole = Math.floor(scaled / SCALE);
    const rest = scaled - whole * SCALE;
    if (whole < BILLION) this.#whole(whole);
    else {
      const high = Math.floor(whole / BILLION);
      this.#whole(high);
      this.#padded(whole - high * BILLION, 9);
    }
    if (rest === 0) return;
    this.#bytes[this.#at++] = POINT;
    if (rest % 100 === 0) this.#padded(rest / 100, 1);
    else if (rest % 10 === 0) this.#padded(rest / 10, 2);
    else this.#padded(rest, DECIMALS);
  }

  /** Everything since `clear`. */
  take(): string {
    return this.#bytes.toString(this.#isAscii ? 'latin1' : 'utf8', 0, this.#at);
  }

  /** A whole number below a billion. */
  #whole(number: number): void {
    const digits = this.#digits;
    let rest = number | 0;
    let count = 0;
    do {
      const next = (rest / 10) | 0;
      digits[count++] = ZERO + rest - next * 10;
      rest = next;
    } while (rest > 0);
    while (count > 0) this.#bytes[this.#at++] = digits[--count] as number;
  }

  /** The same with zeros before it. */
  #padded(number: number, width: number): void {
    let rest = number | 0;
    for (let place = this.#at + width - 1; place >= this.#at; place--) {
      const next = (rest / 10) | 0;
      this.#bytes[place] = ZERO + rest - next * 10;
      rest = next;
    }
    this.#at += width;
  }

  #grow(by: number): void {
    const grown = Buffer.allocUnsafe(2 * (this.#bytes.length + by));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}
