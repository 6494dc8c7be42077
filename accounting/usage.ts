import type { Span } from '../model/period.ts';
import type { CounterPoint, CounterSeries } from '../store/port.ts';
import { riseAcross } from './register-changes.ts';

/** Usage of one counter over one span. `estimated`: a part was shared out over a gap, the register fell, or data is missing at an end. */
export interface CounterUsage {
  readonly amount: number;
  readonly estimated: boolean;
}

/** A stretch of time over which the register rose by `rise`, evenly as far as is known. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly rise: number;
  readonly fell: boolean;
}

/**
 * Usage of a counter over each span, from its movement in steps (store/port.ts). The steps must be no longer than the spans and
 * their borders must be borders of steps.
 *
 * Between two readings the register is taken to rise evenly, so that what lies across a border is shared out by time and the sum of
 * the parts is the whole. A register that fell counts from zero again: what it shows after the fall is usage, and
 * what is known better of it comes as adjustments (register-changes.ts).
 *
 * @param longestGapMs a rise over more time than this is flagged estimated where it is shared out over a border. Default an hour.
 * @param until nothing is known after this instant: a span that ends later still runs and is flagged.
 */
export function usageOf(series: CounterSeries, spans: readonly Span[], until: number, longestGapMs = 3_600_000): CounterUsage[] {
  const stretches = stretchesOf(series);
  const firstKnown = stretches[0]?.from ?? Number.POSITIVE_INFINITY;
  const lastKnown = stretches.at(-1)?.to ?? Number.NEGATIVE_INFINITY;
  // An adjustment belongs to a stretch: where that is not counted, it is not either.
  const adjustments = (series.adjustments ?? []).filter(({ from, to }) => from >= firstKnown && to <= lastKnown);
  let begin = 0;
  return spans.map(({ from, to }) => {
    while (begin < stretches.length && (stretches[begin] as Stretch).to <= from) begin++;
    let amount = 0;
    let estimated = from < firstKnown || to > until || to > lastKnown;
    for (let at = begin; at < stretches.length; at++) {
      const stretch = stretches[at] as Stretch;
      if (stretch.from >= to) break;
      const inside = insideOf(stretch, from, to);
      const length = stretch.to - stretch.from;
      amount += length === 0 ? stretch.rise : (stretch.rise * inside) / length;
      if (stretch.fell || (inside < length && length > longestGapMs)) estimated = true;
    }
    for (const one of adjustments) amount += (one.rise * Math.max(0, insideOf(one, from, to))) / (one.to - one.from);
    return { amount, estimated };
  });
}

/** Sums of binary fractions carry digits that nobody measured: six after the point are kept. */
export const withoutNoise = (amount: number): number => Number(amount.toFixed(6));

const insideOf = (stretch: { readonly from: number; readonly to: number }, from: number, to: number): number =>
  Math.min(stretch.to, to) - Math.max(stretch.from, from);

function stretchesOf({ before, after, steps }: CounterSeries): Stretch[] {
  const stretches: Stretch[] = [];
  let previous: CounterPoint | null = before;
  for (const step of steps) {
    if (previous !== null) stretches.push(between(previous, step.first));
    // Inside a step the rise is known as a sum; it never crosses a span's border.
    if (step.last.ts > step.first.ts || step.rise !== 0) stretches.push({ from: step.first.ts, to: step.last.ts, rise: step.rise, fell: step.falls > 0 });
    previous = step.last;
  }
  if (previous !== null && after !== null && after.ts > previous.ts) stretches.push(between(previous, after));
  return stretches;
}

const between = (a: CounterPoint, b: CounterPoint): Stretch => {
  return { from: a.ts, to: b.ts, rise: riseAcross(a.value, b.value), fell: b.value < a.value };
};
