import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { connectAsync, type MqttClient } from 'mqtt';
import { mosquittoAcl } from '../../cli/registry-mosquitto.ts';
import { ZIGBEE2MQTT } from '../../ingest/mappings/shipped/zigbee2mqtt.ts';
import { MqttIngest } from '../../ingest/transports/mqtt-client.ts';
import type { GatewayId, ParkId } from '../../model/ids.ts';
import type { Mapping } from '../../model/mapping.ts';
import type { Meter, Park } from '../../model/registry.ts';
import { hashGatewaySecret } from '../../store/registry/gateway-secret.ts';
import { openRegistry } from '../../store/registry/open.ts';
import { aRig, NOW, quiet, until } from '../ingest/harness.ts';
import { requireServer } from '../real-servers.ts';
import { certificateAuthority } from '../servers/certificates.ts';
import { Mosquitto } from '../servers/mosquitto.ts';
import { eventually } from './callers.ts';
import { type Environment, greenpark } from './greenpark-process.ts';

const OWN = { GREENPARK_MQTT_USERNAME: 'greenpark', GREENPARK_MQTT_PASSWORD: 'own password' };

/** The configuration that is shipped, line by line, with its folder elsewhere. */
const shipped = (folder: string): readonly string[] =>
  readFileSync(new URL('../../../deploy/mosquitto/mosquitto.conf', import.meta.url), 'utf8')
    .replaceAll('/mosquitto/config/', `${folder}/`)
    .split('\n')
    .filter((line) => /^(allow_anonymous|password_file|acl_file|max_|message_|log_)/.test(line));

describe('a real Mosquitto with the configuration that is shipped and the files of registry export --mosquitto', () => {
  let folder: string;
  /** Where the broker finds its files. */
  let config: string;
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
    const logger = { id: 'g-logger', park: 'p-1', name: 'g-logger', link: { type: 'hj212', mn: 'MN1', meter: 'm-1' } };
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
    await registry.gateways.put(logger as never);
    await registry.gateways.setSecret('g-logger' as GatewayId, await hashGatewaySecret('123456', 'chosen'));
    for (const mapping of ZIGBEE2MQTT) await registry.mappings.put({ ...mapping, park: 'p-1' as ParkId, enabled: true });
    registry.close();
    config = join(folder, 'mosquitto');
    mkdirSync(config);
    // Started by root, the broker becomes its own user before it reads these files: as docs/operations.md says, they are for its group.
    if (process.getuid?.() === 0) {
      chownSync(config, 0, Number(execFileSync('id', ['-g', 'mosquitto'], { encoding: 'utf8' })));
      chmodSync(config, 0o2750);
    }
    expect(await exported(OWN)).to.include({ code: 0 });
    mosquitto = await Mosquitto.start(program, { persistence: false, config: ['user mosquitto', ...shipped(config)] });
  });

  const exported = (env: Environment) => greenpark(['registry', 'export', '--mosquitto', config], { GREENPARK_DATA_DIR: folder, ...env });

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
      // Its way is HJ 212.
      ['g-logger', '123456'],
      ['nobody', 'one'],
      ['greenpark', 'one'],
    ] as const) {
      expect(await answer(name, password), `${name}`).to.match(/not authorized/i);
    }
    for (const id of ['g-old', 'g-logger']) expect(readFileSync(join(config, 'passwords'), 'utf8')).to.not.contain(id);
  });

  it('does for the service what greenpark broker check tries', async () => {
    const { code, out } = await greenpark(['broker', 'check', '--messages', '500', '--json'], { GREENPARK_MQTT_URL: mosquitto.url, ...OWN });
    expect([code, JSON.parse(out).faults]).to.deep.equal([0, []]);
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

  it('passes on topics of a mapping, but none that it leaves alone, such as commands to other devices', async () => {
    const reader = await join1('greenpark', 'own password');
    const heard: string[] = [];
    reader.on('message', (to) => heard.push(to));
    await reader.subscribeAsync('zigbee2mqtt/#', { qos: 1 });
    const gateway = await join1('g-1', 'one');
    for (const to of ['plug/set', 'hall/plug/set/state', 'bridge/request/device/remove', 'bridge', 'plug/availability', 'plug', 'hall/plug'])
      await gateway.publishAsync(`zigbee2mqtt/${to}`, '{}', { qos: 1 });
    await until(() => heard.length > 1, 'the readings');
    expect(heard).to.deep.equal(['zigbee2mqtt/plug', 'zigbee2mqtt/hall/plug']);
    // What is refused does not cost the connection: Zigbee2MQTT sends its state on topics that the mapping leaves alone.
    expect(gateway.connected).to.equal(true);
  });

  it('lets in a gateway whose secret was made meanwhile, once it is told to read the files again, and no stranger reads them', async () => {
    const secret = (await greenpark(['gateway', 'secret', 'g-old'], { GREENPARK_DATA_DIR: folder })).out.trim();
    expect(await answer('g-old', secret)).to.match(/not authorized/i);
    await exported(OWN);
    process.kill(mosquitto.pid, 'SIGHUP');
    await eventually(async () => (await answer('g-old', secret)) === 'welcome', 'the new secret');
    for (const file of ['passwords', 'acl']) expect((statSync(join(config, file)).mode & 0o777).toString(8)).to.equal('640');
  }).timeout(20_000);

  it('are written beside a link that somebody has put in their way, not through it', async () => {
    const elsewhere = join(folder, 'elsewhere');
    writeFileSync(elsewhere, 'of somebody else', { mode: 0o600 });
    const before = statSync(elsewhere);
    for (const name of ['passwords.new', 'acl.new']) symlinkSync(elsewhere, join(config, name));
    expect(await exported(OWN)).to.include({ code: 0 });
    expect(readFileSync(elsewhere, 'utf8')).to.equal('of somebody else');
    const { uid, gid, mode } = statSync(elsewhere);
    expect({ uid, gid, mode }).to.deep.equal({ uid: before.uid, gid: before.gid, mode: before.mode });
    for (const name of ['passwords', 'acl']) expect(lstatSync(join(config, name)).isFile(), name).to.equal(true);
  }).timeout(20_000);

  // Files without the user that the service signs in as would lock it out at the broker's next start.
  for (const name of ['GREENPARK_MQTT_USERNAME', 'GREENPARK_MQTT_PASSWORD'] as const) {
    it(`are left alone where ${name} is not set, with a sentence and code 1`, async () => {
      const before = readFileSync(join(config, 'passwords'), 'utf8');
      const { [name]: _, ...rest } = OWN;
      const { code, err } = await exported(rest);
      expect(code).to.equal(1);
      expect(err).to.match(new RegExp(`^greenpark: ${name} is not set: [^\\n]+ nothing was written\\n$`));
      expect(readFileSync(join(config, 'passwords'), 'utf8')).to.equal(before);
    }).timeout(20_000);
  }
});

describe('the access list of registry export --mosquitto', () => {
  const aMapping = (topics: string[], except: string[] = [], park = 'p-1') => ({ park: park as ParkId, topics, except }) satisfies Partial<Mapping>;
  const deniedIn = (...mappings: ReturnType<typeof aMapping>[]) =>
    mosquittoAcl('greenpark', undefined, [{ id: 'g-1' as GatewayId, park: 'p-1' as ParkId, name: 'g-1' }], [], mappings)
      .split('\n')
      .filter((line) => line.startsWith('topic deny'));

  it('denies what a mapping of the park leaves alone, and no more than that', () => {
    const excepting = aMapping(['a/#'], ['a/{x}/set', 'a/cmd-{x}']);
    // Part of a level cannot stand in the list.
    expect(deniedIn(excepting, excepting)).to.deep.equal(['topic deny a/+/set']);
    expect(deniedIn(aMapping(['a/#'], ['a/+/set'], 'p-2'))).to.deep.equal([]);
    expect(deniedIn(excepting, aMapping(['a/{m}/{what}']))).to.deep.equal([]);
    expect(deniedIn(excepting, aMapping(['a/{m}']))).to.deep.equal(['topic deny a/+/set']);
  });
});

describe('the access list of registry export --mosquitto, of mappings whose first level is named', () => {
  it('opens to nobody what would open native or Sparkplug topics as well', () => {
    const gateway = { id: 'g-1' as GatewayId, park: 'p-1' as ParkId, name: 'g-1' };
    const topics = ['gw-{id}/#', '+/north/#', '{m}/events/rpc', 'plant/#'];
    const lines = mosquittoAcl('greenpark', undefined, [gateway], [], [{ park: 'p-1' as ParkId, topics }]).split('\n');
    expect(lines.filter((line) => line.startsWith('topic write'))).to.deep.equal(['topic write +/events/rpc', 'topic write plant/#']);
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
