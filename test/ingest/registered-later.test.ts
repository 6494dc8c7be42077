import { expect } from 'chai';
import { aMeter, aRig, NOW, type RecordingStore } from './harness.ts';

const MINUTE = 60_000;
const power = (minute: number, value: number) => ({ ts: NOW + minute * MINUTE, values: { active_power: value } });

describe('a meter that was registered after the store was asked for the newest readings', () => {
  const KNOWN = 'm-1';
  const LATER = 'm-2';
  const began = () => aRig({ meters: [aMeter(1), aMeter(2)], unknownFrom: 2 });
  const arrivals = ({ blocks }: RecordingStore) => blocks.map(({ arrival }) => arrival);

  it('has the store look before it takes what was measured until it is first heard of, one by one or in a batch', async () => {
    const { send, store } = began();
    await send(power(-9, 1), { meter: LATER });
    await send([power(-8, 1), power(-7, 2), power(-6, 3)], { meter: LATER });
    await send(power(-5, 1), { meter: KNOWN });
    expect(arrivals(store)).to.deep.equal(['late', 'late', 'fresh']);
  });

  it('has it take what is measured later as all others', async () => {
    const { send, store } = began();
    await send(power(-1, 1), { meter: LATER });
    await send(power(0.5, 2), { meter: LATER });
    await send([power(1, 3), power(1.5, 4)], { meter: LATER });
    expect(arrivals(store)).to.deep.equal(['late', 'fresh', 'fresh']);
  });

  it('is judged and shown at once all the same', async () => {
    const { send, judged } = began();
    await send(power(-1, 1), { meter: LATER });
    expect(judged).to.have.length(1);
  });
});
