import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Spool } from '../../../ingest/spool/spool.ts';
import { aRig, NOW, quiet, RecordingStore, type Rig, type Row, rowsOf, until } from '../harness.ts';

const reading = (n: number) => ({ ts: NOW - 100_000 + n, values: { active_power: n } });
const numbers = (to: number, from = 0) => Array.from({ length: to - from }, (_, at) => from + at);
const AWAY = Number.POSITIVE_INFINITY;

describe('a pipeline with a spool', () => {
  let directory: string;
  let spool: Spool;
  let rig: Rig;
  let drained: Row[];
  const open = (store = new RecordingStore(), limitBytes = 1 << 30, storePatienceMs = 10_000) => {
    drained = [];
    spool = new Spool({ directory, limitBytes, keepFreeBytes: 0, logger: quiet });
    rig = aRig({ store, spool, limits: { lingerMs: 0, storePatienceMs }, onDrained: (block) => void drained.push(...rowsOf(block)) });
  };
  const values = () => rig.store.rows.map((row) => row[3]);
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'greenpark-spool-'));
    open();
  });
  afterEach(async () => {
    await rig.pipeline.stop(10);
    spool.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('leaves the spool alone while the store takes everything', async () => {
    await Promise.all(numbers(10).map((n) => rig.send(reading(n))));
    expect([spool.readings, values(), drained]).to.deep.equal([0, numbers(10), []]);
  });

  it('acknowledges and judges while the store is away, and drains in order when it is back', async () => {
    rig.store.awayFor = AWAY;
    for (const n of numbers(20)) await rig.send(reading(n));
    expect([spool.readings, rig.judged.length, rig.pipeline.stats.pendingMessages]).to.deep.equal([20, 20, 0]);
    rig.store.awayFor = 0;
    await rig.send(reading(20));
    await until(() => spool.readings === 0, 'the drain');
    await rig.send(reading(21));
    expect(values()).to.deep.equal(numbers(22));
    expect(drained.map((row) => row[3])).to.deep.equal(numbers(21));
    expect(rig.pipeline.stats).to.include({ accepted: 22, readingsFresh: 22 });
    const { store: written, spool: spooled, drain } = rig.pipeline.stages.spent;
    expect([written.items, spooled.items, drain.items]).to.deep.equal([1, 21, 21]);
    for (const { seconds } of [written, spooled, drain]) expect(seconds).to.be.above(0);
  });

  it('stores a repeat once, though both waited', async () => {
    rig.store.awayFor = AWAY;
    for (const n of [0, 1, 0, 1]) await rig.send(reading(n));
    rig.store.awayFor = 0;
    await until(() => spool.readings === 0, 'the drain');
    expect(values()).to.deep.equal([0, 1]);
    // At the spool nobody could tell; the drain could.
    expect(rig.pipeline.stats).to.include({ readingsFresh: 2, readingsLate: 2, readingsDuplicate: 0, drainedStored: 2, drainedDuplicate: 2 });
  });

  it('drains later when the disk of the spool itself refuses for a while, though nothing more comes', async () => {
    rig.store.awayFor = AWAY;
    for (const n of numbers(3)) await rig.send(reading(n));
    const { remove } = spool;
    let refusals = 0;
    spool.remove = (last) => {
      if (++refusals > 2) return remove.call(spool, last);
      throw new Error('database or disk is full');
    };
    rig.store.awayFor = 0;
    await until(() => spool.readings === 0, 'the drain');
    expect([refusals, values()]).to.deep.equal([3, numbers(3)]);
  });

  it('does not wait for a store that is silent, and drains when it speaks again', async () => {
    await rig.pipeline.stop();
    spool.close();
    open(new RecordingStore(), 1 << 30, 5);
    rig.store.hang();
    for (const n of numbers(5)) await rig.send(reading(n));
    expect([spool.readings, rig.store.attempts]).to.deep.equal([5, 1]);
    rig.store.release();
    await until(() => spool.readings === 0, 'the drain');
    expect(values()).to.deep.equal(numbers(5));
  });

  it('stops while the store is silent, and keeps what it may not have taken', async () => {
    await rig.pipeline.stop();
    spool.close();
    open(new RecordingStore(), 1 << 30, 5);
    rig.store.hang();
    for (const n of numbers(3)) await rig.send(reading(n));
    await rig.pipeline.stop(10);
    expect(spool.readings).to.equal(3);
  });

  it('waits at a stop for the write that drains, so that what is stored waits no more', async () => {
    rig.store.awayFor = AWAY;
    await rig.send(reading(0));
    const { attempts } = rig.store;
    rig.store.hang();
    rig.store.awayFor = 0;
    await until(() => rig.store.attempts > attempts, 'the drain');
    const stopped = rig.pipeline.stop(10_000);
    rig.store.release();
    await stopped;
    expect([spool.readings, values()]).to.deep.equal([0, [0]]);
  });

  it('tells when everything is in the store itself', async () => {
    await rig.pipeline.stored();
    rig.store.awayFor = AWAY;
    for (const n of numbers(5)) await rig.send(reading(n));
    const stored = rig.pipeline.stored().then(() => rig.store.size);
    rig.store.awayFor = 0;
    expect(await stored).to.equal(5);
  });

  it('lets go of who waits for the store when it stops', async () => {
    rig.store.awayFor = AWAY;
    for (const n of numbers(5)) await rig.send(reading(n));
    const stored = rig.pipeline.stored().then(
      () => '',
      (error: Error) => error.message,
    );
    await rig.pipeline.stop(10);
    expect(await stored).to.equal('5 readings wait in the spool and cannot be brought into the store now');
  });

  it('stops while the store is away, and the next process drains what was left', async () => {
    rig.store.awayFor = AWAY;
    for (const n of numbers(5)) await rig.send(reading(n));
    await rig.pipeline.stop();
    expect(spool.readings).to.equal(5);
    spool.close();
    open();
    await until(() => spool.readings === 0, 'the drain');
    expect(values()).to.deep.equal(numbers(5));
    expect(drained).to.have.length(5);
  });

  it('stores once what was drained by a process that ended before it could say so', async () => {
    rig.store.awayFor = AWAY;
    for (const n of numbers(5)) await rig.send(reading(n));
    await rig.pipeline.stop();
    const { store } = rig;
    store.awayFor = 0;
    const window = spool.next(100);
    if (window?.block) await store.write(window.block, 'late');
    spool.close();
    open(store);
    await until(() => spool.readings === 0, 'the drain');
    expect(values()).to.deep.equal(numbers(5));
  });

  it('makes the senders wait when the spool is full as well, and loses nothing', async () => {
    await rig.pipeline.stop();
    spool.close();
    open(new RecordingStore(), 120_000);
    rig.store.awayFor = AWAY;
    const thousand = (k: number) => numbers(1000).map((n) => ({ ts: NOW - 900_000 + 1000 * k + n, values: { active_power: n } }));
    let ended = 0;
    const sending = (async () => {
      for (const k of numbers(8)) {
        await rig.send(thousand(k));
        ended++;
      }
    })();
    expect(rig.pipeline.holds).to.equal(null);
    await until(() => spool.refusal !== null, 'a full spool');
    expect(ended).to.be.within(1, 7);
    // One sender with one message under way is far from any bound.
    await until(() => rig.pipeline.holds === 'nowhere', 'that nothing is taken');
    expect(rig.pipeline.full).to.equal(false);
    rig.store.awayFor = 0;
    await sending;
    expect(rig.pipeline.holds).to.equal(null);
    await until(() => spool.readings === 0, 'the drain');
    expect(rig.store.size).to.equal(8000);
    expect(rig.pipeline.stats.accepted).to.equal(8);
  });

  it('buries a row that the store refuses when it is drained, and not its neighbours', async () => {
    rig.store.refuses = (row) => row[3] === 3;
    rig.store.awayFor = AWAY;
    for (const n of numbers(6)) await rig.send(reading(n));
    rig.store.awayFor = 0;
    await until(() => spool.readings === 0, 'the drain');
    expect(values()).to.deep.equal([0, 1, 2, 4, 5]);
    expect(rig.letters.letters.map(({ reason }) => reason)).to.deep.equal(['store-refused']);
  });
});
