import { expect } from 'chai';
import { QUALITY } from '../../model/quality.ts';
import { quantityOf } from '../../model/quantities.ts';
import { ReadingBlockBuilder } from '../../model/reading.ts';
import { InfluxConnection } from '../../store/influx/connection.ts';
import { Corrections, seriesKey } from '../../store/influx/corrections.ts';
import { followPoints } from '../../store/influx/counters.ts';
import { openInfluxStore } from '../../store/influx/open.ts';
import type { CounterQuery, CounterStep } from '../../store/port.ts';
import { requireServer } from '../real-servers.ts';
import { Influx } from '../servers/influx.ts';

const ENERGY = quantityOf('active_energy_import').code;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const T0 = Date.UTC(2026, 2, 1);
const METERS = 24;
const meters = { idOf: (ordinal: number) => `m${ordinal}`, ordinalOf: (id: string) => Number(id.slice(1)) };

/** The same figures on every run, so that a failure can be looked at again. */
function figures(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('counters of the InfluxDB store, against following every point', function () {
  this.timeout(120_000);
  let server: Influx | undefined;
  before(async function () {
    server = await Influx.start(requireServer(this, 'influxd'));
  });
  after(() => server?.remove());

  it('answers the same for counters with falls, gaps, standstill, unusable readings and corrections, whatever the step', async () => {
    const next = figures(20260301);
    const address = { url: server?.url ?? '', version: 1, bucket: 'park', meters } as const;
    const store = await openInfluxStore(address);
    const builder = new ReadingBlockBuilder();
    const touched: [meter: number, ts: number][] = [];
    for (let meter = 0; meter < METERS; meter++) {
      const falling = meter % 4 === 0 ? 0 : meter % 4 === 3 ? 0.05 : 0.002;
      let value = next() * 1e6;
      for (let ts = T0 - 6 * HOUR; ts < T0 + 54 * HOUR; ts += MINUTE) {
        if (next() < 0.003) ts += Math.floor(next() * 5 * HOUR);
        if (next() < falling) value = next() < 0.3 ? 0 : value * next();
        else if (next() < 0.7) value += next() * 3;
        const odd = next();
        if (odd < 0.02) builder.push(0, meter, ENERGY, ts, next() * 1e7, QUALITY.jump);
        else builder.push(0, meter, ENERGY, ts, value, odd < 0.05 ? QUALITY.estimated : QUALITY.good);
        if (meter % 6 === 5 && next() < 0.002) touched.push([meter, ts]);
      }
    }
    await store.write(builder.take(), 'late');
    for (const [at, [meter, ts]] of touched.entries()) {
      const quality = at % 3 === 0 ? QUALITY.fault : QUALITY.corrected;
      await store.correct({ meter, quantity: ENERGY, ts, value: next() * 1e6, quality, author: 'a', reason: 'b', at: T0 });
    }
    const connection = new InfluxConnection(address);
    const counters = Array.from({ length: METERS }, (_, meter) => ({ meter, quantity: ENERGY }));
    const wanted = new Map(counters.map((pair) => [seriesKey(pair.meter, pair.quantity), pair]));
    const corrections = await Corrections.read(connection, meters, 'time > 0');
    expect(corrections.none).to.equal(false);
    const queries: [from: number, to: number, step: number, origin: number][] = [
      [T0, T0 + 48 * HOUR, HOUR, T0],
      [T0 + 7 * MINUTE, T0 + 47 * HOUR + 1, 6 * HOUR, T0 + 13 * MINUTE],
      [T0, T0 + 48 * HOUR, 24 * HOUR, T0 - 8 * HOUR],
      [T0 + 1, T0 + 33 * HOUR, 33 * HOUR - 1, T0 + 1],
      [T0, T0 + 6 * HOUR, 15 * MINUTE, T0],
      [T0 + HOUR, T0 + HOUR, HOUR, T0],
    ];
    let falls = 0;
    for (const [from, to, step, origin] of queries) {
      const query: CounterQuery = { counters, from, to, step, origin };
      const followed = await followPoints(connection, meters, wanted, corrections, query);
      for (const series of await store.counters(query)) {
        const expected = followed.get(seriesKey(series.meter, ENERGY)) ?? [];
        const where = `meter ${series.meter}, step ${step}`;
        const exact = (steps: readonly CounterStep[]) => steps.map(({ at, first, last, falls: fell }) => ({ at, first, last, falls: fell }));
        expect(exact(series.steps), where).to.deep.equal(exact(expected));
        for (const [index, { rise }] of series.steps.entries()) expect(rise, where).to.be.closeTo(expected[index]?.rise ?? Number.NaN, 1e-6);
        falls += expected.reduce((sum, one) => sum + one.falls, 0);
      }
    }
    expect(falls).to.be.greaterThan(500);
    await store.close();
  });
});
