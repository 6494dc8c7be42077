import { isUsable } from '../../model/quality.ts';
import type { CounterPoint, CounterQuery, CounterSeries, CounterStep } from '../port.ts';
import { stepOf } from '../storable.ts';
import { askEach, byQuantity, keyOf, type Pair } from './by-quantity.ts';
import type { InfluxConnection, InfluxSeries } from './connection.ts';
import { Corrections, seriesKey } from './corrections.ts';
import { CounterFold } from './folding.ts';
import { type Fields, fieldsOf, type MeterNames, READINGS, readingOf, tagIn, within } from './lines.ts';
import { nearestTo } from './neighbours.ts';

/** Points that one answer brings at most, were every counter read once a minute. */
const ANSWER_POINTS = 200_000;
/** Falls of one counter that are looked up one by one; a counter that falls more often is followed point by point. */
const FALLS_LOOKED_UP = 20;
/** Steps shorter than this hold so few readings that fetching them is cheaper than asking for their ends: hourly ends took longer, ms. */
const SHORTEST_SUMMED = 6 * 3_600_000;
/** Questions in one request. */
const STATEMENTS = 200;

type Wanted = ReadonlyMap<string, Pair>;

/**
 * The server answers the ends of each step and where registers fell; between falls the rise is the difference of the ends. Counters
 * that have corrections, or that fall very often, and short steps are followed point by point, as InfluxQL cannot do that.
 */
export async function readCounters(connection: InfluxConnection, meters: MeterNames, query: CounterQuery): Promise<CounterSeries[]> {
  const wanted = new Map(query.counters.map((pair) => [seriesKey(pair.meter, pair.quantity), pair]));
  if (wanted.size === 0) return [];
  const corrections = await Corrections.ofSeries(connection, meters, wanted.values());
  const summed = new Map<string, Pair>();
  const followed = new Map<string, Pair>();
  for (const [key, pair] of wanted) (query.step < SHORTEST_SUMMED || corrections.touches(key) ? followed : summed).set(key, pair);
  const falls = await fallsOf(connection, meters, summed, query);
  for (const [key, times] of falls) {
    const pair = summed.get(key);
    if (pair === undefined || times.length <= FALLS_LOOKED_UP) continue;
    summed.delete(key);
    followed.set(key, pair);
  }
  const steps = await sumSteps(connection, meters, summed, falls, query);
  for (const [key, found] of await followPoints(connection, meters, followed, corrections, query)) steps.set(key, found);
  const [before, after] = await nearestTo(connection, meters, corrections, [
    { at: query.from, side: 'before', series: wanted },
    { at: query.to, side: 'after', series: wanted },
  ]);
  return query.counters.map(({ meter, quantity }) => {
    const key = seriesKey(meter, quantity);
    return { meter, quantity, before: before?.get(key) ?? null, after: after?.get(key) ?? null, steps: steps.get(key) ?? [] };
  });
}

interface Fall {
  readonly ts: number;
  /** What the register stood at before the fall, less what it stood at after; positive. */
  readonly depth: number;
}

/** Where the registers fell in the range. */
async function fallsOf(connection: InfluxConnection, meters: MeterNames, wanted: Wanted, { from, to }: CounterQuery): Promise<Map<string, Fall[]>> {
  if (wanted.size === 0 || from >= to) return new Map();
  const statement = ({ usable }: Fields, ids: string) => {
    const rises = `SELECT difference(${usable}) AS d FROM ${READINGS} WHERE ${within(from, to)} AND ${ids} GROUP BY "meter"`;
    return `SELECT d FROM (${rises}) WHERE d < 0 GROUP BY "meter"`;
  };
  const [falls = []] = await askEach(connection, meters, [{ pairs: wanted.values(), statement }]);
  return new Map([...falls].map(([key, values]) => [key, (values as readonly [number, number][]).map(([ts, d]) => ({ ts, depth: -d }))]));
}

/** Steps from their ends and the falls inside them. */
async function sumSteps(
  connection: InfluxConnection,
  meters: MeterNames,
  wanted: Wanted,
  falls: ReadonlyMap<string, readonly Fall[]>,
  { from, to, step, origin }: CounterQuery,
): Promise<Map<string, CounterStep[]>> {
  const steps = new Map<string, CounterStep[]>();
  if (wanted.size === 0) return steps;
  const groups = byQuantity(meters, wanted.values());
  const ranges: { readonly at: number; readonly when: string }[] = [];
  for (let at = stepOf(from, step, origin); at < to; at += step) ranges.push({ at, when: within(Math.max(at, from), Math.min(at + step, to)) });
  const atOnce = Math.max(1, Math.floor(STATEMENTS / 2 / groups.length));
  for (let done = 0; done < ranges.length; done += atOnce) {
    const some = ranges.slice(done, done + atOnce);
    // One question an end: alone, without GROUP BY time, first() and last() answer with the time of the reading.
    const answers = await connection.query(
      some
        .flatMap(({ when }) =>
          groups.flatMap(({ fields, ids }) =>
            ['first', 'last'].map((end) => `SELECT ${end}(${fields.usable}) FROM ${READINGS} WHERE ${when} AND ${ids} GROUP BY "meter"`),
          ),
        )
        .join(';'),
    );
    for (const [index, { at }] of some.entries()) {
      for (const [place, { quantity }] of groups.entries()) {
        const answer = 2 * (index * groups.length + place);
        const lasts = endsOf(meters, quantity, answers[answer + 1]);
        for (const [key, first] of endsOf(meters, quantity, answers[answer])) {
          const last = lasts.get(key);
          if (last === undefined) continue; // deleted between the two questions
          const found = steps.get(key) ?? [];
          found.push({ at, first, last, rise: last.value - first.value, falls: 0 });
          steps.set(key, found);
        }
      }
    }
  }
  await addFalls(connection, meters, wanted, falls, steps);
  return steps;
}

const endsOf = (meters: MeterNames, quantity: number, answer: readonly InfluxSeries[] = []): Map<string, CounterPoint> =>
  new Map(
    answer.map((one) => {
      const [ts, value] = one.values[0] as readonly [number, number];
      return [keyOf(meters, one, quantity), { ts, value }];
    }),
  );

/** After a fall the register counts from zero: the step rose by what stood before the fall, on top of the difference of its ends. */
async function addFalls(
  connection: InfluxConnection,
  meters: MeterNames,
  wanted: Wanted,
  falls: ReadonlyMap<string, readonly Fall[]>,
  steps: ReadonlyMap<string, CounterStep[]>,
): Promise<void> {
  const inside = [...wanted].flatMap(([key, pair]) =>
    (falls.get(key) ?? []).flatMap((fall) => {
      const list = steps.get(key) ?? [];
      const index = list.findIndex(({ first, last }) => fall.ts > first.ts && fall.ts <= last.ts);
      return index < 0 ? [] : [{ pair, fall, list, index }]; // a fall from one step to the next belongs to neither
    }),
  );
  for (let done = 0; done < inside.length; done += STATEMENTS) {
    const some = inside.slice(done, done + STATEMENTS);
    const answers = await connection.query(
      some
        .map(({ pair, fall }) => {
          const meter = tagIn('meter', [meters.idOf(pair.meter)]);
          return `SELECT ${fieldsOf(pair.quantity).usable} FROM ${READINGS} WHERE ${within(fall.ts, fall.ts + 1)} AND ${meter}`;
        })
        .join(';'),
    );
    for (const [at, { fall, list, index }] of some.entries()) {
      const after = answers[at]?.[0]?.values[0]?.[1];
      const open = list[index];
      if (open === undefined || after === undefined) continue; // deleted meanwhile
      list[index] = { ...open, rise: open.rise + Number(after) + fall.depth, falls: open.falls + 1 };
    }
  }
}

/** Reads usable readings in parts, all counters in one question a part, and follows them here. */
export async function followPoints(
  connection: InfluxConnection,
  meters: MeterNames,
  wanted: Wanted,
  corrections: Corrections,
  query: CounterQuery,
): Promise<Map<string, CounterStep[]>> {
  const folds = new Map([...wanted.keys()].map((key) => [key, new CounterFold(query.step, query.origin)]));
  if (wanted.size === 0) return new Map();
  const part = Math.max(3_600_000, Math.floor(ANSWER_POINTS / wanted.size) * 60_000);
  for (let from = query.from; from < query.to; from += part) {
    const to = Math.min(from + part, query.to);
    const statement = ({ usable, flagged, quality }: Fields, ids: string) => {
      const fields = corrections.none ? usable : `${usable}, ${flagged}, ${quality}`;
      return `SELECT ${fields} FROM ${READINGS} WHERE ${within(from, to)} AND ${ids} GROUP BY "meter"`;
    };
    const [answer = []] = await askEach(connection, meters, [{ pairs: wanted.values(), statement }]);
    for (const [key, values] of answer) {
      const fold = folds.get(key);
      if (fold === undefined) continue;
      if (corrections.none) for (const [ts, value] of values as readonly [number, number][]) fold.add(ts, value);
      else for (const { ts, value } of usableOf(key, values, corrections)) fold.add(ts, value);
    }
  }
  return new Map([...folds].map(([key, fold]) => [key, fold.steps]));
}

/** Of points with usable, flagged and quality, those that count after what was corrected, as far as they are usable. */
function* usableOf(key: string, values: InfluxSeries['values'], corrections: Corrections): Generator<CounterPoint> {
  for (const [time, usable, flagged, quality] of values) {
    const reading = readingOf(usable, flagged, quality);
    if (reading === null) continue;
    const now = corrections.over(key, Number(time), reading.value, reading.quality);
    if (isUsable(now.quality)) yield { ts: Number(time), value: now.value };
  }
}
