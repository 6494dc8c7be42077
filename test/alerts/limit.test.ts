import { expect } from 'chai';
import fc from 'fast-check';
import { type Bound, CLEAR, elapse, type LimitState, observe, transitionOf } from '../../alerts/rules/limit.ts';

const bound = (over: Partial<Bound> = {}): Bound => ({ above: true, value: 100, deadband: 5, onDelayMs: 0, offDelayMs: 0, ...over });
type Sample = readonly [second: number, value: number | 'tick'];

/** What is told, as `fired@second`, `resolved@second of the return`. */
function run(rule: Bound, samples: readonly Sample[]): string[] {
  const told: string[] = [];
  let state: LimitState = CLEAR;
  const advance = (after: LimitState, at: number) => {
    const transition = transitionOf(state, after, at);
    if (transition?.kind === 'fired') told.push(`fired@${(after.kind === 'firing' ? after.since : Number.NaN) / 1000}`);
    if (transition?.kind === 'resolved') told.push(`resolved@${transition.until / 1000}`);
    state = after;
  };
  for (const [second, value] of samples) {
    const at = second * 1000;
    if (value === 'tick') advance(elapse(rule, state, at), at);
    else {
      advance(elapse(rule, state, at - 1), at - 1);
      advance(observe(rule, state, at, value), at);
    }
  }
  return told;
}

describe('a limit', () => {
  const held = bound({ onDelayMs: 60_000 });
  const slow = bound({ offDelayMs: 60_000 });
  const cases: readonly { name: string; rule: Bound; samples: readonly Sample[]; told: string[] }[] = [
    { name: 'fires above the bound', rule: bound(), samples: [[0, 101]], told: ['fired@0'] },
    { name: 'does not fire at the bound', rule: bound(), samples: [[0, 100]], told: [] },
    {
      name: 'is told once while the value stays beyond',
      rule: bound(),
      samples: [
        [0, 101],
        [1, 150],
        [2, 101],
      ],
      told: ['fired@0'],
    },
    {
      name: 'does not clear inside the deadband',
      rule: bound(),
      samples: [
        [0, 101],
        [1, 99],
        [2, 96],
      ],
      told: ['fired@0'],
    },
    {
      name: 'clears at the far end of the deadband',
      rule: bound(),
      samples: [
        [0, 101],
        [1, 95],
      ],
      told: ['fired@0', 'resolved@1'],
    },
    {
      name: 'has no deadband on the way up',
      rule: bound(),
      samples: [
        [0, 96],
        [1, 99],
      ],
      told: [],
    },
    {
      name: 'below: fires under the bound and clears above the deadband',
      rule: bound({ above: false }),
      samples: [
        [0, 99],
        [1, 104],
        [2, 105],
      ],
      told: ['fired@0', 'resolved@2'],
    },
    {
      name: 'stays quiet for a spike shorter than the on-delay',
      rule: held,
      samples: [
        [0, 90],
        [20, 120],
        [40, 90],
      ],
      told: [],
    },
    {
      name: 'fires when the value has stayed for the on-delay, dated from its start',
      rule: held,
      samples: [
        [0, 120],
        [30, 130],
        [60, 125],
        [120, 130],
      ],
      told: ['fired@0'],
    },
    {
      name: 'counts the on-delay from the last start',
      rule: held,
      samples: [
        [0, 120],
        [30, 90],
        [40, 120],
        [70, 120],
        [100, 120],
      ],
      told: ['fired@40'],
    },
    {
      name: 'lets the on-delay elapse without a message',
      rule: held,
      samples: [
        [0, 120],
        [59, 'tick'],
        [60, 'tick'],
      ],
      told: ['fired@0'],
    },
    {
      name: 'fires and clears when the next value comes after the on-delay',
      rule: held,
      samples: [
        [0, 120],
        [100, 90],
      ],
      told: ['fired@0', 'resolved@100'],
    },
    {
      name: 'waits for the off-delay and dates the end from the return',
      rule: slow,
      samples: [
        [0, 120],
        [10, 90],
        [40, 80],
        [70, 80],
      ],
      told: ['fired@0', 'resolved@10'],
    },
    {
      name: 'starts the off-delay again after a relapse',
      rule: slow,
      samples: [
        [0, 120],
        [10, 90],
        [40, 120],
        [70, 90],
        [129, 90],
        [130, 90],
      ],
      told: ['fired@0', 'resolved@70'],
    },
    {
      name: 'starts the off-delay again after a value inside the deadband',
      rule: slow,
      samples: [
        [0, 120],
        [10, 90],
        [40, 98],
        [50, 90],
        [109, 'tick'],
      ],
      told: ['fired@0'],
    },
    {
      name: 'lets the off-delay elapse without a message',
      rule: slow,
      samples: [
        [0, 120],
        [10, 90],
        [70, 'tick'],
      ],
      told: ['fired@0', 'resolved@10'],
    },
    {
      name: 'does not let time alone clear a value that is still beyond',
      rule: slow,
      samples: [
        [0, 120],
        [9000, 'tick'],
      ],
      told: ['fired@0'],
    },
  ];
  for (const { name, rule, samples, told } of cases) it(name, () => expect(run(rule, samples)).to.deep.equal(told));

  it('keeps the worst value since it began', () => {
    const states = [101, 150, 120].reduce<LimitState>((state, value, at) => observe(bound(), state, at, value), CLEAR);
    expect(states).to.include({ kind: 'firing', peak: 150, value: 120 });
  });

  it('answers the very same state where nothing changed, so that judging allocates nothing', () => expect(observe(bound(), CLEAR, 1, 50)).to.equal(CLEAR));

  it('agrees with a reading of the rule second by second on any series', () => {
    const rules = fc.record({
      above: fc.boolean(),
      deadband: fc.integer({ min: 0, max: 6 }),
      on: fc.integer({ min: 0, max: 6 }),
      off: fc.integer({ min: 0, max: 6 }),
    });
    const series = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 88, max: 112 })), { maxLength: 40 });
    fc.assert(
      fc.property(rules, series, ({ above, deadband, on, off }, gaps) => {
        let second = 0;
        const samples = gaps.map(([gap, value]): [number, number] => {
          second += gap;
          return [second, value];
        });
        const rule = bound({ above, deadband, onDelayMs: on * 1000, offDelayMs: off * 1000 });
        expect(run(rule, samples)).to.deep.equal(secondBySecond({ above, deadband, on, off }, samples));
      }),
      { numRuns: 2000 },
    );
  });
});

/** The rule in the plainest words: the value of every second, how long it has been beyond and how long back. */
function secondBySecond(
  { above, deadband, on, off }: { above: boolean; deadband: number; on: number; off: number },
  samples: readonly (readonly [number, number])[],
): string[] {
  const told: string[] = [];
  const sign = above ? 1 : -1;
  const end = samples.at(-1)?.[0] ?? -1;
  const at = new Map(samples);
  let excess = Number.NEGATIVE_INFINITY;
  let [beyondSince, backSince] = [-1, -1];
  let firing = false;
  for (let second = 0; second <= end; second++) {
    const sampled = at.get(second);
    if (sampled !== undefined) {
      excess = sign * (sampled - 100);
      if (excess <= 0) beyondSince = -1;
      else if (beyondSince < 0) beyondSince = second;
      if (excess > -deadband) backSince = -1;
      else if (backSince < 0) backSince = second;
      // With no deadband a value at the bound is back, one above it is not.
      if (deadband === 0 && excess > 0) backSince = -1;
    }
    if (!firing && beyondSince >= 0 && second - beyondSince >= on) {
      firing = true;
      told.push(`fired@${beyondSince}`);
    } else if (firing && backSince >= 0 && second - backSince >= off) {
      firing = false;
      told.push(`resolved@${backSince}`);
    }
  }
  return told;
}
