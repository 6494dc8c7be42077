import type { CounterPoint, NeighbourQuery, Neighbours } from '../port.ts';
import { askEach, type Pair, type Question } from './by-quantity.ts';
import type { InfluxConnection, InfluxSeries } from './connection.ts';
import { Corrections, seriesKey } from './corrections.ts';
import { type Fields, type MeterNames, READINGS, within } from './lines.ts';
import { inRequests, MINUTE_MS, spansOf } from './spans.ts';

/**
 * How far from a border the nearest reading is looked for, ms; the last without bound. A look over a day costs the server no more than
 * one over minutes, as it ends with the first reading; but for a look over years it opens the files of all of them.
 */
const REACHES = [26 * 3_600_000, 9 * 86_400_000, Number.POSITIVE_INFINITY];

/** So much more than from the first point to the last is read at once, ms: of what is measured often that holds the neighbours already. */
const MARGIN_MS = 5 * MINUTE_MS;

type Asking = Pick<InfluxConnection, 'query'>;

/** Points near to each other are answered together, by what is between the first and the last of them and what is nearest around. */
export async function readNeighbours(connection: Asking, meters: MeterNames, { points, reach }: NeighbourQuery): Promise<Neighbours[]> {
  if (points.length === 0) return [];
  const corrections = await Corrections.ofSeries(connection, meters, points);
  const answers = new Array<Neighbours>(points.length);
  for (const spans of inRequests(spansOf(points.map((point, place) => ({ ...point, place }))))) {
    const stretches = spans.map(({ from, to, points: some }): Stretch => ({ from: from - MARGIN_MS, to: to + MARGIN_MS, series: bySeries(some) }));
    await readInside(connection, meters, corrections, stretches);
    // Two a stretch, in the order of bordersOf.
    const around = await nearestTo(connection, meters, corrections, stretches.flatMap(bordersOf), reach);
    for (const [at, { series }] of stretches.entries()) {
      for (const [key, asked] of series) answer(answers, asked, { before: around[2 * at]?.get(key), after: around[2 * at + 1]?.get(key) }, reach);
    }
  }
  return answers;
}

/** Points that are answered together by the readings of [from, to), where all of them lie, and those around. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly series: ReadonlyMap<string, Asked>;
}

/** One series in a stretch. */
interface Asked extends Pair {
  /** In order of time. */
  readonly points: Placed[];
  /** Its usable readings in [from, to) of the stretch. */
  inside: readonly CounterPoint[];
}

interface Placed extends Pair {
  readonly ts: number;
  /** Its place among the points of the query. */
  readonly place: number;
}

function bySeries(points: readonly Placed[]): Map<string, Asked> {
  const series = new Map<string, Asked>();
  for (const point of points) {
    const key = seriesKey(point.meter, point.quantity);
    const asked = series.get(key);
    if (asked === undefined) series.set(key, { meter: point.meter, quantity: point.quantity, points: [point], inside: [] });
    else asked.points.push(point);
  }
  return series;
}

async function readInside(connection: Asking, meters: MeterNames, corrections: Corrections, stretches: readonly Stretch[]): Promise<void> {
  const answers = await askEach(
    connection,
    meters,
    stretches.map(({ from, to, series }) => ({
      pairs: series.values(),
      values: (to - from) / MINUTE_MS,
      statement: ({ usable }: Fields, ids: string) => `SELECT ${usable} FROM ${READINGS} WHERE ${within(from, to)} AND ${ids} GROUP BY "meter"`,
    })),
  );
  for (const [at, stretch] of stretches.entries()) {
    for (const [key, asked] of stretch.series) asked.inside = corrections.usable(key, pointsOf(answers[at]?.get(key)), stretch);
  }
}

/** What is to be looked for before a stretch and after it: of the series that have points there with no reading beside them inside. */
function bordersOf({ from, to, series }: Stretch): [before: Border, after: Border] {
  const before = new Map<string, Pair>();
  const after = new Map<string, Pair>();
  for (const [key, asked] of series) {
    const { points, inside } = asked;
    if ((inside[0]?.ts ?? Number.POSITIVE_INFINITY) >= (points[0]?.ts ?? to)) before.set(key, asked);
    if ((inside.at(-1)?.ts ?? Number.NEGATIVE_INFINITY) < (points.at(-1)?.ts ?? from)) after.set(key, asked);
  }
  return [
    { at: from, side: 'before', series: before },
    { at: to, side: 'after', series: after },
  ];
}

function answer(
  answers: Neighbours[],
  { points, inside }: Asked,
  around: { readonly before: CounterPoint | undefined; readonly after: CounterPoint | undefined },
  reach: number,
): void {
  let next = 0;
  for (const { ts, place } of points) {
    while ((inside[next]?.ts ?? ts) < ts) next++;
    const reached = (one: CounterPoint | undefined) => (one !== undefined && Math.abs(one.ts - ts) <= reach ? one : null);
    answers[place] = { before: reached(inside[next - 1] ?? around.before), after: reached(inside[next] ?? around.after) };
  }
}

/** A time on one side of which the nearest reading of each series is looked for. */
interface Border {
  readonly at: number;
  readonly side: 'before' | 'after';
  readonly series: ReadonlyMap<string, Pair>;
}

/** Of each border the usable readings nearest to it: before it, or at it and after it. Some may stand beyond the reach. */
export async function nearestTo(
  connection: Asking,
  meters: MeterNames,
  corrections: Corrections,
  borders: readonly Border[],
  reach = Number.POSITIVE_INFINITY,
): Promise<Map<string, CounterPoint>[]> {
  const found = borders.map(() => new Map<string, CounterPoint>());
  let near = 0;
  for (const bound of REACHES) {
    const far = Math.min(bound, reach + 1); // a reading at the reach counts, and ranges end before their end
    const looks = borders.flatMap((border, place) => looksFrom(border, near, far, found[place] ?? new Map(), corrections));
    const answers = await askEach(connection, meters, looks);
    for (const [at, { range, side, series, nearest }] of looks.entries()) {
      for (const key of series.keys()) {
        const one = corrections.usable(key, pointsOf(answers[at]?.get(key)), range).at(side === 'before' ? -1 : 0);
        if (one !== undefined) nearest.set(key, one);
      }
    }
    if (far < bound) break;
    near = far;
  }
  return found;
}

/** One look for what nothing nearer was found of. */
interface Look extends Question {
  readonly side: Border['side'];
  readonly range: { readonly from: number; readonly to: number };
  readonly series: ReadonlyMap<string, Pair>;
  /** Where what is found goes. */
  readonly nearest: Map<string, CounterPoint>;
}

function looksFrom({ at, side, series }: Border, near: number, far: number, nearest: Map<string, CounterPoint>, corrections: Corrections): Look[] {
  const range = side === 'before' ? { from: at - far, to: at - near } : { from: at + near, to: at + far };
  const missing = [...series].filter(([key]) => !nearest.has(key));
  // A reading that was corrected may count no more: one more is read than there are corrections.
  const corrected = missing.filter(([key]) => corrections.touches(key));
  const others = missing.filter(([key]) => !corrections.touches(key));
  return [others, corrected].map((some): Look => {
    const values = some.reduce((most, [key]) => Math.max(most, 1 + corrections.countOf(key)), 1);
    const end = `ORDER BY time ${side === 'before' ? 'DESC' : 'ASC'} LIMIT ${values}`;
    const statement = ({ usable }: Fields, ids: string) =>
      `SELECT ${usable} FROM ${READINGS} WHERE ${within(range.from, range.to)} AND ${ids} GROUP BY "meter" ${end}`;
    return { side, range, series: new Map(some), nearest, pairs: some.map(([, pair]) => pair), values, statement };
  });
}

const pointsOf = (values: InfluxSeries['values'] = []): CounterPoint[] => values.map(([ts, value]) => ({ ts: Number(ts), value: Number(value) }));
