import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import type { Decoded } from '../codecs/decoded.ts';
import { commandOf } from '../codecs/hj212/commands.ts';
import { decodeSegment, refusedWhole, unknownFlags } from '../codecs/hj212/decode.ts';
import { PacketJoiner } from '../codecs/hj212/packets.ts';
import { parseSegment, type Segment, segmentText, wantsAnswer } from '../codecs/hj212/segment.ts';
import { isSealed, unseal } from '../codecs/hj212/sm4.ts';
import { FrameSplitter, type RawFrame } from '../codecs/hj212/splitter.ts';
import { strangerIn } from '../codecs/hj212/stranger.ts';
import { asSent, writeAnswer } from '../codecs/hj212/write.ts';
import type { GatewayTraffic } from '../gateways/traffic.ts';
import type { DecodedIntake } from '../port.ts';
import type { StageTimes } from '../stage-times.ts';
import { checkFrame, type Faults, unknownNumber, wrongPassword } from './hj212-checks.ts';
import { contextOf, type Device, type Hj212Devices } from './hj212-devices.ts';
import type { Hj212Limits, Hj212Stats } from './hj212-limits.ts';
import { letterTopicOf, TRANSPORT } from './hj212-replay.ts';
import { TokenBucket } from './token-bucket.ts';
import type { UnderWay } from './under-way.ts';

export interface ConnectionParts {
  readonly devices: Hj212Devices;
  readonly intake: DecodedIntake;
  readonly limits: Hj212Limits;
  readonly stats: Hj212Stats;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What is on its way to the store, of all connections. */
  readonly underWay: UnderWay;
  readonly stages?: StageTimes | undefined;
  trafficOf(gateway: string): LoggerTraffic;
}

type LoggerTraffic = Pick<GatewayTraffic, 'connect' | 'disconnect' | 'held' | 'tolerated'>;
const BURST_SECONDS = 10;
/** Bytes of answers that its logger has not read, beyond which no more of it is taken. */
const MOST_UNREAD = 64 << 10;
/** A connection that is held back goes on after so long at the earliest, in milliseconds: not frame by frame. */
const REFILL_MS = 100;

/** One TCP connection of a logger, or of a concentrator for several. Frames are taken one after another, in their order. */
export class Hj212Connection {
  readonly #socket: Socket;
  readonly #parts: ConnectionParts;
  readonly #splitter: FrameSplitter;
  readonly #joiner = new PacketJoiner();
  /** The loggers that it has spoken for, by gateway. */
  readonly #loggers = new Map<string, { readonly mn: string; readonly traffic: LoggerTraffic }>();
  #queue: RawFrame[] = [];
  #busy = false;
  #closed = false;
  /** Its logger sends no more; what it has sent is still taken and answered. */
  #inputEnded = false;
  /** Messages of it that are not committed. */
  #uncommitted = 0;
  #isDone = false;
  /** Takes no more; what is under way is still answered. */
  #ending = false;
  #known = false;
  #strange = 0;
  /** Wrong passwords by device number: a concentrator's other loggers are not to suffer for one. */
  readonly #wrong = new Map<string, number>();
  readonly #openedAt = performance.now();
  #frameAt = performance.now();
  #beganAt = 0;
  #tickedAt = performance.now();
  /** Since when its logger reads no answers; 0 where it does. */
  #cloggedAt = 0;
  readonly #allowance: TokenBucket;
  readonly #onDone: () => void;
  #refill: NodeJS.Timeout | null = null;
  #junk = 0;

  /** @param onDone called once, when it is closed and all that it has sent was taken */
  constructor(socket: Socket, parts: ConnectionParts, onDone: () => void) {
    this.#socket = socket;
    this.#onDone = onDone;
    this.#parts = parts;
    this.#splitter = new FrameSplitter(parts.limits.maxFrameBytes);
    const { framesPerSecond } = parts.limits;
    this.#allowance = new TokenBucket(framesPerSecond, framesPerSecond * BURST_SECONDS, performance.now());
    socket.on('data', (bytes: Buffer) => this.#onData(bytes));
    socket.on('error', (error) => parts.logger.info({ err: error, address: socket.remoteAddress }, 'connection of an HJ 212 logger broke'));
    socket.on('drain', () => this.#run());
    socket.on('end', () => this.#onEnd());
    socket.on('close', () => {
      this.#closed = true;
      for (const { traffic } of this.#loggers.values()) traffic.disconnect();
      if (this.#refill !== null) clearTimeout(this.#refill);
      // What came before its end is taken as the rest: nobody may send it again.
      this.#run();
    });
    if (parts.intake.full) socket.pause();
  }

  /** Looks at the time-outs; called now and then. */
  tick(): void {
    if (this.#closed) return;
    const { limits } = this.#parts;
    const now = performance.now();
    const elapsed = now - this.#tickedAt;
    this.#tickedAt = now;
    this.#leaveFormer();
    if (this.#cloggedAt > 0 && now - this.#cloggedAt > limits.idleMs) this.#timeOut();
    // Whoever is held back by us is not late.
    if (this.#closed || this.#socket.isPaused() || this.#queue.length > 0) {
      this.#joiner.postpone(elapsed);
      return;
    }
    this.#giveUpPackets(false);
    if ((!this.#known && now - this.#openedAt > limits.signInMs) || now - Math.max(this.#frameAt, this.#openedAt) > limits.idleMs) this.#timeOut();
    else if (this.#splitter.pending && now - this.#beganAt > limits.frameMs && !this.#flush()) this.#timeOut();
  }

  #timeOut(): void {
    this.#parts.stats.timeOuts++;
    this.#socket.destroy();
  }

  /** Takes what is held as a frame, where it may be a whole one: some end neither with their length nor with a line. */
  #flush(): boolean {
    const frame = this.#splitter.flush();
    this.#beganAt = 0;
    if (frame === null) return false;
    this.#frameAt = performance.now();
    this.#queue.push(frame);
    this.#run();
    return true;
  }

  #onEnd(): void {
    this.#inputEnded = true;
    if (!this.#flush()) this.#run();
  }

  /** The pipeline takes again. */
  goOn(): void {
    this.#run();
  }

  hold(): void {
    this.#socket.pause();
  }

  end(): void {
    this.#ending = true;
    this.#queue = [];
    this.#socket.pause();
    this.#finish();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #onData(bytes: Buffer): void {
    if (this.#ending) return;
    const { limits, stats } = this.#parts;
    const wasPending = this.#splitter.pending;
    const frames = this.#splitter.push(bytes);
    if (!this.#splitter.pending) this.#beganAt = 0;
    else if (!wasPending || frames.length > 0) this.#beganAt = performance.now();
    const { junkBytes, overlong } = this.#splitter;
    stats.junkBytes += junkBytes - this.#junk;
    this.#junk = junkBytes;
    if (frames.length > 0) this.#frameAt = performance.now();
    this.#queue.push(...frames);
    const tooLong = overlong > 0 || this.#splitter.heldBytes > (this.#known ? limits.maxFrameBytes : limits.maxStrangerBytes);
    if (tooLong || (!this.#known && junkBytes > limits.maxStrangerBytes)) {
      stats.overlong++;
      this.#parts.logger.warn({ address: this.#socket.remoteAddress }, 'an HJ 212 connection sent what is no frame, or one too long; it is closed');
      this.#socket.destroy();
      return;
    }
    this.#run();
  }

  #run(): void {
    if (this.#busy) return;
    while (this.#queue.length > 0) {
      if (this.#parts.intake.full || (!this.#closed && (this.#isClogged() || !this.#mayTake()))) {
        this.#socket.pause();
        return;
      }
      const frame = this.#queue.shift() as RawFrame;
      const waiting = this.#take(frame);
      if (waiting === null) continue;
      this.#busy = true;
      this.#socket.pause();
      void waiting.finally(() => {
        this.#busy = false;
        this.#run();
      });
      return;
    }
    if (!this.#closed && !this.#ending && !this.#parts.intake.full && !this.#isClogged() && this.#socket.isPaused()) this.#socket.resume();
    this.#finish();
  }

  #isClogged(): boolean {
    const isClogged = this.#socket.writableLength > MOST_UNREAD;
    if (!isClogged) this.#cloggedAt = 0;
    else if (this.#cloggedAt === 0) this.#cloggedAt = performance.now();
    return isClogged;
  }

  /** Nothing more of it can come: the last answers leave, and what is left of split messages is given up. */
  #finish(): void {
    if (this.#isDone || this.#busy || this.#queue.length > 0) return;
    if (this.#inputEnded && !this.#closed && this.#uncommitted === 0) this.#socket.end();
    if (!this.#closed) return;
    this.#isDone = true;
    this.#giveUpPackets(true);
    this.#onDone();
  }

  #mayTake(): boolean {
    const waitMs = this.#allowance.waitMs(performance.now());
    if (waitMs === 0) {
      this.#allowance.take(1);
      return true;
    }
    if (this.#refill === null) {
      this.#parts.stats.slowed++;
      for (const { traffic } of this.#loggers.values()) traffic.held++;
      this.#refill = setTimeout(
        () => {
          this.#refill = null;
          this.#run();
        },
        Math.max(waitMs, REFILL_MS),
      );
    }
    return false;
  }

  /** A promise where the registry had to be asked. */
  #take(frame: RawFrame): Promise<void> | null {
    const { devices, stats } = this.#parts;
    stats.frames++;
    const segment = parseSegment(frame.segment.toString('latin1'));
    const device = segment.mn === null ? undefined : devices.find(segment.mn);
    if (device === undefined || device === null) {
      stats.unknownDevice++;
      const refused = unknownNumber(segment.mn, device === null);
      this.#refuse(frame, segment, null, device === null ? refused : { ...refused, ...strangerIn(segment) });
      this.#mistrust();
      return null;
    }
    if (!isSealed(segment.cp)) return this.#takeWhole(device, frame, segment);
    const key = devices.believedKey(device);
    if (key !== undefined) return this.#takeSealed(key, device, frame, segment);
    return devices.key(device).then(
      (asked) => this.#takeSealed(asked, device, frame, segment) ?? undefined,
      (error: unknown) => this.#giveUp(error, device, 'a key could not be read'),
    );
  }

  /** Encrypted: from here on its plain text is the frame. Without a key that fits it goes on as it is, and is refused once its password fits. */
  #takeSealed(key: Uint8Array | null, device: Device, frame: RawFrame, segment: Segment): Promise<void> | null {
    const plain = key === null ? null : unseal(frame.segment.toString('latin1'), key);
    if (plain === null) return this.#takeWhole(device, frame, segment);
    return this.#takeWhole(device, { ...frame, segment: Buffer.from(plain, 'latin1') }, parseSegment(plain));
  }

  #takeWhole(device: Device, frame: RawFrame, segment: Segment): Promise<void> | null {
    const { devices } = this.#parts;
    const faults = this.#faultsOf(frame, segment, device);
    if ('frames' in faults) {
      // Nobody has vouched for it yet: the letter bears no gateway's name.
      this.#refuse(frame, segment, null, faults);
      return null;
    }
    if (device.link.password === 'ignore') {
      this.#takeFrom(device, frame, segment, faults);
      return null;
    }
    const password = segment.pw ?? '';
    // Enough were tried here: a known connection goes on for its other loggers, and no right one is found on it by trying.
    const isShutOut = (this.#wrong.get(device.link.mn) ?? 0) >= this.#parts.limits.strangeFrames;
    const believed = isShutOut ? false : devices.believed(device, password);
    if (believed !== undefined) {
      this.#takeChecked(believed, device, frame, segment, faults);
      return null;
    }
    return devices.check(device, password).then(
      (fits) => this.#takeChecked(fits, device, frame, segment, faults),
      (error: unknown) => this.#giveUp(error, device, 'a password could not be checked'),
    );
  }

  /** Not answered: the logger sends it again. */
  #giveUp(error: unknown, { gateway }: Device, what: string): void {
    this.#parts.logger.error({ err: error, gateway }, what);
    this.#socket.destroy();
  }

  #takeChecked(fits: boolean, device: Device, frame: RawFrame, segment: Segment, faults: Faults): void {
    if (fits) {
      this.#takeFrom(device, frame, segment, faults);
      return;
    }
    this.#parts.stats.wrongPassword++;
    this.#refuse(frame, segment, null, wrongPassword(device));
    this.#wrong.set(device.link.mn, (this.#wrong.get(device.link.mn) ?? 0) + 1);
    this.#mistrust();
  }

  /** Of whoever has only sent what nobody can be found for, nothing more is looked at. */
  #mistrust(): void {
    if (++this.#strange < this.#parts.limits.strangeFrames || this.#known) return;
    this.#queue = [];
    this.#socket.destroy();
  }

  /** Counted whatever the gateway's link says: the refusal, or the faults that the link lets pass. */
  #faultsOf(frame: RawFrame, segment: Segment, device: Device): Decoded | Faults {
    const { stats } = this.#parts;
    const { refusal, ...faults } = checkFrame(frame, segment, device);
    stats.wrongCrc += faults.crc;
    stats.wrongLength += faults.length;
    if (refusal === null) return faults;
    stats.wrongCrcRefused += faults.crc;
    stats.wrongLengthRefused += faults.length;
    return refusal;
  }

  #takeFrom(device: Device, frame: RawFrame, packet: Segment, faults: Faults): void {
    this.#known = true;
    this.#meet(device);
    this.#tolerate(faults, device);
    const now = performance.now();
    const joined = device.link.split === 'single' ? packet : this.#joiner.add(packet, now);
    // A set that was pushed out by this one.
    this.#giveUpPackets(false);
    if (joined === null) return;
    if (typeof joined === 'string') {
      this.#refuse(frame, packet, device, refusedWhole('packets-missing', joined, device.park));
      return;
    }
    this.#parts.stages?.begin();
    const decoded = decodeSegment(joined, contextOf(device, this.#parts.devices.directory));
    this.#parts.stages?.lap('decode');
    this.#parts.stats.missingValues += decoded.missing ?? 0;
    const strange = unknownFlags(joined);
    if (strange.length > 0) this.#parts.logger.warn({ gateway: device.gateway, flags: strange }, 'data flags that HJ 212 does not know; taken as a fault');
    this.#hand(decoded, joined, device, joined === packet ? frame.segment : Buffer.from(segmentText({ ...joined, pnum: null, pno: null }), 'latin1'));
  }

  #meet({ gateway, link }: Device): void {
    if (this.#closed || this.#loggers.has(gateway)) return;
    const traffic = this.#parts.trafficOf(gateway);
    traffic.connect();
    this.#loggers.set(gateway, { mn: link.mn, traffic });
  }

  /** Gateways that are loggers no more, or of another number, are not connected by it. One of none but those is closed. */
  #leaveFormer(): void {
    if (this.#loggers.size === 0) return;
    for (const [gateway, { mn, traffic }] of this.#loggers) {
      if (this.#parts.devices.find(mn)?.gateway === gateway) continue;
      traffic.disconnect();
      this.#loggers.delete(gateway);
    }
    if (this.#loggers.size > 0) return;
    this.#parts.logger.info({ address: this.#socket.remoteAddress }, 'an HJ 212 connection has no registered logger any more; it is closed');
    this.#socket.destroy();
  }

  #tolerate({ crc, length }: Faults, { gateway }: Device): void {
    const { stats } = this.#parts;
    stats.wrongCrcTaken += crc;
    stats.wrongLengthTaken += length;
    const logger = this.#loggers.get(gateway);
    if (crc + length > 0 && logger !== undefined) logger.traffic.tolerated++;
  }

  #refuse(frame: RawFrame, segment: Segment, device: Device | null, refused: Decoded): void {
    // Of what nobody has vouched for the whole frame rests, to be checked when it is tried again.
    this.#hand(refused, { ...segment, flag: null }, device, device === null ? asSent(frame) : frame.segment);
  }

  /** To the pipeline; the answer leaves when it is committed, and never for what was not kept. */
  #hand(decoded: Decoded, segment: Segment, device: Device | null, payload: Uint8Array): void {
    const { intake, clock, underWay } = this.#parts;
    const message = { topic: letterTopicOf(segment.mn ?? ''), payload, gateway: device?.gateway ?? null, transport: TRANSPORT, receivedAt: clock() };
    underWay.begin();
    this.#uncommitted++;
    intake.acceptDecoded(message, decoded, (error, { outcome }) => {
      this.#uncommitted--;
      if (error === undefined && outcome !== 'refused' && device !== null) this.#answer(segment, device);
      underWay.end();
      if (this.#inputEnded) this.#finish();
    });
  }

  #answer(segment: Segment, device: Device): void {
    const answer = commandOf(segment.cn)?.answer ?? null;
    if (answer === null || !wantsAnswer(segment) || this.#closed || !this.#socket.writable) return;
    this.#parts.stats.answers++;
    this.#socket.write(writeAnswer(segment, answer, device.link.crcKind));
  }

  #giveUpPackets(all: boolean): void {
    for (const { segment, detail } of this.#joiner.expired(performance.now(), all)) {
      this.#parts.stats.packetsMissing++;
      const device = segment.mn === null ? undefined : this.#parts.devices.find(segment.mn);
      const refused = refusedWhole('packets-missing', detail, device?.park);
      this.#hand(refused, { ...segment, flag: null }, device ?? null, Buffer.from(segmentText(segment), 'latin1'));
    }
  }
}
