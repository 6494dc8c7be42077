import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { connectAsync, type MqttClient } from 'mqtt';
import { MqttIngest } from '../../ingest/transports/mqtt-client.ts';
import type { GatewayId } from '../../model/ids.ts';
import type { Meter, Park } from '../../model/registry.ts';
import { hashGatewaySecret } from '../../store/registry/gateway-secret.ts';
import { openRegistry } from '../../store/registry/open.ts';
import { aRig, NOW, quiet, until } from '../ingest/harness.ts';
import { requireServer } from '../real-servers.ts';
import { certificateAuthority } from '../servers/certificates.ts';
import { Mosquitto } from '../servers/mosquitto.ts';
import { greenpark } from './greenpark-process.ts';

describe('a real Mosquitto with the files of registry export --mosquitto', () => {
  let folder: string;
  let mosquitto: Mosquitto;
  const clients: MqttClient[] = [];
  const join1 = async (username: string | undefined, password: string) => {
    const client = await connectAsync(mosquitto.url, { ...(username === undefined ? {} : { username, password }), reconnectPeriod: 0 }, false);
    client.on('error', () => {});
    clients.push(client);
    return client;
  };
  const answer = (username: string | undefined, password = '') =>
    join1(username, password).then(
      () => 'welcome',
      (error: Error) => error.message,
    );

  before(async function () {
    this.timeout(30_000);
    const program = requireServer(this, 'mosquitto');
    folder = mkdtempSync(join(tmpdir(), 'greenpark-acl-'));
    chmodSync(folder, 0o755);
    const registry = await openRegistry(join(folder, 'registry.db'));
    await registry.parks.put({ id: 'p-1', name: 'P', region: '510100', timeZone: 'Asia/Shanghai' } as Park);
    for (const id of ['g-1', 'g-2', 'g-old']) await registry.gateways.put({ id: id as GatewayId, park: 'p-1', name: id } as never);
    await registry.gateways.setSecret('g-1' as GatewayId, await hashGatewaySecret('one'));
    await registry.gateways.setSecret('g-2' as GatewayId, await hashGatewaySecret('two', 'chosen'));
    await registry.gateways.setSecret('g-old' as GatewayId, 'a'.repeat(64));
    for (const n of [1, 2]) {
      const meter = {
        id: `m-${n}`,
        park: 'p-1',
        enterprise: null,
        name: 'M',
        kind: 'electricity',
        parent: null,
        multiplier: 1,
        gateway: `g-${n}`,
        intervalSeconds: 60,
      };
      await registry.meters.put(meter as unknown as Meter);
    }
    registry.close();
    const env = { GREENPARK_DATA_DIR: folder, GREENPARK_MQTT_PASSWORD: 'own password' };
    expect(await greenpark(['registry', 'export', '--mosquitto', folder], env)).to.include({ code: 0 });
    mosquitto = await Mosquitto.start(program, {
      config: ['allow_anonymous false', `password_file ${join(folder, 'passwd')}`, `acl_file ${join(folder, 'acl')}`],
    });
  });

  after(async () => {
    for (const client of clients.splice(0)) await client.endAsync(true);
    await mosquitto?.remove();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  it('lets in who has the secret and nobody else', async () => {
    expect([await answer('g-1', 'one'), await answer('g-2', 'two'), await answer('greenpark', 'own password')]).to.deep.equal([
      'welcome',
      'welcome',
      'welcome',
    ]);
    for (const [name, password] of [
      [undefined, ''],
      ['g-1', 'two'],
      ['g-old', 'x'],
      ['nobody', 'one'],
      ['greenpark', 'one'],
    ] as const) {
      expect(await answer(name, password), `${name}`).to.match(/not authorized/i);
    }
    expect(readFileSync(join(folder, 'passwd'), 'utf8')).to.not.contain('g-old');
  });

  it('passes on what a gateway says of its own meter, and nothing else; it hears nothing', async () => {
    const reader = await join1('greenpark', 'own password');
    const heard: string[] = [];
    reader.on('message', (to) => heard.push(to));
    await reader.subscribeAsync('parks/#', { qos: 1 });
    const spy = await join1('g-2', 'two');
    const overheard: string[] = [];
    spy.on('message', (to) => overheard.push(to));
    await spy.subscribeAsync(['#', '$SYS/#', 'parks/p-1/meters/m-2/readings']).catch(() => {});
    for (const to of ['parks/p-1/meters/m-2/readings', 'parks/p-1/meters/m-2/status', 'spBv1.0/STATE/host']) {
      const forger = await join1('g-1', 'one');
      await Promise.race([
        forger.publishAsync(to, 'forged', { qos: 1, retain: true }).catch(() => {}),
        new Promise<void>((resolve) => forger.once('close', () => resolve())),
      ]);
    }
    const honest = await join1('g-1', 'one');
    await honest.publishAsync('parks/p-1/meters/m-1/readings', '{}', { qos: 1 });
    await until(() => heard.length > 0, 'the reading');
    expect(heard).to.deep.equal(['parks/p-1/meters/m-1/readings']);
    expect(overheard).to.deep.equal([]);
  });
});

describe('subscriptions of the external broker at run time', () => {
  it('takes up new topics, gives back those gone, over TLS, and again after the broker lost its session', async function () {
    this.timeout(20_000);
    const program = requireServer(this, 'mosquitto');
    const folder = mkdtempSync(join(tmpdir(), 'greenpark-mqtts-'));
    chmodSync(folder, 0o755);
    const files = certificateAuthority(folder).issue('localhost');
    const ca = readFileSync(files.ca);
    const mosquitto = await Mosquitto.start(program, { tls: files, persistence: false });
    const rig = aRig();
    let written: readonly string[] = [];
    const memory = {
      read: async () => written,
      write: async (topics: readonly string[]) => {
        written = topics;
      },
    };
    const shared = { url: mosquitto.url, pipeline: rig.pipeline, clock: () => NOW, logger: quiet, reconnect: { firstMs: 20, longestMs: 100 } };
    const ingest = new MqttIngest({ ...shared, clientId: 'i', memory, topics: ['parks/#', 'a/#'], tls: { ca } });
    const stranger = new MqttIngest({ ...shared, clientId: 's' });
    let sender: MqttClient | null = null;
    try {
      await ingest.online(5000);
      await ingest.setTopics(['parks/#', 'b/#']);
      expect(written).to.deep.equal(['parks/#', 'b/#']);
      sender = await connectAsync(mosquitto.url, { ca, reconnectPeriod: 50 });
      sender.on('error', () => {});
      const seen = () => rig.letters.letters.map((letter) => letter.topic);
      for (const topic of ['a/x', 'b/x']) await sender.publishAsync(topic, 'x', { qos: 1 });
      await until(() => seen().length > 0, 'the new topic');
      expect(seen()).to.deep.equal(['b/x']);
      const before = ingest.connects;
      await mosquitto.stop();
      await until(() => ingest.state.state !== 'online', 'the loss');
      await ingest.setTopics(['c/#']);
      await mosquitto.start();
      await until(() => ingest.connects > before && ingest.state.state === 'online', 'the return');
      for (const topic of ['b/y', 'c/y']) await sender.publishAsync(topic, 'x', { qos: 1 });
      await until(() => seen().length > 1, 'the topic of the new session');
      expect(seen()).to.deep.equal(['b/x', 'c/y']);
      expect(stranger.state.state).to.not.equal('online');
      expect(stranger.state.lastError).to.match(/certificate|verify/i);
    } finally {
      await sender?.endAsync(true);
      await ingest.stop(500);
      await stranger.stop(0);
      await rig.pipeline.stop(500);
      await mosquitto.remove();
      rmSync(folder, { recursive: true });
    }
  });
});
