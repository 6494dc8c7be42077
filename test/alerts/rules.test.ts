import { expect } from 'chai';
import fc from 'fast-check';
import { type CapRunState, stepCap } from '../../alerts/rules/cap.ts';
import { entryBound } from '../../alerts/rules/entry.ts';
import { RollingMean } from '../../alerts/rules/rolling-mean.ts';
import type { Application, Criterion, EntryProfile, EntryRule } from '../../model/rules.ts';
import { anEnterprise, PARK, WORKS } from './setup.ts';

describe('a rolling mean', () => {
  it('says nothing until three quarters of the window are covered', () => {
    const mean = new RollingMean(60_000, 1000);
    expect([0, 20, 43, 44, 50].map((second) => Number.isNaN(mean.push(second * 1000, second)))).to.deep.equal([true, true, true, false, false]);
  });
  it('takes an hourly value to cover its hour', () => expect(new RollingMean(3_600_000, 3_600_000).push(0, 7)).to.equal(7));
  it('begins anew after a gap longer than the window', () => {
    const mean = new RollingMean(10_000, 1000);
    for (let second = 0; second < 20; second++) mean.push(second * 1000, 100);
    expect(mean.push(60_000, 5)).to.be.NaN;
  });
  it('is the mean of what lies in the window, for any series', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: -50, max: 50 })), { maxLength: 200 }), (gaps) => {
        const mean = new RollingMean(100, 1);
        const seen: [number, number][] = [];
        let ts = 0;
        for (const [gap, value] of gaps) {
          ts += gap;
          seen.push([ts, value]);
          const inside = seen.filter(([at]) => at > ts - 100);
          const oldest = inside[0]?.[0] ?? ts;
          const expected = ts - oldest >= 74 ? inside.reduce((sum, [, each]) => sum + each, 0) / inside.length : Number.NaN;
          expect(mean.push(ts, value)).to.deep.equal(expected);
        }
      }),
    );
  });
});

describe('a cap', () => {
  const bound = { amount: 1000, percents: [80, 100], reachedAt: 'amount' } as const;
  const today = { from: 0, to: 100 };
  const cases: readonly { name: string; usage: readonly (readonly [at: number, used: number])[]; told: readonly (readonly number[])[] }[] = [
    {
      name: 'tells a stage when it is reached exactly',
      usage: [
        [0, 799.9],
        [1, 800],
      ],
      told: [[], [80]],
    },
    {
      name: 'tells each stage once',
      usage: [
        [0, 850],
        [1, 900],
        [2, 1000],
        [3, 2000],
      ],
      told: [[80], [], [100], []],
    },
    { name: 'tells all stages that one step passes, lowest first', usage: [[0, 1200]], told: [[80, 100]] },
    {
      name: 'tells nothing twice when usage is corrected downwards and rises again',
      usage: [
        [0, 850],
        [1, 700],
        [2, 900],
      ],
      told: [[80], [], []],
    },
    {
      name: 'begins anew with the period',
      usage: [
        [0, 850],
        [100, 10],
        [101, 900],
      ],
      told: [[80], [], [80]],
    },
  ];
  for (const { name, usage, told } of cases) {
    it(name, () => {
      let state: CapRunState | null = null;
      const fired = usage.map(([at, used]) => {
        const step = stepCap(bound, state, at < 100 ? today : { from: 100, to: 200 }, used);
        state = step.state;
        return step.fired;
      });
      expect(fired).to.deep.equal(told);
    });
  }
  it('hands over the period that ended', () => {
    const before = { periodFrom: 0, periodTo: 100, reached: [80], used: 850 };
    expect(stepCap(bound, before, { from: 100, to: 200 }, 0).ended).to.equal(before);
  });
});

describe('the bound of an entry rule', () => {
  const rule: EntryRule = {
    id: 'e',
    park: PARK,
    name: 'e',
    enabled: true,
    type: 'entry',
    level: 'red',
    enterprise: WORKS,
    application: 'a',
    criterion: 'c',
    tolerancePercent: 10,
  };
  const criterion: Criterion = {
    id: 'c',
    name: 'COD',
    unit: 'mg/L',
    side: 'at-most',
    threshold: 50,
    mandatory: true,
    actual: { of: 'reading', quantity: 'cod' },
  };
  const bounds = (
    over: { rule?: Partial<EntryRule>; criterion?: Partial<Criterion>; declared?: Record<string, number>; stage?: 'applicant' | 'admitted' } = {},
  ) => {
    const application: Application = { id: 'a', park: PARK, enterprise: WORKS, profile: 'p', declared: over.declared ?? { c: 40 } };
    const profile: EntryProfile = { id: 'p', park: PARK, name: 'p', version: 1, criteria: [{ ...criterion, ...over.criterion }] };
    return entryBound({ ...rule, ...over.rule }, anEnterprise({ stage: over.stage ?? 'admitted' }), application, profile);
  };
  const cases = [
    { name: 'is what was declared with the tolerance', got: () => bounds(), want: { above: true, bound: 44, unit: 'mg/L' } },
    {
      name: 'reads a day’s usage per day as a day’s usage',
      got: () => bounds({ criterion: { unit: 'MWh/d', actual: { of: 'usage', carrier: 'electricity', flow: 'consumption', period: 'day' } } }),
      want: { above: true, bound: 44_000, unit: 'kWh' },
    },
    { name: 'lies below for what must be at least', got: () => bounds({ criterion: { side: 'at-least' } }), want: { above: false, bound: 36, unit: 'mg/L' } },
    {
      name: 'is brought to the unit of the actual',
      got: () => bounds({ criterion: { unit: 'µg/L' }, declared: { c: 40_000 } }),
      want: { above: true, bound: 44, unit: 'mg/L' },
    },
  ];
  for (const { name, got, want } of cases) it(name, () => expect(got()).to.include(want));
  const silent = [
    { name: 'nothing was declared', got: () => bounds({ declared: {} }), want: /does not declare/ },
    { name: 'the enterprise has not come in yet', got: () => bounds({ stage: 'applicant' }), want: /not in the park/ },
    {
      name: 'a month’s declaration stands against a day’s usage',
      got: () => bounds({ criterion: { unit: 'kWh/month', actual: { of: 'usage', carrier: 'electricity', flow: 'consumption', period: 'day' } } }),
      want: /cannot be compared/,
    },
    { name: 'the units cannot be compared', got: () => bounds({ criterion: { unit: 'tce' } }), want: /cannot be compared/ },
    { name: 'the criterion is gone', got: () => bounds({ rule: { criterion: 'x' } }), want: /is not in profile/ },
  ];
  for (const { name, got, want } of silent) it(`is none, with the reason, when ${name}`, () => expect(got()).to.match(want));
});
