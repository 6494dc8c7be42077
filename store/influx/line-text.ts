const [NEWLINE, MINUS, POINT] = [0x0a, 0x2d, 0x2e];
const FIRST_BYTES = 1 << 16;
/** Memory with no more than this share behind the text is sent whole; of the rest the text is copied. InfluxDB takes time for empty lines, too. */
const MOST_PADDING = 1 / 64;
/** After so many bodies memory is made as long as the longest of them, and a little longer. */
const BODIES_TO_FIT = 8;
const SPARE = 1 / 128;
/** No number is longer as text: 25 bytes suffice for a double. */
const NUMBER_BYTES = 32;
/** Bytes that are copied in one go, and so may be written beyond the last one. */
const WORD_BYTES = 4;
/** Digits are written in groups of three. Instruments send no more decimals nearly always; more take a detour. */
const DECIMALS = 3;
const SCALE = 10 ** DECIMALS;
const MILLION = SCALE ** 2;
const BILLION = SCALE ** 3;
/** Below this a scaled number is a small integer to the engine, whose arithmetic is several times as fast. */
const MOST_SMALL = 2 ** 31;
/** Below this a scaled number and its quotient are exact. */
const MOST_SCALED = 2 ** 53;

/** The digits of 000 to 999, one group behind the other. */
const GROUPS = Buffer.from(Array.from({ length: SCALE }, (_, group) => String(group).padStart(DECIMALS, '0')).join(''));

/**
 * Text that is put together byte by byte, and sent, in memory that is used again. Joining strings of numbers, as a language likes to do
 * it, took half of the CPU that writing to InfluxDB takes; collecting bodies that were strings took a third of what remained.
 */
export class LineText {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #view = viewOf(this.#bytes);
  #at = 0;
  /** Bodies since memory was looked at last, and the length of the longest of them. */
  #bodies = 0;
  #longest = 0;

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

  /**
   * The same as a buffer of its own for a request, good until the text is changed: whoever makes a `Buffer` of an `ArrayBuffer` copies
   * nothing. It may end with empty lines, which InfluxDB passes over.
   */
  body(): ArrayBuffer {
    const length = this.#at;
    this.#longest = Math.max(this.#longest, length);
    if (++this.#bodies === BODIES_TO_FIT) this.#fit();
    if (this.#bytes.length - length > length * MOST_PADDING) return new Uint8Array(this.bytes).buffer;
    return this.#bytes.fill(NEWLINE, length).buffer as ArrayBuffer;
  }

  #fit(): void {
    const fitting = Math.ceil(this.#longest * (1 + SPARE)) + WORD_BYTES;
    if (this.#bytes.length > this.#longest * (1 + MOST_PADDING) && fitting > FIRST_BYTES) this.#moveTo(fitting);
    this.#bodies = 0;
    this.#longest = 0;
  }

  byte(value: number): void {
    if (this.#at === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#at++] = value;
  }

  /** UTF-8. */
  append(utf8: Phrase): void {
    const { length, words } = utf8;
    if (this.#at + length + WORD_BYTES > this.#bytes.length) this.#grow(length + WORD_BYTES);
    const view = this.#view;
    let at = this.#at;
    for (let word = 0; word < words.length; word++, at += WORD_BYTES) view.setInt32(at, words[word] as number, true);
    this.#at += length;
  }

  /** Bytes that are in the text already, once more. */
  repeat(from: number, to: number): void {
    const length = to - from;
    if (this.#at + length + WORD_BYTES > this.#bytes.length) this.#grow(length + WORD_BYTES);
    const view = this.#view;
    const until = this.#at + length;
    // What is copied beyond the end is written over.
    for (let at = this.#at, of = from; at < until; at += WORD_BYTES, of += WORD_BYTES) view.setInt32(at, view.getInt32(of, true), true);
    this.#at = until;
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
    const into = this.#bytes;
    let at = this.#at;
    if (value < 0) into[at++] = MINUS;
    let decimals: number;
    if (scaled < MOST_SMALL) {
      const small = scaled | 0;
      const whole = (small / SCALE) | 0;
      at = putWhole(into, at, whole);
      decimals = small - whole * SCALE;
    } else {
      const whole = Math.floor(scaled / SCALE);
      const high = Math.floor(whole / BILLION);
      const low = (whole - high * BILLION) | 0;
      at = high === 0 ? putWhole(into, at, low) : putNine(into, putWhole(into, at, high | 0), low);
      decimals = (scaled - whole * SCALE) | 0;
    }
    this.#at = decimals === 0 ? at : putDecimals(into, at, decimals);
  }

  #grow(by: number): void {
    this.#moveTo(2 * (this.#bytes.length + by));
  }

  #moveTo(size: number): void {
    // Of its own, as all of it may be sent.
    const moved = Buffer.allocUnsafeSlow(size);
    this.#bytes.copy(moved, 0, 0, this.#at);
    this.#bytes = moved;
    this.#view = viewOf(moved);
  }
}

/** What is appended again and again, as it is copied. */
export class Phrase {
  readonly length: number;
  readonly words: Int32Array;

  constructor(text: string) {
    const bytes = Buffer.from(text);
    this.length = bytes.length;
    const whole = Buffer.alloc(Math.ceil(bytes.length / WORD_BYTES) * WORD_BYTES);
    bytes.copy(whole);
    this.words = Int32Array.from({ length: whole.length / WORD_BYTES }, (_, word) => whole.readInt32LE(word * WORD_BYTES));
  }
}

const viewOf = ({ buffer, byteOffset, length }: Buffer): DataView => new DataView(buffer, byteOffset, length);

/** A whole number below a billion. Answers, as those below do, where the next byte goes. */
function putWhole(into: Buffer, at: number, whole: number): number {
  if (whole < SCALE) return putShort(into, at, whole);
  if (whole < MILLION) {
    const high = (whole / SCALE) | 0;
    return putGroup(into, putShort(into, at, high), whole - high * SCALE);
  }
  const high = (whole / MILLION) | 0;
  return putSix(into, putShort(into, at, high), whole - high * MILLION);
}

/** A number below a thousand, without zeros before it. */
function putShort(into: Buffer, at: number, group: number): number {
  let next = at;
  if (group >= 100) into[next++] = GROUPS[3 * group] as number;
  if (group >= 10) into[next++] = GROUPS[3 * group + 1] as number;
  into[next++] = GROUPS[3 * group + 2] as number;
  return next;
}

/** A number below a thousand in three digits. */
function putGroup(into: Buffer, at: number, group: number): number {
  into[at] = GROUPS[3 * group] as number;
  into[at + 1] = GROUPS[3 * group + 1] as number;
  into[at + 2] = GROUPS[3 * group + 2] as number;
  return at + 3;
}

function putSix(into: Buffer, at: number, number: number): number {
  const high = (number / SCALE) | 0;
  return putGroup(into, putGroup(into, at, high), number - high * SCALE);
}

function putNine(into: Buffer, at: number, number: number): number {
  const high = (number / MILLION) | 0;
  return putSix(into, putGroup(into, at, high), number - high * MILLION);
}

function putDecimals(into: Buffer, at: number, thousandths: number): number {
  into[at] = POINT;
  const end = putGroup(into, at + 1, thousandths);
  if (thousandths % 100 === 0) return end - 2;
  return thousandths % 10 === 0 ? end - 1 : end;
}
