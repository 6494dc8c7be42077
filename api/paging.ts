import Type, { type TSchema } from 'typebox';
import { faulty } from './problem.ts';

const DEFAULT_LIMIT = 100;
const PAGE_SIZE = 1000;

/** Query of every list. */
export const PAGING = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE_SIZE, description: `items in the answer, ${DEFAULT_LIMIT} unless said otherwise` })),
  cursor: Type.Optional(Type.String({ maxLength: 500, description: '`next` of the answer before' })),
};

/** What every list answers; `more` beside it. */
export const listOf = (item: TSchema, more: Readonly<Record<string, TSchema>> = {}): TSchema =>
  Type.Object(
    { items: Type.Array(item), next: Type.Union([Type.String(), Type.Null()], { description: 'cursor of the next page; null at the end' }), ...more },
    { additionalProperties: false },
  );

export const limitOf = (query: { readonly limit?: number }): number => query.limit ?? DEFAULT_LIMIT;

export const encodeCursor = (text: string): string => Buffer.from(text).toString('base64url');

/** What encodeCursor was given; null for the first page. */
export function decodeCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const text = Buffer.from(cursor, 'base64url').toString();
  if (text === '' || encodeCursor(text) !== cursor) throw faulty('query.cursor', 'is not a cursor that was given out');
  return text;
}

/** The same for lists by number, newest first. */
export function decodeNumber(cursor: string | undefined): number | null {
  const text = decodeCursor(cursor);
  if (text === null) return null;
  if (!/^\d{1,15}$/.test(text)) throw faulty('query.cursor', 'is not a cursor that was given out');
  return Number(text);
}

/** One page of what `keep` lets through, reading on until it is full: a bounded view still gets full pages. */
export async function pageOf<T>(
  query: { readonly limit?: number; readonly cursor?: string },
  fetch: (page: { readonly limit: number; readonly after: string | null }) => Promise<readonly T[]>,
  idOf: (item: T) => string,
  keep?: (item: T) => boolean,
): Promise<{ readonly items: readonly T[]; readonly next: string | null }> {
  const limit = limitOf(query);
  const items: T[] = [];
  let after = decodeCursor(query.cursor);
  // One more than asked for tells whether there is a next page; where only some are kept, larger pages save round trips.
  const size = keep === undefined ? limit + 1 : PAGE_SIZE + 1;
  for (;;) {
    const rows = await fetch({ limit: size, after });
    for (const row of rows) {
      if (keep?.(row) === false) continue;
      if (items.length === limit) return { items, next: encodeCursor(idOf(items[limit - 1] as T)) };
      items.push(row);
    }
    const last = rows.at(-1);
    if (rows.length < size || last === undefined) return { items, next: null };
    after = idOf(last);
  }
}
