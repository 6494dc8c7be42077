import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type SecureContextOptions, type Server as TlsServer } from 'node:tls';
import { Aedes, type AedesPublishPacket, type AuthenticateError, type Client, type PublishPacket } from 'aedes';
import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import { GreenparkError } from '../../model/errors.ts';
import type { DecodedIntake, Done, IngestMessage, Intake } from '../port.ts';
import { AckQueue } from './ack-queue.ts';
import { SignInLimits } from './sign-in-limits.ts';
import { TokenBucket } from './token-bucket.ts';

/** What one gateway, or one address, may ask of the broker. */
export interface BrokerLimits {
  /** Open connections at once, whoever they are. */
  readonly connections: number;
  readonly connectionsPerGateway: number;
  /** Connections of one address that have not signed in yet. */
  readonly strangersPerAddress: number;
  /** CONNECT must come within this time, in milliseconds. */
  readonly connectWithinMs: number;
  /** Failed sign-ins within a minute. */
  readonly failuresPerAddress: number;
  readonly failuresPerName: number;
  /** Of one gateway over all its connections; what it sends faster waits in its sockets. */
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
}

const DEFAULT_LIMITS: BrokerLimits = {
  connections: 10_000,
  connectionsPerGateway: 4,
  strangersPerAddress: 1000,
  connectWithinMs: 10_000,
  failuresPerAddress: 60,
  failuresPerName: 30,
  messagesPerSecond: Number.POSITIVE_INFINITY,
  bytesPerSecond: Number.POSITIVE_INFINITY,
};

/** From this share of the pipeline's room on, whoever has more than a fair share of it waits first. */
const CROWDED = 0.5;
/** Unacknowledged messages that nobody is held for. */
const ALWAYS_FAIR = 16;

export interface EmbeddedBrokerOptions {
  /** 0 takes a free port; `address` says which. */
  readonly port: number;
  /** Default: all interfaces. */
  readonly host?: string;
  readonly pipeline: Intake & Partial<Pick<DecodedIntake, 'acceptDecoded'>>;
  /** Does the secret belong to the gateway? Signing in is refused while it rejects. */
  authenticateGateway(id: string, secret: string): Promise<boolean>;
  /** Lets clients in without a name, for tests: they may publish for every meter. */
  readonly allowAnonymous?: boolean;
  /** Longest packet of a gateway, in bytes. What is longer ends the connection, as MQTT 3.1.1 has no other answer. Default 16 MiB. */
  readonly maxPacketBytes?: number;
  readonly limits?: Partial<BrokerLimits>;
  /** What stands for the gateway's secret now, null without one: when it changes, `recheck` ends the connections made with the former. */
  credential?(id: string): Promise<string | null>;
  /** May the gateway publish there? Default: yes, and the pipeline decides by meter. */
  mayPublish?(gateway: string, topic: string): boolean;
  /** Default: nobody may subscribe to anything. */
  maySubscribe?(gateway: string, filter: string): boolean;
  /** Takes the topic's messages in the pipeline's place; null leaves them to the pipeline. */
  onTopic?(topic: string): ((message: IngestMessage, done: Done) => void) | null;
  /** How much of the pipeline's room is taken, 0 to 1. Default: not known, and nobody is held before it is full. */
  crowding?(): number;
  /** MQTT over TLS alone when given. */
  readonly tls?: SecureContextOptions;
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
  /** Connections closed before they signed in, as their address had too many. */
  connectionsRefused: number;
  publishesRefused: number;
  /** Times a gateway was made to wait: for its rate, or because others had less under way. */
  slowed: number;
  /** Connections ended because the gateway's secret was changed or is gone. */
  revoked: number;
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
  readonly account: Account;
  /** What stood for the secret when it signed in. */
  readonly credential: string | null;
  /** Messages that wait, in the order in which they came; at most what one read of the socket gave. */
  readonly waiting: (() => void)[];
  timer: NodeJS.Timeout | null;
  draining: boolean;
}

/** What all connections of one gateway share. */
interface Account {
  readonly messages: TokenBucket;
  readonly bytes: TokenBucket;
  readonly clients: Map<Client, Peer>;
  /** Messages taken and not committed. */
  pending: number;
}

/**
 * MQTT 3.1.1 broker in this process, for gateways alone: they sign in with their id and secret, publish, and subscribe to nothing.
 * It keeps nothing durable of its own: a gateway's PUBACK waits until its readings are committed.
 */
export class EmbeddedBroker {
  readonly stats: BrokerStats = {
    connections: 0,
    signInsRefused: 0,
    subscriptionsRefused: 0,
    packetsTooLong: 0,
    brokenConnections: 0,
    connectionsRefused: 0,
    publishesRefused: 0,
    slowed: 0,
    revoked: 0,
  };
  readonly #limits: BrokerLimits;
  readonly #signIns: SignInLimits;
  readonly #accounts = new Map<string, Account>();
  readonly #waiting = new Set<Peer>();
  readonly #strangers = new Map<string, number>();
  /** Gateways with something under way. */
  #busy = 0;
  /** Counts the calls of `recheck`. */
  #rechecks = 0;
  readonly #options: EmbeddedBrokerOptions;
  readonly #broker: Aedes;
  readonly #server: Server;
  readonly #peers = new WeakMap<Client, Peer>();
  readonly #sockets = new Set<Socket>();
  readonly #stopListening: () => void;
  #stopping = false;
  #stopped: Promise<void> | null = null;
  #open = 0;
  #whenSettled: (() => void) | null = null;

  private constructor(options: EmbeddedBrokerOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#signIns = new SignInLimits(this.#limits);
    this.#broker = new Aedes({
      connectTimeout: this.#limits.connectWithinMs,
      authenticate: (client, username, password, done) => void this.#signIn(client, username, password, done),
      authorizePublish: (client, packet, done) => this.#take(client, packet, done),
      authorizeSubscribe: (client, subscription, done) => {
        const gateway = this.#peers.get(client)?.gateway ?? null;
        if (gateway !== null && options.maySubscribe?.(gateway, subscription.topic) === true) return done(null, subscription);
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
    const greet = (socket: Socket) => this.#greet(socket);
    this.#server =
      options.tls === undefined
        ? createServer(greet)
        : createTlsServer(
            { ...options.tls, requestCert: options.tls.ca !== undefined, minVersion: 'TLSv1.2', handshakeTimeout: this.#limits.connectWithinMs },
            greet,
          );
    this.#server.on('tlsClientError', (error: Error) => {
      this.stats.brokenConnections++;
      options.logger.info({ err: error }, 'a TLS handshake failed');
    });
    this.#server.maxConnections = this.#limits.connections;
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

  /** Serves new connections with another certificate; those that are open stay. For a broker that was started with TLS. */
  renewTls(tls: SecureContextOptions): void {
    (this.#server as TlsServer).setSecureContext({ ...tls, minVersion: 'TLSv1.2' });
  }

  /** Publishes in the host's own name to those who may listen; answers when the broker has taken it. */
  publish(topic: string, payload: Uint8Array | string, { retain = false, qos = 0 }: { readonly retain?: boolean; readonly qos?: 0 | 1 } = {}): Promise<void> {
    const packet = { cmd: 'publish', topic, payload: Buffer.from(payload as Uint8Array), retain, qos, dup: false } as PublishPacket;
    return new Promise((resolve, reject) => this.#broker.publish(packet, (error) => (error ? reject(error) : resolve())));
  }

  /** Ends the connections of gateways whose secret was changed or is gone. To be called when the registry has changed. */
  async recheck(): Promise<void> {
    const { credential } = this.#options;
    if (credential === undefined) return;
    this.#rechecks++;
    for (const [gateway, { clients }] of [...this.#accounts]) {
      const now = clients.size === 0 ? null : await credential(gateway);
      for (const [client, peer] of clients) {
        if (now !== null && peer.credential === now) continue;
        this.stats.revoked++;
        this.#options.logger.warn({ gateway, client: client.id }, 'connection ended: the secret is not valid any more');
        client.close();
      }
    }
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
    const address = socket.remoteAddress ?? '';
    const strangers = this.#strangers.get(address) ?? 0;
    if (strangers >= this.#limits.strangersPerAddress) {
      this.stats.connectionsRefused++;
      socket.destroy();
      return;
    }
    this.#strangers.set(address, strangers + 1);
    this.stats.connections++;
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    const client = this.#broker.handle(socket);
    socket.once('close', () => {
      this.stats.connections--;
      this.#sockets.delete(socket);
      const peer = this.#peers.get(client);
      if (peer === undefined) this.#noStranger(address);
      else this.#farewell(client, peer);
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
      this.#welcome(client, null, null);
      return done(null, true);
    }
    const address = (client.conn as Socket).remoteAddress ?? '';
    const fail = (why: string): void => {
      this.stats.signInsRefused++;
      this.#options.logger.warn({ gateway: username, client: client.id, address, why }, 'sign-in refused');
      done(null, false);
    };
    if (username === undefined || password === undefined) return fail('anonymous');
    if (!this.#signIns.mayTry(address, username, performance.now())) return fail('too many failures');
    let answer: { readonly known: boolean; readonly credential: string | null };
    try {
      answer = await this.#check(username, password.toString('utf8'));
    } catch (error) {
      this.#options.logger.error({ err: error, gateway: username }, 'a gateway could not be checked');
      return fail('not checked');
    }
    if (!answer.known) {
      this.#signIns.failed(address, username, performance.now());
      return fail('wrong name or secret');
    }
    this.#signIns.succeeded(address, username);
    if (this.#stopping || client.conn.destroyed) return fail('closing');
    if ((this.#accounts.get(username)?.clients.size ?? 0) >= this.#limits.connectionsPerGateway) return fail('too many connections of this gateway');
    // A client id is taken over by whoever comes with the same one; nobody shall push out another gateway.
    (client as unknown as ClientInternals).id = `${username}/${client.id}`;
    this.#welcome(client, username, answer.credential);
    done(null, true);
  }

  /** Asked again when the registry changed meanwhile, as `recheck` knows only who has signed in. */
  async #check(gateway: string, secret: string): Promise<{ known: boolean; credential: string | null }> {
    for (;;) {
      const before = this.#rechecks;
      const credential = (await this.#options.credential?.(gateway)) ?? null;
      const known = await this.#options.authenticateGateway(gateway, secret);
      if (!known || before === this.#rechecks) return { known, credential };
    }
  }

  #welcome(client: Client, gateway: string | null, credential: string | null): void {
    const { conn } = client;
    const acks = new AckQueue((bytes) => {
      if (conn.writable) conn.write(bytes);
    });
    const account = (gateway === null ? undefined : this.#accounts.get(gateway)) ?? this.#newAccount();
    const peer: Peer = { gateway, acks, account, credential, waiting: [], timer: null, draining: false };
    if (gateway !== null) this.#accounts.set(gateway, account);
    account.clients.set(client, peer);
    this.#peers.set(client, peer);
    this.#noStranger((conn as Socket).remoteAddress ?? '');
  }

  /** Accounts outlive their connections, so that nobody gets a new burst by connecting again. */
  #newAccount(): Account {
    const { messagesPerSecond, bytesPerSecond } = this.#limits;
    const now = performance.now();
    return {
      messages: new TokenBucket(messagesPerSecond, messagesPerSecond, now),
      bytes: new TokenBucket(bytesPerSecond, bytesPerSecond, now),
      clients: new Map(),
      pending: 0,
    };
  }

  #noStranger(address: string): void {
    const left = (this.#strangers.get(address) ?? 1) - 1;
    if (left <= 0) this.#strangers.delete(address);
    else this.#strangers.set(address, left);
  }

  #farewell(client: Client, peer: Peer): void {
    peer.acks.close();
    peer.account.clients.delete(client);
    peer.waiting.length = 0;
    this.#waiting.delete(peer);
    if (peer.timer !== null) clearTimeout(peer.timer);
    peer.timer = null;
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
    if (isWill || (peer.waiting.length === 0 && this.#mayGo(peer))) {
      this.#accept(peer, packet, done);
      return;
    }
    // aedes reads no further from this connection while the answer is owed.
    peer.waiting.push(() => {
      if (!client.closed && !this.#stopping) this.#accept(peer, packet, done);
    });
    this.#waiting.add(peer);
  }

  /** Whoever may not is woken: by the pipeline, by an acknowledgement of its own, or by its timer. */
  #mayGo(peer: Peer): boolean {
    if (this.#options.pipeline.full) return false;
    const { account } = peer;
    if (account.pending > ALWAYS_FAIR && (this.#options.crowding?.() ?? 0) >= CROWDED && account.pending > this.#open / this.#busy) {
      this.stats.slowed++;
      return false;
    }
    const now = performance.now();
    const wait = Math.max(account.messages.waitMs(now), account.bytes.waitMs(now));
    if (wait === 0) return true;
    this.stats.slowed++;
    peer.timer ??= setTimeout(() => {
      peer.timer = null;
      this.#drain(peer);
    }, wait);
    return false;
  }

  #drain(peer: Peer): void {
    // A message that is refused is acknowledged within the call.
    if (peer.draining) return;
    peer.draining = true;
    while (peer.waiting.length > 0 && this.#mayGo(peer)) peer.waiting.shift()?.();
    peer.draining = false;
    if (peer.waiting.length === 0) this.#waiting.delete(peer);
  }

  #accept(peer: Peer, packet: PublishPacket, done: (error?: Error | null) => void): void {
    const isWill = packet.cmd !== 'publish';
    const { account, gateway } = peer;
    const { qos, topic } = packet;
    const payload = asBuffer(packet.payload);
    account.messages.take(1);
    account.bytes.take(payload.length + topic.length);
    const place = qos === 1 && !isWill ? peer.acks.hold((packet as PublishPacket & { messageId: number }).messageId) : -1;
    this.#open++;
    if (account.pending++ === 0) this.#busy++;
    const message = { topic, payload, gateway, transport: 'embedded', receivedAt: this.#options.clock() };
    this.#hand(message, (error) => {
      if (error === undefined) {
        if (place >= 0) peer.acks.release(place);
        else if (qos === 2 && !isWill) done();
      }
      this.#open--;
      if (--account.pending === 0) this.#busy--;
      if (this.#open === 0) this.#whenSettled?.();
      if (this.#waiting.size > 0) for (const other of account.clients.values()) if (other.waiting.length > 0) this.#drain(other);
    });
    if (isWill) {
      done();
      return;
    }
    if (qos === 1) (packet as AedesPublishPacket & { qos: 0 | 1 | 2 }).qos = 0;
    if (qos !== 2) done();
  }

  #hand(message: IngestMessage & { readonly gateway: string | null }, done: Done): void {
    const { pipeline, mayPublish, onTopic } = this.#options;
    const { gateway, topic } = message;
    if (gateway === null || mayPublish === undefined || mayPublish(gateway, topic)) {
      const handler = onTopic?.(topic) ?? null;
      if (handler === null) pipeline.accept(message, done);
      else handler(message, done);
      return;
    }
    this.stats.publishesRefused++;
    const detail = `gateway ${gateway} may not publish to ${topic}`;
    if (pipeline.acceptDecoded === undefined) done();
    else pipeline.acceptDecoded(message, { frames: [], statuses: [], refusals: [{ reason: 'gateway-not-allowed', detail, count: 1 }] }, done);
  }

  #goOn(): void {
    for (const peer of [...this.#waiting]) this.#drain(peer);
  }
}

const asBuffer = (payload: string | Buffer): Buffer => (typeof payload === 'string' ? Buffer.from(payload) : payload);
