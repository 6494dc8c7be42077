import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { connectAsync } from 'mqtt';
import { readConfig } from '../../config.ts';
import { type Core, openCore, Undo } from '../../core.ts';
import { SparkplugHost, type SparkplugHostOptions } from '../../ingest/transports/sparkplug-host.ts';
import { type QuantityName, quantityOf } from '../../model/quantities.ts';
import type { Gateway, Meter, Park } from '../../model/registry.ts';
import { quiet, until } from '../ingest/harness.ts';
import { requireServer } from '../real-servers.ts';
import { Mosquitto } from '../servers/mosquitto.ts';
import { EdgeNode } from './sparkplug-node.ts';

const STATE = 'spBv1.0/STATE/greenpark';
const T0 = Date.now() - 60_000;

describe('Sparkplug host on a real Mosquitto with a real edge node', function () {
  this.timeout(30_000);
  let mosquitto: Mosquitto;
  let core: Core;
  let undo: Undo;
  let folder: string;
  let program: string;
  let ended: (() => unknown)[] = [];

  before(function () {
    program = requireServer(this, 'mosquitto');
  });

  beforeEach(async () => {
    mosquitto = await Mosquitto.start(program);
    folder = await mkdtemp(join(tmpdir(), 'greenpark-sparkplug-'));
    undo = new Undo();
    core = await openCore(readConfig({ GREENPARK_DATA_DIR: folder, GREENPARK_LOG_LEVEL: 'silent' }), { clock: Date.now, logger: quiet }, undo);
    const park = { id: 'p-1', name: 'Park', region: '320500', timeZone: 'Asia/Shanghai' } as Park;
    await core.registry.parks.put(park);
    const link = {
      type: 'sparkplug',
      group: 'park',
      node: 'node-1',
      devices: { 'Meter 1': 'm-1' },
      metrics: { 'Power/Total': { quantity: 'active_power', scale: 0.001 } },
    };
    const gateway = { id: 'g-1', park: 'p-1', name: 'Edge' } as Gateway;
    await core.registry.gateways.put(gateway);
    for (const id of ['m-1', 'm-2']) await core.registry.meters.put(aMeter(id));
    await core.registry.gateways.put({ ...gateway, link } as unknown as Gateway);
    await core.directory.refresh();
  });

  afterEach(async () => {
    for (const end of ended.reverse()) await end();
    ended = [];
    await undo.run();
    await mosquitto.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const aMeter = (id: string): Meter =>
    ({ id, park: 'p-1', enterprise: null, name: id, kind: 'electricity', parent: null, multiplier: 1, gateway: 'g-1', intervalSeconds: 60 }) as Meter;

  async function host(override: Partial<SparkplugHostOptions> = {}): Promise<SparkplugHost> {
    const made = new SparkplugHost({
      url: mosquitto.url,
      hostId: 'greenpark',
      clientId: 'greenpark-sparkplug',
      pipeline: core.pipeline,
      directory: core.directory,
      clock: Date.now,
      logger: quiet,
      reconnect: { firstMs: 20, longestMs: 100 },
      times: { reorderMs: 200, rebirthEveryMs: 500 },
      keptStateMs: 20,
      ...override,
    });
    ended.push(() => made.stop(2000));
    await made.online(5000);
    return made;
  }

  async function edge(name: string, ...devices: ConstructorParameters<typeof EdgeNode>[2]): Promise<EdgeNode> {
    const node = new EdgeNode(mosquitto.url, name, devices);
    ended.push(() => node.stop());
    await node.born();
    return node;
  }

  /** Every word on the host's STATE, the retained one first. */
  async function listener(user: { username?: string; password?: string } = {}): Promise<{ readonly heard: { online: boolean; timestamp: number }[] }> {
    const client = await connectAsync(mosquitto.url, user);
    ended.push(() => client.endAsync(true));
    const heard: { online: boolean; timestamp: number }[] = [];
    client.on('message', (_topic, payload) => heard.push(JSON.parse(payload.toString())));
    await client.subscribeAsync(STATE, { qos: 1 });
    return { heard };
  }

  async function stored(meter: string, quantity: QuantityName): Promise<{ ts: number; value: number }[]> {
    const ordinal = core.directory.current.meter(meter)?.ordinal ?? -1;
    const { ts, value } = await core.store.raw({ meter: ordinal, quantity: quantityOf(quantity).code, from: 0, to: Date.now() + 3_600_000, limit: 100_000 });
    return Array.from(ts, (at, row) => ({ ts: at, value: value[row] ?? Number.NaN }));
  }

  const idle = () => until(() => core.pipeline.stats.pendingMessages === 0, 'the commits');
  const power = (value: number, more: object = {}) => ({ name: 'Power/Total', type: 'Double' as const, value, ...more });
  const online = (made: SparkplugHost) => made.sessions.nodes().map((node) => [node.node, node.online, ...node.devices.map((device) => device.online)]);

  it('stores what births and data say, to the last reading, by alias, with its own times, packed or not', async () => {
    const made = await host();
    const birth = [
      power(1000, { alias: 1, timestamp: T0 }),
      { name: 'temperature_of_nothing', type: 'String' as const, value: 'x', alias: 2 },
      { name: 'reactive_power', type: 'Int16' as const, value: -7, alias: 3, timestamp: T0 },
    ];
    const node = await edge(
      'node-1',
      { id: 'Meter 1', metrics: () => birth },
      { id: 'm-2', metrics: () => [{ name: 'voltage_a', type: 'Float', value: 230, alias: 9, timestamp: T0 }] },
    );
    const count = 500;
    for (let at = 1; at <= count; at++) {
      const compress = at % 3 === 0 ? { compress: true, algorithm: at % 2 === 0 ? ('GZIP' as const) : ('DEFLATE' as const) } : {};
      node.data(
        'Meter 1',
        [{ alias: 1, type: 'Double', value: at, timestamp: T0 + at } as never, { alias: 3, type: 'Int16', value: -at, timestamp: T0 + at } as never],
        compress,
      );
    }
    await until(() => made.sessions.stats.messages.DDATA === count, 'the data');
    await idle();
    expect(made.sessions.stats).to.include({ gaps: 0, withoutBirth: 0, rebirthsAsked: 0 });
    expect(core.pipeline.stats).to.include({ messages: node.messages, accepted: node.messages, partly: 0, refused: 0 });
    const readings = await stored('m-1', 'active_power');
    expect(readings).to.have.length(count + 1);
    expect(readings[0]).to.deep.equal({ ts: T0, value: 1 });
    expect(readings.at(-1)).to.deep.equal({ ts: T0 + count, value: count * 0.001 });
    expect((await stored('m-1', 'reactive_power')).at(-1)?.value).to.equal(-count);
    expect(await stored('m-2', 'voltage_a')).to.deep.equal([{ ts: T0, value: 230 }]);
  });

  it('counts what a node sends for the gateway that is linked with it, and strangers among the others', async () => {
    await host();
    const node = await edge('node-1', { id: 'Meter 1', metrics: () => [power(1000, { alias: 1, timestamp: T0 })] });
    await edge('node-9', { id: 'm-2', metrics: () => [{ name: 'voltage_a', type: 'Float', value: 230, alias: 9, timestamp: T0 }] });
    await until(() => core.gateways.others.messages === 2, 'the births of the stranger');
    await until(() => core.gateways.of('g-1').messages === 2, 'the births');
    const { readings, refused, transport, lastSeen } = core.gateways.of('g-1');
    expect([readings, refused, transport]).to.deep.equal([1, 0, 'sparkplug']);
    // The will is the broker’s word: it is not the node that is seen.
    node.cut();
    await until(() => core.gateways.of('g-1').messages === 3, 'the death');
    expect(core.gateways.of('g-1').lastSeen).to.equal(lastSeen);
  });

  it('takes history and null for what they are', async () => {
    const made = await host();
    const node = await edge('node-1', { id: 'Meter 1', metrics: () => [power(1, { timestamp: T0 })] });
    const past = T0 - 3_600_000;
    node.data('Meter 1', [
      power(5000, { timestamp: T0 + 10 }),
      power(2000, { timestamp: past, isHistorical: true }),
      power(0, { value: null, timestamp: T0 + 11 }),
    ]);
    await until(() => made.sessions.stats.messages.DDATA === 1, 'the data');
    await idle();
    expect(made.sessions.stats).to.include({ historical: 1, nulls: 1 });
    expect(await stored('m-1', 'active_power')).to.deep.equal([
      { ts: past, value: 2 },
      { ts: T0, value: 0.001 },
      { ts: T0 + 10, value: 5 },
    ]);
  });

  it('asks for the births when a message is lost, and the node sends them', async () => {
    const made = await host();
    const node = await edge('node-1', { id: 'Meter 1', metrics: () => [power(1, { alias: 1 })] });
    node.data('Meter 1', [power(1)]);
    node.loseOne();
    node.data('Meter 1', [power(2)]);
    await until(() => node.rebirths === 1, 'the request', 5000);
    await until(() => made.sessions.stats.messages.NBIRTH === 2, 'the births');
    node.data('Meter 1', [power(3)]);
    await until(() => made.sessions.stats.messages.DDATA === 3, 'the data');
    expect(made.sessions.stats).to.include({ gaps: 1, messagesLost: 1, rebirthsAsked: 1 });
    expect(core.pipeline.stats.messages, 'the host’s own command is no message to it').to.equal(node.messages);
  });

  it('sees a device die, a node die by its will, and both return', async () => {
    const made = await host();
    const node = await edge('node-1', { id: 'Meter 1', metrics: () => [power(1)] }, { id: 'm-2', metrics: () => [] });
    await until(() => made.sessions.stats.messages.DBIRTH === 2, 'the births');
    expect(online(made)).to.deep.equal([['node-1', true, true, true]]);
    node.deviceDeath('m-2');
    await until(() => made.sessions.stats.messages.DDEATH === 1, 'the death of the device');
    expect(online(made)).to.deep.equal([['node-1', true, true, false]]);
    node.cut();
    await until(() => made.sessions.stats.messages.NDEATH === 1, 'the death of the node');
    expect(online(made)).to.deep.equal([['node-1', false, false, false]]);
    await until(() => made.sessions.stats.messages.DBIRTH === 4, 'its return');
    expect(online(made)).to.deep.equal([['node-1', true, true, true]]);
  });

  it('a host that starts among living nodes asks them for their births, once', async () => {
    const node = await edge('node-1', { id: 'Meter 1', metrics: () => [power(1, { alias: 1 })] });
    const first = await host();
    expect(first.sessions.nodes()).to.deep.equal([]);
    node.data('Meter 1', [{ alias: 1, type: 'Double', value: 5 } as never]);
    node.data('Meter 1', [{ alias: 1, type: 'Double', value: 6 } as never]);
    await until(() => node.rebirths === 1 && first.sessions.stats.messages.DBIRTH === 1, 'the births');
    await first.stop();
    const second = await host();
    node.data('Meter 1', [{ alias: 1, type: 'Double', value: 7_000, timestamp: T0 + 5 } as never]);
    await until(() => node.rebirths === 2 && second.sessions.stats.messages.DBIRTH === 1, 'the births after the restart');
    node.data('Meter 1', [{ alias: 1, type: 'Double', value: 8_000, timestamp: T0 + 6 } as never]);
    await until(() => second.sessions.stats.messages.DDATA === 2, 'the data');
    await idle();
    expect((await stored('m-1', 'active_power')).filter(({ ts }) => ts < T0 + 100)).to.deep.equal([{ ts: T0 + 6, value: 8 }]);
    expect(core.pipeline.stats.rejects['no-birth'], 'what could not be read is in the letters').to.equal(3);
  });

  it('tells its STATE: online with the will’s time, offline by the will when cut, online again later, offline at the end', async () => {
    const { heard } = await listener();
    const began = Date.now();
    const made = await host();
    await until(() => heard.length === 1, 'online');
    expect(heard[0]?.online).to.equal(true);
    expect(heard[0]?.timestamp).to.be.within(began, Date.now());
    // Another client of the same id takes the connection over: the broker sends the will.
    const thief = await connectAsync(mosquitto.url, { clientId: 'greenpark-sparkplug', protocolVersion: 5, reconnectPeriod: 0 });
    ended.push(() => thief.endAsync(true));
    await until(() => heard.length >= 2, 'the will');
    expect(heard[1]).to.deep.equal({ online: false, timestamp: heard[0]?.timestamp });
    await until(() => heard.at(-1)?.online === true && made.connects === 2, 'the return');
    expect(heard.at(-1)?.timestamp).to.be.greaterThan(heard[0]?.timestamp ?? Number.NaN);
    await made.stop();
    await until(() => heard.at(-1)?.online === false, 'the end');
    expect(heard.at(-1)?.timestamp).to.be.at.least(heard.at(-2)?.timestamp ?? Number.NaN);
    const late = await listener();
    await until(() => late.heard.length === 1, 'the retained STATE');
    expect(late.heard[0]).to.deep.equal(heard.at(-1));
  });

  it('speaks later than a STATE from the future that the broker kept in its name', async () => {
    const client = await connectAsync(mosquitto.url);
    ended.push(() => client.endAsync(true));
    const future = Date.now() + 3_600_000;
    await client.publishAsync(STATE, JSON.stringify({ online: true, timestamp: future }), { qos: 1, retain: true });
    const { heard } = await listener();
    await until(() => heard.length === 1, 'the retained STATE');
    const made = await host({ keptStateMs: 5000 });
    await until(() => made.connects === 2 && heard.at(-1)?.timestamp === future + 1, 'its STATE');
    // The will of the first connection is older than what the broker kept: had it been sent, it would have come before this.
    expect(heard.slice(1)).to.deep.equal([{ online: true, timestamp: future + 1 }]);
    const late = await listener();
    await until(() => late.heard.length === 1, 'the retained STATE');
    expect(late.heard).to.deep.equal([{ online: true, timestamp: future + 1 }]);
  });

  it('tells the nodes to keep their data while the pipeline is full, and that it takes them again, on the same connection', async () => {
    const { heard } = await listener();
    let full = false;
    const listeners = new Set<(full: boolean) => void>();
    const pipeline = {
      acceptDecoded: core.pipeline.acceptDecoded.bind(core.pipeline),
      get full() {
        return full;
      },
      onPressure(told: (full: boolean) => void) {
        listeners.add(told);
        return () => listeners.delete(told);
      },
    };
    const press = (now: boolean) => {
      full = now;
      for (const told of listeners) told(now);
    };
    const made = await host({ pipeline, pressureGraceMs: 100, keepaliveSeconds: 1 });
    const node = await edge('node-1', { id: 'Meter 1', metrics: () => [power(1)] });
    await until(() => made.sessions.stats.messages.DBIRTH === 1, 'the births');
    press(true);
    for (let at = 1; at <= 200; at++) node.data('Meter 1', [power(at, { timestamp: T0 + at })]);
    await until(() => heard.at(-1)?.online === false, 'offline');
    expect(made.sessions.stats.messages.DDATA).to.equal(0);
    const since = Date.now();
    await until(() => Date.now() - since > 2500, 'two pings');
    press(false);
    await until(() => heard.at(-1)?.online === true, 'online again');
    expect(new Set(heard.map(({ timestamp }) => timestamp)).size, 'one connection, one timestamp').to.equal(1);
    await until(() => made.sessions.stats.messages.DDATA === 200, 'what the node sent although it was told not to');
    await idle();
    expect((await stored('m-1', 'active_power')).filter(({ ts }) => ts > T0 && ts <= T0 + 200)).to.have.length(200);
    expect(made).to.include({ connects: 1, pauses: 1 });
  });

  it('goes on when the broker went and came back', async () => {
    const made = await host();
    const node = await edge('node-1', { id: 'Meter 1', metrics: () => [power(1)] });
    await until(() => made.sessions.stats.messages.DBIRTH === 1, 'the births');
    await mosquitto.restart();
    await made.online(10_000);
    await until(() => node.births >= 2 && made.sessions.nodes()[0]?.online === true, 'the node', 10_000);
    node.data('Meter 1', [power(9, { timestamp: T0 + 9 })]);
    await until(() => made.sessions.stats.messages.DDATA > 0, 'the data');
  });

  it('tells that the meters of a node are gone which died while the broker was away', async () => {
    const told: (readonly [meter: string, online: boolean])[] = [];
    const times = { reorderMs: 200, rebirthEveryMs: 500, returnMs: 300 };
    const made = await host({ times, onStatus: ({ meter, online: isOnline }) => told.push([meter, isOnline]) });
    const dying = await edge('node-1', { id: 'Meter 1', metrics: () => [power(1)] });
    await until(() => made.sessions.stats.messages.DBIRTH === 1, 'the births');
    // Asked to end, Mosquitto would pass the node's will on first.
    await mosquitto.kill();
    dying.stop();
    await mosquitto.start();
    await until(() => told.length > 0, 'the end of its meter', 10_000);
    expect([told, made.connects]).to.deep.equal([[['m-1', false]], 2]);
  });

  it('works with the rights that the documentation gives, and a node cannot speak for another', async () => {
    await mosquitto.remove();
    const text = readFileSync(new URL('../../../docs/ingest-sparkplug.md', import.meta.url), 'utf8');
    const acl = /```\n(user greenpark\n[^`]*)```/.exec(text)?.[1]?.split('\n') ?? [];
    mosquitto = await Mosquitto.start(program, { users: { greenpark: 'g', 'node-1': 'n', 'node-2': 'n' }, acl });
    const made = await host({ username: 'greenpark', password: 'g' });
    const { heard } = await listener({ username: 'node-1', password: 'n' });
    await until(() => heard.at(-1)?.online === true, 'the STATE, as a node sees it');
    const node = new EdgeNode(mosquitto.url, 'node-1', [{ id: 'Meter 1', metrics: () => [power(1)] }], { username: 'node-1', password: 'n' });
    ended.push(() => node.stop());
    const other = new EdgeNode(mosquitto.url, 'node-1', [{ id: 'm-2', metrics: () => [] }], { username: 'node-2', password: 'n' }, 'other');
    ended.push(() => other.stop());
    await until(() => made.sessions.stats.messages.DBIRTH === 1 && other.births > 0, 'the births');
    node.loseOne();
    node.data('Meter 1', [power(2)]);
    await until(() => node.rebirths === 1, 'the request');
    expect(made.sessions.nodes().flatMap(({ devices }) => devices.map(({ device }) => device))).to.deep.equal(['Meter 1']);
  });

  it('keeps what it cannot read as dead letters, and an unknown node is seen', async () => {
    const made = await host();
    const node = await edge('stranger', { id: 'm-77', metrics: () => [{ name: 'Wirkleistung', type: 'Double', value: 4 }] });
    node.raw('spBv1.0/park/DDATA/stranger/m-77', Buffer.from('no protobuf'));
    await until(() => core.pipeline.stats.refused + core.pipeline.stats.partly === 2, 'the refusals');
    await idle();
    const letters = await core.registry.deadLetters.list({ parks: 'all' }, { limit: 10, after: null });
    expect(letters.map(({ reason, topic, transport }) => [reason, topic, transport]).reverse()).to.deep.equal([
      ['unknown-meter', 'spBv1.0/park/DBIRTH/stranger/m-77', 'sparkplug'],
      ['not-sparkplug', 'spBv1.0/park/DDATA/stranger/m-77', 'sparkplug'],
    ]);
    expect(made.sessions.nodes()[0]).to.include({ node: 'stranger', gateway: null });
  });
});
