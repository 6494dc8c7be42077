import type { ReadingBlock } from '../../model/reading.ts';
import type { InfluxConnection, InfluxSeries } from './connection.ts';
import { fieldsOf, type MeterNames, READINGS, tagIn, within } from './lines.ts';

/** Rows further apart than this are asked for apart, ms. */
const GAP_MS = 15 * 60_000;
/** Statements of one request. */
const MOST_STATEMENTS = 64;
/** Values that a request may bring, were everything measured once a minute: a few scattered rows must not have the server read all of a year. */
const MOST_VALUES = 200_000;
const MINUTE_MS = 60_000;

/** A 1 for every row that is stored already or stands earlier in the block. */
export async function knownRows(connection: Pick<InfluxConnection, 'query'>, meters: MeterNames, block: ReadingBlock): Promise<Uint8Array> {
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
  for (const spans of requestsOf(block, wanted)) {
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

function statementOf(meters: MeterNames, { from, to, ordinals, quantities }: Span): string {
  const ids = tagIn(
    'meter',
    [...ordinals].map((ordinal) => meters.idOf(ordinal)),
  );
  const fields = [...quantities].flatMap((quantity) => [fieldsOf(quantity).usable, fieldsOf(quantity).flagged]);
  return `SELECT ${fields.join(', ')} FROM ${READINGS} WHERE ${within(from, to + 1)} AND ${ids} GROUP BY "meter"`;
}

/** Rows that one statement asks for: of these meters and quantities, from the first time to the last. */
interface Span {
  readonly from: number;
  to: number;
  readonly ordinals: Set<number>;
  readonly quantities: Set<number>;
}

const valuesIn = (meters: number, quantities: number, ms: number): number => meters * quantities * (1 + ms / MINUTE_MS);

/** The rows in order of time, cut where nothing was measured for long and where a statement or request would bring too much. */
function requestsOf(block: ReadingBlock, rows: readonly number[]): Span[][] {
  const requests: Span[][] = [];
  let values = 0;
  let span: Span | null = null;
  const end = () => {
    if (span === null) return;
    const more = valuesIn(span.ordinals.size, span.quantities.size, span.to - span.from);
    const request = requests.at(-1);
    if (request !== undefined && request.length < MOST_STATEMENTS && values + more <= MOST_VALUES) request.push(span);
    else {
      requests.push([span]);
      values = 0;
    }
    values += more;
  };
  for (const row of [...rows].sort((a, b) => (block.ts[a] as number) - (block.ts[b] as number))) {
    const ts = block.ts[row] as number;
    const meter = block.meter[row] as number;
    const quantity = block.quantity[row] as number;
    if (span === null || ts - span.to > GAP_MS || wouldBe(span, meter, quantity, ts) > MOST_VALUES) {
      end();
      span = { from: ts, to: ts, ordinals: new Set(), quantities: new Set() };
    }
    span.to = ts;
    span.ordinals.add(meter);
    span.quantities.add(quantity);
  }
  end();
  return requests;
}

function wouldBe({ from, ordinals, quantities }: Span, meter: number, quantity: number, ts: number): number {
  return valuesIn(ordinals.size + (ordinals.has(meter) ? 0 : 1), quantities.size + (quantities.has(quantity) ? 0 : 1), ts - from);
}
