import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import { GreenparkError } from '../../model/errors.ts';
import type { GatewayId } from '../../model/ids.ts';
import { GatewayTraffic } from '../gateways/traffic.ts';
import type { DecodedIntake } from '../port.ts';
import type { StageTimes } from '../stage-times.ts';
import { type ConnectionParts, Hj212Connection } from './hj212-connection.ts';
import { type GatewayDirectory, Hj212Devices } from './hj212-devices.ts';
import { HJ212_LIMITS, type Hj212Limits, type Hj212Stats } from './hj212-limits.ts';
import { UnderWay } from './under-way.ts';

export interface Hj212ServerOptions {
  /** 0 takes a free port; `address` says which. */
  readonly port: number;
  /** Default: all interfaces. */
  readonly host?: string;
  /** PEM text. With `ca` loggers must show a certificate of that authority. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer; readonly ca?: string | Buffer };
  readonly intake: DecodedIntake;
  readonly directory: { readonly current: GatewayDirectory };
  /** Does the password belong to the gateway? Believed for half a minute. */
  checkSecret(gateway: GatewayId, secret: string): Promise<boolean>;
  /** The gateway's SM4 key. Default: none has one. */
  keyOf?(gateway: GatewayId): Promise<Uint8Array | null>;
  readonly limits?: Partial<Hj212Limits>;
  /** Where a gateway's connections are counted. Default: nowhere. */
  trafficOf?(gateway: string): GatewayTraffic;
  readonly stages?: StageTimes;
  readonly clock: Clock;
  readonly logger: Logger;
}

const TICK_MS = 1000;
const HANDSHAKE_MS = 10_000;

/** Takes HJ 212 from data loggers over TCP: 2005, 2017, and of 2025 what is known. Answers after commit. */
export class Hj212Server {
  readonly stats: Hj212Stats = {
    ...{ connections: 0, connectionsRefused: 0, timeOuts: 0, frames: 0, answers: 0, wrongLength: 0, wrongCrc: 0, unknownDevice: 0 },
    ...{
      wrongLengthTaken: 0,
      wrongCrcTaken: 0,
      wrongLengthRefused: 0,
      wrongCrcRefused: 0,
      wrongPassword: 0,
      overlong: 0,
      junkBytes: 0,
      packetsMissing: 0,
      missingValues: 0,
      slowed: 0,
    },
  };
  readonly #limits: Hj212Limits;
  readonly #server: Server;
  readonly #connections = new Map<Socket, Hj212Connection>();
  readonly #perAddress = new Map<string, number>();
  readonly #parts: ConnectionParts;
  readonly #stopListening: () => void;
  #ticking: NodeJS.Timeout | null = null;
  readonly #underWay = new UnderWay();
  #stopped: Promise<void> | null = null;

  private constructor(options: Hj212ServerOptions) {
    this.#limits = { ...HJ212_LIMITS, ...options.limits };
    const { intake, clock, logger, tls, stages } = options;
    this.#parts = {
      devices: new Hj212Devices(options.directory, {
        checkSecret: (gateway, secret) => options.checkSecret(gateway, secret),
        keyOf: async (gateway) => (await options.keyOf?.(gateway)) ?? null,
      }),
      ...{ intake, clock, logger, stages, limits: this.#limits, stats: this.stats },
      trafficOf: (gateway) => options.trafficOf?.(gateway) ?? new GatewayTraffic(gateway),
      underWay: this.#underWay,
    };
    this.#server =
      tls === undefined
        ? createServer({ allowHalfOpen: true }, (socket) => this.#greet(socket))
        : createTlsServer(
            { ...tls, allowHalfOpen: true, requestCert: tls.ca !== undefined, rejectUnauthorized: tls.ca !== undefined, handshakeTimeout: HANDSHAKE_MS },
            (socket) => this.#greet(socket),
          );
    this.#server.maxConnections = this.#limits.maxConnections;
    this.#server.on('drop', () => this.stats.connectionsRefused++);
    this.#server.on('tlsClientError', (error) => logger.info({ err: error }, 'TLS with an HJ 212 logger failed'));
    this.#stopListening = intake.onPressure((full) => {
      for (const connection of [...this.#connections.values()]) full ? connection.hold() : connection.goOn();
    });
  }

  /** Listens; rejects with `PORT_IN_USE` when another program has the port. */
  static async start(options: Hj212ServerOptions): Promise<Hj212Server> {
    const server = new Hj212Server(options);
    try {
      await new Promise<void>((resolve, reject) => {
        server.#server.once('error', reject);
        server.#server.listen(options.port, options.host, () => {
          server.#server.removeListener('error', reject);
          resolve();
        });
      });
    } catch (error) {
      server.#stopListening();
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      throw new GreenparkError('PORT_IN_USE', `port ${options.port} for HJ 212 is in use; set GREENPARK_HJ212_PORT to a free one`, { cause: error });
    }
    server.#server.on('error', (error) => options.logger.error({ err: error }, 'HJ 212 server'));
    server.#ticking = setInterval(
      () => {
        for (const connection of [...server.#connections.values()]) connection.tick();
      },
      Math.min(TICK_MS, server.#limits.frameMs),
    ).unref();
    return server;
  }

  get address(): { readonly host: string; readonly port: number } {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  /**
   * Takes no new connection and no new frame, waits at most `graceMs` until what was taken is answered, and closes all connections. What
   * was not answered the loggers send again. May be called twice.
   */
  stop(graceMs = 10_000): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    this.#stopListening();
    if (this.#ticking !== null) clearInterval(this.#ticking);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections.values()) connection.end();
    await this.#underWay.none(graceMs);
    // The last answers leave first.
    await new Promise((resolve) => setImmediate(resolve));
    for (const connection of [...this.#connections.values()]) connection.destroy();
    await closed;
  }

  #greet(socket: Socket): void {
    const { stats } = this;
    const address = socket.remoteAddress ?? '';
    const here = (this.#perAddress.get(address) ?? 0) + 1;
    if (here > this.#limits.maxPerAddress || this.#stopped !== null) {
      stats.connectionsRefused++;
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    stats.connections++;
    this.#perAddress.set(address, here);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    socket.once('close', () => stats.connections--);
    const onDone = () => {
      this.#connections.delete(socket);
      const left = (this.#perAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#perAddress.set(address, left);
      else this.#perAddress.delete(address);
    };
    this.#connections.set(socket, new Hj212Connection(socket, this.#parts, onDone));
  }
}
