import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { GreenparkError } from '../model/errors.ts';
import type { EpochMs, ParkId } from '../model/ids.ts';
import type { LatestReadings } from '../model/latest.ts';
import type { ReadingBlock } from '../model/reading.ts';
import type { RegisterMove } from '../model/register-change.ts';
import type { CounterPoint, ReadingStore } from '../store/port.ts';
import type { DeadLetterRecords } from '../store/registry/port.ts';
import { Admission } from './admission.ts';
import { CanonicalScan } from './codecs/canonical.ts';
import type { Decoded, DecodedFrame, LeftOut, TopicCodec } from './codecs/decoded.ts';
import { decodeNative } from './codecs/native.ts';
import type { Sink } from './codecs/sink.ts';
import { DeadLetterWriter } from './dead-letters.ts';
import { DecodeQueue } from './decode-queue.ts';
import type { GatewayBook } from './gateways/book.ts';
import { LateQuality } from './late-quality.ts';
import { DEFAULT_LIMITS, type PipelineLimits } from './limits.ts';
import type { LeftOutSighting } from './mappings/left-out.ts';
import { MessageState } from './message-state.ts';
import { type MeterPlan, MeterPlans } from './meter-plans.ts';
import { OldestWaiting } from './oldest-waiting.ts';
import type {
  DecodedIntake,
  Done,
  DoneTelling,
  IngestMessage,
  Intake,
  MessageOutcome,
  MeterDirectory,
  MeterStatus,
  Outcome,
  UnknownMeterSighting,
} from './port.ts';
import { Pressure } from './pressure.ts';
import { type OnRegisterMove, QualityJudge } from './quality.ts';
import { type Arrival, ReadingWriter } from './reading-writer.ts';
import { RefusedLetters } from './refused-letters.ts';
import { type FoundMove, RegisterNotes } from './register-notes.ts';
import type { RejectReason } from './reject-reasons.ts';
import { DEFAULT_PACE, type RetryPace } from './retry.ts';
import type { Spool } from './spool/spool.ts';
import { SpooledStore } from './spool/spooled-store.ts';
import { StageTimes } from './stage-times.ts';
import { IngestStats } from './stats.ts';
import { StoredNeighbours } from './stored-neighbours.ts';
import { SureWrite } from './sure-write.ts';
import { quote } from './wording.ts';

export interface PipelineParts {
  readonly directory: { readonly current: MeterDirectory };
  /** Seeded from the store before the first message: it decides what is fresh and what is late. */
  readonly latest: LatestReadings;
  /**
   * Meters with this number and higher ones were registered after that, in a store that may have had readings under their names before: it
   * looks before it takes what was measured until they are first heard of. Left out, there are none.
   */
  readonly unknownFrom?: number;
  readonly store: Pick<ReadingStore, 'write' | 'neighbours'>;
  readonly deadLetters: Pick<DeadLetterRecords, 'add'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * Readings that are the newest of their series, in order of arrival, before they are stored: alerts and live view go on while the store is
   * away. What is history says nothing of now.
   */
  judge(block: ReadingBlock, isHistory: boolean): void;
  /** By series: the last good register before a newest stored reading that is flagged. */
  readonly lastGood?: ReadonlyMap<number, CounterPoint>;
  /** Makes it durable that registers did not go on from where they stood; their readings are stored after that. */
  noteMoves?(moves: readonly FoundMove[]): Promise<unknown>;
  /** The same, at once and before the reading is judged, where it is the newest of its series. */
  onFreshMove?(move: FoundMove): void;
  /** When, after `from` and up to `to`, people have said that a register does not go on from where it stood; in order of time. */
  declaredChanges?(meter: number, quantity: number, from: EpochMs, to: EpochMs): readonly EpochMs[];
  /** Late readings after they were stored, repeats among them included. */
  late?(block: ReadingBlock): void;
  onCommitted?(block: ReadingBlock, arrival: Arrival): void;
  /** Takes readings while the store is away; left out, the senders wait for the store. Closed by whoever opened it, after `stop`. */
  readonly spool?: Spool | undefined;
  /** Readings that waited in the spool are in the store now. */
  onDrained?(block: ReadingBlock): void;
  onStatus?(status: MeterStatus): void;
  /** A meter reported that is not registered; its message is in the dead letters. */
  onUnknownMeter?(sighting: UnknownMeterSighting): void;
  /** A mapping left something out of a message that has just come. */
  onLeftOut?(sighting: LeftOutSighting): void;
  /** Told of every message, once. */
  readonly gateways?: Pick<GatewayBook, 'count'>;
  /** Shared with whoever decodes before the pipeline; its own when absent. */
  readonly stages?: StageTimes;
  /** Asked in turn for topics outside the native contract; the first that knows the topic decodes. */
  readonly codecs?: readonly TopicCodec[];
  readonly limits?: Partial<PipelineLimits>;
  readonly retry?: RetryPace;
}

/**
 * The way of a message: codec, look-up, validation, quality, then the store in groups; what is refused goes to the dead letters.
 * Everything up to the store happens in the call of `accept`, without I/O. `done` is called after everything in the message is
 * durable, so that a transport acknowledges what cannot be lost any more. The same message twice is stored once.
 */
export class Pipeline implements Intake, DecodedIntake {
  readonly stats = new IngestStats();
  readonly stages: StageTimes;
  readonly limits: PipelineLimits;
  readonly #parts: PipelineParts;
  readonly #plans: MeterPlans;
  readonly #admission: Admission;
  readonly #scan = new CanonicalScan();
  readonly #decoding = new DecodeQueue();
  readonly #waiting = new OldestWaiting();
  readonly #spooled: SpooledStore | null;
  /** The ways into the store: of what comes, and of what waited in the spool. */
  readonly #write: SureWrite;
  readonly #drain: SureWrite;
  readonly #writer: ReadingWriter;
  readonly #quality: QualityJudge;
  readonly #lateQuality: LateQuality;
  readonly #letters: RefusedLetters;
  readonly #abort = new AbortController();
  readonly #graceOver = new AbortController();
  readonly #pressure: Pressure;
  readonly #message = new MessageState();
  readonly #sink: Sink;
  /** Of the native message that is being taken. */
  #plan: MeterPlan | null = null;
  #stopped = false;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.stages = parts.stages ?? new StageTimes();
    this.limits = { ...DEFAULT_LIMITS, ...parts.limits };
    this.#pressure = new Pressure(this.stats, this.limits);
    const shared = { pace: parts.retry ?? DEFAULT_PACE, logger: parts.logger, stats: this.stats, signal: this.#abort.signal };
    const notes = new RegisterNotes(async (moves) => parts.noteMoves?.(moves), shared);
    const found = (series: number, at: number, move: RegisterMove): FoundMove => {
      const found = { series, meter: parts.latest.meter[series] as number, quantity: parts.latest.quantity[series] as number, at, move };
      notes.push(found);
      return found;
    };
    const onFreshMove: OnRegisterMove = (...move) => {
      const fresh = found(...move);
      parts.onFreshMove?.(fresh);
    };
    const quality = new QualityJudge(onFreshMove, parts.lastGood);
    this.#quality = quality;
    const around = new StoredNeighbours({
      ...{ store: parts.store, spool: parts.spool, stages: this.stages, logger: parts.logger },
      ...{ patienceMs: this.limits.storePatienceMs, graceOver: this.#graceOver.signal },
    });
    this.#lateQuality = new LateQuality({
      latest: parts.latest,
      onMove: found,
      neighbours: (query) => around.ask(query),
      declared: (meter, quantity, from, to) => parts.declaredChanges?.(meter, quantity, from, to) ?? [],
      onFlag: (quality) => this.stats.flag(quality),
    });
    this.#plans = new MeterPlans(parts.directory, { latest: parts.latest, quality });
    const letters = new DeadLetterWriter({
      ...shared,
      records: parts.deadLetters,
      clock: parts.clock,
      limits: this.limits,
    });
    this.#letters = new RefusedLetters({ letters, directory: parts.directory, stats: this.stats, clock: parts.clock });
    const stages = this.stages;
    const sure = { ...shared, graceOver: this.#graceOver.signal, bury: (row: ReadingBlock, error: GreenparkError) => this.#letters.bury(row, error) };
    const store = stages.writesOf(parts.store, 'store');
    const drained = stages.writesOf(parts.store, 'drain');
    this.#drain = new SureWrite({ ...sure, store: drained });
    this.#spooled =
      parts.spool === undefined
        ? null
        : new SpooledStore({
            ...{ store, stages },
            spool: parts.spool,
            drain: this.#drain,
            windowRows: this.limits.maxBlockRows,
            patienceMs: this.limits.storePatienceMs,
            drainAgainMs: shared.pace.longestMs,
            logger: parts.logger,
            stats: this.stats,
            onDrained: (block) => parts.onDrained?.(block),
          });
    const write = new SureWrite({ ...sure, store: this.#spooled ?? store });
    this.#write = write;
    this.#writer = new ReadingWriter({
      stats: this.stats,
      logger: parts.logger,
      write: (block, arrival) => {
        const noting = notes.flush();
        // A group behind it may go first, and a reading that was sent again be stored from there.
        return noting === null ? write.write(block, arrival) : noting.then(() => write.write(block, 'late'));
      },
      mostRows: this.limits.maxBlockRows,
      writesAtOnce: this.limits.writesAtOnce,
      lingerMs: this.limits.lingerMs,
      judge: (block, isHistory) => stages.measure('judge', block.length, () => parts.judge(block, isHistory)),
      judgeLate: (block) => this.#lateQuality.judge(block),
      late: (block) => parts.late?.(block),
      onCommitted: (block, arrival) => parts.onCommitted?.(block, arrival),
    });
    const state = this.#message;
    const { clockToleranceMs, clockSkewMs, farPastMs } = this.limits;
    this.#admission = new Admission({
      ...{ latest: parts.latest, quality, lateQuality: this.#lateQuality, writer: this.#writer, clock: parts.clock, stats: this.stats, state },
      ...{ clockToleranceMs, clockSkewMs, farPastMs, unknownFrom: parts.unknownFrom ?? Number.POSITIVE_INFINITY },
    });
    this.#sink = {
      frame: (ts, values, index, backfill) => {
        state.index = index;
        stages.lap('decode', index <= 0);
        this.#admission.take(this.#plan as MeterPlan, ts, values, backfill);
        stages.lap('validate', index <= 0);
      },
      refuse: (reason, detail, count) => state.refuse(reason, detail, count),
    };
  }

  get full(): boolean {
    return this.#pressure.full;
  }

  /** Messages that wait for a codec, or for one before them that does. */
  get decoding(): number {
    return this.#decoding.length;
  }

  /** For how long the oldest message has waited for its acknowledgement, in seconds; 0 when none waits. */
  get oldestWaitSeconds(): number {
    const { since } = this.#waiting;
    return since === null ? 0 : Math.max(0, (this.#parts.clock() - since) / 1000);
  }

  /** Do writes to the store fail, so that they are tried again? The spool may take readings meanwhile. */
  get storeFails(): boolean {
    return this.#write.fails || this.#drain.fails;
  }

  /** Do the senders wait: for room, or because what came last can be made durable nowhere, neither in the store nor in a spool? */
  get holds(): 'full' | 'nowhere' | null {
    return this.full ? 'full' : this.#write.fails ? 'nowhere' : null;
  }

  onPressure(listener: (full: boolean) => void): () => void {
    return this.#pressure.onChange(listener);
  }

  /** A message of an MQTT topic: in the native form, or in one that a codec knows. */
  accept(message: IngestMessage, done: Done): void {
    if (!this.#enter(message, done)) return;
    if (message.topic.startsWith(NATIVE)) {
      this.#message.begin(message);
      this.stages.begin();
      this.#guarded(message, () => this.#takeNative(message));
      this.#settle(message, done);
      return;
    }
    for (const codec of this.#parts.codecs ?? []) {
      const answer = this.#asked(codec, message);
      if (answer === null) continue;
      this.#decoding.run(codec, answer, this.#whenDecoded(message, answer instanceof Promise || this.#decoding.length > 0, done));
      this.#pressure.taken();
      return;
    }
    this.#takeAnswer(message, WRONG_TOPIC(message.topic), done);
  }

  /** A message that its transport has decoded. */
  acceptDecoded(message: IngestMessage, decoded: Decoded, done: DoneTelling): void {
    let told: Omit<MessageOutcome, 'outcome'> = { refusals: [] };
    const tell = (error: Error | undefined, outcome: Outcome) => done(error, { outcome, ...told });
    if (!this.#enter(message, tell)) return;
    this.#message.begin(message);
    this.stages.begin();
    this.#guarded(message, () => this.#takeDecoded(message, decoded));
    told = { refusals: this.#message.told(), ...(this.#message.isLeftOut ? { isLeftOut: true } : {}) };
    this.#settle(message, tell);
  }

  /** From `at` on another instrument reports this series: its first reading need not follow from what was before. */
  expectExchange(series: number, at: EpochMs): void {
    this.#quality.expectExchange(series, at);
  }

  /** The newest reading of the series was corrected to a value that counts. */
  corrected(series: number, value: number): void {
    this.#quality.corrected(series, value);
  }

  /** What is stored of the series, or known of its register, is not what it was: its late readings are held against what is now. */
  reconsider(series: number): void {
    this.#lateQuality.forget(series);
  }

  /** Resolves when nothing is unacknowledged. */
  drain(): Promise<void> {
    return this.#pressure.none();
  }

  /** Resolves when all that was accepted is in the store itself; rejects STORE_UNREACHABLE where what waits in the spool cannot be brought there. */
  async stored(): Promise<void> {
    await this.drain();
    await this.#spooled?.drained();
  }

  /**
   * Takes nothing more and waits for what is under way, at most `graceMs`; what the store has not taken by then goes back
   * unacknowledged to whoever sent it, and what the spool holds waits for the next start. May be called twice.
   */
  async stop(graceMs = 10_000): Promise<void> {
    this.#stopped = true;
    const timer = setTimeout(() => {
      this.#abort.abort();
      this.#graceOver.abort();
    }, graceMs);
    await this.drain();
    clearTimeout(timer);
    this.#abort.abort();
    await this.#spooled?.stop(graceMs);
  }

  /** Counts the message in; false when ingest has stopped, which `done` is told. */
  #enter(message: IngestMessage, done: End): boolean {
    if (this.#stopped) {
      done(new GreenparkError('STORE_CLOSED', 'ingest has stopped; the message was not taken'), 'refused');
      return false;
    }
    const { stats } = this;
    stats.messages++;
    stats.bytes += message.payload.length;
    stats.pendingMessages++;
    const since = waitsSince(message);
    if (since !== null) this.#waiting.enter(since);
    return true;
  }

  #guarded(message: IngestMessage, take: () => void): void {
    try {
      take();
    } catch (error) {
      this.#parts.logger.error({ err: error, topic: message.topic }, 'ingest failed on a message');
      this.#message.refuse('internal-error', error instanceof Error ? error.message : String(error));
    }
  }

  #asked(codec: TopicCodec, message: IngestMessage): Decoded | Promise<Decoded> | null {
    try {
      this.stages.begin();
      const answer = message.payload.length > this.limits.maxPayloadBytes ? refused('too-large', this.#tooLarge(message)) : codec.decode(message);
      // One that answers later measures itself.
      if (answer !== null && !(answer instanceof Promise)) this.stages.lap('decode');
      return answer;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** @param mayWait also an answer that is there already: the bytes do not stay, and are counted */
  #whenDecoded(message: IngestMessage, mayWait: boolean, done: End): (decoded: Decoded | Error) => void {
    if (!mayWait) return (decoded) => this.#takeAnswer(message, decoded, done);
    const kept = { ...message, payload: Uint8Array.from(message.payload) };
    this.stats.pendingDecodeBytes += kept.payload.length;
    return (decoded) => {
      this.stats.pendingDecodeBytes -= kept.payload.length;
      this.#takeAnswer(kept, decoded, done);
    };
  }

  #takeAnswer(message: IngestMessage, decoded: Decoded | Error, done: End): void {
    this.#message.begin(message);
    this.stages.begin();
    this.#guarded(message, () => {
      if (decoded instanceof Error) throw decoded;
      this.#takeDecoded(message, decoded);
    });
    this.#settle(message, done);
  }

  #takeNative(message: IngestMessage): void {
    const state = this.#message;
    const route = this.#plans.route(message.topic);
    if (route.kind === 'unknown-meter') {
      const { park, meter } = route;
      this.#unknownMeter(message, park, meter, `meter ${meter} is not registered; register it in park ${park} or correct the topic`, []);
      return;
    }
    if (route.plan !== null) state.about(route.plan);
    if (route.kind === 'refused') {
      state.refuse(route.reason, route.detail);
      return;
    }
    if (!this.#mayPublish(message, route.plan)) return;
    if (message.payload.length > this.limits.maxPayloadBytes) {
      state.refuse('too-large', this.#tooLarge(message));
      return;
    }
    if (route.kind === 'status') {
      this.#takeStatus(message, route.plan);
      return;
    }
    if (this.#scan.scan(message.payload, route.plan)) {
      this.stages.lap('decode');
      this.#admission.takeScanned(route.plan, this.#scan);
      this.stages.lap('validate');
      return;
    }
    this.#plan = route.plan;
    decodeNative(message.payload, message.retained === true, this.#sink);
  }

  #takeStatus(message: IngestMessage, plan: MeterPlan): void {
    const text = Buffer.from(message.payload.buffer, message.payload.byteOffset, Math.min(message.payload.byteLength, 64)).toString('latin1');
    if (text === 'online' || text === 'offline') this.#tellStatus(message, plan, text === 'online');
    else this.#message.refuse('wrong-shape', `status is ${quote(text)}; expected online or offline`);
  }

  #takeDecoded(message: IngestMessage, decoded: Decoded): void {
    const state = this.#message;
    state.takenFor = ownerOf(decoded);
    for (const { reason, detail, count } of decoded.refusals) state.refuse(reason, detail, count);
    for (const frame of decoded.frames) {
      state.where = frame.where;
      const plan = this.#planFor(message, decoded, frame.meter, frame);
      if (plan === null) continue;
      state.about(plan);
      const count = Object.keys(frame.values).length;
      if (!this.#mayPublish(message, plan, count)) continue;
      if (frame.ts === null && message.retained === true) {
        state.refuse(
          'retained-without-time',
          state.at('a retained message without a time of its own; send the time with it or publish it without retain'),
          count,
        );
        continue;
      }
      this.#admission.take(plan, frame.ts, frame.values, frame.backfill === true, frame.flags);
    }
    state.where = '';
    for (const { meter, online } of decoded.statuses) {
      const plan = this.#planFor(message, decoded, meter, null);
      if (plan !== null && this.#mayPublish(message, plan)) this.#tellStatus(message, plan, online);
    }
    for (const { name, mapping, quantities } of decoded.devices ?? [])
      this.#sighted(message, ownerOf(decoded), { kind: 'device', meter: name, mapping, quantities });
    for (const { mn, kind, quantities } of decoded.loggers ?? []) this.#sighted(message, null, { kind: 'logger', meter: mn, meterKind: kind, quantities });
    if (decoded.understood === true) state.kept = true;
    if (decoded.leftOut !== undefined) this.#leaveOut(message, decoded, decoded.leftOut);
    this.stages.lap('validate');
  }

  #leaveOut(message: IngestMessage, decoded: Decoded, leftOut: LeftOut): void {
    let park = ownerOf(decoded);
    for (const { meter } of leftOut.notes) {
      const plan = meter === null ? undefined : this.#plans.of(meter);
      if (plan === undefined) continue;
      if (leftOut.isWhole) this.#message.about(plan);
      // Another park's meter, of which this one's people are to know nothing.
      if (plan.meter.park !== park) park = null;
    }
    this.#message.isLeftOut = leftOut.isWhole;
    if (message.replayed !== true) this.#parts.onLeftOut?.({ park, topic: message.topic, at: message.receivedAt, leftOut });
  }

  /** The plan of a meter that a codec found in a message, or null when it was refused. */
  #planFor(message: IngestMessage, decoded: Decoded, meter: string, frame: DecodedFrame | null): MeterPlan | null {
    const { park } = decoded;
    const plan = this.#plans.of(meter);
    const values = frame === null ? [] : Object.keys(frame.values);
    if (plan === undefined) {
      this.#unknownMeter(message, ownerOf(decoded), meter, `meter ${quote(meter)} is not registered; register it or correct its id`, values);
      return null;
    }
    if (park !== undefined && plan.meter.park !== park) {
      const detail = this.#message.at(`meter ${meter} does not belong to park ${park}, for which this message is taken`);
      this.#message.refuse('wrong-park', detail, Math.max(1, values.length));
      return null;
    }
    return plan;
  }

  #mayPublish(message: IngestMessage, plan: MeterPlan, values = 1): boolean {
    if (message.gateway === null || message.gateway === plan.gateway) return true;
    const right = plan.gateway === null ? 'no gateway is named in the meter’s record' : 'another gateway is named in the meter’s record';
    const detail = `gateway ${quote(message.gateway)} may not publish for meter ${plan.meter.id}: ${right}`;
    this.#message.refuse('gateway-not-allowed', this.#message.at(detail), Math.max(1, values));
    return false;
  }

  #unknownMeter(message: IngestMessage, park: string | null, meter: string, detail: string, quantities: readonly string[]): void {
    this.#message.refuse('unknown-meter', this.#message.at(detail), Math.max(1, quantities.length));
    this.#sighted(message, park, { meter, quantities });
  }

  #sighted(message: IngestMessage, park: string | null, what: Pick<UnknownMeterSighting, 'kind' | 'meter' | 'mapping' | 'meterKind' | 'quantities'>): void {
    const { topic, transport, gateway, receivedAt: at, payload } = message;
    if (message.replayed === true) return;
    const { unknown } = this.#message;
    this.#parts.onUnknownMeter?.({ ...what, park, topic, transport, gateway, at, again: unknown.has(what.meter), payload });
    unknown.add(what.meter);
  }

  #tellStatus(message: IngestMessage, plan: MeterPlan, online: boolean): void {
    this.#message.kept = true;
    // One that is there is enough.
    this.#message.online = online || this.#message.online === true;
    // A dead letter that is tried again says nothing of now.
    if (message.replayed === true) return;
    const { park, id } = plan.meter;
    this.#parts.onStatus?.({ park, meter: id, gateway: message.gateway ?? plan.gateway, online, at: message.receivedAt });
  }

  #tooLarge({ payload }: IngestMessage): string {
    return `the payload has ${payload.length} bytes; at most ${this.limits.maxPayloadBytes} are taken, send several messages`;
  }

  /** Gives the message over to whoever makes it durable, and counts its one outcome when that is done. */
  #settle(message: IngestMessage, done: End): void {
    const state = this.#message;
    const rows = state.fresh + state.late;
    // Nothing below holds on to the message itself: many wait at once, and its bytes are a view on a receive buffer.
    const since = waitsSince(message);
    this.#parts.gateways?.count(message, state);
    const letters = state.refusals.size > 0 ? this.#letters.post(message, state) : 0;
    const posted = letters > 0;
    // What was only counted rests nowhere: its sender is not to hear that it was understood.
    const isKept = state.kept && (letters === state.refusals.size || message.replayed === true);
    const whole: Ended = state.isLeftOut ? 'leftOut' : 'accepted';
    const outcome: Ended = rows === 0 && !isKept ? 'refused' : state.refusals.size > 0 ? 'partly' : whole;
    this.stats.pendingReadings += rows;
    if (rows === 0) {
      if (posted) this.#letters.settle((error) => this.#end(since, outcome, 0, done, error));
      else this.#end(since, outcome, 0, done, undefined);
    } else {
      const lateOnly = state.fresh === 0 && outcome === 'accepted' ? rows : 0;
      this.#writer.settle((error, repeats) => {
        const repeated = lateOnly > 0 && repeats.take(lateOnly);
        const end = repeated ? 'duplicate' : outcome;
        if (error === undefined && posted) this.#letters.settle((failure) => this.#end(since, end, rows, done, failure));
        else this.#end(since, end, rows, done, error);
      });
      // The letters do not wait for a store that is away.
      if (posted) this.#letters.settle(() => {});
    }
    this.#pressure.taken();
  }

  #end(since: EpochMs | null, ended: Ended, rows: number, done: End, error: Error | undefined): void {
    const stats = this.stats;
    if (error === undefined) stats[ended]++;
    else stats.failed++;
    stats.pendingMessages--;
    if (since !== null) this.#waiting.leave(since);
    stats.pendingReadings -= rows;
    try {
      done(error, ended === 'leftOut' ? 'accepted' : ended);
    } catch (thrown) {
      stats.listenerErrors++;
      this.#parts.logger.error({ err: thrown }, 'a transport failed when a message was done');
    }
    this.#pressure.relieved();
  }
}

/** As it is counted: whoever sent a message that was left out has nothing to send again, and hears that it was accepted. */
type Ended = Outcome | 'leftOut';

/** Told at the end of a message; whoever does not care for the outcome takes the error alone. */
type End = (error: Error | undefined, outcome: Outcome) => void;

const NATIVE = 'parks/';

/** The park whose people may read a message of which nothing else says whose it is. */
const ownerOf = ({ park, shared }: Decoded): ParkId | null => (shared === true ? null : (park ?? null));

/** A dead letter that is tried again has no sender who waits. */
const waitsSince = ({ replayed, receivedAt }: IngestMessage): EpochMs | null => (replayed === true ? null : receivedAt);

const refused = (reason: RejectReason, detail: string): Decoded => ({ frames: [], statuses: [], refusals: [{ reason, detail, count: 1 }] });
const WRONG_TOPIC = (topic: string): Decoded =>
  refused('wrong-topic', `topic ${quote(topic)} is neither parks/{park}/meters/{meter}/readings or …/status nor one that a mapping takes`);
