import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect as connectSocket, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { generate } from 'mqtt-packet';
import { GatewayTraffic } from '../../ingest/gateways/traffic.ts';
import { EmbeddedBroker, type EmbeddedBrokerOptions } from '../../ingest/transports/embedded-broker.ts';
import { mayListen, mayReport } from '../../ingest/transports/sparkplug-rights.ts';
import { aMeter, aRig, NOW, quiet, type Rig, until } from '../ingest/harness.ts';
import { certificateAuthority } from '../servers/certificates.ts';

const LINK = { type: 'sparkplug', group: 'g', node: 'n' } as const;
/** CONNACK codes 5 and 3: a gateway gives up on the one, or has somebody look for another secret, and comes again after the other. */
const WRONG_SECRET = '5 Connection refused: Not authorized';
const COME_LATER = '3 Connection refused: Server unavailable';
const topic = (meter: string) => `parks/p-1/meters/${meter}/readings`;
const power = (at: number) => JSON.stringify({ ts: NOW + at, values: { active_power: at } });

describe('security of the embedded broker', () => {
  let rig: Rig;
  let broker: EmbeddedBroker;
  let secrets: Record<string, string>;
  const clients: MqttClient[] = [];

  async function open(override: Partial<EmbeddedBrokerOptions> = {}): Promise<void> {
    secrets = { 'g-1': 'one', 'g-2': 'two' };
    rig = aRig({ meters: [aMeter(1), aMeter(2, { gateway: 'g-2' })] });
    broker = await EmbeddedBroker.start({
      ...{ port: 0, host: '127.0.0.1', pipeline: rig.pipeline, clock: () => NOW, logger: quiet },
      authenticateGateway: async (id, secret) => secrets[id] === secret,
      credential: async (id) => secrets[id] ?? null,
      mayPublish: (id, to) => mayReport(id === 'g-2' ? LINK : undefined, to),
      maySubscribe: (id, filter) => mayListen(id === 'g-2' ? LINK : undefined, 'host', filter),
      ...override,
    });
  }

  async function join1(id: string, options: IClientOptions = {}, scheme = 'mqtt'): Promise<MqttClient> {
    const client = await connectAsync(
      `${scheme}://localhost:${broker.address.port}`,
      { username: id, password: secrets[id] ?? '', protocolVersion: 4, reconnectPeriod: 0, ...options },
      false,
    );
    client.on('error', () => {});
    clients.push(client);
    return client;
  }
  const answer = (id: string, options: IClientOptions = {}, scheme = 'mqtt') =>
    join1(id, options, scheme).then(
      () => 'welcome',
      (error: Error & { code?: string }) => `${error.code ?? ''} ${error.message}`,
    );

  afterEach(async () => {
    for (const client of clients.splice(0)) await client.endAsync(true);
    await broker.stop(500);
    await rig.pipeline.stop(500);
  });

  it('ends the connection of a gateway whose secret was changed, and no other', async () => {
    await open();
    const [first, second] = [await join1('g-1'), await join1('g-2')];
    const gone = new Promise<void>((resolve) => first.once('close', () => resolve()));
    secrets['g-1'] = 'new';
    await broker.recheck();
    await gone;
    expect(second.connected).to.equal(true);
    expect(await answer('g-1', { password: 'one' })).to.match(/Not authorized/);
    expect(await answer('g-1')).to.equal('welcome');
    delete secrets['g-2'];
    const alsoGone = new Promise<void>((resolve) => second.once('close', () => resolve()));
    await broker.recheck();
    await alsoGone;
    expect(broker.stats.revoked).to.equal(2);
  });

  it('hears an address no more that fails too often, though its secret is then right, and does not say that it is wrong', async () => {
    await open({ limits: { failuresPerAddress: 3 } });
    for (let at = 0; at < 3; at++) expect(await answer(`g-${at}`, { password: 'wrong' })).to.equal(WRONG_SECRET);
    expect(await answer('g-1')).to.equal(COME_LATER);
  });

  it('hears a gateway that has proven itself from its address while its name is being guessed', async () => {
    await open({ limits: { failuresPerName: 2 } });
    expect(await answer('g-1')).to.equal('welcome');
    for (let at = 0; at < 4; at++) {
      await answer('g-1', { password: 'wrong' });
      await answer('g-2', { password: 'wrong' });
    }
    expect(await answer('g-1')).to.equal('welcome');
    expect(await answer('g-2')).to.equal(COME_LATER);
  });

  it('does not call a secret wrong that it cannot check', async () => {
    await open({ authenticateGateway: () => Promise.reject(new Error('the registry is away')) });
    expect(await answer('g-1')).to.equal(COME_LATER);
  });

  it('bounds the connections of one gateway and of strangers, and ends those that send no CONNECT', async () => {
    await open({ limits: { connectionsPerGateway: 1, strangersPerAddress: 2, connectWithinMs: 200 } });
    await join1('g-1');
    expect(await answer('g-1')).to.equal(COME_LATER);
    const sockets = [0, 1, 2].map(() =>
      connectSocket(broker.address.port, '127.0.0.1')
        .on('error', () => {})
        .resume(),
    );
    await Promise.all(sockets.map((socket) => once(socket, 'close')));
    expect(broker.stats.connectionsRefused).to.equal(1);
    expect(await answer('g-2')).to.equal('welcome');
  });

  it('lets an edge node listen to its commands and the state, letter by letter, and nobody to anything else', async () => {
    await open();
    const [plain, node] = [await join1('g-1'), await join1('g-2')];
    const granted = (client: MqttClient, filter: string) =>
      client.subscribeAsync(filter).then(
        () => true,
        () => false,
      );
    const own = ['spBv1.0/STATE/host', 'spBv1.0/g/NCMD/n', 'spBv1.0/g/NCMD/n/#', 'spBv1.0/g/DCMD/n/+', 'spBv1.0/g/DCMD/n/#'];
    for (const filter of own) expect([await granted(node, filter), await granted(plain, filter)], filter).to.deep.equal([true, false]);
    for (const filter of [
      '#',
      '+/#',
      '$SYS/#',
      'spBv1.0/#',
      'spBv1.0/STATE/+',
      'spBv1.0/g/NCMD/+',
      'spBv1.0/g/DCMD/+/#',
      '$share/x/spBv1.0/g/NCMD/n',
      topic('m-2'),
    ]) {
      expect([await granted(node, filter), await granted(plain, filter)], filter).to.deep.equal([false, false]);
    }
    const heard: string[] = [];
    node.on('message', (to, payload) => heard.push(`${to} ${payload}`));
    // Retained in another's name: neither delivered nor kept.
    await plain.publishAsync('spBv1.0/STATE/host', 'forged', { qos: 1, retain: true });
    await plain.publishAsync('spBv1.0/g/NCMD/n', 'forged', { qos: 1 });
    await broker.publish('spBv1.0/g/NCMD/n', 'rebirth', { qos: 1 });
    await until(() => heard.length > 0, 'the command');
    expect(heard).to.deep.equal(['spBv1.0/g/NCMD/n rebirth']);
    expect(broker.stats.publishesRefused).to.equal(2);
    expect(rig.letters.letters.map((letter) => letter.reason)).to.deep.equal(['gateway-not-allowed', 'gateway-not-allowed']);
  });

  it('hands a topic to whoever takes it in the place of the pipeline', async () => {
    const taken: string[] = [];
    await open({
      onTopic: (to) => {
        if (!to.startsWith('spBv1.0/')) return null;
        return (message, done) => {
          taken.push(`${message.gateway} ${message.topic}`);
          done();
        };
      },
    });
    const node = await join1('g-2');
    await node.publishAsync('spBv1.0/g/NDATA/n', 'x', { qos: 1 });
    await node.publishAsync('spBv1.0/g/NCMD/n', 'x', { qos: 1 });
    expect(taken).to.deep.equal(['g-2 spBv1.0/g/NDATA/n']);
  });

  it('slows a gateway that floods alone: the others keep their latency', async function () {
    this.timeout(20_000);
    const traffic = { 'g-1': new GatewayTraffic('g-1'), 'g-2': new GatewayTraffic('g-2') };
    await open({ limits: { messagesPerSecond: 300 }, trafficOf: (id) => traffic[id as keyof typeof traffic] });
    const [good, flooder] = [await join1('g-1'), await join1('g-2')];
    let at = 0;
    const p99 = async () => {
      const times: number[] = [];
      for (let turn = 0; turn < 200; turn++) {
        const begun = performance.now();
        await good.publishAsync(topic('m-1'), power(++at), { qos: 1 });
        times.push(performance.now() - begun);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return times.sort((a, b) => a - b)[197] as number;
    };
    await p99();
    const calm = await p99();
    const waited: number[] = [];
    const begun = performance.now();
    const flood = Array.from({ length: 5000 }, (_, n) =>
      flooder.publishAsync(topic('m-2'), power(n), { qos: 1 }).then(
        () => waited.push(performance.now() - begun),
        () => {},
      ),
    );
    const busy = await p99();
    const seconds = (performance.now() - begun) / 1000;
    const flooder99 = waited[Math.floor(waited.length * 0.99)] as number;
    console.log(
      `      p99 ${calm.toFixed(1)} ms calm, ${busy.toFixed(1)} ms beside a flood of which ${waited.length} messages were taken in ${seconds.toFixed(1)} s, p99 ${flooder99.toFixed(0)} ms`,
    );
    expect(waited.length).to.be.below(300 * (seconds + 1) * 1.2);
    expect(broker.stats.slowed).to.be.above(0);
    expect([traffic['g-1'].held, traffic['g-2'].held]).to.deep.equal([0, broker.stats.slowed]);
    expect([traffic['g-1'].isConnected, traffic['g-2'].isConnected]).to.deep.equal([true, true]);
    // Whoever stood behind the flood would wait as long as the flood itself.
    expect(busy).to.be.below(flooder99 / 20);
    flooder.stream.destroy();
    void flood;
    await until(() => traffic['g-2'].isConnected === false, 'the end of the flooder’s connection');
    expect(traffic['g-1'].isConnected).to.equal(true);
  });

  for (const way of ['TCP', 'TLS'] as const) {
    it(`over ${way}: leaves what a flood of large messages has beyond its rate in the gateway’s own socket, and takes up where it stopped`, async function () {
      this.timeout(20_000);
      const folder = mkdtempSync(join(tmpdir(), 'greenpark-flood-'));
      const files = certificateAuthority(folder).issue('localhost');
      const tls = { cert: readFileSync(files.cert), key: readFileSync(files.key) };
      await open({ limits: { bytesPerSecond: 2_000_000 }, ...(way === 'TLS' ? { tls } : {}) });
      const { stream } = await join1('g-1', way === 'TLS' ? { ca: readFileSync(files.ca) } : {}, way === 'TLS' ? 'mqtts' : 'mqtt');
      rmSync(folder, { recursive: true });
      const socket = stream as Socket;
      const large = generate({ cmd: 'publish', topic: topic('m-1'), payload: Buffer.alloc(100_000, ' '), qos: 0, dup: false, retain: false });
      let sent = 0;
      const begun = performance.now();
      while (performance.now() - begun < 2000) {
        while (socket.writableLength < 1_000_000) {
          socket.write(large);
          sent++;
        }
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      const seconds = (performance.now() - begun) / 1000;
      const taken = sent * large.length - socket.writableLength;
      // The burst and the rate, and some megabytes in the buffers of two sockets.
      expect(taken).to.be.below(2_000_000 * (1 + seconds) + 16_000_000);
      expect(taken).to.be.above(4_000_000);
      const before = rig.pipeline.stats.messages;
      await until(() => rig.pipeline.stats.messages > before + 20, 'more of it');
    });
  }

  it('speaks TLS with its certificate, and refuses a client of another authority or without TLS', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'greenpark-tls-'));
    const other = mkdtempSync(join(tmpdir(), 'greenpark-tls-'));
    try {
      const files = certificateAuthority(folder).issue('localhost');
      await open({ tls: { cert: readFileSync(files.cert), key: readFileSync(files.key) }, limits: { connectWithinMs: 500 } });
      const client = await join1('g-1', { ca: readFileSync(files.ca) }, 'mqtts');
      await client.publishAsync(topic('m-1'), power(1), { qos: 1 });
      expect(rig.store.size).to.equal(1);
      expect(await answer('g-1', { ca: readFileSync(certificateAuthority(other).ca) }, 'mqtts')).to.match(/certificate|self.signed|UNABLE/i);
      expect(await answer('g-1', { connectTimeout: 1000 })).to.not.equal('welcome');
    } finally {
      rmSync(folder, { recursive: true });
      rmSync(other, { recursive: true });
    }
  });
});
