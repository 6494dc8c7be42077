import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { expect } from 'chai';
import { connectAsync } from 'mqtt';
import { Station, stamp } from '../../ingest/simulators/hj212-station.ts';
import type { GatewayId } from '../../model/ids.ts';
import { quantityOf } from '../../model/quantities.ts';
import { openEmbeddedStore } from '../../store/embedded/open.ts';
import { importDocument } from '../../store/registry/document.ts';
import { hashGatewaySecret } from '../../store/registry/gateway-secret.ts';
import { openRegistry } from '../../store/registry/open.ts';
import { until } from '../ingest/harness.ts';
import { freePort } from '../servers/program.ts';
import { Caller, eventually } from './callers.ts';
import { storedIn } from './counted-load.ts';
import { type Environment, GreenparkProcess } from './greenpark-process.ts';
import { EdgeNode } from './sparkplug-node.ts';

const PASSWORD = 'a password for tests';
const ITEMS_A_PUSH = 5;
const meter = (id: string, kind: string, gateway: string) => ({
  ...{ id, park: 'p-1', enterprise: null, name: id, kind, parent: null, multiplier: 1, gateway, intervalSeconds: 60 },
});
const PARK = {
  parks: [{ id: 'p-1', name: 'Park', region: '510112', timeZone: 'Asia/Shanghai' }],
  gateways: [
    { id: 'pusher', park: 'p-1', name: 'Pusher' },
    { id: 'logger', park: 'p-1', name: 'Logger', link: { type: 'hj212', mn: 'MN1', meter: 'stack-1' } },
    {
      ...{ id: 'edge', park: 'p-1', name: 'Edge' },
      link: {
        ...{ type: 'sparkplug', group: 'park', node: 'node-1', devices: { 'Meter 1': 'meter-1' } },
        metrics: { 'Power/Total': { quantity: 'active_power', scale: 0.001 } },
      },
    },
  ],
  meters: [meter('stack-1', 'stack', 'logger'), meter('meter-1', 'electricity', 'edge'), meter('pushed-1', 'electricity', 'pusher')],
};

describe('ways in beside MQTT, through the executable', function () {
  this.timeout(120_000);
  let folder: string;
  let service: GreenparkProcess;
  let ended: (() => unknown)[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'greenpark-ways-'));
    const registry = await openRegistry(join(folder, 'registry.db'));
    await importDocument(registry, PARK);
    for (const { id } of PARK.gateways) await registry.gateways.setSecret(id as GatewayId, await hashGatewaySecret(`${id} secret`));
    registry.close();
  });
  afterEach(async () => {
    for (const end of ended.reverse()) await end();
    ended = [];
    await rm(folder, { recursive: true, force: true });
  });

  async function start(env: Environment): Promise<void> {
    service = await GreenparkProcess.start({ GREENPARK_DATA_DIR: folder, GREENPARK_ADMIN_PASSWORD: PASSWORD, ...env });
    ended.push(() => service.end('SIGKILL'));
  }

  it('keeps every HJ 212 message that was answered, and none twice, though the service is killed three times', async () => {
    const port = await freePort();
    await start({ GREENPARK_HJ212_PORT: String(port) });
    const from = Date.now() - 86_400_000;
    let next = 0;
    let answered = 0;
    let enough = false;
    const connected = async (): Promise<Station> => {
      for (;;) {
        try {
          return await Station.connect({ host: '127.0.0.1', port, mn: 'MN1', pw: 'logger secret', answerWithinMs: 5000 });
        } catch {
          await rest(20);
        }
      }
    };
    const logger = async (): Promise<void> => {
      let station = await connected();
      for (let n = next++; !enough; n = next++) {
        const message = { cn: '2011', st: '31', at: from + n * 1000, groups: [`a21026-Rtd=${n % 1000},a21026-Flag=N`] } as const;
        while (!(await station.send(message))) {
          station.close();
          station = await connected();
        }
        answered++;
      }
      next--;
      station.close();
    };
    const loggers = Array.from({ length: 4 }, logger);
    const recoveries: string[] = [];
    for (let kill = 1; kill <= 3; kill++) {
      const before = answered;
      await eventually(async () => answered > before + 50, 'the first answers of this life');
      await rest(Math.random() * 500);
      await service.end('SIGKILL');
      const [unanswered, begun] = [answered, performance.now()];
      await start({ GREENPARK_HJ212_PORT: String(port) });
      await eventually(async () => answered > unanswered, 'an answer after the kill');
      recoveries.push(((performance.now() - begun) / 1000).toFixed(1));
    }
    enough = true;
    await Promise.all(loggers);
    expect(await (await fetch(`${service.url}/metrics`)).text()).to.match(/^greenpark_hj212_answers_total [1-9]/m);
    expect(await service.end('SIGTERM')).to.include({ code: 0 });
    const [registry, store] = [await openRegistry(join(folder, 'registry.db')), await openEmbeddedStore({ directory: join(folder, 'readings') })];
    try {
      const ordinal = (await registry.meters.all()).find(({ id }) => id === 'stack-1')?.ordinal ?? -1;
      const { ts } = await store.raw({ meter: ordinal, quantity: quantityOf('stack_so2').code, from: 0, to: Date.now(), limit: 1_000_000 });
      const second = (at: number) => stamp(at);
      expect(Array.from(ts, second)).to.deep.equal(Array.from({ length: answered }, (_, n) => second(from + n * 1000)));
      console.log(`      ${answered} messages answered, all stored once; answers again ${recoveries.join(', ')} s after the start`);
    } finally {
      await store.close();
      registry.close();
    }
  });

  it('stores every HTTP push that was answered 2xx once, though the service is killed three times and senders repeat what had no answer', async () => {
    const port = String(await freePort());
    await start({ GREENPARK_HTTP_PORT: port });
    const from = Date.now() - 86_400_000;
    const authorization = `Basic ${Buffer.from('pusher:pusher secret').toString('base64')}`;
    const headers = { authorization, 'content-type': 'application/json' };
    let next = 0;
    let answered = 0;
    let repeated = 0;
    let enough = false;
    const push = async (n: number): Promise<void> => {
      const items = Array.from({ length: ITEMS_A_PUSH }, (_, item) => n * ITEMS_A_PUSH + item).map((value) => ({
        ...{ meter: 'pushed-1', ts: from + value, values: { active_power: value } },
      }));
      for (;;) {
        const answer = await fetch(`http://127.0.0.1:${port}/api/v1/readings`, { method: 'POST', headers, body: JSON.stringify(items) }).catch(() => null);
        const said = answer?.ok === true ? ((await answer.json().catch(() => null)) as { accepted: number; duplicates: number } | null) : null;
        if (said !== null) {
          // A repeat of what was stored without an answer is told as that.
          expect(said.accepted + said.duplicates).to.equal(ITEMS_A_PUSH);
          return;
        }
        repeated++;
        await rest(20);
      }
    };
    const sender = async (): Promise<void> => {
      while (!enough) {
        await push(next++);
        answered++;
      }
    };
    const senders = Array.from({ length: 8 }, sender);
    const recoveries: string[] = [];
    for (let kill = 1; kill <= 3; kill++) {
      const before = answered;
      await eventually(() => answered > before + 50, 'the first answers of this life');
      await rest(Math.random() * 500);
      await service.end('SIGKILL');
      const [unanswered, begun] = [answered, performance.now()];
      await start({ GREENPARK_HTTP_PORT: port });
      await eventually(() => answered > unanswered, 'an answer after the kill');
      recoveries.push(((performance.now() - begun) / 1000).toFixed(1));
    }
    enough = true;
    await Promise.all(senders);
    expect(answered).to.equal(next);
    expect(await service.end('SIGTERM')).to.include({ code: 0 });
    const readings = answered * ITEMS_A_PUSH;
    expect(await storedIn(folder, { from, total: readings })).to.deep.equal(Array.from({ length: readings }, (_, n) => n));
    console.log(
      `      ${answered} pushes of ${ITEMS_A_PUSH} answered, all stored once, ${repeated} attempts without an answer; answers again ${recoveries.join(', ')} s after the start`,
    );
  });

  it('is the host of a real Sparkplug edge node on the embedded broker, and again after kill -9', async () => {
    const mqtt = String(await freePort());
    const env = { GREENPARK_MQTT_PORT: mqtt, GREENPARK_SPARKPLUG_HOST_ID: 'greenpark' };
    await start(env);
    const admin = await Caller.signIn(service.url, 'admin', PASSWORD);
    const url = `mqtt://127.0.0.1:${mqtt}`;
    const user = { username: 'edge', password: 'edge secret' };
    const heard: boolean[] = [];
    const listener = await connectAsync(url, { ...user, clientId: 'listener', reconnectPeriod: 50 });
    ended.push(() => listener.endAsync(true));
    listener.on('error', () => {});
    listener.on('message', (_topic, payload) => heard.push(JSON.parse(payload.toString()).online));
    await listener.subscribeAsync('spBv1.0/STATE/greenpark', { qos: 1 });
    await until(() => heard.length === 1, 'the retained state');
    let at = 0;
    const power = (value: number) => {
      // No two in one millisecond: the second would be the same reading again.
      at = Math.max(at + 1, Date.now());
      return [{ name: 'Power/Total', type: 'Double' as const, value, timestamp: at }];
    };
    const latest = async () => (await admin.items<{ quantity: string; value: number }>('/api/v1/meters/meter-1/latest')).map(({ value }) => value);
    const node = new EdgeNode(url, 'node-1', [{ id: 'Meter 1', metrics: () => power(1000) }], user);
    ended.push(() => node.stop());
    await node.born();
    await eventually(async () => (await latest())[0] === 1, 'the birth’s value');
    node.data('Meter 1', power(2000));
    await eventually(async () => (await latest())[0] === 2, 'the value in kW');
    node.loseOne();
    node.data('Meter 1', power(3000));
    await until(() => node.rebirths === 1, 'the request for the births');

    const { births } = node;
    await service.end('SIGKILL');
    await start(env);
    admin.url = service.url;
    await until(() => node.births > births, 'a birth for the new life');
    node.data('Meter 1', power(4000));
    await eventually(async () => (await latest())[0] === 4, 'a value in the new life');
    await until(() => heard.length >= 2, 'the state of the new life');
    const told = await (await fetch(`${service.url}/metrics`)).text();
    expect(told).to.match(/^greenpark_sparkplug_messages_total\{type="NBIRTH"\} [1-9]/m);
    expect(told).to.match(/^greenpark_broker_connections [1-9]/m);
    await service.end('SIGTERM');
    expect([heard[0], heard.at(-1)]).to.deep.equal([true, false]);
  });
});
