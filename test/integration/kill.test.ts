import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { expect } from 'chai';
import { connectAsync } from 'mqtt';
import type { GatewayId } from '../../model/ids.ts';
import { importDocument } from '../../store/registry/document.ts';
import { hashGatewaySecret } from '../../store/registry/gateway-secret.ts';
import { openRegistry } from '../../store/registry/open.ts';
import { requireServer } from '../real-servers.ts';
import { Mosquitto } from '../servers/mosquitto.ts';
import { freePort } from '../servers/program.ts';
import { Caller, eventually } from './callers.ts';
import { expectAllStoredOnce, LOAD_PARK, publishLoad } from './counted-load.ts';
import { type Environment, GreenparkProcess } from './greenpark-process.ts';

const KILLS = 3;
/** Connections that the gateway publishes through at the same time: as many as the embedded broker gives one. */
const SOCKETS = 4;
/** A service is killed at a random moment within this time after it stored its first readings, ms. */
const LIVES_MS = 1500;
const PASSWORD = 'a password for tests';

describe('kill -9 of the whole service under load, again and again', function () {
  this.timeout(60_000);
  let folder: string;
  let service: GreenparkProcess | null = null;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'greenpark-kill-'));
    const registry = await openRegistry(join(folder, 'registry.db'));
    await importDocument(registry, LOAD_PARK);
    await registry.gateways.setSecret('g-1' as GatewayId, await hashGatewaySecret('one'));
    registry.close();
  });

  afterEach(async () => {
    await service?.end('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  /** Publishes without a pause while the service is killed and started again; answers when it has ended with everything stored. */
  async function surviveKills(env: Environment, brokerUrl: string): Promise<void> {
    const start = async (): Promise<GreenparkProcess> => {
      const started = await GreenparkProcess.start({ GREENPARK_DATA_DIR: folder, GREENPARK_ADMIN_PASSWORD: PASSWORD, ...env });
      service = started;
      return started;
    };
    let current = await start();
    await eventually(async () => (await fetch(`${current.url}/readyz`)).status === 200, 'readiness');
    const admin = await Caller.signIn(current.url, 'admin', PASSWORD);
    const sockets = Array.from({ length: SOCKETS }, (_, index) =>
      connectAsync(brokerUrl, { clientId: `gateway-${index}`, clean: false, protocolVersion: 4, username: 'g-1', password: 'one', reconnectPeriod: 100 }),
    );
    const clients = await Promise.all(sockets);
    for (const client of clients) client.on('error', () => {});
    let enough = false;
    try {
      const from = Date.now() - 3_600_000;
      let acknowledged = 0;
      const published = publishLoad(clients, { from, more: () => !enough, restMs: 20, onAcknowledged: () => acknowledged++ });
      const lives: string[] = [];
      const recoveries: string[] = [];
      for (let kill = 0; kill < KILLS; kill++) {
        await eventually(async () => (await readingsStored(current)) > 0, 'the first readings of this life');
        const ms = Math.round(Math.random() * LIVES_MS);
        await rest(ms);
        lives.push(`${ms} ms, ${await readingsStored(current)} readings`);
        await current.end('SIGKILL');
        lives.push(`${acknowledged} PUBACKs`);
        const begun = performance.now();
        current = await start();
        await eventually(async () => (await readingsStored(current)) > 0, 'the first readings after the kill');
        recoveries.push(((performance.now() - begun) / 1000).toFixed(1));
      }
      enough = true;
      const load = await published;
      expect(acknowledged).to.equal(load.total);
      // Mosquitto acknowledges before the service has the message, but hands over in order: when the last one is there, all are.
      const last = load.from + load.total;
      await clients[0]?.publishAsync('parks/p-1/meters/m-1/readings', JSON.stringify({ ts: last, values: { active_power: 0 } }), { qos: 1 });
      // The session of before the kills still holds.
      admin.url = current.url;
      await eventually(
        async () => (await admin.items<{ ts: string }>('/api/v1/meters/m-1/latest')).some(({ ts }) => Date.parse(ts) === last),
        'the last reading',
        30_000,
      );
      expect(await current.end('SIGTERM')).to.include({ code: 0 });
      await expectAllStoredOnce(folder, load);
      console.log(`      ${load.total} messages published and acknowledged, all stored once; lives: ${lives.join(', ')}`);
      console.log(`      readings stored again ${recoveries.join(', ')} s after the start`);
    } finally {
      enough = true;
      await Promise.all(clients.map((client) => client.endAsync(true)));
    }
  }

  it('keeps every reading whose gateway had its PUBACK from the embedded broker, and none twice', async () => {
    const port = await freePort();
    await surviveKills({ GREENPARK_MQTT_PORT: String(port) }, `mqtt://127.0.0.1:${port}`);
  });

  it('keeps every reading whose gateway had its PUBACK from a real Mosquitto, and none twice', async function () {
    const mosquitto = await Mosquitto.start(requireServer(this, 'mosquitto'));
    try {
      await surviveKills({ GREENPARK_MQTT_URL: mosquitto.url }, mosquitto.url);
    } finally {
      await mosquitto.remove();
    }
  });
});

/** Readings that the service stored since it started, as it counts them itself. */
async function readingsStored({ url }: GreenparkProcess): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return [...text.matchAll(/^greenpark_ingest_readings_total\{arrival="(?:fresh|late)"\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}
