import { expect } from 'chai';
import fc from 'fast-check';
import { MeterColumns } from '../../ingest/meter-columns.ts';
import { type MeterPlan, MeterPlans } from '../../ingest/meter-plans.ts';
import { PlanColumns } from '../../ingest/plan-columns.ts';
import { QualityJudge } from '../../ingest/quality.ts';
import { LatestReadings } from '../../model/latest.ts';
import { aMeter, directoryOf } from './harness.ts';

const NAMES = ['active_energy_import', 'active_power', 'voltage_a', 'voltage_b', 'current_a', 'power_factor', 'frequency', 'co', 'o3', 'so2'] as const;

describe('the plan of a meter', () => {
  it('finds the same series as the latest readings, in whatever order meters and quantities come', () => {
    const sightings = fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.constantFrom(...NAMES)), { maxLength: 120 });
    fc.assert(
      fc.property(sightings, (seen) => {
        const latest = new LatestReadings();
        const plans = new MeterPlans({ current: directoryOf(...[1, 2, 3, 4, 5, 6].map((n) => aMeter(n))) }, { latest, quality: new QualityJudge() });
        for (const [n, name] of seen) {
          const plan = plans.of(`m-${n}`) as MeterPlan;
          const column = plan.columnOf(name, 0) as number;
          expect(plan.columns.names[column]).to.equal(name);
          expect(plan.series[column]).to.equal(latest.find(n, plan.columns.codes[column] as number));
        }
      }),
    );
  });

  it('is that of the record as it reads now', () => {
    const source = { current: directoryOf(aMeter(1, { multiplier: 1 })) };
    const plans = new MeterPlans(source, { latest: new LatestReadings(), quality: new QualityJudge() });
    const { park } = aMeter(1);
    const factor = () => {
      const plan = plans.route(`parks/${park}/meters/m-1/readings`) as MeterPlan;
      const column = plan.columnOf('active_power', 0) as number;
      return plan.columns.factors[column];
    };
    expect(factor()).to.equal(1);
    source.current = directoryOf(aMeter(1, { multiplier: 40 }));
    expect(factor()).to.equal(40);
  });

  it('tells the status topic from that of readings, also when it remembers them', () => {
    const plans = new MeterPlans({ current: directoryOf(aMeter(0), aMeter(1)) }, { latest: new LatestReadings(), quality: new QualityJudge() });
    const { park } = aMeter(0);
    for (const _ of ['first', 'remembered']) {
      for (const n of [0, 1]) {
        for (const leaf of ['readings', 'status'] as const) {
          const route = plans.route(`parks/${park}/meters/m-${n}/${leaf}`);
          expect([route.kind, 'plan' in route && route.plan?.ordinal]).to.deep.equal([leaf, n]);
        }
      }
    }
  });
});

describe('the columns of meters', () => {
  it('keep the series of each, however they are interleaved', () => {
    const additions = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 200 });
    fc.assert(
      fc.property(additions, (ordinals) => {
        const known = new MeterColumns();
        const expected = new Map<number, number[]>();
        const columnsOf = [0, 1, 2, 3].map(() => PlanColumns.none({ multiplier: 1, units: {} }));
        for (const [series, ordinal] of ordinals.entries()) {
          const more = (columnsOf[ordinal] as PlanColumns).and(NAMES[(columnsOf[ordinal] as PlanColumns).count] ?? '');
          if (!(more instanceof PlanColumns)) continue;
          columnsOf[ordinal] = more;
          known.add(ordinal, more, series);
          expected.set(ordinal, [...(expected.get(ordinal) ?? []), series]);
        }
        for (const [ordinal, series] of expected) {
          const found = new Int32Array(series.length);
          known.copySeries(ordinal, series.length, found);
          expect([known.of(ordinal), ...found]).to.deep.equal([columnsOf[ordinal], ...series]);
        }
      }),
    );
  });
});
