import { QUALITY } from '../../model/quality.ts';
import type { ReadingBlock } from '../../model/reading.ts';
import type { InfluxConnection, InfluxSeries } from './connection.ts';
import { Corrections, seriesKey } from './corrections.ts';
import { fieldsOf, type MeterNames, READINGS, readingOf, tagIn, within } from './lines.ts';
import { inRequests, type Point, type Span, spansOf } from './spans.ts';

/** What there is to a late block besides new rows. */
export interface KnownRows {
  /** A 1 for every row that is stored already or stands earlier in the block. */
  readonly dropped: Uint8Array;
  /** Those of them that correct a reading whose clock was wrong. */
  readonly correcting: readonly number[];
}

/** By series and time the first row of a block that stands there. */
type Places = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** A row, and the first one of its place. */
interface Repeat {
  readonly row: number;
  readonly first: number;
}

export async function knownRows(connection: Pick<InfluxConnection, 'query'>, meters: MeterNames, block: ReadingBlock): Promise<KnownRows> {
  const places = new Map<string, Map<number, number>>();
  const wanted: Point[] = [];
  const repeats: Repeat[] = [];
  for (let row = 0; row < block.length; row++) {
    const point = pointOf(block, row);
    const series = seriesKey(point.meter, point.quantity);
    let times = places.get(series);
    if (times === undefined) {
      times = new Map();
      places.set(series, times);
    }
    const first = times.get(point.ts);
    if (first !== undefined) {
      repeats.push({ row, first });
      continue;
    }
    times.set(point.ts, row);
    wanted.push(point);
  }
  /** By first row: the flag of what is stored in its place. */
  const stored = new Map<number, number>();
  for (const spans of inRequests(spansOf(wanted))) {
    const answers = await connection.query(spans.map((span) => statementOf(meters, span)).join('; '));
    for (const [at, { quantities }] of spans.entries()) find(answers[at] ?? [], [...quantities], meters, places, stored);
  }
  for (const first of stored.keys()) repeats.push({ row: first, first });
  const dropped = new Uint8Array(block.length);
  for (const { row } of repeats) dropped[row] = 1;
  return { dropped, correcting: await correctingOf(connection, meters, block, repeats, stored) };
}

const pointOf = ({ meter, quantity, ts }: ReadingBlock, row: number): Point => ({
  ...{ meter: meter[row] as number, quantity: quantity[row] as number, ts: ts[row] as number },
});

/** Puts down what stands in the answer, as it was sent. */
function find(answer: readonly InfluxSeries[], quantities: readonly number[], meters: MeterNames, places: Places, stored: Map<number, number>): void {
  for (const { tags, values } of answer) {
    const meter = meters.ordinalOf(tags?.['meter'] ?? '');
    for (const [place, quantity] of quantities.entries()) {
      const times = places.get(seriesKey(meter ?? -1, quantity));
      if (times === undefined) continue;
      for (const point of values) {
        const reading = readingOf(point[1 + 3 * place], point[2 + 3 * place], point[3 + 3 * place]);
        const row = reading === null ? undefined : times.get(point[0] as number);
        if (reading !== null && row !== undefined) stored.set(row, reading.quality);
      }
    }
  }
}

/** Of rows whose place is taken those that take it from a reading which is flagged `clock` and has not been corrected. */
async function correctingOf(
  connection: Pick<InfluxConnection, 'query'>,
  meters: MeterNames,
  block: ReadingBlock,
  repeats: readonly Repeat[],
  stored: ReadonlyMap<number, number>,
): Promise<number[]> {
  const inOrder = [...repeats].sort((a, b) => a.row - b.row);
  const holding = (first: number): number => stored.get(first) ?? (block.quality[first] as number);
  const open = inOrder.filter(({ row, first }) => holding(first) === QUALITY.clock && block.quality[row] !== QUALITY.clock);
  const misdated = open.filter(({ first }) => stored.has(first)).map(({ first }) => pointOf(block, first));
  const corrections = misdated.length === 0 ? null : await Corrections.at(connection, meters, misdated);
  const taken = new Set<number>();
  return open.flatMap(({ row, first }) => {
    if (taken.has(first)) return [];
    taken.add(first);
    const { meter, quantity, ts } = pointOf(block, first);
    return corrections === null || corrections.of(seriesKey(meter, quantity), ts).length === 0 ? [row] : [];
  });
}

function statementOf(meters: MeterNames, { from, to, ordinals, quantities }: Span<Point>): string {
  const ids = tagIn(
    'meter',
    [...ordinals].map((ordinal) => meters.idOf(ordinal)),
  );
  const fields = [...quantities].map(fieldsOf).flatMap(({ usable, flagged, quality }) => [usable, flagged, quality]);
  return `SELECT ${fields.join(', ')} FROM ${READINGS} WHERE ${within(from, to + 1)} AND ${ids} GROUP BY "meter"`;
}
