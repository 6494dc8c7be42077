import type { Revision } from '../port.ts';
import type { InfluxConnection } from './connection.ts';
import { CORRECTIONS, type MeterNames, quantityCode } from './lines.ts';

/** What stands beside one reading, in the order in which it was put there. */
export type CorrectionsOfReading = readonly Revision[];

/** Corrections by series and time of the reading. There are few of them: people make them. */
export class Corrections {
  readonly #byReading = new Map<string, Map<number, Revision[]>>();

  static async read(connection: InfluxConnection, meters: MeterNames, condition: string): Promise<Corrections> {
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

  of(series: string, ts: number): CorrectionsOfReading {
    return this.#byReading.get(series)?.get(ts) ?? [];
  }

  /** The value that counts for a reading. */
  over(series: string, ts: number, value: number, quality: number): { readonly value: number; readonly quality: number } {
    return this.#byReading.get(series)?.get(ts)?.at(-1) ?? { value, quality };
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

export const seriesKey = (meter: number, quantity: number): string => `${meter}/${quantity}`;
