import type { InfluxConnection, InfluxSeries } from './connection.ts';
import { seriesKey } from './corrections.ts';
import { type Fields, fieldsOf, type MeterNames, tagIn } from './lines.ts';
import { inRequests } from './spans.ts';

export interface Pair {
  readonly meter: number;
  readonly quantity: number;
}

interface Group {
  readonly quantity: number;
  readonly fields: Fields;
  /** How many series it has. */
  readonly size: number;
  /** Condition for its meters. */
  readonly ids: string;
}

/** Each quantity is a field of its own, so that it is asked for on its own. */
export function byQuantity(meters: MeterNames, pairs: Iterable<Pair>): Group[] {
  const idsOf = new Map<number, string[]>();
  for (const { meter, quantity } of pairs) {
    const ids = idsOf.get(quantity);
    if (ids === undefined) idsOf.set(quantity, [meters.idOf(meter)]);
    else ids.push(meters.idOf(meter));
  }
  return [...idsOf].map(([quantity, ids]) => ({ quantity, fields: fieldsOf(quantity), size: ids.length, ids: tagIn('meter', ids) }));
}

export const keyOf = (meters: MeterNames, { tags }: InfluxSeries, quantity: number): string =>
  seriesKey(meters.ordinalOf(tags?.['meter'] ?? '') ?? -1, quantity);

/** What is asked of several series at once. */
export interface Question {
  readonly pairs: Iterable<Pair>;
  readonly statement: (fields: Fields, ids: string) => string;
  /** Values that one series brings at most; absent where the server sums them up. */
  readonly values?: number;
}

type Answer = ReadonlyMap<string, InfluxSeries['values']>;

/** One statement a quantity; the series of each question by their keys. */
export async function askEach(connection: Pick<InfluxConnection, 'query'>, meters: MeterNames, questions: readonly Question[]): Promise<Answer[]> {
  const found = questions.map(() => new Map<string, InfluxSeries['values']>());
  const statements = questions.flatMap(({ pairs, statement, values = 0 }, place) =>
    byQuantity(meters, pairs).map(({ quantity, fields, size, ids }) => ({ place, quantity, values: values * size, text: statement(fields, ids) })),
  );
  for (const request of inRequests(statements)) {
    const answers = await connection.query(request.map(({ text }) => text).join(';'));
    for (const [at, { place, quantity }] of request.entries()) {
      for (const one of answers[at] ?? []) found[place]?.set(keyOf(meters, one, quantity), one.values);
    }
  }
  return found;
}
