import { expect } from 'chai';
import fc from 'fast-check';
import { UsageTally } from '../../accounting/running-usage.ts';
import { usageOf } from '../../accounting/usage.ts';
import type { EnterpriseId, MeterId, ParkId } from '../../model/ids.ts';
import { LatestReadings } from '../../model/latest.ts';
import { periodOf } from '../../model/period.ts';
import { QUALITY } from '../../model/quality.ts';
import { type QuantityName, quantityOf } from '../../model/quantities.ts';
import { ReadingBlockBuilder } from '../../model/reading.ts';
import type { Park, RegisteredMeter } from '../../model/registry.ts';
import { Directory } from '../../store/registry/directory.ts';
import { heapInUse } from '../garbage.ts';

const PARK = 'p1' as ParkId;
const WORKS = 'works' as EnterpriseId;
const park: Park = { id: PARK, name: '园区', region: '510112', timeZone: 'Asia/Shanghai' };
const meter = (ordinal: number, over: Partial<RegisteredMeter> = {}): RegisteredMeter => ({
  ...{ id: `m${ordinal}` as MeterId, ordinal, park: PARK, enterprise: WORKS, name: 'm', kind: 'electricity', parent: null, multiplier: 1, gateway: null },
  intervalSeconds: 60,
  ...over,
});
const at = (text: string) => Date.parse(`${text}+08:00`);

function aTally(meters: RegisteredMeter[]) {
  const latest = new LatestReadings();
  const directory = { current: new Directory([park], [{ id: WORKS, park: PARK, name: 'w', trade: 't', stage: 'admitted' }], [], meters) };
  const tally = new UsageTally(directory, latest);
  return {
    /** The counters were read before, as the store knows. */
    seed(counters: Parameters<UsageTally['seed']>[0]['counters'], now: number) {
      for (const { ordinal } of meters) latest.seriesOf(ordinal, quantityOf('active_energy_import').code);
      return tally.seed({ counters }, now);
    },
    tally,
    latest,
    read(ordinal: number, ts: number, value: number, quantity: QuantityName = 'active_energy_import', quality: number = QUALITY.good) {
      const { code } = quantityOf(quantity);
      const block = new ReadingBlockBuilder(1);
      block.push(latest.seriesOf(ordinal, code), ordinal, code, ts, value, quality);
      tally.add(block.take());
    },
    used: (period: 'day' | 'month' | 'year', now: number, enterprise: EnterpriseId | null = WORKS) =>
      tally.soFar({ park: PARK, enterprise }, 'electricity', 'consumption', period, now),
  };
}

describe('usage so far', () => {
  it('counts in day, month and year of the park’s zone', () => {
    const { read, used } = aTally([meter(1)]);
    for (const [time, value] of [
      ['2026-04-30T22:00', 100],
      ['2026-04-30T23:00', 110],
      ['2026-05-01T01:00', 130],
      ['2026-05-01T02:00', 135],
    ] as const) {
      read(1, at(time), value);
    }
    const now = at('2026-05-01T02:30');
    // Half of the 20 kWh across midnight, and 5 after it.
    expect([used('day', now), used('month', now), used('year', now)]).to.deep.equal([15, 15, 35]);
  });

  it('is nothing yet in a period that has just begun', () => {
    const { read, used } = aTally([meter(1)]);
    read(1, at('2026-05-01T22:00'), 100);
    read(1, at('2026-05-01T23:00'), 110);
    expect(used('day', at('2026-05-02T00:00'))).to.equal(0);
  });

  it('passes over a momentary zero that ingest flagged', () => {
    const { read, used } = aTally([meter(1)]);
    read(1, at('2026-05-01T01:00'), 53_700);
    read(1, at('2026-05-01T01:01'), 0, 'active_energy_import', QUALITY.backwards);
    read(1, at('2026-05-01T01:02'), 53_701);
    expect(used('day', at('2026-05-01T01:03'))).to.equal(1);
  });

  it('counts from zero after a reset', () => {
    const { read, used } = aTally([meter(1)]);
    read(1, at('2026-05-01T01:00'), 1400);
    read(1, at('2026-05-01T02:00'), 5);
    read(1, at('2026-05-01T03:00'), 9);
    expect(used('day', at('2026-05-01T03:30'))).to.equal(9);
  });

  it('takes no register that starts again each day for a counter', () => {
    const { read, used } = aTally([meter(1)]);
    read(1, at('2026-05-01T01:00'), 5, 'active_energy_day');
    read(1, at('2026-05-01T02:00'), 50, 'active_energy_day');
    expect(used('day', at('2026-05-01T03:30'))).to.equal(0);
  });

  it('counts a sub-meter once, in the park and in its enterprise', () => {
    const main = meter(1, { enterprise: null });
    const { read, used } = aTally([main, meter(2, { parent: main.id }), meter(3, { parent: 'm2' as MeterId })]);
    for (const ordinal of [1, 2, 3]) {
      read(ordinal, at('2026-05-01T01:00'), 0);
      read(ordinal, at('2026-05-01T02:00'), 100 / ordinal);
    }
    const now = at('2026-05-01T02:30');
    expect([used('day', now, null), used('day', now)]).to.deep.equal([100, 50]);
  });

  it('goes on where the store left off, for any moment of the start', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: -5, max: 60 })), { minLength: 3, maxLength: 60 }),
        fc.nat(59),
        async (moves, cut) => {
          let [ts, value] = [at('2026-04-28T00:00'), 1000];
          const points = moves.map(([minutes, move]) => {
            ts += minutes * 60_000;
            value = Math.max(0, value + move);
            return { ts, value };
          });
          const begun = Math.min(cut, points.length - 1);
          const whole = aTally([meter(1)]);
          for (const point of points) whole.read(1, point.ts, point.value);
          const seeded = aTally([meter(1)]);
          const stored = points.slice(0, begun + 1);
          const counters: Parameters<UsageTally['seed']>[0]['counters'] = async ({ from, to }) => {
            const inside = stored.filter((point) => point.ts >= from && point.ts < to);
            const [first, last] = [inside[0], inside.at(-1)];
            const rise = inside
              .slice(1)
              .reduce((sum, point, n) => sum + (point.value < (inside[n]?.value ?? 0) ? point.value : point.value - (inside[n]?.value ?? 0)), 0);
            const steps = first === undefined || last === undefined ? [] : [{ at: from, first, last, rise, falls: 0 }];
            return [
              {
                meter: 1,
                quantity: 1,
                steps,
                before: stored.filter((point) => point.ts < from).at(-1) ?? null,
                after: stored.find((point) => point.ts >= to) ?? null,
              },
            ];
          };
          await seeded.seed(counters, stored.at(-1)?.ts ?? 0);
          for (const point of points.slice(begun + 1)) seeded.read(1, point.ts, point.value);
          for (const period of ['day', 'month', 'year'] as const) expect(seeded.used(period, ts), period).to.be.closeTo(whole.used(period, ts), 1e-6);
        },
      ),
    );
  });

  it('loses nothing that was stored between the questions of a seed', async () => {
    const { seed, read, used } = aTally([meter(1)]);
    const now = at('2026-05-03T10:00');
    let asked = 0;
    // Ten more are there with each question: day, month, year.
    await seed(async ({ from, to }) => {
      if (to <= at('2026-05-03T01:00')) return [];
      asked++;
      const [first, last] = [
        { ts: at('2026-05-03T01:00'), value: 100 },
        { ts: now - 3_600_000 + asked * 60_000, value: 100 + asked * 10 },
      ];
      return [{ meter: 1, quantity: 1, steps: [{ at: from, first, last, rise: last.value - first.value, falls: 0 }], before: null, after: null }];
    }, now);
    read(1, now, 150);
    expect([used('day', now), used('month', now), used('year', now)]).to.deep.equal([50, 50, 50]);
  });

  it('asks for no counter that was never read', async () => {
    const { tally } = aTally([meter(1), meter(2)]);
    let asked = 0;
    await tally.seed(
      {
        counters: async () => {
          asked++;
          return [];
        },
      },
      at('2026-05-03T10:00'),
    );
    expect(asked).to.equal(0);
  });

  it('costs columns alone, not an object a counter', () => {
    const { tally, latest } = aTally(Array.from({ length: 50_000 }, (_, n) => meter(n + 1)));
    const { code } = quantityOf('active_energy_import');
    const blocks = [at('2026-05-01T01:00'), at('2026-05-01T02:00')].map((ts) => {
      const block = new ReadingBlockBuilder(50_000);
      for (let ordinal = 1; ordinal <= 50_000; ordinal++) block.push(latest.seriesOf(ordinal, code), ordinal, code, ts, ts / 3_600_000, 0);
      return block.take();
    });
    const before = heapInUse();
    for (const block of blocks) tally.add(block);
    expect(heapInUse() - before).to.be.below(1e6);
    expect(tally.soFar({ park: PARK, enterprise: WORKS }, 'electricity', 'consumption', 'day', at('2026-05-01T02:30'))).to.be.closeTo(50_000, 1e-3);
  });

  it('is what usageOf answers for the same period', () => {
    const { read, used } = aTally([meter(1)]);
    const now = at('2026-05-02T10:00');
    const points = Array.from({ length: 40 }, (_, n) => ({ ts: at('2026-05-01T00:30') + n * 50 * 60_000, value: n * n }));
    for (const { ts, value } of points) read(1, ts, value);
    const span = periodOf(now, 'day', park.timeZone);
    const inside = points.filter(({ ts }) => ts >= span.from);
    const [first, last] = [inside[0], inside.at(-1)];
    if (first === undefined || last === undefined) throw new Error('no reading today');
    const steps = [{ at: span.from, first, last, rise: last.value - first.value, falls: 0 }];
    const series = { meter: 1, quantity: 1, steps, before: points.filter(({ ts }) => ts < span.from).at(-1) ?? null, after: null };
    expect(used('day', now)).to.be.closeTo(usageOf(series, [span], now)[0]?.amount ?? Number.NaN, 1e-9);
  });
});
