import { expect } from 'chai';
import fc from 'fast-check';
import { usageOf } from '../../accounting/usage.ts';
import type { CounterPoint, CounterSeries, CounterStep } from '../../store/port.ts';

const HOUR = 3_600_000;
type Point = readonly [minute: number, value: number];

/** What a store answers for the points, in steps: the contract of store/port.ts in its plainest form. */
function stepsOf(points: readonly Point[], step: number, from: number, to: number): CounterSeries {
  const all = points.map(([minute, value]): CounterPoint => ({ ts: minute * 60_000, value }));
  const steps: CounterStep[] = [];
  for (let at = from; at < to; at += step) {
    const inside = all.filter(({ ts }) => ts >= at && ts < Math.min(at + step, to));
    const [first, last] = [inside[0], inside.at(-1)];
    if (first === undefined || last === undefined) continue;
    let [rise, falls] = [0, 0];
    for (const [n, point] of inside.slice(1).entries()) {
      const before = (inside[n] as CounterPoint).value;
      rise += point.value < before ? point.value : point.value - before;
      if (point.value < before) falls++;
    }
    steps.push({ at, first, last, rise, falls });
  }
  return { meter: 1, quantity: 1, steps, before: all.filter(({ ts }) => ts < from).at(-1) ?? null, after: all.find(({ ts }) => ts >= to) ?? null };
}

const hours = (count: number) => Array.from({ length: count }, (_, n) => ({ from: n * HOUR, to: (n + 1) * HOUR }));
const usage = (points: readonly Point[], count = 2) => usageOf(stepsOf(points, HOUR, 0, count * HOUR), hours(count), Number.POSITIVE_INFINITY);
const amounts = (points: readonly Point[], count = 2) => usage(points, count).map(({ amount }) => amount);
const flags = (points: readonly Point[], count = 2) => usage(points, count).map(({ estimated }) => estimated);

describe('usage from a counter', () => {
  const cases: readonly { name: string; points: readonly Point[]; amounts: readonly number[]; estimated: readonly boolean[] }[] = [
    {
      name: 'is the register’s difference',
      points: [
        [0, 100],
        [30, 110],
        [60, 120],
        [90, 125],
        [120, 130],
      ],
      amounts: [20, 10],
      estimated: [false, false],
    },
    {
      name: 'is shared out by time where readings lie beside the border',
      points: [
        [-10, 90],
        [50, 120],
        [70, 140],
        [130, 170],
      ],
      amounts: [25 + 10, 10 + 25],
      estimated: [false, false],
    },
    {
      name: 'is nothing, for certain, while the register stands',
      points: [
        [0, 7],
        [60, 7],
        [120, 7],
      ],
      amounts: [0, 0],
      estimated: [false, false],
    },
    {
      name: 'goes on from zero after a reset',
      points: [
        [0, 5000],
        [30, 5010],
        [40, 3],
        [60, 8],
        [120, 20],
      ],
      amounts: [18, 12],
      estimated: [true, false],
    },
    {
      name: 'is never negative after a long absence with a reset',
      points: [
        [0, 1400],
        [30, 1410],
        [200, 17],
        [240, 20],
      ],
      amounts: [10 + 3, 6, 6, 5],
      estimated: [true, true, true, true],
    },
    {
      name: 'is drawn evenly over a gap, and says so',
      points: [
        [0, 0],
        [50, 50],
        [170, 170],
        [180, 180],
      ],
      amounts: [60, 60, 60],
      estimated: [true, true, true],
    },
    {
      name: 'says that a period is not known from its start',
      points: [
        [20, 10],
        [60, 20],
        [120, 30],
      ],
      amounts: [10, 10],
      estimated: [true, false],
    },
    {
      name: 'says that a period is not known to its end',
      points: [
        [0, 10],
        [60, 20],
        [100, 30],
      ],
      amounts: [10, 10],
      estimated: [false, true],
    },
  ];
  for (const { name, points, amounts: expected, estimated } of cases) {
    it(name, () => {
      const found = usage(points, expected.length);
      expect(found.map(({ amount }) => Math.round(amount * 1e9) / 1e9)).to.deep.equal(expected);
      expect(found.map((each) => each.estimated)).to.deep.equal(estimated);
    });
  }

  it('flags a period that still runs', () =>
    expect(
      usageOf(
        stepsOf(
          [
            [0, 0],
            [60, 5],
            [70, 6],
          ],
          HOUR,
          0,
          2 * HOUR,
        ),
        hours(2),
        70 * 60_000,
      )[1]?.estimated,
    ).to.equal(true));

  it('does not depend on the order in which anything arrived, since only stored order counts', () => {
    const points: Point[] = [
      [0, 1],
      [30, 4],
      [60, 9],
      [120, 10],
    ];
    expect(amounts(points)).to.deep.equal([8, 1]);
    expect(flags(points)).to.deep.equal([false, false]);
  });

  const anySeries = fc.array(fc.tuple(fc.integer({ min: 1, max: 200 }), fc.integer({ min: -30, max: 100 })), { minLength: 2, maxLength: 60 }).map((moves) => {
    let [minute, value] = [-100, 500];
    return moves.map(([gap, move]): Point => {
      minute += gap;
      value = Math.max(0, value + move);
      return [minute, value];
    });
  });

  it('is conserved: the hours of a day make the day, for any series', () => {
    fc.assert(
      fc.property(anySeries, (points) => {
        const day = usageOf(stepsOf(points, 24 * HOUR, 0, 24 * HOUR), [{ from: 0, to: 24 * HOUR }], Number.POSITIVE_INFINITY)[0]?.amount ?? 0;
        expect(amounts(points, 24).reduce((sum, each) => sum + each, 0)).to.be.closeTo(day, 1e-6);
      }),
    );
  });

  it('is what a walk over the raw points, minute by minute, comes to', () => {
    fc.assert(
      fc.property(anySeries, (points) => {
        const expected = Array.from({ length: 24 }, () => 0);
        for (const [n, [to, value]] of points.entries()) {
          const before = points[n - 1];
          if (before === undefined) continue;
          const [from, last] = before;
          const rise = value < last ? value : value - last;
          for (let minute = from; minute < to; minute++) {
            const hour = Math.floor(minute / 60);
            if (hour >= 0 && hour < 24) expected[hour] = (expected[hour] as number) + rise / (to - from);
          }
        }
        // Inside an hour the sum is exact; which of its minutes rose does not matter.
        for (const [hour, amount] of amounts(points, 24).entries()) expect(amount, `hour ${hour}`).to.be.closeTo(expected[hour] as number, 1e-6);
      }),
    );
  });
});
