import type { IClientOptions, IConnackPacket } from 'mqtt';
import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import type { Intake } from '../port.ts';
import type { RetryPace } from '../retry.ts';
import { AckQueue } from './ack-queue.ts';
import { BrokerConnection, type ConnectionTold } from './broker-connection.ts';
import { NO_PACKET_ID } from './publish-reader.ts';
import type { SubscriptionMemory } from './subscription-memory.ts';
import { UnderWay } from './under-way.ts';

/** Everything under `parks/`, so that a wrong topic is counted and not simply never heard of. */
export const NATIVE_TOPICS: readonly string[] = ['parks/#'];

/** The same for a process that takes some parks alone. */
export const nativeTopicsOf = (parks: readonly string[] | undefined): readonly string[] => parks?.map((park) => `parks/${park}/#`) ?? NATIVE_TOPICS;

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

// Of a message that it has parsed itself, mqtt.js sends the PUBACK as soon as handleMessage calls back, and takes the next one only then. To
// acknowledge after the commit without stopping the stream, its own PUBACK is kept from leaving; the queue writes it when the time has come.
interface Internals {
  _sendPacket(packet: { readonly cmd: string }, callback?: (error?: Error) => void, ...rest: readonly unknown[]): void;
}

/**
 * Subscriber on an external broker: persistent session, QoS 1, acknowledged after commit. It keeps trying to connect until
 * `stop`; `state` says how it stands.
 */
export class MqttIngest {
  readonly #options: MqttClientOptions;
  readonly #connection: BrokerConnection;
  readonly #stopListening: () => void;
  readonly #underWay = new UnderWay();
  #topics: readonly string[];
  /** One change of the subscriptions after another. */
  #changing: Promise<void> = Promise.resolve();
  #acks = new AckQueue(() => {});
  #subscribed = false;
  /** The broker has confirmed a subscription to this process: it should know the session from then on. */
  #hasSession = false;
  #stopping = false;
  #stopped: Promise<void> | null = null;
  /** Connections at which the broker did not know a session that it should have kept. */
  sessionsLost = 0;

  constructor(options: MqttClientOptions) {
    this.#options = options;
    this.#topics = options.topics ?? NATIVE_TOPICS;
    this.#connection = new BrokerConnection({
      ...{
        url: options.url,
        mqtt: clientOptions(options),
        reconnect: options.reconnect ?? DEFAULT_RECONNECT,
        name: 'broker',
        clock: options.clock,
        logger: options.logger,
      },
      take: (topic, payload, packetId, isRetained) => this.#take(topic, payload, packetId, isRetained),
      onConnected: (connack) => this.#onConnected(connack),
      onClosed: () => this.#acks.close(),
    });
    this.#holdAcks();
    this.#stopListening = options.pipeline.onPressure((full) => {
      if (!full) this.#connection.goOn();
    });
  }

  get state(): ConnectionTold {
    return this.#connection.told;
  }

  /** Connections made so far, the first included. */
  get connects(): number {
    return this.#connection.connects;
  }

  /**
   * Replaces the topic filters: new ones are subscribed, those gone given back. While the broker is away it happens at the next
   * connection. Rejects `BROKER_UNREACHABLE` when the broker refuses a filter.
   */
  setTopics(topics: readonly string[]): Promise<void> {
    this.#topics = [...topics];
    this.#subscribed = false;
    if (this.#stopping || !this.#connection.client.connected) return Promise.resolve();
    return this.#subscribe().then(
      () => {
        this.#subscribed = true;
      },
      (error: unknown) => {
        // A connection that broke meanwhile subscribes when it is back.
        if (!this.#stopping && this.#connection.client.connected) throw error;
      },
    );
  }

  /** Resolves when the broker has confirmed the subscription; rejects `BROKER_UNREACHABLE` after `withinMs`. */
  online(withinMs: number): Promise<void> {
    return this.#connection.until(() => this.#connection.isOnline, withinMs, 'subscription');
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
    this.#connection.beginEnd();
    this.#stopListening();
    await this.#underWay.none(graceMs);
    // The last acknowledgements leave at the end of the turn in which their messages were committed.
    await new Promise((resolve) => setImmediate(resolve));
    this.#connection.goOn();
    await this.#connection.end();
    this.#acks.close();
  }

  #holdAcks(): void {
    const { client } = this.#connection;
    const internals = client as unknown as Internals;
    const send = internals._sendPacket;
    internals._sendPacket = (packet, callback, ...rest) => {
      if (packet.cmd === 'puback') callback?.();
      else send.call(client, packet, callback, ...rest);
    };
  }

  #take(topic: string, payload: Buffer, packetId: number, isRetained: boolean): boolean {
    // Passed over without an acknowledgement: the broker keeps it for the next start.
    if (this.#stopping) return true;
    const { pipeline, clock } = this.#options;
    if (pipeline.full) return false;
    const acks = this.#acks;
    const place = packetId === NO_PACKET_ID ? -1 : acks.hold(packetId);
    this.#underWay.begin();
    pipeline.accept({ topic, payload, gateway: null, transport: 'mqtt', receivedAt: clock(), retained: isRetained }, (error) => {
      if (error === undefined && place >= 0) acks.release(place);
      this.#underWay.end();
    });
    return true;
  }

  async #onConnected(connack: IConnackPacket): Promise<void> {
    const { stream } = this.#connection.client;
    this.#acks = new AckQueue((bytes) => {
      if (!stream.destroyed) stream.write(bytes);
    });
    if (!connack.sessionPresent) await this.#complainOfLoss();
    if (!connack.sessionPresent || !this.#subscribed) await this.#subscribe();
    this.#subscribed = true;
    this.#hasSession = true;
  }

  /** What the broker had acknowledged to its senders and not handed over is gone, and what comes until the subscription stands goes to nobody. */
  async #complainOfLoss(): Promise<void> {
    const { memory, logger } = this.#options;
    if (!this.#hasSession && ((await memory?.read()) ?? []).length === 0) return;
    this.sessionsLost++;
    logger.error('the broker has lost the session, with all that it had acknowledged and not delivered; subscribing again');
  }

  #subscribe(): Promise<void> {
    this.#changing = this.#changing.catch(() => {}).then(() => this.#change(this.#topics));
    return this.#changing;
  }

  async #change(topics: readonly string[]): Promise<void> {
    const former = (await this.#options.memory?.read()) ?? [];
    const gone = former.filter((topic) => !topics.includes(topic));
    if (gone.length > 0) await this.#connection.client.unsubscribeAsync(gone);
    // rh 1: retained messages only for a subscription that is new to the session.
    await this.#connection.subscribe(topics, this.#options.protocolVersion === 4 ? { qos: 1 } : { qos: 1, rh: 1 });
    if (gone.length > 0 || topics.some((topic) => !former.includes(topic))) await this.#remember(topics);
  }

  /** What cannot be remembered, as on a full disk, keeps nobody from being subscribed: at worst a filter is not given back some day. */
  async #remember(topics: readonly string[]): Promise<void> {
    try {
      await this.#options.memory?.write(topics);
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'the subscriptions could not be remembered');
    }
  }
}

const KEEPALIVE = 30;
/** A broker that came back without the session keeps nothing for us until we are there. */
const DEFAULT_RECONNECT: RetryPace = { firstMs: 100, longestMs: 5_000 };

function clientOptions(options: MqttClientOptions): IClientOptions & { readonly keepalive: number } {
  const version = options.protocolVersion ?? 5;
  const common = {
    clientId: options.clientId,
    clean: false,
    protocolVersion: version,
    keepalive: options.keepaliveSeconds ?? KEEPALIVE,
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
