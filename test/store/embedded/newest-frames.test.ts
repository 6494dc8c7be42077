import { expect } from 'chai';
import { NewestFrames } from '../../../store/embedded/newest-frames.ts';
import type { Columns } from '../../../store/embedded/shared-block.ts';

/** More meters than one page has room for. */
const METERS = 5000;
const SETS = [[1, 2, 3, 5, 8], [2], [5, 1]];

/** One frame: `value` for its first quantity, rising by one for each further. */
function aFrame(meter: number, quantities: readonly number[], ts: number, value: number): Columns {
  const { length } = quantities;
  return {
    ...{ length, ts: new Float64Array(length).fill(ts), meter: new Int32Array(length).fill(meter), quantity: Uint16Array.from(quantities) },
    ...{ value: Float64Array.from(quantities, (_, slot) => value + slot), quality: Uint8Array.from(quantities, (_, slot) => slot) },
  };
}

describe('the newest frames', () => {
  it('are one of each meter and shape, the newest, however many meters there are', () => {
    const newest = new NewestFrames();
    const held = new Map<string, string>();
    const see = (meter: number, shape: number, ts: number, value: number) => {
      const quantities = SETS[shape] as readonly number[];
      newest.see(shape, aFrame(meter, quantities, ts, value), 0, quantities.length);
      if (ts < Number(held.get(`${meter} ${quantities} 0`)?.split(' ')[0] ?? 0)) return;
      for (const slot of quantities.keys()) held.set(`${meter} ${quantities} ${slot}`, `${ts} ${value + slot}`);
    };
    for (const round of [1, 2]) {
      held.clear();
      newest.clear();
      for (let meter = METERS; meter > 0; meter -= round) see(meter, meter % SETS.length, 100, meter * 10);
      for (let meter = 1; meter <= METERS; meter += 3) for (const shape of SETS.keys()) see(meter, shape, meter % 2 === 0 ? 99 : 101, meter * 20);
      const found = new Map<string, string>();
      let values = 0;
      for (const { meter, ts, shape, size, first, value, quality } of newest) {
        for (let slot = 0; slot < size; slot++) found.set(`${meter} ${SETS[shape]} ${quality[first + slot]}`, `${ts} ${value[first + slot]}`);
        values += size;
      }
      expect(found.size).to.equal(values);
      expect([...found].sort().join('\n')).to.equal([...held].sort().join('\n'));
    }
  });
});
