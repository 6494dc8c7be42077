import { expect } from 'chai';
import { GreenparkError } from '../../model/errors.ts';
import { QUALITY } from '../../model/quality.ts';
import { quantityOf } from '../../model/quantities.ts';
import { type ReadingBlock, ReadingBlockBuilder } from '../../model/reading.ts';
import { CLOCK_CORRECTION, type ReadingStore } from '../../store/port.ts';
import { METER_IDS, storeTargets } from './store-targets.ts';

const ENERGY = quantityOf('active_energy_import').code;
const POWER = quantityOf('active_power').code;
const WATER = quantityOf('water_volume').code;
const T0 = Date.UTC(2026, 2, 1);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ALWAYS = { from: T0 - 400 * 24 * HOUR, to: T0 + 400 * 24 * HOUR, limit: 100_000 };

type Row = readonly [meter: number, quantity: number, ts: number, value: number, quality?: number];

function block(...rows: readonly Row[]): ReadingBlock {
  const builder = new ReadingBlockBuilder(Math.max(rows.length, 1));
  for (const [meter, quantity, ts, value, quality = QUALITY.good] of rows) builder.push(0, meter, quantity, ts, value, quality);
  return builder.take();
}

async function refusal(work: Promise<unknown>): Promise<GreenparkError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof GreenparkError) return error;
    throw error;
  }
  throw new Error('expected a rejection');
}

for (const target of storeTargets()) {
  describe(`${target.name}: the contract of a reading store`, function () {
    this.timeout(60_000);
    let store: ReadingStore;
    /** Every test has a meter of its own; the first seven have the odd names. */
    let meter = 6;
    const values = async (quantity = POWER, of = meter): Promise<number[]> => [...(await store.raw({ meter: of, quantity, ...ALWAYS })).value];
    const reopen = async (): Promise<void> => {
      await store.close();
      store = await target.open();
    };

    before(async function () {
      await target.start(this);
      store = await target.open();
    });
    beforeEach(() => {
      meter++;
    });
    after(async () => {
      await store?.close();
      await target.stop();
    });

    it('answers readings in time order with value and quality, in [from, to), at most limit', async () => {
      await store.write(
        block([meter, POWER, T0, 1.5], [meter, POWER, T0 + 1, -2, QUALITY.range], [meter, POWER, T0 + 2, 3e-7], [meter, POWER, T0 + 3, 4]),
        'fresh',
      );
      const all = await store.raw({ meter, quantity: POWER, from: T0, to: T0 + 3, limit: 10 });
      expect(all.length).to.equal(3);
      expect([...all.ts]).to.deep.equal([T0, T0 + 1, T0 + 2]);
      expect([...all.value]).to.deep.equal([1.5, -2, 3e-7]);
      expect([...all.quality]).to.deep.equal([QUALITY.good, QUALITY.range, QUALITY.good]);
      expect([...(await store.raw({ meter, quantity: POWER, from: T0 + 1, to: T0 + 9, limit: 2 })).value]).to.deep.equal([-2, 3e-7]);
    });

    it('keeps quantities of one frame apart, also when there are more than fit one row', async () => {
      const codes = [ENERGY, POWER, 3, 4, 5, 6, 7].filter((code, index, list) => list.indexOf(code) === index);
      await store.write(block(...codes.map((code, index): Row => [meter, code, T0, index, index % 2 === 0 ? QUALITY.good : QUALITY.stuck])), 'fresh');
      for (const [index, code] of codes.entries()) {
        const found = await store.raw({ meter, quantity: code, ...ALWAYS });
        expect([...found.value], `quantity ${code}`).to.deep.equal([index]);
        expect(found.quality[0]).to.equal(index % 2 === 0 ? QUALITY.good : QUALITY.stuck);
      }
    });

    it('answers nothing for a series that was never written', async () => {
      expect((await store.raw({ meter, quantity: POWER, ...ALWAYS })).length).to.equal(0);
      expect(await store.steps({ meter, quantity: POWER, from: T0, to: T0 + HOUR, step: MINUTE, origin: T0 })).to.deep.equal([]);
      expect(await store.counters({ counters: [{ meter, quantity: ENERGY }], from: T0, to: T0 + HOUR, step: HOUR, origin: T0 })).to.deep.equal([
        { meter, quantity: ENERGY, before: null, after: null, steps: [] },
      ]);
      expect(await store.revisions(meter, POWER, T0)).to.deep.equal([]);
    });

    it('takes the same meter, quantity and time once: in a block, later and after a restart, and the first value stays', async () => {
      const first = await store.write(block([meter, POWER, T0, 1], [meter, POWER, T0, 2], [meter, POWER, T0 + 1, 3], [meter, ENERGY, T0, 4]), 'late');
      expect(first).to.deep.equal({ stored: 3, duplicates: 1 });
      const again = block([meter, POWER, T0, 9], [meter, POWER, T0 + 1, 9], [meter, POWER, T0 + 2, 5]);
      expect(await store.write(again, 'late')).to.deep.equal({ stored: 1, duplicates: 2 });
      await reopen();
      expect(await store.write(again, 'late')).to.deep.equal({ stored: 0, duplicates: 3 });
      expect(await values()).to.deep.equal([1, 3, 5]);
      expect(await values(ENERGY)).to.deep.equal([4]);
    });

    it('lets the reading that was measured at a time take it from one whose clock was wrong, once, and keeps both', async () => {
      const [clock, fault] = [QUALITY.clock, QUALITY.fault];
      await store.write(block([meter, POWER, T0, 1, clock], [meter, ENERGY, T0, 2, clock], [meter, POWER, T0 + MINUTE, 3, fault]), 'fresh');
      const more = block([meter, POWER, T0 + 2 * MINUTE, 4, clock], [meter, POWER, T0, 9, clock], [meter, POWER, T0, 10], [meter, POWER, T0, 11]);
      expect(await store.write(more, 'late')).to.deep.equal({ stored: 2, duplicates: 2 });
      const last = block([meter, POWER, T0 + MINUTE, 12], [meter, ENERGY, T0, 13, fault], [meter, ENERGY, T0, 14], [meter, POWER, T0 + 2 * MINUTE, 15]);
      expect(await store.write(last, 'late')).to.deep.equal({ stored: 2, duplicates: 2 });
      await reopen();
      expect(await store.write(last, 'late')).to.deep.equal({ stored: 0, duplicates: 4 });
      const power = await store.raw({ meter, quantity: POWER, ...ALWAYS });
      expect([[...power.value], [...power.quality]]).to.deep.equal([
        [10, 3, 15],
        [QUALITY.good, fault, QUALITY.good],
      ]);
      expect(await values(ENERGY)).to.deep.equal([13]);
      const [sent, taken] = await store.revisions(meter, POWER, T0);
      expect(sent).to.deep.equal({ value: 1, quality: clock, correction: null });
      expect(taken).to.deep.include({ value: 10, quality: QUALITY.good });
      expect(taken?.correction).to.include(CLOCK_CORRECTION);
      expect(Math.abs((taken?.correction?.at ?? 0) - Date.now())).to.be.below(60_000);
      const [step] = await store.steps({ meter, quantity: POWER, from: T0, to: T0 + HOUR, step: HOUR, origin: T0 });
      expect(step).to.include({ count: 2, min: 10, max: 15 });
      expect([...(await store.latest())].filter((one) => one.meter === meter && one.quantity === POWER).map(({ value }) => value)).to.deep.equal([15]);
    });

    it('lets a reading take a time within one block, and none that a person has corrected', async () => {
      const first = block([meter, POWER, T0, 1, QUALITY.clock], [meter, POWER, T0, 2], [meter, POWER, T0 + 1, 3, QUALITY.clock]);
      expect(await store.write(first, 'late')).to.deep.equal({ stored: 3, duplicates: 0 });
      await store.correct({ meter, quantity: POWER, ts: T0 + 1, value: 4, quality: QUALITY.corrected, author: '王芳', reason: 'seen', at: T0 + HOUR });
      expect(await store.write(block([meter, POWER, T0 + 1, 5]), 'late')).to.deep.equal({ stored: 0, duplicates: 1 });
      expect(await values()).to.deep.equal([2, 4]);
    });

    it('tells a late duplicate of a fresh row that is being written in the same moment', async () => {
      const [fresh, late] = await Promise.all([
        store.write(block([meter, POWER, T0, 1], [meter, POWER, T0 + 1, 2]), 'fresh'),
        store.write(block([meter, POWER, T0, 8], [meter, POWER, T0 - 1, 3]), 'late'),
      ]);
      expect(fresh).to.deep.equal({ stored: 2, duplicates: 0 });
      expect(late).to.deep.equal({ stored: 1, duplicates: 1 });
      expect(await values()).to.deep.equal([3, 1, 2]);
    });

    it('stores late rows of times that lie far apart', async () => {
      const rows: Row[] = [-300, -200, -3, 0, 50].map((day, index) => [meter, POWER, T0 + day * 24 * HOUR, index]);
      expect(await store.write(block(...rows), 'late')).to.deep.equal({ stored: 5, duplicates: 0 });
      expect(await store.write(block(...rows, [meter, POWER, T0 + 1, 7]), 'late')).to.deep.equal({ stored: 1, duplicates: 5 });
      expect(await values()).to.deep.equal([0, 1, 2, 3, 7, 4]);
    });

    it('stores the whole block or nothing of it', async () => {
      const error = await refusal(store.write(block([meter, POWER, T0, 1], [meter, POWER, T0 + 1, Number.NaN]), 'fresh'));
      expect(error.code).to.equal('STORE_REFUSED');
      expect(error.retryable).to.equal(false);
      expect(error.message).to.contain('row 1');
      expect(await values()).to.deep.equal([]);
      await store.write(block([meter, POWER, T0, 1]), 'fresh');
      expect(await values()).to.deep.equal([1]);
    });

    it('leaves the block to the caller unchanged', async () => {
      const mine = block([meter, POWER, T0, 1], [meter, POWER, T0 + 1, 2]);
      await store.write(mine, 'fresh');
      expect([...mine.value]).to.deep.equal([1, 2]);
      expect(await store.write(block(), 'fresh')).to.deep.equal({ stored: 0, duplicates: 0 });
    });

    it('answers the latest correction, keeps the original and every step between in revisions, and stands over a restart', async () => {
      await store.write(block([meter, POWER, T0, 1], [meter, POWER, T0 + MINUTE, 500, QUALITY.jump], [meter, POWER, T0 + 2 * MINUTE, 3]), 'fresh');
      const correction = { meter, quantity: POWER, ts: T0 + MINUTE, quality: QUALITY.corrected, author: '王芳 "W"', at: T0 + HOUR };
      await store.correct({ ...correction, value: 2.5, reason: 'read off the display, 现场抄表' });
      await store.correct({ ...correction, value: 2, reason: "a slip: it's 2" });
      await reopen();
      const found = await store.raw({ meter, quantity: POWER, ...ALWAYS });
      expect([...found.value]).to.deep.equal([1, 2, 3]);
      expect(found.quality[1]).to.equal(QUALITY.corrected);
      const [step] = await store.steps({ meter, quantity: POWER, from: T0, to: T0 + HOUR, step: HOUR, origin: T0 });
      expect(step).to.deep.equal({ at: T0, count: 3, mean: 2, min: 1, max: 3, last: 3 });
      expect(await store.revisions(meter, POWER, T0 + MINUTE)).to.deep.equal([
        { value: 500, quality: QUALITY.jump, correction: null },
        { value: 2.5, quality: QUALITY.corrected, correction: { author: '王芳 "W"', reason: 'read off the display, 现场抄表', at: T0 + HOUR } },
        { value: 2, quality: QUALITY.corrected, correction: { author: '王芳 "W"', reason: "a slip: it's 2", at: T0 + HOUR } },
      ]);
      expect(await store.write(block([meter, POWER, T0 + MINUTE, 77]), 'late')).to.deep.equal({ stored: 0, duplicates: 1 });
    });

    it('lays corrections over counters and over the latest reading', async () => {
      await store.write(block([meter, ENERGY, T0, 100], [meter, ENERGY, T0 + MINUTE, 9999], [meter, ENERGY, T0 + 2 * MINUTE, 104]), 'fresh');
      await store.correct({ meter, quantity: ENERGY, ts: T0 + MINUTE, value: 102, quality: QUALITY.corrected, author: 'a', reason: 'b', at: T0 });
      await store.correct({ meter, quantity: ENERGY, ts: T0 + 2 * MINUTE, value: 105, quality: QUALITY.corrected, author: 'a', reason: 'b', at: T0 });
      const [series] = await store.counters({ counters: [{ meter, quantity: ENERGY }], from: T0, to: T0 + HOUR, step: HOUR, origin: T0 });
      expect(series?.steps).to.deep.equal([{ at: T0, first: { ts: T0, value: 100 }, last: { ts: T0 + 2 * MINUTE, value: 105 }, rise: 5, falls: 0 }]);
      const query = { counters: [{ meter, quantity: ENERGY }], from: T0 + 2 * MINUTE, to: T0 + 2 * MINUTE, step: HOUR, origin: T0 };
      expect(await store.counters(query)).to.deep.equal([
        { meter, quantity: ENERGY, before: { ts: T0 + MINUTE, value: 102 }, after: { ts: T0 + 2 * MINUTE, value: 105 }, steps: [] },
      ]);
      await store.correct({ meter, quantity: ENERGY, ts: T0 + MINUTE, value: 102, quality: QUALITY.fault, author: 'a', reason: 'b', at: T0 });
      expect((await store.counters(query))[0]?.before).to.deep.equal({ ts: T0, value: 100 });
      const newest = [...(await store.latest())].filter((reading) => reading.meter === meter);
      expect(newest).to.deep.equal([{ meter, quantity: ENERGY, ts: T0 + 2 * MINUTE, value: 105, quality: QUALITY.corrected }]);
    });

    it('refuses to correct a reading that is not there', async () => {
      const error = await refusal(store.correct({ meter, quantity: POWER, ts: T0, value: 1, quality: QUALITY.corrected, author: 'a', reason: 'b', at: T0 }));
      expect(error.code).to.equal('STORE_REFUSED');
    });

    it('shows readings of bad quality raw and leaves them out of steps and counters', async () => {
      const rows: Row[] = [
        [meter, ENERGY, T0, 10],
        [meter, ENERGY, T0 + 1000, 5000, QUALITY.jump],
        [meter, ENERGY, T0 + 2000, 11, QUALITY.estimated],
        [meter, ENERGY, T0 + 3000, 12, QUALITY.corrected],
        [meter, ENERGY, T0 + 4000, 0, QUALITY.fault],
      ];
      await store.write(block(...rows), 'fresh');
      expect(await values(ENERGY)).to.deep.equal([10, 5000, 11, 12, 0]);
      expect(await store.steps({ meter, quantity: ENERGY, from: T0, to: T0 + HOUR, step: HOUR, origin: T0 })).to.deep.equal([
        { at: T0, count: 3, mean: 11, min: 10, max: 12, last: 12 },
      ]);
      const [series] = await store.counters({ counters: [{ meter, quantity: ENERGY }], from: T0, to: T0 + HOUR, step: HOUR, origin: T0 });
      expect(series?.steps[0]).to.deep.include({ last: { ts: T0 + 3000, value: 12 }, rise: 2, falls: 0 });
    });

    it('aligns steps to the origin, also before it, and leaves out those without a reading', async () => {
      const origin = T0 + 10 * MINUTE;
      const rows: Row[] = [T0 - 5 * MINUTE, T0 + 9 * MINUTE, origin - 1, origin, origin + 59 * MINUTE, origin + 2 * HOUR].map((ts, index) => [
        meter,
        POWER,
        ts,
        index,
      ]);
      await store.write(block(...rows), 'fresh');
      const steps = await store.steps({ meter, quantity: POWER, from: T0 - HOUR, to: T0 + 5 * HOUR, step: HOUR, origin });
      expect(steps).to.deep.equal([
        { at: origin - HOUR, count: 3, mean: 1, min: 0, max: 2, last: 2 },
        { at: origin, count: 2, mean: 3.5, min: 3, max: 4, last: 4 },
        { at: origin + 2 * HOUR, count: 1, mean: 5, min: 5, max: 5, last: 5 },
      ]);
      const cut = await store.steps({ meter, quantity: POWER, from: origin + 1, to: origin + HOUR, step: HOUR, origin });
      expect(cut).to.deep.equal([{ at: origin, count: 1, mean: 4, min: 4, max: 4, last: 4 }]);
    });

    it('aligns steps of a day to midnight in Shanghai', async () => {
      const midnight = Date.UTC(2026, 2, 1, 16);
      await store.write(block([meter, POWER, midnight - 1, 1], [meter, POWER, midnight, 2], [meter, POWER, midnight + 24 * HOUR - 1, 4]), 'fresh');
      const steps = await store.steps({ meter, quantity: POWER, from: T0, to: T0 + 3 * 24 * HOUR, step: 24 * HOUR, origin: midnight });
      expect(steps.map((step) => [step.at, step.mean])).to.deep.equal([
        [midnight - 24 * HOUR, 1],
        [midnight, 3],
      ]);
    });

    it('follows counters over falls and says what stood before and after', async () => {
      const other = meter + 100;
      await store.write(
        block(
          [meter, ENERGY, T0 - 30 * 24 * HOUR, 40, QUALITY.good],
          [meter, ENERGY, T0 - 40 * MINUTE, 90],
          [meter, ENERGY, T0 - 20 * MINUTE, 1e6, QUALITY.jump],
          [meter, ENERGY, T0, 100],
          [meter, ENERGY, T0 + 20 * MINUTE, 110],
          [meter, ENERGY, T0 + 40 * MINUTE, 3],
          [meter, ENERGY, T0 + 50 * MINUTE, 5],
          [meter, ENERGY, T0 + 130 * MINUTE, 9],
          [meter, ENERGY, T0 + 180 * MINUTE, 8e5, QUALITY.range],
          [meter, ENERGY, T0 + 181 * MINUTE, 10],
          [other, POWER, T0 - 200 * 24 * HOUR, 7],
        ),
        'fresh',
      );
      const answer = await store.counters({
        counters: [
          { meter: other, quantity: POWER },
          { meter, quantity: ENERGY },
        ],
        from: T0,
        to: T0 + 3 * HOUR,
        step: HOUR,
        origin: T0,
      });
      expect(answer).to.deep.equal([
        { meter: other, quantity: POWER, before: { ts: T0 - 200 * 24 * HOUR, value: 7 }, after: null, steps: [] },
        {
          meter,
          quantity: ENERGY,
          before: { ts: T0 - 40 * MINUTE, value: 90 },
          after: { ts: T0 + 181 * MINUTE, value: 10 },
          steps: [
            { at: T0, first: { ts: T0, value: 100 }, last: { ts: T0 + 50 * MINUTE, value: 5 }, rise: 15, falls: 1 },
            { at: T0 + 2 * HOUR, first: { ts: T0 + 130 * MINUTE, value: 9 }, last: { ts: T0 + 130 * MINUTE, value: 9 }, rise: 0, falls: 0 },
          ],
        },
      ]);
    });

    it('answers the usable readings nearest to each of many points, within reach', async () => {
      const other = meter + 100;
      const DAY = 24 * HOUR;
      await store.write(
        block(
          [meter, ENERGY, T0 - 200 * DAY, 1],
          [meter, ENERGY, T0, 10],
          [meter, POWER, T0, 7],
          [meter, ENERGY, T0 + MINUTE, 9e5, QUALITY.jump],
          [meter, ENERGY, T0 + 2 * MINUTE, 12],
          [meter, ENERGY, T0 + 3 * MINUTE, 13],
          [meter, ENERGY, T0 + 40 * DAY, 90],
          [other, ENERGY, T0 + 2 * MINUTE, 55, QUALITY.estimated],
          [other, WATER, T0, 59],
          [other, WATER, T0 + 5 * HOUR, 60],
          [other, WATER, T0 + 6 * HOUR, 61],
          [other, WATER, T0 + 9 * HOUR, 62],
        ),
        'late',
      );
      const ask = (reach: number, ...points: [of: number, quantity: number, ts: number][]) =>
        store.neighbours({ points: points.map(([of, quantity, ts]) => ({ meter: of, quantity, ts })), reach });
      const [old, first, third, fourth, last] = [
        { ts: T0 - 200 * DAY, value: 1 },
        { ts: T0, value: 10 },
        { ts: T0 + 2 * MINUTE, value: 12 },
        { ts: T0 + 3 * MINUTE, value: 13 },
        { ts: T0 + 40 * DAY, value: 90 },
      ];
      expect(await ask(Number.POSITIVE_INFINITY)).to.deep.equal([]);
      expect(
        await ask(
          Number.POSITIVE_INFINITY,
          [meter, ENERGY, T0 + 90 * DAY],
          [meter, ENERGY, T0 + MINUTE],
          [other, ENERGY, T0 + MINUTE],
          [meter, ENERGY, T0 + 2 * MINUTE],
          [meter, ENERGY, T0 + MINUTE],
          [meter, POWER, T0 + 1],
          [meter, ENERGY, T0 - DAY],
          [meter, ENERGY, T0 - 300 * DAY],
          [other, POWER, T0],
        ),
      ).to.deep.equal([
        { before: last, after: null },
        { before: first, after: third },
        { before: null, after: { ts: T0 + 2 * MINUTE, value: 55 } },
        { before: first, after: third },
        { before: first, after: third },
        { before: { ts: T0, value: 7 }, after: null },
        { before: old, after: first },
        { before: null, after: old },
        { before: null, after: null },
      ]);
      expect(await ask(MINUTE, [meter, ENERGY, T0 + MINUTE], [meter, ENERGY, T0 + MINUTE - 1], [meter, ENERGY, T0 + MINUTE + 1])).to.deep.equal([
        { before: first, after: third },
        { before: first, after: null },
        { before: null, after: third },
      ]);
      const correction = { meter, quantity: ENERGY, quality: QUALITY.corrected, author: 'a', reason: 'b', at: T0 };
      await store.correct({ ...correction, ts: T0 + MINUTE, value: 11 });
      for (const ts of [T0, T0 + 2 * MINUTE]) await store.correct({ ...correction, ts, value: 0, quality: QUALITY.fault });
      expect(await ask(Number.POSITIVE_INFINITY, [meter, ENERGY, T0], [meter, ENERGY, T0 + 2 * MINUTE], [meter, ENERGY, T0 + MINUTE])).to.deep.equal([
        { before: old, after: { ts: T0 + MINUTE, value: 11 } },
        { before: { ts: T0 + MINUTE, value: 11 }, after: fourth },
        { before: old, after: { ts: T0 + MINUTE, value: 11 } },
      ]);
      for (const hours of [5, 6])
        await store.correct({ ...correction, meter: other, quantity: WATER, ts: T0 + hours * HOUR, value: 0, quality: QUALITY.fault });
      const around = { before: { ts: T0, value: 59 }, after: { ts: T0 + 9 * HOUR, value: 62 } };
      for (const hours of [3, 5, 6, 8]) expect(await ask(DAY, [other, WATER, T0 + hours * HOUR])).to.deep.equal([around]);
    });

    it('calls latest what was measured last, whatever came last, also after a restart', async () => {
      await store.write(block([meter, POWER, T0 + HOUR, 5, QUALITY.stuck], [meter, ENERGY, T0, 1]), 'fresh');
      await store.write(block([meter, POWER, T0, 4]), 'late');
      const mine = async () => [...(await store.latest())].filter((reading) => reading.meter === meter);
      const expected = [
        { meter, quantity: ENERGY, ts: T0, value: 1, quality: QUALITY.good },
        { meter, quantity: POWER, ts: T0 + HOUR, value: 5, quality: QUALITY.stuck },
      ];
      expect(await mine()).to.have.deep.members(expected);
      await reopen();
      expect(await mine()).to.have.deep.members(expected);
      await store.write(block([meter, POWER, T0 + 2 * HOUR, 6]), 'fresh');
      expect((await mine()).find((reading) => reading.quantity === POWER)?.value).to.equal(6);
    });

    it('knows the latest of all messages of one time after a restart, also where no message ever had their quantities together', async () => {
      for (const quantities of [[1], [2, 5], [5, 3]]) await store.write(block(...quantities.map((quantity): Row => [meter, quantity, T0, quantity])), 'late');
      await reopen();
      const mine = [...(await store.latest())].filter((reading) => reading.meter === meter);
      expect(mine.map(({ quantity }) => quantity)).to.have.members([1, 2, 3, 5]);
    });

    it('keeps meters with odd names apart', async () => {
      const odd = METER_IDS.slice(0, 7).map((_, ordinal) => ordinal);
      await store.write(block(...odd.map((ordinal): Row => [ordinal, POWER, T0, ordinal + 0.5])), 'fresh');
      expect(await store.write(block(...odd.map((ordinal): Row => [ordinal, POWER, T0, 99])), 'late')).to.deep.equal({ stored: 0, duplicates: 7 });
      for (const ordinal of odd) expect(await values(POWER, ordinal), METER_IDS[ordinal]).to.deep.equal([ordinal + 0.5]);
      const latest = [...(await store.latest())].filter((reading) => reading.meter < 7 && reading.quantity === POWER);
      expect(latest.map((reading) => reading.value)).to.have.members(odd.map((ordinal) => ordinal + 0.5));
      const counters = await store.counters({
        counters: odd.map((ordinal) => ({ meter: ordinal, quantity: POWER })),
        from: T0,
        to: T0 + 1,
        step: HOUR,
        origin: T0,
      });
      expect(counters.map((series) => series.steps[0]?.first.value)).to.deep.equal(odd.map((ordinal) => ordinal + 0.5));
    });

    it('takes whole and broken numbers in one series', async () => {
      await store.write(block([meter, POWER, T0, 3], [meter, POWER, T0 + 1, 0.1]), 'fresh');
      await store.write(block([meter, POWER, T0 + 2, -1e21], [meter, POWER, T0 + 3, 5e-324], [meter, POWER, T0 + 4, 12345678901234.5]), 'fresh');
      expect(await values()).to.deep.equal([3, 0.1, -1e21, 5e-324, 12345678901234.5]);
    });

    it('takes a block of 50,000 rows', async () => {
      const builder = new ReadingBlockBuilder(50_000);
      for (let i = 0; i < 50_000; i++) builder.push(0, meter, POWER, T0 + i * 1000, i, QUALITY.good);
      const many = builder.take();
      expect(await store.write(many, 'fresh')).to.deep.equal({ stored: 50_000, duplicates: 0 });
      expect(await store.write(many, 'late')).to.deep.equal({ stored: 0, duplicates: 50_000 });
      const found = await store.raw({ meter, quantity: POWER, ...ALWAYS });
      expect(found.length).to.equal(50_000);
      expect(found.value[49_999]).to.equal(49_999);
      const steps = await store.steps({ meter, quantity: POWER, from: T0, to: T0 + 24 * HOUR, step: HOUR, origin: T0 });
      expect(steps.reduce((sum, step) => sum + step.count, 0)).to.equal(50_000);
    });

    it('stores what many callers write at once, each answered for its own block', async () => {
      const results = await Promise.all(
        Array.from({ length: 40 }, (_, n) => store.write(block([meter, POWER, T0 + n, n], [meter, ENERGY, T0 + n, n]), 'fresh')),
      );
      expect(results).to.deep.equal(Array.from({ length: 40 }, () => ({ stored: 2, duplicates: 0 })));
      expect(await values()).to.deep.equal(Array.from({ length: 40 }, (_, n) => n));
    });

    it('deletes what was measured before a time and says how much went', async () => {
      const old = T0 - 390 * 24 * HOUR;
      await store.write(block([meter, POWER, old, 1], [meter, ENERGY, old, 2], [meter, POWER, old + HOUR, 3], [meter, POWER, T0, 4]), 'late');
      await store.correct({ meter, quantity: POWER, ts: old, value: 9, quality: QUALITY.corrected, author: 'a', reason: 'b', at: T0 });
      await reopen();
      expect(await store.deleteBefore(old + HOUR)).to.equal(2);
      expect(await values()).to.deep.equal([3, 4]);
      expect(await store.revisions(meter, POWER, old)).to.deep.equal([]);
      expect([...(await store.latest())].filter((reading) => reading.meter === meter).map((reading) => reading.quantity)).to.deep.equal([POWER]);
      expect(await store.deleteBefore(old + HOUR)).to.equal(0);
    });

    it('says that it is there, closes twice, and refuses everything afterwards', async () => {
      await store.ping();
      const writing = store.write(block([meter, POWER, T0, 1]), 'fresh');
      await Promise.all([store.close(), store.close()]);
      expect((await writing).stored).to.equal(1);
      await store.close();
      const refusals = await Promise.all([
        refusal(store.write(block([meter, POWER, T0, 1]), 'fresh')),
        refusal(store.ping()),
        refusal(store.latest()),
        refusal(store.raw({ meter, quantity: POWER, ...ALWAYS })),
        refusal(store.deleteBefore(T0)),
      ]);
      expect(refusals.map((error) => error.code)).to.deep.equal(Array(5).fill('STORE_CLOSED'));
      store = await target.open();
      expect(await values()).to.deep.equal([1]);
    });
  });
}
