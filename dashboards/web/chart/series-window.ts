import type { EpochMs } from '../../../model/ids.ts';
import { isStale } from '../../../model/live.ts';
import type { QualityName } from '../../../model/quality.ts';
import { stepBegin } from './step-begin.ts';

/** A raw reading (`quality`), or a step with its mean and the extremes in it. */
export interface SeriesPoint {
  readonly ts: EpochMs;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
  readonly quality: QualityName;
}

/** Parallel arrays as a chart takes them; null is a gap. Times in ms. */
export interface Columns {
  readonly ts: readonly number[];
  readonly value: readonly (number | null)[];
  readonly min: readonly (number | null)[];
  readonly max: readonly (number | null)[];
  /** Values that may not be used (fault, calibration, …): shown as marks, never joined by the line. */
  readonly flagged: readonly (number | null)[];
}

/** Hard bound of a window's points, whatever comes in; the oldest go. */
export const MOST_POINTS = 10_000;

const USABLE: ReadonlySet<QualityName> = new Set(['good', 'estimated', 'corrected']);
const isShownInLine = (quality: QualityName): boolean => USABLE.has(quality);

/** What a chart shows of one series: points from the store, and live readings joined at the end. */
export class SeriesWindow {
  readonly step: number | null;
  readonly intervalSeconds: number;
  readonly zone: string;
  readonly points: SeriesPoint[];

  /** `step` in ms, null for raw; a step divides a day of `zone` or is one. Points in order of time. */
  constructor(step: number | null, intervalSeconds: number, zone: string, points: readonly SeriesPoint[]) {
    this.step = step;
    this.intervalSeconds = intervalSeconds;
    this.zone = zone;
    this.points = points.slice(-MOST_POINTS);
  }

  /** Joins a live reading; one that is not newer than the last is known already. Answers whether anything changed. */
  add(ts: EpochMs, value: number, quality: QualityName): boolean {
    const last = this.points.at(-1);
    if (this.step === null) {
      if (last !== undefined && ts <= last.ts) return false;
      this.points.push({ ts, value, min: value, max: value, count: 1, quality });
    } else {
      // Steps count usable readings alone, in the store and here.
      if (!isShownInLine(quality)) return false;
      const begin = stepBegin(ts, this.step, this.zone);
      if (last !== undefined && begin < last.ts) return false;
      if (last !== undefined && begin === last.ts) {
        const count = last.count + 1;
        this.points[this.points.length - 1] = {
          ...last,
          value: last.value + (value - last.value) / count,
          min: Math.min(last.min, value),
          max: Math.max(last.max, value),
          count,
        };
      } else this.points.push({ ts: begin, value, min: value, max: value, count: 1, quality: 'good' });
    }
    if (this.points.length > MOST_POINTS) this.points.splice(0, this.points.length - MOST_POINTS);
    return true;
  }

  /** Forgets what has left the window. */
  dropBefore(from: EpochMs): void {
    const first = this.points.findIndex((point) => point.ts >= from);
    if (first > 0) this.points.splice(0, first);
  }

  columns(): Columns {
    const ts: number[] = [];
    const [value, min, max, flagged]: (number | null)[][] = [[], [], [], []] as const;
    let before: EpochMs | null = null;
    for (const point of this.points) {
      if (before !== null && this.#isGap(before, point.ts)) {
        ts.push((before + point.ts) / 2);
        for (const column of [value, min, max, flagged]) column?.push(null);
      }
      const usable = isShownInLine(point.quality);
      ts.push(point.ts);
      value?.push(usable ? point.value : null);
      min?.push(usable ? point.min : null);
      max?.push(usable ? point.max : null);
      flagged?.push(usable ? null : point.value);
      before = point.ts;
    }
    return { ts, value: value ?? [], min: min ?? [], max: max ?? [], flagged: flagged ?? [] };
  }

  /** A line across an outage would claim what nobody measured. */
  #isGap(before: EpochMs, next: EpochMs): boolean {
    return this.step === null ? isStale(before, this.intervalSeconds, next) : next - before > Math.max(1.5 * this.step, 3000 * this.intervalSeconds);
  }
}
