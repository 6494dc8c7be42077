import type { EpochMs } from '../../model/ids.ts';
import { DAY_MS, dayOf, dayStart, EPOCH, HOUR_MS, KNOT_MS, KNOTS_PER_DAY } from './calendar.ts';
import { unit } from './noise.ts';

/** A rate over time (kW, m³/h, t/h …) with the register that counts it. */
export interface Flow {
  /** The rate at an instant. */
  at(ts: EpochMs): number;
  /** Its exact integral since the epoch, in rate × hours. */
  total(ts: EpochMs): number;
}

const KNOT_HOURS = KNOT_MS / HOUR_MS;
const KEPT_DAYS = 4;
const TAU = 2 * Math.PI;

interface DayCurve {
  readonly knots: Float64Array;
  /** Integral from the day's start to each knot. */
  readonly sums: Float64Array;
}

/**
 * A rate given at knots since the epoch (`knotValue`, a pure function of the knot's number), straight between two knots, plus a
 * ripple that is zero at every knot and sums to nothing between two. So the integral over any span is known exactly: the
 * trapezoids of the knots and the ripple's own antiderivative. Sums per day are kept, later days are summed up when asked for.
 */
export class Signal implements Flow {
  readonly #knotValue: (knot: number) => number;
  readonly #ripple: number;
  readonly #ceiling: number;
  readonly #seed: number;
  readonly #stream: number;
  readonly #days = new Map<number, DayCurve>();
  /** Integral from the epoch to the start of each day. */
  readonly #prefix: number[] = [0];

  /** `ripple` is a share of the level, below 1; the ripple never passes `ceiling`. */
  constructor(
    knotValue: (knot: number) => number,
    options: { readonly seed: number; readonly stream: number; readonly ripple?: number; readonly ceiling?: number },
  ) {
    this.#knotValue = knotValue;
    this.#ripple = options.ripple ?? 0;
    this.#ceiling = options.ceiling ?? Number.POSITIVE_INFINITY;
    this.#seed = options.seed;
    this.#stream = options.stream;
  }

  at(ts: EpochMs): number {
    const day = dayOf(ts);
    const position = (ts - dayStart(day)) / KNOT_MS;
    const index = Math.floor(position);
    const { knots } = this.#curve(day);
    const left = knots[index] as number;
    const right = knots[index + 1] as number;
    const u = position - index;
    return left + (right - left) * u + this.#wave(day * KNOTS_PER_DAY + index, left, right, u, false);
  }

  total(ts: EpochMs): number {
    const day = dayOf(ts);
    this.sumUpTo(day);
    const position = (ts - dayStart(day)) / KNOT_MS;
    const index = Math.floor(position);
    const { knots, sums } = this.#curve(day);
    const left = knots[index] as number;
    const right = knots[index + 1] as number;
    const u = position - index;
    const inside = left * u + ((right - left) * u * u) / 2 + this.#wave(day * KNOTS_PER_DAY + index, left, right, u, true);
    return (this.#prefix[day] as number) + (sums[index] as number) + inside * KNOT_HOURS;
  }

  /** The value at a knot. */
  knot(knot: number): number {
    const day = Math.floor(knot / KNOTS_PER_DAY);
    return this.#curve(day).knots[knot - day * KNOTS_PER_DAY] as number;
  }

  /** Sums whole days up to the start of `day`; asked for in small portions it keeps a start from stalling. */
  sumUpTo(day: number): void {
    for (let known = this.#prefix.length - 1; known < day; known++) {
      this.#prefix.push((this.#prefix[known] as number) + (this.#curve(known).sums[KNOTS_PER_DAY] as number));
    }
  }

  /** The ripple at `u` of an interval, or its integral from the interval's start (in intervals). */
  #wave(interval: number, left: number, right: number, u: number, integral: boolean): number {
    if (this.#ripple === 0) return 0;
    const amplitude = this.#ripple * Math.max(0, Math.min(left, right, this.#ceiling - Math.max(left, right)));
    if (amplitude === 0) return 0;
    const dice = unit(this.#seed, this.#stream ^ 0x5bd1e995, interval);
    const slow = TAU * (1 + Math.floor(dice * 3));
    const fast = TAU * (5 + Math.floor((dice * 64) % 7));
    const sign = (dice * 1024) % 2 < 1 ? 0.6 : -0.6;
    return integral
      ? amplitude * ((sign * (1 - Math.cos(slow * u))) / slow + (0.4 * (1 - Math.cos(fast * u))) / fast)
      : amplitude * (sign * Math.sin(slow * u) + 0.4 * Math.sin(fast * u));
  }

  #curve(day: number): DayCurve {
    const known = this.#days.get(day);
    if (known !== undefined) return known;
    const knots = new Float64Array(KNOTS_PER_DAY + 1);
    const sums = new Float64Array(KNOTS_PER_DAY + 1);
    const first = day * KNOTS_PER_DAY;
    for (let at = 0; at <= KNOTS_PER_DAY; at++) knots[at] = this.#knotValue(first + at);
    for (let at = 0; at < KNOTS_PER_DAY; at++) {
      sums[at + 1] = (sums[at] as number) + (((knots[at] as number) + (knots[at + 1] as number)) / 2) * KNOT_HOURS;
    }
    if (this.#days.size >= KEPT_DAYS) this.#days.delete(this.#days.keys().next().value as number);
    const curve = { knots, sums };
    this.#days.set(day, curve);
    return curve;
  }
}

/** Σ factor × flow + constant: what a meter above others sees. Exact, as every part of it is. */
export function combine(terms: readonly (readonly [flow: Flow, factor: number])[], constant = 0): Flow {
  return {
    at: (ts) => terms.reduce((sum, [flow, factor]) => sum + factor * flow.at(ts), constant),
    total: (ts) => terms.reduce((sum, [flow, factor]) => sum + factor * flow.total(ts), (constant * (ts - EPOCH)) / HOUR_MS),
  };
}

/** Integral from the start of the day that holds `ts`. */
export const sinceMidnight = (flow: Flow, ts: EpochMs): number => flow.total(ts) - flow.total(ts - ((ts - EPOCH) % DAY_MS));
