import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { expect } from 'chai';
import { connectAsync, type MqttClient } from 'mqtt';
import { requireServer } from '../real-servers.ts';
import { Influx } from '../servers/influx.ts';
import { Mosquitto } from '../servers/mosquitto.ts';
import { Caller, eventually } from './callers.ts';
import { type Environment, GreenparkProcess, greenpark } from './greenpark-process.ts';

const PARKS = ['north', 'south'] as const;
type Park = (typeof PARKS)[number];
const METERS_EACH = 2;
/** Messages that a publisher has under way at most. */
const WINDOW = 200;
const PASSWORD = 'a password for tests';

const parkOf = (n: number): Park => PARKS[n % PARKS.length] as Park;
const meterOf = (n: number): string => `${parkOf(n)}-${1 + (Math.floor(n / PARKS.length) % METERS_EACH)}`;

describe('two processes, each with its parks, on one Mosquitto and one InfluxDB', function () {
  this.timeout(120_000);
  let folder: string;
  let mosquitto: Mosquitto | null = null;
  let influx: Influx | null = null;
  let publisher: MqttClient | null = null;
  const processes: GreenparkProcess[] = [];
  const from = Date.now() - 3_600_000;
  let sent = 0;
  let acknowledged = 0;

  beforeEach(async function () {
    sent = 0;
    acknowledged = 0;
    folder = await mkdtemp(join(tmpdir(), 'greenpark-scale-out-'));
    mosquitto = await Mosquitto.start(requireServer(this, 'mosquitto'));
    influx = await Influx.start(requireServer(this, 'influxd'));
    publisher = await connectAsync(mosquitto.url, { protocolVersion: 4, clientId: 'gateways' });
    const meters = Array.from({ length: PARKS.length * METERS_EACH }, (_, n) => ({ id: meterOf(n), park: parkOf(n), name: meterOf(n), kind: 'electricity' }));
    await writeFile(join(folder, 'registry.json'), JSON.stringify({ parks: PARKS.map((id) => ({ id, name: id, region: '510112' })), meters }));
  });
  afterEach(async () => {
    publisher?.end(true);
    await Promise.all(processes.splice(0).map((process) => process.end('SIGKILL')));
    await influx?.remove();
    await mosquitto?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const environmentOf = (directory: string): Environment => ({
    GREENPARK_DATA_DIR: join(folder, directory),
    GREENPARK_ADMIN_PASSWORD: PASSWORD,
    GREENPARK_INFLUX_URL: influx?.url ?? '',
    GREENPARK_INFLUX_VERSION: '1',
  });

  async function importInto(directory: string, file: string): Promise<void> {
    const { code, err } = await greenpark(['registry', 'import', file], environmentOf(directory));
    expect(code, err).to.equal(0);
  }

  async function start(directory: string, more: Environment): Promise<GreenparkProcess> {
    const process = await GreenparkProcess.start({ ...environmentOf(directory), ...more });
    processes.push(process);
    await eventually(async () => (await fetch(`${process.url}/readyz`)).status === 200, `${directory} is ready`, 30_000);
    return process;
  }
  /** The process that takes a park, under the name that the broker keeps its session by. */
  const take = (park: Park, directory: string): Promise<GreenparkProcess> =>
    start(directory, { GREENPARK_MQTT_URL: mosquitto?.url ?? '', GREENPARK_MQTT_CLIENT_ID: `greenpark-${park}`, GREENPARK_INGEST_PARKS: park });

  /** The n-th reads n kW, n ms after `from`. */
  async function publish(n: number): Promise<void> {
    const payload = JSON.stringify({ ts: from + n, values: { active_power: n, voltage_a: 230 } });
    await publisher?.publishAsync(`parks/${parkOf(n)}/meters/${meterOf(n)}/readings`, payload, { qos: 1 });
    acknowledged++;
  }
  async function publishWhile(more: () => boolean): Promise<void> {
    const underWay = new Set<Promise<void>>();
    while (more()) {
      const one: Promise<void> = publish(sent++).finally(() => underWay.delete(one));
      underWay.add(one);
      if (underWay.size >= WINDOW) await Promise.race(underWay);
      if (sent % 50 === 0) await rest(20);
    }
    await Promise.all(underWay);
  }
  const publishMore = (count: number): Promise<void> => {
    const until = sent + count;
    return publishWhile(() => sent < until);
  };

  async function metrics({ url }: GreenparkProcess): Promise<ReadonlyMap<string, number>> {
    const text = await (await fetch(`${url}/metrics`)).text();
    return new Map([...text.matchAll(/^(greenpark_\S+) (\S+)$/gm)].map(([, name, value]) => [name ?? '', Number(value)]));
  }
  const arrived = async (process: GreenparkProcess, arrival: 'fresh' | 'late' | 'duplicate') =>
    (await metrics(process)).get(`greenpark_ingest_readings_total{arrival="${arrival}"}`) ?? 0;

  /** Every point that InfluxDB itself holds: meter, n by its time, and n by its value. */
  async function stored(): Promise<(readonly [meter: string, byTime: number, byValue: number])[]> {
    const form = new URLSearchParams({ q: 'SELECT active_power, voltage_a FROM readings GROUP BY meter ORDER BY time', epoch: 'ms' });
    const answer = await fetch(`${influx?.url}/query?db=greenpark&chunked=false`, { method: 'POST', body: form });
    const { results } = (await answer.json()) as { results: { series?: { tags: { meter: string }; values: [number, number, number][] }[] }[] };
    const points = (results[0]?.series ?? []).flatMap(({ tags, values }) => values.map(([ts, value]) => [tags.meter, ts - from, value] as const));
    return points.sort((a, b) => a[1] - b[1]);
  }
  const everyOne = () => Array.from({ length: sent }, (_, n) => [meterOf(n), n, n] as const);
  async function expectAll(): Promise<void> {
    expect(acknowledged).to.equal(sent);
    await eventually(async () => (await stored()).length >= sent, `${sent} points`, 30_000);
    expect(await stored()).to.deep.equal(everyOne());
  }

  it('lose and double nothing when one is killed and another, with a disk of its own, takes over its name and parks', async () => {
    for (const park of PARKS) await importInto(park, join(folder, 'registry.json'));
    const north = await take('north', 'north');
    const south = await take('south', 'south');
    let enough = false;
    const published = publishWhile(() => !enough);
    await eventually(async () => (await arrived(south, 'fresh')) > 2000, 'a load on both', 30_000);
    await rest(Math.random() * 500);
    await south.end('SIGKILL');
    const atKill = (await stored()).filter(([meter]) => meter.startsWith('south')).length;
    await rest(1000);
    // The registry of any process holds every park; secrets and people are its own.
    const { out } = await greenpark(['registry', 'export', '--json'], environmentOf('north'));
    await writeFile(join(folder, 'exported.json'), out);
    await importInto('other', join(folder, 'exported.json'));
    const other = await take('south', 'other');
    await rest(1000);
    enough = true;
    await published;
    await expectAll();

    // What the broker hands over again after it was stored is the same point, also when the process that stored it is another one.
    const [late, duplicates] = [await arrived(other, 'late'), await arrived(other, 'duplicate')];
    const again = Array.from({ length: Math.min(atKill, 500) }, (_, n) => 2 * n + 1);
    for (const n of again) await publish(n);
    acknowledged -= again.length;
    await eventually(async () => (await arrived(other, 'duplicate')) - duplicates === again.length * 2, 'all repeats', 30_000);
    expect(await arrived(other, 'late')).to.equal(late);
    await expectAll();

    for (const [process, park] of [[north, 'north'] as const, [other, 'south'] as const]) {
      const refused = [...(await metrics(process))].filter(([name, value]) => name.startsWith('greenpark_ingest_rejects_total') && value > 0);
      expect(refused, `${park} hears of its own park alone`).to.deep.equal([]);
      const admin = await Caller.signIn(process.url, 'admin', PASSWORD);
      expect((await admin.items<{ id: string }>('/api/v1/parks')).map(({ id }) => id)).to.deep.equal([park]);
    }
    console.log(`      ${sent} messages acknowledged by the broker, all stored once; ${atKill} of the park's own at the kill, ${duplicates} values came again`);
  });

  it('leave on the disk of the one that died what had no store, and a start on that disk brings it in', async () => {
    for (const directory of ['north', 'south', 'other']) await importInto(directory, join(folder, 'registry.json'));
    const north = await take('north', 'north');
    const south = await take('south', 'south');
    await publishMore(1000);
    await eventually(async () => (await stored()).length === 1000, 'the readings before the fault', 30_000);
    await influx?.kill();
    await publishMore(2000);
    const waiting = async (process: GreenparkProcess) => (await metrics(process)).get('greenpark_spool_readings') ?? 0;
    await eventually(async () => (await waiting(south)) === 2000 && (await waiting(north)) === 2000, 'spools that hold all', 30_000);
    await south.end('SIGKILL');
    await influx?.start();
    const other = await take('south', 'other');
    await publishMore(1000);
    await eventually(async () => (await stored()).length === 3000 && (await arrived(other, 'fresh')) === 1000, 'all but the spool of the dead', 30_000);

    // Without the broker, so that it does not take the name from the process that has it now.
    const drain = await start('south', { GREENPARK_INGEST_PARKS: 'south' });
    await eventually(async () => (await waiting(drain)) === 0, 'an empty spool', 30_000);
    expect(await drain.end('SIGTERM')).to.include({ code: 0 });
    await expectAll();

    // It must not be started with other parks before: the store would not know whose readings those are.
    await influx?.kill();
    await publishMore(100);
    await eventually(async () => (await waiting(other)) > 0, 'a spool again', 30_000);
    await other.end('SIGKILL');
    await influx?.start();
    const refused = await greenpark(['serve'], {
      ...environmentOf('other'),
      GREENPARK_INGEST_PARKS: 'north',
      GREENPARK_HTTP_PORT: '0',
      GREENPARK_MQTT_PORT: '0',
    });
    expect(refused.code).to.equal(1);
    expect(refused.err).to.match(/readings of park "south" wait on disk/);
  });
});
