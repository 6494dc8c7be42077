import { expect } from 'chai';
import { isStale } from '../../model/live.ts';

const NOW = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;

describe('a meter that reports each minute', () => {
  const stale = (ageMs: number) => isStale(NOW - ageMs, 60, NOW);

  it('is stale after three of them without a reading', () => {
    expect([0, 3 * MINUTE, 3 * MINUTE + 1].map(stale)).to.deep.equal([false, false, true]);
  });

  it('may be ahead as far as clocks differ, and is stale where its time was given by a clock that has been set back', () => {
    expect([-5 * MINUTE, -10 * MINUTE, -120 * MINUTE].map(stale)).to.deep.equal([false, false, true]);
  });
});
