import { expect } from 'chai';
import { QualityJudge } from '../../ingest/quality.ts';
import type { Checks } from '../../model/checks.ts';
import { LatestReadings } from '../../model/latest.ts';
import { QUALITY, qualityName } from '../../model/quality.ts';
import { quantityOf } from '../../model/quantities.ts';

const ENERGY = quantityOf('active_energy_import').code;
const POWER = quantityOf('active_power').code;
const MINUTE = 60_000;

/** A series as it stands after a start, and what its judge told of its register. */
function aSeries(code: number, options: { checks?: Checks; stored?: readonly [number, number]; lastGood?: number } = {}) {
  const latest = new LatestReadings();
  const series = latest.seriesOf(7, code);
  if (options.stored !== undefined) latest.offer(series, 0, ...options.stored);
  const moves: string[] = [];
  const judge = new QualityJudge(
    (_, ts, { kind, ...rest }) => moves.push([`${kind} at ${ts / MINUTE}`, ...Object.entries(rest).map(([key, value]) => `${key} ${value}`)].join(', ')),
    new Map(options.lastGood === undefined ? [] : [[series, { ts: -MINUTE, value: options.lastGood }]]),
  );
  judge.open(series, code, { checks: options.checks, latest });
  let minute = 0;
  return {
    judge,
    series,
    moves,
    /** Values a minute apart; null lets a minute pass. */
    take: (values: readonly (number | null)[]) =>
      values.flatMap((value) => (++minute > 0 && value === null ? [] : [qualityName(judge.judge(series, code, minute * MINUTE, value as number))])).join(' '),
  };
}

interface Row {
  readonly name: string;
  readonly values: readonly (number | null)[];
  readonly expect: string;
  readonly moves?: readonly string[];
}

const counters: readonly Row[] = [
  { name: 'a rising register is good', values: [100, 101, 105], expect: 'good good good' },
  { name: 'a register at rest is good', values: [100, 100, 100], expect: 'good good good' },
  { name: 'a momentary zero is flagged and the register that returns is good', values: [53700, 0, 53701], expect: 'good backwards good' },
  { name: 'a slip of a digit stays flagged alone', values: [1000, 999, 1000, 1001], expect: 'good backwards good good' },
  { name: 'a register that begins again is good from its second reading', values: [1000, 3, 4, 5], expect: 'good backwards good good', moves: ['reset at 3'] },
  {
    name: 'a stuck zero stays undecided and the true register that returns is good',
    values: [53700, 0, 0, 0, 53701],
    expect: 'good backwards backwards backwards good',
  },
  {
    name: 'a register that begins again and rests is good from its first movement',
    values: [1000, 3, 3, 3.5, 4],
    expect: 'good backwards backwards good good',
    moves: ['reset at 4'],
  },
  { name: 'a register that falls further stays undecided', values: [1000, 500, 3, 4], expect: 'good backwards backwards good', moves: ['reset at 4'] },
  {
    name: 'after a reset the old register is no measure any more',
    values: [1000, 3, 4, 3.5, 5],
    expect: 'good backwards good backwards good',
    moves: ['reset at 3'],
  },
  {
    name: 'a register that goes on from elsewhere is another instrument’s, and nothing is made up for the time between',
    values: [60_000, 50_000, 50_002],
    expect: 'good backwards good',
    moves: ['exchange at 3, closing 60000, opening 50000'],
  },
  { name: 'without a known width, a register that was full is a reset', values: [999_999, 1, 2], expect: 'good backwards good', moves: ['reset at 3'] },
  { name: 'a negative register is out of range and no candidate', values: [1000, -5, 1001], expect: 'good range good' },
  { name: 'an impossible register does not become the measure', values: [1000, 1e13, 1001], expect: 'good range good' },
];

const gauges: readonly Row[] = [
  { name: 'a gauge may fall', values: [100, 5, -20], expect: 'good good good' },
  { name: 'a gauge beyond what is physically possible is flagged', values: [1e6, 1e6 + 1, -1e6 - 1, 5], expect: 'good range range good' },
];

const WIDTH: Checks = { registerWidth: 1_000_000 };
const widths: readonly Row[] = [
  {
    name: 'a full register that begins again has rolled over',
    values: [999_990, 4, 9],
    expect: 'good backwards good',
    moves: ['rollover at 3, width 1000000'],
  },
  { name: 'a momentary zero of a full register is still a slip', values: [999_990, 0, 999_991], expect: 'good backwards good' },
  { name: 'a register that was not full was reset', values: [500_000, 4, 9], expect: 'good backwards good', moves: ['reset at 3'] },
  {
    name: 'a register above its width has no such width',
    values: [1_000_001, 4, 9],
    expect: 'good backwards good',
    moves: ['reset at 3'],
  },
];

const JUMP: Checks = { jump: { change: 100, perSeconds: 60 } };
const jumps: readonly Row[] = [
  { name: 'a change within the bound is good', values: [50, 150, 50], expect: 'good good good' },
  { name: 'one odd value is flagged, and what follows from the last good one is good', values: [50, 900, 60], expect: 'good jump good' },
  { name: 'a sporadic zero is flagged', values: [400, 0, 410], expect: 'good jump good' },
  { name: 'a new level is good from its second reading', values: [50, 900, 910, 920], expect: 'good jump good good' },
  { name: 'two odd values that do not belong together stay undecided', values: [50, 900, -900, 55], expect: 'good jump jump good' },
  { name: 'over a longer time the change may be larger in proportion', values: [50, null, null, 350, 500], expect: 'good good jump' },
];

const counterJumps: readonly Row[] = [
  { name: 'a register that leaps is flagged, and the true one that returns is good', values: [5000, 900_000, 5010], expect: 'good jump good' },
  {
    name: 'a leap that is confirmed was an exchange to a higher register, as nothing can be used so fast',
    values: [5000, 900_000, 900_001],
    expect: 'good jump good',
    moves: ['exchange at 3, closing 5000, opening 900000'],
  },
  { name: 'a wrong register that is sent twice confirms nothing', values: [5000, 900_000, 900_000, 5010, 5020], expect: 'good jump jump good good' },
  {
    name: 'a register that leapt and is at rest there is undecided until it moves',
    values: [5000, 900_000, 900_000, 900_001],
    expect: 'good jump jump good',
    moves: ['exchange at 4, closing 5000, opening 900000'],
  },
  {
    name: 'a slip on the way to another register is none',
    values: [5000, 900_000, 9000, 9001],
    expect: 'good jump jump good',
    moves: ['exchange at 4, closing 5000, opening 9000'],
  },
  { name: 'a fall is told from a leap', values: [5000, 0, 5010], expect: 'good backwards good' },
];

const STUCK: Checks = { stuckAfterSeconds: 120, restsAt: [0] };
const stuck: readonly Row[] = [
  { name: 'no change for longer than allowed is flagged, until it changes', values: [7, 7, 7, 7, 8], expect: 'good good good stuck good' },
  { name: 'time counts, not the number of readings', values: [7, null, null, 7, 7], expect: 'good stuck stuck' },
  { name: 'what may rest rests', values: [0, 0, 0, 0, 0, 0], expect: 'good good good good good good' },
  { name: 'two values in turn are not stuck', values: [7, 8, 7, 8, 7, 8], expect: 'good good good good good good' },
];

describe('a register that begins again each midnight', () => {
  const MIDNIGHT = Date.UTC(2026, 0, 14, 16);
  const register = (checks: Checks = { resetsDailyIn: 'Asia/Shanghai' }) => {
    const { judge, series, moves } = aSeries(ENERGY, { checks });
    return { moves, take: (minutes: number, value: number) => qualityName(judge.judge(series, ENERGY, MIDNIGHT + minutes * MINUTE, value)) };
  };

  it('is good from its first reading of the day, at rest all night, and no change of the register', () => {
    const { take, moves } = register();
    expect([take(-400, 118), take(-2, 120), take(1, 0), take(60, 0), take(420, 0.4), take(421, 0.5)].join(' ')).to.equal('good good good good good good');
    expect(moves).to.deep.equal([]);
  });

  it('may do so a few minutes off, by a clock of its own, or unseen', () => {
    const { take } = register();
    expect([take(-30, 120), take(-4, 0), take(10, 0.1), take(3 * 1440 + 10, 0.05)].join(' ')).to.equal('good good good good');
  });

  it('is told from a slip at any other time', () => {
    const { take } = register();
    expect([take(600, 50), take(601, 0), take(602, 51)].join(' ')).to.equal('good backwards good');
    expect([take(700, 60), take(701, 2), take(702, 3)].join(' ')).to.equal('good backwards good');
  });

  it('rises after midnight no faster than its meter may', () => {
    const { take } = register({ resetsDailyIn: 'Asia/Shanghai', jump: { change: 10, perSeconds: 60 } });
    expect([take(-1, 120), take(2, 90), take(3, 3)].join(' ')).to.equal('good backwards good');
  });
});

describe('ingest/quality', () => {
  const groups: readonly (readonly [string, number, Checks | undefined, readonly Row[]])[] = [
    ['counter', ENERGY, undefined, counters],
    ['counter with other checks', ENERGY, { jump: { change: 1e12, perSeconds: 1 } }, counters],
    ['gauge', POWER, undefined, gauges],
    ['register width', ENERGY, WIDTH, widths],
    ['jump', POWER, JUMP, jumps],
    ['jump of a counter', ENERGY, JUMP, counterJumps],
    ['stuck', POWER, STUCK, stuck],
  ];
  for (const [group, code, checks, rows] of groups) {
    for (const row of rows) {
      it(`${group}: ${row.name}`, () => {
        const series = aSeries(code, checks === undefined ? {} : { checks });
        expect(series.take(row.values)).to.equal(row.expect);
        expect(series.moves).to.deep.equal(row.moves ?? []);
      });
    }
  }

  const starts: readonly (Row & { readonly stored: readonly [number, number]; readonly lastGood?: number; readonly checks?: Checks })[] = [
    { name: 'the last stored register is the measure', stored: [1000, QUALITY.good], values: [5, 1001], expect: 'backwards good' },
    {
      name: 'a stored low one that is passed is good either way, and nobody says what it was without the register before',
      stored: [3, QUALITY.backwards],
      values: [4, 5],
      expect: 'good good',
    },
    { name: 'a stored low one that repeats stays undecided', stored: [0, QUALITY.backwards], values: [0, 53701], expect: 'backwards good' },
    { name: 'a slip before the start is told from a reset', stored: [0, QUALITY.backwards], lastGood: 53_700, values: [53_701], expect: 'good' },
    {
      name: 'a reset before the start is told from a slip',
      stored: [3, QUALITY.backwards],
      lastGood: 1000,
      values: [4],
      expect: 'good',
      moves: ['reset at 1'],
    },
    { name: 'a stored value out of range is no measure', stored: [-1, QUALITY.range], values: [5], expect: 'good' },
    ...[QUALITY.range, QUALITY.fault, QUALITY.maintenance, QUALITY.calibration, QUALITY.clock].map((flag) => ({
      name: `a stored value of quality ${qualityName(flag)} is no measure, the last good register is`,
      stored: [5000, flag] as const,
      lastGood: 1000,
      values: [0, 1001, 1002],
      expect: 'backwards good good',
    })),
    {
      name: 'a register that passed its width before a value out of range is told a reading later',
      stored: [-1, QUALITY.range],
      lastGood: 999_990,
      checks: WIDTH,
      values: [3, 4],
      expect: 'backwards good',
      moves: ['rollover at 2, width 1000000'],
    },
    {
      name: 'a jump is held against the time of the last good reading',
      stored: [5000, QUALITY.jump],
      lastGood: 1000,
      checks: { jump: { change: 100, perSeconds: 60 } },
      values: [1150],
      expect: 'good',
    },
    { name: 'what was stuck still is', stored: [5, QUALITY.stuck], checks: STUCK, values: [5, 6], expect: 'stuck good' },
    {
      name: 'what has rested since the last stored reading is stuck in time',
      stored: [5, QUALITY.good],
      checks: STUCK,
      values: [5, 5, 5],
      expect: 'good good stuck',
    },
  ];
  for (const { stored, lastGood, checks, ...row } of starts) {
    it(`after a start: ${row.name}`, () => {
      const series = aSeries(ENERGY, { stored, ...(lastGood === undefined ? {} : { lastGood }), ...(checks === undefined ? {} : { checks }) });
      expect(series.take(row.values)).to.equal(row.expect);
      expect(series.moves).to.deep.equal(row.moves ?? []);
    });
  }

  it('takes the first reading after a declared exchange as it is, and judges the next one by it', () => {
    const { judge, series, take, moves } = aSeries(ENERGY);
    judge.expectExchange(series, 3 * MINUTE);
    expect(take([1000, 990, 12, 11, 13])).to.equal('good backwards good backwards good');
    expect(moves).to.deep.equal([]);
  });

  it('keeps what a series came to when its meter gets other checks', () => {
    const { judge, series, take } = aSeries(ENERGY);
    expect(take([1000])).to.equal('good');
    judge.open(series, ENERGY, { checks: JUMP });
    expect(take([5, 1010])).to.equal('backwards good');
    judge.open(series, ENERGY, {});
    expect(take([5, 1020])).to.equal('backwards good');
  });

  it('keeps series apart, however many there are', () => {
    const judge = new QualityJudge();
    for (let series = 0; series < 5000; series++) {
      judge.open(series, ENERGY, {});
      judge.judge(series, ENERGY, 0, series);
    }
    for (let series = 1; series < 5000; series++) expect(judge.judge(series, ENERGY, 1, series - 1)).to.equal(QUALITY.backwards);
  });
});
