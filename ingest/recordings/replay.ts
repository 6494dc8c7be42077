import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type MqttClient } from 'mqtt';
import type { Clock } from '../../model/clock.ts';
import { GreenparkError } from '../../model/errors.ts';
import type { EpochMs } from '../../model/ids.ts';
import { invalid } from '../../model/schema.ts';
import { plainAddress } from '../transports/broker-address.ts';
import { RecordingCounts, type Rejection } from './counts.ts';
import type { Mapping } from './mapping.ts';
import { type RecordedFrame, readRecording } from './read.ts';

export interface ReplayOptions {
  readonly file: string;
  readonly mapping: Mapping;
  readonly park?: string;
  /** Times real speed; 0: as fast as the broker acknowledges. */
  readonly speed: number;
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** Readings keep the recording's times. Otherwise each carries the time at which it falls due; see `replayRecording`. */
  readonly asRecorded: boolean;
  /** Begin again at the end, until aborted. */
  readonly loop: boolean;
  /** Messages that may wait for their PUBACK. Default 64. */
  readonly window?: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onReject?: (rejection: Rejection) => void;
  readonly onProgress?: (published: number, acknowledged: number) => void;
}

export interface ReplaySummary {
  readonly counts: RecordingCounts;
  readonly passes: number;
  readonly published: number;
  /** Messages that the broker took: their PUBACK came. */
  readonly acknowledged: number;
  readonly aborted: boolean;
}

const CONNECT_WITHIN_MS = 10_000;
/** Longest wait without a single PUBACK while some are due, in milliseconds: the broker is away or will not take the message. */
const PATIENCE_MS = 30_000;

/**
 * Publishes a recording at QoS 1 in the native contract, one message per row and meter, in the order of the file.
 *
 * A row that lies `d` after the first one is sent `d / speed` after the start, and carries that moment as its time, so that a live
 * view moves at the replay's speed; with speed 0 the whole recording is moved so that its last row is now. `asRecorded` keeps the
 * times instead. Ends when every message is acknowledged, or after an abort when those under way are.
 *
 * Rejects BROKER_UNREACHABLE when nobody answers, FORBIDDEN when the broker refuses the sign-in or a message.
 */
export async function replayRecording(options: ReplayOptions): Promise<ReplaySummary> {
  const { mapping, signal, clock } = options;
  const park = options.park ?? mapping.park;
  if (park === null) throw invalid(`mapping ${mapping.name}`, [{ path: 'park', message: 'is missing: name it in the mapping or with --park' }]);
  const lastRow = options.speed === 0 && !options.asRecorded ? await endOf(options) : null;
  const counts = new RecordingCounts();
  const registers = new Map<string, number>();
  const sender = await Sender.open(options);
  let passes = 0;
  try {
    do {
      passes++;
      const begun = clock();
      let first: EpochMs | null = null;
      const rows = readRecording({ file: options.file, mapping, counts, registers, onReject: (rejection) => passes === 1 && options.onReject?.(rejection) });
      for await (const frames of rows) {
        for (const frame of frames) {
          first ??= frame.ts;
          const due = options.speed === 0 ? begun : begun + Math.max(0, frame.ts - first) / options.speed;
          await waitUntil(due, clock, signal);
          if (signal.aborted) break;
          const ts = options.asRecorded ? frame.ts : lastRow === null ? Math.round(due) : frame.ts - lastRow + begun;
          await sender.send(park, frame, ts);
        }
        if (signal.aborted) break;
      }
    } while (options.loop && !signal.aborted && sender.published > 0);
    await sender.settle();
  } finally {
    await sender.close();
  }
  return { counts, passes, published: sender.published, acknowledged: sender.acknowledged, aborted: signal.aborted };
}

/** The latest time in the recording. */
async function endOf({ file, mapping }: ReplayOptions): Promise<EpochMs> {
  let end = Number.NEGATIVE_INFINITY;
  const rows = readRecording({ file, mapping, counts: new RecordingCounts(), onReject: () => {} });
  for await (const frames of rows) for (const { ts } of frames) end = Math.max(end, ts);
  return end;
}

async function waitUntil(due: EpochMs, clock: Clock, signal: AbortSignal): Promise<void> {
  for (let ahead = due - clock(); ahead >= 1 && !signal.aborted; ahead = due - clock()) {
    try {
      // A timer cannot run longer than 24 days.
      await sleep(Math.min(ahead, 86_400_000), undefined, { signal });
    } catch {
      return; // Aborted: the caller looks at the signal.
    }
  }
}

/** Publishes with a bounded number of messages that wait for their PUBACK. */
class Sender {
  readonly #client: MqttClient;
  readonly #window: number;
  readonly #options: ReplayOptions;
  /** Time sent last, per meter: at a high speed two rows can fall due in one millisecond, and would be one reading. */
  readonly #last = new Map<string, EpochMs>();
  #failure: Error | null = null;
  #wake: () => void = () => {};
  published = 0;
  acknowledged = 0;

  private constructor(client: MqttClient, options: ReplayOptions) {
    this.#client = client;
    this.#options = options;
    this.#window = options.window ?? 64;
    client.on('error', (error) => this.#fail(refusal(error)));
  }

  static async open(options: ReplayOptions): Promise<Sender> {
    const client = connect(options.url, {
      // 3.1.1 is what every broker speaks, the embedded one included.
      protocolVersion: 4,
      clean: true,
      reconnectPeriod: 1000,
      connectTimeout: CONNECT_WITHIN_MS,
      keepalive: 30,
      ...(options.username === undefined ? {} : { username: options.username }),
      ...(options.password === undefined ? {} : { password: options.password }),
    });
    const stop = new AbortController();
    const timeout = sleep(CONNECT_WITHIN_MS, undefined, { signal: stop.signal });
    try {
      await new Promise<void>((resolve, reject) => {
        client.once('connect', () => resolve());
        client.once('error', (error) => reject(refusal(error)));
        options.signal.addEventListener('abort', () => resolve(), { once: true });
        timeout.then(
          () => reject(new GreenparkError('BROKER_UNREACHABLE', `the broker at ${plainAddress(options.url)} does not answer`, { retryable: true })),
          () => {},
        );
      });
    } catch (error) {
      client.end(true);
      throw error instanceof GreenparkError && error.code === 'BROKER_UNREACHABLE'
        ? new GreenparkError('BROKER_UNREACHABLE', `the broker at ${plainAddress(options.url)} cannot be reached: ${error.message}`, {
            cause: error,
            retryable: true,
          })
        : error;
    } finally {
      stop.abort();
    }
    return new Sender(client, options);
  }

  async send(park: string, { meter, values, ts: recorded }: RecordedFrame, ts: EpochMs): Promise<void> {
    await this.#until(() => this.#open < this.#window);
    const last = this.#last.get(meter) ?? Number.NEGATIVE_INFINITY;
    const stamp = this.#options.asRecorded || this.#options.speed === 0 ? ts : Math.max(ts, last + 1);
    if (!Number.isFinite(stamp)) throw new RangeError(`no time for the row of ${recorded}`);
    this.#last.set(meter, stamp);
    this.published++;
    this.#client.publish(
      `parks/${park}/meters/${meter}/readings`,
      JSON.stringify({ ts: stamp, values, ...(this.#options.asRecorded ? { backfill: true } : {}) }),
      { qos: 1 },
      (error) => {
        if (error) this.#fail(refusal(error));
        else {
          this.acknowledged++;
          this.#options.onProgress?.(this.published, this.acknowledged);
        }
        this.#wake();
      },
    );
  }

  /** Resolves when nothing waits for its PUBACK. */
  settle(): Promise<void> {
    return this.#until(() => this.#open === 0);
  }

  async close(): Promise<void> {
    await this.#client.endAsync(this.#open > 0);
  }

  get #open(): number {
    return this.published - this.acknowledged;
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#failure !== null) throw this.#failure;
      const before = this.acknowledged;
      const woken = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(false), PATIENCE_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve(true);
        };
      });
      if (!woken && this.acknowledged === before)
        throw new GreenparkError('BROKER_UNREACHABLE', `the broker has acknowledged nothing for ${PATIENCE_MS / 1000} s; ${this.#open} messages wait`, {
          retryable: true,
        });
    }
    if (this.#failure !== null) throw this.#failure;
  }

  #fail(error: GreenparkError): void {
    // A connection that is lost is made again by the client, which then sends what was not acknowledged.
    if (error.code === 'BROKER_UNREACHABLE') return;
    this.#failure ??= error;
    this.#wake();
  }
}

/** CONNACK codes of MQTT 3.1.1 that no second attempt changes: identifier, credentials, authorisation. */
const REFUSED: ReadonlySet<unknown> = new Set([2, 4, 5]);

function refusal(error: Error): GreenparkError {
  const code: unknown = 'code' in error ? error.code : undefined;
  if (REFUSED.has(code))
    return new GreenparkError('FORBIDDEN', `the broker refuses the sign-in: ${error.message}; see --username and --password`, { cause: error });
  const why = error.message !== '' ? error.message : typeof code === 'string' ? code : 'no connection';
  return new GreenparkError('BROKER_UNREACHABLE', why, { cause: error, retryable: true });
}
