import { connect, type IClientOptions, type IConnackPacket, type IPublishPacket, type MqttClient } from 'mqtt';
import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import { GreenparkError } from '../../model/errors.ts';
import type { EpochMs } from '../../model/ids.ts';
import type { Intake } from '../port.ts';
import { Backoff, type RetryPace } from '../retry.ts';
import { AckQueue } from './ack-queue.ts';
import type { SubscriptionMemory } from './subscription-memory.ts';

/** Everything under `parks/`, so that a wrong topic is counted and not simply never heard of. */
export const NATIVE_TOPICS: readonly string[] = ['parks/#'];

export interface MqttClientOptions {
  /** `mqtt://host:1883`, `mqtts://…`, `ws://…`, `wss://…`. */
  readonly url: string;
  /** Stable over restarts: the broker keeps what was not acknowledged under this name. */
  readonly clientId: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** For `mqtts://`: PEM texts. Without `ca` the authorities that Node.js knows. */
  readonly tls?: Pick<IClientOptions, 'ca' | 'cert' | 'key'>;
  /** 5 (default), or 4 for brokers that know only MQTT 3.1.1. */
  readonly protocolVersion?: 4 | 5;
  /** Topic filters. Default: `NATIVE_TOPICS`. */
  readonly topics?: readonly string[];
  /** Where the filters of earlier starts are remembered, so that those no longer wanted are given back. */
  readonly memory?: SubscriptionMemory;
  /** Messages that the broker may send ahead of their acknowledgement, 1 to 65535; MQTT 5 alone. Mosquitto also needs max_inflight_messages. */
  readonly receiveMaximum?: number;
  /** How long the broker keeps the session while the service is away, in seconds. Default a week. */
  readonly sessionExpirySeconds?: number;
  /** Packets beyond it are never sent to us by an MQTT 5 broker, in bytes. Well above the payload limit, so that those are counted as too large. */
  readonly maxPacketBytes?: number;
  readonly keepaliveSeconds?: number;
  readonly reconnect?: RetryPace;
  readonly pipeline: Intake;
  readonly clock: Clock;
  readonly logger: Logger;
}

export type ConnectionState = 'connecting' | 'online' | 'offline' | 'stopped';

// mqtt.js sends each PUBACK as soon as handleMessage calls back, and takes the next message only then. To acknowledge after the
// commit without stopping the stream, its own PUBACK is kept from leaving; the queue writes it when the time has come.
interface Internals {
  _sendPacket(packet: { readonly cmd: string }, callback?: (error?: Error) => void, ...rest: readonly unknown[]): void;
}

/**
 * Subscriber on an external broker: persistent session, QoS 1, acknowledged after commit. It keeps trying to connect until
 * `stop`; `state` says how it stands.
 */
export class MqttIngest {
  readonly #options: MqttClientOptions;
  #topics: readonly string[];
  /** One change of the subscriptions after another. */
  #changing: Promise<void> = Promise.resolve();
  readonly #client: MqttClient;
  readonly #backoff: Backoff;
  readonly #stopListening: () => void;
  #acks = new AckQueue(() => {});
  #state: ConnectionState = 'connecting';
  #since: EpochMs;
  #lastError: string | null = null;
  #subscribed = false;
  #held: (() => void) | null = null;
  #holding: NodeJS.Timeout | null = null;
  #stopping = false;
  #stopped: Promise<void> | null = null;
  /** Messages taken whose `done` has not been called. */
  #open = 0;
  #whenSettled: (() => void) | null = null;
  /** Connections made so far, the first included. */
  connects = 0;

  constructor(options: MqttClientOptions) {
    this.#options = options;
    this.#topics = options.topics ?? NATIVE_TOPICS;
    this.#since = options.clock();
    this.#backoff = new Backoff(options.reconnect ?? { firstMs: 500, longestMs: 30_000 });
    this.#client = connect(options.url, { ...clientOptions(options), reconnectPeriod: this.#backoff.next() });
    this.#holdAcks();
    this.#client.handleMessage = (packet, callback) => this.#take(packet, callback);
    this.#client.on('connect', (connack) => void this.#onConnect(connack));
    this.#client.on('reconnect', () => this.#become('connecting'));
    this.#client.on('close', () => this.#onClose());
    this.#client.on('error', (error) => this.#onError(error));
    this.#stopListening = options.pipeline.onPressure((full) => {
      if (!full) this.#goOn();
    });
  }

  /** How the connection stands, since when, and what went wrong last while it is not online. */
  get state(): { readonly state: ConnectionState; readonly since: EpochMs; readonly lastError: string | null } {
    return { state: this.#state, since: this.#since, lastError: this.#lastError };
  }

  /**
   * Replaces the topic filters: new ones are subscribed, those gone given back. While the broker is away it happens at the next
   * connection. Rejects `BROKER_UNREACHABLE` when the broker refuses a filter.
   */
  setTopics(topics: readonly string[]): Promise<void> {
    this.#topics = [...topics];
    this.#subscribed = false;
    if (this.#stopping || !this.#client.connected) return Promise.resolve();
    return this.#subscribe().then(
      () => {
        this.#subscribed = true;
      },
      (error: unknown) => {
        // A connection that broke meanwhile subscribes when it is back.
        if (!this.#stopping && this.#client.connected) throw error;
      },
    );
  }

  /** Resolves when the broker has confirmed the subscription; rejects `BROKER_UNREACHABLE` after `withinMs`. */
  async online(withinMs: number): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (this.#state !== 'online') {
      if (Date.now() > deadline || this.#state === 'stopped') {
        throw new GreenparkError(
          'BROKER_UNREACHABLE',
          `no subscription at ${withoutPassword(this.#options.url)} within ${withinMs} ms: ${this.#lastError ?? 'no answer'}`,
          {
            retryable: true,
          },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /**
   * Takes nothing more, waits at most `graceMs` until what was taken is acknowledged, and disconnects. What was not acknowledged
   * stays in the broker's session. May be called twice.
   */
  stop(graceMs = 10_000): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.#stopListening();
    if (this.#open > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#whenSettled = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    // The last acknowledgements leave at the end of the turn in which their messages were committed.
    await new Promise((resolve) => setImmediate(resolve));
    this.#goOn();
    const force = !this.#client.connected;
    await this.#client.endAsync(force);
    this.#acks.close();
    this.#become('stopped');
  }

  #holdAcks(): void {
    const internals = this.#client as unknown as Internals;
    const send = internals._sendPacket;
    internals._sendPacket = (packet, callback, ...rest) => {
      if (packet.cmd === 'puback') callback?.();
      else send.call(this.#client, packet, callback, ...rest);
    };
  }

  #take(packet: IPublishPacket, next: () => void): void {
    // Passed over without an acknowledgement: the broker keeps it for the next start.
    if (this.#stopping) {
      next();
      return;
    }
    const { pipeline, clock } = this.#options;
    if (pipeline.full) {
      this.#wait(packet, next);
      return;
    }
    const acks = this.#acks;
    const place = packet.qos === 1 && packet.messageId !== undefined ? acks.hold(packet.messageId) : -1;
    this.#open++;
    pipeline.accept(
      {
        topic: packet.topic,
        payload: packet.payload as Buffer,
        gateway: null,
        transport: 'mqtt',
        receivedAt: clock(),
        retained: packet.retain,
      },
      (error) => {
        if (error === undefined && place >= 0) acks.release(place);
        this.#open--;
        if (this.#open === 0) this.#whenSettled?.();
      },
    );
    next();
  }

  /**
   * The pipeline is full: the message and everything behind it stay in the socket, so that the broker stops sending. Meanwhile no
   * answer to a ping is read either; the client must not take that for a broken connection.
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

  async #onConnect(connack: IConnackPacket): Promise<void> {
    this.connects++;
    const { stream } = this.#client;
    this.#acks = new AckQueue((bytes) => {
      if (!stream.destroyed) stream.write(bytes);
    });
    try {
      if (!connack.sessionPresent || !this.#subscribed) await this.#subscribe();
      this.#subscribed = true;
      this.#backoff.reset();
      this.#client.options.reconnectPeriod = this.#backoff.next();
      this.#lastError = null;
      this.#become('online');
    } catch (error) {
      if (this.#stopping || !this.#client.connected) return;
      this.#onError(error instanceof Error ? error : new Error(String(error)));
      stream.destroy();
    }
  }

  #subscribe(): Promise<void> {
    this.#changing = this.#changing.catch(() => {}).then(() => this.#change(this.#topics));
    return this.#changing;
  }

  async #change(topics: readonly string[]): Promise<void> {
    const former = (await this.#options.memory?.read()) ?? [];
    const gone = former.filter((topic) => !topics.includes(topic));
    if (gone.length > 0) await this.#client.unsubscribeAsync(gone);
    // rh 1: retained messages only for a subscription that is new to the session.
    const granted = await this.#client.subscribeAsync([...topics], this.#options.protocolVersion === 4 ? { qos: 1 } : { qos: 1, rh: 1 });
    const refused = granted.filter((grant) => grant.qos >= 128).map((grant) => grant.topic);
    if (refused.length > 0) {
      throw new GreenparkError(
        'BROKER_UNREACHABLE',
        `the broker refuses to subscribe ${refused.join(', ')}; allow it for user ${this.#options.username ?? '(none)'}`,
      );
    }
    await this.#options.memory?.write(topics);
  }

  #onClose(): void {
    this.#acks.close();
    this.#stopHolding();
    if (this.#stopping) return;
    // mqtt.js reads the period when it sets the timer for the attempt after the one that it begins now.
    this.#client.options.reconnectPeriod = this.#backoff.next();
    this.#become('offline');
  }

  #onError(error: Error): void {
    const text = error.message === '' ? ((error as NodeJS.ErrnoException).code ?? error.name) : error.message;
    if (text !== this.#lastError) this.#options.logger.warn({ err: error, broker: withoutPassword(this.#options.url) }, 'broker connection');
    this.#lastError = text;
  }

  #become(state: ConnectionState): void {
    if (this.#state === state || this.#state === 'stopped') return;
    this.#state = state;
    this.#since = this.#options.clock();
    this.#options.logger.info({ broker: withoutPassword(this.#options.url), error: this.#lastError ?? undefined }, `broker ${state}`);
  }
}

const KEEPALIVE = 30;

function clientOptions(options: MqttClientOptions): IClientOptions {
  const version = options.protocolVersion ?? 5;
  const common: IClientOptions = {
    clientId: options.clientId,
    clean: false,
    protocolVersion: version,
    keepalive: options.keepaliveSeconds ?? KEEPALIVE,
    connectTimeout: 10_000,
    // Subscriptions are made in onConnect, where it is known whether the broker still has the session.
    resubscribe: false,
    reconnectOnConnackError: true,
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
    ...options.tls,
  };
  if (version === 4) return common;
  const properties = {
    sessionExpiryInterval: options.sessionExpirySeconds ?? 7 * 86_400,
    receiveMaximum: options.receiveMaximum ?? 20_000,
    maximumPacketSize: options.maxPacketBytes ?? 16 << 20,
  };
  return { ...common, properties };
}

/** The broker's address as it may stand in a log. */
function withoutPassword(url: string): string {
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  return parsed.toString();
}
