import type { MeterPlan } from '../meter-plans.ts';
import { type Key, stands } from '../plan-columns.ts';

const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BIG_E = 0x45;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const SMALL_E = 0x65;
const OPEN = 0x7b;
const CLOSE = 0x7d;

const TS = Buffer.from('"ts"');
const VALUES = Buffer.from('"values"');

/** Below 10^15 every integer and every power of ten is exact, so that one division rounds as the standard wants it. */
const EXACT_DIGITS = 15;
const POWERS = Float64Array.from({ length: EXACT_DIGITS + 1 }, (_, exponent) => 10 ** exponent);

const NOTHING = -1;

const wordAt = (text: string, at: number): number => Buffer.from(text).readInt32LE(at);
/** What stands nearly always before a frame's time, and between its thirteen digits and the first name: as words, the last overlapping. */
const OPENING = [wordAt('{"ts":', 0), wordAt('{"ts":', 2)] as const;
const OPENING_LENGTH = 6;
const BETWEEN = [wordAt(',"values":{', 0), wordAt(',"values":{', 4), wordAt(',"values":{', 7)] as const;
const BETWEEN_LENGTH = 11;
const TIME_DIGITS = 13;
/** As many digits as are a small integer; the rest is another one. */
const HIGH_DIGITS = 7;
const LOW = 10 ** (TIME_DIGITS - HIGH_DIGITS);
/** Numbers of at most so many digits are read as small integers. */
const FEW_DIGITS = 9;

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
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #values = 0;

  /** False when the message is not in this form; nothing is to be made of the columns then. */
  scan(bytes: Uint8Array, plan: MeterPlan): boolean {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = 0;
    this.#values = 0;
    this.frames = 0;
    this.isArray = this.#takes(OPEN_LIST);
    if (!this.#frame(plan)) return false;
    if (this.isArray) {
      while (this.#takes(COMMA)) if (!this.#frame(plan)) return false;
      if (!this.#takes(CLOSE_LIST)) return false;
    }
    if (this.#at < bytes.length) this.#pass();
    return this.#at === bytes.length;
  }

  #frame(plan: MeterPlan): boolean {
    if (this.frames === this.ts.length) this.#growFrames();
    if (!this.#usualOpening() && !this.#opening()) return false;
    if (!this.#members(plan) || !this.#takes(CLOSE)) return false;
    this.end[this.frames++] = this.#values;
    return true;
  }

  /** Passes over a frame's opening as it is written nearly always; false, and nothing passed, where it is another. */
  #usualOpening(): boolean {
    const bytes = this.#bytes;
    const view = this.#view;
    const from = this.#at;
    const between = from + OPENING_LENGTH + TIME_DIGITS;
    if (between + BETWEEN_LENGTH > bytes.length) return false;
    if (view.getInt32(from, true) !== OPENING[0] || view.getInt32(from + OPENING_LENGTH - 4, true) !== OPENING[1]) return false;
    if (view.getInt32(between, true) !== BETWEEN[0] || view.getInt32(between + 4, true) !== BETWEEN[1]) return false;
    if (view.getInt32(between + BETWEEN_LENGTH - 4, true) !== BETWEEN[2]) return false;
    let at = from + OPENING_LENGTH;
    if (bytes[at] === ZERO) return false;
    let high = 0;
    for (const end = at + HIGH_DIGITS; at < end; at++) {
      const digit = (bytes[at] as number) - ZERO;
      if (digit < 0 || digit > 9) return false;
      high = high * 10 + digit;
    }
    let low = 0;
    for (; at < between; at++) {
      const digit = (bytes[at] as number) - ZERO;
      if (digit < 0 || digit > 9) return false;
      low = low * 10 + digit;
    }
    this.ts[this.frames] = high * LOW + low;
    this.#at = between + BETWEEN_LENGTH;
    return true;
  }

  #opening(): boolean {
    if (!this.#takes(OPEN) || !this.#word(TS) || !this.#takes(COLON) || !this.#time()) return false;
    return this.#takes(COMMA) && this.#word(VALUES) && this.#takes(COLON) && this.#takes(OPEN);
  }

  /** `"name":number,…}`, at least one. Once per value, so that what it needs stays in locals. */
  #members(plan: MeterPlan): boolean {
    const bytes = this.#bytes;
    const view = this.#view;
    const first = this.#values;
    let at = this.#at;
    let row = first;
    let guess = 0;
    // While each column stands behind the one before it, none stands twice.
    let isInOrder = true;
    for (;;) {
      if (bytes[at] !== QUOTE) at = passed(bytes, at);
      if (bytes[at++] !== QUOTE) return false;
      let column = guess;
      let key = plan.columns.keys[guess];
      if (key === undefined || at + key.length > bytes.length || !stands(key, view, at)) {
        column = plan.columnAt(view, at, guess);
        if (column < 0) return false;
        if (column < guess) isInOrder = false;
        key = plan.columns.keys[column] as Key;
      }
      if (!isInOrder) for (let before = first; before < row; before++) if (this.column[before] === column) return false;
      guess = column + 1;
      at += key.length;
      if (bytes[at] !== COLON) at = passed(bytes, at);
      if (bytes[at++] !== COLON) return false;
      if ((bytes[at] as number) <= SPACE) at = passed(bytes, at);

      if (row === this.value.length) this.#growValues();
      this.column[row] = column;
      const start = at;
      const isNegative = bytes[at] === MINUS;
      if (isNegative) at++;
      const whole = at;
      let byte = bytes[at] as number;
      let digits = 0;
      for (; byte >= ZERO && byte <= NINE && at - whole < FEW_DIGITS; byte = bytes[++at] as number) digits = digits * 10 + (byte - ZERO);
      const length = at - whole;
      let decimals = 0;
      let isPlain = length > 0 && (length === 1 || bytes[whole] !== ZERO);
      if (byte === POINT) {
        const fraction = ++at;
        byte = bytes[at] as number;
        for (; byte >= ZERO && byte <= NINE && at - fraction < FEW_DIGITS - length; byte = bytes[++at] as number) digits = digits * 10 + (byte - ZERO);
        decimals = at - fraction;
        isPlain &&= decimals > 0;
      }
      if (isPlain && !(byte >= ZERO && byte <= NINE) && byte !== SMALL_E && byte !== BIG_E) {
        const size = decimals === 0 ? digits : digits / (POWERS[decimals] as number);
        this.value[row] = isNegative ? -size : size;
      } else {
        at = this.#number(start, row);
        if (at === NOTHING) return false;
        byte = bytes[at] as number;
      }
      row++;

      if (byte <= SPACE) {
        at = passed(bytes, at);
        byte = bytes[at] as number;
      }
      at++;
      if (byte === COMMA) continue;
      this.#at = at;
      this.#values = row;
      return byte === CLOSE;
    }
  }

  /** Any number that JSON allows becomes the value of the row. Answers the position behind it, or NOTHING where none stands. */
  #number(start: number, row: number): number {
    const bytes = this.#bytes;
    let at = start;
    const isNegative = bytes[at] === MINUS;
    if (isNegative) at++;
    const first = at;
    let digits = 0;
    let byte = bytes[at] as number;
    for (; byte >= ZERO && byte <= NINE; byte = bytes[++at] as number) digits = digits * 10 + (byte - ZERO);
    let length = at - first;
    if (length === 0 || (length > 1 && bytes[first] === ZERO)) return NOTHING;
    let decimals = 0;
    if (byte === POINT) {
      const point = at;
      for (byte = bytes[++at] as number; byte >= ZERO && byte <= NINE; byte = bytes[++at] as number) digits = digits * 10 + (byte - ZERO);
      decimals = at - point - 1;
      if (decimals === 0) return NOTHING;
      length += decimals;
    }
    if (length <= EXACT_DIGITS && byte !== SMALL_E && byte !== BIG_E) {
      const size = decimals === 0 ? digits : digits / (POWERS[decimals] as number);
      this.value[row] = isNegative ? -size : size;
      return at;
    }
    at = exponentEnd(bytes, at);
    if (at !== NOTHING) this.value[row] = numberOf(bytes, start, at);
    return at;
  }

  /** Milliseconds as an integer without sign, exponent or fraction, of at most 15 digits; false where none stands. */
  #time(): boolean {
    this.#pass();
    const bytes = this.#bytes;
    let at = this.#at;
    const start = at;
    let time = 0;
    for (let digit = (bytes[at] as number) - ZERO; digit >= 0 && digit <= 9; digit = (bytes[++at] as number) - ZERO) time = time * 10 + digit;
    const digits = at - start;
    if (digits === 0 || digits > EXACT_DIGITS || (digits > 1 && bytes[start] === ZERO)) return false;
    // What follows is looked at by the caller: a point or an exponent is no comma.
    this.ts[this.frames] = time;
    this.#at = at;
    return true;
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
    this.#at = passed(this.#bytes, this.#at);
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

/** Position of the next byte that is no white space. */
function passed(bytes: Uint8Array, from: number): number {
  let at = from;
  for (let byte = bytes[at]; byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09; ) byte = bytes[++at];
  return at;
}

/** Position behind the exponent that may stand here, or NOTHING where it is broken. */
function exponentEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  if (bytes[at] !== SMALL_E && bytes[at] !== BIG_E) return at;
  at++;
  if (bytes[at] === PLUS || bytes[at] === MINUS) at++;
  const first = at;
  while ((bytes[at] as number) >= ZERO && (bytes[at] as number) <= NINE) at++;
  return at === first ? NOTHING : at;
}

/** With an exponent or more digits than are exact: the engine's own reading of the same text. */
function numberOf(bytes: Uint8Array, from: number, to: number): number {
  let text = '';
  for (let at = from; at < to; at++) text += String.fromCharCode(bytes[at] as number);
  return Number(text);
}
