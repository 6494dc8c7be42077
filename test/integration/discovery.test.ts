import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { connectAsync, type MqttClient } from 'mqtt';
import { readConfig } from '../../config.ts';
import { type Core, openCore, Undo } from '../../core.ts';
import { MappingCodec } from '../../ingest/mappings/codec.ts';
import { EmbeddedBroker } from '../../ingest/transports/embedded-broker.ts';
import { lettersOfUnknown } from '../../ingest/unknown-meters.ts';
import type { GatewayId, ParkId } from '../../model/ids.ts';
import { parseRegistryDocument } from '../../store/registry/document.ts';
import { hashGatewaySecret, verifyGatewaySecret } from '../../store/registry/gateway-secret.ts';
import { bearer, NOW, TestService } from '../api/service.ts';
import { quiet, until } from '../ingest/harness.ts';
import { Caller } from './callers.ts';

const MESSAGES = 300;

describe('what was refused, over a real broker', () => {
  let service: TestService;
  let broker: EmbeddedBroker;
  let server: Server;
  let operator: Caller;
  let gateway: MqttClient;
  let url: string;
  const codec = new MappingCodec({
    surroundings: () => service.watch.current,
    onFault: (_, error) => {
      throw error;
    },
  });

  before(async () => {
    service = await TestService.open(undefined, [codec]);
    await service.registry.gateways.setSecret('gw-1' as GatewayId, await hashGatewaySecret('s3cret'));
    broker = await EmbeddedBroker.start({
      host: '127.0.0.1',
      port: 0,
      pipeline: service.pipeline,
      authenticateGateway: async (id, secret) => verifyGatewaySecret((await service.registry.gateways.secretHash(id as GatewayId)) ?? '', secret),
      clock: () => NOW,
      logger: quiet,
    });
    server = createServer(service.app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    operator = Caller.withToken(url, bearer('operator').slice(7));
    gateway = await connectAsync(`mqtt://127.0.0.1:${broker.address.port}`, { username: 'gw-1', password: 's3cret', reconnectPeriod: 0 });
  });
  after(async () => {
    await gateway.endAsync(true);
    await broker.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    service.close();
  });

  it('comes whole into the store when the meter is registered from the list', async () => {
    const topic = 'parks/north/meters/m-new/readings';
    for (let n = 0; n < MESSAGES; n++) {
      await gateway.publishAsync(topic, JSON.stringify({ ts: NOW - n * 1000, values: { active_power: n, voltage_a: 230 } }), { qos: 1 });
    }
    const [unknown] = await operator.items<Record<string, unknown>>('/api/v1/unknown-meters');
    expect(unknown).to.include({ meter: 'm-new', park: 'north', gateway: 'gw-1', count: MESSAGES, suggestedKind: 'electricity' });
    expect(unknown?.['topics']).to.deep.equal([topic]);
    const record = { park: 'north', enterprise: null, name: '新表', kind: unknown?.['suggestedKind'], parent: null, gateway: 'gw-1' };
    const { status, body } = await operator.post<{ replay: object }>('/api/v1/unknown-meters/m-new/register', record);
    expect(status).to.equal(201);
    expect(body.replay).to.include({ letters: MESSAGES, messages: MESSAGES, accepted: MESSAGES, failed: 0, cut: 0 });
    expect(service.stored.size).to.equal(MESSAGES * 2);
    await gateway.publishAsync(topic, JSON.stringify({ ts: NOW + 1, values: { active_power: 1 } }), { qos: 1 });
    expect(service.stored.size).to.equal(MESSAGES * 2 + 1);
  });

  it('comes into the store when the mapping is mended, by the command line', async () => {
    const before = service.stored.size;
    const mapping = await service.registry.mappings.get('north' as never, 'mp-1');
    if (mapping === null) throw new Error('the document has no mapping mp-1');
    const values = { active_power: { from: 'kw', unit: 'kW' } };
    codec.load([{ ...mapping, values: { active_power: { from: 'wrong.name', unit: 'kW' } } }]);
    await operator.put('/api/v1/parks/north/meters/m-park', { enterprise: null, name: '总表', kind: 'electricity', parent: null, gateway: 'gw-1' });
    for (let n = 0; n < 20; n++) await gateway.publishAsync('gw/m-park/json', JSON.stringify({ kw: { is: n } }), { qos: 1 });
    const waiting = await operator.items<{ topic: string }>('/api/v1/dead-letters?topic=gw/&state=waiting');
    expect(waiting.length).to.be.greaterThan(0);
    codec.load([{ ...mapping, values: { ...values, active_power: { from: 'kw.is', unit: 'kW' } } }]);
    const replayed = await greenpark('replay', '--topic', 'gw/');
    expect([replayed.code, replayed.stderr]).to.deep.equal([0, '']);
    expect(replayed.stdout).to.match(/^20 letters of (1?[0-9]|20) messages: (1?[0-9]|20) accepted, 0 in part, 0 refused again/);
    // All came without a time, at the one instant of this clock: one reading.
    expect(service.stored.size).to.equal(before + 1);
    expect(await operator.items('/api/v1/dead-letters?topic=gw/&state=waiting')).to.deep.equal([]);
  });

  it('is listed and exported by the command line, which fails without a valid token', async () => {
    const listed = await greenpark('list', '--state', 'replayed', '--limit', '3');
    expect(listed.code).to.equal(0);
    expect(listed.stdout.match(/\(replayed\)/g)?.length).to.equal(3);
    const given = await greenpark('export', '--reason', 'unknown-meter');
    expect(
      given.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).reason),
    ).to.deep.equal(Array(MESSAGES).fill('unknown-meter'));
    const refused = await greenpark('list', '--token', 'wrong');
    expect([refused.code, refused.stdout]).to.deep.equal([1, '']);
    expect(refused.stderr).to.match(/^greenpark: .* answered 401 UNAUTHENTICATED/);
  });

  const greenpark = (...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
    new Promise((resolve) => {
      const program = fileURLToPath(new URL('../../cli/greenpark.js', import.meta.url));
      const env = { ...process.env, GREENPARK_URL: url, GREENPARK_TOKEN: bearer('operator').slice(7) };
      execFile(process.execPath, [program, 'dead-letters', ...args], { env, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 70, stdout, stderr });
      });
    });
});

describe('meters that are not registered, after a restart', () => {
  it('are all found again and get their readings, though their message is kept as one letter that names five', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'greenpark-discovery-'));
    const started = async <T>(work: (core: Core) => Promise<T>): Promise<T> => {
      const undo = new Undo();
      try {
        return await work(await openCore(readConfig({ GREENPARK_DATA_DIR: folder, GREENPARK_LOG_LEVEL: 'silent' }), { clock: Date.now, logger: quiet }, undo));
      } finally {
        await undo.run();
      }
    };
    const document = parseRegistryDocument(`
parks: [{ id: north, name: 北园, region: '510112' }]
gateways: [{ id: gw-1, park: north, name: Gateway 1 }]
mappings:
  - { id: list, park: north, name: 列表, topics: [gw/list], each: items, meter: '"m-" & $string(number)', values: { active_power: { from: kw, unit: kW } } }
`);
    const items = Array.from({ length: 20 }, (_, number) => ({ number, kw: number }));
    const expected = items.map(({ number }) => `m-${number}`).sort();
    const listed = ({ unknown }: Core) => unknown.list().map(({ meter, park }) => [park, meter].join(' '));
    try {
      await started(async (core) => {
        await core.registry.import(document, { actor: 'test', at: Date.now() });
        await core.directory.refresh();
        await until(() => core.mappings.topics.length > 0, 'the mapping');
        const payload = Buffer.from(JSON.stringify({ items }));
        await new Promise<void>((resolve, reject) => {
          const message = { topic: 'gw/list', payload, gateway: 'gw-1', transport: 'mqtt', receivedAt: Date.now() };
          core.pipeline.accept(message, (error) => (error === undefined ? resolve() : reject(error)));
        });
        expect(listed(core).sort()).to.deep.equal(expected.map((meter) => `north ${meter}`));
      });
      await started(async (core) => {
        expect(listed(core).sort()).to.deep.equal(expected.map((meter) => `north ${meter}`));
        expect(core.unknown.list()[0]?.suggestedKind).to.equal('electricity');
        for (const meter of expected)
          expect(await lettersOfUnknown(core.registry.deadLetters, core.letterCodecs, meter, 'north' as ParkId), meter).to.have.length(1);
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
