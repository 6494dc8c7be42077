import type { CounterQuery, CounterSeries, CounterStep } from '../port.ts';
import { type NeighbourColumns, neighboursAt } from './point-columns.ts';

// Counters are asked for by the ten thousand: between the threads they go in columns, one place for each (meter, quantity).

export interface CounterAsk extends Omit<CounterQuery, 'counters'> {
  readonly meter: Int32Array;
  readonly quantity: Int32Array;
}

/** Neighbours by place, NaN where there is none; steps in order of place and time, each with the place that it belongs to. */
export interface CounterAnswer extends NeighbourColumns {
  readonly place: Int32Array;
  readonly at: Float64Array;
  readonly firstTs: Float64Array;
  readonly firstValue: Float64Array;
  readonly lastTs: Float64Array;
  readonly lastValue: Float64Array;
  readonly rise: Float64Array;
  readonly falls: Float64Array;
}

/** Highest number of quantities the catalogue can hold. */
const QUANTITY_SPAN = 1024;

/** Where each (meter, quantity) stands. */
export class Places {
  readonly #places = new Map<number, number>();

  /** The pair's place, given one at first sight. */
  take(meter: number, quantity: number): number {
    const key = meter * QUANTITY_SPAN + quantity;
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    this.#places.set(key, this.#places.size);
    return this.#places.size - 1;
  }

  /** -1 where it has none. */
  of(meter: number, quantity: number): number {
    return this.#places.get(meter * QUANTITY_SPAN + quantity) ?? -1;
  }
}

/** The question, each counter once, and the place of each that was asked for. */
export function askOf({ counters, from, to, step, origin }: CounterQuery): { readonly ask: CounterAsk; readonly places: Int32Array } {
  const known = new Places();
  const places = Int32Array.from(counters, ({ meter, quantity }) => known.take(meter, quantity));
  const size = places.reduce((most, place) => Math.max(most, place + 1), 0);
  const [meter, quantity] = [new Int32Array(size), new Int32Array(size)];
  for (const [at, place] of places.entries()) {
    meter[place] = counters[at]?.meter ?? 0;
    quantity[place] = counters[at]?.quantity ?? 0;
  }
  return { ask: { meter, quantity, from, to, step, origin }, places };
}

/** The answer as the port has it, in the order of the question. */
export function seriesOf({ counters }: Pick<CounterQuery, 'counters'>, places: Int32Array, answer: CounterAnswer): CounterSeries[] {
  const firstStep = new Int32Array(answer.beforeTs.length).fill(-1);
  for (let row = answer.place.length - 1; row >= 0; row--) firstStep[answer.place[row] as number] = row;
  return counters.map(({ meter, quantity }, at) => {
    const place = places[at] as number;
    const steps: CounterStep[] = [];
    for (let row = firstStep[place] as number; row >= 0 && answer.place[row] === place; row++) steps.push(stepAt(answer, row));
    return { meter, quantity, ...neighboursAt(answer, place), steps };
  });
}

const stepAt = (answer: CounterAnswer, row: number): CounterStep => ({
  at: answer.at[row] as number,
  first: { ts: answer.firstTs[row] as number, value: answer.firstValue[row] as number },
  last: { ts: answer.lastTs[row] as number, value: answer.lastValue[row] as number },
  rise: answer.rise[row] as number,
  falls: answer.falls[row] as number,
});
