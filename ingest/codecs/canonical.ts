import type { MeterPlan } from '../meter-plans.ts';

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN = 0x7b;
const CLOSE = 0x7d;

const TS = Buffer.from('"ts"');
const VALUES = Buffer.from('"values"');

/** Below 10^15 every integer and every power of ten is exact, so that one division rounds as the standard wants it. */
const EXACT_DIGITS = 15;
const POWERS = Float64Array.from({ length: EXACT_DIGITS + 1 }, (_, exponent) => 10 ** exponent);

const NOTHING = -1;

/**
 * Reads the canonical native form, `{"ts":integer,"values":{"name":number,…}}` or an array of these, straight into columns: what
 * gateways send nearly always. Anything else, be it only a name that the catalogue does not have, a key twice or the keys in another order,
 * is left to the general codec, which takes or explains it. Where this one answers true, both find the same.
 */
export class CanonicalScan {
  /** Frames found, and whether they stood in an array. */
  frames = 0;
  isArray = false;
  /** Per frame: its time, and the end of its values in the columns below. */
  ts = new Float64Array(64);
  end = new Int32Array(64);
  /** Per value: the plan's column and the number as it was sent. */
  column = new Int32Array(512);
  value = new Float64Array(512);

  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #values = 0;
  /** Which frame, counted over all messages, had the column last: a key that stands twice shows. */
  readonly #seen: number[] = [];
  #stamp = 0;

  /** False when the message is not in this form; nothing is to be made of the columns then. */
  scan(bytes: Uint8Array, plan: MeterPlan): boolean {
    this.#bytes = bytes;
    this.#at = 0;
    this.#values = 0;
    this.frames = 0;
    this.isArray = this.#takes(OPEN_LIST);
    if (!this.#frame(plan)) return false;
    if (this.isArray) {
      while (this.#takes(COMMA)) if (!this.#frame(plan)) return false;
      if (!this.#takes(CLOSE_LIST)) return false;
    }
    this.#pass();
    return this.#at === bytes.length;
  }

  #frame(plan: MeterPlan): boolean {
    if (!this.#takes(OPEN) || !this.#word(TS) || !this.#takes(COLON)) return false;
    const ts = this.#time();
    if (ts === NOTHING || !this.#takes(COMMA) || !this.#word(VALUES) || !this.#takes(COLON) || !this.#takes(OPEN)) return false;
    if (!this.#members(plan) || !this.#takes(CLOSE)) return false;
    if (this.frames === this.ts.length) this.#growFrames();
    this.ts[this.frames] = ts;
    this.end[this.frames++] = this.#values;
    return true;
  }

  /** `"name":number,…}`, at least one. */
  #members(plan: MeterPlan): boolean {
    const bytes = this.#bytes;
    const stamp = ++this.#stamp;
    const seen = this.#seen;
    let guess = 0;
    for (;;) {
      if (!this.#takes(QUOTE)) return false;
      const column = plan.columnAt(bytes, this.#at, guess);
      if (column < 0 || seen[column] === stamp) return false;
      seen[column] = stamp;
      guess = column + 1;
      this.#at += (plan.columns.keys[column] as Uint8Array).length;
      if (!this.#takes(COLON)) return false;
      if (this.#values === this.value.length) this.#growValues();
      this.#pass();
      if (!this.#number(column)) return false;
      this.#pass();
      const next = bytes[this.#at++];
      if (next === CLOSE) return true;
      if (next !== COMMA) return false;
    }
  }

  /** A number of JSON's grammar. */
  #number(column: number): boolean {
    const bytes = this.#bytes;
    const start = this.#at;
    let at = start;
    const negative = bytes[at] === MINUS;
    if (negative) at++;
    let digit = (bytes[at] as number) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return false;
    let whole = digit;
    let digits = 1;
    at++;
    if (digit === 0) {
      digits = 0;
      digit = (bytes[at] as number) - ZERO;
      if (digit >= 0 && digit <= 9) return false;
    } else {
      for (digit = (bytes[at] as number) - ZERO; digit >= 0 && digit <= 9; digit = (bytes[++at] as number) - ZERO) {
        whole = whole * 10 + digit;
        digits++;
      }
    }
    let decimals = 0;
    if (bytes[at] === POINT) {
      for (digit = (bytes[++at] as number) - ZERO; digit >= 0 && digit <= 9; digit = (bytes[++at] as number) - ZERO) {
        whole = whole * 10 + digit;
        decimals++;
      }
      if (decimals === 0) return false;
    }
    const isShort = digits + decimals <= EXACT_DIGITS;
    const next = bytes[at];
    if (isShort && next !== 0x65 && next !== 0x45) {
      const size = decimals === 0 ? whole : whole / (POWERS[decimals] as number);
      this.#put(column, negative ? -size : size);
      this.#at = at;
      return true;
    }
    return this.#longNumber(column, start, at);
  }

  /** With an exponent or more digits than are exact: the engine's own reading of the same text. */
  #longNumber(column: number, start: number, mantissaEnd: number): boolean {
    const bytes = this.#bytes;
    let at = mantissaEnd;
    if (bytes[at] === 0x65 || bytes[at] === 0x45) {
      at++;
      if (bytes[at] === 0x2b || bytes[at] === MINUS) at++;
      const first = at;
      while ((bytes[at] as number) >= ZERO && (bytes[at] as number) <= 0x39) at++;
      if (at === first) return false;
    }
    let text = '';
    for (let i = start; i < at; i++) text += String.fromCharCode(bytes[i] as number);
    this.#put(column, Number(text));
    this.#at = at;
    return true;
  }

  #put(column: number, value: number): void {
    const row = this.#values++;
    this.column[row] = column;
    this.value[row] = value;
  }

  /** Milliseconds as an integer without sign, exponent or fraction, of at most 15 digits. */
  #time(): number {
    this.#pass();
    const bytes = this.#bytes;
    let at = this.#at;
    const start = at;
    let time = 0;
    for (let digit = (bytes[at] as number) - ZERO; digit >= 0 && digit <= 9; digit = (bytes[++at] as number) - ZERO) time = time * 10 + digit;
    const digits = at - start;
    if (digits === 0 || digits > EXACT_DIGITS || (digits > 1 && bytes[start] === ZERO)) return NOTHING;
    // What follows is looked at by the caller: a point or an exponent is no comma.
    this.#at = at;
    return time;
  }

  /** Passes over white space, then takes the byte if it stands there. */
  #takes(byte: number): boolean {
    if (this.#bytes[this.#at] !== byte) {
      this.#pass();
      if (this.#bytes[this.#at] !== byte) return false;
    }
    this.#at++;
    return true;
  }

  #word(word: Uint8Array): boolean {
    this.#pass();
    const bytes = this.#bytes;
    const at = this.#at;
    for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return false;
    this.#at = at + word.length;
    return true;
  }

  #pass(): void {
    const bytes = this.#bytes;
    let at = this.#at;
    for (let byte = bytes[at]; byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09; ) byte = bytes[++at];
    this.#at = at;
  }

  #growFrames(): void {
    const { ts, end } = this;
    this.ts = new Float64Array(ts.length * 2);
    this.ts.set(ts);
    this.end = new Int32Array(end.length * 2);
    this.end.set(end);
  }

  #growValues(): void {
    const { column, value } = this;
    this.column = new Int32Array(column.length * 2);
    this.column.set(column);
    this.value = new Float64Array(value.length * 2);
    this.value.set(value);
  }
}
