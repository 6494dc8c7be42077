import { type BenchResult, median } from './figures.ts';
import { measureNodeRed } from './node-red.ts';
import { measureGreenpark, measureSubscriber, type Plan } from './sides.ts';

/** So many that each side runs for seconds after its code is compiled: both are to be measured as they go on, not as they start. */
const PLANS = {
  single: { kind: 'single', messages: 200_000 },
  batch: { kind: 'batch', messages: 12_000 },
} as const satisfies Record<string, Plan>;
/** How many times as fast as Node-RED with InfluxDB. */
const GOALS = { single: { embedded: 3, influx: 2.5 }, batch: { embedded: 4, influx: 2 } } as const;

/**
 * The same messages through Node-RED into InfluxDB, and through Greenpark into its embedded store and into InfluxDB, in turn; and to a
 * subscriber that only counts them, which tells what the broker can bring at all.
 */
export async function benchAgainstNodeRed(rounds: number): Promise<BenchResult> {
  const figures: Record<string, number> = {};
  const ratios: { readonly ratio: number; readonly goal: number }[] = [];
  const limits: number[] = [];
  let whole = true;
  for (const kind of ['single', 'batch'] as const) {
    const plan = PLANS[kind];
    const theirs: number[] = [];
    const counted: number[] = [];
    const ours = { embedded: [] as number[], influx: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      theirs.push((await measureNodeRed(plan)).messagesPerSecond);
      counted.push(await measureSubscriber(plan, 'count'));
      for (const engine of ['embedded', 'influx'] as const) {
        const measured = await measureGreenpark(plan, engine);
        whole &&= measured.stored === measured.published;
        ours[engine].push(measured.messagesPerSecond);
      }
    }
    figures[`${kind}_nodered_messages_per_second`] = median(theirs);
    figures[`${kind}_counted_messages_per_second`] = median(counted);
    figures[`${kind}_counted_ratio`] = median(counted.map((rate, round) => rate / (theirs[round] as number)));
    limits.push(median(theirs));
    for (const engine of ['embedded', 'influx'] as const) {
      const ratio = median(ours[engine].map((rate, round) => rate / (theirs[round] as number)));
      figures[`${kind}_${engine}_messages_per_second`] = median(ours[engine]);
      figures[`${kind}_${engine}_ratio`] = ratio;
      figures[`${kind}_${engine}_goal`] = GOALS[kind][engine];
      ratios.push({ ratio, goal: GOALS[kind][engine] });
    }
  }
  const [first] = ratios;
  return {
    name: 'ingest-nodered',
    figures: { ...figures, rounds },
    limit: limits[0] ?? null,
    ratio: first?.ratio ?? null,
    goal: first?.goal ?? null,
    met: whole && ratios.every(({ ratio, goal }) => ratio >= goal),
  };
}
