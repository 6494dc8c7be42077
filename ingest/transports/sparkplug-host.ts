import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import { GreenparkError } from '../../model/errors.ts';
import type { EpochMs } from '../../model/ids.ts';
import { NAMESPACE, stateTopic } from '../codecs/sparkplug/topics.ts';
import type { DecodedIntake } from '../port.ts';
import { Backoff, type RetryPace } from '../retry.ts';
import { SparkplugIntake } from '../sparkplug/intake.ts';
import type { SparkplugDirectory } from '../sparkplug/links.ts';
import { SparkplugSessions, type SparkplugTimes } from '../sparkplug/sessions.ts';
import type { ConnectionState } from './mqtt-client.ts';

export interface SparkplugHostOptions {
  /** `mqtt://host:1883`, `mqtts://…`, `ws://…`, `wss://…`. */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Name under which edge nodes know this host as their primary one. */
  readonly hostId: string;
  /** Must not be that of another connection to the broker. */
  readonly clientId: string;
  /** 5 (default), or 4 for brokers that know only MQTT 3.1.1. */
  readonly protocolVersion?: 4 | 5;
  /** Passed to mqtt.js as they are. */
  readonly tls?: Pick<IClientOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized'>;
  readonly keepaliveSeconds?: number;
  /** Packets beyond it are never sent to us by an MQTT 5 broker, in bytes. */
  readonly maxPacketBytes?: number;
  readonly reconnect?: RetryPace;
  readonly times?: Partial<SparkplugTimes>;
  /** How long the pipeline may be full before the nodes are told that the host is offline, in milliseconds. Default 5000. */
  readonly pressureGraceMs?: number;
  readonly pipeline: DecodedIntake;
  readonly directory: { readonly current: SparkplugDirectory };
  /** Shared with the replay of dead letters; made here when absent. */
  readonly sessions?: SparkplugSessions;
  readonly clock: Clock;
  readonly logger: Logger;
}

const KEEPALIVE = 30;
const TICK_MS = 1000;

/**
 * Sparkplug B 3.0 host application on an external broker. Nodes send at QoS 0 and the host's session is clean, so nothing waits for it
 * in the broker: what protects readings is the host's STATE. It is online only while the pipeline takes readings; nodes that name this
 * host as their primary one keep theirs meanwhile. The will is the same STATE, offline.
 */
export class SparkplugHost {
  readonly sessions: SparkplugSessions;
  readonly #options: SparkplugHostOptions;
  readonly #topic: string;
  readonly #client: MqttClient;
  readonly #intake: SparkplugIntake;
  readonly #backoff: Backoff;
  readonly #stopListening: () => void;
  readonly #ticking: NodeJS.Timeout;
  #state: ConnectionState = 'connecting';
  #since: EpochMs;
  #lastError: string | null = null;
  /** Of this connection's STATE and its will: nodes go by the newest. */
  #timestamp = 0;
  /** Newest timestamp that the broker kept of a STATE in this host's name. */
  #newestSeen = 0;
  #isAnnounced = false;
  #held: (() => void) | null = null;
  #holding: NodeJS.Timeout | null = null;
  #full = false;
  #patience: NodeJS.Timeout | null = null;
  #stopping = false;
  #stopped: Promise<void> | null = null;
  #open = 0;
  #whenSettled: (() => void) | null = null;
  /** Connections made so far, the first included. */
  connects = 0;
  /** Times that the nodes were told to keep their data because the pipeline was full. */
  pauses = 0;
  /** Messages that came while stopping and could not be taken. */
  droppedAtStop = 0;

  constructor(options: SparkplugHostOptions) {
    this.#options = options;
    this.#topic = stateTopic(options.hostId);
    this.sessions = options.sessions ?? new SparkplugSessions(options.directory, options.times);
    this.#since = options.clock();
    this.#backoff = new Backoff(options.reconnect ?? { firstMs: 500, longestMs: 30_000 });
    this.#client = connect(options.url, { ...clientOptions(options), will: this.#nextWill(), reconnectPeriod: this.#backoff.next() });
    this.#intake = new SparkplugIntake({
      sessions: this.sessions,
      pipeline: options.pipeline,
      send: ({ topic, payload }) => this.#publish(topic, payload),
      logger: options.logger,
    });
    this.#client.handleMessage = (packet, callback) => this.#take(packet, callback);
    this.#client.on('connect', () => void this.#onConnect());
    this.#client.on('reconnect', () => {
      // mqtt.js builds the next CONNECT from its options after this event.
      this.#client.options.will = this.#nextWill();
      this.#become('connecting');
    });
    this.#client.on('close', () => this.#onClose());
    this.#client.on('error', (error) => this.#onError(error));
    this.#full = options.pipeline.full;
    this.#stopListening = options.pipeline.onPressure((full) => this.#onPressure(full));
    this.#ticking = setInterval(() => this.#intake.tick(options.clock()), Math.min(TICK_MS, options.times?.reorderMs ?? TICK_MS)).unref();
  }

  /** How the connection stands, since when, what went wrong last, and whether the nodes were told that this host takes their data. */
  get state(): { readonly state: ConnectionState; readonly since: EpochMs; readonly lastError: string | null; readonly announced: boolean } {
    return { state: this.#state, since: this.#since, lastError: this.#lastError, announced: this.#isAnnounced };
  }

  /** Resolves when the STATE is online; rejects `BROKER_UNREACHABLE` after `withinMs`. */
  async online(withinMs: number): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (!this.#isAnnounced) {
      if (Date.now() > deadline || this.#state === 'stopped') {
        throw new GreenparkError('BROKER_UNREACHABLE', `no Sparkplug host at ${this.#broker} within ${withinMs} ms: ${this.#lastError ?? 'no answer'}`, {
          retryable: true,
        });
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /**
   * Tells the nodes that the host is offline, takes what still comes while there is room, waits at most `graceMs` until what was taken is
   * committed, and disconnects. May be called twice.
   */
  stop(graceMs = 10_000): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.#stopListening();
    clearInterval(this.#ticking);
    this.#endPatience();
    this.#goOn();
    const deadline = Date.now() + graceMs;
    if (this.#client.connected) await this.#farewell(Math.min(graceMs, 2000));
    if (this.#open > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(0, deadline - Date.now()));
        this.#whenSettled = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    await this.#client.endAsync(!this.#client.connected);
    this.#become('stopped');
  }

  /** The broker's acknowledgement of the last STATE is waited for, but not for ever. */
  async #farewell(withinMs: number): Promise<void> {
    this.#isAnnounced = false;
    // A pause in between may have stood at the time of connecting; the end is never older than that.
    const timestamp = Math.max(this.#options.clock(), this.#timestamp);
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs);
    });
    await Promise.race([this.#publishState(false, timestamp).catch((error: Error) => this.#onError(error)), patience]);
    clearTimeout(timer);
  }

  #take(packet: IPublishPacket, next: () => void): void {
    if (packet.topic === this.#topic) {
      this.#onOwnState(packet);
      next();
      return;
    }
    const { pipeline, clock } = this.#options;
    if (pipeline.full) {
      if (this.#stopping) {
        this.droppedAtStop++;
        next();
      } else this.#wait(packet, next);
      return;
    }
    this.#open++;
    const { topic, payload, retain } = packet;
    this.#intake.take({ topic, payload: payload as Buffer, gateway: null, transport: 'sparkplug', receivedAt: clock(), retained: retain }, () => {
      this.#open--;
      if (this.#open === 0) this.#whenSettled?.();
    });
    next();
  }

  /**
   * The pipeline is full: the message and everything behind it stay in the socket. Meanwhile no answer to a ping is read either; the
   * client must not take that for a broken connection.
   */
  #wait(packet: IPublishPacket, next: () => void): void {
    this.#held = () => this.#take(packet, next);
    const every = ((this.#options.keepaliveSeconds ?? KEEPALIVE) * 1000) / 2;
    this.#holding ??= setInterval(() => {
      this.#client.sendPing();
      this.#client.reschedulePing(true);
    }, every);
  }

  #goOn(): void {
    const held = this.#held;
    this.#stopHolding();
    held?.();
  }

  #stopHolding(): void {
    this.#held = null;
    if (this.#holding !== null) clearInterval(this.#holding);
    this.#holding = null;
  }

  /**
   * The nodes are told with the timestamp of this connection, which is not older than any they saw: so the same connection can say online
   * again, and its will stays the newest word there is.
   */
  #onPressure(full: boolean): void {
    this.#full = full;
    if (full) {
      this.#patience ??= setTimeout(() => {
        this.#patience = null;
        this.#announce();
      }, this.#options.pressureGraceMs ?? 5000).unref();
      return;
    }
    this.#endPatience();
    this.#goOn();
    this.#announce();
  }

  #endPatience(): void {
    if (this.#patience !== null) clearTimeout(this.#patience);
    this.#patience = null;
  }

  /** Makes the STATE what it should be. */
  #announce(): void {
    const online = !this.#full;
    if (this.#stopping || this.#state !== 'online' || this.#isAnnounced === online) return;
    this.#isAnnounced = online;
    if (!online) {
      this.pauses++;
      this.#options.logger.warn({ host: this.#options.hostId }, 'too much is not committed yet: Sparkplug nodes are told to keep their data');
    }
    // Not waited for: while the socket is not read, its acknowledgement is not either.
    this.#publishState(online, this.#timestamp).catch((error: Error) => this.#onError(error));
  }

  async #onConnect(): Promise<void> {
    this.connects++;
    const { stream } = this.#client;
    try {
      // The whole namespace, which the own STATE is part of.
      const granted = await this.#client.subscribeAsync(`${NAMESPACE}/#`, { qos: 1 });
      if (granted.some((grant) => grant.qos >= 128)) {
        const who = this.#options.username ?? '(none)';
        throw new GreenparkError('BROKER_UNREACHABLE', `the broker refuses to subscribe ${NAMESPACE}/#; allow it for user ${who}`);
      }
      this.#backoff.reset();
      this.#client.options.reconnectPeriod = this.#backoff.next();
      this.#lastError = null;
      this.#become('online');
      this.#announce();
    } catch (error) {
      if (this.#stopping || !this.#client.connected) return;
      this.#onError(error instanceof Error ? error : new Error(String(error)));
      stream.destroy();
    }
  }

  /**
   * A word of an earlier connection came late (its will, or a STATE that mqtt.js sent again), so that the broker now keeps it: ours is told
   * once more. Or somebody spoke in this host's name with a later time than ours.
   */
  #onOwnState({ payload, retain }: IPublishPacket): void {
    const said = readState(payload as Buffer);
    if (said === null) return;
    if (said.timestamp > this.#timestamp && Number.isSafeInteger(said.timestamp + 1)) {
      this.#newestSeen = Math.max(this.#newestSeen, said.timestamp);
      if (this.#stopping || !retain) return;
      this.#onError(new Error(`the broker keeps a STATE of host ${this.#options.hostId} that is newer than this one's; it is told again`));
      // Nodes pass over what is older than they know: the next connection is newer, and so is its will.
      this.#client.stream.destroy();
      return;
    }
    if (this.#isAnnounced && !retain && (!said.online || said.timestamp < this.#timestamp)) {
      this.#publishState(true, this.#timestamp).catch((error: Error) => this.#onError(error));
    }
  }

  #nextWill(): NonNullable<IClientOptions['will']> {
    this.#timestamp = Math.max(this.#options.clock(), this.#timestamp + 1, this.#newestSeen + 1);
    return { topic: this.#topic, payload: stateOf(false, this.#timestamp), qos: 1, retain: true };
  }

  async #publishState(online: boolean, timestamp: number): Promise<void> {
    await this.#client.publishAsync(this.#topic, stateOf(online, timestamp), { qos: 1, retain: true });
  }

  #publish(topic: string, payload: Uint8Array): void {
    if (!this.#client.connected) return;
    this.#client.publish(topic, Buffer.from(payload), { qos: 0 }, (error) => {
      if (error != null) this.#onError(error);
    });
  }

  #onClose(): void {
    this.#stopHolding();
    this.#isAnnounced = false;
    if (this.#stopping) return;
    // mqtt.js reads the period when it sets the timer for the attempt after the one that it begins now.
    this.#client.options.reconnectPeriod = this.#backoff.next();
    this.#become('offline');
  }

  #onError(error: Error): void {
    const text = error.message === '' ? ((error as NodeJS.ErrnoException).code ?? error.name) : error.message;
    if (text !== this.#lastError) this.#options.logger.warn({ err: error, broker: this.#broker }, 'Sparkplug host');
    this.#lastError = text;
  }

  #become(state: ConnectionState): void {
    if (this.#state === state || this.#state === 'stopped') return;
    this.#state = state;
    this.#since = this.#options.clock();
    this.#options.logger.info({ broker: this.#broker, host: this.#options.hostId }, `Sparkplug host ${state}`);
  }

  /** The broker's address as it may stand in a log. */
  get #broker(): string {
    const parsed = new URL(this.#options.url);
    parsed.username = '';
    parsed.password = '';
    return parsed.toString();
  }
}

const stateOf = (online: boolean, timestamp: number): Buffer => Buffer.from(JSON.stringify({ online, timestamp }));

function readState(payload: Buffer): { readonly online: boolean; readonly timestamp: number } | null {
  if (payload.length > 1024) return null;
  try {
    const said = JSON.parse(payload.toString('utf8')) as { online?: unknown; timestamp?: unknown } | null;
    return typeof said?.online === 'boolean' && typeof said.timestamp === 'number' ? { online: said.online, timestamp: said.timestamp } : null;
  } catch {
    // Somebody else's form, as that of Sparkplug 2.2 (ONLINE, OFFLINE); it says nothing of ours.
    return null;
  }
}

function clientOptions(options: SparkplugHostOptions): IClientOptions {
  const version = options.protocolVersion ?? 5;
  return {
    ...options.tls,
    clientId: options.clientId,
    clean: true,
    protocolVersion: version,
    keepalive: options.keepaliveSeconds ?? KEEPALIVE,
    connectTimeout: 10_000,
    // Subscribed in onConnect, before the STATE is told.
    resubscribe: false,
    reconnectOnConnackError: true,
    // A command or STATE of an earlier connection must not go out on a later one.
    queueQoSZero: false,
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
    ...(version === 4 ? {} : { properties: { sessionExpiryInterval: 0, maximumPacketSize: options.maxPacketBytes ?? 16 << 20 } }),
  };
}
