import type { CounterPoint, NeighbourQuery, Neighbours } from '../port.ts';

// Points are asked for by the ten thousand: between the threads they go in columns.

export interface PointsAsk {
  readonly meter: Int32Array;
  readonly quantity: Int32Array;
  readonly ts: Float64Array;
  readonly reach: number;
}

/** By place, NaN where there is none. */
export interface NeighbourColumns {
  readonly beforeTs: Float64Array;
  readonly beforeValue: Float64Array;
  readonly afterTs: Float64Array;
  readonly afterValue: Float64Array;
}

export const pointsAskOf = ({ points, reach }: NeighbourQuery): PointsAsk => ({
  meter: Int32Array.from(points, ({ meter }) => meter),
  quantity: Int32Array.from(points, ({ quantity }) => quantity),
  ts: Float64Array.from(points, ({ ts }) => ts),
  reach,
});

export const neighboursAt = ({ beforeTs, beforeValue, afterTs, afterValue }: NeighbourColumns, place: number): Neighbours => ({
  before: pointAt(beforeTs, beforeValue, place),
  after: pointAt(afterTs, afterValue, place),
});

const pointAt = (ts: Float64Array, value: Float64Array, place: number): CounterPoint | null =>
  Number.isNaN(ts[place]) ? null : { ts: ts[place] as number, value: value[place] as number };

/** Meters by quantity, of what is asked at some places. */
export function metersOf({ meter, quantity }: Pick<PointsAsk, 'meter' | 'quantity'>, places: Iterable<number>): Map<number, number[]> {
  const found = new Map<number, Set<number>>();
  for (const place of places) {
    const meters = found.get(quantity[place] as number);
    if (meters === undefined) found.set(quantity[place] as number, new Set([meter[place] as number]));
    else meters.add(meter[place] as number);
  }
  return new Map([...found].map(([code, meters]) => [code, [...meters]]));
}
