import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Aedes, type AedesPublishPacket, type AuthenticateError, type Client, type PublishPacket } from 'aedes';
import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import { GreenparkError } from '../../model/errors.ts';
import type { Intake } from '../port.ts';
import { AckQueue } from './ack-queue.ts';

export interface EmbeddedBrokerOptions {
  /** 0 takes a free port; `address` says which. */
  readonly port: number;
  /** Default: all interfaces. */
  readonly host?: string;
  readonly pipeline: Intake;
  /** Does the secret belong to the gateway? Signing in is refused while it rejects. */
  authenticateGateway(id: string, secret: string): Promise<boolean>;
  /** Lets clients in without a name, for tests: they may publish for every meter. */
  readonly allowAnonymous?: boolean;
  /** Longest packet of a gateway, in bytes. What is longer ends the connection, as MQTT 3.1.1 has no other answer. Default 16 MiB. */
  readonly maxPacketBytes?: number;
  readonly maxConnections?: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Longest packet before a client has signed in. */
const LONGEST_STRANGER = 16 << 10;

/** Plain numbers, for whoever exports them. */
export interface BrokerStats {
  connections: number;
  signInsRefused: number;
  subscriptionsRefused: number;
  packetsTooLong: number;
  brokenConnections: number;
}

// What aedes 1.2.0 does not declare. test/ingest/transports shows that it is there.
interface ClientInternals {
  id: string;
  readonly _authorized: boolean;
  readonly _parser: Parser;
}
interface Parser {
  readonly packet: { readonly length: number };
  _parseLength(): boolean;
  _emitError(error: Error): false;
}
type Publish = (packet: PublishPacket, client: Client | null | (() => void), done?: (error?: Error) => void) => void;

/** Who is at the other end. */
interface Peer {
  /** null: an anonymous client, where these are allowed. */
  readonly gateway: string | null;
  readonly acks: AckQueue;
}

/**
 * MQTT 3.1.1 broker in this process, for gateways alone: they sign in with their id and secret, publish, and subscribe to nothing.
 * It keeps nothing durable of its own: a gateway's PUBACK waits until its readings are committed.
 */
export class EmbeddedBroker {
  readonly stats: BrokerStats = { connections: 0, signInsRefused: 0, subscriptionsRefused: 0, packetsTooLong: 0, brokenConnections: 0 };
  readonly #options: EmbeddedBrokerOptions;
  readonly #broker: Aedes;
  readonly #server: Server;
  readonly #peers = new WeakMap<Client, Peer>();
  readonly #sockets = new Set<Socket>();
  readonly #stopListening: () => void;
  #held: (() => void)[] = [];
  #stopping = false;
  #stopped: Promise<void> | null = null;
  #open = 0;
  #whenSettled: (() => void) | null = null;

  private constructor(options: EmbeddedBrokerOptions) {
    this.#options = options;
    this.#broker = new Aedes({
      authenticate: (client, username, password, done) => void this.#signIn(client, username, password, done),
      authorizePublish: (client, packet, done) => this.#take(client, packet, done),
      authorizeSubscribe: (_client, _subscription, done) => {
        // Null answers the subscription with a failure code and keeps the connection.
        this.stats.subscriptionsRefused++;
        done(null, null);
      },
    });
    // There are no subscribers: what gateways publish goes to the pipeline and nowhere else.
    const publish = this.#broker.publish.bind(this.#broker) as Publish;
    (this.#broker as unknown as { publish: Publish }).publish = (packet, client, done) => {
      if (typeof client === 'function' || client === null) publish(packet, client, done);
      else done?.();
    };
    this.#broker.on('clientError', (client, error) => this.#onBroken(client, error));
    this.#broker.on('connectionError', (client, error) => this.#onBroken(client, error));
    this.#server = createServer((socket) => this.#greet(socket));
    if (options.maxConnections !== undefined) this.#server.maxConnections = options.maxConnections;
    this.#stopListening = options.pipeline.onPressure((full) => {
      if (!full) this.#goOn();
    });
  }

  /** Listens; rejects with `PORT_IN_USE` when another program has the port. */
  static async start(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
    const broker = new EmbeddedBroker(options);
    await broker.#broker.listen();
    try {
      await new Promise<void>((resolve, reject) => {
        broker.#server.once('error', reject);
        broker.#server.listen(options.port, options.host, () => {
          broker.#server.removeListener('error', reject);
          resolve();
        });
      });
    } catch (error) {
      broker.#stopListening();
      await broker.#closeBroker();
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      throw new GreenparkError('PORT_IN_USE', `port ${options.port} for the embedded MQTT broker is in use; set GREENPARK_MQTT_PORT to a free one`, {
        cause: error,
      });
    }
    broker.#server.on('error', (error) => options.logger.error({ err: error }, 'embedded broker'));
    return broker;
  }

  /** Where it listens. */
  get address(): { readonly host: string; readonly port: number } {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  /**
   * Takes no new connection and no new message, waits at most `graceMs` until what was taken is acknowledged, and closes all
   * connections. What was not acknowledged the gateways send again. May be called twice.
   */
  stop(graceMs = 10_000): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.#stopListening();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
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
    await this.#closeBroker();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #closeBroker(): Promise<void> {
    return new Promise((resolve) => this.#broker.close(() => resolve()));
  }

  #greet(socket: Socket): void {
    this.stats.connections++;
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    const client = this.#broker.handle(socket);
    socket.once('close', () => {
      this.stats.connections--;
      this.#sockets.delete(socket);
      this.#peers.get(client)?.acks.close();
    });
    this.#boundPackets(client);
  }

  /** mqtt-packet gathers a packet of up to 256 MB; the announced length is looked at first. */
  #boundPackets(client: Client): void {
    const internals = client as unknown as ClientInternals;
    const parser = internals._parser;
    const longest = this.#options.maxPacketBytes ?? 16 << 20;
    const parseLength = parser._parseLength;
    parser._parseLength = () => {
      const known = parseLength.call(parser);
      if (!known || parser.packet.length <= (internals._authorized ? longest : LONGEST_STRANGER)) return known;
      this.stats.packetsTooLong++;
      return parser._emitError(new Error(`a packet of ${parser.packet.length} bytes is longer than the broker takes`));
    };
  }

  async #signIn(
    client: Client,
    username: string | undefined,
    password: Buffer | undefined,
    done: (error: AuthenticateError | null, success: boolean | null) => void,
  ): Promise<void> {
    if (username === undefined && this.#options.allowAnonymous === true) {
      this.#welcome(client, null);
      return done(null, true);
    }
    let known = false;
    try {
      known = username !== undefined && password !== undefined && (await this.#options.authenticateGateway(username, password.toString('utf8')));
    } catch (error) {
      this.#options.logger.error({ err: error, gateway: username }, 'a gateway could not be checked');
    }
    if (!known || username === undefined || this.#stopping) {
      this.stats.signInsRefused++;
      this.#options.logger.warn({ gateway: username, client: client.id }, 'sign-in refused');
      return done(null, false);
    }
    // A client id is taken over by whoever comes with the same one; nobody shall push out another gateway.
    (client as unknown as ClientInternals).id = `${username}/${client.id}`;
    this.#welcome(client, username);
    done(null, true);
  }

  #welcome(client: Client, gateway: string | null): void {
    const { conn } = client;
    const acks = new AckQueue((bytes) => {
      if (conn.writable) conn.write(bytes);
    });
    this.#peers.set(client, { gateway, acks });
  }

  #onBroken(client: Client, error: Error): void {
    this.stats.brokenConnections++;
    this.#options.logger.info({ err: error, client: client.id, gateway: this.#peers.get(client)?.gateway }, 'connection to a gateway broke');
  }

  /**
   * aedes asks here before it acknowledges, and would hold up everything behind the message until it is answered, pings included.
   * So a QoS 1 message goes on as QoS 0, for which aedes sends nothing, and the PUBACK is ours. QoS 2 is rare and simply waits.
   */
  #take(client: Client | null, packet: PublishPacket, done: (error?: Error | null) => void): void {
    const peer = client === null ? undefined : this.#peers.get(client);
    if (client === null || peer === undefined || this.#stopping) return;
    const isWill = packet.cmd !== 'publish';
    if (this.#options.pipeline.full && !isWill) {
      // aedes reads no further from this connection while the answer is owed.
      this.#held.push(() => {
        if (!client.closed) this.#take(client, packet, done);
      });
      return;
    }
    const { qos } = packet;
    const place = qos === 1 && !isWill ? peer.acks.hold((packet as PublishPacket & { messageId: number }).messageId) : -1;
    this.#open++;
    this.#options.pipeline.accept(
      {
        topic: packet.topic,
        payload: asBuffer(packet.payload),
        gateway: peer.gateway,
        transport: 'embedded',
        receivedAt: this.#options.clock(),
      },
      (error) => {
        if (error === undefined) {
          if (place >= 0) peer.acks.release(place);
          else if (qos === 2 && !isWill) done();
        }
        this.#open--;
        if (this.#open === 0) this.#whenSettled?.();
      },
    );
    if (isWill) {
      done();
      return;
    }
    if (qos === 1) (packet as AedesPublishPacket & { qos: 0 | 1 | 2 }).qos = 0;
    if (qos !== 2) done();
  }

  #goOn(): void {
    const held = this.#held;
    this.#held = [];
    for (const again of held) again();
  }
}

const asBuffer = (payload: string | Buffer): Buffer => (typeof payload === 'string' ? Buffer.from(payload) : payload);
