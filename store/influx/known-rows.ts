import type { ReadingBlock } from '../../model/reading.ts';
import type { InfluxConnection, InfluxSeries } from './connection.ts';
import { seriesKey } from './corrections.ts';
import { fieldsOf, type MeterNames, READINGS, tagIn, within } from './lines.ts';
import { inRequests, type Point, type Span, spansOf } from './spans.ts';

/** A 1 for every row that is stored already or stands earlier in the block. */
export async function knownRows(connection: Pick<InfluxConnection, 'query'>, meters: MeterNames, block: ReadingBlock): Promise<Uint8Array> {
  const dropped = new Uint8Array(block.length);
  const rowOf = new Map<string, Map<number, number>>();
  const wanted: Point[] = [];
  for (let row = 0; row < block.length; row++) {
    const meter = block.meter[row] as number;
    const quantity = block.quantity[row] as number;
    const ts = block.ts[row] as number;
    const series = seriesKey(meter, quantity);
    let times = rowOf.get(series);
    if (times === undefined) {
      times = new Map();
      rowOf.set(series, times);
    }
    if (times.has(ts)) {
      dropped[row] = 1;
      continue;
    }
    times.set(ts, row);
    wanted.push({ meter, quantity, ts });
  }
  for (const spans of inRequests(spansOf(wanted))) {
    const answers = await connection.query(spans.map((span) => statementOf(meters, span)).join('; '));
    for (const [at, { quantities }] of spans.entries()) drop(answers[at] ?? [], [...quantities], meters, rowOf, dropped);
  }
  return dropped;
}

/** Marks the rows that stand in the answer. */
function drop(
  answer: readonly InfluxSeries[],
  quantities: readonly number[],
  meters: MeterNames,
  rowOf: ReadonlyMap<string, ReadonlyMap<number, number>>,
  dropped: Uint8Array,
): void {
  for (const { tags, values } of answer) {
    const meter = meters.ordinalOf(tags?.['meter'] ?? '');
    for (const [place, quantity] of quantities.entries()) {
      const times = rowOf.get(seriesKey(meter ?? -1, quantity));
      if (times === undefined) continue;
      for (const point of values) {
        if (point[1 + 2 * place] === null && point[2 + 2 * place] === null) continue;
        const row = times.get(point[0] as number);
        if (row !== undefined) dropped[row] = 1;
      }
    }
  }
}

function statementOf(meters: MeterNames, { from, to, ordinals, quantities }: Span<Point>): string {
  const ids = tagIn(
    'meter',
    [...ordinals].map((ordinal) => meters.idOf(ordinal)),
  );
  const fields = [...quantities].flatMap((quantity) => [fieldsOf(quantity).usable, fieldsOf(quantity).flagged]);
  return `SELECT ${fields.join(', ')} FROM ${READINGS} WHERE ${within(from, to + 1)} AND ${ids} GROUP BY "meter"`;
}
