import { expect } from 'chai';
import { QUALITY } from '../../model/quality.ts';
import { quantityOf } from '../../model/quantities.ts';
import { ReadingBlockBuilder } from '../../model/reading.ts';
import { InfluxConnection } from '../../store/influx/connection.ts';
import { readNeighbours } from '../../store/influx/neighbours.ts';
import { openInfluxStore } from '../../store/influx/open.ts';
import type { CounterPoint, NeighbourQuery } from '../../store/port.ts';
import { requireServer } from '../real-servers.ts';
import { Influx } from '../servers/influx.ts';

const ENERGY = quantityOf('active_energy_import').code;
const WATER = quantityOf('water_volume').code;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const T0 = Date.UTC(2026, 2, 1);
const METERS = 200;
const MINUTES = 6 * 60;
const meters = { idOf: (ordinal: number) => `m${ordinal}`, ordinalOf: (id: string) => Number(id.slice(1)) };

/** What every meter reads at a minute, in both quantities. */
const reading = (minute: number): CounterPoint => ({ ts: T0 + minute * MINUTE, value: minute + 1000 });

describe('asking InfluxDB for the readings nearest to many points', function () {
  this.timeout(60_000);
  let server: Influx | undefined;
  before(async function () {
    server = await Influx.start(requireServer(this, 'influxd'));
    const store = await openInfluxStore({ url: server.url, version: 1, bucket: 'park', meters });
    const builder = new ReadingBlockBuilder();
    for (let minute = 0; minute < MINUTES; minute++) {
      const { ts, value } = reading(minute);
      for (let meter = 0; meter < METERS; meter++) for (const quantity of [ENERGY, WATER]) builder.push(0, meter, quantity, ts, value, QUALITY.good);
    }
    await store.write(builder.take(), 'late');
    await store.close();
  });
  after(() => server?.remove());

  /** The answers, and what they cost: requests, statements and the values that they brought; the one for the corrections is among them. */
  async function ask(query: NeighbourQuery) {
    const connection = new InfluxConnection({ url: server?.url ?? '', version: 1, bucket: 'park' });
    const cost = { requests: 0, statements: 0, values: 0 };
    const counting: Pick<InfluxConnection, 'query'> = {
      query: async (statements) => {
        const answers = await connection.query(statements);
        cost.requests++;
        cost.statements += statements.split(';').length;
        cost.values += answers.flat().reduce((sum, { values }) => sum + values.length, 0);
        return answers;
      },
    };
    const answers = await readNeighbours(counting, meters, query);
    connection.end();
    return { answers, ...cost };
  }

  it('is one statement a quantity for what many meters measured within minutes', async () => {
    const points = Array.from({ length: 4 * METERS }, (_, n) => ({ meter: n % METERS, quantity: n % 3 === 0 ? WATER : ENERGY, ts: T0 + HOUR + n * 100 + 1 }));
    const { answers, requests, statements, values } = await ask({ points, reach: Number.POSITIVE_INFINITY });
    expect([requests, statements]).to.deep.equal([2, 3]);
    expect(values).to.be.below(2 * METERS * 13);
    for (const [at, { ts }] of points.entries()) {
      const minute = Math.floor((ts - T0) / MINUTE);
      expect(answers[at]).to.deep.equal({ before: reading(minute), after: reading(minute + 1) });
    }
  });

  it('looks on for what is newer or older than all there is, but no statement a point', async () => {
    const ends = [T0, T0 + MINUTES * MINUTE];
    const points = ends.flatMap((ts) => Array.from({ length: METERS }, (_, meter) => ({ meter, quantity: ENERGY, ts })));
    const { answers, requests, statements } = await ask({ points, reach: Number.POSITIVE_INFINITY });
    expect(requests).to.be.at.most(5);
    expect(statements).to.be.at.most(9);
    expect(answers.slice(0, METERS)).to.deep.equal(Array(METERS).fill({ before: null, after: reading(0) }));
    expect(answers.slice(METERS)).to.deep.equal(Array(METERS).fill({ before: reading(MINUTES - 1), after: null }));
  });

  it('is a few statements for the history of one meter, also where it stands hours apart', async () => {
    for (const step of [MINUTE, HOUR]) {
      const points = Array.from({ length: 6000 }, (_, n) => ({ meter: 7, quantity: ENERGY, ts: T0 + (n - 5800) * step + 1 }));
      const { answers, requests, statements, values } = await ask({ points, reach: DAY });
      expect(requests, `${step}`).to.be.at.most(12);
      expect(statements, `${step}`).to.be.at.most(20);
      expect(values).to.be.at.most(MINUTES + 10);
      expect(answers.filter((one) => one.before !== null && one.after !== null).length).to.equal(step === MINUTE ? 200 : 6);
      expect(answers[5799]).to.deep.equal({ before: null, after: reading(0) });
      expect(answers[5800]).to.deep.equal({ before: reading(0), after: reading(1) });
    }
  });

  it('reads nothing of the months between scattered points', async () => {
    const points = [-300, -150, -20, -3, 0, 2, 90].map((day) => ({ meter: 3, quantity: WATER, ts: T0 + day * DAY + 90_000 }));
    const [last, first] = [reading(MINUTES - 1), reading(0)];
    const far = await ask({ points, reach: Number.POSITIVE_INFINITY });
    expect(far.answers).to.deep.equal([
      ...Array(4).fill({ before: null, after: first }),
      { before: reading(1), after: reading(2) },
      ...Array(2).fill({ before: last, after: null }),
    ]);
    expect(far.requests).to.be.at.most(5);
    expect(far.statements).to.be.at.most(1 + 7 * points.length);
    expect(far.values).to.be.at.most(8 + 2 * points.length);
    const near = await ask({ points, reach: DAY });
    expect(near.answers.filter(({ before, after }) => before !== null || after !== null).length).to.equal(1);
    expect(near.statements).to.be.at.most(1 + 3 * points.length);
  });

  it('brings no more in one request than it may, however the points lie', async () => {
    const points = Array.from({ length: 3000 }, (_, n) => ({ meter: n % METERS, quantity: ENERGY, ts: T0 + (n % 50) * 20 * HOUR + n }));
    const asked: string[] = [];
    const nothing = async (statements: string) => {
      asked.push(statements);
      return [];
    };
    await readNeighbours({ query: nothing }, meters, { points, reach: DAY });
    for (const statements of asked.slice(1)) {
      const read = statements.split(';').reduce((sum, text) => {
        const [, from, to] = /time >= (-?\d+)ms AND time < (-?\d+)ms/.exec(text) ?? [];
        return sum + new Set(text.match(/\bm\d+\b/g)).size * (/LIMIT 1$/.test(text) ? 1 : (Number(to) - Number(from)) / MINUTE);
      }, 0);
      expect(read).to.be.at.most(201_000);
      expect(statements.split(';').length).to.be.at.most(64);
    }
  });
});
