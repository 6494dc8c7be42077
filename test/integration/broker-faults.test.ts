import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { requireServer } from '../real-servers.ts';
import { Influx } from '../servers/influx.ts';
import { Mosquitto } from '../servers/mosquitto.ts';
import { eventually } from './callers.ts';
import { type CountedLoad, goodOnes, storedIn, storedInInflux } from './counted-load.ts';
import type { Environment } from './greenpark-process.ts';
import { type Load, ParkUnderLoad, secondsSince } from './park-under-load.ts';

/** What Mosquitto acknowledged longer ago than this when it was killed, a service that keeps up has. */
const HANDED_OVER_WITHIN_MS = 1000;

describe('an external broker that fails under load', function () {
  this.timeout(90_000);
  let folder: string;
  let park: ParkUnderLoad;
  let mosquitto: Mosquitto;
  let influx: Influx | null = null;

  beforeEach(async function () {
    const program = requireServer(this, 'mosquitto');
    folder = await mkdtemp(join(tmpdir(), 'greenpark-broker-'));
    park = await ParkUnderLoad.register(folder);
    // What is saved last is what a killed broker begins with.
    mosquitto = await Mosquitto.start(program, { config: ['autosave_interval 1'] });
  });
  afterEach(async () => {
    await park.close();
    await mosquitto.remove();
    await influx?.remove();
    influx = null;
    await rm(folder, { recursive: true, force: true });
  });

  /** Resolved: the broker keeps everything for the service from now on. */
  async function start(): Promise<void> {
    const store: Environment = influx === null ? {} : { GREENPARK_INFLUX_URL: influx.url, GREENPARK_INFLUX_VERSION: '1' };
    await park.start({ GREENPARK_MQTT_URL: mosquitto.url, ...store });
    await ready();
  }

  const ready = () => eventually(async () => (await park.notReady()).length === 0, 'readiness', 30_000);

  /** Resolved: the last message that is sent now is stored, and so is all that the broker held for the service before it. */
  async function flushed(load: CountedLoad): Promise<void> {
    const admin = await park.administrator();
    const ts = load.from + load.total;
    const last = await park.gateway(mosquitto.url);
    await last.publishAsync('parks/p-1/meters/m-1/readings', JSON.stringify({ ts, values: { active_power: 0 } }), { qos: 1 });
    await eventually(
      async () => (await admin.items<{ ts: string }>('/api/v1/meters/m-1/latest')).some((reading) => Date.parse(reading.ts) === ts),
      'the last reading',
      30_000,
    );
    await eventually(async () => (await park.notReady()).length === 0 && (await park.metric('greenpark_ingest_pending_messages')) === 0, 'rest');
  }

  /** Numbers of the good messages that were acknowledged and are not stored. Fails when one is there twice. */
  async function missing(load: CountedLoad): Promise<number[]> {
    expect(await park.end('SIGTERM')).to.equal(0);
    const numbers = influx === null ? await storedIn(folder, load) : (await storedInInflux(influx.url)).slice(1);
    const stored = new Set(numbers);
    expect(numbers.length).to.equal(stored.size);
    return goodOnes(load).filter((n) => !stored.has(n));
  }

  const wellUnderWay = (load: Load) => {
    const goal = load.acknowledged + 500;
    return eventually(() => load.acknowledged >= goal, 'PUBACKs');
  };

  for (const engine of ['the embedded store', 'InfluxDB'] as const) {
    it(`with ${engine}: a restart loses nothing, kill -9 what the broker had acknowledged and not handed over`, async function () {
      if (engine === 'InfluxDB') influx = await Influx.start(requireServer(this, 'influxd'));
      await start();
      const connected = (times: number) =>
        eventually(async () => (await park.metric('greenpark_broker_connects_total')) === times, `connection ${times}`, 30_000);
      const load = await park.load(mosquitto.url);
      await wellUnderWay(load);
      await mosquitto.restart();
      const back = performance.now();
      await connected(2);
      const seconds = secondsSince(back);
      await wellUnderWay(load);
      // The session is in the file by now.
      await eventually(() => performance.now() - back > 2000, 'the broker to save');
      await mosquitto.kill();
      const killed = performance.now();
      await mosquitto.start();
      await connected(3);
      await wellUnderWay(load);
      await mosquitto.restart();
      await connected(4);
      await wellUnderWay(load);
      const counted = await load.end();
      expect(load.acknowledged).to.equal(counted.total);
      await flushed(counted);
      expect(await park.metric('greenpark_broker_sessions_lost_total')).to.equal(0);
      const lost = await missing(counted);
      for (const n of lost) expect(killed - (load.acknowledgedAt.get(n) ?? 0), `message ${n}`).to.be.within(0, HANDED_OVER_WITHIN_MS);
      console.log(`      connected again ${seconds} after the broker was; of ${counted.total} messages the kill lost ${lost.length} in the broker`);
    });
  }

  it('that forgets the session is noticed: what it had acknowledged and not delivered is gone, what comes when the service is there again is stored', async () => {
    await start();
    const load = await park.load(mosquitto.url);
    await wellUnderWay(load);
    /** Ends the broker, and with it all that it knows. */
    const forget = async () => {
      await mosquitto.kill();
      await rm(join(mosquitto.folder, 'mosquitto.db'), { force: true });
    };
    /** Waits until the service has subscribed anew, and answers when that was. */
    const noticed = async () => {
      await eventually(async () => (await park.metric('greenpark_broker_sessions_lost_total')) === 1, 'notice of the loss', 30_000);
      await ready();
      return performance.now();
    };
    const firstGone = performance.now();
    await forget();
    await mosquitto.start();
    const firstBack = performance.now();
    const firstThere = await noticed();
    await wellUnderWay(load);
    // Now the broker alone holds what it acknowledges.
    await park.end('SIGKILL');
    const secondGone = performance.now();
    await wellUnderWay(load);
    await forget();
    const secondForgotten = performance.now();
    await mosquitto.start();
    await start();
    const secondThere = await noticed();
    expect(park.said.filter((line) => line.startsWith('the broker has lost the session'))).to.have.length(2);
    await wellUnderWay(load);
    const counted = await load.end();
    await flushed(counted);
    const lost = await missing(counted);
    const at = (n: number) => load.acknowledgedAt.get(n) ?? Number.NaN;
    // This process may hear of a PUBACK a moment after it was sent; hence not the very instant.
    const between = (n: number, from: number, to: number) => at(n) >= from - HANDED_OVER_WITHIN_MS && at(n) <= to + HANDED_OVER_WITHIN_MS;
    for (const n of lost) expect(between(n, firstGone, firstThere) || between(n, secondGone, secondThere), `message ${n}`).to.equal(true);
    const held = lost.filter((n) => at(n) >= secondGone && at(n) <= secondForgotten).length;
    expect(held).to.be.at.least(400);
    const early = lost.filter((n) => at(n) < secondGone).length;
    console.log(
      `      subscribed again ${((firstThere - firstBack) / 1000).toFixed(1)} s after the broker was back; until then ${early} messages went to nobody`,
    );
    console.log(`      of those that it held for a service that was away it lost ${held}`);
  });
});
