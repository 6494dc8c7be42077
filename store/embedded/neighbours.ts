import type { DuckDBConnection } from '@duckdb/node-api';
import { metersOf, type NeighbourColumns, type PointsAsk } from './point-columns.ts';
import type { Knowledge } from './questions.ts';
import { readingsOfAll, USABLE } from './readings-sql.ts';
import { numbers } from './rows.ts';
import { stageRows } from './staged-rows.ts';

/** How far from its point a neighbour is looked for, ms: near first, as nearly all are, and further only for those that have none there. */
const REACHES = [20 * 60_000, 26 * 3_600_000, 9 * 86_400_000];
/** Stretches of time that are read apart where points lie far from each other. */
const MOST_STRETCHES = 16;

type Side = 'before' | 'after';

/** Of each point the usable reading of its series that is nearest, on either side; by place. */
export async function neighbours(connection: DuckDBConnection, known: Knowledge, ask: PointsAsk): Promise<NeighbourColumns> {
  const column = () => new Float64Array(ask.ts.length).fill(Number.NaN);
  const found = { beforeTs: column(), beforeValue: column(), afterTs: column(), afterValue: column() };
  let missing = [...ask.ts.keys()].sort((a, b) => (ask.ts[a] as number) - (ask.ts[b] as number));
  for (const reach of [...REACHES.filter((near) => near < ask.reach), ask.reach]) {
    for (const places of stretches(ask.ts, missing, 2 * reach)) {
      await look(connection, known, { ask, places, reach, side: 'before' }, found.beforeTs, found.beforeValue);
      await look(connection, known, { ask, places, reach, side: 'after' }, found.afterTs, found.afterValue);
    }
    missing = missing.filter((place) => Number.isNaN(found.beforeTs[place]) || Number.isNaN(found.afterTs[place]));
    if (missing.length === 0) break;
  }
  return found;
}

/** Looks on one side of some points, within reach of each. */
async function look(
  connection: DuckDBConnection,
  known: Knowledge,
  { ask, places, reach, side }: { readonly ask: PointsAsk; readonly places: readonly number[]; readonly reach: number; readonly side: Side },
  foundTs: Float64Array,
  foundValue: Float64Array,
): Promise<void> {
  const open = places.filter((place) => Number.isNaN(foundTs[place]));
  if (open.length === 0) return;
  const [first, last] = [ask.ts[open[0] as number] as number, ask.ts[open.at(-1) as number] as number];
  const range = side === 'before' ? ([first - reach, last] as const) : ([first, last + reach + 1] as const);
  const readings = readingsOfAll(known.shapes, metersOf(ask, open), ...range, known.corrections > 0);
  if (readings === null) return;
  await stageRows(connection, 'asked', {
    length: open.length,
    meter: Int32Array.from(open, (place) => ask.meter[place] as number),
    quantity: Int32Array.from(open, (place) => ask.quantity[place] as number),
    ts: Float64Array.from(open, (place) => ask.ts[place] as number),
  });
  const usable = `SELECT meter, quantity, ts, value FROM (${readings}) SEMI JOIN temp.asked USING (meter, quantity) WHERE ${USABLE}`;
  const rows = await numbers(
    connection,
    `SELECT a.row::DOUBLE, r.ts::DOUBLE, r.value FROM temp.asked a ASOF JOIN (${usable}) r ON a.meter = r.meter AND a.quantity = r.quantity AND a.ts ${side === 'before' ? '>' : '<='} r.ts`,
  );
  const [row, ts, value] = rows.columns as [Float64Array, Float64Array, Float64Array];
  for (let at = 0; at < rows.length; at++) {
    const place = open[row[at] as number] as number;
    // The range of all points reaches further than that of one.
    if (Math.abs((ask.ts[place] as number) - (ts[at] as number)) > reach) continue;
    foundTs[place] = ts[at] as number;
    foundValue[place] = value[at] as number;
  }
}

/** Places in order of time, cut where `gap` ms and more lie between two: at the widest such gaps, if there are very many. */
function stretches(ts: Float64Array, places: readonly number[], gap: number): number[][] {
  if (places.length === 0) return [];
  const widthAt = (at: number): number => (ts[places[at] as number] as number) - (ts[places[at - 1] as number] as number);
  const gaps = [...places.keys()].filter((at) => at > 0 && widthAt(at) >= gap);
  const cuts = gaps
    .sort((a, b) => widthAt(b) - widthAt(a))
    .slice(0, MOST_STRETCHES - 1)
    .sort((a, b) => a - b);
  return [0, ...cuts].map((from, nth) => places.slice(from, cuts[nth]));
}
