import type { Writable } from 'node:stream';

const TYPE = 0xf0;
const PUBLISH = 0x30;
const QOS = 0x06;
const QOS_1 = 0x02;
const RETAIN = 0x01;
/** Of each byte of a length: seven bits, and whether another byte follows. */
const LENGTH_BITS = 7;
const LENGTH_MORE = 0x80;
const MOST_LENGTH_BYTES = 4;

/** No packet id: what was sent with QoS 0. MQTT itself has none that is 0. */
export const NO_PACKET_ID = 0;

const NONE = -1;
const EMPTY = Buffer.alloc(0);
/** After a large packet its memory is given back down to this. */
const MOST_KEPT_BYTES = 64 << 10;
const INCOMPLETE = -1;
/** Where the body of a packet begins of which that is not known. */
const BROKEN = -1;

export interface PublishReaderParts {
  /** MQTT 5 has properties in each PUBLISH. */
  readonly protocolVersion: 4 | 5;
  /**
   * A message of QoS 0 or 1. Its payload is a view on the receive buffer, good until the call returns. False: it cannot be taken now,
   * and nothing more is read until `goOn`, which offers it again.
   */
  take(topic: string, payload: Buffer, packetId: number, isRetained: boolean): boolean;
  /** Takes every other packet, whole ones alone. It gets copies. */
  readonly parser: Writable;
  /** What was handed to `read` last is done with, after `read` or `goOn` answered false. */
  onReady(): void;
  /** A packet's length is broken, so that nobody knows where the next one begins; the general parser has said so. */
  onBroken(): void;
}

/**
 * Reads what a broker sends nearly always, PUBLISH of QoS 0 and 1 without properties, straight from the receive buffer. Every other packet
 * goes to the general parser, and is done with before anything behind it is looked at, so that nothing overtakes. (MQTT 3.1.1 and 5, 2.1, 3.3)
 */
export class PublishReader {
  readonly #parts: PublishReaderParts;
  readonly #hasProperties: boolean;
  /** What is being read, and how far it has been. */
  #bytes: Buffer = EMPTY;
  #at = 0;
  /** Beginning of a packet whose rest has not come, or all of one that waits to be taken. */
  #split: Buffer = Buffer.allocUnsafeSlow(1024);
  #splitLength = 0;
  /** The general parser has something that it is not done with. */
  #isParsing = false;
  #isClosed = false;
  #isBroken = false;
  // Of the packet looked at last.
  #bodyAt = 0;
  #topicAt = 0;
  #topicEnd = 0;
  #payloadAt = 0;
  #packetId = NO_PACKET_ID;

  constructor(parts: PublishReaderParts) {
    this.#parts = parts;
    this.#hasProperties = parts.protocolVersion === 5;
  }

  /**
   * The next bytes of the connection. False when they could not all be read yet: they have to stay as they are, and nothing more is to be
   * read, until `onReady`.
   */
  read(bytes: Buffer): boolean {
    this.#bytes = bytes;
    this.#at = 0;
    return this.#run();
  }

  /** Offers again what could not be taken. */
  goOn(): void {
    if (!this.#isParsing && this.#run()) this.#parts.onReady();
  }

  /** The connection is gone, with all that was not taken. */
  close(): void {
    this.#isClosed = true;
  }

  #run(): boolean {
    if (this.#isClosed) return false;
    if (this.#splitLength > 0) {
      const end = this.#join();
      if (end === INCOMPLETE) return true;
      if (!this.#takeSplit(end)) return false;
    }
    const bytes = this.#bytes;
    /** Where the packets for the general parser begin that come up to here. */
    let from = NONE;
    while (this.#at < bytes.length) {
      const at = this.#at;
      const end = this.#endOf(bytes, at, bytes.length);
      if (end === INCOMPLETE || end > bytes.length) break;
      if (!this.#isPlain(bytes, at, end)) {
        if (from === NONE) from = at;
      } else {
        if (from !== NONE) return this.#parse(bytes.subarray(from, at));
        if (!this.#take(bytes, at, end)) return false;
      }
      this.#at = end;
    }
    const rest = this.#at;
    if (rest < bytes.length) this.#keep(bytes.subarray(rest));
    this.#at = bytes.length;
    return from === NONE || this.#parse(bytes.subarray(from, rest));
  }

  /** Completes the packet that was split from what came; answers its end, or INCOMPLETE where that is not enough. */
  #join(): number {
    for (;;) {
      const end = this.#endOf(this.#split, 0, this.#splitLength);
      if (end !== INCOMPLETE && this.#splitLength >= end) return end;
      const missing = end === INCOMPLETE ? 1 : end - this.#splitLength;
      const there = this.#bytes.subarray(this.#at, this.#at + missing);
      if (there.length === 0) return INCOMPLETE;
      this.#keep(there);
      this.#at += there.length;
    }
  }

  #keep(bytes: Buffer): void {
    const length = this.#splitLength + bytes.length;
    if (length > this.#split.length) {
      const larger = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(length)));
      this.#split.copy(larger, 0, 0, this.#splitLength);
      this.#split = larger;
    }
    bytes.copy(this.#split, this.#splitLength);
    this.#splitLength = length;
  }

  #takeSplit(end: number): boolean {
    const split = this.#split;
    if (!this.#isPlain(split, 0, end)) {
      this.#forgetSplit();
      return this.#parse(split.subarray(0, end));
    }
    if (!this.#take(split, 0, end)) return false;
    this.#forgetSplit();
    return true;
  }

  /**
   * Where the packet at `at` ends, or INCOMPLETE where its length has not come whole. One whose length is broken ends with what there is: the
   * general parser says what is wrong with it, and nothing more is read.
   */
  #endOf(bytes: Buffer, at: number, until: number): number {
    let length = 0;
    for (let nth = 0; nth < MOST_LENGTH_BYTES; nth++) {
      const place = at + 1 + nth;
      if (place >= until) return INCOMPLETE;
      const byte = bytes[place] as number;
      length |= (byte & ~LENGTH_MORE) << (LENGTH_BITS * nth);
      if (byte < LENGTH_MORE) {
        this.#bodyAt = place + 1;
        return place + 1 + length;
      }
    }
    this.#bodyAt = BROKEN;
    this.#isBroken = true;
    return until;
  }

  #forgetSplit(): void {
    this.#splitLength = 0;
    if (this.#split.length > MOST_KEPT_BYTES) this.#split = Buffer.allocUnsafeSlow(MOST_KEPT_BYTES);
  }

  /** Is it a PUBLISH that can be taken from here? Broken ones are not, so that the general parser says what is wrong. */
  #isPlain(bytes: Buffer, at: number, end: number): boolean {
    const first = bytes[at] as number;
    if ((first & TYPE) !== PUBLISH || (first & QOS) > QOS_1) return false;
    const body = this.#bodyAt;
    if (body === BROKEN || body + 2 > end) return false;
    this.#topicAt = body + 2;
    let next = this.#topicAt + (((bytes[body] as number) << 8) | (bytes[body + 1] as number));
    if (next === this.#topicAt || next > end) return false;
    this.#topicEnd = next;
    this.#packetId = NO_PACKET_ID;
    if ((first & QOS) === QOS_1) {
      this.#packetId = ((bytes[next] as number) << 8) | (bytes[next + 1] as number);
      if (this.#packetId === NO_PACKET_ID) return false;
      next += 2;
    }
    if (this.#hasProperties && (next >= end || bytes[next++] !== 0)) return false;
    this.#payloadAt = next;
    return next <= end;
  }
  #take(bytes: Buffer, at: number, end: number): boolean {
    const topic = bytes.toString('utf8', this.#topicAt, this.#topicEnd);
    return this.#parts.take(topic, bytes.subarray(this.#payloadAt, end), this.#packetId, ((bytes[at] as number) & RETAIN) !== 0);
  }

  /** A copy, as the general parser may keep views on it. Answers false: it is done with later. */
  #parse(packets: Buffer): boolean {
    this.#isParsing = true;
    this.#parts.parser.write(Buffer.from(packets), () => {
      this.#isParsing = false;
      if (this.#isBroken) this.#parts.onBroken();
      else if (this.#run()) this.#parts.onReady();
    });
    return false;
  }
}
