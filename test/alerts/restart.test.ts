import { expect } from 'chai';
import fc from 'fast-check';
import type { AlertEngineDeps } from '../../alerts/port.ts';
import { LatestReadings } from '../../model/latest.ts';
import { quantityOf } from '../../model/quantities.ts';
import { aLimit, aMeter, anEngine, MAY, MemoryRecords } from './setup.ts';

/** A series at rest in the store; each question is counted. */
function storeOf(rows: readonly { readonly ts: number; readonly value: number }[]) {
  const asked = { count: 0 };
  const replay: NonNullable<AlertEngineDeps['replay']> = async ({ from, to, limit }) => {
    asked.count++;
    const found = rows.filter(({ ts }) => ts >= from && ts < to).slice(0, limit);
    return {
      length: found.length,
      ts: Float64Array.from(found, ({ ts }) => ts),
      value: Float64Array.from(found, ({ value }) => value),
      quality: new Uint8Array(found.length),
    };
  };
  return { asked, replay };
}

/** What a disk would hold after the power went: the records as they were last saved. */
function copyOf(records: MemoryRecords): MemoryRecords {
  const copy = new MemoryRecords();
  for (const [id, alert] of records.alerts) copy.alerts.set(id, alert);
  for (const [id, row] of records.rows) copy.rows.set(id, row);
  return copy;
}

const outcome = (records: MemoryRecords): unknown[] =>
  [...records.alerts.values()].sort((a, b) => a.since - b.since).map(({ id, state, since, until, value, peak }) => ({ id, state, since, until, value, peak }));

describe('alerts over any number of crashes', () => {
  it('end up as they would have without one: none twice, none forgotten', async () => {
    const series = fc.array(fc.record({ gap: fc.integer({ min: 1, max: 9 }), value: fc.integer({ min: 90, max: 110 }) }), { minLength: 1, maxLength: 40 });
    const rule = fc.record({ on: fc.integer({ min: 0, max: 8 }), off: fc.integer({ min: 0, max: 8 }), deadband: fc.integer({ min: 0, max: 5 }) });
    // After each reading: go on, let the saves finish, write all states, or lose the process without and with readings missed.
    const fates = fc.array(fc.constantFrom('on', 'saved', 'flushed', 'crash', 'crash and miss'), { minLength: 40, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(series, rule, fates, fc.constantFrom(0, 20), async (gaps, { on, off, deadband }, plan, windowSeconds) => {
        const judged = windowSeconds === 0 ? ({ by: 'instant' } as const) : ({ by: 'rolling-mean', windowSeconds } as const);
        const book = { rules: [aLimit({ onDelaySeconds: on, offDelaySeconds: off, deadband, judged })] };
        let ts = MAY;
        const rows = gaps.map(({ gap, value }) => {
          ts += gap * 1000;
          return { ts, value };
        });
        const whole = await anEngine(book);
        for (const row of rows) whole.judge(row.ts, row.value);
        await whole.engine.stop();

        let at = await anEngine(book);
        // A rule that was never judged begins with the next reading: the first one is on record.
        let missing = false;
        for (const [n, row] of rows.entries()) {
          if (!missing) at.judge(row.ts, row.value);
          const fate = n === 0 ? 'flushed' : (plan[n] ?? 'on');
          if (fate === 'saved') await new Promise(setImmediate);
          if (fate === 'flushed' && !missing) await at.engine.flush();
          if (fate === 'crash' || (missing && fate !== 'crash and miss')) {
            at = await anEngine(book, { records: copyOf(at.records), replay: storeOf(rows.slice(0, n + 1)).replay, now: row.ts });
            missing = false;
          } else if (fate === 'crash and miss') missing = true;
        }
        if (missing) at = await anEngine(book, { records: copyOf(at.records), replay: storeOf(rows).replay, now: ts });
        await at.engine.stop();
        expect(outcome(at.records)).to.deep.equal(outcome(whole.records));
      }),
      { numRuns: 300 },
    );
  });

  it('ask the store only for series of which something was missed', async () => {
    const { code } = quantityOf('active_power');
    const book = { rules: [aLimit({ subject: { kind: 'electricity' } })] };
    const records = new MemoryRecords();
    const meters = [1, 2, 3].map((n) => aMeter(n));
    const before = await anEngine(book, { records, meters });
    // Of the third nothing is stored any more.
    for (const meter of [1, 2, 3]) before.judge(MAY, 50, { meter });
    await before.engine.stop();
    const latest = new LatestReadings();
    latest.offer(latest.seriesOf(1, code), MAY, 50, 0);
    latest.offer(latest.seriesOf(2, code), MAY + 1000, 120, 0);
    const { asked, replay } = storeOf([{ ts: MAY + 1000, value: 120 }]);
    const after = await anEngine(book, { records, meters, replay, latest });
    expect(asked.count).to.equal(1);
    expect(after.engine.open().map(({ meter }) => meter)).to.deep.equal(['m2']);
  });
});
