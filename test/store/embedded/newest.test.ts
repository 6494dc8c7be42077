import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { ReadingBlockBuilder } from '../../../model/reading.ts';
import { openEmbeddedStore } from '../../../store/embedded/open.ts';
import type { ReadingStore } from '../../../store/port.ts';

/** Quantities that one frame brings; the second has more than a row of the table takes. */
const FRAMES = [[1], [1, 2, 3, 5, 8, 10, 13], [2, 5], [5, 2], [8, 10, 13]];

const frame = fc.record({ meter: fc.integer({ min: 1, max: 3 }), ts: fc.integer({ min: 1, max: 12 }), kind: fc.nat({ max: FRAMES.length - 1 }) });
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ frames: fc.array(frame, { minLength: 1, maxLength: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ deleteBefore: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 1, arbitrary: fc.constant({ reopen: true as const }) },
);

describe('the newest readings of the embedded store', function () {
  this.timeout(240_000); // some three hundred openings, which take a slow machine a quarter of a second each

  it('are after a stop what was written before it, whatever came in which order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const directory = await mkdtemp(join(tmpdir(), 'greenpark-newest-'));
        let store: ReadingStore = await openEmbeddedStore({ directory });
        /** meter/quantity to its newest time and value. */
        const expected = new Map<string, readonly [ts: number, value: number]>();
        try {
          let value = 0;
          for (const next of steps) {
            if ('reopen' in next) {
              await store.close();
              store = await openEmbeddedStore({ directory });
            } else if ('deleteBefore' in next) {
              await store.deleteBefore(next.deleteBefore);
              for (const [key, [ts]] of expected) if (ts < next.deleteBefore) expected.delete(key);
            } else {
              const block = new ReadingBlockBuilder();
              for (const { meter, ts, kind } of next.frames) {
                for (const quantity of FRAMES[kind] ?? []) {
                  block.push(0, meter, quantity, ts, ++value, 0);
                  const held = expected.get(`${meter}/${quantity}`);
                  // The first of one time is kept.
                  if (held === undefined || ts > held[0]) expected.set(`${meter}/${quantity}`, [ts, value]);
                }
              }
              await store.write(block.take(), 'late');
            }
          }
          await store.close();
          store = await openEmbeddedStore({ directory });
          const found = [...(await store.latest())].map(({ meter, quantity, ts, value }) => [`${meter}/${quantity}`, [ts, value]] as const);
          expect(new Map(found)).to.deep.equal(expected);
          expect(found.length).to.equal(expected.size);
        } finally {
          await store.close();
          await rm(directory, { recursive: true, force: true });
        }
      }),
      { numRuns: 10 },
    );
  });

  it('are those of all frames of one meter and time, also where their values together would be a shape that was never written', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'greenpark-newest-'));
    try {
      const store = await openEmbeddedStore({ directory });
      for (const [n, quantities] of [[1], [2, 5], [5, 3]].entries()) {
        const block = new ReadingBlockBuilder();
        for (const quantity of quantities) block.push(0, 1, quantity, 28, 10 * n + quantity, 0);
        await store.write(block.take(), 'fresh');
      }
      await store.close();
      const again = await openEmbeddedStore({ directory });
      const found = [...(await again.latest())].map(({ quantity }) => quantity);
      await again.close();
      expect(found.sort()).to.deep.equal([1, 2, 3, 5]);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
