import { expect } from 'chai';
import fc from 'fast-check';
import { UsageTally } from '../../accounting/running-usage.ts';
import { usageOf } from '../../accounting/usage.ts';
import type { MeterId, ParkId } from '../../model/ids.ts';
import { LatestReadings } from '../../model/latest.ts';
import { periodOf, periodsBetween } from '../../model/period.ts';
import { isUsable, QUALITY } from '../../model/quality.ts';
import { quantityOf } from '../../model/quantities.ts';
import type { Park, RegisteredMeter } from '../../model/registry.ts';
import { Directory } from '../../store/registry/directory.ts';
import { type Point, StoredReadings } from './stored-readings.ts';

const PARK = 'p1' as ParkId;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const IMPORT = quantityOf('active_energy_import').code;
const PERIODS = ['day', 'month', 'year'] as const;

const meter = (ordinal: number): RegisteredMeter => ({
  ...{ id: `m${ordinal}` as MeterId, ordinal, park: PARK, enterprise: null, name: 'm', kind: 'electricity', parent: null, multiplier: 1, gateway: null },
  intervalSeconds: 60,
});

function aTally(ordinal: number, timeZone: string) {
  const park: Park = { id: PARK, name: '园区', region: '510112', timeZone };
  const latest = new LatestReadings();
  latest.seriesOf(ordinal, IMPORT);
  const tally = new UsageTally({ current: new Directory([park], [], [], [meter(ordinal)]) }, latest);
  const used = (now: number) => PERIODS.map((period) => tally.soFar({ park: PARK, enterprise: null }, 'electricity', 'consumption', period, now));
  return { tally, latest, used };
}

interface Move {
  readonly minutes: number;
  readonly rise: number;
  readonly event: 'none' | 'reset' | 'slip';
}
/** Irregular readings with gaps of up to `longest` minutes, exchanges of the register and slips that ingest flagged. */
const moves = (longest: number) =>
  fc.array(
    fc.record({
      minutes: fc.integer({ min: 1, max: longest }),
      rise: fc.integer({ min: 0, max: 400 }).map((quarters) => quarters / 4),
      event: fc.constantFrom<Move['event']>('none', 'none', 'none', 'none', 'none', 'reset', 'slip'),
    }),
    { minLength: 20, maxLength: 60 },
  );
function pointsOf(start: number, all: readonly Move[]): Point[] {
  let [ts, value] = [start, 5000];
  return all.map(({ minutes, rise, event }) => {
    ts += minutes * MINUTE;
    if (event === 'slip') return { ts, value: 0, quality: QUALITY.backwards };
    value = event === 'reset' ? rise : value + rise;
    return { ts, value };
  });
}

/** Usage in [from, to) by walking over the raw points: the definition, without steps. */
function byHand(points: readonly Point[], from: number, to: number): number {
  const usable = points.filter(({ quality = QUALITY.good }) => isUsable(quality)).toSorted((a, b) => a.ts - b.ts);
  let sum = 0;
  for (const [n, b] of usable.entries()) {
    const a = usable[n - 1];
    if (a === undefined) continue;
    const inside = Math.min(b.ts, to) - Math.max(a.ts, from);
    if (inside > 0) sum += ((b.value < a.value ? b.value : b.value - a.value) * inside) / (b.ts - a.ts);
  }
  return sum;
}

const expectClose = (found: readonly number[], wanted: readonly number[], what: string): void => {
  for (const [n, period] of PERIODS.entries()) expect(found[n], `${what}, ${period}`).to.be.closeTo(wanted[n] ?? Number.NaN, 1e-6);
};

// Each starts some days before a border: of a year, of a month, and the two days of a clock change.
const STARTS = [
  { zone: 'Asia/Shanghai', start: Date.parse('2025-12-28T00:00+08:00'), what: 'the turn of the year' },
  { zone: 'Asia/Shanghai', start: Date.parse('2026-02-25T00:00+08:00'), what: 'the end of a short month' },
  { zone: 'Europe/Berlin', start: Date.parse('2026-03-26T00:00+01:00'), what: 'the day of 23 hours' },
  { zone: 'Europe/Berlin', start: Date.parse('2026-10-22T00:00+02:00'), what: 'the day of 25 hours' },
] as const;

describe('usage from the embedded store', function () {
  this.timeout(60_000);
  let stored: StoredReadings;
  let ordinal = 0;
  before(async () => {
    stored = await StoredReadings.open();
  });
  after(() => stored.close());

  const answered = async (number: number, from: number, to: number, step = to - from) => {
    const [series] = await stored.store.counters({ counters: [{ meter: number, quantity: IMPORT }], from, to, step, origin: from });
    if (series === undefined) throw new Error('the store answers every counter that has readings');
    return series;
  };

  for (const { zone, start, what } of STARTS) {
    it(`so far, reading by reading, is what usageOf makes of the stored ones: ${zone}, ${what}`, () =>
      fc.assert(
        fc.asyncProperty(moves(400), async (all) => {
          const number = ++ordinal;
          const points = pointsOf(start, all);
          await stored.write(number, points);
          const { tally, latest, used } = aTally(number, zone);
          const checks = new Set([points.length >> 1, points.length - 1]);
          for (const [n, point] of points.entries()) {
            tally.add(stored.block(number, [point], 'active_energy_import', latest));
            if (!checks.has(n)) continue;
            const spans = PERIODS.map((period) => ({ from: periodOf(point.ts, period, zone).from, to: point.ts + 1 }));
            const usage = await Promise.all(
              spans.map(async (span) => usageOf({ ...(await answered(number, span.from, span.to)), after: null }, [span], point.ts)[0]?.amount ?? Number.NaN),
            );
            const inTime = points.slice(0, n + 1);
            const hand = spans.map((span) => byHand(inTime, span.from, span.to));
            expectClose(used(point.ts), usage, 'held against usageOf');
            expectClose(used(point.ts), hand, 'held against the raw points');
          }
        }),
        { numRuns: 8 },
      ));

    it(`of the hours is that of the day, of the days that of the month: ${zone}, ${what}`, () =>
      fc.assert(
        fc.asyncProperty(moves(400), async (all) => {
          const number = ++ordinal;
          const points = pointsOf(start, all);
          // What arrives last may be measured first: only the stored order counts.
          await stored.write(number, points.toReversed());
          const to = points.at(-1)?.ts ?? start;
          const days = periodsBetween(start, to, 'day', zone);
          for (const day of days) {
            const hours = periodsBetween(day.from, day.to, 'hour', zone);
            const parts = usageOf(await answered(number, day.from, day.to, HOUR), hours, to).map(({ amount }) => amount);
            const whole = usageOf(await answered(number, day.from, day.to), [day], to)[0]?.amount;
            expect(parts.reduce((sum, part) => sum + part, 0)).to.be.closeTo(whole ?? Number.NaN, 1e-6);
            expect(whole).to.be.closeTo(byHand(points, day.from, day.to), 1e-6);
          }
        }),
        { numRuns: 4 },
      ));
  }

  it('so far is the same after a start in between, with late readings, and with months that were asked once', () =>
    fc.assert(
      fc.asyncProperty(moves(6000), fc.nat(58), fc.array(fc.nat(59), { minLength: 1, maxLength: 6 }), async (all, cut, late) => {
        const zone = 'Asia/Shanghai';
        const number = ++ordinal;
        const points = pointsOf(Date.parse('2026-02-10T00:00+08:00'), all);
        const now = points.at(-1)?.ts ?? 0;
        const running = periodOf(now, 'month', zone).from;
        // Late ones are of the running month, so that the months before are not asked again.
        const lateOnes = new Set(late.filter((n) => n < points.length - 1 && (points[n]?.ts ?? 0) >= running));
        const inTime = points.filter((_, n) => !lateOnes.has(n));
        const begun = Math.min(cut, inTime.length - 1);
        await stored.write(number, inTime.slice(0, begun + 1));
        const { tally, latest, used } = aTally(number, zone);
        await tally.seed(stored.store, Math.max(inTime[begun]?.ts ?? 0, running));
        const after = inTime.slice(begun + 1);
        if (after.length > 0) await stored.write(number, after);
        for (const point of after) tally.add(stored.block(number, [point], 'active_energy_import', latest));
        const wanted = (known: readonly Point[]) => PERIODS.map((period) => byHand(known, periodOf(now, period, zone).from, now + 1));
        expectClose(used(now), wanted(inTime), 'before the late ones');
        const added = points.filter((_, n) => lateOnes.has(n));
        if (added.length > 0) await stored.write(number, added);
        await tally.seed(stored.store, now, added[0]?.ts ?? now);
        expectClose(used(now), wanted(points), 'seeded again');
      }),
      { numRuns: 15, interruptAfterTimeLimit: 40_000, markInterruptAsFailure: true },
    ));

  it('asks for the months that have a reading, and shares the silence before one over the year that it reaches into', async () => {
    const at = (text: string) => Date.parse(`${text}+08:00`);
    const number = ++ordinal;
    const { tally, used } = aTally(number, 'Asia/Shanghai');
    // 31 days of silence, of which 21 lie in the year; then nothing in March.
    await stored.write(number, [
      { ts: at('2025-12-22T00:00'), value: 100 },
      { ts: at('2026-01-22T00:00'), value: 131 },
      { ts: at('2026-02-01T00:00'), value: 140 },
      { ts: at('2026-04-02T00:00'), value: 200 },
    ]);
    const asked: number[] = [];
    const counting = {
      counters: (query: Parameters<typeof stored.store.counters>[0]) => {
        asked.push(query.from);
        return stored.store.counters(query);
      },
    };
    await tally.seed(counting, at('2026-04-02T01:00'));
    expectClose(used(at('2026-04-02T01:00')), [0, 1, 21 + 9 + 60], 'over the year');
    expect(asked).to.deep.equal(['2026-04-02T00:00', '2026-04-01T00:00', '2026-02-01T00:00', '2026-01-01T00:00'].map(at));
  });

  describe('across the start of the running month', () => {
    const at = (text: string) => Date.parse(`${text}+08:00`);
    const NOW = at('2026-05-01T10:00');
    let number = 0;
    let seeded: ReturnType<typeof aTally>;
    const year = () => seeded.used(NOW)[2];
    beforeEach(async () => {
      number = ++ordinal;
      seeded = aTally(number, 'Asia/Shanghai');
      await stored.write(number, [
        { ts: at('2026-04-30T20:00'), value: 60 },
        { ts: at('2026-04-30T22:00'), value: 100 },
      ]);
    });

    it('the year loses nothing when the meter was silent as the months before were asked', async () => {
      await seeded.tally.seed(stored.store, at('2026-05-01T00:30'));
      await stored.write(number, [{ ts: at('2026-05-01T02:00'), value: 140 }]);
      await seeded.tally.seed(stored.store, NOW, at('2026-05-01T02:00'));
      expect(year()).to.equal(80);
      expect(seeded.used(NOW).slice(0, 2)).to.deep.equal([20, 20]);
    });

    it('the year doubles nothing when a late reading moves the share of the month before', async () => {
      await stored.write(number, [{ ts: at('2026-05-01T02:00'), value: 140 }]);
      await seeded.tally.seed(stored.store, at('2026-05-01T03:00'));
      await stored.write(number, [{ ts: at('2026-05-01T00:30'), value: 110 }]);
      await seeded.tally.seed(stored.store, NOW, at('2026-05-01T00:30'));
      expect(year()).to.equal(80);
      expect(seeded.used(NOW).slice(0, 2)).to.deep.equal([32, 32]);
    });
  });
});
