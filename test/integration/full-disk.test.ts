import { setTimeout as rest } from 'node:timers/promises';
import { expect } from 'chai';
import { openRegistry } from '../../store/registry/open.ts';
import { requireServer } from '../real-servers.ts';
import { Influx } from '../servers/influx.ts';
import { freePort } from '../servers/program.ts';
import { SmallDisk } from '../servers/small-disk.ts';
import { eventually } from './callers.ts';
import { expectAllInInflux, expectAllStoredOnce, storedInInflux } from './counted-load.ts';
import { type Load, ParkUnderLoad, secondsSince } from './park-under-load.ts';

describe('a disk that is full', function () {
  this.timeout(90_000);
  let disk: SmallDisk;
  let park: ParkUnderLoad;
  let influx: Influx | null = null;
  let port: number;
  let broker: string;

  beforeEach(async () => {
    // The spool leaves 100 MB free, and the registry and the store need some room before.
    disk = SmallDisk.make(160);
    park = await ParkUnderLoad.register(disk.folder);
    port = await freePort();
    broker = `mqtt://127.0.0.1:${port}`;
  });
  afterEach(async () => {
    try {
      await park.close();
      await influx?.remove();
      influx = null;
    } finally {
      disk.remove();
    }
  });

  const start = () =>
    park.start({ GREENPARK_MQTT_PORT: String(port), ...(influx === null ? {} : { GREENPARK_INFLUX_URL: influx.url, GREENPARK_INFLUX_VERSION: '1' }) });

  /** Waits until the service says of these parts that they are not ready. */
  const told = (parts: readonly string[]) =>
    eventually(async () => {
      const notReady = await park.notReady();
      return parts.every((part) => notReady.includes(part));
    }, `${parts} in /readyz`);

  /** Fills the disk, and shows that no more PUBACKs come as soon as the service says so of `parts`. */
  async function fill(load: Load, parts: readonly string[]): Promise<void> {
    disk.fill(park.service.pid);
    await told([...parts, ...(disk.isReal ? ['disk'] : [])]);
    const before = load.acknowledged;
    await rest(500);
    expect(load.acknowledged).to.equal(before);
  }

  /** Makes room, and answers how long it took until there were PUBACKs again. */
  async function free(load: Load): Promise<string> {
    const before = load.acknowledged;
    disk.free(park.service.pid);
    const begun = performance.now();
    await eventually(() => load.acknowledged > before, 'a PUBACK', 30_000);
    return secondsSince(begun);
  }

  it('stops the embedded store, also over a kill -9, and everything goes on when there is room', async () => {
    await start();
    const admin = await park.administrator();
    const load = await park.load(broker);
    await eventually(() => load.acknowledged > 500, 'the first PUBACKs');
    await fill(load, ['store']);
    expect(await park.metric('greenpark_store_failing')).to.equal(1);
    expect(park.said).to.include('readings cannot be stored; trying again');
    // What is stored can be asked for all the while.
    expect((await admin.items('/api/v1/meters/m-1/latest')).length).to.be.above(0);
    const first = await free(load);
    await fill(load, ['store']);
    await park.end('SIGKILL');
    await start();
    const second = disk.isReal ? await free(load) : 'at once';
    const counted = await load.end();
    expect(load.acknowledged).to.equal(counted.total);
    await eventually(async () => (await park.notReady()).length === 0, 'readiness');
    expect(await park.end('SIGTERM')).to.equal(0);
    await expectAllStoredOnce(disk.folder, counted);
    console.log(`      PUBACKs again ${first} after there was room, and ${second} with a service that was killed; ${counted.total} messages, all stored once`);
  });

  it('stops the spool while InfluxDB is away, and everything goes on when there is room', async function () {
    influx = await Influx.start(requireServer(this, 'influxd'));
    await start();
    const load = await park.load(broker);
    await eventually(() => load.acknowledged > 500, 'the first PUBACKs');
    await influx.kill();
    await eventually(async () => (await park.metric('greenpark_spool_readings')) > 500, 'a spool that takes readings', 30_000);
    await fill(load, ['store', 'spool']);
    const first = await free(load);
    expect(await park.metric('greenpark_spool_readings')).to.be.above(500);
    await influx.start();
    const begun = performance.now();
    const counted = await load.end();
    await eventually(async () => (await park.metric('greenpark_spool_readings')) === 0, 'an empty spool', 30_000);
    const second = secondsSince(begun);
    await eventually(async () => (await park.notReady()).length === 0, 'readiness');
    expect(await park.end('SIGTERM')).to.equal(0);
    await expectAllInInflux(influx.url, disk.folder, counted);
    console.log(`      PUBACKs again ${first} after there was room, spool empty ${second} after InfluxDB was back; ${counted.total} messages, all stored once`);
  });

  it('stops the registry alone where InfluxDB has a disk of its own: readings go on, what the registry keeps waits', async function () {
    influx = await Influx.start(requireServer(this, 'influxd'));
    await start();
    const admin = await park.administrator();
    const rule = {
      name: 'Power',
      type: 'limit',
      subject: { meter: 'm-1' },
      quantity: 'active_power',
      level: 'red',
      side: 'above',
      value: 5,
      judged: { by: 'instant' },
    };
    expect((await admin.put('/api/v1/parks/p-1/rules/high', rule)).status).to.be.within(200, 201);
    // Acknowledgements keep their order: what comes behind a bad message on its connection waits with it.
    const [good, bad] = [await park.gateway(broker), await park.gateway(broker)];
    const topic = 'parks/p-1/meters/m-1/readings';
    const from = Date.now() - 60_000;
    disk.fill(park.service.pid);
    // SQLite's log has room in it for some more.
    let letters = 0;
    let waiting = 0;
    await eventually(async () => {
      waiting++;
      void bad.publishAsync(topic, `no reading ${letters++}: ${'x'.repeat(16_000)}`, { qos: 1 }).then(() => waiting--);
      return (await park.notReady()).includes('registry');
    }, 'the registry in /readyz');
    for (let n = 0; n < 100; n++) await good.publishAsync(topic, JSON.stringify({ ts: from + n, values: { active_power: n } }), { qos: 1 });
    const refused = await park.administrator().catch((error: Error) => error.message);
    expect(refused).to.equal('admin cannot sign in: 503');
    expect(waiting).to.be.above(0);
    disk.free(park.service.pid);
    const begun = performance.now();
    await eventually(() => waiting === 0, 'the PUBACKs of the bad messages', 30_000);
    const first = secondsSince(begun);
    await eventually(async () => (await park.notReady()).length === 0, 'readiness');
    expect(await park.end('SIGTERM')).to.equal(0);
    const registry = await openRegistry(`${disk.folder}/registry.db`);
    expect((await registry.deadLetters.countByReason()).get('not-json')).to.equal(letters);
    expect((await registry.alerts.open()).length).to.equal(1);
    registry.close();
    expect((await storedInInflux(influx.url)).length).to.equal(100);
    console.log(`      the bad messages have their PUBACKs ${first} after there was room`);
  });
});
