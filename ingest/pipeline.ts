import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { GreenparkError } from '../model/errors.ts';
import type { EpochMs } from '../model/ids.ts';
import type { LatestReadings } from '../model/latest.ts';
import { QUALITY } from '../model/quality.ts';
import { quantityOfCode } from '../model/quantities.ts';
import type { ReadingBlock } from '../model/reading.ts';
import type { ReadingStore } from '../store/port.ts';
import type { DeadLetterRecords } from '../store/registry/port.ts';
import { decodeNative } from './codecs/native.ts';
import type { Sink } from './codecs/sink.ts';
import { DeadLetterWriter } from './dead-letters.ts';
import { DEFAULT_LIMITS, type PipelineLimits } from './limits.ts';
import { MessageState } from './message-state.ts';
import { type MeterPlan, MeterPlans } from './meter-plans.ts';
import type { Done, IngestMessage, Intake, MeterDirectory, MeterStatus } from './port.ts';
import { QualityJudge, rangeQuality } from './quality.ts';
import { type Arrival, ReadingWriter } from './reading-writer.ts';
import { DEFAULT_PACE, type RetryPace } from './retry.ts';
import { IngestStats } from './stats.ts';
import { nameOf, quote } from './wording.ts';

export interface PipelineParts {
  readonly directory: { readonly current: MeterDirectory };
  /** Seeded from the store before the first message: it decides what is fresh and what is late. */
  readonly latest: LatestReadings;
  readonly store: Pick<ReadingStore, 'write'>;
  readonly deadLetters: Pick<DeadLetterRecords, 'add'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Readings that are the newest of their series, in order of arrival, before they are stored: alerts and live view go on while the store is away. */
  judge(block: ReadingBlock): void;
  /** Late readings after they were stored, repeats among them included. */
  late?(block: ReadingBlock): void;
  onCommitted?(block: ReadingBlock, arrival: Arrival): void;
  onStatus?(status: MeterStatus): void;
  readonly limits?: Partial<PipelineLimits>;
  readonly retry?: RetryPace;
}

const YEAR_2000 = Date.UTC(2000, 0, 1);
/**
 * The way of a message: codec, look-up, validation, quality, then the store in groups; what is refused goes to the dead letters.
 * Everything up to the store happens in the call of `accept`, without I/O. `done` is called after everything in the message is
 * durable, so that a transport acknowledges what cannot be lost any more. The same message twice is stored once.
 */
export class Pipeline implements Intake {
  readonly stats = new IngestStats();
  readonly #parts: PipelineParts;
  readonly #limits: PipelineLimits;
  readonly #plans: MeterPlans;
  readonly #quality = new QualityJudge();
  readonly #writer: ReadingWriter;
  readonly #letters: DeadLetterWriter;
  readonly #abort = new AbortController();
  readonly #listeners = new Set<(full: boolean) => void>();
  readonly #message = new MessageState();
  readonly #sink: Sink;
  #full = false;
  #stopped = false;
  #whenIdle: (() => void)[] = [];

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#limits = { ...DEFAULT_LIMITS, ...parts.limits };
    this.#plans = new MeterPlans(parts.directory);
    const shared = { pace: parts.retry ?? DEFAULT_PACE, logger: parts.logger, stats: this.stats, signal: this.#abort.signal };
    this.#letters = new DeadLetterWriter({
      ...shared,
      records: parts.deadLetters,
      clock: parts.clock,
      limits: {
        capacity: this.#limits.deadLetterCapacity,
        payloadBytes: this.#limits.deadLetterPayloadBytes,
        perSenderAndMinute: this.#limits.deadLettersPerSenderAndMinute,
      },
    });
    this.#writer = new ReadingWriter({
      ...shared,
      store: parts.store,
      mostRows: this.#limits.maxBlockRows,
      lingerMs: this.#limits.lingerMs,
      judge: (block) => parts.judge(block),
      late: (block) => parts.late?.(block),
      onCommitted: (block, arrival) => parts.onCommitted?.(block, arrival),
      bury: (row, error) => this.#bury(row, error),
    });
    this.#sink = {
      frame: (ts, values, index) => this.#frame(ts, values, index),
      refuse: (reason, detail, count) => this.#message.refuse(reason, detail, count),
    };
  }

  get full(): boolean {
    return this.#full;
  }

  onPressure(listener: (full: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  accept(message: IngestMessage, done: Done): void {
    if (this.#stopped) {
      done(new GreenparkError('STORE_CLOSED', 'ingest has stopped; the message was not taken'));
      return;
    }
    const stats = this.stats;
    stats.messages++;
    stats.bytes += message.payload.length;
    stats.pendingMessages++;
    this.#message.begin(message);
    try {
      this.#take(message);
    } catch (error) {
      this.#parts.logger.error({ err: error, topic: message.topic }, 'ingest failed on a message');
      this.#message.refuse('internal-error', error instanceof Error ? error.message : String(error));
    }
    this.#settle(message, done);
  }

  /** Resolves when nothing is unacknowledged. */
  drain(): Promise<void> {
    if (this.stats.pendingMessages === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /**
   * Takes nothing more and waits for what is under way, at most `graceMs`; what the store has not taken by then goes back
   * unacknowledged to whoever sent it. May be called twice.
   */
  async stop(graceMs = 10_000): Promise<void> {
    this.#stopped = true;
    const timer = setTimeout(() => this.#abort.abort(), graceMs);
    await this.drain();
    clearTimeout(timer);
  }

  #take(message: IngestMessage): void {
    const state = this.#message;
    const length = message.payload.length;
    const route = this.#plans.route(message.topic);
    state.plan = route.plan;
    if (route.kind === 'refused') {
      state.refuse(route.reason, route.detail);
      return;
    }
    if (message.gateway !== null && message.gateway !== route.plan.gateway) {
      const right = route.plan.gateway === null ? 'no gateway is named in the meter’s record' : 'another gateway is named in the meter’s record';
      state.refuse('gateway-not-allowed', `gateway ${quote(message.gateway)} may not publish for meter ${route.plan.meter.id}: ${right}`);
      return;
    }
    if (length > this.#limits.maxPayloadBytes) {
      state.refuse('too-large', `the payload has ${length} bytes; at most ${this.#limits.maxPayloadBytes} are taken, send several messages`);
      return;
    }
    if (route.kind === 'status') {
      this.#status(message, route.plan);
      return;
    }
    decodeNative(message.payload, message.retained === true, this.#sink);
  }

  #status(message: IngestMessage, plan: MeterPlan): void {
    const text = Buffer.from(message.payload.buffer, message.payload.byteOffset, Math.min(message.payload.byteLength, 64)).toString('latin1');
    if (text !== 'online' && text !== 'offline') {
      this.#message.refuse('wrong-shape', `status is ${quote(text)}; expected online or offline`);
      return;
    }
    this.#message.kept = true;
    const { park, id } = plan.meter;
    this.#parts.onStatus?.({ park, meter: id, gateway: message.gateway ?? plan.gateway, online: text === 'online', at: message.receivedAt });
  }

  /** The hot path: once per frame, and inside once per value. */
  #frame(sent: number | null, values: Readonly<Record<string, unknown>>, index: number): void {
    const state = this.#message;
    const plan = state.plan as MeterPlan;
    const ts = sent ?? state.receivedAt;
    if (ts < YEAR_2000 || ts > state.receivedAt + this.#limits.clockSkewMs) {
      this.#refuseTime(ts, values, index);
      return;
    }
    const latest = this.#parts.latest;
    const writer = this.#writer;
    let guess = 0;
    for (const name in values) {
      let column = plan.find(name, guess);
      if (column < 0) {
        const added = plan.add(name, latest, this.#quality);
        if (typeof added !== 'number') {
          state.refuse(added.reason, at(index, added.detail));
          continue;
        }
        column = added;
      }
      guess = column + 1;
      const raw = values[name];
      if (typeof raw !== 'number') {
        state.refuse('not-a-number', at(index, `${name} is ${nameOf(raw)}; expected a JSON number`));
        continue;
      }
      const value = raw * (plan.factors[column] as number) + (plan.offsets[column] as number);
      // Only an infinite or undefined number differs from itself or has a difference to itself.
      if (value - value !== 0) {
        state.refuse('not-finite', at(index, `${name} is a number too large to be represented; expected a finite number`));
        continue;
      }
      const series = plan.series[column] as number;
      const code = plan.codes[column] as number;
      if (ts > (latest.ts[series] as number)) {
        const quality = this.#quality.judge(series, code, value);
        if (quality !== QUALITY.good) this.#countFlag(quality);
        latest.offer(series, ts, value, quality);
        writer.fresh.push(series, plan.ordinal, code, ts, value, quality);
        state.fresh++;
      } else {
        const quality = rangeQuality(code, value);
        if (quality !== QUALITY.good) this.#countFlag(quality);
        writer.late.push(series, plan.ordinal, code, ts, value, quality);
        state.late++;
      }
    }
  }

  #countFlag(quality: number): void {
    if (quality === QUALITY.range) this.stats.flaggedRange++;
    else this.stats.flaggedBackwards++;
  }

  #refuseTime(ts: EpochMs, values: Readonly<Record<string, unknown>>, index: number): void {
    const count = Object.keys(values).length;
    if (ts < YEAR_2000) {
      const hint = ts > 9e8 && ts < 1e11 ? `; it looks like seconds, in milliseconds it would be ${ts * 1000}` : '';
      this.#message.refuse('time-too-old', at(index, `"ts" ${ts} is before the year 2000; expected UTC milliseconds${hint}`), count);
      return;
    }
    const ahead = Math.round((ts - this.#message.receivedAt) / 1000);
    const allowed = Math.round(this.#limits.clockSkewMs / 1000);
    this.#message.refuse(
      'time-in-future',
      at(index, `"ts" ${ts} is ${ahead} s ahead of this service; at most ${allowed} s are allowed, set the gateway's clock`),
      count,
    );
  }

  /** Gives the message over to whoever makes it durable, and counts its one outcome when that is done. */
  #settle(message: IngestMessage, done: Done): void {
    const state = this.#message;
    const rows = state.fresh + state.late;
    const posted = state.refusals.size > 0 && this.#post(message);
    const outcome: Outcome = rows === 0 && !state.kept ? 'refused' : state.refusals.size > 0 ? 'partly' : 'accepted';
    this.stats.pendingReadings += rows;
    if (rows === 0) {
      if (posted) this.#letters.settle((error) => this.#end(outcome, 0, done, error));
      else this.#end(outcome, 0, done, undefined);
    } else {
      const lateOnly = state.fresh === 0 && outcome === 'accepted' ? rows : 0;
      this.#writer.settle((error, repeats) => {
        const repeated = lateOnly > 0 && repeats.take(lateOnly);
        const end = repeated ? 'duplicate' : outcome;
        if (error === undefined && posted) this.#letters.settle((failure) => this.#end(end, rows, done, failure));
        else this.#end(end, rows, done, error);
      });
      // The letters do not wait for a store that is away.
      if (posted) this.#letters.settle(() => {});
    }
    if (!this.#full && this.#isOver(1)) this.#setFull(true);
  }

  #end(outcome: Outcome, rows: number, done: Done, error: Error | undefined): void {
    const stats = this.stats;
    if (error === undefined) stats[outcome]++;
    else stats.failed++;
    stats.pendingMessages--;
    stats.pendingReadings -= rows;
    try {
      done(error);
    } catch (thrown) {
      stats.listenerErrors++;
      this.#parts.logger.error({ err: thrown }, 'a transport failed when a message was done');
    }
    if (this.#full && !this.#isOver(0.5)) this.#setFull(false);
    if (stats.pendingMessages === 0 && this.#whenIdle.length > 0) {
      const waiting = this.#whenIdle;
      this.#whenIdle = [];
      for (const resolve of waiting) resolve();
    }
  }

  #isOver(share: number): boolean {
    const { stats } = this;
    const limits = this.#limits;
    return (
      stats.pendingReadings >= limits.maxPendingReadings * share ||
      stats.pendingMessages >= limits.maxPendingMessages * share ||
      stats.pendingLetterBytes >= limits.maxPendingLetterBytes * share
    );
  }

  #setFull(full: boolean): void {
    this.#full = full;
    if (full) this.stats.pressures++;
    for (const listener of [...this.#listeners]) listener(full);
  }

  /** One letter per reason. Answers whether any is to be waited for. */
  #post(message: IngestMessage): boolean {
    const { plan, refusals } = this.#message;
    let posted = false;
    for (const [reason, { count, details }] of refusals) {
      this.stats.rejects[reason] += count;
      const more = count > details.length ? `; ${count} in all` : '';
      const detail = details.join('; ') + more;
      const { receivedAt, transport, topic, gateway, payload } = message;
      const about = { receivedAt, transport, topic, gateway, payload, park: plan?.meter.park ?? null, meter: plan?.meter.id ?? null };
      posted = this.#letters.post({ ...about, reason, detail }) || posted;
    }
    return posted;
  }

  /** A reading that the store will never take becomes a letter of its own: what it was, in the catalogue's unit. */
  #bury(row: ReadingBlock, error: GreenparkError): Promise<void> {
    const meter = this.#parts.directory.current.meterOf(row.meter[0] as number);
    const { name, unit } = quantityOfCode(row.quantity[0] as number);
    const reading = { meter: meter?.id ?? row.meter[0], quantity: name, unit, ts: row.ts[0], value: row.value[0] };
    this.stats.rejects['store-refused']++;
    this.#letters.post({
      receivedAt: this.#parts.clock(),
      transport: 'store',
      topic: meter === undefined ? '' : `parks/${meter.park}/meters/${meter.id}/readings`,
      gateway: meter?.gateway ?? null,
      park: meter?.park ?? null,
      meter: meter?.id ?? null,
      reason: 'store-refused',
      detail: `${name} was refused by the store: ${error.message}; the payload shows it after conversion to ${unit}`,
      payload: Buffer.from(JSON.stringify(reading)),
    });
    return new Promise((resolve, reject) => {
      this.#letters.settle((failure) => (failure === undefined ? resolve() : reject(failure)));
    });
  }
}

type Outcome = 'accepted' | 'partly' | 'refused' | 'duplicate';

const at = (index: number, detail: string): string => (index < 0 ? detail : `at [${index}]: ${detail}`);
