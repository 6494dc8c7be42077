import { findQuantity } from '../../../model/quantities.ts';
import type { Window } from '../chart/ranges.ts';
import type { Columns, SeriesWindow } from '../chart/series-window.ts';
import { whole } from '../format.ts';
import { quantityName } from './meters.ts';
import type { Reader } from './reader.ts';

/** Rows of the chart's table; more are found by choosing a shorter time. */
const MOST_ROWS = 500;

/** What the chart shows, in one sentence for those who do not see it. */
export function seriesSummary(columns: Columns, quantity: string, shown: Window, { text, format, language }: Reader): string {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let last: number | null = null;
  for (let i = 0; i < columns.ts.length; i++) {
    const [value, low, high] = [columns.value[i], columns.min[i], columns.max[i]];
    if (value === null || value === undefined || low === null || low === undefined || high === null || high === undefined) continue;
    min = Math.min(min, low);
    max = Math.max(max, high);
    last = value;
  }
  if (last === null) return `${quantityName(language, quantity)}: ${text('chart.none')}`;
  const figure = (value: number) => whole(format.quantity(quantity, value));
  return text('chart.summary', {
    quantity: quantityName(language, quantity),
    unit: findQuantity(quantity)?.unit ?? '',
    from: format.dayMinute(shown.from),
    to: format.dayMinute(shown.to),
    min: figure(min),
    max: figure(max),
    last: figure(last),
  });
}

/** The same data as rows, newest first. */
export function seriesTable(
  series: SeriesWindow,
  quantity: string,
  { text, format }: Reader,
): { readonly ts: number; readonly time: string; readonly value: string; readonly min: string; readonly max: string; readonly quality: string }[] {
  const figure = (value: number) => whole(format.quantity(quantity, value));
  return series.points
    .slice(-MOST_ROWS)
    .reverse()
    .map((point) => ({
      ts: point.ts,
      time: format.full(point.ts),
      value: figure(point.value),
      min: figure(point.min),
      max: figure(point.max),
      quality: text(`quality.${point.quality}`),
    }));
}
