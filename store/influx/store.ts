import { GreenparkError } from '../../model/errors.ts';
import { isUsable } from '../../model/quality.ts';
import type { ReadingBlock } from '../../model/reading.ts';
import type { Correction, CounterQuery, CounterSeries, RawSeries, ReadingStore, Revision, SeriesQuery, Step, StoredReading, WriteResult } from '../port.ts';
import { requireStorable, requireWhole } from '../storable.ts';
import type { InfluxConnection } from './connection.ts';
import { Corrections, seriesKey } from './corrections.ts';
import { readCounters } from './counters.ts';
import { foldSteps } from './folding.ts';
import { knownRows } from './known-rows.ts';
import { CORRECTIONS, LineWriter, type MeterNames, quantityCode, quantityTag, READINGS, tagIn, USABLE, within } from './lines.ts';

/** Readings in an InfluxDB. A block is one write request, which the server takes whole or refuses. */
export class InfluxStore implements ReadingStore {
  readonly #connection: InfluxConnection;
  readonly #meters: MeterNames;
  readonly #lines: LineWriter;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #writes = new Set<Promise<unknown>>();
  /** Late blocks and corrections look before they write, one after the other. */
  #lookers: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(connection: InfluxConnection, meters: MeterNames) {
    this.#connection = connection;
    this.#meters = meters;
    this.#lines = new LineWriter(meters);
  }

  write(block: ReadingBlock, arrival: 'fresh' | 'late'): Promise<WriteResult> {
    return this.#begin(async () => {
      requireStorable(block);
      if (block.length === 0) return { stored: 0, duplicates: 0 };
      return arrival === 'fresh' ? this.#writeLines(this.#lines.linesOf(block), 0) : this.#oneAtATime(() => this.#writeLate(block));
    });
  }

  correct(correction: Correction): Promise<void> {
    return this.#begin(() =>
      this.#oneAtATime(async () => {
        const { meter, quantity, ts } = correction;
        if (!Number.isFinite(correction.value)) throw new GreenparkError('STORE_REFUSED', `the corrected value ${correction.value} is not a finite number`);
        const held = await this.#revisions(meter, quantity, ts);
        if (held.length === 0) throw new GreenparkError('STORE_REFUSED', `there is no reading of meter ${meter}, quantity ${quantity} at ${ts} to correct`);
        await this.#connection.write([this.#lines.lineOfCorrection(correction, held.length)]);
      }),
    );
  }

  revisions(meter: number, quantity: number, ts: number): Promise<readonly Revision[]> {
    return this.#begin(() => this.#revisions(meter, quantity, ts));
  }

  latest(): Promise<readonly StoredReading[]> {
    return this.#begin(async () => {
      const [series = []] = await this.#connection.query(`SELECT last(value), quality FROM ${READINGS} GROUP BY "meter", "quantity"`);
      const corrections = await Corrections.read(this.#connection, this.#meters, within(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY));
      return series.flatMap(({ tags, values }): StoredReading[] => {
        const meter = this.#meters.ordinalOf(tags?.['meter'] ?? '');
        const quantity = quantityCode(tags?.['quantity']);
        if (meter === undefined || quantity === undefined) return [];
        const [ts, value, quality] = values[0] as readonly [number, number, number];
        return [{ meter, quantity, ts, ...valueAndQuality(corrections.over(seriesKey(meter, quantity), ts, value, quality)) }];
      });
    });
  }

  raw(query: SeriesQuery & { readonly limit: number }): Promise<RawSeries> {
    return this.#begin(async () => {
      const corrections = await this.#correctionsOf(query);
      const points = await this.#points(query, `LIMIT ${requireWhole(query.limit, 'a limit')}`);
      const ts = new Float64Array(points.length);
      const value = new Float64Array(points.length);
      const quality = new Uint8Array(points.length);
      const key = seriesKey(query.meter, query.quantity);
      for (const [index, point] of points.entries()) {
        const now = corrections.over(key, point[0], point[1], point[2]);
        ts[index] = point[0];
        value[index] = now.value;
        quality[index] = now.quality;
      }
      return { length: points.length, ts, value, quality };
    });
  }

  steps(query: SeriesQuery & { readonly step: number; readonly origin: number }): Promise<readonly Step[]> {
    return this.#begin(async () => {
      const step = requireWhole(query.step, 'a step');
      const corrections = await this.#correctionsOf(query);
      if (!corrections.none) return this.#correctedSteps(query, corrections);
      const offset = requireWhole(query.origin, 'an origin') % step;
      const [[series] = []] = await this.#connection.query(
        `SELECT count(value), mean(value), min(value), max(value), last(value) FROM ${READINGS} WHERE ${this.#where(query)} AND ${USABLE} GROUP BY time(${step}ms, ${offset}ms) fill(none)`,
      );
      return (series?.values ?? []).map((row): Step => {
        const [at, count, mean, min, max, last] = row as readonly [number, number, number, number, number, number];
        return { at, count, mean, min, max, last };
      });
    });
  }

  counters(query: CounterQuery): Promise<readonly CounterSeries[]> {
    return this.#begin(() => readCounters(this.#connection, this.#meters, query));
  }

  deleteBefore(before: number): Promise<number> {
    return this.#begin(async () => {
      const when = within(Number.NEGATIVE_INFINITY, requireWhole(before, 'the time to delete before'));
      const [[counted] = []] = await this.#connection.query(`SELECT count(value) FROM ${READINGS} WHERE ${when}`);
      const gone = Number(counted?.values[0]?.[1] ?? 0);
      for (const measurement of [READINGS, CORRECTIONS]) await this.#connection.deleteBefore(measurement, before);
      return gone;
    });
  }

  ping(): Promise<void> {
    return this.#begin(() => this.#connection.ping());
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled([...this.#underWay]);
  }

  async #writeLate(block: ReadingBlock): Promise<WriteResult> {
    await Promise.allSettled([...this.#writes]); // a duplicate of a row that is on its way must see it
    const dropped = await knownRows(this.#connection, this.#meters, block);
    const lines = this.#lines.linesOf(block, dropped);
    return this.#writeLines(lines, block.length - lines.length);
  }

  async #writeLines(lines: string[], duplicates: number): Promise<WriteResult> {
    if (lines.length === 0) return { stored: 0, duplicates };
    const writing = this.#connection.write(lines);
    this.#writes.add(writing);
    try {
      await writing;
    } finally {
      this.#writes.delete(writing);
    }
    return { stored: lines.length, duplicates };
  }

  async #revisions(meter: number, quantity: number, ts: number): Promise<readonly Revision[]> {
    const query = { meter, quantity, from: ts, to: ts + 1 };
    const [original] = await this.#points(query, 'LIMIT 1');
    if (original === undefined) return [];
    const corrections = await this.#correctionsOf(query);
    return [{ value: original[1], quality: original[2], correction: null }, ...corrections.of(seriesKey(meter, quantity), ts)];
  }

  async #correctedSteps(query: SeriesQuery & { readonly step: number; readonly origin: number }, corrections: Corrections): Promise<Step[]> {
    const key = seriesKey(query.meter, query.quantity);
    const points = (await this.#points(query, '')).flatMap(([ts, value, quality]) => {
      const now = corrections.over(key, ts, value, quality);
      return isUsable(now.quality) ? [{ ts, value: now.value }] : [];
    });
    return foldSteps(points, query.step, query.origin);
  }

  async #points(query: SeriesQuery, end: string): Promise<readonly (readonly [ts: number, value: number, quality: number])[]> {
    const [[series] = []] = await this.#connection.query(`SELECT value, quality FROM ${READINGS} WHERE ${this.#where(query)} ${end}`);
    return (series?.values ?? []) as readonly (readonly [number, number, number])[];
  }

  #correctionsOf(query: SeriesQuery): Promise<Corrections> {
    return Corrections.read(this.#connection, this.#meters, this.#where(query));
  }

  #where({ meter, quantity, from, to }: SeriesQuery): string {
    return `${within(from, to)} AND ${tagIn('meter', [this.#meters.idOf(meter)])} AND ${tagIn('quantity', [quantityTag(quantity)])}`;
  }

  #oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#lookers.then(work);
    this.#lookers = run.catch(() => undefined); // told to the caller through `run`
    return run;
  }

  async #begin<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new GreenparkError('STORE_CLOSED', 'the store is closed');
    const run = work();
    this.#underWay.add(run);
    try {
      return await run;
    } finally {
      this.#underWay.delete(run);
    }
  }
}

const valueAndQuality = ({ value, quality }: { readonly value: number; readonly quality: number }) => ({ value, quality });
