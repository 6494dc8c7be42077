import 'uplot/dist/uPlot.min.css';
import uPlot from 'uplot';
import type { Format } from '../format.ts';
import type { Window } from './ranges.ts';
import type { Columns } from './series-window.ts';

export interface ChartOptions {
  /** Are the points steps with a band from min to max? Asked at each drawing. */
  readonly banded: () => boolean;
  readonly digits: number;
  readonly unit: string;
  readonly format: Format;
  readonly labels: { readonly time: string; readonly value: string; readonly min: string; readonly max: string; readonly flagged: string };
  readonly onSelect: (window: Window) => void;
  /** Zoom by a factor about a place, 0 to 1 of the width. */
  readonly onWheel: (factor: number, at: number) => void;
}

export interface DrawnChart {
  show(columns: Columns, window: Window): void;
  destroy(): void;
}

const HOUR = 3600;
const DAY = 24 * HOUR;

/** Draws into `place`, in the colours that its style gives, as wide as it is. Times on the axis are in the format's zone. */
export function drawChart(place: HTMLElement, options: ChartOptions): DrawnChart {
  const style = getComputedStyle(place);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const { format, labels } = options;
  const tick = (value: number, span: number, step: number): string => {
    const ts = value * 1000;
    if (step >= 27 * DAY) return format.month(ts);
    if (step >= DAY) return format.day(ts);
    if (span > 2 * DAY) return format.dayMinute(ts);
    return step < 60 ? format.clock(ts) : format.minute(ts);
  };
  const shownValue = (_chart: uPlot, value: number | null): string =>
    value === null ? '–' : `${format.number(value, options.digits)}${options.unit === '' ? '' : ` ${options.unit}`}`;
  const font = `12px ${style.fontFamily}`;
  const axis: uPlot.Axis = {
    stroke: colour('--ink-soft'),
    font,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1, size: 5 },
  };
  const line = colour('--bar');
  let window: Window = { from: 0, to: 1 };
  const size = () => ({ width: Math.max(200, place.clientWidth), height: Math.max(220, place.clientHeight) });
  // Several charts side by side would need the zone per chart; ticks fall on the zone's full hours and days.
  const chart = new uPlot(
    {
      ...size(),
      tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), format.zone),
      padding: [10, 34, 0, 0],
      cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
      legend: { live: true },
      scales: { x: { time: true, range: () => [window.from / 1000, window.to / 1000] }, y: { range: (_chart, min, max) => roomy(min, max) } },
      axes: [
        {
          ...axis,
          space: 76,
          values: (self, splits, _axis, _space, step) => splits.map((split) => tick(split, (self.scales['x']?.max ?? 0) - (self.scales['x']?.min ?? 0), step)),
        },
        {
          ...axis,
          size: (_self, values) => Math.max(46, 14 + 7.4 * Math.max(0, ...(values ?? []).map((value) => value.length))),
          values: (_self, splits) => ticksOf(splits, format),
        },
      ],
      series: [
        { label: labels.time, value: (_self, value) => (value === null ? '–' : format.full(value * 1000)) },
        { label: labels.max, stroke: 'transparent', points: { show: false }, value: shownValue },
        { label: labels.min, stroke: 'transparent', points: { show: false }, value: shownValue },
        { label: labels.value, stroke: line, width: 1.8, points: { show: false }, value: shownValue },
        {
          label: labels.flagged,
          stroke: colour('--orange'),
          paths: () => null,
          points: { show: true, size: 7, stroke: colour('--orange'), fill: colour('--surface'), width: 1.6 },
          value: shownValue,
        },
      ],
      bands: [{ series: [1, 2], fill: colour('--band') }],
      hooks: {
        setSelect: [
          (self) => {
            const { left, width } = self.select;
            if (width < 6) return;
            const at = (px: number) => self.posToVal(px, 'x') * 1000;
            const selected = { from: at(left), to: at(left + width) };
            self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            options.onSelect(selected);
          },
        ],
      },
    },
    [[], [], [], [], []],
    place,
  );
  const wheel = (event: WheelEvent) => {
    // Without the key the wheel scrolls the page, as everywhere else.
    if (!event.shiftKey && !event.ctrlKey) return;
    event.preventDefault();
    const box = chart.over.getBoundingClientRect();
    options.onWheel((event.deltaY || event.deltaX) < 0 ? 0.7 : 1 / 0.7, (event.clientX - box.left) / box.width);
  };
  chart.over.addEventListener('wheel', wheel, { passive: false });
  const resized = new ResizeObserver(() => chart.setSize(size()));
  resized.observe(place);
  return {
    show(columns, shown) {
      window = shown;
      const nothing = columns.ts.map(() => null);
      const banded = options.banded();
      chart.setData([
        columns.ts.map((ts) => ts / 1000),
        banded ? [...columns.max] : nothing,
        banded ? [...columns.min] : nothing,
        [...columns.value],
        [...columns.flagged],
      ]);
    },
    destroy() {
      resized.disconnect();
      chart.over.removeEventListener('wheel', wheel);
      chart.destroy();
    },
  };
}

/** A little air above and below; a flat line lies in the middle. */
function roomy(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
  const pad = max > min ? (max - min) * 0.08 : Math.max(Math.abs(max) * 0.05, 0.5);
  // From zero up there is nothing below zero to show.
  return [min >= 0 && min - pad < 0 ? 0 : min - pad, max + pad];
}

function ticksOf(splits: readonly number[], format: Format): string[] {
  const step = Math.abs((splits[1] ?? 1) - (splits[0] ?? 0));
  const digits = Math.min(6, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));
  return splits.map((split) => format.number(split, digits));
}
