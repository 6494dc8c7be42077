import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { type MqttClientOptions, MqttIngest } from '../../ingest/transports/mqtt-client.ts';
import { subscriptionsIn } from '../../ingest/transports/subscription-memory.ts';
import type { GreenparkError } from '../../model/errors.ts';
import { aMeter, aRig, NOW, quiet, RecordingStore, type Rig, until } from '../ingest/harness.ts';
import { requireServer } from '../real-servers.ts';
import { certificateAuthority } from '../servers/certificates.ts';
import { Mosquitto } from '../servers/mosquitto.ts';
import { freePort } from '../servers/program.ts';

const topic = (meter: string) => `parks/p-1/meters/${meter}/readings`;
const power = (value: number, sinceNow = 0) => JSON.stringify({ ts: NOW + sinceNow, values: { active_power: value } });

describe('subscriber on a real Mosquitto', () => {
  let mosquitto: Mosquitto;
  let program: string;
  const ended: (() => Promise<unknown>)[] = [];

  before(function () {
    program = requireServer(this, 'mosquitto');
  });

  beforeEach(async () => {
    mosquitto = await Mosquitto.start(program);
  });

  afterEach(async () => {
    for (const end of ended.splice(0).reverse()) await end();
    await mosquitto.remove();
  });

  function ingest(rig: Rig, override: Partial<MqttClientOptions> = {}): MqttIngest {
    const client = new MqttIngest({
      url: mosquitto.url,
      clientId: 'greenpark-test',
      pipeline: rig.pipeline,
      clock: () => NOW,
      logger: quiet,
      reconnect: { firstMs: 20, longestMs: 100 },
      ...override,
    });
    ended.push(async () => {
      rig.store.release();
      await client.stop(500);
      await rig.pipeline.stop(500);
    });
    return client;
  }

  async function publisher(options: IClientOptions = {}, url = mosquitto.url): Promise<MqttClient> {
    const client = await connectAsync(url, { reconnectPeriod: 20, ...options });
    client.on('error', () => {});
    ended.push(() => client.endAsync(true));
    return client;
  }

  for (const protocolVersion of [5, 4] as const) {
    const version = protocolVersion === 5 ? 'MQTT 5' : 'MQTT 3.1.1';

    it(`${version}: acknowledges after the commit, so that a crash before it loses nothing`, async () => {
      const rig = aRig();
      rig.store.hang();
      const first = ingest(rig, { protocolVersion });
      await first.online(5000);
      const gateway = await publisher();
      for (let at = 0; at < 50; at++) await gateway.publishAsync(topic('m-1'), power(at, at), { qos: 1 });
      await until(() => rig.pipeline.stats.messages === 50, 'the messages');
      // Stopped without a commit, as after a crash; the broker still has all fifty.
      await first.stop(0);
      const again = aRig({ store: new RecordingStore() });
      await ingest(again, { protocolVersion }).online(5000);
      await until(() => again.store.size === 50, 'the second delivery');
    });

    it(`${version}: what was acknowledged does not come again`, async () => {
      const rig = aRig();
      const first = ingest(rig, { protocolVersion });
      await first.online(5000);
      const gateway = await publisher();
      await Promise.all(Array.from({ length: 500 }, (_, at) => gateway.publishAsync(topic('m-1'), power(at, at), { qos: 1 })));
      await until(() => rig.store.size === 500, 'the commits');
      await first.stop();
      const again = aRig();
      await ingest(again, { protocolVersion }).online(5000);
      await gateway.publishAsync(topic('m-1'), power(1, 1000), { qos: 1 });
      await until(() => again.store.size > 0, 'a new message');
      expect(again.pipeline.stats.messages).to.equal(1);
    });
  }

  it('takes what an earlier subscription had queued with QoS 2, and answers it as QoS 2 alone', async () => {
    const session = { clientId: 'greenpark-test', clean: false, protocolVersion: 5, properties: { sessionExpiryInterval: 600 } } as const;
    const former = await publisher(session);
    await former.subscribeAsync('parks/#', { qos: 2 });
    await former.endAsync();
    const gateway = await publisher();
    for (let at = 0; at < 20; at++) await gateway.publishAsync(topic('m-1'), power(at, at), { qos: 2 });
    const rig = aRig();
    const client = ingest(rig);
    await client.online(5000);
    await until(() => rig.store.size === 20, 'what was queued');
    await gateway.publishAsync(topic('m-1'), power(20, 20), { qos: 1 });
    await until(() => rig.store.size === 21, 'what comes later');
    expect([client.connects, client.state.state]).to.deep.equal([1, 'online']);
  });

  for (const way of ['TCP', 'TLS', 'WebSocket', 'WebSocket and TLS'] as const) {
    it(`over ${way}: takes messages of every size and kind in their order, also those that it cannot take at once`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'greenpark-mqtt-ways-'));
      ended.push(() => rm(folder, { recursive: true }));
      const files = certificateAuthority(folder).issue('localhost');
      const isSecured = way.endsWith('TLS');
      const webSocketPort = await freePort();
      const broker = await Mosquitto.start(program, { webSocketPort, ...(isSecured ? { tls: files } : {}) });
      ended.push(() => broker.remove());
      const url = way.startsWith('WebSocket') ? `${isSecured ? 'wss' : 'ws'}://localhost:${webSocketPort}` : broker.url;
      const tls = isSecured ? { ca: readFileSync(files.ca) } : {};
      const seen: number[] = [];
      const rig = aRig({ limits: { maxPendingMessages: 20 }, judge: (block) => void seen.push(...block.value) });
      await ingest(rig, { url, tls }).online(5000);
      const gateway = await publisher({ ...tls, protocolVersion: 5 }, broker.url);
      const sent: Promise<unknown>[] = [];
      const expected: number[] = [];
      // Mosquitto 2.0.11 takes five seconds over each long message there.
      const messages = way === 'WebSocket and TLS' ? 60 : 600;
      for (let at = 0, n = 0; at < messages; at++) {
        // Every 97th message is larger than what is read from the socket at once.
        const frames = at % 97 === 0 ? 4000 : 1 + (at % 7);
        const payload = JSON.stringify(Array.from({ length: frames }, () => ({ ts: NOW + n, values: { active_power: n++ } })));
        for (let k = n - frames; k < n; k++) expected.push(k);
        sent.push(gateway.publishAsync(topic('m-1'), payload, { qos: 1, ...(at % 5 === 0 ? { properties: { contentType: 'application/json' } } : {}) }));
      }
      await Promise.all(sent);
      await until(() => rig.store.size === expected.length, 'all readings', 20_000);
      expect(seen).to.deep.equal(expected);
      expect(rig.pipeline.stats.pressures).to.be.greaterThan(0);
      expect(rig.pipeline.stats.messages).to.equal(messages);
    }).timeout(30_000);
  }

  it('goes on by itself when the broker went and came back, and loses nothing that a gateway has a PUBACK for', async () => {
    const rig = aRig();
    const client = ingest(rig);
    await client.online(5000);
    const gateway = await publisher({ clientId: 'gateway', clean: false });
    const published: Promise<unknown>[] = [];
    for (let at = 0; at < 300; at++) {
      published.push(gateway.publishAsync(topic('m-1'), power(at, at), { qos: 1 }));
      if (at === 100) await published[50];
      if (at === 150) {
        await mosquitto.stop();
        await until(() => client.state.state !== 'online', 'the loss');
        expect(client.state.since).to.equal(NOW);
        await mosquitto.start();
      }
    }
    await Promise.all(published);
    await client.online(5000);
    await until(() => rig.store.size === 300, 'all readings');
    expect(client.connects).to.be.greaterThan(1);
  });

  it('never sends an acknowledgement of the old connection on the new one', async () => {
    const rig = aRig();
    rig.store.hang();
    const client = ingest(rig);
    await client.online(5000);
    const gateway = await publisher({ clientId: 'gateway', clean: false });
    await gateway.publishAsync(topic('m-1'), power(1), { qos: 1 });
    await until(() => rig.pipeline.stats.messages === 1, 'the message');
    await mosquitto.stop();
    await mosquitto.start();
    await until(() => rig.pipeline.stats.messages === 2, 'the second delivery');
    rig.store.release();
    await until(() => rig.pipeline.stats.pendingMessages === 0, 'the commit');
    expect(rig.store.size).to.equal(1);
    await gateway.publishAsync(topic('m-1'), power(2, 1), { qos: 1 });
    await until(() => rig.store.size === 2, 'the next reading');
    expect(client.connects).to.equal(2);
  });

  it('keeps trying when there is no broker at first', async () => {
    await mosquitto.stop();
    const rig = aRig();
    const client = ingest(rig);
    const error = await client.online(100).catch((thrown: GreenparkError) => thrown);
    expect(error).to.include({ code: 'BROKER_UNREACHABLE', retryable: true });
    expect(client.state.lastError).to.match(/ECONNREFUSED/);
    await mosquitto.start();
    await client.online(5000);
    expect(client.state.lastError).to.equal(null);
  });

  it('can be stopped while there is no broker', async () => {
    const client = ingest(aRig(), { url: `mqtt://127.0.0.1:${await freePort()}` });
    await client.stop();
    expect(client.state.state).to.equal('stopped');
  });

  it('stops reading under pressure without losing the connection, and takes everything afterwards', async function () {
    this.timeout(20_000);
    const rig = aRig({ limits: { maxPendingReadings: 20 } });
    rig.store.hang();
    // Pings are due every second: the pause outlasts them.
    const client = ingest(rig, { keepaliveSeconds: 1 });
    await client.online(5000);
    const gateway = await publisher();
    await Promise.all(Array.from({ length: 2000 }, (_, at) => gateway.publishAsync(topic('m-1'), power(at, at), { qos: 1 })));
    await until(() => rig.pipeline.full, 'the pressure');
    const paused = Date.now();
    await until(() => Date.now() - paused > 3000, 'three pings');
    expect(rig.pipeline.stats.messages).to.equal(20);
    rig.store.release();
    await until(() => rig.store.size === 2000, 'all readings');
    expect(client.connects).to.equal(1);
  });

  it('takes all of it over WebSocket, too: acknowledged after the commit, held back under pressure, and nothing twice', async function () {
    this.timeout(20_000);
    await mosquitto.remove();
    const webSocketPort = await freePort();
    mosquitto = await Mosquitto.start(program, { webSocketPort });
    const url = `ws://127.0.0.1:${webSocketPort}`;
    const rig = aRig({ limits: { maxPendingReadings: 20 } });
    rig.store.hang();
    const client = ingest(rig, { url, keepaliveSeconds: 1 });
    await client.online(5000);
    const gateway = await publisher();
    // Longer ones come in pieces. Few, as Mosquitto 2.0.11 looks at its WebSockets ten times a second where nobody else sends.
    const padded = (at: number) => power(at, at) + ' '.repeat(at % 100 === 0 ? 20_000 : 0);
    await Promise.all(Array.from({ length: 500 }, (_, at) => gateway.publishAsync(topic('m-1'), padded(at), { qos: 1 })));
    await until(() => rig.pipeline.full, 'the pressure');
    const paused = Date.now();
    await until(() => Date.now() - paused > 3000, 'three pings');
    expect([rig.pipeline.stats.messages, client.connects]).to.deep.equal([20, 1]);
    // Stopped without a commit, as after a crash: none of them was acknowledged, and all come again.
    await client.stop(0);
    const again = aRig({ store: new RecordingStore() });
    const second = ingest(again, { url });
    await until(() => again.store.size === 500, 'all readings');
    await again.pipeline.drain();
    await second.stop();
    // What was acknowledged is over.
    const third = aRig();
    await ingest(third, { url }).online(5000);
    await gateway.publishAsync(topic('m-1'), power(1, 1000), { qos: 1 });
    await until(() => third.store.size === 1, 'the last one');
    expect(third.pipeline.stats.messages).to.equal(1);
  });

  it('notes retained messages: one with its time is taken, values alone are refused', async () => {
    const gateway = await publisher();
    await gateway.publishAsync(topic('m-1'), power(1), { qos: 1, retain: true });
    await gateway.publishAsync(topic('m-2'), '{"active_power":1}', { qos: 1, retain: true });
    const rig = aRig();
    await ingest(rig).online(5000);
    await until(() => rig.pipeline.stats.messages === 2 && rig.pipeline.stats.pendingMessages === 0, 'the retained messages');
    expect(rig.store.rows.map((row) => row[0])).to.deep.equal([1]);
    expect(rig.letters.letters.map((letter) => letter.reason)).to.deep.equal(['retained-without-time']);
  });

  it('gives back the subscriptions of an earlier start that are no longer wanted', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'greenpark-subscriptions-'));
    ended.push(() => rm(folder, { recursive: true }));
    const memory = subscriptionsIn(join(folder, 'subscriptions.json'));
    const first = ingest(aRig(), { memory, topics: ['parks/#', 'elsewhere/#'] });
    await first.online(5000);
    await first.stop();
    const rig = aRig();
    await ingest(rig, { memory, topics: ['parks/#'] }).online(5000);
    const gateway = await publisher();
    await gateway.publishAsync('elsewhere/x', 'x', { qos: 1 });
    await gateway.publishAsync(topic('m-1'), power(1), { qos: 1 });
    await until(() => rig.store.size === 1, 'the reading');
    expect(rig.pipeline.stats.messages).to.equal(1);
  });

  it('takes status topics and passes the meter’s state on', async () => {
    const told: boolean[] = [];
    const rig = aRig({ meters: [aMeter(1)], onStatus: ({ online }) => told.push(online) });
    await ingest(rig).online(5000);
    const gateway = await publisher();
    await gateway.publishAsync('parks/p-1/meters/m-1/status', 'online', { qos: 1, retain: true });
    await gateway.publishAsync('parks/p-1/meters/m-1/status', 'offline', { qos: 1, retain: true });
    await until(() => told.length === 2, 'both');
    expect(told).to.deep.equal([true, false]);
  });
});
