import { isUsable } from '../../model/quality.ts';
import type { CounterPoint, Revision } from '../port.ts';
import type { InfluxConnection } from './connection.ts';
import { CORRECTIONS, type MeterNames, quantityCode, quantityName, tagIn, within } from './lines.ts';

/** What stands beside one reading, in the order in which it was put there. */
export type CorrectionsOfReading = readonly Revision[];

/** Corrections by series and time of the reading. There are few of them: people make them, and clocks that were wrong. */
export class Corrections {
  readonly #byReading = new Map<string, Map<number, Revision[]>>();

  /** Those of the series, or of more. */
  static ofSeries(
    connection: Pick<InfluxConnection, 'query'>,
    meters: MeterNames,
    series: Iterable<{ readonly meter: number; readonly quantity: number }>,
  ): Promise<Corrections> {
    return Corrections.read(connection, meters, seriesIn(meters, series));
  }

  /** Those of readings at these points, or of more. */
  static at(
    connection: Pick<InfluxConnection, 'query'>,
    meters: MeterNames,
    points: readonly { readonly meter: number; readonly quantity: number; readonly ts: number }[],
  ): Promise<Corrections> {
    const [from, to] = points.reduce(
      ([first, last], { ts }) => [Math.min(first, ts), Math.max(last, ts)],
      [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    );
    return Corrections.read(connection, meters, `${within(from, to + 1)} AND ${seriesIn(meters, points)}`);
  }

  static async read(connection: Pick<InfluxConnection, 'query'>, meters: MeterNames, condition: string): Promise<Corrections> {
    const corrections = new Corrections();
    const [series = []] = await connection.query(
      `SELECT value, quality, author, reason, made FROM ${CORRECTIONS} WHERE ${condition} GROUP BY "meter", "quantity", "number"`,
    );
    const inOrder = [...series].sort((a, b) => Number(a.tags?.['number']) - Number(b.tags?.['number']));
    for (const { tags, values } of inOrder) {
      const meter = meters.ordinalOf(tags?.['meter'] ?? '');
      const quantity = quantityCode(tags?.['quantity']);
      if (meter === undefined || quantity === undefined) continue;
      for (const [ts, value, quality, author, reason, made] of values) {
        corrections.#add(seriesKey(meter, quantity), Number(ts), {
          value: Number(value),
          quality: Number(quality),
          correction: { author: String(author), reason: String(reason), at: Number(made) },
        });
      }
    }
    return corrections;
  }

  get none(): boolean {
    return this.#byReading.size === 0;
  }

  touches(series: string): boolean {
    return this.#byReading.has(series);
  }

  /** How many readings of the series are corrected. */
  countOf(series: string): number {
    return this.#byReading.get(series)?.size ?? 0;
  }

  of(series: string, ts: number): CorrectionsOfReading {
    return this.#byReading.get(series)?.get(ts) ?? [];
  }

  /** The value that counts for a reading. */
  over(series: string, ts: number, value: number, quality: number): { readonly value: number; readonly quality: number } {
    return this.#byReading.get(series)?.get(ts)?.at(-1) ?? { value, quality };
  }

  /** The readings of [from, to) that are usable now, in order of time, from those that were usable as they were sent. */
  usable(series: string, sent: readonly CounterPoint[], { from, to }: { readonly from: number; readonly to: number }): readonly CounterPoint[] {
    const corrected = this.#byReading.get(series);
    if (corrected === undefined) return sent;
    const usable = sent.filter(({ ts }) => !corrected.has(ts));
    for (const [ts, revisions] of corrected) {
      const now = revisions.at(-1);
      if (now !== undefined && isUsable(now.quality) && ts >= from && ts < to) usable.push({ ts, value: now.value });
    }
    return usable.sort((a, b) => a.ts - b.ts);
  }

  #add(series: string, ts: number, revision: Revision): void {
    let ofSeries = this.#byReading.get(series);
    if (ofSeries === undefined) {
      ofSeries = new Map();
      this.#byReading.set(series, ofSeries);
    }
    const list = ofSeries.get(ts);
    if (list === undefined) ofSeries.set(ts, [revision]);
    else list.push(revision);
  }
}

/** Condition for the corrections of the series, or of more. */
function seriesIn(meters: MeterNames, series: Iterable<{ readonly meter: number; readonly quantity: number }>): string {
  const ids = new Set<string>();
  const quantities = new Set<string>();
  for (const { meter, quantity } of series) {
    ids.add(meters.idOf(meter));
    quantities.add(quantityName(quantity));
  }
  return `${tagIn('meter', ids)} AND ${tagIn('quantity', quantities)}`;
}

export const seriesKey = (meter: number, quantity: number): string => `${meter}/${quantity}`;
