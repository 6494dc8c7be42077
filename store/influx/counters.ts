import { isUsable } from '../../model/quality.ts';
import type { CounterPoint, CounterQuery, CounterSeries } from '../port.ts';
import type { InfluxConnection, InfluxSeries } from './connection.ts';
import { Corrections, seriesKey } from './corrections.ts';
import { CounterFold } from './folding.ts';
import { type MeterNames, quantityCode, quantityTag, READINGS, tagIn, USABLE, within } from './lines.ts';

/** Points that one answer brings at most, were every counter read once a minute. */
const ANSWER_POINTS = 200_000;
/** How far from a border the neighbouring reading is looked for, ms; the last without bound. */
const REACHES = [26 * 3_600_000, 9 * 86_400_000, Number.POSITIVE_INFINITY];
/** Readings looked at from a border on for a counter that has corrections there. */
const CORRECTED_DEPTH = 1000;

type Pair = CounterQuery['counters'][number];

/** Reads the counters' usable readings in parts, all counters in one question a part, and follows them here: InfluxQL cannot. */
export async function readCounters(connection: InfluxConnection, meters: MeterNames, query: CounterQuery): Promise<CounterSeries[]> {
  const wanted = new Map(query.counters.map((pair) => [seriesKey(pair.meter, pair.quantity), pair]));
  if (wanted.size === 0) return [];
  const corrections = await Corrections.read(connection, meters, condition(meters, wanted.values()));
  const folds = new Map([...wanted.keys()].map((key) => [key, new CounterFold(query.step, query.origin)]));
  const part = Math.max(3_600_000, Math.floor(ANSWER_POINTS / wanted.size) * 60_000);
  for (let from = query.from; from < query.to; from += part) {
    const to = Math.min(from + part, query.to);
    const filter = corrections.none ? ` AND ${USABLE}` : '';
    const [series = []] = await connection.query(
      `SELECT value, quality FROM ${READINGS} WHERE ${within(from, to)} AND ${condition(meters, wanted.values())}${filter} GROUP BY "meter", "quantity"`,
    );
    for (const one of series) {
      const key = keyOf(meters, one);
      const fold = folds.get(key);
      if (fold === undefined) continue;
      for (const [ts, value, quality] of one.values as readonly [number, number, number][]) {
        if (corrections.none) fold.add(ts, value);
        else {
          const now = corrections.over(key, ts, value, quality);
          if (isUsable(now.quality)) fold.add(ts, now.value);
        }
      }
    }
  }
  const before = await neighbours(connection, meters, wanted, corrections, query.from, 'before');
  const after = await neighbours(connection, meters, wanted, corrections, query.to, 'after');
  return query.counters.map(({ meter, quantity }) => {
    const key = seriesKey(meter, quantity);
    return { meter, quantity, before: before.get(key) ?? null, after: after.get(key) ?? null, steps: folds.get(key)?.steps ?? [] };
  });
}

/** Condition for the pairs: the meters of each quantity. */
function condition(meters: MeterNames, pairs: Iterable<Pair>): string {
  const idsOf = new Map<number, string[]>();
  for (const { meter, quantity } of pairs) {
    const ids = idsOf.get(quantity);
    if (ids === undefined) idsOf.set(quantity, [meters.idOf(meter)]);
    else ids.push(meters.idOf(meter));
  }
  return `(${[...idsOf].map(([quantity, ids]) => `(${tagIn('quantity', [quantityTag(quantity)])} AND ${tagIn('meter', ids)})`).join(' OR ')})`;
}

const keyOf = (meters: MeterNames, { tags }: InfluxSeries): string =>
  seriesKey(meters.ordinalOf(tags?.['meter'] ?? '') ?? -1, quantityCode(tags?.['quantity']) ?? -1);

/** The usable reading of each counter nearest to the border. */
async function neighbours(
  connection: InfluxConnection,
  meters: MeterNames,
  wanted: ReadonlyMap<string, Pair>,
  corrections: Corrections,
  border: number,
  side: 'before' | 'after',
): Promise<Map<string, CounterPoint>> {
  const found = new Map<string, CounterPoint>();
  const range = (near: number, far: number) => (side === 'before' ? within(border - far, border - near) : within(border + near, border + far));
  let missing = [...wanted].filter(([key]) => !corrections.touches(key));
  let near = 0;
  for (const far of REACHES) {
    if (missing.length === 0) break;
    const pairs = missing.map(([, pair]) => pair);
    const [series = []] = await connection.query(
      `SELECT ${side === 'before' ? 'last' : 'first'}(value) FROM ${READINGS} WHERE ${range(near, far)} AND ${condition(meters, pairs)} AND ${USABLE} GROUP BY "meter", "quantity"`,
    );
    for (const one of series) {
      const [ts, value] = one.values[0] as readonly [number, number];
      found.set(keyOf(meters, one), { ts, value });
    }
    missing = missing.filter(([key]) => !found.has(key));
    near = far;
  }
  const corrected = [...wanted].filter(([key]) => corrections.touches(key));
  if (corrected.length === 0) return found;
  const pairs = corrected.map(([, pair]) => pair);
  const [series = []] = await connection.query(
    `SELECT value, quality FROM ${READINGS} WHERE ${range(0, Number.POSITIVE_INFINITY)} AND ${condition(meters, pairs)} GROUP BY "meter", "quantity" ORDER BY time ${side === 'before' ? 'DESC' : 'ASC'} LIMIT ${CORRECTED_DEPTH}`,
  );
  for (const one of series) {
    const key = keyOf(meters, one);
    for (const [ts, value, quality] of one.values as readonly [number, number, number][]) {
      const now = corrections.over(key, ts, value, quality);
      if (!isUsable(now.quality)) continue;
      found.set(key, { ts, value: now.value });
      break;
    }
  }
  return found;
}
