import { expect } from 'chai';
import fc from 'fast-check';
import { CanonicalScan } from '../../ingest/codecs/canonical.ts';
import { MeterPlan } from '../../ingest/meter-plans.ts';
import { PlanColumns } from '../../ingest/plan-columns.ts';
import { QualityJudge } from '../../ingest/quality.ts';
import { LatestReadings } from '../../model/latest.ts';
import { QUALITY } from '../../model/quality.ts';
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
  rise: fc.oneof({ weight: 7, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.constantFrom(-50, -5000, 1e13) }),
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

  it('reads only one of the two forms as a whole', () => {
    const [meter] = meters as [(typeof meters)[0]];
    const plan = new MeterPlan(meter, PlanColumns.none({ multiplier: 1, units: {} }), { latest: new LatestReadings(), quality: new QualityJudge() });
    const scan = new CanonicalScan();
    const values = { active_power: 1 };
    expect(scan.scan(Buffer.from(JSON.stringify([{ ts: NOW, values }])), plan)).to.equal(true);
    expect(scan.scan(Buffer.from(JSON.stringify([{ values, ts: NOW }])), plan)).to.equal(false);
  });

  const at = (minute: number, register: number) => ({ ts: NOW - 100 * MINUTE + minute * MINUTE, values: { active_energy_import: register } });

  it('takes a message of many frames, with one that is not good among them', async () => {
    const rig = aRig();
    await rig.send(Array.from({ length: 90 }, (_, minute) => at(minute, minute === 50 ? 1e13 : 1000 + minute)));
    expect(rig.store.rows.map(([, , since, value, quality]) => [since / MINUTE + 100, value, quality])).to.deep.equal(
      Array.from({ length: 90 }, (_, minute) => (minute === 50 ? [50, 1e13, 'range'] : [minute, 1000 + minute, 'good'])),
    );
    expect(rig.store.blocks.map(({ arrival }) => arrival)).to.deep.equal(['fresh']);
    expect(rig.pipeline.stats.flagged[QUALITY.range]).to.equal(1);
  });

  it('forgets a slip once good registers have followed: a second one is no reset', async () => {
    const moves: unknown[] = [];
    const rig = aRig({ onFreshMove: (move) => moves.push(move) });
    for (const frames of [[at(0, 1000), at(1, 0)], [at(2, 1001), at(3, 1002)], [at(4, 5)], [at(5, 1003)]]) await rig.send(frames);
    expect(rig.store.rows.map(([, , , value, quality]) => [value, quality])).to.deep.equal([
      ...[[1000, 'good'] as const, [0, 'backwards'] as const, [1001, 'good'] as const, [1002, 'good'] as const],
      ...[[5, 'backwards'] as const, [1003, 'good'] as const],
    ]);
    expect(moves).to.deep.equal([]);
  });

  it('takes a declared exchange in the middle of a message, and one of another series leaves it alone', async () => {
    const rig = aRig();
    await rig.send([at(0, 1000)]);
    await rig.send({ ts: NOW - 100 * MINUTE, values: { active_power: 1 } }, { meter: 'm-2' });
    const seriesOf = (meter: number) => rig.latest.ofMeter(meter)[0] as number;
    rig.pipeline.expectExchange(seriesOf(1), NOW - 98 * MINUTE);
    rig.pipeline.expectExchange(seriesOf(2), NOW - 99 * MINUTE);
    await rig.send([at(1, 1001), at(2, 7), at(3, 8)]);
    expect(rig.store.rows.filter(([meter]) => meter === 1).map(([, , , value, quality]) => [value, quality])).to.deep.equal([
      [1000, 'good'],
      [1001, 'good'],
      [7, 'good'],
      [8, 'good'],
    ]);
  });

  it('has had the exchange with the first reading after it, though that was no surprise', async () => {
    const rig = aRig();
    await rig.send([at(0, 1000)]);
    rig.pipeline.expectExchange(rig.latest.ofMeter(1)[0] as number, NOW - 98 * MINUTE);
    await rig.send([at(1, 1001), at(2, 5000), at(3, 5001)]);
    await rig.send([at(4, 10)]);
    expect(rig.store.rows.map(([, , , value, quality]) => [value, quality]).slice(-2)).to.deep.equal([
      [5001, 'good'],
      [10, 'backwards'],
    ]);
  });

  it('refuses what is older than meters that can be read remotely are, in history too, and takes the rest of the message', async () => {
    const rig = aRig();
    const frames = [
      { ts: Date.UTC(1988, 0, 1), values: { active_power: 1 } },
      { ts: Date.UTC(2016, 0, 1), values: { active_power: 2 } },
    ];
    await new Promise((resolve) =>
      rig.pipeline.accept(
        {
          topic: 'parks/p-1/meters/m-1/readings',
          payload: Buffer.from(JSON.stringify(frames)),
          gateway: null,
          transport: 'test',
          receivedAt: NOW,
          history: true,
        },
        resolve,
      ),
    );
    expect(rig.store.rows.map(([, , , value, quality]) => [value, quality])).to.deep.equal([[2, 'good']]);
    expect(rig.letters.letters.map(({ reason }) => reason)).to.deep.equal(['time-too-old']);
  });
});
