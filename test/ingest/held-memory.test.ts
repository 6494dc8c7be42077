import { expect } from 'chai';
import { collect } from '../garbage.ts';
import { aRig, NOW, type Rig, until } from './harness.ts';

/** In a call of its own, so that nothing here holds on to the message. */
function send(rig: Rig, at: number): WeakRef<Uint8Array> {
  const payload = Buffer.alloc(100_000, ' ');
  payload.write(`{"ts":${NOW + at},"values":{"active_power":5}}`);
  rig.pipeline.accept({ topic: 'parks/p-1/meters/m-1/readings', payload, gateway: null, transport: 'mqtt', receivedAt: NOW }, () => {});
  return new WeakRef(payload);
}

describe('messages that wait for the store', () => {
  it('do not keep their bytes, which are views on receive buffers', async () => {
    const rig = aRig();
    rig.store.hang();
    const payloads = Array.from({ length: 50 }, (_, at) => send(rig, at));
    await until(() => rig.store.attempts === 1, 'the write');
    expect(rig.pipeline.stats.pendingReadings).to.equal(50);
    collect();
    // The last one may still be on a stack.
    expect(payloads.filter((payload) => payload.deref() !== undefined).length).to.be.at.most(1);
    rig.store.release();
    await rig.pipeline.drain();
    expect(rig.store.size).to.equal(50);
  });
});
