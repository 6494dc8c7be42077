import { setTimeout as sleep } from 'node:timers/promises';
import { GreenparkError } from '../../model/errors.ts';
import { isUsable } from '../../model/quality.ts';
import type { ReadingBlock } from '../../model/reading.ts';
import type {
  Correction,
  CounterQuery,
  CounterSeries,
  NeighbourQuery,
  Neighbours,
  RawSeries,
  ReadingStore,
  Revision,
  SeriesQuery,
  Step,
  StoredReading,
  WriteResult,
} from '../port.ts';
import { requireStorable, requireWhole } from '../storable.ts';
import type { InfluxConnection } from './connection.ts';
import { Corrections, seriesKey } from './corrections.ts';
import { readCounters } from './counters.ts';
import { foldSteps } from './folding.ts';
import { type KnownRows, knownRows } from './known-rows.ts';
import { LineText } from './line-text.ts';
import { CORRECTIONS, fieldsOf, LineWriter, type MeterNames, quantityCode, quantityName, READINGS, readingOf, tagIn, within } from './lines.ts';
import { readNeighbours } from './neighbours.ts';

/** How long closing waits for a server that is silent: whoever asked has given up by then. */
const CLOSE_WITHIN_MS = 5000;

/** Readings in an InfluxDB. A block is one write request, which the server takes whole or refuses. */
export class InfluxStore implements ReadingStore {
  readonly #connection: InfluxConnection;
  readonly #meters: MeterNames;
  readonly #lines: LineWriter;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #writes = new Set<Promise<unknown>>();
  /** Texts that are written over and over: as many as there ever were writes at once. */
  readonly #spareTexts: LineText[] = [];
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
      return arrival === 'fresh' ? this.#writeLines(block) : this.#oneAtATime(() => this.#writeLate(block));
    });
  }

  correct(correction: Correction): Promise<void> {
    return this.#begin(() =>
      this.#oneAtATime(async () => {
        const { meter, quantity, ts } = correction;
        if (!Number.isFinite(correction.value)) throw new GreenparkError('STORE_REFUSED', `the corrected value ${correction.value} is not a finite number`);
        const held = await this.#revisions(meter, quantity, ts);
        if (held.length === 0) throw new GreenparkError('STORE_REFUSED', `there is no reading of meter ${meter}, quantity ${quantity} at ${ts} to correct`);
        const text = new LineText();
        text.string(this.#lines.lineOfCorrection(correction, held.length));
        await this.#connection.write(text.body());
      }),
    );
  }

  revisions(meter: number, quantity: number, ts: number): Promise<readonly Revision[]> {
    return this.#begin(() => this.#revisions(meter, quantity, ts));
  }

  latest(): Promise<Iterable<StoredReading>> {
    return this.#begin(async () => {
      const quantities = await this.#quantities();
      if (quantities.length === 0) return [];
      const newest = new Map<string, StoredReading>();
      for (const quantity of quantities) {
        // Two questions a quantity: last() answers with the time of the reading only when it is asked for one field. And one quantity after
        // the other: of very many meters the answers together would need several times the memory of what is kept of them.
        const { usable, flagged, quality: flag } = fieldsOf(quantity);
        const statements = [usable, flagged].map((field) => `SELECT last(${field}), ${flag} FROM ${READINGS} GROUP BY "meter"`);
        for (const [at, series] of (await this.#connection.query(statements.join(';'))).entries()) {
          for (const { tags, values } of series) {
            const meter = this.#meters.ordinalOf(tags?.['meter'] ?? '');
            const [ts, value, quality] = values[0] as readonly [number, number, number | null];
            const key = seriesKey(meter ?? -1, quantity);
            const known = newest.get(key);
            const reading = at === 0 ? readingOf(value, null, quality) : readingOf(null, value, quality);
            if (meter === undefined || reading === null || (known !== undefined && known.ts >= ts)) continue;
            newest.set(key, { meter, quantity, ts, ...reading });
          }
        }
      }
      const corrections = await Corrections.read(this.#connection, this.#meters, within(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY));
      return [...newest].map(([key, one]) => ({ ...one, ...valueAndQuality(corrections.over(key, one.ts, one.value, one.quality)) }));
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
      const { usable } = fieldsOf(query.quantity);
      const aggregates = ['count', 'mean', 'min', 'max', 'last'].map((name) => `${name}(${usable})`).join(', ');
      const [[series] = []] = await this.#connection.query(
        `SELECT ${aggregates} FROM ${READINGS} WHERE ${this.#where(query)} GROUP BY time(${step}ms, ${offset}ms) fill(none)`,
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

  neighbours(query: NeighbourQuery): Promise<readonly Neighbours[]> {
    return this.#begin(() => readNeighbours(this.#connection, this.#meters, query));
  }

  deleteBefore(before: number): Promise<number> {
    return this.#begin(async () => {
      const when = within(Number.NEGATIVE_INFINITY, requireWhole(before, 'the time to delete before'));
      const [[counted] = []] = await this.#connection.query(`SELECT count(*) FROM ${READINGS} WHERE ${when}`);
      const gone = (counted?.columns ?? []).reduce(
        (sum, column, at) => (column.startsWith('count_') && !column.endsWith('.quality') ? sum + Number(counted?.values[0]?.[at] ?? 0) : sum),
        0,
      );
      for (const measurement of [READINGS, CORRECTIONS]) await this.#connection.deleteBefore(measurement, before);
      return gone;
    });
  }

  ping(): Promise<void> {
    return this.#begin(() => this.#connection.ping());
  }

  async close(): Promise<void> {
    this.#closed = true;
    const over = new AbortController();
    await Promise.race([Promise.allSettled([...this.#underWay]), sleep(CLOSE_WITHIN_MS, undefined, { signal: over.signal }).catch(() => {})]);
    over.abort();
    this.#connection.end();
  }

  async #writeLate(block: ReadingBlock): Promise<WriteResult> {
    await Promise.allSettled([...this.#writes]); // a duplicate of a row that is on its way must see it
    return this.#writeLines(block, await knownRows(this.#connection, this.#meters, block));
  }

  async #writeLines(block: ReadingBlock, known?: KnownRows): Promise<WriteResult> {
    const text = this.#spareTexts.pop() ?? new LineText();
    const stored = this.#lines.writeLines(text, block, known?.dropped) + this.#lines.writeClockCorrections(text, block, known?.correcting ?? []);
    if (stored > 0) {
      // After a failure the text is not used again: a request that nobody waits for any more may still be sending it.
      const writing = this.#connection.write(text.body());
      this.#writes.add(writing);
      try {
        await writing;
      } finally {
        this.#writes.delete(writing);
      }
    }
    text.clear();
    this.#spareTexts.push(text);
    return { stored, duplicates: block.length - stored };
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
    const { usable, flagged, quality } = fieldsOf(query.quantity);
    const [[series] = []] = await this.#connection.query(`SELECT ${usable}, ${flagged}, ${quality} FROM ${READINGS} WHERE ${this.#where(query)} ${end}`);
    return (series?.values ?? []).flatMap(([ts, ...fields]) => {
      const reading = readingOf(fields[0], fields[1], fields[2]);
      return reading === null ? [] : [[Number(ts), reading.value, reading.quality] as const];
    });
  }

  /** Quantities that any reading has. */
  async #quantities(): Promise<number[]> {
    const [[series] = []] = await this.#connection.query(`SHOW FIELD KEYS FROM ${READINGS}`);
    const codes = (series?.values ?? []).map(([field]) => quantityCode(String(field).replace(/\.(flagged|quality)$/, '')));
    return [...new Set(codes)].filter((code) => code !== undefined);
  }

  #correctionsOf(query: SeriesQuery): Promise<Corrections> {
    return Corrections.read(this.#connection, this.#meters, `${this.#where(query)} AND ${tagIn('quantity', [quantityName(query.quantity)])}`);
  }

  #where({ meter, from, to }: SeriesQuery): string {
    return `${within(from, to)} AND ${tagIn('meter', [this.#meters.idOf(meter)])}`;
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
