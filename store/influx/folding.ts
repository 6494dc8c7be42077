import type { CounterStep, Step } from '../port.ts';
import { stepOf } from '../storable.ts';

/** Usable readings of one series in time order, as steps: what the server answers, for series that have corrections. */
export function foldSteps(points: Iterable<{ readonly ts: number; readonly value: number }>, step: number, origin: number): Step[] {
  const steps: Step[] = [];
  let at = Number.NaN;
  let count = 0;
  let sum = 0;
  let min = 0;
  let max = 0;
  let last = 0;
  const end = () => {
    if (count > 0) steps.push({ at, count, mean: sum / count, min, max, last });
  };
  for (const { ts, value } of points) {
    const start = stepOf(ts, step, origin);
    if (start !== at) {
      end();
      at = start;
      count = 0;
      sum = 0;
      min = value;
      max = value;
    }
    count++;
    sum += value;
    if (value < min) min = value;
    if (value > max) max = value;
    last = value;
  }
  end();
  return steps;
}

/** Follows one counter: give it the usable readings in time order, in as many parts as you like. */
export class CounterFold {
  readonly steps: CounterStep[] = [];
  readonly #step: number;
  readonly #origin: number;

  constructor(step: number, origin: number) {
    this.#step = step;
    this.#origin = origin;
  }

  add(ts: number, value: number): void {
    const at = stepOf(ts, this.#step, this.#origin);
    const open = this.steps.at(-1);
    if (open === undefined || open.at !== at) {
      this.steps.push({ at, first: { ts, value }, last: { ts, value }, rise: 0, falls: 0 });
      return;
    }
    const fell = value < open.last.value;
    this.steps[this.steps.length - 1] = {
      at,
      first: open.first,
      last: { ts, value },
      rise: open.rise + (fell ? value : value - open.last.value),
      falls: open.falls + (fell ? 1 : 0),
    };
  }
}
