import type { DuckDBConnection } from '@duckdb/node-api';
import type { RawSeries, Revision, SeriesQuery, Step } from '../port.ts';
import { requireWhole } from '../storable.ts';
import { type CounterAnswer, type CounterAsk, Places } from './counter-columns.ts';
import { metersOf } from './point-columns.ts';
import type { LatestColumns } from './protocol.ts';
import { readingsOf, readingsOfAll, stepStart, time, USABLE } from './readings-sql.ts';
import { cell, manyNumbers, numbers, oneNumber } from './rows.ts';
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

export async function counters(connection: DuckDBConnection, known: Knowledge, ask: CounterAsk): Promise<CounterAnswer> {
  const places = new Places();
  for (const [place, meter] of ask.meter.entries()) places.take(meter, ask.quantity[place] as number);
  const before = await neighbours(connection, known, { ask, places }, ask.from, 'before');
  const after = await neighbours(connection, known, { ask, places }, ask.to, 'after');
  const found = { beforeTs: before.ts, beforeValue: before.value, afterTs: after.ts, afterValue: after.value };
  const readings = readingsOfAll(known.shapes, metersOf(ask, ask.meter.keys()), ask.from, ask.to, known.corrections > 0);
  if (readings === null) return { ...found, ...stepColumns([], new Int32Array()) };
  const stepped = `SELECT meter, quantity, ts, value, ${stepStart(ask.step, ask.origin)} AS step_start FROM (${readings}) WHERE ${USABLE}`;
  const paired = `SELECT *, CASE WHEN lag(step_start) OVER series = step_start THEN lag(value) OVER series END AS previous FROM (${stepped}) WINDOW series AS (PARTITION BY meter, quantity ORDER BY ts)`;
  const rows = await numbers(
    connection,
    `SELECT meter::DOUBLE, quantity::DOUBLE, step_start::DOUBLE, min(ts)::DOUBLE, arg_min(value, ts), max(ts)::DOUBLE, arg_max(value, ts), sum(CASE WHEN previous IS NULL THEN 0 WHEN value >= previous THEN value - previous ELSE value END), (count(*) FILTER (value < previous))::DOUBLE FROM (${paired}) GROUP BY meter, quantity, step_start ORDER BY meter, quantity, step_start`,
  );
  const placeOf = Int32Array.from({ length: rows.length }, (_, row) => places.of(cell(rows, 0, row), cell(rows, 1, row)));
  return { ...found, ...stepColumns(rows.columns.slice(2), placeOf) };
}

function stepColumns(columns: readonly Float64Array[], place: Int32Array) {
  const [at, firstTs, firstValue, lastTs, lastValue, rise, falls] = Array.from({ length: 7 }, (_, column) => columns[column] ?? new Float64Array()) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  return { place, at, firstTs, firstValue, lastTs, lastValue, rise, falls };
}

/** The usable reading of each counter that is nearest to `border`: the last one before it, or the first one at or after it. By place. */
async function neighbours(
  connection: DuckDBConnection,
  known: Knowledge,
  { ask, places }: { readonly ask: CounterAsk; readonly places: Places },
  border: number,
  side: 'before' | 'after',
): Promise<{ readonly ts: Float64Array; readonly value: Float64Array }> {
  const ts = new Float64Array(ask.meter.length).fill(Number.NaN);
  const value = new Float64Array(ask.meter.length).fill(Number.NaN);
  let missing = [...ask.meter.keys()];
  let done = 0;
  for (const reach of REACHES) {
    if (missing.length === 0) break;
    const range = side === 'before' ? ([border - reach, border - done] as const) : ([border + done, border + reach] as const);
    const readings = readingsOfAll(known.shapes, metersOf(ask, missing), ...range, known.corrections > 0);
    if (readings === null) break;
    const nearest = side === 'before' ? 'max' : 'min';
    const rows = await numbers(
      connection,
      `SELECT meter::DOUBLE, quantity::DOUBLE, ${nearest}(ts)::DOUBLE, arg_${nearest}(value, ts) FROM (${readings}) WHERE ${USABLE} GROUP BY meter, quantity`,
    );
    for (let row = 0; row < rows.length; row++) {
      const place = places.of(cell(rows, 0, row), cell(rows, 1, row));
      // Others may have come too, and of those that were found nearer by.
      if (place < 0 || !Number.isNaN(ts[place])) continue;
      ts[place] = cell(rows, 2, row);
      value[place] = cell(rows, 3, row);
    }
    missing = missing.filter((place) => Number.isNaN(ts[place]));
    done = reach;
  }
  return { ts, value };
}

export async function latest(connection: DuckDBConnection, known: Knowledge): Promise<LatestColumns> {
  // So many as are counted are read, whatever is written meanwhile.
  await connection.run('BEGIN');
  try {
    return await latestIn(connection, known);
  } finally {
    // Nothing was changed; where the question failed, its error is the one to tell.
    await connection.run('ROLLBACK').catch(() => undefined);
  }
}

async function latestIn(connection: DuckDBConnection, known: Knowledge): Promise<LatestColumns> {
  // After a proper stop, and after a start that found more, `newest` is the whole answer: grouping and sorting it would take much memory.
  const isWhole = (await oneNumber(connection, `SELECT count(*)::DOUBLE FROM frame WHERE received > ${known.mark}`)) === 0;
  const newest = isWhole
    ? 'SELECT * FROM newest'
    : `SELECT meter, quantity, max(ts) AS ts, arg_max(value, ts) AS value, arg_max(quality, ts) AS quality FROM (SELECT * FROM newest UNION ALL ${everyValue(`f.received > ${known.mark}`)}) GROUP BY meter, quantity`;
  const corrections =
    'SELECT meter, quantity, ts, arg_max(value, number) AS value, arg_max(quality, number) AS quality FROM correction GROUP BY meter, quantity, ts';
  const rows = await manyNumbers(
    connection,
    known.corrections === 0
      ? `SELECT meter::DOUBLE, quantity::DOUBLE, ts::DOUBLE, value, quality::DOUBLE FROM (${newest})`
      : `SELECT n.meter::DOUBLE, n.quantity::DOUBLE, n.ts::DOUBLE, coalesce(c.value, n.value), coalesce(c.quality, n.quality)::DOUBLE FROM (${newest}) n LEFT JOIN (${corrections}) c ON c.meter = n.meter AND c.quantity = n.quantity AND c.ts = n.ts`,
    await oneNumber(connection, `SELECT count(*)::DOUBLE FROM (${newest})`),
  );
  const [meter, quantity, ts, value, quality] = rows.columns as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
  return { meter, quantity, ts, value, quality };
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
