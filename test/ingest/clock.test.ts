import { expect } from 'chai';
import type { EpochMs } from '../../model/ids.ts';
import { aRig, NOW, type Rig } from './harness.ts';

const HOURS = 3_600_000;
const MINUTES = 60_000;

describe('ingest under a clock that is set', () => {
  let now: EpochMs;
  let rig: Rig;
  beforeEach(() => {
    now = NOW;
    rig = aRig({ clock: () => now });
  });

  const send = (payload: object, options: { replayed?: boolean; receivedAt?: EpochMs } = {}) =>
    new Promise<void>((resolve, reject) => {
      const bytes = Buffer.from(JSON.stringify(payload));
      const message = { topic: 'parks/p-1/meters/m-1/readings', payload: bytes, gateway: null, transport: 'test', receivedAt: now, ...options };
      rig.pipeline.accept(message, (error) => (error === undefined ? resolve() : reject(error)));
    });
  const power = (value: number, ts?: EpochMs) => (ts === undefined ? { active_power: value } : { ts, values: { active_power: value } });

  it('set forward: readings with their own time are taken as before, those without get the new one', async () => {
    await send(power(1, now));
    now += 2 * HOURS;
    await send(power(2, NOW + 1000));
    await send(power(3));
    expect(rig.judged.map(([, , ts, value]) => [ts, value])).to.deep.equal([
      [0, 1],
      [1000, 2],
      [2 * HOURS, 3],
    ]);
    expect(rig.pipeline.stats).to.include({ accepted: 3, readingsFresh: 3 });
  });

  it('set back: what stands beyond the skew is refused and can be tried again when the clock is right', async () => {
    now -= 2 * HOURS;
    await send(power(1, NOW));
    await send(power(2, now + 5 * MINUTES));
    expect(rig.letters.letters.map(({ reason }) => reason)).to.deep.equal(['time-in-future']);
    expect(rig.store.rows.map(([, , , value]) => value)).to.deep.equal([2]);
    const receivedAt = now;
    now = NOW;
    await send(power(1, NOW), { replayed: true, receivedAt });
    expect(rig.store.rows.map(([, , , value]) => value)).to.deep.equal([2, 1]);
  });

  it('set back after it was ahead: a series goes on from the next reading, and nothing is stored twice', async () => {
    await send(power(1, now));
    now += 2 * HOURS;
    await send(power(2));
    now = NOW + MINUTES;
    await send(power(3));
    await send(power(4, now + 1000));
    expect(rig.judged.map(([, , ts, value]) => [ts, value])).to.deep.equal([
      [0, 1],
      [2 * HOURS, 2],
      [MINUTES, 3],
      [MINUTES + 1000, 4],
    ]);
    const series = rig.latest.ofMeter(1)[0] ?? -1;
    expect([rig.latest.ts[series], rig.latest.value[series]]).to.deep.equal([NOW + MINUTES + 1000, 4]);
    // The store is asked whether it has them, as it might; what was computed from them is computed again.
    expect(rig.store.blocks.map(({ arrival }) => arrival)).to.deep.equal(['fresh', 'fresh', 'late', 'late']);
    expect(rig.late.map(([, , ts]) => ts)).to.deep.equal([MINUTES, MINUTES + 1000]);
    expect(rig.store.size).to.equal(4);
  });

  it('set back after it was ahead: readings of the hour that it was ahead of are looked up, one by one or in a batch, until that is over', async () => {
    now += HOURS;
    for (const minute of [0, 1]) await send(power(100 + minute, now + minute * MINUTES));
    now = NOW + MINUTES;
    await send(power(1, now));
    now = NOW + HOURS + 2 * MINUTES;
    await send(power(61, NOW + HOURS));
    await send([power(62, NOW + HOURS + MINUTES), power(63, NOW + HOURS + 2 * MINUTES)]);
    await send(power(64, now + 1000));
    expect(rig.store.blocks.map(({ arrival }) => arrival)).to.deep.equal(['fresh', 'fresh', 'late', 'late', 'late', 'fresh']);
    expect(rig.store.rows.map(([, , ts, value]) => [ts / MINUTES, value])).to.deep.equal([
      [60, 100],
      [61, 101],
      [1, 1],
      [62, 63],
      [62 + 1 / 60, 64],
    ]);
  });

  it('set back after it was ahead: a repeat and a backfill of long ago are no news', async () => {
    await send(power(1, now));
    now += 2 * HOURS;
    await send(power(2));
    now = NOW + MINUTES;
    await send(power(0, NOW - 2 * HOURS));
    expect(rig.judged).to.have.length(2);
    await send(power(1, NOW));
    expect(rig.store.size).to.equal(3);
    expect(rig.pipeline.stats).to.include({ readingsFresh: 2, readingsLate: 1, readingsDuplicate: 1 });
  });
});
