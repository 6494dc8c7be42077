import { expect } from 'chai';
import fc from 'fast-check';
import { fuzzRuns } from '../fuzz-runs.ts';
import { aMeter, aRig, NOW, type Rig } from './harness.ts';

const MINUTE = 60_000;

/** Frames as gateways buffer them: mostly the same quantities in order of time, each now and then otherwise. */
const frame = fc.record({
  step: fc.oneof({ weight: 7, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.constantFrom(0, -3, 400, 1e7, -1e6, -2e7) }),
  quantities: fc.oneof(
    { weight: 7, arbitrary: fc.constant(['active_energy_import', 'active_power', 'voltage_a'] as const) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(['active_energy_import'] as const, ['active_power'] as const, ['voltage_a', 'active_energy_import', 'active_power'] as const),
    },
  ),
  rise: fc.oneof({ weight: 7, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.constantFrom(-50, 1e13) }),
});
const messages = fc.array(fc.array(frame, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 6 });
type Messages = (typeof messages extends fc.Arbitrary<infer T> ? T : never)[number];

function framesOf(message: Messages, state: { minute: number; register: number }) {
  return message.map(({ step, quantities, rise }) => {
    state.minute += step;
    state.register += rise;
    const values = Object.fromEntries(quantities.map((name) => [name, state.register]));
    const ts = NOW - 1000 * MINUTE + state.minute * MINUTE;
    // An excursion does not carry the rest away.
    if (Math.abs(step) > 10) state.minute -= step;
    if (Math.abs(rise) > 10) state.register -= rise;
    return { ts, values };
  });
}

const meters = [
  aMeter(1, { multiplier: 40 }),
  aMeter(2, { checks: { voltage_a: { jump: { change: 2, perSeconds: 60 } }, active_energy_import: { registerWidth: 99_999 } } }),
];

function outcome({ store, judged, late, latest, letters, pipeline }: Rig) {
  return {
    rows: store.rows,
    judged,
    late,
    latest: meters.map(({ ordinal }) =>
      latest
        .ofMeter(ordinal)
        .filter((at) => Number.isFinite(latest.ts[at]))
        .map((at) => [latest.quantity[at], latest.ts[at], latest.value[at], latest.quality[at]].map(Number))
        .sort(([one], [other]) => (one as number) - (other as number)),
    ),
    letters: letters.letters.map(({ reason, detail }) => [reason, detail]),
    counts: { ...pipeline.stats, bytes: 0, flagged: [...pipeline.stats.flagged] },
  };
}

describe('ingest/admission', function () {
  this.timeout(300_000);

  it('makes the same of a message whether it takes it as a whole or value by value', async () => {
    await fc.assert(
      fc.asyncProperty(messages, fc.constantFrom('m-1', 'm-2'), async (all, meter) => {
        const whole = aRig({ meters });
        const single = aRig({ meters });
        const [forWhole, forSingle] = [
          { minute: 0, register: 1000 },
          { minute: 0, register: 1000 },
        ];
        for (const message of all) {
          await whole.send(framesOf(message, forWhole), { meter });
          // The time behind the values is not the canonical form, which has each value looked at for itself.
          await single.send(
            framesOf(message, forSingle).map(({ ts, values }) => ({ values, ts })),
            { meter },
          );
        }
        await Promise.all([whole.pipeline.drain(), single.pipeline.drain()]);
        expect(outcome(whole)).to.deep.equal(outcome(single));
      }),
      { numRuns: fuzzRuns(10_000) / 50 },
    );
  });
});
