import { expect } from 'chai';
import { requireServer } from '../real-servers.ts';
import { Influx } from '../servers/influx.ts';
import { Caller, eventually } from './callers.ts';
import { ADMIN_PASSWORD, Service, type Surroundings } from './service.ts';

const METER = { enterprise: null, name: '一号表', kind: 'electricity', parent: null, gateway: null };
const MINUTE = 60_000;

interface Series {
  readonly items: readonly { readonly ts: number; readonly value: number }[];
}

describe('a meter that is deleted and registered again', function () {
  this.timeout(60_000);
  const began = Date.now() - 60 * MINUTE;
  let influx: Influx | undefined;
  let service: Service;
  let admin: Caller;

  const open = async (surroundings: Omit<Surroundings, 'remove'>) => {
    service = await Service.start({ ...surroundings, remove: async () => {} }, Date.now);
    await signIn();
    for (const park of ['north', 'south']) expect((await admin.put(`/api/v1/parks/${park}`, { name: park, region: '510112' })).status).to.equal(201);
    expect(await register('north')).to.equal(201);
  };
  const signIn = async () => {
    admin = await Caller.signIn(service.url, 'admin', ADMIN_PASSWORD);
  };
  const register = async (park: string) => (await admin.put(`/api/v1/parks/${park}/meters/m-1`, METER)).status;
  const remove = async () => (await admin.delete('/api/v1/parks/north/meters/m-1')).status;
  /** Readings of some minutes, each with the value `from` more than its number. */
  const send = async (minutes: readonly number[], from = 0) => {
    const items = minutes.map((minute) => ({ meter: 'm-1', ts: began + minute * MINUTE, values: { active_power: from + minute } }));
    const { status, body } = await admin.post<{ accepted: number; duplicates: number }>('/api/v1/readings', items);
    expect(status).to.equal(200);
    return body;
  };
  const held = async () => {
    const from = new Date(began).toISOString();
    const { status, body } = await admin.get<Series>(`/api/v1/meters/m-1/series?quantity=active_power&from=${from}&to=${new Date().toISOString()}`);
    expect(status).to.equal(200);
    return body.items.map(({ value }) => value);
  };

  afterEach(async () => {
    await service.remove();
    await influx?.remove();
    influx = undefined;
  });

  const goesOn = async () => {
    await send([1, 2, 3]);
    expect(await remove()).to.equal(204);
    expect(await register('south'), 'in another park').to.equal(400);
    expect(await register('north')).to.equal(201);
    expect(await send([2, 3], 100), 'sent again, with other values').to.include({ duplicates: 2 });
    await send([4]);
    expect(await held()).to.deep.equal([1, 2, 3, 4]);
  };

  it('goes on with its readings, in the embedded store', async () => {
    await open({ env: {}, brokerUrl: null });
    await goesOn();
  });

  it('goes on with its readings, in InfluxDB, and with those that waited in the spool over a restart', async function () {
    influx = await Influx.start(requireServer(this, 'influxd'));
    await open({ env: { GREENPARK_INFLUX_URL: influx.url, GREENPARK_INFLUX_VERSION: '1', GREENPARK_INFLUX_BUCKET: 'greenpark' }, brokerUrl: null });
    await goesOn();
    await influx.stop();
    await send([5, 6]);
    expect(await remove()).to.equal(204);
    await service.stop();
    await influx.start();
    await service.start();
    await signIn();
    await eventually(async () => /^greenpark_spool_readings 0$/m.test((await admin.get<string>('/metrics')).body), 'an empty spool');
    expect(await register('north')).to.equal(201);
    expect(await send([5], 100)).to.include({ duplicates: 1 });
    expect(await held()).to.deep.equal([1, 2, 3, 4, 5, 6]);
  });

  it('goes on with what InfluxDB has under its name from another installation', async function () {
    influx = await Influx.start(requireServer(this, 'influxd'));
    const env = { GREENPARK_INFLUX_URL: influx.url, GREENPARK_INFLUX_VERSION: '1', GREENPARK_INFLUX_BUCKET: 'greenpark' };
    await open({ env, brokerUrl: null });
    await send([1, 2, 3]);
    await service.remove();
    await open({ env, brokerUrl: null });
    // Sent again, with other values.
    await send([2, 3], 100);
    await send([4]);
    expect(await held()).to.deep.equal([1, 2, 3, 4]);
  });
});
