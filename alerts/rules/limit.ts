import type { EpochMs } from '../../model/ids.ts';

/** A bound on a value, ready to be judged against. */
export interface Bound {
  /** True: beyond means above; false: below. */
  readonly above: boolean;
  readonly value: number;
  /** On the return side: an upper bound is clear at `value - deadband` and below. */
  readonly deadband: number;
  readonly onDelayMs: number;
  readonly offDelayMs: number;
}

/**
 * Where a bound stands for one series. `since`: when the value went beyond; `value`: the newest judged one; `peak`: the worst since then.
 * `clearSince`: the value is back behind the deadband since then and the off-delay runs; null while it is not.
 */
export type LimitState =
  | { readonly kind: 'clear' }
  | { readonly kind: 'pending'; readonly since: EpochMs; readonly value: number; readonly peak: number }
  | { readonly kind: 'firing'; readonly since: EpochMs; readonly value: number; readonly peak: number; readonly clearSince: EpochMs | null };

export const CLEAR: LimitState = { kind: 'clear' };

/** The two ways a step can matter to people; `until` is when the value came back. */
export type LimitTransition = { readonly kind: 'fired' } | { readonly kind: 'resolved'; readonly until: EpochMs };

export const isBeyond = (bound: Bound, value: number): boolean => (bound.above ? value > bound.value : value < bound.value);
export const isBack = (bound: Bound, value: number): boolean => (bound.above ? value <= bound.value - bound.deadband : value >= bound.value + bound.deadband);

/**
 * Lets delays elapse up to `at`: the value is taken to stay as it was last seen. A step changes at most one thing, so it is called
 * before a sample is looked at and whenever time goes by without one. Answers the same object where nothing changed.
 */
export function elapse(bound: Bound, state: LimitState, at: EpochMs): LimitState {
  if (state.kind === 'pending') return at - state.since >= bound.onDelayMs ? firing(state) : state;
  if (state.kind === 'firing' && state.clearSince !== null) return at - state.clearSince >= bound.offDelayMs ? CLEAR : state;
  return state;
}

/**
 * Takes a judged value measured at `at`. Between the bound and its deadband a firing bound goes on firing and a clear one stays clear.
 * A value in between also stops an off-delay: the delay asks for a value that is back, all the time.
 */
export function observe(bound: Bound, state: LimitState, at: EpochMs, value: number): LimitState {
  const beyond = isBeyond(bound, value);
  switch (state.kind) {
    case 'clear': {
      if (!beyond) return state;
      const begun = { kind: 'pending', since: at, value, peak: value } as const;
      return bound.onDelayMs === 0 ? firing(begun) : begun;
    }
    case 'pending': {
      if (!beyond) return CLEAR;
      const worst = { kind: 'pending', since: state.since, value, peak: worse(bound, state.peak, value) } as const;
      return at - state.since >= bound.onDelayMs ? firing(worst) : worst;
    }
    case 'firing': {
      if (isBack(bound, value)) {
        const clearSince = state.clearSince ?? at;
        return at - clearSince >= bound.offDelayMs ? CLEAR : { ...state, value, clearSince };
      }
      return { ...state, value, peak: worse(bound, state.peak, value), clearSince: null };
    }
  }
}

/** The transition between two states that follow each other, or null. `at` is the time of the step. */
export function transitionOf(before: LimitState, after: LimitState, at: EpochMs): LimitTransition | null {
  if (before.kind !== 'firing' && after.kind === 'firing') return { kind: 'fired' };
  if (before.kind === 'firing' && after.kind !== 'firing') return { kind: 'resolved', until: before.clearSince ?? at };
  return null;
}

const worse = (bound: Bound, peak: number, value: number): number => (bound.above ? Math.max(peak, value) : Math.min(peak, value));

const firing = ({ since, value, peak }: { since: EpochMs; value: number; peak: number }): LimitState => ({
  kind: 'firing',
  since,
  value,
  peak,
  clearSince: null,
});
