import { connect as connectTcp } from 'node:net';
import type { Duplex, Writable } from 'node:stream';
import { connect, type IClientOptions, type IClientSubscribeOptions, type IConnackPacket, type IDisconnectPacket, type MqttClient } from 'mqtt';
import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import { GreenparkError } from '../../model/errors.ts';
import type { EpochMs } from '../../model/ids.ts';
import { Backoff, inTime, type RetryPace } from '../retry.ts';
import { plainAddress } from './broker-address.ts';
import { NO_PACKET_ID, PublishReader } from './publish-reader.ts';

export type ConnectionState = 'connecting' | 'online' | 'offline' | 'stopped';

/** How a connection stands, since when, and what went wrong last while it is not online. */
export interface ConnectionTold {
  readonly state: ConnectionState;
  readonly since: EpochMs;
  readonly lastError: string | null;
}

export interface BrokerConnectionParts {
  /** `mqtt://host:1883`, `mqtts://…`, `ws://…`, `wss://…`. */
  readonly url: string;
  readonly mqtt: IClientOptions & { readonly keepalive: number };
  readonly reconnect?: RetryPace | undefined;
  /** What the log calls it. */
  readonly name: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * A message; `packetId` is NO_PACKET_ID with QoS 0. Its payload is a view on a receive buffer, good until the call returns. False: it
   * cannot be taken now. It and everything behind it stay where they are until `goOn`, and nothing more is read, so that the broker stops sending.
   */
  take(topic: string, payload: Buffer, packetId: number, isRetained: boolean): boolean;
  /** mqtt.js builds the next CONNECT from its options after this call. */
  beforeConnect?(): void;
  /** Makes the connection what its owner needs; it is online when this resolves, and made anew when it rejects. */
  onConnected(connack: IConnackPacket): Promise<void>;
  onOnline?(): void;
  onClosed?(): void;
}

/** What mqtt.js asks for a stream, at each connection; it reads it through `pipe`. */
interface Internals {
  streamBuilder: (client: MqttClient) => Duplex;
}

/** Bytes read from the socket at once. */
const RECEIVE_BYTES = 128 << 10;
/**
 * Pause after a read that emptied the socket, in milliseconds. A broker writes each message by itself, and each would wake this process to
 * read it alone: a third of all its work with single messages, and some of the broker's.
 */
const REST_MS = 1;
/** DISCONNECT as MQTT 3.1.1 and 5 both have it: the connection ends as it should, and the broker sends no will. (MQTT 5, 3.14) */
const DISCONNECT = Buffer.of(0xe0, 0);
/** How long a broker that was told goodbye may take to close its side, in milliseconds. */
const GOODBYE_MS = 1000;

/**
 * Connection to a broker that is not ours. It keeps trying to connect, with growing pauses, until it is ended; while its owner cannot
 * take a message it is not read.
 */
export class BrokerConnection {
  readonly client: MqttClient;
  /** Connections made so far, the first included. */
  connects = 0;
  readonly #parts: BrokerConnectionParts;
  readonly #backoff: Backoff;
  #state: ConnectionState = 'connecting';
  #since: EpochMs;
  #lastError: string | null = null;
  /** Offers again what could not be taken. */
  #held: (() => void) | null = null;
  #holding: NodeJS.Timeout | null = null;
  #ending = false;

  constructor(parts: BrokerConnectionParts) {
    this.#parts = parts;
    this.#since = parts.clock();
    this.#backoff = new Backoff(parts.reconnect ?? { firstMs: 500, longestMs: 30_000 });
    this.client = connect(parts.url, {
      ...parts.mqtt,
      connectTimeout: 10_000,
      reconnectOnConnackError: true,
      // Its owner subscribes in onConnected, where it is known whether the broker still has the session.
      resubscribe: false,
      reconnectPeriod: this.#backoff.next(),
      // The library has several lines to say of each packet, for which time is spent whether anybody listens or not.
      log: () => {},
      // Its cache of every number that a packet may have is 7 MB, and acknowledgements, of which there are many, are not written by it.
      writeCache: false,
      manualConnect: true,
    });
    this.#readAhead();
    this.client.handleMessage = ({ topic, payload, qos, messageId, retain }, next) => {
      // mqtt.js has answered what came with QoS 2 already.
      const packetId = qos === 1 ? (messageId ?? NO_PACKET_ID) : NO_PACKET_ID;
      this.#offer(() => parts.take(topic, payload as Buffer, packetId, retain), next);
    };
    this.client.on('connect', (connack) => void this.#onConnect(connack));
    this.client.on('reconnect', () => {
      parts.beforeConnect?.();
      this.#become('connecting');
    });
    this.client.on('close', () => this.#onClose());
    this.client.on('error', (error) => this.fault(error));
    this.client.options.manualConnect = false;
    this.client.connect();
  }

  get told(): ConnectionTold {
    return { state: this.#state, since: this.#since, lastError: this.#lastError };
  }

  get isOnline(): boolean {
    return this.#state === 'online';
  }

  /** The broker's address as it may stand in a log. */
  get address(): string {
    return plainAddress(this.#parts.url);
  }

  /** Resolves when `isReached`; rejects `BROKER_UNREACHABLE` after `withinMs`, and when the connection was ended. */
  async until(isReached: () => boolean, withinMs: number, what: string): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (!isReached()) {
      if (Date.now() > deadline || this.#state === 'stopped') {
        throw new GreenparkError('BROKER_UNREACHABLE', `no ${what} at ${this.address} within ${withinMs} ms: ${this.#lastError ?? 'no answer'}`, {
          retryable: true,
        });
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Rejects `BROKER_UNREACHABLE` with the filters that the broker refuses. */
  async subscribe(filters: readonly string[], options: IClientSubscribeOptions): Promise<void> {
    const granted = await this.client.subscribeAsync([...filters], options);
    const refused = granted.filter((grant) => grant.qos >= 128).map((grant) => grant.topic);
    if (refused.length === 0) return;
    const who = this.#parts.mqtt.username ?? '(none)';
    throw new GreenparkError('BROKER_UNREACHABLE', `the broker refuses to subscribe ${refused.join(', ')}; allow it for user ${who}`);
  }

  goOn(): void {
    const held = this.#held;
    this.#stopHolding();
    held?.();
  }

  /** Something went wrong on it; told in the log once. */
  fault(error: Error): void {
    const text = error.message === '' ? ((error as NodeJS.ErrnoException).code ?? error.name) : error.message;
    if (text !== this.#lastError) this.#parts.logger.warn({ err: error, broker: this.address }, this.#parts.name);
    this.#lastError = text;
  }

  /** Ends this connection without its will being sent, and makes another. `why` is told. */
  startOver(why: Error): void {
    this.fault(why);
    const { stream } = this.client;
    if (stream.writableEnded) return;
    stream.end(DISCONNECT);
    // Closed at once, it would be reset where something was not read yet, and the broker might not read the DISCONNECT then.
    const patience = setTimeout(() => stream.destroy(), GOODBYE_MS);
    stream.once('close', () => clearTimeout(patience));
  }

  /** From now on it is not tried again. */
  beginEnd(): void {
    this.#ending = true;
  }

  async end(): Promise<void> {
    this.#ending = true;
    await endClient(this.client);
    this.#become('stopped');
  }

  /** Messages are read from the connection before mqtt.js sees them, and mostly instead: its parser costs several times what is done with them. */
  #readAhead(): void {
    const internals = this.client as unknown as Internals;
    const build = internals.streamBuilder;
    internals.streamBuilder = (client) => {
      const { protocol, unixSocket, socksProxy, hostname, host, port } = client.options;
      if (protocol !== 'mqtt' || unixSocket === true || socksProxy !== undefined) return this.#intercepted(build(client));
      let reader: PublishReader | null = null;
      // One buffer for all that is read: new ones would have all garbage collected several times a second.
      const buffer = Buffer.allocUnsafeSlow(RECEIVE_BYTES);
      const callback = (length: number) => {
        if (reader?.read(buffer.subarray(0, length)) === false) return false;
        if (length === buffer.length) return true;
        setTimeout(() => socket.resume(), REST_MS);
        return false;
      };
      const socket = connectTcp({ host: hostname ?? host ?? 'localhost', port: port ?? DEFAULT_PORT, onread: { buffer, callback } });
      return this.#intercepted(socket, (made) => {
        reader = made;
      });
    };
  }

  #intercepted(stream: Duplex, onReader?: (reader: PublishReader) => void): Duplex {
    stream.pipe = <T extends NodeJS.WritableStream>(parser: T): T => {
      const reader = new PublishReader({
        protocolVersion: this.#parts.mqtt.protocolVersion === 4 ? 4 : 5,
        take: (topic, payload, packetId, isRetained) => {
          if (this.#parts.take(topic, payload, packetId, isRetained)) return true;
          this.#hold(() => reader.goOn());
          return false;
        },
        parser: parser as unknown as Writable,
        onReady: () => stream.resume(),
        onBroken: () => stream.destroy(),
      });
      onReader?.(reader);
      // With a buffer of ours nothing comes this way; it has the socket flow.
      stream.on('data', (bytes: Buffer) => {
        if (!reader.read(bytes)) stream.pause();
      });
      stream.once('close', () => reader.close());
      return parser;
    };
    return stream;
  }

  /** A message that mqtt.js has parsed. */
  #offer(take: () => boolean, next: () => void): void {
    if (take()) next();
    else this.#hold(() => this.#offer(take, next));
  }

  /** While nothing is read, no answer to a ping is either; the client must not take that for a broken connection. */
  #hold(again: () => void): void {
    this.#held = again;
    const every = (this.#parts.mqtt.keepalive * 1000) / 2;
    this.#holding ??= setInterval(() => {
      this.client.sendPing();
      this.client.reschedulePing(true);
    }, every);
  }

  async #onConnect(connack: IConnackPacket): Promise<void> {
    this.connects++;
    const { stream } = this.client;
    const isGone = () => stream.destroyed || stream !== this.client.stream;
    try {
      await this.#parts.onConnected(connack);
      if (isGone()) return;
      this.#backoff.reset();
      this.client.options.reconnectPeriod = this.#backoff.next();
      this.#lastError = null;
      this.#become('online');
      this.#parts.onOnline?.();
    } catch (error) {
      if (this.#ending || isGone()) return;
      this.startOver(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #onClose(): void {
    this.#parts.onClosed?.();
    this.#stopHolding();
    if (this.#ending) return;
    // mqtt.js reads the period when it sets the timer for the attempt after the one that it begins now.
    this.client.options.reconnectPeriod = this.#backoff.next();
    this.#become('offline');
  }

  #stopHolding(): void {
    this.#held = null;
    if (this.#holding !== null) clearInterval(this.#holding);
    this.#holding = null;
  }

  #become(state: ConnectionState): void {
    if (this.#state === state || this.#state === 'stopped') return;
    this.#state = state;
    this.#since = this.#parts.clock();
    this.#parts.logger.info({ broker: this.address, error: this.#lastError ?? undefined }, `${this.#parts.name} ${state}`);
  }
}

const DEFAULT_PORT = 1883;

/** Ends a connection with a DISCONNECT, or by force where the broker does not close its side: a frozen one never would. */
export async function endClient(client: MqttClient, goodbye: Partial<IDisconnectPacket> = {}): Promise<void> {
  const { stream } = client;
  await inTime(client.endAsync(!client.connected, goodbye), GOODBYE_MS, null).catch(() => stream.destroy());
}
