import { expect } from 'chai';
import { OldestWaiting } from '../../ingest/oldest-waiting.ts';
import { aMeter, aRig, NOW, until } from './harness.ts';

describe('the oldest message that waits', () => {
  it('is the first that is not acknowledged, in whatever order the others are', () => {
    const waiting = new OldestWaiting();
    expect(waiting.since).to.equal(null);
    for (const at of [1000, 1010, 2000, 3000]) waiting.enter(at);
    waiting.leave(2000);
    waiting.leave(1000);
    expect(waiting.since).to.equal(1000);
    waiting.leave(1010);
    expect(waiting.since).to.equal(3000);
    waiting.leave(3000);
    expect(waiting.since).to.equal(null);
  });

  it('is found again after the clock was set back', () => {
    const waiting = new OldestWaiting();
    waiting.enter(5000);
    waiting.enter(9000);
    waiting.enter(5000);
    waiting.leave(9000);
    waiting.leave(5000);
    expect(waiting.since).to.equal(5000);
    waiting.leave(5000);
    expect(waiting.since).to.equal(null);
    waiting.enter(4000);
    expect(waiting.since).to.equal(4000);
  });

  it('ages while the store is silent, and is nobody when it has answered', async () => {
    let now = NOW;
    const rig = aRig({ clock: () => now });
    rig.store.hang();
    const sent = rig.send('{"active_power":5}');
    await until(() => rig.store.attempts === 1, 'the write');
    now += 65_000;
    expect(rig.pipeline.oldestWaitSeconds).to.equal(65);
    rig.store.release();
    await sent;
    expect(rig.pipeline.oldestWaitSeconds).to.equal(0);
  });

  it('is also one that a codec has not decoded or whose dead letter is not written', async () => {
    let now = NOW;
    let decode = () => {};
    const slow = {
      decode: () =>
        new Promise<never>((_, reject) => {
          decode = () => reject(new Error('given up'));
        }),
    };
    const rig = aRig({ clock: () => now, codecs: [slow], meters: [aMeter(1)] });
    rig.letters.awayFor = Number.POSITIVE_INFINITY;
    const sent = rig.send('x', { topic: 'other/topic' });
    now += 3000;
    expect([rig.pipeline.oldestWaitSeconds, rig.pipeline.decoding]).to.deep.equal([3, 1]);
    decode();
    await until(() => rig.pipeline.decoding === 0, 'the codec');
    expect([rig.pipeline.oldestWaitSeconds, rig.pipeline.stats.pendingLetters]).to.deep.equal([3, 1]);
    rig.letters.awayFor = 0;
    await sent;
    expect([rig.pipeline.oldestWaitSeconds, rig.pipeline.stats.pendingLetters]).to.deep.equal([0, 0]);
  });

  it('is no dead letter that is tried again: nobody waits for its acknowledgement', async () => {
    const rig = aRig({ clock: () => NOW + 86_400_000 });
    rig.store.hang();
    const payload = Buffer.from(`{"ts":${NOW},"values":{"active_power":5}}`);
    const message = { topic: 'parks/p-1/meters/m-1/readings', payload, gateway: null, transport: 'mqtt', receivedAt: NOW, replayed: true };
    const done = new Promise<void>((resolve) => rig.pipeline.accept(message, () => resolve()));
    expect(rig.pipeline.oldestWaitSeconds).to.equal(0);
    rig.store.release();
    await done;
  });
});
