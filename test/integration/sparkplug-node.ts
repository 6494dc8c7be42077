import { newClient, type UPayload } from 'sparkplug-client';
import { until } from '../ingest/harness.ts';

type Client = ReturnType<typeof newClient>;

/** What of mqtt.js 4, which the client brings, a test has to reach. */
interface Inside {
  readonly client: { readonly stream: { destroy(): void }; publish(topic: string, payload: Buffer): void };
  seq: number;
}

export interface DeviceIn {
  readonly id: string;
  readonly metrics: () => NonNullable<UPayload['metrics']>;
}

/** A real edge node: the client `sparkplug-client` of npm with one station's devices, which answers requests for its births as it should. */
export class EdgeNode {
  readonly client: Client;
  rebirths = 0;
  births = 0;
  #messages = 0;
  readonly #devices: readonly DeviceIn[];

  constructor(url: string, name: string, devices: readonly DeviceIn[], user = { username: '', password: '' }, clientId = `edge-${name}`) {
    this.#devices = devices;
    this.client = newClient({ serverUrl: url, ...user, groupId: 'park', edgeNode: name, clientId, publishDeath: true });
    this.client.on('error', () => {});
    this.client.on('birth', () => this.#bear());
    this.client.on('ncmd', (payload) => {
      if (payload.metrics?.some((metric) => metric.name === 'Node Control/Rebirth' && metric.value === true) !== true) return;
      this.rebirths++;
      this.#bear();
    });
  }

  /** Messages that carry a sequence number, sent so far. */
  get messages(): number {
    return this.#messages;
  }

  async born(): Promise<void> {
    await until(() => this.births > 0, 'the node’s birth');
  }

  data(
    device: string,
    metrics: NonNullable<UPayload['metrics']>,
    options: { readonly compress?: boolean; readonly algorithm?: 'GZIP' | 'DEFLATE' } = {},
  ): void {
    this.#messages++;
    this.client.publishDeviceData(device, { timestamp: Date.now(), metrics }, options);
  }

  deviceDeath(device: string): void {
    this.#messages++;
    this.client.publishDeviceDeath(device, { timestamp: Date.now() });
  }

  /** The next message is numbered and never sent. */
  loseOne(): void {
    this.#inside.seq = (this.#inside.seq + 1) & 255;
  }

  /** As if its power went: the broker sends its will. */
  cut(): void {
    this.#inside.client.stream.destroy();
  }

  /** Any bytes under its name. */
  raw(topic: string, payload: Buffer): void {
    this.#inside.client.publish(topic, payload);
  }

  stop(): void {
    this.client.stop();
  }

  #bear(): void {
    this.#messages += 1 + this.#devices.length;
    this.client.publishNodeBirth({ timestamp: Date.now(), metrics: [{ name: 'Node Control/Rebirth', type: 'Boolean', value: false }] });
    for (const { id, metrics } of this.#devices) this.client.publishDeviceBirth(id, { timestamp: Date.now(), metrics: metrics() });
    this.births++;
  }

  get #inside(): Inside {
    return this.client as unknown as Inside;
  }
}
