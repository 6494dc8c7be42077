/**
 * PUBACKs that wait for the commit of what they acknowledge. They leave in the order in which the messages came, as MQTT asks,
 * and those of one commit in one write. One queue belongs to one connection and ends with it.
 */
export class AckQueue {
  readonly #write: (bytes: Buffer) => void;
  // A ring of packet ids; positions count up for ever and are masked.
  #ids = new Uint16Array(64);
  #done = new Uint8Array(64);
  #head = 0;
  #tail = 0;
  #flushing = false;
  #closed = false;

  constructor(write: (bytes: Buffer) => void) {
    this.#write = write;
  }

  /** Messages whose acknowledgement has not left. */
  get length(): number {
    return this.#tail - this.#head;
  }

  /** A message came in: its place in the order, for `release`. */
  hold(packetId: number): number {
    if (this.length === this.#ids.length) this.#grow();
    const place = this.#tail++;
    const at = place & (this.#ids.length - 1);
    this.#ids[at] = packetId;
    this.#done[at] = 0;
    return place;
  }

  /** The message of that place is durable. Nothing is written on a connection that has ended. */
  release(place: number): void {
    if (this.#closed) return;
    this.#done[place & (this.#ids.length - 1)] = 1;
    if (place !== this.#head || this.#flushing) return;
    this.#flushing = true;
    process.nextTick(this.#flush);
  }

  /** The connection is gone: its packet ids mean nothing on the next one. */
  close(): void {
    this.#closed = true;
  }

  readonly #flush = (): void => {
    this.#flushing = false;
    if (this.#closed) return;
    const mask = this.#ids.length - 1;
    let end = this.#head;
    while (end < this.#tail && this.#done[end & mask] === 1) end++;
    const bytes = Buffer.allocUnsafe((end - this.#head) * 4);
    for (let at = 0; this.#head < end; this.#head++) {
      const id = this.#ids[this.#head & mask] as number;
      bytes[at++] = 0x40;
      bytes[at++] = 2;
      bytes[at++] = id >> 8;
      bytes[at++] = id & 0xff;
    }
    this.#write(bytes);
  };

  #grow(): void {
    const ids = new Uint16Array(this.#ids.length * 2);
    const done = new Uint8Array(ids.length);
    for (let place = this.#head; place < this.#tail; place++) {
      ids[place & (ids.length - 1)] = this.#ids[place & (this.#ids.length - 1)] as number;
      done[place & (ids.length - 1)] = this.#done[place & (this.#ids.length - 1)] as number;
    }
    this.#ids = ids;
    this.#done = done;
  }
}
