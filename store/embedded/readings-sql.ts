import { isUsable, QUALITY } from '../../model/quality.ts';
import { FARTHEST_MS, requireWhole } from '../storable.ts';
import type { Shapes } from './shapes.ts';

/** Condition for readings that enter averages and usage. */
export const USABLE = `quality IN (${Object.values(QUALITY).filter(isUsable).join(', ')})`;

/** A time as an SQL literal; what lies beyond a date's reach is cut to it. */
export const time = (ts: number): number => requireWhole(Math.min(Math.max(ts, -FARTHEST_MS), FARTHEST_MS), 'a time');

/** First instant of the step that the column `ts` falls into. */
export function stepStart(step: number, origin: number): string {
  const into = `(ts - (${time(origin)}))`;
  return `(ts - ((${into} % ${requireWhole(step, 'a step')}) + ${step}) % ${step})`;
}

/** Meters that are named one by one. Of more the ranges are named: a hundred thousand numbers take DuckDB a second to read, each time. */
const MOST_NAMED = 200;
const MOST_RANGES = 16;

/** A condition that holds for the meters; of many it may hold for others between them as well. */
export function amongMeters(meters: readonly number[]): string {
  if (meters.length <= MOST_NAMED) return `meter IN (${meters.map((meter) => requireWhole(meter, 'a meter')).join(', ')})`;
  const sorted = Int32Array.from(meters).sort();
  const gaps = Array.from({ length: sorted.length - 1 }, (_, at) => at + 1).filter((at) => (sorted[at] as number) > (sorted[at - 1] as number) + 1);
  const widest = gaps.sort((a, b) => widthAt(sorted, b) - widthAt(sorted, a)).slice(0, MOST_RANGES - 1);
  const begins = [0, ...widest].sort((a, b) => a - b);
  const ranges = begins.map((begin, at) => `meter BETWEEN ${sorted[begin]} AND ${sorted[(begins[at + 1] ?? sorted.length) - 1]}`);
  return `(${ranges.join(' OR ')})`;
}

const widthAt = (sorted: Int32Array, at: number): number => (sorted[at] as number) - (sorted[at - 1] as number);

/**
 * A subquery for one quantity of some meters in [from, to), as (meter, quantity, ts, value, quality); null when no frame holds it.
 * `corrected` lays the latest corrections over it and is left out while there are none. Where many meters are asked for, others may come too.
 */
export function readingsOf(
  shapes: Shapes,
  which: { readonly meters: readonly number[]; readonly quantity: number; readonly from: number; readonly to: number },
  corrected: boolean,
): string | null {
  const holding = shapes.holding(which.quantity);
  const all = holding.flat();
  if (all.length === 0 || which.meters.length === 0) return null;
  const bySlot = (of: (slot: number) => string): string => {
    const arms = holding.flatMap((some, slot) => (some.length === 0 ? [] : [`WHEN shape IN (${some.join(', ')}) THEN ${of(slot)}`]));
    return arms.length === 1 ? (arms[0] as string).replace(/^.* THEN /, '') : `CASE ${arms.join(' ')} END`;
  };
  const within = `ts >= ${time(which.from)} AND ts < ${time(which.to)} AND ${amongMeters(which.meters)}`;
  const quantity = requireWhole(which.quantity, 'a quantity');
  const stored = `SELECT meter, ${quantity} AS quantity, ts, ${bySlot((slot) => `v${slot}`)} AS value, CAST((quality >> ${bySlot((slot) => String(8 * slot))}) & 255 AS INTEGER) AS quality FROM frame WHERE ${within} AND shape IN (${all.join(', ')})`;
  if (!corrected) return stored;
  const corrections = `SELECT meter, ts, arg_max(value, number) AS value, arg_max(quality, number) AS quality FROM correction WHERE quantity = ${quantity} AND ${within} GROUP BY meter, ts`;
  return `SELECT f.meter, f.quantity, f.ts, coalesce(c.value, f.value) AS value, coalesce(c.quality, f.quality) AS quality FROM (${stored}) f LEFT JOIN (${corrections}) c ON c.meter = f.meter AND c.ts = f.ts`;
}

/** The same for several quantities, each of its own meters; null when there is nothing of any. */
export function readingsOfAll(shapes: Shapes, metersOf: ReadonlyMap<number, readonly number[]>, from: number, to: number, corrected: boolean): string | null {
  const parts = [...metersOf].flatMap(([quantity, meters]) => readingsOf(shapes, { meters, quantity, from, to }, corrected) ?? []);
  return parts.length === 0 ? null : parts.join(' UNION ALL ');
}
