import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
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
import { type Environment, GreenparkProcess } from './greenpark-process.ts';

const READINGS_A_MESSAGE = 100;

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

  async function start(env: Environment = {}): Promise<void> {
    service = await GreenparkProcess.start({
      GREENPARK_DATA_DIR: folder,
      GREENPARK_ADMIN_PASSWORD: 'a password for tests',
      GREENPARK_INFLUX_URL: influx?.url ?? '',
      GREENPARK_INFLUX_VERSION: '1',
      ...env,
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

  it('says that nothing more is taken when it is full too, though the few who send wait far from any bound', async () => {
    await service?.end('SIGTERM');
    const config = join(folder, 'greenpark.yaml');
    await writeFile(config, 'ingest: { spoolLimitMb: 1 }');
    await start({ GREENPARK_CONFIG: config });
    await publish(100);
    await influx?.kill();
    let enough = false;
    const sending = (async () => {
      while (!enough) {
        const frames = Array.from({ length: 1000 }, () => ({ ts: from + sent, values: { active_power: sent++ } }));
        await gateway?.publishAsync('parks/p-1/meters/m-1/readings', JSON.stringify(frames), { qos: 1 });
      }
    })();
    await eventually(async () => (await metric('greenpark_ingest_full')) === 1, 'the metric', 60_000);
    expect(await metric('greenpark_ingest_pending_messages')).to.equal(1);
    const { parts } = (await (await fetch(`${service?.url}/readyz`)).json()) as { parts: { part: string; ready: boolean; detail?: string }[] };
    expect(parts.find(({ part }) => part === 'ingest')).to.deep.equal({
      ...{ part: 'ingest', ready: false, detail: 'neither the store nor the spool takes readings: senders wait' },
    });
    await influx?.start();
    await eventually(async () => (await metric('greenpark_ingest_full')) === 0, 'the metric after it', 30_000);
    enough = true;
    await sending;
    await eventually(async () => (await metric('greenpark_spool_readings')) === 0, 'an empty spool', 30_000);
    await expectAll();
  });

  it('holds every sender back when it is full too, and nothing is lost when the server is back', async () => {
    await service?.end('SIGTERM');
    const config = join(folder, 'greenpark.yaml');
    await writeFile(config, 'ingest: { spoolLimitMb: 1, maxPendingReadings: 2000 }');
    await start({ GREENPARK_CONFIG: config });
    await publish(100);
    await influx?.kill();

    let acknowledged = 0;
    let putOff = 0;
    let enough = false;
    const take = (): number[] => {
      const first = sent;
      sent += READINGS_A_MESSAGE;
      return Array.from({ length: READINGS_A_MESSAGE }, (_, index) => first + index);
    };
    const frame = (n: number) => ({ ts: from + n, values: { active_power: n } });
    const publisher = async () => {
      while (!enough) {
        await gateway?.publishAsync('parks/p-1/meters/m-1/readings', JSON.stringify(take().map(frame)), { qos: 1 });
        acknowledged++;
      }
    };
    const headers = { authorization: `Basic ${Buffer.from('g-1:one').toString('base64')}`, 'content-type': 'application/json' };
    const pusher = async () => {
      while (!enough) {
        const body = JSON.stringify(take().map((n) => ({ meter: 'm-2', ...frame(n) })));
        for (;;) {
          const answer = await fetch(`${service?.url}/api/v1/readings`, { method: 'POST', headers, body });
          await answer.arrayBuffer();
          if (answer.ok) break;
          expect([answer.status, answer.headers.get('retry-after')]).to.deep.equal([503, '5']);
          putOff++;
          await rest(100);
        }
        acknowledged++;
      }
    };
    // One message each: together more than may be uncommitted.
    const senders = [...Array.from({ length: 30 }, publisher), ...Array.from({ length: 3 }, pusher)];

    const parts = async () => (await (await fetch(`${service?.url}/readyz`)).json()) as { parts: { part: string; ready: boolean; detail?: string }[] };
    const told = (name: string) =>
      eventually(async () => (await parts()).parts.find(({ part, ready }) => part === name && !ready), `${name} in /readyz`, 60_000);
    expect((await told('spool')).detail).to.match(/^\d+ readings wait on disk for the store; it takes no more now$/);
    await told('ingest');
    // Answers that were on their way, and a group that was small enough for the room that was left.
    await rest(2000);
    const [before, spooled] = [acknowledged, await metric('greenpark_spool_readings')];
    await rest(1000);
    expect(acknowledged, 'nobody has an answer while nothing is kept').to.equal(before);
    expect(await metric('greenpark_spool_bytes')).to.be.at.most(1_048_576);

    await influx?.start();
    const begun = performance.now();
    await eventually(() => acknowledged > before, 'an answer again', 30_000);
    const again = performance.now() - begun;
    enough = true;
    await Promise.all(senders);
    await eventually(async () => (await metric('greenpark_spool_readings')) === 0, 'an empty spool', 30_000);
    await expectAll();
    console.log(
      `      ${spooled} readings in a spool of 1 MB; ${putOff} pushes put off; ${sent} readings stored once; answers again ${(again / 1000).toFixed(1)} s after the server answered`,
    );
  });
});
