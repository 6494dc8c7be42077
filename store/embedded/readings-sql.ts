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

/**
 * A subquery for one quantity of some meters in [from, to), as (meter, quantity, ts, value, quality); null when no frame holds it.
 * `corrected` lays the latest corrections over it and is left out while there are none.
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
  const meters = which.meters.map((meter) => requireWhole(meter, 'a meter')).join(', ');
  const within = `ts >= ${time(which.from)} AND ts < ${time(which.to)} AND meter IN (${meters})`;
  const quantity = requireWhole(which.quantity, 'a quantity');
  const stored = `SELECT meter, ${quantity} AS quantity, ts, ${bySlot((slot) => `v${slot}`)} AS value, CAST((quality >> ${bySlot((slot) => String(8 * slot))}) & 255 AS INTEGER) AS quality FROM frame WHERE ${within} AND shape IN (${all.join(', ')})`;
  if (!corrected) return stored;
  const corrections = `SELECT meter, ts, arg_max(value, number) AS value, arg_max(quality, number) AS quality FROM correction WHERE quantity = ${quantity} AND ${within} GROUP BY meter, ts`;
  return `SELECT f.meter, f.quantity, f.ts, coalesce(c.value, f.value) AS value, coalesce(c.quality, f.quality) AS quality FROM (${stored}) f LEFT JOIN (${corrections}) c ON c.meter = f.meter AND c.ts = f.ts`;
}

/** The same for (meter, quantity) pairs; null when there is nothing of any. */
export function readingsOfAll(
  shapes: Shapes,
  pairs: readonly { readonly meter: number; readonly quantity: number }[],
  from: number,
  to: number,
  corrected: boolean,
): string | null {
  const metersOf = new Map<number, number[]>();
  for (const { meter, quantity } of pairs) {
    const meters = metersOf.get(quantity);
    if (meters === undefined) metersOf.set(quantity, [meter]);
    else meters.push(meter);
  }
  const parts = [...metersOf].flatMap(([quantity, meters]) => readingsOf(shapes, { meters, quantity, from, to }, corrected) ?? []);
  return parts.length === 0 ? null : parts.join(' UNION ALL ');
}
