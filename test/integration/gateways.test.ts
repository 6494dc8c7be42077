import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { connectAsync, type MqttClient } from 'mqtt';
import { Station } from '../../ingest/simulators/hj212-station.ts';
import type { GatewayId } from '../../model/ids.ts';
import type { GatewayStanding } from '../../model/ingest.ts';
import type { ParkSnapshot } from '../../model/live.ts';
import { importDocument } from '../../store/registry/document.ts';
import { hashGatewaySecret } from '../../store/registry/gateway-secret.ts';
import { openRegistry } from '../../store/registry/open.ts';
import { requireServer } from '../real-servers.ts';
import { Mosquitto } from '../servers/mosquitto.ts';
import { freePort } from '../servers/program.ts';
import { Caller, eventually } from './callers.ts';
import { type Environment, GreenparkProcess } from './greenpark-process.ts';
import { EdgeNode } from './sparkplug-node.ts';

const PASSWORD = 'a password for tests';
const meter = (id: string, kind: string, gateway: string) => ({
  ...{ id, park: 'p-1', enterprise: null, name: id, kind, parent: null, multiplier: 1, gateway, intervalSeconds: 3600 },
});
const gateway = (id: string, link?: object) => ({ id, park: 'p-1', name: `Name of ${id}`, ...(link === undefined ? {} : { link }) });
const PARK = {
  parks: [{ id: 'p-1', name: 'Park', region: '510112', timeZone: 'Asia/Shanghai' }],
  gateways: [
    gateway('plain'),
    gateway('logger', { type: 'hj212', mn: 'MN1', meter: 'stack-1' }),
    gateway('edge', { type: 'sparkplug', group: 'park', node: 'node-1', devices: { 'Meter 1': 'meter-1' } }),
  ],
  meters: [meter('plain-1', 'electricity', 'plain'), meter('stack-1', 'stack', 'logger'), meter('meter-1', 'electricity', 'edge')],
};
const TOPIC = 'parks/p-1/meters/plain-1';

describe('gateways as the operator sees them, through the executable', function () {
  this.timeout(60_000);
  let folder: string;
  let service: GreenparkProcess;
  let operator: Caller;
  let ended: (() => unknown)[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'greenpark-gateways-'));
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
    service = await GreenparkProcess.start({
      GREENPARK_DATA_DIR: folder,
      GREENPARK_ADMIN_PASSWORD: PASSWORD,
      GREENPARK_SPARKPLUG_HOST_ID: 'greenpark',
      ...env,
    });
    ended.push(() => service.end('SIGKILL'));
    operator = await Caller.signIn(service.url, 'admin', PASSWORD);
  }

  async function join1(url: string, options: object = {}): Promise<MqttClient> {
    const client = await connectAsync(url, { reconnectPeriod: 0, ...options });
    ended.push(() => client.endAsync(true));
    return client;
  }

  /** Waits until the gateway stands so; answers all that is told of it. */
  const standing = (id: string | null, expected: Partial<GatewayStanding>): Promise<GatewayStanding> =>
    eventually(
      async () => {
        const all = await operator.items<GatewayStanding>('/api/v1/ingest/gateways');
        const one = all.find((each) => each.gateway === id);
        const fits = Object.entries(expected).every(([key, value]) => one?.[key as keyof GatewayStanding] === value);
        return fits && one;
      },
      `gateway ${id} as ${JSON.stringify(expected)}`,
    );

  /** Waits until the live view says so of the meter; answers since when. */
  const said = (id: string, online: boolean): Promise<number> =>
    eventually(
      async () => {
        const { body } = await operator.get<ParkSnapshot>('/api/v1/parks/p-1/state');
        const status = body.meters.find((each) => each.id === id)?.status ?? null;
        return status?.online === online && status.since;
      },
      `meter ${id} ${online ? 'online' : 'offline'}`,
    );

  /** What Prometheus would read of a gateway. */
  async function metric(name: string, id: string): Promise<number | undefined> {
    const { body } = await operator.get<string>('/metrics');
    const found = new RegExp(`^greenpark_gateway_${name}\\{gateway="${id}"\\} (.*)$`, 'm').exec(body)?.[1];
    return found === undefined ? undefined : Number(found);
  }

  it('are counted by whoever signed in: embedded broker, HJ 212, Sparkplug, HTTP', async () => {
    const port = await freePort();
    await start({ GREENPARK_HJ212_PORT: String(port) });
    const url = `mqtt://127.0.0.1:${service.mqttPort}`;
    await standing('plain', { state: 'ok', connected: null, lastSeen: null, messages: 0 });

    const plain = await join1(url, { username: 'plain', password: 'plain secret' });
    await plain.publishAsync(`${TOPIC}/readings`, '{"active_power": 5, "nonsense": 1}', { qos: 1 });
    await standing('plain', { state: 'refused', connected: true, transport: 'embedded', messages: 1, readings: 1, refused: 1 });
    await plain.endAsync();
    await standing('plain', { connected: false });
    const refused = await join1(url, { username: 'logger', password: 'logger secret' }).catch((error: Error) => error.message);
    expect(refused, 'a logger has nothing to say at the broker').to.match(/not authorized/i);
    expect([await metric('connected', 'plain'), await metric('messages_total', 'plain'), await metric('received_bytes_total', 'plain')]).to.deep.equal([
      0, 1, 34,
    ]);

    const logger = await Station.connect({ host: '127.0.0.1', port, mn: 'MN1', pw: 'logger secret' });
    expect(await logger.send({ cn: '2011', st: '31', at: Date.now(), groups: ['a21026-Rtd=5,a21026-Flag=N'] })).to.equal(true);
    await standing('logger', { state: 'ok', connected: true, transport: 'hj212', messages: 1, readings: 1 });
    logger.close();
    await standing('logger', { state: 'offline', connected: false });

    const power = { name: 'active_power', type: 'Double' as const, value: 5, alias: 1, timestamp: Date.now() };
    const node = new EdgeNode(url, 'node-1', [{ id: 'Meter 1', metrics: () => [power] }], { username: 'edge', password: 'edge secret' });
    ended.push(() => node.stop());
    await standing('edge', { state: 'ok', connected: true, transport: 'embedded', readings: 1 });

    const pushed = await fetch(`${service.url}/api/v1/readings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Basic ${Buffer.from('plain:plain secret').toString('base64')}` },
      body: JSON.stringify({ meter: 'plain-1', ts: Date.now() + 5, values: { active_power: 6 } }),
    });
    expect(pushed.status).to.equal(200);
    await standing('plain', { transport: 'http', messages: 2, readings: 2 });
  });

  it('are told by the records of their meters where another broker hides them, and are gone by their will', async function () {
    const mosquitto = await Mosquitto.start(requireServer(this, 'mosquitto'));
    ended.push(() => mosquitto.remove());
    await start({ GREENPARK_MQTT_URL: mosquitto.url });
    const will = { topic: `${TOPIC}/status`, payload: 'offline', qos: 1, retain: true };
    const plain = await join1(mosquitto.url, { will });
    await plain.publishAsync(`${TOPIC}/status`, 'online', { qos: 1, retain: true });
    await plain.publishAsync(`${TOPIC}/readings`, '{"active_power": 5}', { qos: 1 });
    await plain.publishAsync('parks/p-1/meters/unheard-of/readings', '{"active_power": 5}', { qos: 1 });
    const { lastSeen } = await standing('plain', { state: 'ok', connected: true, transport: 'mqtt', messages: 2, readings: 1 });
    await standing(null, { state: 'refused', messages: 1, refused: 1 });
    const since = await said('plain-1', true);
    plain.stream.destroy();
    await standing('plain', { state: 'offline', connected: false, messages: 3, lastSeen });
    expect(await said('plain-1', false)).to.be.within(since, Date.now());

    const power = { name: 'active_power', type: 'Double' as const, value: 5, alias: 1, timestamp: Date.now() };
    const node = new EdgeNode(mosquitto.url, 'node-1', [{ id: 'Meter 1', metrics: () => [power] }]);
    ended.push(() => node.stop());
    await standing('edge', { state: 'ok', connected: true, transport: 'sparkplug', readings: 1 });
    expect(await metric('connected', 'edge'), 'the births tell that').to.equal(1);
    await said('meter-1', true);
    node.cut();
    await standing('edge', { state: 'offline', connected: false });
    await said('meter-1', false);
  });
});
