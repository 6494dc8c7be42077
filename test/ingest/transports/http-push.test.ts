import { expect } from 'chai';
import fc from 'fast-check';
import { REJECT_REASONS } from '../../../ingest/reject-reasons.ts';
import { decodePushed, pushReadings } from '../../../ingest/transports/http-push.ts';
import { fuzzRuns } from '../../fuzz-runs.ts';
import { aRig, NOW } from '../harness.ts';

const NAMES = ['active_power', 'active_energy_import', 'voltage_a', 'co', 'so2'] as const;
/** A value of its catalogue's range, so that nothing but its form is in question. */
const values = fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 }).map((names) => Object.fromEntries(names.map((name, index) => [name, index + 0.5])));
const good = fc.record({ meter: fc.constantFrom('m-1', 'm-2'), ts: fc.integer({ min: NOW - 1e9, max: NOW }), values });
const json = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom<unknown>(null, true, '', 'x', '1', 0, -1, 0.5, 1e300, [], {}, [[]], [{}], { a: 1 }, { values: {} }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 1 }) },
);
/** Anything that JSON can say, often with the keys of an item and something else under them. */
const damaged = fc.oneof(
  json,
  fc.record(
    {
      meter: fc.oneof(fc.constantFrom('m-1', 'm-9', ''), json),
      ts: fc.oneof(fc.constantFrom(NOW, NOW + 1e9, -1, 0.5, 1e300, '1', null), json),
      values: fc.oneof(fc.dictionary(fc.constantFrom(...NAMES, 'no_such', '__proto__', 'toString'), json), json),
      backfill: json,
      more: json,
    },
    { requiredKeys: [] },
  ),
);
/** Items are the cases: a push has many. */
const ITEMS_A_PUSH = 200;

describe('an item that is pushed over HTTP', () => {
  it('becomes readings or refusals of the closed list, never neither, and never throws, whatever JSON it is', () => {
    const property = fc.property(damaged, (item) => {
      const { frames, refusals } = decodePushed(item);
      expect(frames.length + refusals.length).to.be.above(0);
      for (const { reason, detail, count } of refusals) {
        expect(reason in REJECT_REASONS && detail !== '' && count > 0, `${reason}: ${detail}`).to.equal(true);
      }
      for (const { meter, ts } of frames) {
        expect(meter).to.equal((item as { meter: unknown }).meter);
        expect(ts === null || Number.isInteger(ts), `${ts}`).to.equal(true);
      }
    });
    fc.assert(property, { numRuns: fuzzRuns() });
  }).timeout(120_000);

  it('has one outcome of its own, and a good one is stored whatever is pushed with it', async () => {
    const property = fc.asyncProperty(
      fc.array(
        fc.oneof(
          good.map((item) => ({ isGood: true as const, item })),
          damaged.map((item) => ({ isGood: false as const, item })),
        ),
        { minLength: ITEMS_A_PUSH, maxLength: ITEMS_A_PUSH },
      ),
      async (mixed) => {
        const rig = aRig({ limits: { lingerMs: 0 } });
        // As the body parser hands it over.
        const parsed = JSON.parse(JSON.stringify(mixed.map(({ item }) => item))) as unknown[];
        const outcomes = await pushReadings(rig.pipeline, parsed, null, NOW);
        expect(outcomes.length).to.equal(mixed.length);
        for (const [index, { outcome, refusals }] of outcomes.entries()) {
          expect(refusals.length > 0, JSON.stringify(parsed[index])).to.equal(outcome === 'partly' || outcome === 'refused');
        }
        for (const [, , since, value] of rig.store.rows) expect(Number.isFinite(value) && Number.isSafeInteger(since)).to.equal(true);
        const keys = new Set(rig.store.rows.map(([meter, quantity, since]) => `m-${meter} ${quantity} ${since + NOW}`));
        for (const one of mixed) {
          if (!one.isGood) continue;
          const { item } = one;
          for (const name of Object.keys(item.values)) expect(keys.has(`${item.meter} ${name} ${item.ts}`), JSON.stringify(item)).to.equal(true);
        }
        expect(rig.pipeline.stats.pendingMessages).to.equal(0);
        await rig.pipeline.stop(0);
      },
    );
    await fc.assert(property, { numRuns: Math.ceil(fuzzRuns() / ITEMS_A_PUSH) });
  }).timeout(120_000);

  it('tells a number that is too large for what it is, in the answer as in the dead letter and its replay', async () => {
    const rig = aRig();
    const items = [
      { meter: 'm-1', ts: NOW, values: { active_power: '1e400', voltage_a: '-1e400', note: 'null', frequency: 50 } },
      { meter: 'm-1', ts: '1e400', values: { active_power: 1 } },
    ];
    const parsed = JSON.parse(JSON.stringify(items).replaceAll(/"(-?1e400)"/g, '$1')) as unknown[];
    const details = (await pushReadings(rig.pipeline, parsed, null, NOW)).flatMap(({ refusals }) => refusals.map(({ detail }) => detail));
    expect(details.filter((detail) => detail.includes('a number too large to be represented'))).to.have.length(2);
    expect(details.filter((detail) => detail.includes('is null'))).to.deep.equal([]);
    const payloads = [...new Set(rig.letters.letters.map(({ payload }) => Buffer.from(payload).toString()))];
    expect(payloads[0]).to.equal(`{"meter":"m-1","ts":${NOW},"values":{"active_power":1e999,"voltage_a":-1e999,"note":"null","frequency":50}}`);
    expect(payloads[1]).to.equal('{"meter":"m-1","ts":1e999,"values":{"active_power":1}}');
    expect(JSON.stringify(decodePushed(JSON.parse(payloads[1] as string)).refusals)).to.contain('too large');
  });
});
