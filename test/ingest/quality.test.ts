import { expect } from 'chai';
import { QualityJudge } from '../../ingest/quality.ts';
import { QUALITY, qualityName } from '../../model/quality.ts';
import { quantityOf } from '../../model/quantities.ts';

const ENERGY = quantityOf('active_energy_import').code;
const POWER = quantityOf('active_power').code;

const counters: readonly { readonly name: string; readonly values: readonly number[]; readonly expect: string }[] = [
  { name: 'a rising register is good', values: [100, 101, 105], expect: 'good good good' },
  { name: 'a register at rest is good', values: [100, 100, 100], expect: 'good good good' },
  { name: 'a momentary zero is flagged and the register that returns is good', values: [53700, 0, 53701], expect: 'good backwards good' },
  { name: 'a slip of a digit stays flagged alone', values: [1000, 999, 1000, 1001], expect: 'good backwards good good' },
  { name: 'a new meter is good again from its second reading', values: [1000, 3, 4, 5], expect: 'good backwards good good' },
  { name: 'a rollover is good again from its second reading', values: [999_999, 1, 2], expect: 'good backwards good' },
  {
    name: 'a stuck zero stays undecided and the true register that returns is good',
    values: [53700, 0, 0, 0, 53701],
    expect: 'good backwards backwards backwards good',
  },
  { name: 'a new meter at rest is good from its first movement', values: [1000, 3, 3, 3.5, 4], expect: 'good backwards backwards good good' },
  { name: 'a register that falls further stays undecided', values: [1000, 500, 3, 4], expect: 'good backwards backwards good' },
  { name: 'after a reset the old register is no measure any more', values: [1000, 3, 4, 3.5, 5], expect: 'good backwards good backwards good' },
  { name: 'a negative register is out of range and no candidate', values: [1000, -5, 1001], expect: 'good range good' },
  { name: 'an impossible register does not become the measure', values: [1000, 1e13, 1001], expect: 'good range good' },
];

const gauges: typeof counters = [
  { name: 'a gauge may fall', values: [100, 5, -20], expect: 'good good good' },
  { name: 'a gauge beyond what is physically possible is flagged', values: [1e6, 1e6 + 1, -1e6 - 1, 5], expect: 'good range range good' },
];

const judged = (judge: QualityJudge, code: number, values: readonly number[]) => values.map((value) => qualityName(judge.judge(7, code, value))).join(' ');

describe('ingest/quality', () => {
  for (const row of counters) it(`counter: ${row.name}`, () => expect(judged(new QualityJudge(), ENERGY, row.values)).to.equal(row.expect));
  for (const row of gauges) it(`gauge: ${row.name}`, () => expect(judged(new QualityJudge(), POWER, row.values)).to.equal(row.expect));

  const seeds: readonly { readonly name: string; readonly seed: readonly [number, number]; readonly values: readonly number[]; readonly expect: string }[] = [
    { name: 'the last stored register is the measure', seed: [1000, QUALITY.good], values: [5, 1001], expect: 'backwards good' },
    { name: 'a stored low one that is passed was a reset or a slip, and good either way', seed: [3, QUALITY.backwards], values: [4, 5], expect: 'good good' },
    { name: 'a stored low one that repeats stays undecided', seed: [0, QUALITY.backwards], values: [0, 53701], expect: 'backwards good' },
    { name: 'a stored value out of range is no measure', seed: [-1, QUALITY.range], values: [5], expect: 'good' },
  ];
  for (const row of seeds) {
    it(`after a restart: ${row.name}`, () => {
      const judge = new QualityJudge();
      judge.seed(7, 1, row.seed[0], row.seed[1]);
      expect(judged(judge, ENERGY, row.values)).to.equal(row.expect);
    });
  }

  it('keeps series apart, however many there are', () => {
    const judge = new QualityJudge();
    for (let series = 0; series < 5000; series++) judge.judge(series, ENERGY, series);
    for (let series = 1; series < 5000; series++) expect(judge.judge(series, ENERGY, series - 1)).to.equal(QUALITY.backwards);
  });
});
