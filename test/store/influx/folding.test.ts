import { expect } from 'chai';
import { CounterFold, foldSteps } from '../../../store/influx/folding.ts';
import { tagIn } from '../../../store/influx/lines.ts';

describe('folding readings that InfluxDB cannot fold', () => {
  it('makes steps aligned to the origin, also before it', () => {
    const points = [-11, -1, 0, 9, 25].map((ts) => ({ ts, value: ts }));
    expect(foldSteps(points, 10, 0)).to.deep.equal([
      { at: -20, count: 1, mean: -11, min: -11, max: -11, last: -11 },
      { at: -10, count: 1, mean: -1, min: -1, max: -1, last: -1 },
      { at: 0, count: 2, mean: 4.5, min: 0, max: 9, last: 9 },
      { at: 20, count: 1, mean: 25, min: 25, max: 25, last: 25 },
    ]);
  });

  it('counts a register from zero after a fall', () => {
    const fold = new CounterFold(100, 0);
    for (const [ts, value] of [
      [0, 5],
      [10, 8],
      [20, 2],
      [30, 2],
      [100, 1],
    ] as const) {
      fold.add(ts, value);
    }
    expect(fold.steps).to.deep.equal([
      { at: 0, first: { ts: 0, value: 5 }, last: { ts: 30, value: 2 }, rise: 5, falls: 1 },
      { at: 100, first: { ts: 100, value: 1 }, last: { ts: 100, value: 1 }, rise: 0, falls: 0 },
    ]);
  });

  for (const [values, condition] of [
    [['m1'], `"meter" = 'm1'`],
    [["it's"], `"meter" = 'it\\'s'`],
    [['a.b', 'c/d'], '"meter" =~ /^(a\\.b|c\\/d)$/'],
  ] as const) {
    it(`asks for ${values.join(' and ')} as ${condition}`, () => {
      expect(tagIn('meter', values)).to.equal(condition);
    });
  }
});
