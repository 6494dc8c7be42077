import { type BenchResult, median } from './figures.ts';
import { figuresOf, type Measured, measureGreenpark, measureSubscriber, type Plan } from './sides.ts';

interface Benchmark extends Plan {
  readonly name: string;
  /** What the limit does with each message. */
  readonly limit: 'count' | 'parse';
  readonly goal: number;
}

export const SINGLE: Benchmark = { name: 'ingest-single', kind: 'single', messages: 200_000, limit: 'count', goal: 0.95 };
export const BATCH: Benchmark = { name: 'ingest-batch', kind: 'batch', messages: 60_000, limit: 'parse', goal: 1 };

/** Rounds of limit and Greenpark in turn, each against a fresh Mosquitto; the ratio is the median of the rounds' ratios. */
export async function benchIngest(plan: Benchmark, rounds: number): Promise<BenchResult> {
  const limits: number[] = [];
  const ours: Measured[] = [];
  for (let round = 0; round < rounds; round++) {
    limits.push(await measureSubscriber(plan, plan.limit));
    ours.push(await measureGreenpark(plan));
  }
  const ratio = median(ours.map((measured, round) => measured.messagesPerSecond / (limits[round] as number)));
  return {
    name: plan.name,
    figures: figuresOf(ours, plan),
    limit: median(limits),
    ratio,
    goal: plan.goal,
    met: ratio >= plan.goal && ours.every((measured) => measured.stored === measured.published),
  };
}
