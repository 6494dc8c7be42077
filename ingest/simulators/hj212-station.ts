import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { EpochMs } from '../../model/ids.ts';
import type { CrcKind } from '../codecs/hj212/crc.ts';
import { parseSegment } from '../codecs/hj212/segment.ts';
import { seal } from '../codecs/hj212/sm4.ts';
import { FrameSplitter } from '../codecs/hj212/splitter.ts';
import { writeFrame } from '../codecs/hj212/write.ts';

/** What a logger sends. */
export interface StationMessage {
  readonly cn: '2011' | '2051' | '2061' | '2031' | '9015' | '2021' | '2111' | '1072';
  readonly st: string;
  readonly at: EpochMs;
  /** Groups of the CP behind DataTime, each `a21026-Rtd=58,a21026-Flag=N`. */
  readonly groups: readonly string[];
  readonly resent?: boolean;
}

export interface StationOptions {
  readonly host: string;
  readonly port: number;
  readonly mn: string;
  readonly pw: string;
  readonly crc?: CrcKind;
  /** Encrypts with it, as HJ 212-2025 has it. */
  readonly key?: Uint8Array;
  readonly tls?: { readonly ca?: string };
  /** Characters of a CP; what is longer is split into packets. Default 950, as the standard has it. */
  readonly mostCp?: number;
  /** OverTime and ReCount of the standard. */
  readonly answerWithinMs?: number;
  readonly tries?: number;
}

const OFFSET_MS = 8 * 3_600_000;

/** `YYYYMMDDhhmmss`, or with milliseconds, of Beijing's clock. */
export function stamp(at: EpochMs, withMs = false): string {
  return new Date(at + OFFSET_MS)
    .toISOString()
    .replace(/[^0-9]/g, '')
    .slice(0, withMs ? 17 : 14);
}

/** The frames of a message: one, or as many packets as its length makes. */
export function framesOf(
  message: StationMessage,
  qn: string,
  { mn, pw, crc, key, mostCp = 950 }: Pick<StationOptions, 'mn' | 'pw' | 'crc' | 'key' | 'mostCp'>,
): Buffer[] {
  const time = `DataTime=${stamp(message.at)}`;
  const parts: string[] = [];
  let part = message.cn === '9015' ? '' : time;
  for (const group of message.groups) {
    if (part !== time && part.length + 1 + group.length > mostCp) {
      parts.push(part);
      part = time;
    }
    part += `;${group}`;
  }
  parts.push(part);
  const head = `QN=${qn};ST=${message.st};CN=${message.cn};PW=${pw};MN=${mn}`;
  const split = parts.length > 1;
  const resent = message.resent === true ? ';RF=1' : '';
  return parts.map((cp, at) => {
    const packets = split ? `;PNUM=${parts.length};PNO=${at + 1}` : '';
    const frame = writeFrame(`${head};Flag=${split ? 7 : 5}${packets}${resent};CP=&&${cp}&&`, crc);
    // Length and CRC stay those of the plain text.
    return key === undefined
      ? frame
      : Buffer.from(
          frame.toString('latin1').replace(`&&${cp}&&`, () => `&&${seal(cp, key)}&&`),
          'latin1',
        );
  });
}

/** A logger's side of a connection: sends, waits for the answer with the same QN, and sends again when none comes. */
export class Station {
  sent = 0;
  answered = 0;
  unanswered = 0;
  readonly #options: StationOptions;
  readonly #socket: Socket;
  readonly #splitter = new FrameSplitter(10_240);
  readonly #waiting = new Map<string, (answered: boolean) => void>();
  #count = 0;
  #closed = false;

  private constructor(options: StationOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      for (const { segment } of this.#splitter.push(bytes)) {
        const { qn, cn } = parseSegment(segment.toString('latin1'));
        if (qn !== null && (cn === '9014' || cn === '9013')) this.#waiting.get(qn)?.(true);
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed = true;
      for (const told of [...this.#waiting.values()]) told(false);
    });
  }

  static connect(options: StationOptions): Promise<Station> {
    const { host, port, tls } = options;
    return new Promise((resolve, reject) => {
      const welcome = () => {
        socket.removeListener('error', reject);
        resolve(new Station(options, socket));
      };
      const socket: Socket = tls === undefined ? connectPlain({ host, port }, welcome) : connectTls({ host, port, ...tls }, welcome);
      socket.once('error', reject);
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** True when it was answered; false after all tries, or when the connection ended. */
  async send(message: StationMessage): Promise<boolean> {
    // A number instead of milliseconds makes codes of one second differ.
    const qn = `${stamp(Date.now())}${String(this.#count++ % 1000).padStart(3, '0')}`;
    const frames = framesOf(message, qn, this.#options);
    for (let attempt = 0; attempt < (this.#options.tries ?? 3) && !this.#closed; attempt++) {
      const answer = this.#answerTo(qn);
      for (const frame of frames) this.#socket.write(frame);
      this.sent++;
      if (await answer) {
        this.answered++;
        return true;
      }
    }
    this.unanswered++;
    return false;
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  close(): void {
    this.#socket.destroy();
  }

  #answerTo(qn: string): Promise<boolean> {
    return new Promise((resolve) => {
      const told = (answered: boolean) => {
        clearTimeout(timer);
        this.#waiting.delete(qn);
        resolve(answered);
      };
      const timer = setTimeout(() => told(false), this.#options.answerWithinMs ?? 5000);
      this.#waiting.set(qn, told);
    });
  }
}

/** Factors of a kind of station, with a mean each. */
const FACTORS = {
  stack: { st: '31', means: { a21026: 28, a21002: 45, a34013: 6, a19001: 9, a01012: 120, a01011: 12, a00000: 18 } },
  ambient: { st: '22', means: { a34004: 35, a34002: 70, a21026: 9, a21004: 32, a21005: 0.7, a05024: 90 } },
  outfall: { st: '32', means: { w00000: 66, w01018: 42, w21003: 3, w21011: 0.3, w21001: 9, w01001: 7.2 } },
} as const;
export type StationKind = keyof typeof FACTORS;
export const STATION_KINDS = Object.keys(FACTORS) as StationKind[];

/** What a station of this kind would send at `at`: a slow wave around the means. */
export function sampleOf(kind: StationKind, at: EpochMs, resent = false): StationMessage {
  const { st, means } = FACTORS[kind];
  const groups = Object.entries(means).map(([code, mean]) => {
    const value = (mean * (1 + 0.1 * Math.sin(at / 600_000))).toFixed(3);
    const converted = kind === 'stack' && /^a(21|34)/.test(code) ? `,${code}-ZsRtd=${(Number(value) * 1.25).toFixed(3)}` : '';
    return `${code}-Rtd=${value}${converted},${code}-Flag=N`;
  });
  return { cn: '2011', st, at, groups, ...(resent ? { resent } : {}) };
}
