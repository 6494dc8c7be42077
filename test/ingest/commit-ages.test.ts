import { expect } from 'chai';
import fc from 'fast-check';
import { CommitAges } from '../../ingest/commit-ages.ts';
import { ReadingBlockBuilder } from '../../model/reading.ts';

const NOW = Date.UTC(2026, 0, 1);

/** Upper bound in seconds to the number of ages up to it, as the text says. */
const bucketsOf = (ages: CommitAges): readonly (readonly [number, number])[] =>
  [...ages.text().matchAll(/_bucket\{le="([^"]+)"\} (\d+)/g)].map(([, bound, count]) => [
    Number(bound === '+Inf' ? Number.POSITIVE_INFINITY : bound),
    Number(count),
  ]);

describe('the histogram of commit ages', () => {
  it('counts each frame in every bucket whose bound it does not exceed, whatever the order of ages', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1000, max: 400_000 }), { minLength: 1, maxLength: 40 }), (agesMs) => {
        const ages = new CommitAges();
        const block = new ReadingBlockBuilder();
        for (const [meter, age] of agesMs.entries()) block.push(meter, meter, 1, NOW - age, 1, 0);
        ages.observe(block.view(), NOW);
        // One frame to each run of equal times.
        const frames = agesMs.filter((age, index) => age !== agesMs[index - 1]);
        for (const [bound, count] of bucketsOf(ages)) expect(count, `up to ${bound} s`).to.equal(frames.filter((age) => age <= bound * 1000).length);
        expect(ages.lastCommitAt).to.equal(NOW);
      }),
    );
  });

  it('takes a time in the future as just now', () => {
    const ages = new CommitAges();
    const block = new ReadingBlockBuilder();
    block.push(0, 0, 1, NOW + 5000, 1, 0);
    ages.observe(block.view(), NOW);
    expect(bucketsOf(ages)[0]).to.deep.equal([0.005, 1]);
    expect(ages.text()).to.include('_sum 0\n');
  });
});
