/** One row of the report; the same shape for every benchmark. */
export interface BenchResult {
  readonly name: string;
  /** Every figure says its unit in its name. */
  readonly figures: Readonly<Record<string, number>>;
  /** What the limit did in the same run, in the ratio's unit; null where there is none. */
  readonly limit: number | null;
  /** Median over the rounds of Greenpark's rate divided by the limit's of the same round. */
  readonly ratio: number | null;
  readonly goal: number | null;
  readonly met: boolean;
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
};

/** The value below which `share` of the sorted list lies. */
export const quantile = (sorted: ArrayLike<number>, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/** The bound below which `share` of a Prometheus histogram's observations lie, shared out evenly inside the bucket; in the histogram's unit. */
export function histogramQuantile(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>, name: string, share: number): number {
  const buckets = [...after]
    .filter(([key]) => key.startsWith(`${name}_bucket`))
    .map(([key, count]) => ({ bound: Number(/le="([^"]+)"/.exec(key)?.[1]?.replace('+Inf', 'Infinity')), count: count - (before.get(key) ?? 0) }))
    .sort((a, b) => a.bound - b.bound);
  const total = buckets.at(-1)?.count ?? 0;
  let lower = { bound: 0, count: 0 };
  for (const bucket of buckets) {
    if (bucket.count >= total * share) {
      if (bucket.bound === Number.POSITIVE_INFINITY) return lower.bound;
      return lower.bound + ((bucket.bound - lower.bound) * (total * share - lower.count)) / Math.max(1, bucket.count - lower.count);
    }
    lower = bucket;
  }
  return Number.NaN;
}

export function printTable(results: readonly BenchResult[]): void {
  for (const { name, figures, limit, ratio, goal, met } of results) {
    const verdict = goal === null ? '' : met ? '  met' : '  NOT MET';
    console.log(`\n${name}${ratio === null ? '' : `   ratio ${ratio.toFixed(2)}${goal === null ? '' : ` (goal ${goal})`}`}${verdict}`);
    if (limit !== null) console.log(`  ${'limit'.padEnd(38)} ${format(limit)}`);
    for (const [figure, value] of Object.entries(figures)) console.log(`  ${figure.padEnd(38)} ${format(value)}`);
  }
}

const format = (value: number): string => (Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3));
