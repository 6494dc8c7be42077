import { expect } from 'chai';
import type { EpochMs } from '../../model/ids.ts';
import { LatestReadings } from '../../model/latest.ts';
import { QUALITY } from '../../model/quality.ts';
import { quantityOf } from '../../model/quantities.ts';
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

describe('ingest from a sender whose clock is ahead', () => {
  const AHEAD = 10 * MINUTES;
  let now: EpochMs;
  let rig: Rig;
  beforeEach(() => {
    now = NOW;
    rig = aRig({ clock: () => now });
  });

  const send = (payload: object) =>
    new Promise<void>((resolve, reject) => {
      const bytes = Buffer.from(JSON.stringify(payload));
      const message = { topic: 'parks/p-1/meters/m-1/readings', payload: bytes, gateway: null, transport: 'test', receivedAt: now };
      rig.pipeline.accept(message, (error) => (error === undefined ? resolve() : reject(error)));
    });
  const power = (value: number, ts: EpochMs) => ({ ts, values: { active_power: value } });
  const newest = () => {
    const series = rig.latest.ofMeter(1)[0] ?? -1;
    return [(rig.latest.ts[series] as number) - NOW, rig.latest.value[series], rig.latest.quality[series]];
  };

  it('by no more than clocks differ: its readings count', async () => {
    await send(power(1, NOW + 5 * MINUTES));
    await send(power(2, NOW + 5 * MINUTES + 1));
    expect(rig.store.rows.map((row) => row[4])).to.deep.equal(['good', 'clock']);
  });

  it('by more than the skew: refused, the first millisecond beyond it', async () => {
    await send(power(1, NOW + 30 * MINUTES));
    await send(power(2, NOW + 30 * MINUTES + 1));
    expect(rig.store.rows.map((row) => [row[3], row[4]])).to.deep.equal([[1, 'clock']]);
    expect(rig.letters.letters.map(({ reason }) => reason)).to.deep.equal(['time-in-future']);
  });

  it('in a batch of which only the last ones are ahead, and though it is marked as history: those alone are flagged', async () => {
    await send([power(1, NOW), power(2, NOW + MINUTES), power(3, NOW + AHEAD)]);
    await send({ ...power(4, NOW + AHEAD + 1), backfill: true });
    expect(rig.store.rows.map((row) => [row[3], row[4]])).to.deep.equal([
      [1, 'good'],
      [2, 'good'],
      [3, 'clock'],
      [4, 'clock'],
    ]);
    expect(rig.pipeline.stats.flagged[QUALITY.clock]).to.equal(2);
  });

  it('shows its readings as what they are, until the next one that is right takes over', async () => {
    await send(power(1, now + AHEAD));
    expect(newest()).to.deep.equal([AHEAD, 1, QUALITY.clock]);
    now += MINUTES;
    await send(power(2, now));
    expect(newest()).to.deep.equal([MINUTES, 2, QUALITY.good]);
    expect(rig.judged.map(([, , ts, value, flag]) => [ts, value, flag])).to.deep.equal([
      [AHEAD, 1, 'clock'],
      [MINUTES, 2, 'good'],
    ]);
  });

  it('does not keep their times from the readings that are measured then, one by one or in a batch', async () => {
    for (const minute of [10, 11, 12]) await send(power(minute, NOW + minute * MINUTES));
    now = NOW + 9 * MINUTES;
    await send(power(109, now));
    now = NOW + 10 * MINUTES;
    await send(power(110, now));
    now = NOW + 13 * MINUTES;
    await send([power(111, now - 2 * MINUTES), power(112, now - MINUTES), power(113, now)]);
    now += MINUTES;
    await send(power(114, now));
    expect(rig.store.rows.filter((row) => row[4] === 'good').map((row) => [row[2] / MINUTES, row[3]])).to.deep.equal(
      [9, 10, 11, 12, 13, 14].map((m) => [m, 100 + m]),
    );
    expect(rig.judged.filter((row) => row[4] === 'good').map((row) => row[3])).to.deep.equal([109, 110, 111, 112, 113, 114]);
    expect(rig.pipeline.stats).to.include({ readingsDuplicate: 0 });
  });

  it('is known over a restart by the flag of its newest reading', async () => {
    const latest = new LatestReadings();
    const series = latest.seriesOf(1, quantityOf('active_power').code);
    latest.offer(series, NOW + 2 * MINUTES, 1, QUALITY.clock);
    rig = aRig({ clock: () => now, latest });
    await send(power(2, NOW + 2 * MINUTES));
    expect(rig.judged.map((row) => row[3])).to.deep.equal([2]);
    expect(rig.store.blocks.map(({ arrival }) => arrival)).to.deep.equal(['late']);
  });
});
