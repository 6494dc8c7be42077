import { COLUMN_GROWTH, grown } from '../model/columns.ts';
import type { EpochMs } from '../model/ids.ts';
import { periodOf } from '../model/period.ts';
import type { RegisterMove } from '../model/register-change.ts';
import { riseAcross } from './register-changes.ts';

export const TALLIED = ['day', 'month', 'year'] as const;
export type TalliedPeriod = (typeof TALLIED)[number];
const PERIODS = TALLIED.length;

/** Calendar periods of one zone that hold the newest reading seen; asked again only when a reading falls outside. */
class ZonePeriods {
  readonly #zone: string;
  readonly from = new Float64Array(PERIODS).fill(Number.NaN);
  readonly to = new Float64Array(PERIODS).fill(Number.NaN);

  constructor(zone: string) {
    this.#zone = zone;
  }

  moveTo(ts: EpochMs): void {
    if (ts >= (this.from[0] as number) && ts < (this.to[0] as number)) return;
    for (const [at, period] of TALLIED.entries()) {
      const span = periodOf(ts, period, this.#zone);
      this.from[at] = span.from;
      this.to[at] = span.to;
    }
  }
}

/** What a counter came to in one period, up to the reading of `lastTs`. */
export interface Tallied {
  readonly from: EpochMs;
  readonly amount: number;
  readonly lastTs: EpochMs;
  readonly lastValue: number;
}

/** The running figures of counters, in columns that grow: there is one for nearly every meter. */
export class CounterTallies {
  readonly #zones: ZonePeriods[] = [];
  readonly #zoneNumbers = new Map<string, number>();
  #count = 0;
  #zoneOf = new Uint16Array(256);
  #lastTs = new Float64Array(256);
  #lastValue = new Float64Array(256);
  /** First instant of the period that each amount belongs to: day, month and year of one counter after another. */
  #periodFrom = new Float64Array(256 * PERIODS);
  #amount = new Float64Array(256 * PERIODS);

  /** A new counter, by its number. */
  open(zone: string): number {
    if (this.#count === this.#zoneOf.length) this.#grow();
    const counter = this.#count++;
    this.#lastTs[counter] = Number.NaN;
    this.#lastValue[counter] = Number.NaN;
    this.#periodFrom.fill(Number.NaN, counter * PERIODS, (counter + 1) * PERIODS);
    this.setZone(counter, zone);
    return counter;
  }

  setZone(counter: number, zone: string): void {
    let number = this.#zoneNumbers.get(zone);
    if (number === undefined) {
      number = this.#zones.push(new ZonePeriods(zone)) - 1;
      this.#zoneNumbers.set(zone, number);
    }
    this.#zoneOf[counter] = number;
  }

  add(counter: number, ts: EpochMs, value: number, move?: RegisterMove): void {
    const zone = this.#zones[this.#zoneOf[counter] as number] as ZonePeriods;
    zone.moveTo(ts);
    const began = this.#lastTs[counter] as number;
    const rise = Number.isNaN(began) ? 0 : riseAcross(this.#lastValue[counter] as number, value, move);
    for (let period = 0; period < PERIODS; period++) {
      const at = counter * PERIODS + period;
      const from = zone.from[period] as number;
      if (this.#periodFrom[at] !== from) {
        this.#periodFrom[at] = from;
        this.#amount[at] = 0;
      }
      const share = began >= from ? 1 : (ts - from) / (ts - began);
      if (rise !== 0) this.#amount[at] = (this.#amount[at] as number) + rise * share;
    }
    this.#lastTs[counter] = ts;
    this.#lastValue[counter] = value;
  }

  /** Usage in the period that began at `from`; 0 when nothing was read in it. */
  amountIn(counter: number, period: number, from: EpochMs): number {
    const at = counter * PERIODS + period;
    return this.#periodFrom[at] === from ? (this.#amount[at] as number) : 0;
  }

  /** Takes the figures of day, month and year. They were asked for one after the other: all are brought to the newest point known. */
  seed(counter: number, known: readonly (Tallied | null)[]): void {
    let newest: Tallied | null = null;
    for (const one of known) if (one !== null && (newest === null || one.lastTs > newest.lastTs)) newest = one;
    if (newest === null) return;
    for (const [period, one] of known.entries()) {
      if (one === null) continue;
      const since = newest.lastTs === one.lastTs ? 0 : riseAcross(one.lastValue, newest.lastValue);
      this.#periodFrom[counter * PERIODS + period] = one.from;
      this.#amount[counter * PERIODS + period] = one.amount + since;
    }
    this.#lastTs[counter] = newest.lastTs;
    this.#lastValue[counter] = newest.lastValue;
  }

  #grow(): void {
    const capacity = this.#zoneOf.length * COLUMN_GROWTH;
    this.#zoneOf = grown(this.#zoneOf, new Uint16Array(capacity));
    this.#lastTs = grown(this.#lastTs, new Float64Array(capacity));
    this.#lastValue = grown(this.#lastValue, new Float64Array(capacity));
    this.#periodFrom = grown(this.#periodFrom, new Float64Array(capacity * PERIODS));
    this.#amount = grown(this.#amount, new Float64Array(capacity * PERIODS));
  }
}
