import { expect } from 'chai';
import fc from 'fast-check';
import { marksText, readMarks } from '../../alerts/watched-series.ts';
import type { EpochMs } from '../../model/ids.ts';
import { aLimit, aMeter, anEngine, MAY, MemoryRecords } from './setup.ts';

const read = (text: string): [number, EpochMs][] => {
  const marks = new Map<number, EpochMs>();
  readMarks(text, marks);
  return [...marks];
};

describe('the marks of a rule', () => {
  it('read as they were written, without what was never judged', () => {
    const times = fc.oneof(fc.constant(Number.NEGATIVE_INFINITY), fc.integer({ min: 0, max: 4e12 }));
    const judged = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 5000 }), times), { selector: ([ordinal]) => ordinal });
    fc.assert(
      fc.property(judged, (rows) => {
        const sorted = [...rows].sort(([a], [b]) => a - b);
        const text = marksText(
          Int32Array.from(sorted, ([ordinal]) => ordinal),
          Float64Array.from(sorted, ([, last]) => last),
        );
        expect(read(text)).to.deep.equal(sorted.filter(([, last]) => Number.isFinite(last)));
      }),
    );
  });

  it('read from the JSON that an earlier version wrote', () => {
    expect(read(`{"7":${MAY},"12":${MAY + 1}}`)).to.deep.equal([
      [7, MAY],
      [12, MAY + 1],
    ]);
  });
});

describe('rules on many series', () => {
  const book = (value: number) => ({
    rules: [aLimit({ subject: { kind: 'electricity' }, value }), aLimit({ id: 'far-too-much', subject: { kind: 'electricity' }, value: 2 * value })],
  });

  it('keep what each has come to when they and the meters change', async () => {
    const records = new MemoryRecords();
    const bench = await anEngine(book(100), { records, meters: [1, 2, 3].map((n) => aMeter(n)) });
    bench.judge(MAY, 120, { meter: 3 });
    bench.directory.current = (await anEngine({}, { meters: [2, 3, 4].map((n) => aMeter(n)) })).directory.current;
    bench.reload(book(110));
    // Not after the one that was judged, and then after it.
    bench.judge(MAY, 0, { meter: 3 });
    expect(bench.told).to.deep.equal(['fired too-much']);
    bench.judge(MAY + 1000, 250, { meter: 4 });
    bench.judge(MAY + 1000, 100, { meter: 3 });
    expect(bench.told).to.deep.equal(['fired too-much', 'fired too-much', 'fired far-too-much', 'resolved too-much']);
    await bench.engine.stop();
    const again = await anEngine(book(110), { records, meters: [2, 3, 4].map((n) => aMeter(n)) });
    again.judge(MAY + 1000, 500, { meter: 3 });
    again.judge(MAY + 2000, 0, { meter: 4 });
    expect(again.told.sort()).to.deep.equal(['resolved far-too-much', 'resolved too-much']);
  });

  it('save their marks in records of neighbouring meters, and delete those of which no meter is left', async () => {
    const records = new MemoryRecords();
    const one = { rules: [aLimit({ subject: { kind: 'electricity' } })] };
    const bench = await anEngine(one, { records, meters: [1, 2, 10_000].map((n) => aMeter(n)) });
    for (const meter of [1, 2, 10_000]) bench.judge(MAY, 50, { meter });
    await bench.engine.flush();
    expect([...records.rows.keys()]).to.deep.equal(['marks~limit~p1~too-much', 'marks~limit~p1~too-much~2']);
    bench.directory.current = (await anEngine({}, { meters: [2, 10_000].map((n) => aMeter(n)) })).directory.current;
    bench.reload(one);
    await bench.engine.flush();
    expect(records.rows.size).to.equal(2);
    bench.directory.current = (await anEngine({}, { meters: [aMeter(2)] })).directory.current;
    bench.reload(one);
    await bench.engine.stop();
    expect([...records.rows.keys()]).to.deep.equal(['marks~limit~p1~too-much']);
    const again = await anEngine(one, { records, meters: [aMeter(2)] });
    again.judge(MAY, 500, { meter: 2 });
    expect(again.told).to.deep.equal([]);
  });
});
