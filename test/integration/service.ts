import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { connectAsync, type MqttClient } from 'mqtt';
import { pino } from 'pino';
import { readConfig } from '../../config.ts';
import { createApp, type Greenpark, type Started } from '../../main.ts';
import type { Clock } from '../../model/clock.ts';
import { requireServer } from '../real-servers.ts';
import { Influx } from '../servers/influx.ts';
import { Mosquitto } from '../servers/mosquitto.ts';
import type { Environment } from './greenpark-process.ts';

/** What readings come through and rest in, beside the service. */
export interface Surroundings {
  readonly env: Environment;
  /** Of a broker that is not ours; null where the service is one itself. */
  readonly brokerUrl: string | null;
  remove(): Promise<void>;
}

export const SURROUNDINGS: readonly { readonly name: string; readonly prepare: (test: Context) => Promise<Surroundings> }[] = [
  { name: 'the embedded broker and store', prepare: async () => ({ env: {}, brokerUrl: null, remove: async () => {} }) },
  { name: 'a real Mosquitto and a real InfluxDB', prepare: realServers },
];

async function realServers(test: Context): Promise<Surroundings> {
  const programs = { mosquitto: requireServer(test, 'mosquitto'), influxd: requireServer(test, 'influxd') };
  const [mosquitto, influx] = await Promise.all([Mosquitto.start(programs.mosquitto), Influx.start(programs.influxd)]);
  return {
    env: { GREENPARK_MQTT_URL: mosquitto.url, GREENPARK_INFLUX_URL: influx.url, GREENPARK_INFLUX_VERSION: '1', GREENPARK_INFLUX_BUCKET: 'greenpark' },
    brokerUrl: mosquitto.url,
    async remove() {
      await Promise.all([mosquitto.remove(), influx.remove()]);
    },
  };
}

export const ADMIN_PASSWORD = 'a password for tests';

/** The whole service in this process, as `npm start` builds it, on free ports and a folder of its own; may be started again on it. */
export class Service {
  readonly folder: string;
  /** Everything that it logged as a fault. */
  readonly faults: string[] = [];
  readonly #env: Environment;
  readonly #brokerUrl: string | null;
  readonly #clock: Clock;
  #app: Greenpark | null = null;
  #started: Started | null = null;

  private constructor(folder: string, { env, brokerUrl }: Surroundings, clock: Clock) {
    this.folder = folder;
    this.#env = env;
    this.#brokerUrl = brokerUrl;
    this.#clock = clock;
  }

  static async start(surroundings: Surroundings, clock: Clock): Promise<Service> {
    const service = new Service(await mkdtemp(join(tmpdir(), 'greenpark-service-')), surroundings, clock);
    await service.start();
    return service;
  }

  async start(): Promise<void> {
    const config = readConfig({
      GREENPARK_DATA_DIR: this.folder,
      GREENPARK_HTTP_PORT: '0',
      GREENPARK_HTTP_HOST: '127.0.0.1',
      GREENPARK_MQTT_PORT: '0',
      GREENPARK_MQTT_HOST: '127.0.0.1',
      GREENPARK_ADMIN_PASSWORD: ADMIN_PASSWORD,
      ...this.#env,
    });
    const logger = pino({ level: 'error' }, { write: (line) => void this.faults.push(line) });
    this.#app = createApp(config, { clock: this.#clock, logger });
    this.#started = await this.#app.start();
  }

  get url(): string {
    return this.#started?.http.url ?? '';
  }

  /** A gateway that signed in at the broker. */
  gateway(username: string, password: string): Promise<MqttClient> {
    const url = this.#brokerUrl ?? `mqtt://127.0.0.1:${this.#started?.mqttPort}`;
    return connectAsync(url, { username, password, reconnectPeriod: 0 });
  }

  async stop(): Promise<void> {
    await this.#app?.stop();
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
