import { expect } from 'chai';
import { QUALITY } from '../../../model/quality.ts';
import { quantityOf } from '../../../model/quantities.ts';
import { ReadingBlockBuilder } from '../../../model/reading.ts';
import type { InfluxConnection } from '../../../store/influx/connection.ts';
import { knownRows } from '../../../store/influx/known-rows.ts';
import { fieldsOf } from '../../../store/influx/lines.ts';

const T0 = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const DAY = 86_400_000;
const meters = { idOf: (ordinal: number) => `m-${ordinal}`, ordinalOf: (id: string) => Number(id.slice(2)) };
const CODES = (['active_power', 'voltage_a', 'voltage_b', 'voltage_c', 'current_a'] as const).map((name) => quantityOf(name).code);

type Row = readonly [meter: number, ts: number];
interface Asked {
  readonly from: number;
  readonly to: number;
  readonly meters: number;
}

/** What a server is asked about the rows, request by request; it knows none of them. */
async function askedAbout(rows: Iterable<Row>, codes: readonly number[] = CODES.slice(0, 1)): Promise<{ requests: Asked[][]; covered: boolean }> {
  const block = new ReadingBlockBuilder();
  const all = [...rows];
  for (const [meter, ts] of all) for (const code of codes) block.push(0, meter, code, ts, 1, QUALITY.good);
  const requests: Asked[][] = [];
  const texts: string[] = [];
  const connection: Pick<InfluxConnection, 'query'> = {
    query: async (statements) => {
      texts.push(...statements.split('; '));
      requests.push(
        statements.split('; ').map((text) => {
          const [, from, to] = /time >= (\d+)ms AND time < (\d+)ms/.exec(text) ?? [];
          return { from: Number(from), to: Number(to), meters: text.match(/m-\d+/g)?.length ?? 0 };
        }),
      );
      return [];
    },
  };
  const { dropped, correcting } = await knownRows(connection, meters, block.take());
  expect(dropped.every((flag) => flag === 0)).to.equal(true);
  expect(correcting).to.deep.equal([]);
  const covered = all.every(([meter, ts]) =>
    requests.flat().some(({ from, to }, at) => ts >= from && ts < to && new RegExp(`m-${meter}\\b`).test(texts[at] as string)),
  );
  return { requests, covered };
}

describe('asking InfluxDB which rows it has', () => {
  it('is one question for what was measured at one time, however many meters there are', async () => {
    const { requests } = await askedAbout(
      Array.from({ length: 10_000 }, (_, n): Row => [n, T0 + (n % 3)]),
      CODES,
    );
    expect(requests).to.deep.equal([[{ from: T0, to: T0 + 3, meters: 10_000 }]]);
  });

  it('reads nothing of the time between rows that lie far apart, whatever their number', async () => {
    const { requests, covered } = await askedAbout(Array.from({ length: 300 }, (_, n): Row => [n % 11, T0 + n * DAY]));
    expect(requests.map((statements) => statements.length)).to.deep.equal([64, 64, 64, 64, 44]);
    for (const { from, to, meters } of requests.flat()) expect([to - from, meters]).to.deep.equal([1, 1]);
    expect(covered).to.equal(true);
  });

  it('is cut where it would bring very much', async () => {
    const { requests, covered } = await askedAbout(Array.from({ length: 4000 }, (_, n): Row => [n % 2000, T0 + Math.floor(n / 100) * 10 * MINUTE]));
    for (const statements of requests) {
      const values = statements.reduce((sum, { from, to, meters: count }) => sum + count * (1 + (to - from) / MINUTE), 0);
      expect(values).to.be.at.most(201_000);
    }
    expect(requests.length).to.be.within(2, 20);
    expect(covered).to.equal(true);
  });

  it('names the fields of the quantities in question alone', async () => {
    const asked: string[] = [];
    const block = new ReadingBlockBuilder();
    block.push(0, 1, CODES[1] as number, T0, 1, QUALITY.good);
    const query = async (text: string) => {
      asked.push(text);
      return [];
    };
    await knownRows({ query }, meters, block.take());
    const { usable, flagged, quality } = fieldsOf(CODES[1] as number);
    expect(asked).to.have.length(1);
    expect(asked[0]).to.match(new RegExp(`^SELECT ${usable}, ${flagged}, ${quality} FROM`));
  });
});
