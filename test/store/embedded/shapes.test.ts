import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ReadingBlockBuilder } from '../../../model/reading.ts';
import { openEmbeddedStore } from '../../../store/embedded/open.ts';
import { Shapes } from '../../../store/embedded/shapes.ts';

describe('shapes of frames', () => {
  it('gives the same quantities in the same order one number, and knows who holds a quantity where', () => {
    const shapes = new Shapes();
    const shapeOf = (...quantities: number[]) => {
      let end = shapes.root;
      for (const quantity of quantities) end = shapes.step(end, quantity);
      return shapes.at(end, () => quantities);
    };
    expect([shapeOf(1, 5), shapeOf(5), shapeOf(1, 5), shapeOf(5, 1)]).to.deep.equal([0, 1, 0, 2]);
    expect(shapes.holding(5)).to.deep.equal([[1, 2], [0], [], [], []]);
    expect(shapes.unsaved()).to.deep.equal([
      [0, 0, 1],
      [0, 1, 5],
      [1, 0, 5],
      [2, 0, 5],
      [2, 1, 1],
    ]);
  });

  it('stores more combinations than there may be shapes, also over a restart', async function () {
    this.timeout(30_000);
    const directory = await mkdtemp(join(tmpdir(), 'greenpark-shapes-'));
    let store = await openEmbeddedStore({ directory });
    const frames = 6000;
    const sums = new Map<number, number>();
    for (const round of [0, 1]) {
      const builder = new ReadingBlockBuilder(frames * 5);
      for (let n = 0; n < frames; n++) {
        for (let k = 0; k < 5; k++) {
          const quantity = 20 * k + (Math.floor(n / 20 ** Math.min(k, 3)) % 20) + 1;
          builder.push(0, 1, quantity, round * frames + n, n * 5 + k, k);
          sums.set(quantity, (sums.get(quantity) ?? 0) + n * 5 + k);
        }
      }
      await store.write(builder.take(), 'fresh');
      await store.close();
      store = await openEmbeddedStore({ directory });
    }
    for (const [quantity, sum] of sums) {
      const found = await store.raw({ meter: 1, quantity, from: 0, to: 2 * frames, limit: 1e6 });
      expect(
        found.value.reduce((total, value) => total + value, 0),
        `quantity ${quantity}`,
      ).to.equal(sum);
      expect(new Set(found.quality)).to.deep.equal(new Set([Math.floor((quantity - 1) / 20)]));
    }
    await store.close();
    await rm(directory, { recursive: true });
  });
});
