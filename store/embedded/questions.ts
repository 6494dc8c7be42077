import type { DuckDBConnection } from '@duckdb/node-api';
import type { CounterPoint, CounterQuery, CounterSeries, CounterStep, RawSeries, Revision, SeriesQuery, Step, StoredReading } from '../port.ts';
import { requireWhole } from '../storable.ts';
import { readingsOf, readingsOfAll, stepStart, time, USABLE } from './readings-sql.ts';
import { type NumberColumns, numbers } from './rows.ts';
import { everyValue } from './schema.ts';
import type { Shapes } from './shapes.ts';

/** What a question needs to know of the database besides a connection. */
export interface Knowledge {
  readonly shapes: Shapes;
  /** How many corrections there are; 0 saves laying them over. */
  readonly corrections: number;
  /** `newest` knows every block received up to here. */
  readonly mark: number;
}

/** How far from a border the neighbouring reading of a counter is looked for, ms; each wider than the one before, the last without bound. */
const REACHES = [2 * 3_600_000, 26 * 3_600_000, 9 * 86_400_000, Number.POSITIVE_INFINITY];

const cell = (rows: NumberColumns, column: number, row: number): number => rows.columns[column]?.[row] as number;

export async function raw(connection: DuckDBConnection, known: Knowledge, query: SeriesQuery & { readonly limit: number }): Promise<RawSeries> {
  const readings = readingsOf(known.shapes, { ...query, meters: [query.meter] }, known.corrections > 0);
  if (readings === null) return { length: 0, ts: new Float64Array(), value: new Float64Array(), quality: new Uint8Array() };
  const rows = await numbers(
    connection,
    `SELECT ts::DOUBLE, value, quality::DOUBLE FROM (${readings}) ORDER BY ts LIMIT ${requireWhole(query.limit, 'a limit')}`,
  );
  const [ts, value, quality] = rows.columns as [Float64Array, Float64Array, Float64Array];
  return { length: rows.length, ts, value, quality: Uint8Array.from(quality) };
}

export async function steps(
  connection: DuckDBConnection,
  known: Knowledge,
  query: SeriesQuery & { readonly step: number; readonly origin: number },
): Promise<Step[]> {
  const readings = readingsOf(known.shapes, { ...query, meters: [query.meter] }, known.corrections > 0);
  if (readings === null) return [];
  const rows = await numbers(
    connection,
    `SELECT ${stepStart(query.step, query.origin)}::DOUBLE AS step_start, count(*)::DOUBLE, avg(value), min(value), max(value), arg_max(value, ts) FROM (${readings}) WHERE ${USABLE} GROUP BY step_start ORDER BY step_start`,
  );
  return Array.from({ length: rows.length }, (_, row) => ({
    at: cell(rows, 0, row),
    count: cell(rows, 1, row),
    mean: cell(rows, 2, row),
    min: cell(rows, 3, row),
    max: cell(rows, 4, row),
    last: cell(rows, 5, row),
  }));
}

const keyOf = (pair: { readonly meter: number; readonly quantity: number }): string => `${pair.meter}/${pair.quantity}`;

export async function counters(connection: DuckDBConnection, known: Knowledge, query: CounterQuery): Promise<CounterSeries[]> {
  const wanted = [...new Map(query.counters.map((pair) => [keyOf(pair), pair])).values()];
  const before = await neighbours(connection, known, wanted, query.from, 'before');
  const after = await neighbours(connection, known, wanted, query.to, 'after');
  const found = new Map<string, CounterStep[]>();
  const readings = readingsOfAll(known.shapes, wanted, query.from, query.to, known.corrections > 0);
  if (readings !== null) {
    const stepped = `SELECT meter, quantity, ts, value, ${stepStart(query.step, query.origin)} AS step_start FROM (${readings}) WHERE ${USABLE}`;
    const paired = `SELECT *, CASE WHEN lag(step_start) OVER series = step_start THEN lag(value) OVER series END AS previous FROM (${stepped}) WINDOW series AS (PARTITION BY meter, quantity ORDER BY ts)`;
    const rows = await numbers(
      connection,
      `SELECT meter::DOUBLE, quantity::DOUBLE, step_start::DOUBLE, min(ts)::DOUBLE, arg_min(value, ts), max(ts)::DOUBLE, arg_max(value, ts), sum(CASE WHEN previous IS NULL THEN 0 WHEN value >= previous THEN value - previous ELSE value END), (count(*) FILTER (value < previous))::DOUBLE FROM (${paired}) GROUP BY meter, quantity, step_start ORDER BY meter, quantity, step_start`,
    );
    for (let row = 0; row < rows.length; row++) {
      const key = keyOf({ meter: cell(rows, 0, row), quantity: cell(rows, 1, row) });
      let list = found.get(key);
      if (list === undefined) {
        list = [];
        found.set(key, list);
      }
      list.push({
        at: cell(rows, 2, row),
        first: { ts: cell(rows, 3, row), value: cell(rows, 4, row) },
        last: { ts: cell(rows, 5, row), value: cell(rows, 6, row) },
        rise: cell(rows, 7, row),
        falls: cell(rows, 8, row),
      });
    }
  }
  return query.counters.map((pair) => {
    const key = keyOf(pair);
    return { meter: pair.meter, quantity: pair.quantity, before: before.get(key) ?? null, after: after.get(key) ?? null, steps: found.get(key) ?? [] };
  });
}

/** The usable reading of each counter that is nearest to `border`: the last one before it, or the first one at or after it. */
async function neighbours(
  connection: DuckDBConnection,
  known: Knowledge,
  wanted: CounterQuery['counters'],
  border: number,
  side: 'before' | 'after',
): Promise<Map<string, CounterPoint>> {
  const found = new Map<string, CounterPoint>();
  let missing = wanted;
  let done = 0;
  for (const reach of REACHES) {
    if (missing.length === 0) break;
    const readings =
      side === 'before'
        ? readingsOfAll(known.shapes, missing, border - reach, border - done, known.corrections > 0)
        : readingsOfAll(known.shapes, missing, border + done, border + reach, known.corrections > 0);
    if (readings === null) break;
    const nearest = side === 'before' ? 'max' : 'min';
    const rows = await numbers(
      connection,
      `SELECT meter::DOUBLE, quantity::DOUBLE, ${nearest}(ts)::DOUBLE, arg_${nearest}(value, ts) FROM (${readings}) WHERE ${USABLE} GROUP BY meter, quantity`,
    );
    for (let row = 0; row < rows.length; row++) {
      found.set(keyOf({ meter: cell(rows, 0, row), quantity: cell(rows, 1, row) }), { ts: cell(rows, 2, row), value: cell(rows, 3, row) });
    }
    missing = missing.filter((pair) => !found.has(keyOf(pair)));
    done = reach;
  }
  return found;
}

export async function latest(connection: DuckDBConnection, known: Knowledge): Promise<StoredReading[]> {
  const newest = `SELECT meter, quantity, max(ts) AS ts, arg_max(value, ts) AS value, arg_max(quality, ts) AS quality FROM (SELECT * FROM newest UNION ALL ${everyValue(`f.received > ${known.mark}`)}) GROUP BY meter, quantity`;
  const corrections =
    'SELECT meter, quantity, ts, arg_max(value, number) AS value, arg_max(quality, number) AS quality FROM correction GROUP BY meter, quantity, ts';
  const rows = await numbers(
    connection,
    `SELECT n.meter::DOUBLE, n.quantity::DOUBLE, n.ts::DOUBLE, coalesce(c.value, n.value), coalesce(c.quality, n.quality)::DOUBLE FROM (${newest}) n LEFT JOIN (${corrections}) c ON c.meter = n.meter AND c.quantity = n.quantity AND c.ts = n.ts ORDER BY n.meter, n.quantity`,
  );
  return Array.from({ length: rows.length }, (_, row) => ({
    meter: cell(rows, 0, row),
    quantity: cell(rows, 1, row),
    ts: cell(rows, 2, row),
    value: cell(rows, 3, row),
    quality: cell(rows, 4, row),
  }));
}

export async function revisions(
  connection: DuckDBConnection,
  which: { readonly meter: number; readonly quantity: number; readonly ts: number },
): Promise<Revision[]> {
  const meter = requireWhole(which.meter, 'a meter');
  const quantity = requireWhole(which.quantity, 'a quantity');
  const ts = time(which.ts);
  const originals = await numbers(
    connection,
    `SELECT value, quality::DOUBLE FROM (${everyValue(`f.meter = ${meter} AND f.ts = ${ts}`)}) WHERE quantity = ${quantity} LIMIT 1`,
  );
  if (originals.length === 0) return [];
  const corrections = await connection.runAndReadAll(
    `SELECT value, quality, author, reason, made::DOUBLE FROM correction WHERE meter = ${meter} AND quantity = ${quantity} AND ts = ${ts} ORDER BY number`,
  );
  const original: Revision = { value: cell(originals, 0, 0), quality: cell(originals, 1, 0), correction: null };
  const later = corrections.getRows().map(([value, quality, author, reason, at]): Revision => {
    return { value: Number(value), quality: Number(quality), correction: { author: String(author), reason: String(reason), at: Number(at) } };
  });
  return [original, ...later];
}
