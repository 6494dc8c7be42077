import type { ReadingBlock } from '../../model/reading.ts';
import type { InfluxConnection } from './connection.ts';
import { fieldsOf, type MeterNames, READINGS, tagIn, within } from './lines.ts';

/** Rows further apart than this are asked for apart, ms; doubled until there are few enough statements. */
const FIRST_GAP_MS = 3_600_000;
const MOST_STATEMENTS = 64;

/** A 1 for every row that is stored already or stands earlier in the block; one question for all. */
export async function knownRows(connection: InfluxConnection, meters: MeterNames, block: ReadingBlock): Promise<Uint8Array> {
  const dropped = new Uint8Array(block.length);
  const rowOf = new Map<string, Map<number, number>>();
  const wanted: number[] = [];
  for (let row = 0; row < block.length; row++) {
    const series = `${block.meter[row]}/${block.quantity[row]}`;
    let times = rowOf.get(series);
    if (times === undefined) {
      times = new Map();
      rowOf.set(series, times);
    }
    const ts = block.ts[row] as number;
    if (times.has(ts)) {
      dropped[row] = 1;
      continue;
    }
    times.set(ts, row);
    wanted.push(row);
  }
  const questions = spansOf(block, wanted).map((rows) => {
    const ids = tagIn(
      'meter',
      rows.map((row) => meters.idOf(block.meter[row] as number)),
    );
    const quantities = [...new Set(rows.map((row) => block.quantity[row] as number))];
    const fields = quantities.flatMap((quantity) => [fieldsOf(quantity).usable, fieldsOf(quantity).flagged]);
    const times = within(block.ts[rows[0] as number] as number, (block.ts[rows.at(-1) as number] as number) + 1);
    return { quantities, statement: `SELECT ${fields.join(', ')} FROM ${READINGS} WHERE ${times} AND ${ids} GROUP BY "meter"` };
  });
  if (questions.length === 0) return dropped;
  const answers = await connection.query(questions.map(({ statement }) => statement).join('; '));
  for (const [at, { quantities }] of questions.entries()) {
    for (const { tags, values } of answers[at] ?? []) {
      const meter = meters.ordinalOf(tags?.['meter'] ?? '');
      for (const [place, quantity] of quantities.entries()) {
        const times = rowOf.get(`${meter}/${quantity}`);
        if (times === undefined) continue;
        for (const point of values) {
          if (point[1 + 2 * place] === null && point[2 + 2 * place] === null) continue;
          const row = times.get(point[0] as number);
          if (row !== undefined) dropped[row] = 1;
        }
      }
    }
  }
  return dropped;
}

/** The rows in order of time, cut where nothing was measured for long. */
function spansOf(block: ReadingBlock, rows: readonly number[]): number[][] {
  const sorted = [...rows].sort((a, b) => (block.ts[a] as number) - (block.ts[b] as number));
  for (let gap = FIRST_GAP_MS; ; gap *= 2) {
    const spans: number[][] = [];
    let last = Number.NEGATIVE_INFINITY;
    for (const row of sorted) {
      const ts = block.ts[row] as number;
      if (ts - last > gap) spans.push([]);
      spans.at(-1)?.push(row);
      last = ts;
    }
    if (spans.length <= MOST_STATEMENTS) return spans;
  }
}
