import { isUsable, QUALITY } from '../../model/quality.ts';
import type { ReadingBlock } from '../../model/reading.ts';
import {
  CLOCK_CORRECTION,
  type Correction,
  type CounterPoint,
  type CounterQuery,
  type CounterSeries,
  type CounterStep,
  type NeighbourQuery,
  type Neighbours,
  type Revision,
  type SeriesQuery,
  type Step,
  type StoredReading,
} from '../../store/port.ts';
import { stepOf } from '../../store/storable.ts';

/** When a store made a correction of its own is its own affair. */
export const CLOCK_CORRECTED_AT = 0;

interface Held {
  readonly meter: number;
  readonly quantity: number;
  readonly ts: number;
  readonly revisions: Revision[];
}

/** What the contract of a reading store says, as plainly as it can be written: a list that is gone through for every question. */
export class ListedStore {
  #held: Held[] = [];

  write(block: ReadingBlock): { stored: number; duplicates: number } {
    let stored = 0;
    for (let row = 0; row < block.length; row++) {
      const which = { meter: block.meter[row] as number, quantity: block.quantity[row] as number, ts: block.ts[row] as number };
      const held = this.#one(which)?.revisions;
      if (held !== undefined) {
        if (held.length > 1 || held[0]?.quality !== QUALITY.clock || block.quality[row] === QUALITY.clock) continue;
        held.push({ value: block.value[row] as number, quality: block.quality[row] as number, correction: { ...CLOCK_CORRECTION, at: CLOCK_CORRECTED_AT } });
        stored++;
        continue;
      }
      this.#held.push({ ...which, revisions: [{ value: block.value[row] as number, quality: block.quality[row] as number, correction: null }] });
      stored++;
    }
    return { stored, duplicates: block.length - stored };
  }

  correct({ meter, quantity, ts, value, quality, author, reason, at }: Correction): void {
    this.#one({ meter, quantity, ts })?.revisions.push({ value, quality, correction: { author, reason, at } });
  }

  deleteBefore(before: number): number {
    const kept = this.#held.filter(({ ts }) => ts >= before);
    const gone = this.#held.length - kept.length;
    this.#held = kept;
    return gone;
  }

  revisions(meter: number, quantity: number, ts: number): readonly Revision[] {
    return this.#one({ meter, quantity, ts })?.revisions ?? [];
  }

  /** In order of meter and quantity. */
  latest(): readonly StoredReading[] {
    const newest = new Map<string, StoredReading>();
    for (const reading of this.#readings()) newest.set(`${reading.meter}/${reading.quantity}`, reading);
    return [...newest.values()].sort((a, b) => a.meter - b.meter || a.quantity - b.quantity);
  }

  raw({ limit, ...query }: SeriesQuery & { readonly limit: number }): readonly StoredReading[] {
    return this.#series(query).filter(within(query)).slice(0, limit);
  }

  steps({ step, origin, ...query }: SeriesQuery & { readonly step: number; readonly origin: number }): readonly Step[] {
    return this.#byStep(this.#series(query).filter(usable).filter(within(query)), step, origin).map(([at, readings]) => {
      const values = readings.map(({ value }) => value);
      const sum = values.reduce((total, value) => total + value, 0);
      return { at, count: values.length, mean: sum / values.length, min: Math.min(...values), max: Math.max(...values), last: values.at(-1) as number };
    });
  }

  counters({ counters, from, to, step, origin }: CounterQuery): readonly CounterSeries[] {
    return counters.map(({ meter, quantity }) => {
      const series = this.#series({ meter, quantity }).filter(usable);
      const before = series.filter(({ ts }) => ts < from).at(-1);
      const after = series.find(({ ts }) => ts >= to);
      const steps = this.#byStep(series.filter(within({ from, to })), step, origin).map(([at, readings]): CounterStep => {
        const moves = readings.slice(1).map(({ value }, index) => ({ value, previous: (readings[index] as StoredReading).value }));
        return {
          at,
          first: pointOf(readings[0] as StoredReading),
          last: pointOf(readings.at(-1) as StoredReading),
          rise: moves.reduce((sum, { value, previous }) => sum + (value < previous ? value : value - previous), 0),
          falls: moves.filter(({ value, previous }) => value < previous).length,
        };
      });
      return { meter, quantity, before: before === undefined ? null : pointOf(before), after: after === undefined ? null : pointOf(after), steps };
    });
  }

  neighbours({ points, reach }: NeighbourQuery): readonly Neighbours[] {
    return points.map(({ ts, ...which }) => {
      const series = this.#series(which).filter(usable);
      const before = series.filter((reading) => reading.ts < ts && reading.ts >= ts - reach).at(-1);
      const after = series.find((reading) => reading.ts >= ts && reading.ts <= ts + reach);
      return { before: before === undefined ? null : pointOf(before), after: after === undefined ? null : pointOf(after) };
    });
  }

  /** Every reading that there is. */
  all(): readonly { readonly meter: number; readonly quantity: number; readonly ts: number }[] {
    return this.#held.map(({ meter, quantity, ts }) => ({ meter, quantity, ts }));
  }

  #one(which: { readonly meter: number; readonly quantity: number; readonly ts: number }): Held | undefined {
    return this.#held.find(({ meter, quantity, ts }) => meter === which.meter && quantity === which.quantity && ts === which.ts);
  }

  /** As they read now, in order of time. */
  #readings(): readonly StoredReading[] {
    return this.#held
      .map(({ meter, quantity, ts, revisions }) => {
        const { value, quality } = revisions.at(-1) as Revision;
        return { meter, quantity, ts, value, quality };
      })
      .sort((a, b) => a.ts - b.ts);
  }

  #series(which: { readonly meter: number; readonly quantity: number }): readonly StoredReading[] {
    return this.#readings().filter(({ meter, quantity }) => meter === which.meter && quantity === which.quantity);
  }

  #byStep(readings: readonly StoredReading[], step: number, origin: number): (readonly [at: number, readings: readonly StoredReading[]])[] {
    const byStep = new Map<number, StoredReading[]>();
    for (const reading of readings) {
      const at = stepOf(reading.ts, step, origin);
      byStep.set(at, [...(byStep.get(at) ?? []), reading]);
    }
    return [...byStep];
  }
}

const usable = ({ quality }: StoredReading): boolean => isUsable(quality);
const within =
  ({ from, to }: { readonly from: number; readonly to: number }) =>
  ({ ts }: StoredReading): boolean =>
    ts >= from && ts < to;
const pointOf = ({ ts, value }: StoredReading): CounterPoint => ({ ts, value });
