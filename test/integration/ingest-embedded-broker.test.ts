import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { expect } from 'chai';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import type { MeterStatus } from '../../ingest/port.ts';
import { EmbeddedBroker } from '../../ingest/transports/embedded-broker.ts';
import { GreenparkError } from '../../model/errors.ts';
import { aMeter, aRig, NOW, quiet, type Rig, until } from '../ingest/harness.ts';

const SECRETS: Readonly<Record<string, string>> = { 'g-1': 'one', 'g-2': 'two' };

describe('embedded broker', () => {
  let rig: Rig;
  let broker: EmbeddedBroker;
  let statuses: MeterStatus[];
  const clients: MqttClient[] = [];

  async function open(
    limits: NonNullable<Parameters<typeof aRig>[0]>['limits'] = {},
    override: Partial<Parameters<typeof EmbeddedBroker.start>[0]> = {},
  ): Promise<void> {
    statuses = [];
    rig = aRig({ limits, meters: [aMeter(1), aMeter(2), aMeter(3, { gateway: 'g-2' })], onStatus: (status) => statuses.push(status) });
    broker = await EmbeddedBroker.start({
      port: 0,
      host: '127.0.0.1',
      pipeline: rig.pipeline,
      authenticateGateway: async (id, secret) => SECRETS[id] === secret,
      clock: () => NOW,
      logger: quiet,
      ...override,
    });
  }

  async function gateway(id: string, options: IClientOptions = {}): Promise<MqttClient> {
    const client = await connectAsync(`mqtt://127.0.0.1:${broker.address.port}`, {
      username: id,
      password: SECRETS[id] ?? '',
      clientId: `client-of-${id}`,
      protocolVersion: 4,
      reconnectPeriod: 0,
      ...options,
    });
    client.on('error', () => {});
    clients.push(client);
    return client;
  }

  const refusal = (options: IClientOptions): Promise<string> =>
    connectAsync(`mqtt://127.0.0.1:${broker.address.port}`, { protocolVersion: 4, reconnectPeriod: 0, ...options }, false).then(
      (client) => {
        clients.push(client);
        return 'welcome';
      },
      (error: Error) => error.message,
    );

  const topic = (meter: string) => `parks/p-1/meters/${meter}/readings`;
  const power = (value: number, sinceNow = 0) => JSON.stringify({ ts: NOW + sinceNow, values: { active_power: value } });

  afterEach(async () => {
    rig.store.release();
    for (const client of clients.splice(0)) await client.endAsync(true);
    await broker.stop(1000);
    await rig.pipeline.stop(1000);
  });

  it('acknowledges a reading after its commit and not before', async () => {
    await open();
    rig.store.hang();
    const client = await gateway('g-1');
    let acknowledged = false;
    const published = client.publishAsync(topic('m-1'), power(1), { qos: 1 }).then(() => {
      acknowledged = true;
    });
    await until(() => rig.store.attempts === 1, 'the write');
    // Pings are answered meanwhile; by the time of the answer a PUBACK sent before it would have come.
    const answered = new Promise((resolve) => client.on('packetreceive', (packet) => packet.cmd === 'pingresp' && resolve(undefined)));
    client.sendPing();
    await answered;
    expect(acknowledged).to.equal(false);
    rig.store.release();
    await published;
    expect(rig.store.size).to.equal(1);
  });

  it('acknowledges QoS 2 after its commit too', async () => {
    await open();
    rig.store.hang();
    const client = await gateway('g-1');
    let acknowledged = false;
    const published = client.publishAsync(topic('m-1'), power(1), { qos: 2 }).then(() => {
      acknowledged = true;
    });
    await until(() => rig.store.attempts === 1, 'the write');
    await new Promise((resolve) => setImmediate(resolve));
    expect(acknowledged).to.equal(false);
    rig.store.release();
    await published;
  });

  it('commits many messages in few blocks and acknowledges each', async () => {
    await open();
    const client = await gateway('g-1');
    await Promise.all(Array.from({ length: 1000 }, (_, at) => client.publishAsync(topic('m-1'), power(at, at), { qos: 1 })));
    expect(rig.store.size).to.equal(1000);
    expect(rig.store.blocks.length).to.be.below(500);
  });

  it('does not acknowledge what was not stored, and takes it from the gateway again', async () => {
    await open();
    rig.store.hang();
    const client = await gateway('g-1', { reconnectPeriod: 20, clean: false });
    const published = client.publishAsync(topic('m-1'), power(1), { qos: 1 });
    await until(() => rig.store.attempts === 1, 'the write');
    client.stream.destroy();
    await until(() => rig.pipeline.stats.messages === 2, 'the second delivery');
    rig.store.release();
    await published;
    expect(rig.store.size).to.equal(1);
    expect(rig.pipeline.stats).to.include({ accepted: 1, duplicate: 1 });
  });

  it('signs in gateways with their secret and nobody else', async () => {
    await open();
    expect(await refusal({ username: 'g-1', password: 'one' })).to.equal('welcome');
    for (const options of [
      {},
      { username: 'g-1' },
      { username: 'g-1', password: 'two' },
      { username: 'g-9', password: 'one' },
      { username: 'constructor', password: 'x' },
    ]) {
      expect(await refusal(options), JSON.stringify(options)).to.match(/Not authorized/);
    }
    expect(broker.stats.signInsRefused).to.equal(5);
  });

  it('lets anonymous clients in only where a test says so', async () => {
    await open({}, { allowAnonymous: true });
    expect(await refusal({})).to.equal('welcome');
    await clients[0]?.publishAsync(topic('m-3'), power(1), { qos: 1 });
    expect(rig.store.size).to.equal(1);
  });

  it('keeps two gateways apart that come with the same client id', async () => {
    await open();
    const first = await gateway('g-1', { clientId: 'same' });
    const second = await gateway('g-2', { clientId: 'same' });
    await first.publishAsync(topic('m-1'), power(1), { qos: 1 });
    await second.publishAsync(topic('m-3'), power(1), { qos: 1 });
    expect(rig.store.size).to.equal(2);
  });

  it('refuses a foreign meter and an unknown one with a PUBACK and a dead letter, and keeps the connection', async () => {
    await open();
    const client = await gateway('g-1');
    await client.publishAsync(topic('m-3'), power(1), { qos: 1 });
    await client.publishAsync(topic('m-404'), power(1), { qos: 1 });
    await client.publishAsync('somewhere/else', 'x', { qos: 1 });
    await client.publishAsync(topic('m-1'), power(1), { qos: 1 });
    expect(client.connected).to.equal(true);
    expect(rig.store.rows.map((row) => row[0])).to.deep.equal([1]);
    expect(rig.letters.letters.map((letter) => [letter.reason, letter.gateway])).to.deep.equal([
      ['gateway-not-allowed', 'g-1'],
      ['unknown-meter', 'g-1'],
      ['wrong-topic', 'g-1'],
    ]);
  });

  it('refuses every subscription and keeps the connection', async () => {
    await open();
    const client = await gateway('g-1');
    for (const filter of ['#', topic('m-1'), `$share/a/${topic('m-1')}`, '$SYS/#']) {
      const granted = await client.subscribeAsync(filter, { qos: 1 }).then(
        (grants) => grants.map((grant) => grant.qos),
        () => [128],
      );
      expect(granted, filter).to.deep.equal([128]);
    }
    await client.publishAsync(topic('m-1'), power(1), { qos: 1 });
    expect(broker.stats.subscriptionsRefused).to.equal(4);
  });

  it('tells the status of a meter, and the last will of a gateway that is lost', async () => {
    await open();
    const will = { topic: 'parks/p-1/meters/m-1/status', payload: Buffer.from('offline'), qos: 1 as const, retain: true };
    const client = await gateway('g-1', { will });
    await client.publishAsync('parks/p-1/meters/m-1/status', 'online', { qos: 1, retain: true });
    client.stream.destroy();
    await until(() => statuses.length === 2, 'the last will');
    expect(statuses.map(({ meter, gateway: by, online }) => [meter, by, online])).to.deep.equal([
      ['m-1', 'g-1', true],
      ['m-1', 'g-1', false],
    ]);
  });

  it('a last will for a foreign meter is refused like any message', async () => {
    await open();
    const client = await gateway('g-1', { will: { topic: 'parks/p-1/meters/m-3/status', payload: Buffer.from('offline'), qos: 0, retain: false } });
    client.stream.destroy();
    await until(() => rig.letters.letters.length === 1, 'the refusal');
    expect(statuses).to.deep.equal([]);
  });

  it('takes nothing while the pipeline is full and everything afterwards', async () => {
    await open({ maxPendingReadings: 20 });
    rig.store.hang();
    const client = await gateway('g-1');
    const published = Promise.all(Array.from({ length: 200 }, (_, at) => client.publishAsync(topic('m-1'), power(at, at), { qos: 1 })));
    await until(() => rig.pipeline.full, 'the pressure');
    await new Promise((resolve) => setImmediate(resolve));
    expect(rig.pipeline.stats.messages).to.equal(20);
    rig.store.release();
    await published;
    expect(rig.store.size).to.equal(200);
  });

  it('ends a connection that announces a packet beyond the bound, and goes on serving the others', async () => {
    await open({}, { maxPacketBytes: 100_000 });
    const good = await gateway('g-1');
    const bad = await gateway('g-2');
    const closed = new Promise<void>((resolve) => bad.once('close', () => resolve()));
    bad.publish(topic('m-3'), Buffer.alloc(200_000), { qos: 1 });
    await closed;
    expect(broker.stats.packetsTooLong).to.equal(1);
    await good.publishAsync(topic('m-1'), power(1), { qos: 1 });
  });

  it('ends a connection that speaks no MQTT, or announces much before it signs in', async () => {
    await open();
    for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f, 0, 4])]) {
      const socket = connectSocket(broker.address.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(bytes);
      socket.resume();
      await once(socket, 'close');
    }
    expect(broker.stats.connections).to.equal(0);
  });

  it('names the port that another program has', async () => {
    await open();
    const error = await EmbeddedBroker.start({
      port: broker.address.port,
      host: '127.0.0.1',
      pipeline: rig.pipeline,
      authenticateGateway: async () => false,
      clock: () => NOW,
      logger: quiet,
    }).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(GreenparkError);
    expect((error as GreenparkError).code).to.equal('PORT_IN_USE');
    expect((error as GreenparkError).message).to.contain(String(broker.address.port));
  });

  it('acknowledges what is under way before it closes, and may be stopped twice', async () => {
    await open();
    rig.store.hang();
    const client = await gateway('g-1');
    const published = client.publishAsync(topic('m-1'), power(1), { qos: 1 });
    await until(() => rig.store.attempts === 1, 'the write');
    const stopped = broker.stop(5000);
    rig.store.release();
    await Promise.all([stopped, broker.stop()]);
    await published;
  });
});
