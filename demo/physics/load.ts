import { type DayType, dayType, KNOTS_PER_DAY, KNOTS_PER_HOUR } from './calendar.ts';
import { smooth, unit } from './noise.ts';
import { Signal } from './signal.ts';
import type { Weather } from './weather.ts';

/** Share of the full load at each full hour 0 to 23. */
type HourTable = readonly number[];

interface Shape {
  readonly workday: HourTable;
  readonly saturday: HourTable;
  readonly sunday: HourTable;
  readonly holiday: HourTable;
}

const hours = (...spans: readonly (readonly [untilHour: number, share: number])[]): HourTable => {
  const table: number[] = [];
  for (const [until, share] of spans) while (table.length < until) table.push(share);
  return table;
};
const flat = (share: number): HourTable => hours([24, share]);

const ONE_SHIFT = hours([7, 0.12], [8, 0.4], [9, 0.85], [12, 1], [13, 0.55], [14, 0.9], [18, 1], [19, 0.5], [21, 0.22], [24, 0.12]);
const TWO_SHIFT = hours([5, 0.16], [6, 0.35], [7, 0.8], [12, 1], [13, 0.72], [18, 1], [19, 0.75], [22, 0.95], [23, 0.45], [24, 0.2]);
const THREE_SHIFT = hours([7, 0.88], [8, 0.78], [12, 1], [13, 0.9], [15, 1], [16, 0.85], [20, 0.98], [23, 0.93], [24, 0.8]);

/** Daily patterns of work. The tables are this project's own, in the shape that load studies of such trades show. */
const SHAPES = {
  'one-shift': { workday: ONE_SHIFT, saturday: hours([7, 0.12], [9, 0.4], [12, 0.6], [24, 0.12]), sunday: flat(0.11), holiday: flat(0.08) },
  'two-shift': { workday: TWO_SHIFT, saturday: TWO_SHIFT.map((share) => share * 0.85), sunday: flat(0.16), holiday: flat(0.1) },
  'three-shift': { workday: THREE_SHIFT, saturday: THREE_SHIFT, sunday: THREE_SHIFT.map((share) => share * 0.94), holiday: flat(0.5) },
  continuous: { workday: flat(0.97), saturday: flat(0.97), sunday: flat(0.96), holiday: flat(0.92) },
  office: {
    workday: hours([7, 0.15], [8, 0.5], [12, 1], [13, 0.7], [18, 1], [20, 0.5], [24, 0.18]),
    saturday: flat(0.2),
    sunday: flat(0.15),
    holiday: flat(0.15),
  },
  lighting: {
    workday: hours([6, 0.95], [7, 0.4], [18, 0.03], [19, 0.6], [24, 1]),
    saturday: hours([6, 0.95], [7, 0.4], [18, 0.03], [19, 0.6], [24, 1]),
    sunday: hours([6, 0.95], [7, 0.4], [18, 0.03], [19, 0.6], [24, 1]),
    holiday: hours([6, 1], [7, 0.4], [18, 0.03], [19, 0.7], [24, 1]),
  },
  charging: {
    workday: hours([6, 0.5], [8, 0.2], [11, 0.45], [14, 0.8], [17, 0.5], [22, 0.6], [24, 0.9]),
    saturday: flat(0.35),
    sunday: flat(0.3),
    holiday: flat(0.25),
  },
} as const satisfies Record<string, Shape>;
type ShapeName = keyof typeof SHAPES;

/** One consumer of something: its full load, when it works and what moves it. */
export interface LoadSpec {
  /** Full load in the flow's unit (kW, m³/h, t/h, GJ/h). */
  readonly full: number;
  readonly shape: ShapeName;
  /** Slow noise as a share of the level; 0.04 where left out. */
  readonly noise?: number;
  /** Rises by `perDegree` of the level for each °C above (`cooling`) or below (`heating`) `from`. */
  readonly climate?: { readonly kind: 'cooling' | 'heating'; readonly from: number; readonly perDegree: number };
  /** On this share of the days the load between 07:00 and 22:00 is higher by `by` (a share of the level): a rush order. */
  readonly rush?: { readonly chance: number; readonly by: number };
  /** Ripple within five minutes, as a share of the level; 0.04 where left out. */
  readonly ripple?: number;
}

/** Rises from 0 to 1 and back: 0 outside (begin, end), 1 between begin + ramp and end - ramp. */
export function window(x: number, begin: number, end: number, ramp: number): number {
  return Math.max(0, Math.min(1, (x - begin) / ramp, (end - x) / ramp));
}

/** The share of full load at a knot, straight between the full hours. */
function activity(shape: Shape, knot: number): number {
  const hour = Math.floor(knot / KNOTS_PER_HOUR);
  const u = knot / KNOTS_PER_HOUR - hour;
  const left = shareAt(shape, hour);
  return left + (shareAt(shape, hour + 1) - left) * u;
}

const types = new Map<number, DayType>();
function shareAt(shape: Shape, hour: number): number {
  const day = Math.floor(hour / 24);
  let type = types.get(day);
  if (type === undefined) {
    type = dayType(day);
    types.set(day, type);
  }
  return shape[type][hour - day * 24] as number;
}

/** The consumer's flow as a signal. */
export function loadSignal(spec: LoadSpec, seed: number, stream: number, weather: Weather): Signal {
  const shape = SHAPES[spec.shape];
  const noise = spec.noise ?? 0.04;
  const { climate, rush } = spec;
  return new Signal(
    (knot) => {
      let value = spec.full * activity(shape, knot);
      value *= 1 + 0.03 * smooth(seed, stream + 1, knot / KNOTS_PER_DAY + 0.5);
      value *= 1 + noise * (0.6 * smooth(seed, stream + 2, knot / 14) + 0.4 * smooth(seed, stream + 3, knot / 2.5));
      if (climate !== undefined) {
        const degrees = climate.kind === 'cooling' ? weather.temperature.knot(knot) - climate.from : climate.from - weather.temperature.knot(knot);
        value *= 1 + climate.perDegree * Math.max(0, degrees);
      }
      if (rush !== undefined) {
        const day = Math.floor(knot / KNOTS_PER_DAY);
        if (unit(seed, stream + 4, day) < rush.chance) value *= 1 + rush.by * window((knot - day * KNOTS_PER_DAY) / KNOTS_PER_HOUR, 7, 22, 1);
      }
      return Math.max(0, value);
    },
    { seed, stream, ripple: spec.ripple ?? 0.04 },
  );
}
