/** One frame as it stood in the stream. */
export interface RawFrame {
  /** Between length and CRC: what both are computed over. */
  readonly segment: Buffer;
  /** As the frame says; null where there are no four digits behind `##`. */
  readonly length: number | null;
  /** As the frame says; null where no four hex digits stand behind the segment. */
  readonly crc: number | null;
}

const HASH = 0x23;
const CR = 0x0d;
const LF = 0x0a;
const AND = 0x26;
const CRC_DIGITS = 4;
const LENGTH_DIGITS = 4;
const IS_WHOLE = /CP=&&.*&&$/s;

/**
 * Cuts a TCP stream into frames, however the stream was cut into reads. A frame ends where its length says, when a CRC and a line's end
 * or the next `##` stand there; else at the line's end or the next `##`, as loggers write wrong lengths, none, LF alone, or no line's
 * end at all. Holds at most `maxBytes` between two reads.
 */
export class FrameSplitter {
  readonly #maxBytes: number;
  #held: Buffer = Buffer.alloc(0);
  /** Bytes of the frame that is held in which no end was found. */
  #looked = 0;
  /** Bytes outside of any frame, line ends left out. */
  junkBytes = 0;
  /** Frames that did not end within `maxBytes`. */
  overlong = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** A frame has begun and not ended. */
  get pending(): boolean {
    return this.#held.length > 0;
  }

  get heldBytes(): number {
    return this.#held.length;
  }

  push(bytes: Uint8Array): RawFrame[] {
    let held: Buffer = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
    const frames: RawFrame[] = [];
    for (;;) {
      held = this.#skipJunk(held);
      const end = held.length < 2 ? -1 : this.#endOf(held);
      if (end < 0) break;
      const frame = frameOf(held.subarray(2, end));
      if (frame !== null) frames.push(frame);
      else this.junkBytes += end;
      held = held.subarray(end);
      this.#looked = 0;
    }
    if (held.length > this.#maxBytes) {
      this.overlong++;
      this.#looked = 0;
      held = held.subarray(held.length);
    }
    // A copy, so that a few bytes do not keep a whole read alive.
    this.#held = Buffer.from(held);
    return frames;
  }

  /** What is held as the frame that it may be: the stream has ended, or nothing has followed for long. */
  flush(): RawFrame | null {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    this.#looked = 0;
    const frame = held.length > 2 ? frameOf(held.subarray(2)) : null;
    // The beginning of one is none: what it says of itself is not all there.
    if (frame === null || !IS_WHOLE.test(frame.segment.toString('latin1'))) {
      this.junkBytes += held.length;
      return null;
    }
    return frame;
  }

  /** From the next `##` on; a single `#` at the end may become one. */
  #skipJunk(held: Buffer): Buffer {
    if (held[0] === HASH && (held.length === 1 || held[1] === HASH)) return held;
    this.#looked = 0;
    const at = held.indexOf('##');
    const from = at >= 0 ? at : held.length - (held[held.length - 1] === HASH ? 1 : 0);
    for (let i = 0; i < from; i++) if (held[i] !== CR && held[i] !== LF) this.junkBytes++;
    return held.subarray(from);
  }

  /** Where the frame at the start of `held` ends, its line's end left out; -1 when that has not come. */
  #endOf(held: Buffer): number {
    const length = lengthAt(held, 2);
    const byLength = length === null ? -1 : 2 + LENGTH_DIGITS + length + CRC_DIGITS;
    if (byLength > 0 && byLength <= held.length && isCrcAt(held, byLength - CRC_DIGITS)) {
      const next = held[byLength];
      const ended = next === undefined ? held[byLength - 5] === AND && held[byLength - 6] === AND : next === CR || next === LF || next === HASH;
      if (ended) return byLength;
    }
    for (let i = Math.max(2, this.#looked); i < held.length; i++) {
      const byte = held[i];
      if (byte === CR || byte === LF || (byte === HASH && held[i + 1] === HASH)) return i;
    }
    // The last byte may be the first of the next `##`.
    this.#looked = held.length - 1;
    return -1;
  }
}

/** The frame that some bytes begin with, whether its end came or not; null where there is none in them. */
export function frameIn(bytes: Uint8Array): RawFrame | null {
  const splitter = new FrameSplitter(bytes.length + 2);
  return splitter.push(bytes)[0] ?? splitter.flush();
}

/** What stands between `##` and the line's end; null where it is nothing. */
function frameOf(content: Buffer): RawFrame | null {
  const length = lengthAt(content, 0);
  const from = length === null ? 0 : LENGTH_DIGITS;
  const hasCrc = content.length - from >= CRC_DIGITS && isCrcAt(content, content.length - CRC_DIGITS);
  const to = hasCrc ? content.length - CRC_DIGITS : content.length;
  if (to <= from) return null;
  const crc = hasCrc ? Number.parseInt(content.toString('latin1', to), 16) : null;
  return { segment: Buffer.from(content.subarray(from, to)), length, crc };
}

function lengthAt(bytes: Buffer, at: number): number | null {
  let length = 0;
  for (let i = at; i < at + LENGTH_DIGITS; i++) {
    const digit = (bytes[i] ?? 0) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return null;
    length = length * 10 + digit;
  }
  return length;
}

function isCrcAt(bytes: Buffer, at: number): boolean {
  for (let i = at; i < at + CRC_DIGITS; i++) {
    const byte = (bytes[i] ?? 0) | 0x20;
    if (!((byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66))) return false;
  }
  return true;
}
