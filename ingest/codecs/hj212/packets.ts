import type { Segment } from './segment.ts';

export interface PacketLimits {
  /** Messages that are being joined: of one logger, and of all that one connection speaks for. */
  readonly sets: number;
  readonly allSets: number;
  readonly packets: number;
  readonly bytes: number;
  readonly ms: number;
}

export const PACKET_LIMITS: PacketLimits = { sets: 4, allSets: 64, packets: 100, bytes: 100_000, ms: 60_000 };

interface PacketSet {
  readonly first: Segment;
  readonly total: number;
  readonly parts: Map<number, string>;
  since: number;
  bytes: number;
}

interface Expired {
  readonly segment: Segment;
  readonly detail: string;
}

/** Each packet has the time of the message; without a QN nothing else tells one message from the next. */
const DATA_TIME = /DataTime=(\d+)/i;

/** Joins the packets of messages that a logger split (PNUM, PNO), by QN and CN, within bounds: beyond them the oldest is given up. */
export class PacketJoiner {
  readonly #limits: PacketLimits;
  /** In order of their first packets. */
  readonly #sets = new Map<string, PacketSet>();
  readonly #pushedOut: Expired[] = [];

  constructor(limits: PacketLimits = PACKET_LIMITS) {
    this.#limits = limits;
  }

  /** The whole message, `null` while packets are missing, or a sentence on why it cannot be joined. */
  add(segment: Segment, now: number): Segment | string | null {
    const { pnum, pno } = segment;
    if (pnum === null || pnum <= 1) return segment;
    if (pno === null || pno < 1 || pno > pnum) return `packet number PNO=${pno ?? ''} is not between 1 and PNUM=${pnum}`;
    if (pnum > this.#limits.packets) return `PNUM=${pnum} packets are more than the ${this.#limits.packets} that are joined`;
    const key = `${segment.mn} ${segment.qn ?? DATA_TIME.exec(segment.cp)?.[1]} ${segment.cn} ${pnum}`;
    let set = this.#sets.get(key);
    if (set === undefined) {
      this.#makeRoom(segment.mn);
      set = { first: segment, total: pnum, parts: new Map(), since: now, bytes: 0 };
      this.#sets.set(key, set);
    }
    if (!set.parts.has(pno)) set.bytes += segment.cp.length;
    set.parts.set(pno, segment.cp);
    if (set.bytes > this.#limits.bytes) {
      this.#sets.delete(key);
      return `the packets have more than ${this.#limits.bytes} bytes`;
    }
    if (set.parts.size < set.total) return null;
    this.#sets.delete(key);
    const cp = Array.from({ length: set.total }, (_, at) => set.parts.get(at + 1)).join(';');
    return { ...set.first, flag: (set.first.flag ?? 0) | (segment.flag ?? 0), pnum: null, pno: null, cp };
  }

  /** Nothing was read for so long: no packet could come. */
  postpone(ms: number): void {
    for (const set of this.#sets.values()) set.since += ms;
  }

  /** Takes out the messages whose packets did not come in time, or with `all` every one. */
  expired(now: number, all = false): Expired[] {
    const gone = this.#pushedOut.splice(0);
    for (const [key, set] of this.#sets) if (all || now - set.since >= this.#limits.ms) gone.push(this.#giveUp(key, set));
    return gone;
  }

  #makeRoom(mn: string | null): void {
    const ofIt = [...this.#sets].filter(([, { first }]) => first.mn === mn);
    const [oldest] = ofIt.length >= this.#limits.sets ? ofIt : this.#sets.size >= this.#limits.allSets ? this.#sets : [];
    if (oldest !== undefined) this.#pushedOut.push(this.#giveUp(...oldest));
  }

  #giveUp(key: string, set: PacketSet): Expired {
    this.#sets.delete(key);
    const cp = [...set.parts].sort(([a], [b]) => a - b).map(([, part]) => part);
    const detail = `${set.parts.size} of ${set.total} packets came; a logger that waits for an answer to each needs "split": "single" in its gateway's link`;
    return { segment: { ...set.first, cp: cp.join(';') }, detail };
  }
}
