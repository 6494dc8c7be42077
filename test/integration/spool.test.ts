import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { connectAsync, type MqttClient } from 'mqtt';
import type { GatewayId } from '../../model/ids.ts';
import { importDocument } from '../../store/registry/document.ts';
import { hashGatewaySecret } from '../../store/registry/gateway-secret.ts';
import { openRegistry } from '../../store/registry/open.ts';
import { requireServer } from '../real-servers.ts';
import { Influx } from '../servers/influx.ts';
import { eventually } from './callers.ts';
import { LOAD_PARK, storedInInflux } from './counted-load.ts';
import { GreenparkProcess } from './greenpark-process.ts';

describe('the spool, before a real InfluxDB', function () {
  this.timeout(120_000);
  let folder: string;
  let influx: Influx | null = null;
  let service: GreenparkProcess | null = null;
  let gateway: MqttClient | null = null;
  let sent = 0;
  const from = Date.now() - 3_600_000;

  beforeEach(async function () {
    sent = 0;
    folder = await mkdtemp(join(tmpdir(), 'greenpark-spool-'));
    influx = await Influx.start(requireServer(this, 'influxd'));
    const registry = await openRegistry(join(folder, 'registry.db'));
    await importDocument(registry, LOAD_PARK);
    await registry.gateways.setSecret('g-1' as GatewayId, await hashGatewaySecret('one'));
    registry.close();
    await start();
  });
  afterEach(async () => {
    gateway?.end(true);
    await service?.end('SIGKILL');
    await influx?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(): Promise<void> {
    service = await GreenparkProcess.start({
      GREENPARK_DATA_DIR: folder,
      GREENPARK_ADMIN_PASSWORD: 'a password for tests',
      GREENPARK_INFLUX_URL: influx?.url ?? '',
      GREENPARK_INFLUX_VERSION: '1',
    });
    gateway = await connectAsync(`mqtt://127.0.0.1:${service.mqttPort}`, { username: 'g-1', password: 'one', reconnectPeriod: 0 });
    gateway.on('error', () => {});
  }

  /** Publishes `count` readings more, the n-th of value n, and answers when each has its PUBACK. */
  async function publish(count: number): Promise<void> {
    const all = Array.from({ length: count }, () => {
      const n = sent++;
      return gateway?.publishAsync(`parks/p-1/meters/m-${1 + (n % 2)}/readings`, JSON.stringify({ ts: from + n, values: { active_power: n } }), { qos: 1 });
    });
    await Promise.all(all);
  }

  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`${service?.url}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1]);
  }

  const expectAll = async () => expect(await storedInInflux(influx?.url ?? '')).to.deep.equal(Array.from({ length: sent }, (_, n) => n));

  it('takes readings while the server is killed under load, and everything is there once when it is back', async () => {
    await publish(1000);
    const underWay = publish(2000);
    await influx?.kill();
    await underWay;
    await publish(2000);
    expect(await metric('greenpark_spool_readings')).to.be.within(2000, 4000);
    const { status } = await fetch(`${service?.url}/readyz`);
    expect(status).to.equal(503);
    await influx?.start();
    const begun = performance.now();
    await eventually(async () => (await metric('greenpark_spool_readings')) === 0, 'an empty spool', 30_000);
    console.log(`      drained ${((performance.now() - begun) / 1000).toFixed(1)} s after the server answered again`);
    await publish(500);
    await expectAll();
  });

  it('takes readings while the server is frozen, as soon as its silence is long enough', async () => {
    await publish(200);
    await influx?.pause();
    const begun = performance.now();
    await publish(1000);
    console.log(`      acknowledged ${((performance.now() - begun) / 1000).toFixed(1)} s after the server fell silent`);
    await influx?.resume();
    await eventually(async () => (await metric('greenpark_spool_readings')) === 0, 'an empty spool', 30_000);
    await publish(200);
    await expectAll();
  });

  it('keeps what waits over kill -9 of the service, and the next process drains it', async () => {
    await publish(500);
    await influx?.kill();
    await publish(1500);
    await service?.end('SIGKILL');
    await influx?.start();
    await start();
    await publish(500);
    await eventually(async () => (await metric('greenpark_spool_readings')) === 0, 'an empty spool', 30_000);
    await expectAll();
  });
});
