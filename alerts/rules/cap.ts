import type { EpochMs } from '../../model/ids.ts';
import type { Span } from '../../model/period.ts';

/** Where a cap stands in its running period. `reached`: the percentages told already, each at most once a period. */
export interface CapRunState {
  readonly periodFrom: EpochMs;
  readonly periodTo: EpochMs;
  readonly reached: readonly number[];
  /** The highest usage seen in the period, in the carrier's unit. */
  readonly used: number;
}

/** An amount per period with the percentages of it that are told; 100 is the amount itself. */
export interface StagedBound {
  readonly amount: number;
  readonly percents: readonly number[];
  /** A cap's stage is reached at the amount; what was declared at entry is broken only beyond it. */
  readonly reachedAt: 'amount' | 'beyond';
}

export const isReached = ({ amount, reachedAt }: StagedBound, percent: number, used: number): boolean =>
  reachedAt === 'amount' ? used * 100 >= amount * percent : used * 100 > amount * percent;

export interface CapStep {
  readonly state: CapRunState;
  /** Percentages reached by this step, lowest first. */
  readonly fired: readonly number[];
  /** The period whose alerts end, when a new one began. */
  readonly ended: CapRunState | null;
}

const NONE: readonly number[] = [];

/**
 * Looks at the usage of the period that is running. Usage that went down (the figures were computed anew after a correction) takes no
 * stage back: what was told stays told until the period ends.
 */
export function stepCap(bound: StagedBound, before: CapRunState | null, period: Span, used: number): CapStep {
  const ended = before !== null && before.periodFrom !== period.from ? before : null;
  const running = before === null || ended !== null ? null : before;
  const reached = running?.reached ?? NONE;
  const fired = bound.percents.filter((percent) => isReached(bound, percent, used) && !reached.includes(percent)).sort((a, b) => a - b);
  const highest = Math.max(running?.used ?? 0, used);
  if (running !== null && fired.length === 0 && highest === running.used) return { state: running, fired: NONE, ended: null };
  return {
    state: { periodFrom: period.from, periodTo: period.to, reached: fired.length === 0 ? reached : [...reached, ...fired], used: highest },
    fired,
    ended,
  };
}
