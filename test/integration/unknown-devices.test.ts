import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { connectAsync, type MqttClient } from 'mqtt';
import { shippedMapping } from '../../ingest/mappings/shipped/index.ts';
import { Caller } from './callers.ts';
import { GreenparkProcess } from './greenpark-process.ts';

const PASSWORD = 'a password for tests';
const NAME = '一号插座';

interface Device {
  readonly kind: string;
  readonly meter: string;
  readonly mapping: string;
  readonly suggestedId: string;
  readonly count: number;
}

describe('a device whose name is no id, over the broker of a running service', function () {
  this.timeout(30_000);
  let folder: string;
  let service: GreenparkProcess;
  let operator: Caller;
  let gateway: MqttClient;
  let secret: string;

  const start = async () => {
    service = await GreenparkProcess.start({ GREENPARK_DATA_DIR: folder, GREENPARK_ADMIN_PASSWORD: PASSWORD });
    operator = await Caller.signIn(service.url, 'admin', PASSWORD);
  };
  const connect = async () => {
    gateway = await connectAsync(`mqtt://127.0.0.1:${service.mqttPort}`, { username: 'zigbee', password: secret, reconnectPeriod: 0 });
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'greenpark-devices-'));
    await start();
    await operator.put('/api/v1/parks/north', { name: '北园', region: '510112' });
    secret = (await operator.put<{ readonly secret: string }>('/api/v1/parks/north/gateways/zigbee', { name: 'Zigbee' })).body.secret;
    const { id: _id, ...mapping } = shippedMapping('zigbee2mqtt');
    expect((await operator.put('/api/v1/parks/north/mappings/plugs', mapping)).status).to.equal(201);
    await connect();
  });
  after(async () => {
    await gateway?.endAsync(true);
    await service?.end('SIGTERM');
    await rm(folder, { recursive: true, force: true });
  });

  const publish = (name: string, energy: number) =>
    gateway.publishAsync(
      `zigbee2mqtt/${name}`,
      JSON.stringify({ energy, power: 60, last_seen: new Date(Date.now() - 3_600_000 + energy * 1000).toISOString() }),
      {
        qos: 1,
      },
    );
  const listed = () => operator.items<Device>('/api/v1/unknown-meters');
  const device = (name: string) => ({ park: 'north', mapping: 'plugs', device: name });
  const record = { enterprise: null, name: '插座', kind: 'electricity', parent: null, gateway: 'zigbee' };

  it('is listed under its name, with what it measures and an id that would do', async () => {
    for (const energy of [1, 2, 3]) await publish(NAME, energy);
    await publish('Device A', 9);
    const devices = await listed();
    expect(devices.map(({ kind, meter, mapping, count }) => [kind, meter, mapping, count])).to.deep.equal([
      ['device', 'Device A', 'plugs', 1],
      ['device', NAME, 'plugs', 3],
    ]);
    expect(devices.map(({ suggestedId }) => suggestedId)).to.satisfy(
      ([latin, other]: string[]) => latin === 'Device-A' && /^plugs-[0-9a-f]{6}$/.test(other as string),
    );
    expect(devices[1]).to.deep.include({ park: 'north', gateway: 'zigbee', topics: [`zigbee2mqtt/${NAME}`], suggestedKind: 'electricity' });
  });

  it('is listed again after a restart', async () => {
    await gateway.endAsync(true);
    await service.end('SIGTERM');
    await start();
    await connect();
    expect((await listed()).map(({ meter, count }) => [meter, count])).to.deep.equal([
      ['Device A', 1],
      [NAME, 3],
    ]);
  });

  it('is registered in one step: the meter, its name in the mapping, and all that was kept', async () => {
    const register = (meter: object, more: object = {}) =>
      operator.post<{ readonly replay: object; readonly code: string }>('/api/v1/unknown-devices/register', { ...device(NAME), meter, ...more });
    expect((await register({ ...record, id: 'no id' })).status).to.equal(400);
    expect((await register({ ...record, id: 'plug-1' }, { mapping: 'other' })).status).to.equal(404);
    const { status, body } = await register({ ...record, id: 'plug-1' });
    expect(status, JSON.stringify(body)).to.equal(201);
    expect(body.replay).to.include({ letters: 3, messages: 3, accepted: 3, refused: 0 });
    expect((await operator.get<{ readonly meters: object }>('/api/v1/parks/north/mappings/plugs')).body.meters).to.deep.equal({ [NAME]: 'plug-1' });
    await publish(NAME, 4);
    const raw = await operator.items<{ readonly value: number }>('/api/v1/meters/plug-1/series?quantity=active_energy_import');
    expect(raw.map(({ value }) => value)).to.deep.equal([1, 2, 3, 4]);
    expect((await listed()).map(({ meter }) => meter)).to.deep.equal(['Device A']);
    const trail = await operator.items<{ readonly action: string; readonly subject: string; readonly subjectId: string }>('/api/v1/audit?park=north');
    expect(trail.slice(0, 3).map(({ action, subject, subjectId }) => [action, subject, subjectId].join(' '))).to.deep.equal([
      'replayed meter plug-1',
      'replace mapping plugs',
      'create meter plug-1',
    ]);
  });

  it('takes no id that a meter has, and changes nothing then', async () => {
    const { status, body } = await operator.post<{ readonly code: string }>('/api/v1/unknown-devices/register', {
      ...device('Device A'),
      meter: { ...record, id: 'plug-1' },
    });
    expect([status, body.code]).to.deep.equal([409, 'CONFLICT']);
    expect((await operator.get<{ readonly meters: object }>('/api/v1/parks/north/mappings/plugs')).body.meters).to.deep.equal({ [NAME]: 'plug-1' });
  });

  it('is one meter when two people register it at once', async () => {
    // Enough to look through for both to be at it.
    for (let energy = 1; energy <= 200; energy++) await publish('Device C', energy);
    const meters = ['plug-c1', 'plug-c2'];
    const both = meters.map((id) => operator.post('/api/v1/unknown-devices/register', { ...device('Device C'), meter: { ...record, id } }));
    const statuses = (await Promise.all(both)).map(({ status }) => status);
    expect([...statuses].sort()).to.deep.equal([201, 404]);
    const { body } = await operator.get<{ readonly meters: Readonly<Record<string, string>> }>('/api/v1/parks/north/mappings/plugs');
    const [right, other] = statuses[0] === 201 ? meters : meters.toReversed();
    expect(body.meters['Device C']).to.equal(right);
    expect((await operator.get(`/api/v1/parks/north/meters/${other}`)).status).to.equal(404);
  });

  it('is off the list when its mapping is told of it by hand, or it is dismissed until it reports again', async () => {
    const { id: _id, ...mapping } = shippedMapping('zigbee2mqtt');
    await publish('Device B', 1);
    await operator.put('/api/v1/parks/north/mappings/plugs', { ...mapping, meters: { [NAME]: 'plug-1', 'Device B': 'plug-1' } });
    expect((await listed()).map(({ meter }) => meter)).to.deep.equal(['Device A']);
    const query = new URLSearchParams(device('Device A'));
    expect((await operator.delete(`/api/v1/unknown-devices?${query}`)).status).to.equal(204);
    expect(await listed()).to.deep.equal([]);
    await publish('Device A', 10);
    expect((await listed()).map(({ meter }) => meter)).to.deep.equal(['Device A']);
  });
});
