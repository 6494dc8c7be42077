import type { EpochMs } from '../../model/ids.ts';
import type { TimeFormat } from './time-format.ts';
import { WallClock } from './zone.ts';

const DAY = 86_400_000;

/** Where a recording's times come from: columns that are read, or a beginning and a step where the file has none. */
export type TimePlan =
  | {
      readonly from: 'columns';
      readonly columns: readonly string[];
      readonly format: TimeFormat;
      readonly formatText: string;
      readonly zone: string | null;
      readonly midnight: 'opens-day' | 'closes-day';
      readonly shiftMs: number;
    }
  | { readonly from: 'rows'; readonly start: EpochMs; readonly stepMs: number };

export type TimeFault = { readonly reason: 'bad-time' | 'time-not-in-zone'; readonly detail: string };

/** Gives each row its time. Keeps the last one of each meter: it tells which of two equal wall-clock hours a row means. */
export class Timeline {
  readonly #plan: TimePlan;
  readonly #clock: WallClock | null;
  readonly #last: Map<string, EpochMs>;

  /** `lastTimes`: those that an earlier one came to over the rows before. */
  constructor(plan: TimePlan, lastTimes: Readonly<Record<string, EpochMs>> = {}) {
    this.#plan = plan;
    this.#last = new Map(Object.entries(lastTimes));
    this.#clock = plan.from === 'columns' && plan.zone !== null ? new WallClock(plan.zone) : null;
  }

  lastTimes(): Record<string, EpochMs> {
    return Object.fromEntries(this.#last);
  }

  /** `row` counts the file's rows of data from 0, refused ones included; `text` is the time columns joined by a space. */
  timeOf(row: number, text: string, meter: string): EpochMs | TimeFault {
    const plan = this.#plan;
    if (plan.from === 'rows') return plan.start + row * plan.stepMs;
    const written = plan.format.read(text);
    if (written === null) return { reason: 'bad-time', detail: `${JSON.stringify(text.slice(0, 64))} is not a time of the format ${plan.formatText}` };
    const closing = written.midnight && plan.midnight === 'closes-day' ? DAY : 0;
    if (written.kind === 'instant') return written.ms + closing + plan.shiftMs;
    if (this.#clock === null) return { reason: 'bad-time', detail: `${JSON.stringify(text.slice(0, 64))} has no offset, and the mapping names no zone` };
    const instants = this.#clock.instants(written.ms + closing);
    const [first, second] = instants;
    if (first === undefined)
      return { reason: 'time-not-in-zone', detail: `${JSON.stringify(text)} does not exist in ${plan.zone}: the clock was set forward past it` };
    const last = this.#last.get(meter) ?? Number.NEGATIVE_INFINITY;
    // Set back: the same hour is shown twice, and the second one follows the first in the file.
    const chosen = second !== undefined && first <= last ? second : first;
    this.#last.set(meter, chosen);
    return chosen + plan.shiftMs;
  }
}
