import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { connectAsync, type MqttClient } from 'mqtt';
import { shippedMapping } from '../../ingest/mappings/shipped/index.ts';
import type { GatewayStanding, LeftOutSeen } from '../../model/ingest.ts';
import { Caller } from './callers.ts';
import { GreenparkProcess } from './greenpark-process.ts';

const PASSWORD = 'a password for tests';
const MAPPING = '/api/v1/parks/north/mappings/chirpstack-v4';

describe('what a mapping leaves out, over the broker of a running service', function () {
  this.timeout(30_000);
  let folder: string;
  let service: GreenparkProcess;
  let operator: Caller;
  let gateway: MqttClient;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'greenpark-left-out-'));
    service = await GreenparkProcess.start({ GREENPARK_DATA_DIR: folder, GREENPARK_ADMIN_PASSWORD: PASSWORD });
    operator = await Caller.signIn(service.url, 'admin', PASSWORD);
    await operator.put('/api/v1/parks/north', { name: '北园', region: '510112' });
    const { body } = await operator.put<{ readonly secret: string }>('/api/v1/parks/north/gateways/lora', { name: 'LoRa' });
    await operator.put('/api/v1/parks/north/meters/hall', { enterprise: null, name: '车间', kind: 'electricity', parent: null, gateway: 'lora' });
    for (const id of ['chirpstack-v4', 'zigbee2mqtt']) {
      const { id: _id, ...mapping } = shippedMapping(id);
      expect((await operator.put(`/api/v1/parks/north/mappings/${id}`, mapping)).status, id).to.equal(201);
    }
    gateway = await connectAsync(`mqtt://127.0.0.1:${service.mqttPort}`, { username: 'lora', password: body.secret, reconnectPeriod: 0 });
  });
  after(async () => {
    await gateway?.endAsync(true);
    await service?.end('SIGTERM');
    await rm(folder, { recursive: true, force: true });
  });

  const publish = (topic: string, payload: object) => gateway.publishAsync(topic, JSON.stringify(payload), { qos: 1 });
  const uplink = (object: object) => publish('application/1/device/a84041ffff1/event/up', { deviceInfo: { tags: { meter: 'hall' } }, fPort: 2, object });
  const listed = async () =>
    (await operator.items<LeftOutSeen>('/api/v1/ingest/left-out')).map(({ mapping, kind, name, meter, topic, count }) =>
      [mapping, kind, name ?? meter ?? topic, count].join(' '),
    );
  async function metric(sample: string): Promise<number> {
    const { body } = await operator.get<string>('/metrics');
    return Number(
      body
        .split('\n')
        .find((line) => line.startsWith(`${sample} `))
        ?.slice(sample.length + 1) ?? 0,
    );
  }
  const nothingMapped = 'greenpark_mapping_left_out_total{park="north",mapping="chirpstack-v4",kind="nothing-mapped"}';
  const leftOut = 'greenpark_ingest_messages_total{outcome="left-out"}';

  it('is listed and counted where a device’s codec uses names that are not ours; the gateway has its acknowledgements', async () => {
    for (const total of [10, 11, 12]) await uplink({ TotalEnergy: total, Battery: 3.6 });
    expect((await listed()).sort()).to.deep.equal([
      'chirpstack-v4 not-mapped Battery 3',
      'chirpstack-v4 not-mapped TotalEnergy 3',
      'chirpstack-v4 nothing-mapped hall 3',
    ]);
    const [first] = await operator.items<LeftOutSeen>('/api/v1/ingest/left-out');
    expect(first).to.include({ kind: 'nothing-mapped', park: 'north', sample: '{"TotalEnergy":10,"Battery":3.6}', isRegistered: true, lastReading: null });
    expect(await Promise.all([metric(nothingMapped), metric(leftOut), metric('greenpark_gateway_left_out_total{gateway="lora"}')])).to.deep.equal([3, 3, 3]);
    const [standing] = await operator.items<GatewayStanding>('/api/v1/ingest/gateways');
    expect(standing).to.include({ gateway: 'lora', messages: 3, readings: 0, refused: 0, leftOut: 3 });
    expect(await operator.items('/api/v1/dead-letters')).to.deep.equal([]);
  });

  it('is no longer the meter once the mapping is mended, but what nobody wants', async () => {
    const { id: _id, named, ...mapping } = shippedMapping('chirpstack-v4');
    const mended = { ...mapping, named: { ...named, names: { TotalEnergy: { quantity: 'active_energy_import', unit: 'kWh' } } } };
    expect((await operator.put(MAPPING, mended)).status).to.equal(200);
    expect(await listed()).to.deep.equal([]);
    await uplink({ TotalEnergy: 13, Battery: 3.6 });
    await uplink({ TotalEnergy: null, Battery: 3.6 });
    expect((await listed()).sort()).to.deep.equal([
      'chirpstack-v4 no-value TotalEnergy 1',
      'chirpstack-v4 not-mapped Battery 2',
      'chirpstack-v4 nothing-measured hall 1',
    ]);
    expect(await operator.items<{ readonly value: number }>('/api/v1/meters/hall/latest')).to.have.length(1);
    expect(await Promise.all([metric(nothingMapped), metric(leftOut)])).to.deep.equal([3, 3]);
  });

  it('rests as dead letters where the mapping says so, and is stored when it is mended', async () => {
    const { id: _id, named, ...mapping } = shippedMapping('chirpstack-v4');
    const put = (names: object) => operator.put(MAPPING, { ...mapping, named: { ...named, others: 'refuse-whole', names } });
    await put({});
    await uplink({ Reactive: 7, Battery: 3.6 });
    await put({ Reactive: { quantity: 'reactive_power', unit: 'kvar' } });
    const { body } = await operator.post<object>('/api/v1/dead-letters/replay', { filter: { reason: 'unknown-quantity' } });
    expect(body).to.include({ letters: 1, accepted: 1 });
    const latest = await operator.items<{ readonly quantity: string; readonly value: number }>('/api/v1/meters/hall/latest');
    expect(latest.find(({ quantity }) => quantity === 'reactive_power')?.value).to.equal(7);
    expect(await listed()).to.deep.equal([]);
    expect(await metric(leftOut)).to.equal(3);
  });

  it('is a device whose messages no `when` takes, but not its availability', async () => {
    await publish('zigbee2mqtt/strip', { power_l1: 5, power_l2: 6 });
    await publish('zigbee2mqtt/strip/availability', { state: 'online' });
    expect((await listed()).filter((line) => line.startsWith('zigbee2mqtt'))).to.deep.equal(['zigbee2mqtt not-taken zigbee2mqtt/strip 1']);
    expect(await metric(leftOut)).to.equal(4);
  });

  it('stays a dead letter that waits while the mapping would leave all of it out, and is stored once it does not', async () => {
    const { id: _id, named, ...mapping } = shippedMapping('chirpstack-v4');
    const put = (others: string, names: object) => operator.put(MAPPING, { ...mapping, named: { ...named, others, names } });
    const replay = async () => (await operator.post<object>('/api/v1/dead-letters/replay', { filter: { state: 'waiting' } })).body;
    await put('refuse-whole', {});
    await uplink({ Frequency: 50.02, Battery: 3.6 });
    await put('ignore', {});
    expect(await replay()).to.include({ letters: 1, messages: 1, accepted: 0, leftOut: 1 });
    await put('ignore', { Frequency: { quantity: 'frequency', unit: 'Hz' } });
    expect(await replay()).to.include({ letters: 1, messages: 1, accepted: 1, leftOut: 0 });
    const latest = await operator.items<{ readonly quantity: string; readonly value: number }>('/api/v1/meters/hall/latest');
    expect(latest.find(({ quantity }) => quantity === 'frequency')?.value).to.equal(50.02);
  });
});
