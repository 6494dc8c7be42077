import { expect } from 'chai';
import { RecentCounts, SAMPLE_EVERY_MS } from '../../ingest/recent-counts.ts';

const MINUTE = 60_000;

describe('what counters have gained lately', () => {
  interface Counted {
    count: number;
  }
  const began = 1000;
  let recent: RecentCounts<Counted>;
  let now: number;
  beforeEach(() => {
    recent = new RecentCounts(began, ({ count }) => [count]);
    now = began;
  });
  /** Lets time pass in samples; each time `then` may count. */
  function pass(ms: number, subjects: readonly Counted[], then: () => void = () => {}): void {
    for (const end = now + ms; now < end; ) {
      then();
      now += SAMPLE_EVERY_MS;
      recent.sample(now, subjects);
    }
  }
  const gained = (subject: Counted, withinMs: number) => {
    const { gained: of, overMs } = recent.lately(now, withinMs);
    return [...of(subject), overMs];
  };

  it('is of the time asked for, however long it has counted', () => {
    const one = { count: 0 };
    pass(20 * MINUTE, [one], () => {
      one.count += 7;
    });
    expect(gained(one, MINUTE)).to.deep.equal([42, MINUTE]);
    expect(gained(one, 5 * MINUTE)).to.deep.equal([210, 5 * MINUTE]);
    expect(gained(one, 60 * MINUTE), 'reaches no further back').to.deep.equal([210, 5 * MINUTE]);
  });

  it('is of the time since the start before that', () => {
    const one = { count: 30 };
    expect(gained(one, 5 * MINUTE), 'no shorter than one sample').to.deep.equal([30, SAMPLE_EVERY_MS]);
    pass(MINUTE, [one]);
    expect(gained(one, 5 * MINUTE)).to.deep.equal([30, MINUTE]);
  });

  it('begins at nothing for whoever comes later', () => {
    const [one, late] = [{ count: 0 }, { count: 0 }];
    pass(10 * MINUTE, [one]);
    pass(MINUTE, [one, late], () => late.count++);
    expect(gained(late, 5 * MINUTE)).to.deep.equal([6, 5 * MINUTE]);
  });

  it('goes back to nothing when nothing happens any more', () => {
    const one = { count: 0 };
    pass(MINUTE, [one], () => one.count++);
    pass(5 * MINUTE, [one]);
    expect(gained(one, 5 * MINUTE)).to.deep.equal([0, 5 * MINUTE]);
  });
});
