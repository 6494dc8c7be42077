import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { ParkId } from '../../model/ids.ts';
import { isStale, type ParkSnapshot } from '../../model/live.ts';
import { quantityOf } from '../../model/quantities.ts';
import { openEmbeddedStore } from '../../store/embedded/open.ts';
import { openRegistry } from '../../store/registry/open.ts';
import { type Caller, eventually, type Viewer } from './callers.ts';
import { ParkUnderLoad } from './park-under-load.ts';

const HOURS = 3_600_000;
const STEPPING = fileURLToPath(new URL('./stepping-clock-child.js', import.meta.url));
const POWER = quantityOf('active_power').code;
/** Between two readings of a meter, ms. */
const EVERY_MS = 50;

/** A meter that reports without a pause: with its own time, or with none so that it gets the service's. */
class Reporter {
  value = 1;
  /** Own times of all readings that have a PUBACK; of those without one, when it was sent. */
  readonly acknowledged: number[] = [];
  readonly #ended: Promise<void>;
  #enough = false;

  constructor(publish: (payload: string) => Promise<unknown>, ownTime: boolean) {
    this.#ended = this.#report(publish, ownTime);
  }

  end(): Promise<void> {
    this.#enough = true;
    return this.#ended;
  }

  async #report(publish: (payload: string) => Promise<unknown>, ownTime: boolean): Promise<void> {
    while (!this.#enough) {
      const ts = Date.now();
      const values = { active_power: this.value };
      await publish(JSON.stringify(ownTime ? { ts, values } : values));
      this.acknowledged.push(ts);
      await rest(EVERY_MS);
    }
  }
}

describe('the service under a clock that is set', function () {
  this.timeout(60_000);
  let folder: string;
  let park: ParkUnderLoad;
  let admin: Caller;
  let screen: Viewer;
  let ahead = 0;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'greenpark-clock-'));
    await set(0);
    park = await ParkUnderLoad.register(folder);
    await park.start({ NODE_OPTIONS: `--import ${STEPPING}`, STEPPING_CLOCK: join(folder, 'ahead') });
    admin = await park.administrator();
    screen = await admin.live();
    expect(await screen.watch('p-1')).to.equal(null);
  });
  afterEach(async () => {
    screen.close();
    await park.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Sets the service's clock so far ahead of the machine's; timers go on as they do when somebody sets a clock. */
  async function set(ms: number): Promise<void> {
    ahead = ms;
    await writeFile(join(folder, 'ahead'), String(ms));
  }

  const snapshot = async (): Promise<ParkSnapshot> => {
    const { status, body } = await admin.get<ParkSnapshot>('/api/v1/parks/p-1/state');
    expect(status, 'the session of before').to.equal(200);
    return body;
  };

  /** Waits until the newest reading of the meter bears the time that the service's clock (or its own) shows now. */
  const shows = (meter: string, aheadMs: number) =>
    eventually(
      async () => {
        const ts = (await snapshot()).meters.find(({ id }) => id === meter)?.latest[0]?.[1];
        return ts !== undefined && Math.abs(ts - Date.now() - aheadMs) < 2000;
      },
      `${meter} ${aheadMs / HOURS} h ahead`,
    );

  const freshOnes = async (): Promise<string[]> => {
    const { at, meters } = await snapshot();
    expect(Math.abs(at - Date.now() - ahead)).to.be.below(2000);
    return meters.filter(({ latest, intervalSeconds }) => latest.some(([, ts]) => !isStale(ts, intervalSeconds, at))).map(({ id }) => id);
  };

  /** Share of one core that the service takes over a second. */
  async function load(): Promise<number> {
    const [before, begun] = [await park.metric('process_cpu_seconds_total'), performance.now()];
    await rest(1000);
    return ((await park.metric('process_cpu_seconds_total')) - before) / ((performance.now() - begun) / 1000);
  }

  const rejected = () => park.metric('greenpark_ingest_rejects_total', '{reason="time-in-future"}');
  const told = () => screen.alerts.map(({ kind }) => kind);

  it('set forward and back by two hours: what has its own time is kept, alerts and live view go on, and nothing happens twice', async () => {
    const rule = {
      name: 'Power',
      type: 'limit',
      subject: { meter: 'm-1' },
      quantity: 'active_power',
      level: 'red',
      side: 'above',
      value: 100,
      judged: { by: 'instant' },
    };
    expect((await admin.put('/api/v1/parks/p-1/rules/high', { ...rule, onDelaySeconds: 4 })).status).to.be.within(200, 201);
    const gateway = await park.gateway(`mqtt://127.0.0.1:${park.service.mqttPort}`);
    const publishTo = (meter: string) => (payload: string) => gateway.publishAsync(`parks/p-1/meters/${meter}/readings`, payload, { qos: 1 });
    const own = new Reporter(publishTo('m-1'), true);
    const timeless = new Reporter(publishTo('m-2'), false);
    await shows('m-1', 0);
    await shows('m-2', 0);

    // Ahead: a delay that runs does not elapse, and the gateway's own times are as good as before.
    own.value = 200;
    const raised = Date.now();
    await rest(500);
    await set(2 * HOURS);
    await shows('m-2', 2 * HOURS);
    await shows('m-1', 0);
    expect(await load()).to.be.below(0.8);
    if (Date.now() - raised < 3500) expect(told()).to.deep.equal([]);
    await eventually(() => told().includes('fired'), 'the alert');
    expect(Date.now() - raised).to.be.at.least(3900);
    expect(await freshOnes()).to.deep.equal(['m-2']);
    expect(await rejected()).to.equal(0);

    // Back: what the clock gave its time to goes on at once, though its newest reading is still to come.
    await set(0);
    const back = performance.now();
    await shows('m-2', 0);
    console.log(`      the live view is right again ${((performance.now() - back) / 1000).toFixed(1)} s after the clock was`);
    expect(await freshOnes()).to.deep.equal(['m-1', 'm-2']);
    expect(await load()).to.be.below(0.8);
    own.value = 1;
    await eventually(() => told().includes('resolved'), 'the end of the alert');
    expect([told(), await rejected()]).to.deep.equal([['fired', 'resolved'], 0]);

    // Behind: what is measured now stands in the future, rests as dead letters and is stored when the clock is right again.
    await set(-2 * HOURS);
    await shows('m-2', -2 * HOURS);
    await eventually(async () => (await rejected()) >= 20, 'refusals');
    expect(await freshOnes()).to.deep.equal(['m-2']);
    expect(await load()).to.be.below(0.8);
    await set(0);
    await shows('m-1', 0);
    await shows('m-2', 0);
    expect(await freshOnes()).to.deep.equal(['m-1', 'm-2']);
    await own.end();
    await timeless.end();
    const letters = await rejected();
    const replayed = await admin.post<{ accepted: number }>('/api/v1/dead-letters/replay', { filter: { reason: 'time-in-future' } });
    expect([replayed.status, replayed.body.accepted]).to.deep.equal([200, letters]);
    expect(told()).to.deep.equal(['fired', 'resolved']);
    expect(await park.end('SIGTERM')).to.equal(0);

    const registry = await openRegistry(join(folder, 'registry.db'));
    const ordinals = new Map((await registry.meters.all()).map(({ id, ordinal }) => [id as string, ordinal]));
    const { items } = await registry.alerts.list({ parks: ['p-1' as ParkId] }, { limit: 10, after: null });
    registry.close();
    expect(items).to.have.length(1);
    const store = await openEmbeddedStore({ directory: join(folder, 'readings') });
    const stored = async (meter: string) =>
      Array.from((await store.raw({ meter: ordinals.get(meter) ?? -1, quantity: POWER, from: 0, to: 4e12, limit: 1e6 })).ts);
    const [owned, given] = [await stored('m-1'), await stored('m-2')];
    await store.close();
    expect(owned).to.deep.equal(own.acknowledged);
    expect(given.length).to.equal(timeless.acknowledged.length);
    console.log(`      ${owned.length + given.length} readings acknowledged, all stored once; ${letters} of them waited as dead letters for the right time`);
  });

  it('before that of a sender: its readings are shown as of a wrong clock, and take no time from those that are measured then', async () => {
    const gateway = await park.gateway(`mqtt://127.0.0.1:${park.service.mqttPort}`);
    const publish = (ts: number, value: number) =>
      gateway.publishAsync('parks/p-1/meters/m-1/readings', JSON.stringify({ ts, values: { active_power: value } }), { qos: 1 });
    const latest = async () => {
      const { ts, value, quality } = (await admin.items<{ ts: string; value: number; quality: string }>('/api/v1/meters/m-1/latest'))[0] ?? {};
      return [Date.parse(ts ?? ''), value, quality];
    };
    const begun = Date.now();
    const misdated = begun + 10 * 60_000;
    await publish(begun, 1);
    await publish(misdated, 2);
    await publish(begun + 31 * 60_000, 3);
    expect(await latest()).to.deep.equal([misdated, 2, 'clock']);
    expect([await rejected(), await park.metric('greenpark_ingest_flagged_total', '{quality="clock"}')]).to.deep.equal([1, 1]);
    await publish(begun + 1000, 4);
    expect(await latest()).to.deep.equal([begun + 1000, 4, 'good']);

    // Ten minutes later, and over a restart, which finds the misdated reading as the newest of the store.
    expect(await park.end('SIGTERM')).to.equal(0);
    await set(10 * 60_000);
    await park.start({ NODE_OPTIONS: `--import ${STEPPING}`, STEPPING_CLOCK: join(folder, 'ahead') });
    admin = await park.administrator();
    const again = await park.gateway(`mqtt://127.0.0.1:${park.service.mqttPort}`);
    const readings = [misdated - 1000, misdated, misdated + 1000].map((ts, at) => ({ ts, values: { active_power: 5 + at } }));
    await again.publishAsync('parks/p-1/meters/m-1/readings', JSON.stringify(readings), { qos: 1 });
    expect(await latest()).to.deep.equal([misdated + 1000, 7, 'good']);
    const range = `from=${new Date(begun - 1).toISOString()}&to=${new Date(misdated + 60_000).toISOString()}`;
    const { body } = await admin.get<{ items: { value: number; quality: string }[] }>(`/api/v1/meters/m-1/series?quantity=active_power&${range}`);
    expect(body.items.map(({ value, quality }) => [value, quality])).to.deep.equal([1, 4, 5, 6, 7].map((value) => [value, 'good']));
    const revisions = await admin.items<object>(`/api/v1/meters/m-1/revisions?quantity=active_power&ts=${new Date(misdated).toISOString()}`);
    expect(revisions).to.have.length(2);
    expect(revisions[0]).to.deep.include({ value: 2, quality: 'clock', correction: null });
    expect(revisions[1]).to.deep.include({ value: 6, quality: 'good' });
  });
});
