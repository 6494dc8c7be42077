import mqtt, { type MqttClient } from 'mqtt';
import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import type { EpochMs } from '../model/ids.ts';
import type { Meter } from '../model/registry.ts';
import { HOUR_MS, KNOT_MS } from './physics/calendar.ts';
import { streamOf } from './physics/noise.ts';
import type { Plant } from './plant.ts';

/** Messages of one gateway that may wait for their PUBACK. */
const IN_FLIGHT = 8;
const FRAMES_PER_MESSAGE = 200;
/** What fell due longer ago than this is sent in five-minute steps. */
const FINE_BACKLOG_MS = HOUR_MS;
const STOP_WAIT_MS = 3000;

export interface Portion {
  messages: number;
  frames: number;
  values: number;
  complete: boolean;
}

/** One simulated gateway: its connection, its meters and what is due of each. */
export class GatewayLink {
  readonly stats = { messages: 0, frames: 0, values: 0 };
  readonly #client: MqttClient;
  readonly #plant: Plant;
  readonly #meters: readonly Meter[];
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Next instant that a meter reports, by its place in the list. */
  readonly #next: number[] = [];
  #inFlight = 0;
  #stopped = false;
  /** Those who wait for a change: a slot that came free, a connection, the end. */
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | null = null;
  #live: Promise<void> = Promise.resolve();
  /** Ends the pause between two rounds, and the wait for what is in flight when stopping. */
  #paused: (() => void) | null = null;
  #atEnd: (() => void) | null = null;

  constructor(options: {
    readonly url: string;
    readonly credentials: { readonly gateway: string; readonly username: string; readonly password: string };
    readonly plant: Plant;
    readonly meters: readonly Meter[];
    readonly clock: Clock;
    readonly logger: Logger;
  }) {
    const { credentials, meters } = options;
    this.#plant = options.plant;
    this.#meters = meters;
    this.#clock = options.clock;
    this.#logger = options.logger.child({ gateway: credentials.gateway });
    const [first] = meters;
    this.#client = mqtt.connect(options.url, {
      // 3.1.1 is what every broker speaks, the embedded one included.
      protocolVersion: 4,
      clientId: `greenpark-demo-${credentials.gateway}`,
      username: credentials.username,
      password: credentials.password,
      reconnectPeriod: 1000,
      connectTimeout: 10_000,
      keepalive: 30,
      // MQTT knows one will per connection: the gateway's first meter tells that the gateway is gone.
      ...(first === undefined ? {} : { will: { topic: topicOf(first, 'status'), payload: Buffer.from('offline'), qos: 1 as const, retain: true } }),
    });
    this.#client.on('connect', () => {
      this.#logger.debug('simulated gateway connected');
      for (const meter of meters) this.#say(meter, 'online');
      this.#wake();
    });
    this.#client.on('close', () => this.#logger.debug('simulated gateway disconnected'));
    this.#client.on('error', (error) => this.#logger.warn({ err: error }, 'simulated gateway cannot connect'));
  }

  get connected(): boolean {
    return this.#client.connected;
  }

  /** Publishes all readings of [from, to) in steps, every meter in order of time; resolves when the broker has them. */
  async publishSpan(from: EpochMs, to: EpochMs, step: number): Promise<Portion> {
    const portion: Portion = { messages: 0, frames: 0, values: 0, complete: true };
    for (let at = from; at < to && !this.#stopped; at += step * FRAMES_PER_MESSAGE) {
      for (const meter of this.#meters) {
        const end = Math.min(to, at + step * FRAMES_PER_MESSAGE);
        if (!(await this.#slot())) break;
        this.#publish(meter, at, end, step, portion);
      }
    }
    await this.#until(() => this.#inFlight === 0);
    portion.complete = !this.#stopped;
    return portion;
  }

  /** From now on each meter reports when it is due, beginning with the first instant at or after `since`. */
  goLive(since: EpochMs): void {
    if (this.#stopped) return;
    for (const [at, meter] of this.#meters.entries()) {
      const interval = meter.intervalSeconds * 1000;
      // Meters of one gateway are read one after the other, not all in the same second; whole seconds, the same after a restart.
      const phase = (streamOf(meter.id) % meter.intervalSeconds) * 1000;
      this.#next[at] = Math.ceil((since - phase) / interval) * interval + phase;
    }
    this.#live = this.#run();
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#wake();
    await this.#live;
    if (this.#client.connected) {
      for (const meter of this.#meters) this.#say(meter, 'offline');
      const late = setTimeout(() => this.#giveUp(), STOP_WAIT_MS);
      await new Promise<void>((resolve) => {
        this.#atEnd = resolve;
        this.#wake();
      });
      clearTimeout(late);
    }
    // Not graceful when the broker does not answer: the library would wait for it without end.
    await this.#client.endAsync(!this.#client.connected || this.#inFlight > 0);
  }

  #giveUp(): void {
    this.#logger.warn({ inFlight: this.#inFlight }, 'simulated gateway stops although its broker has not acknowledged everything');
    this.#atEnd?.();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await this.#until(() => this.#client.connected);
      const now = this.#clock();
      let soonest = now + 1000;
      for (const [at, meter] of this.#meters.entries()) {
        const due = this.#next[at] as number;
        if (due <= now) {
          if (!(await this.#slot())) return;
          this.#next[at] = this.#publishDue(meter, due, now);
        }
        soonest = Math.min(soonest, this.#next[at] as number);
      }
      await this.#pause(Math.max(20, soonest - this.#clock()));
    }
  }

  /** Sends what is due of a meter, at most one message; answers the next instant that is due. */
  #publishDue(meter: Meter, due: EpochMs, now: EpochMs): EpochMs {
    const interval = meter.intervalSeconds * 1000;
    const coarse = Math.ceil(KNOT_MS / interval) * interval;
    const step = now - due > FINE_BACKLOG_MS ? coarse : interval;
    const limit = step === coarse ? Math.min(now, now - FINE_BACKLOG_MS + coarse) : now;
    const frames = Math.min(FRAMES_PER_MESSAGE, Math.floor((limit - due) / step) + 1);
    this.#publish(meter, due, due + frames * step, step, null);
    return due + frames * step;
  }

  #publish(meter: Meter, from: EpochMs, to: EpochMs, step: number, portion: Portion | null): void {
    const frames: { ts: EpochMs; values: ReturnType<Plant['read']> }[] = [];
    let values = 0;
    for (let ts = from; ts < to; ts += step) {
      const frame = { ts, values: this.#plant.read(meter.id, ts) };
      values += Object.keys(frame.values).length;
      frames.push(frame);
    }
    if (frames.length === 0) return;
    if (portion !== null) {
      portion.messages++;
      portion.frames += frames.length;
      portion.values += values;
    }
    this.#inFlight++;
    const payload = JSON.stringify(frames.length === 1 ? frames[0] : frames);
    this.#client.publish(topicOf(meter, 'readings'), payload, { qos: 1 }, (error) => {
      this.#inFlight--;
      if (error) {
        // Only while stopping: a message in flight over a lost connection is kept by the client and sent again.
        this.#logger.warn({ err: error, meter: meter.id }, 'simulated readings were not acknowledged');
      } else {
        this.stats.messages++;
        this.stats.frames += frames.length;
        this.stats.values += values;
      }
      this.#wake();
    });
  }

  #say(meter: Meter, status: 'online' | 'offline'): void {
    this.#inFlight++;
    this.#client.publish(topicOf(meter, 'status'), status, { qos: 1, retain: true }, (error) => {
      this.#inFlight--;
      if (error) this.#logger.debug({ err: error, meter: meter.id }, 'status was not acknowledged');
      this.#wake();
    });
  }

  /** Waits for a free slot on a standing connection; false when stopped instead. */
  async #slot(): Promise<boolean> {
    await this.#until(() => this.#client.connected && this.#inFlight < IN_FLIGHT);
    return !this.#stopped;
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!this.#stopped && !condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async #pause(ms: number): Promise<void> {
    if (this.#stopped) return;
    await new Promise<void>((resolve) => {
      this.#timer = setTimeout(resolve, ms);
      this.#paused = resolve;
    });
    this.#timer = null;
    this.#paused = null;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
    if (!this.#stopped) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#paused?.();
    if (this.#inFlight === 0) this.#atEnd?.();
  }
}

const topicOf = (meter: Meter, leaf: 'readings' | 'status'): string => `parks/${meter.park}/meters/${meter.id}/${leaf}`;
