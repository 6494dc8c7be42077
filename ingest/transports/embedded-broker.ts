import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type SecureContextOptions, type Server as TlsServer } from 'node:tls';
import { Aedes, type Client, type PublishPacket } from 'aedes';
import { GreenparkError } from '../../model/errors.ts';
import { GatewayTraffic } from '../gateways/traffic.ts';
import { BrokerIntake, type BrokerIntakeOptions } from './broker-intake.ts';
import { type BrokerLimits, BrokerStats, DEFAULT_LIMITS } from './broker-limits.ts';
import { boundPackets } from './broker-packets.ts';
import { Peers } from './broker-peers.ts';
import { readUnless } from './broker-reading.ts';
import { BrokerSignIn, type SignInOptions } from './broker-sign-in.ts';

export interface EmbeddedBrokerOptions extends BrokerIntakeOptions, SignInOptions {
  /** 0 takes a free port; `address` says which. */
  readonly port: number;
  /** Default: all interfaces. */
  readonly host?: string;
  /** Longest packet of a gateway, in bytes. What is longer ends the connection, as MQTT 3.1.1 has no other answer. Default 16 MiB. */
  readonly maxPacketBytes?: number;
  readonly limits?: Partial<BrokerLimits>;
  /** Default: nobody may subscribe to anything. */
  maySubscribe?(gateway: string, filter: string): boolean;
  /** Where a gateway's connections are counted. Default: nowhere. */
  trafficOf?(gateway: string | null): GatewayTraffic;
  /** MQTT over TLS alone when given. */
  readonly tls?: SecureContextOptions;
}

type Publish = (packet: PublishPacket, client: Client | null | (() => void), done?: (error?: Error) => void) => void;

/**
 * MQTT 3.1.1 broker in this process, for gateways alone: they sign in with their id and secret, publish, and subscribe to nothing.
 * It keeps nothing durable of its own: a gateway's PUBACK waits until its readings are committed.
 */
export class EmbeddedBroker {
  readonly stats = new BrokerStats();
  readonly #options: EmbeddedBrokerOptions;
  readonly #peers: Peers;
  readonly #signIn: BrokerSignIn;
  readonly #intake: BrokerIntake;
  readonly #broker: Aedes;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #stopListening: () => void;
  #stopped: Promise<void> | null = null;

  private constructor(options: EmbeddedBrokerOptions) {
    this.#options = options;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#peers = new Peers(limits, (gateway) => options.trafficOf?.(gateway) ?? new GatewayTraffic(gateway));
    this.#signIn = new BrokerSignIn(options, limits, this.stats, this.#peers);
    this.#intake = new BrokerIntake(options, this.stats, this.#peers);
    this.#broker = new Aedes({
      connectTimeout: limits.connectWithinMs,
      authenticate: (client, username, password, done) => void this.#signIn.signIn(client, username, password, done),
      authorizePublish: (client, packet, done) => this.#intake.take(client, packet, done),
      authorizeSubscribe: (client, subscription, done) => {
        const gateway = this.#peers.of(client)?.gateway ?? null;
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
            { ...options.tls, requestCert: options.tls.ca !== undefined, minVersion: 'TLSv1.2', handshakeTimeout: limits.connectWithinMs },
            greet,
          );
    this.#server.on('tlsClientError', (error: Error) => {
      this.stats.brokenConnections++;
      options.logger.info({ err: error }, 'a TLS handshake failed');
    });
    this.#server.maxConnections = limits.connections;
    this.#stopListening = options.pipeline.onPressure((full) => {
      if (!full) this.#intake.goOn();
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
  recheck(): Promise<void> {
    return this.#signIn.recheck();
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
    this.#stopListening();
    this.#signIn.close();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await this.#intake.close(graceMs);
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
    if (!this.#signIn.strangerComes(address)) {
      this.stats.connectionsRefused++;
      socket.destroy();
      return;
    }
    this.stats.connections++;
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    const client = this.#broker.handle(socket);
    readUnless(() => this.#peers.hasWaiting(client), socket);
    socket.once('close', () => {
      this.stats.connections--;
      this.#sockets.delete(socket);
      const peer = this.#peers.of(client);
      if (peer === undefined) {
        this.#signIn.noStranger(address);
        return;
      }
      this.#intake.forget(peer);
      this.#peers.farewell(peer);
    });
    boundPackets(client, this.#options.maxPacketBytes ?? 16 << 20, () => this.stats.packetsTooLong++);
  }

  #onBroken(client: Client, error: Error): void {
    this.stats.brokenConnections++;
    this.#options.logger.info({ err: error, client: client.id, gateway: this.#peers.of(client)?.gateway }, 'connection to a gateway broke');
  }
}
