import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import type { GatewayId } from '../../model/ids.ts';
import { importDocument } from '../../store/registry/document.ts';
import { hashGatewaySecret } from '../../store/registry/gateway-secret.ts';
import { openRegistry } from '../../store/registry/open.ts';
import { Caller } from './callers.ts';
import { type CountedLoad, LOAD_PARK, publishLoad } from './counted-load.ts';
import { type Environment, GreenparkProcess } from './greenpark-process.ts';

const PASSWORD = 'a password for tests';

/** A load that goes on until it is ended. */
export class Load {
  acknowledged = 0;
  /** When each message had its PUBACK, by performance.now(). */
  readonly acknowledgedAt = new Map<number, number>();
  readonly #published: Promise<CountedLoad>;
  #enough = false;

  constructor(clients: readonly MqttClient[], restMs: number) {
    this.#published = publishLoad(clients, {
      from: Date.now() - 3_600_000,
      more: () => !this.#enough,
      restMs,
      onAcknowledged: (n) => {
        this.acknowledged++;
        this.acknowledgedAt.set(n, performance.now());
      },
    });
  }

  /** Resolved: everything that was published has its PUBACK. */
  end(): Promise<CountedLoad> {
    this.#enough = true;
    return this.#published;
  }
}

/**
 * The real service on a data directory of the test, and the gateways that report to it: around it something fails.
 *
 *     const park = await ParkUnderLoad.register(folder);
 *     await park.start({ GREENPARK_MQTT_PORT: '1884' });
 *     const load = await park.load('mqtt://127.0.0.1:1884');
 *     await park.close();       // in the end, always; the folder is the test's
 */
export class ParkUnderLoad {
  readonly folder: string;
  readonly #clients: MqttClient[] = [];
  #service: GreenparkProcess | null = null;
  /** All that the processes that have ended wrote to their logs. */
  #log = '';

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async register(folder: string): Promise<ParkUnderLoad> {
    const registry = await openRegistry(join(folder, 'registry.db'));
    await importDocument(registry, LOAD_PARK);
    await registry.gateways.setSecret('g-1' as GatewayId, await hashGatewaySecret('one'));
    registry.close();
    return new ParkUnderLoad(folder);
  }

  async start(env: Environment): Promise<void> {
    this.#service = await GreenparkProcess.start({ GREENPARK_DATA_DIR: this.folder, GREENPARK_ADMIN_PASSWORD: PASSWORD, ...env });
  }

  /** The same without waiting until it has started. */
  launch(env: Environment): void {
    this.#service = GreenparkProcess.launch({ GREENPARK_DATA_DIR: this.folder, GREENPARK_ADMIN_PASSWORD: PASSWORD, ...env });
  }

  get service(): GreenparkProcess {
    if (this.#service === null) throw new Error('the service does not run');
    return this.#service;
  }

  /** Ends the service; answers its code. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const { code, err } = await this.service.end(signal);
    this.#service = null;
    this.#log += err;
    return code;
  }

  /** A gateway's connection that comes back by itself. */
  async gateway(brokerUrl: string): Promise<MqttClient> {
    const client = await connectAsync(brokerUrl, {
      ...{ clientId: `gateway-${this.#clients.length}`, clean: false, protocolVersion: 4, username: 'g-1', password: 'one', reconnectPeriod: 100 },
    });
    client.on('error', () => {});
    this.#clients.push(client);
    return client;
  }

  /** Publishes through two connections until it is ended, a hundred messages each `restMs`. */
  async load(brokerUrl: string, restMs = 20): Promise<Load> {
    return new Load([await this.gateway(brokerUrl), await this.gateway(brokerUrl)], restMs);
  }

  /** The figure of `name` with these labels, as `{reason="not-json"}`, in the service's metrics. */
  async metric(name: string, labels = ''): Promise<number> {
    const text = await (await fetch(`${this.service.url}/metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith(`${name}${labels} `));
    return Number(line?.split(' ')[1] ?? Number.NaN);
  }

  /** Parts of the service that /readyz says are not ready. */
  async notReady(): Promise<string[]> {
    const { parts } = (await (await fetch(`${this.service.url}/readyz`)).json()) as { parts: { part: string; ready: boolean }[] };
    return parts.filter(({ ready }) => !ready).map(({ part }) => part);
  }

  administrator(): Promise<Caller> {
    return Caller.signIn(this.service.url, 'admin', PASSWORD);
  }

  /** Messages of the log so far, over all processes. */
  get said(): string[] {
    const lines = (this.#log + (this.#service?.log ?? '')).split('\n').filter((line) => line.startsWith('{'));
    return lines.map((line) => (JSON.parse(line) as { msg?: string }).msg ?? '');
  }

  async close(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.end(true);
    await this.#service?.end('SIGKILL');
  }
}

/** Seconds since `begun` (performance.now()), as a test prints them. */
export const secondsSince = (begun: number): string => `${((performance.now() - begun) / 1000).toFixed(1)} s`;
