import { expect } from 'chai';
import { RegisterChanges, riseAcross } from '../../accounting/register-changes.ts';
import { usageOf } from '../../accounting/usage.ts';
import type { MeterId } from '../../model/ids.ts';
import { QUALITY } from '../../model/quality.ts';
import { ReadingBlockBuilder } from '../../model/reading.ts';
import type { NotedRegisterChange, RegisterMove } from '../../model/register-change.ts';
import { SERVICE_AUTHOR } from '../../model/service-author.ts';
import type { CounterQuery, CounterSeries, NeighbourQuery } from '../../store/port.ts';
import type { Unnumbered } from '../../store/registry/port.ts';
import { ListedStore } from '../contract/listed-store.ts';

const HOUR = 3_600_000;
const METER = 'm-1' as MeterId;

/** A store that holds the points, and what it was asked. */
function storeOf(points: readonly (readonly [hour: number, value: number])[]) {
  const listed = new ListedStore();
  const block = new ReadingBlockBuilder();
  for (const [hour, value] of points) block.push(0, 1, 1, hour * HOUR, value, QUALITY.good);
  listed.write(block.take());
  const asked: (CounterQuery | NeighbourQuery)[] = [];
  return {
    asked,
    counters: async (query: CounterQuery) => {
      asked.push(query);
      return listed.counters(query);
    },
    neighbours: async (query: NeighbourQuery) => {
      asked.push(query);
      return listed.neighbours(query);
    },
  };
}

async function bookOf(...changes: readonly Unnumbered[]): Promise<RegisterChanges> {
  const rows: NotedRegisterChange[] = [];
  const records = {
    add: async (more: readonly Unnumbered[]) =>
      more.map((change) => {
        const number = rows.length + 1;
        rows.push({ ...change, number });
        return number;
      }),
    all: async () => rows,
  };
  const directory = { current: { meter: () => ({ ordinal: 1 }), meterOf: () => ({ id: METER }) } };
  const book = await RegisterChanges.open(records, directory);
  for (const change of changes) await book.note([change]);
  return book;
}

const change = (hour: number, move: RegisterMove, author: string = SERVICE_AUTHOR): Unnumbered => ({
  ...{ meter: METER, quantity: 'active_energy_import', at: hour * HOUR, author, reason: 'test', notedAt: 0 },
  ...move,
});

/** Usage of spans of so many hours, from a store asked in steps of `step` hours. */
async function usage(book: RegisterChanges, points: readonly (readonly [number, number])[], spans: readonly (readonly [number, number])[], step: number) {
  const [from, to] = [Math.min(...spans.map(([begin]) => begin)), Math.max(...spans.map(([, end]) => end))];
  const query = { counters: [{ meter: 1, quantity: 1 }], from: from * HOUR, to: to * HOUR, step: step * HOUR, origin: 0 };
  const [series] = await book.over(storeOf(points)).counters(query);
  const asked = spans.map(([begin, end]) => ({ from: begin * HOUR, to: end * HOUR }));
  return usageOf(series as CounterSeries, asked, Number.POSITIVE_INFINITY).map(({ amount }) => Number(amount.toFixed(9)));
}

describe('accounting: registers that moved', () => {
  it('count in between what their move says', () => {
    expect(riseAcross(10, 15)).to.equal(5);
    expect(riseAcross(1000, 5)).to.equal(5);
    expect(riseAcross(990, 5, { kind: 'rollover', width: 1000 })).to.equal(15);
    expect(riseAcross(1000, 52, { kind: 'exchange', closing: 1007, opening: 50 })).to.equal(9);
  });

  const ROLLED = [
    [0, 900],
    [2, 990],
    [4, 10],
    [6, 30],
  ] as const;
  const ROLLOVER = change(4, { kind: 'rollover', width: 1000 });

  it('count in the span that holds both readings, whatever the steps', async () => {
    const book = await bookOf(ROLLOVER);
    for (const step of [1, 2, 3, 6, 12]) expect(await usage(book, ROLLED, [[0, 12]], step), `steps of ${step} h`).to.deep.equal([130]);
  });

  it('are shared out by time over a border between the readings, and the parts make the whole', async () => {
    const book = await bookOf(ROLLOVER);
    expect(
      await usage(
        book,
        ROLLED,
        [
          [0, 3],
          [3, 6],
        ],
        3,
      ),
    ).to.deep.equal([100, 30]);
  });

  it('count across the edges of what is asked for', async () => {
    const book = await bookOf(ROLLOVER);
    expect(await usage(book, ROLLED, [[3, 6]], 3)).to.deep.equal([30]);
    expect(await usage(book, ROLLED, [[0, 3]], 3)).to.deep.equal([100]);
  });

  it('change nothing elsewhere, nor while one of the readings is missing', async () => {
    const book = await bookOf(ROLLOVER, change(20, { kind: 'exchange', closing: 40, opening: 0 }, 'chen'));
    expect(await usage(book, ROLLED, [[5, 6]], 1)).to.deep.equal([10]);
    expect(await usage(book, ROLLED, [[0, 24]], 24)).to.deep.equal([130]);
  });

  it('follow the last word for one gap, and a person’s before the service’s', async () => {
    const points = [
      [0, 60_000],
      [2, 50_010],
      [3, 50_012],
    ] as const;
    const found = change(2, { kind: 'exchange', closing: 60_000, opening: 50_000 });
    const first = change(1, { kind: 'exchange', closing: 60_005, opening: 50_000 }, 'chen');
    const second = change(1.5, { kind: 'exchange', closing: 60_005, opening: 50_009 }, 'chen');
    expect(await usage(await bookOf(found), points, [[0, 4]], 4)).to.deep.equal([12]);
    expect(await usage(await bookOf(found, first), points, [[0, 4]], 4)).to.deep.equal([17]);
    expect(await usage(await bookOf(first, found), points, [[0, 4]], 4)).to.deep.equal([17]);
    expect(await usage(await bookOf(found, first, second), points, [[0, 4]], 4)).to.deep.equal([8]);
  });

  it('cost the store no question of their own where all are resets, which the readings show by themselves', async () => {
    const midnights = [24, 48, 72].map((hour) => change(hour, { kind: 'reset' }));
    const points = [12, 24, 36, 48, 60, 72, 84].map((hour, n) => [hour, n % 2 === 0 ? 300 : 1] as const);
    const store = storeOf(points);
    const book = await bookOf(...midnights);
    await book.over(store).counters({ counters: [{ meter: 1, quantity: 1 }], from: 0, to: 96 * HOUR, step: 24 * HOUR, origin: 0 });
    expect(store.asked).to.have.length(1);
    // 1 at each midnight and 299 until noon.
    expect(await usage(book, points, [[12, 96]], 12)).to.deep.equal([900]);
  });

  it('cost it one question however many they are', async () => {
    const store = storeOf([0, 2, 4, 6].map((hour, n) => [hour, n % 2 === 0 ? 990 : 10] as const));
    const book = await bookOf(change(2, { kind: 'rollover', width: 1000 }), change(6, { kind: 'rollover', width: 1000 }));
    const [series] = await book.over(store).counters({ counters: [{ meter: 1, quantity: 1 }], from: 0, to: 8 * HOUR, step: HOUR, origin: 0 });
    expect(series?.adjustments?.map(({ rise }) => rise)).to.deep.equal([10, 10]);
    expect(store.asked).to.have.length(2);
  });

  it('count a found rollover where the register stood near its width, and not for another fall in its place; a person’s everywhere', async () => {
    const points = [
      [0, 400],
      [2, 5],
      [4, 10],
    ] as const;
    const rollover = { kind: 'rollover', width: 1000 } as const;
    expect(await usage(await bookOf(change(2, rollover)), points, [[0, 6]], 6)).to.deep.equal([10]);
    expect(await usage(await bookOf(change(2, rollover, 'chen')), points, [[0, 6]], 6)).to.deep.equal([610]);
  });

  it('count nothing for a found leap to a higher register, wherever the readings came to stand since', async () => {
    const leap = change(4, { kind: 'exchange', closing: 5000, opening: 90_000 });
    const between = async (...points: readonly (readonly [number, number])[]) => (await usage(await bookOf(leap), points, [[0, 6]], 6))[0];
    expect(await between([0, 5000], [4, 90_002], [5, 90_010]), 'as it was found').to.equal(2 + 8);
    expect(await between([0, 5000], [2, 5004], [4, 90_002]), 'late, on the old register').to.equal(4 + 2);
    expect(await between([0, 5000], [4, 5006], [5, 5010]), 'a slip after all, and corrected').to.equal(10);
    const earlier = change(3, { kind: 'exchange', closing: 5000, opening: 89_990 });
    const late = [
      [0, 5000],
      [3, 89_990],
      [4, 90_002],
    ] as const;
    expect((await usage(await bookOf(leap, earlier), late, [[0, 6]], 6))[0], 'late, on the new register').to.equal(12);
  });

  it('let a person take a found exchange for a reset', async () => {
    const points = [
      [0, 60_000],
      [2, 50_010],
    ] as const;
    const found = change(2, { kind: 'exchange', closing: 60_000, opening: 50_000 });
    expect(await usage(await bookOf(found, change(1, { kind: 'reset' }, 'chen')), points, [[0, 4]], 4)).to.deep.equal([50_010]);
  });

  it('are noted so often a day and no more, in a meter that has lost its mind', async () => {
    const book = await bookOf();
    for (let minute = 0; minute < 2 * 24 * 60; minute += 3) await book.note([change(minute / 60, { kind: 'reset' })]);
    expect(book.of(METER).length).to.equal(2 * 24);
    expect(await book.note([change(7.01, { kind: 'reset' }, 'chen')]), 'a person is heard').to.have.length(1);
  });

  it('are noted once however often the service finds them, and never over a person’s word', async () => {
    const book = await bookOf();
    expect(await book.note([ROLLOVER])).to.have.length(1);
    expect(await book.note([ROLLOVER])).to.have.length(0);
    const word = change(9, { kind: 'reset' }, 'chen');
    await book.note([word]);
    expect(await book.note([change(9, { kind: 'exchange', closing: 1, opening: 0 })])).to.have.length(0);
    expect(book.of(METER).map(({ at, kind, author }) => [at / HOUR, kind, author])).to.deep.equal([
      [4, 'rollover', SERVICE_AUTHOR],
      [9, 'reset', 'chen'],
    ]);
  });
});
