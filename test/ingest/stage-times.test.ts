import { expect } from 'chai';
import { StageTimes } from '../../ingest/stage-times.ts';
import { STAGES, type Stage } from '../../model/ingest.ts';
import { aRig, NOW } from './harness.ts';

const items = (stages: StageTimes) => Object.fromEntries(STAGES.map((stage) => [stage, stages.spent[stage].items])) as Record<Stage, number>;

describe('the time that stages take', () => {
  it('is measured on one message of 61 where it is a matter of microseconds, and stands for all of them', () => {
    const stages = new StageTimes();
    for (let message = 0; message < 610; message++) {
      stages.begin();
      stages.lap('decode');
      stages.lap('validate');
    }
    expect(items(stages)).to.deep.include({ decode: 610, validate: 610 });
    expect(stages.spent.decode.seconds).to.be.above(0);
  });

  it('counts work that fails with its time and without items', async () => {
    const stages = new StageTimes();
    const fail = () => {
      throw new Error('no');
    };
    expect(() => stages.measure('spool', 5, fail)).to.throw('no');
    const away = stages.writesOf({ write: async () => fail() }, 'store');
    await away.write({ length: 5 } as never, 'fresh').catch(() => {});
    expect(items(stages)).to.deep.include({ spool: 0, store: 0 });
    expect([stages.spent.spool.seconds > 0, stages.spent.store.seconds > 0]).to.deep.equal([true, true]);
  });

  for (const [form, payload] of [
    ['as gateways mostly write it', (ts: number) => `{"ts":${ts},"values":{"active_power":5,"voltage_a":230}}`],
    [
      'in other order and spacing',
      (ts: number) => `[ {"values": {"active_power": 5, "voltage_a": 230}, "ts": ${ts}} , {"ts": ${ts + 1}, "values": {"frequency": 50}} ]`,
    ],
  ] as const) {
    it(`is told for each stage that a message of the native form passes, ${form}`, async () => {
      const rig = aRig();
      for (let at = 0; at < 122; at++) await rig.send(payload(NOW - 1_000_000 + at * 2));
      const rows = rig.store.rows.length;
      expect(items(rig.pipeline.stages)).to.deep.equal({ decode: 122, validate: 122, judge: rows, neighbours: 0, store: rows, spool: 0, drain: 0 });
      for (const stage of ['decode', 'validate', 'judge', 'store'] as const) expect(rig.pipeline.stages.spent[stage].seconds, stage).to.be.above(0);
    });
  }

  it('is told for a codec that answers at once, and not for one that answers later and measures itself', async () => {
    const decoded = { frames: [{ meter: 'm-1', ts: NOW, values: { active_power: 5 }, where: '' }], refusals: [], statuses: [] };
    const sync = { decode: ({ topic }: { readonly topic: string }) => (topic === 'now' ? decoded : null) };
    const later = { decode: ({ topic }: { readonly topic: string }) => (topic === 'later' ? Promise.resolve(decoded) : null) };
    const rig = aRig({ codecs: [sync, later] });
    // Each message begins more than once: the codec's part, and the pipeline's.
    for (let at = 0; at < 61 * 4; at++) await rig.send('', { topic: 'now' });
    expect(items(rig.pipeline.stages).decode).to.be.within(61, 61 * 8);
    const before = items(rig.pipeline.stages).decode;
    for (let at = 0; at < 61 * 4; at++) await rig.send('', { topic: 'later' });
    expect(items(rig.pipeline.stages).decode).to.equal(before);
  });
});
