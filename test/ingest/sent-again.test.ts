import { expect } from 'chai';
import { quantityOf } from '../../model/quantities.ts';
import { aMeter, aRig, NOW, type Rig } from './harness.ts';

const POWER = quantityOf('active_power').code;
const power = (since: number, value: number) => ({ ts: NOW + since, values: { active_power: value } });
const newest = ({ latest }: Rig) => {
  const series = latest.seriesOf(1, POWER);
  return [(latest.ts[series] as number) - NOW, latest.value[series]];
};

// "After a reconnect the dashboard jumps back to an old value": the broker hands out what it had retained, or a client sends again what
// had no PUBACK, after newer values have come.
describe('an older value that comes after a newer one', () => {
  const ways: readonly (readonly [what: string, how: { readonly retained?: boolean }])[] = [
    ['that a broker had retained', { retained: true }],
    ['that its sender sends again', {}],
  ];
  for (const [what, how] of ways) {
    it(`${what} is a repeat where it was stored already, and never the newest`, async () => {
      const rig = aRig();
      await rig.send(power(-60_000, 1));
      await rig.send(power(0, 2));
      await rig.send(power(-60_000, 1), how);
      expect(newest(rig)).to.deep.equal([0, 2]);
      expect(rig.store.rows.length).to.equal(2);
      expect(rig.pipeline.stats).to.include({ readingsFresh: 2 });
      expect(
        rig.judged.map((row) => row[3]),
        'alerts judge the newer two alone',
      ).to.deep.equal([1, 2]);
    });

    it(`${what} takes its place in history where it is new, comes as late, and is never the newest`, async () => {
      const rig = aRig();
      await rig.send(power(0, 2));
      await rig.send(power(-60_000, 1), how);
      expect(newest(rig)).to.deep.equal([0, 2]);
      expect(rig.store.rows.map((row) => [row[2], row[3]])).to.deep.equal([
        [0, 2],
        [-60_000, 1],
      ]);
      expect(rig.pipeline.stats).to.include({ readingsFresh: 1, readingsLate: 1 });
      expect(rig.judged.map((row) => row[3])).to.deep.equal([2]);
      expect(rig.late.map((row) => row[3])).to.deep.equal([1]);
    });
  }

  it('that a broker had retained without a time is refused, as it would pass for a value of now', async () => {
    const rig = aRig();
    await rig.send(power(0, 2));
    await rig.send({ active_power: 1 }, { retained: true });
    expect(newest(rig)).to.deep.equal([0, 2]);
    expect(rig.letters.letters.map(({ reason }) => reason)).to.deep.equal(['retained-without-time']);
  });
});

// "The instrument was dead for a week and the chart showed a fine straight line": the gateway reads a bus that no longer answers and sends
// the last value it had, each time with the time of now.
describe('a value that a gateway repeats with fresh time stamps', () => {
  it('is good as long as its record allows, then stuck until it changes, so that no mean or alert goes on with it', async () => {
    const rig = aRig({ meters: [aMeter(1, { checks: { active_power: { stuckAfterSeconds: 120 } } })] });
    for (const [minute, value] of [312.5, 312.5, 312.5, 312.5, 312.5, 318].entries()) await rig.send(power((minute - 6) * 60_000, value));
    expect(rig.store.rows.map((row) => row[4])).to.deep.equal(['good', 'good', 'good', 'stuck', 'stuck', 'good']);
    expect(rig.pipeline.stats.readingsFresh, 'each is a reading of its own: the times differ').to.equal(6);
  });

  it('is found over repeats of the same message and over a value that comes late in between', async () => {
    const rig = aRig({ meters: [aMeter(1, { checks: { active_power: { stuckAfterSeconds: 120 } } })] });
    for (const minute of [0, 0, 1, 1, 2]) await rig.send(power((minute - 6) * 60_000, 312.5));
    await rig.send(power(-5.5 * 60_000, 300));
    await rig.send(power(-3 * 60_000, 312.5));
    const stored = [...rig.store.rows].sort((a, b) => a[2] - b[2]).map((row) => row[4]);
    expect(stored.at(-1)).to.equal('stuck');
  });
});
