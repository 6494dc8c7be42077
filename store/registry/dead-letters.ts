import { type Insertable, type Selectable, sql } from 'kysely';
import { chunksOf, type Queryable, type RegistryDatabase, takeNumbers } from './database.ts';
import type { DeadLetter, DeadLetterFilter, DeadLetterRecords, NewDeadLetter } from './port.ts';
import { BULK_ROWS, bytesOf } from './sqlite.ts';
import type { DeadLetterRow } from './tables.ts';

/** Ids are given without gaps and only the oldest letters go: so the capacity is kept without counting. */
export function deadLetterRecords(database: RegistryDatabase): DeadLetterRecords {
  return {
    add: (letters, capacity) =>
      letters.length === 0
        ? Promise.resolve(0)
        : database.record(async (db) => {
            const first = await takeNumbers(db, 'dead-letter', letters.length);
            const oldestKept = first + letters.length - Math.max(0, capacity);
            const { numDeletedRows } = await db.deleteFrom('dead_letters').where('id', '<', oldestKept).executeTakeFirst();
            const rows = letters.map((letter, index) => rowOf({ ...letter, id: first + index })).filter((row) => row.id >= oldestKept);
            for (const chunk of chunksOf(rows, BULK_ROWS)) await db.insertInto('dead_letters').values(chunk).execute();
            return Number(numDeletedRows) + letters.length - rows.length;
          }),
    list: (filter, page) =>
      database.read(async (db) => {
        if (filter.parks !== 'all' && filter.parks.length === 0) return [];
        const oldest = page.order === 'oldest';
        let query = chosen(db, filter)
          .orderBy('id', oldest ? 'asc' : 'desc')
          .limit(page.limit);
        if (page.after !== null) query = query.where('id', oldest ? '>' : '<', page.after);
        return (await query.execute()).map(letterOf);
      }),
    get: (id) =>
      database.read(async (db) => {
        const row = await db.selectFrom('dead_letters').selectAll().where('id', '=', id).executeTakeFirst();
        return row === undefined ? null : letterOf(row);
      }),
    tried: (letters, at) =>
      database.record(async (db) => {
        for (const { id, refusal } of letters) {
          const update = db.updateTable('dead_letters').where('id', '=', id);
          if (refusal === null) await update.set({ replayed_at: at }).execute();
          else await update.set((eb) => ({ ...refusal, attempts: eb('attempts', '+', 1) })).execute();
        }
      }),
    countByReason: () =>
      database.read(async (db) => {
        const query = db.selectFrom('dead_letters').select((eb) => ['reason', eb.fn.countAll<number>().as('count')]);
        const rows = await query.groupBy('reason').orderBy('reason').execute();
        return new Map(rows.map((row) => [row.reason, Number(row.count)]));
      }),
  };
}

function chosen(db: Queryable, filter: DeadLetterFilter) {
  let query = db.selectFrom('dead_letters').selectAll();
  if (filter.parks !== 'all') query = query.where('park', 'in', filter.parks);
  // One parameter however many ids there are: SQLite bounds their number.
  if (filter.ids !== undefined) query = query.where(sql<boolean>`id in (select value from json_each(${JSON.stringify(filter.ids)}))`);
  for (const key of ['reason', 'transport', 'gateway'] as const) {
    const wanted = filter[key];
    if (wanted !== undefined) query = query.where(key, '=', wanted);
  }
  if (filter.meter !== undefined) query = query.where(speaksOf(filter.meter));
  if (filter.topicPrefix !== undefined) query = query.where(sql<boolean>`substr(topic, 1, length(${filter.topicPrefix})) = ${filter.topicPrefix}`);
  if (filter.text !== undefined) query = query.where(sql<boolean>`instr(lower(detail), lower(${filter.text})) > 0`);
  if (filter.from !== undefined) query = query.where('received_at', '>=', filter.from);
  if (filter.to !== undefined) query = query.where('received_at', '<', filter.to);
  if (filter.waiting !== undefined) query = query.where('replayed_at', filter.waiting ? 'is' : 'is not', null);
  return query;
}

/**
 * A letter of a meter that is not registered names it only in its topic, which is `parks/{park}/meters/{meter}/…`, or in its detail, where an id
 * that somebody else wrote stands in quotes.
 */
const speaksOf = (meter: string) => sql<boolean>`(
  meter = ${meter}
  or meter is null and (substr(topic, 1, 6) = 'parks/' and instr(topic, ${`/meters/${meter}/`}) > 0 or instr(detail, ${`meter ${JSON.stringify(meter)} `}) > 0)
)`;

const letterOf = (row: Selectable<DeadLetterRow>): DeadLetter => ({
  id: row.id,
  receivedAt: row.received_at,
  transport: row.transport,
  topic: row.topic,
  isRetained: row.retained === 1,
  gateway: row.gateway,
  park: row.park,
  meter: row.meter,
  reason: row.reason,
  detail: row.detail,
  payload: bytesOf(row.payload),
  payloadLength: row.payload_length,
  attempts: row.attempts,
  replayedAt: row.replayed_at,
});

const rowOf = (letter: NewDeadLetter & { readonly id: number }): Insertable<DeadLetterRow> => ({
  id: letter.id,
  received_at: letter.receivedAt,
  transport: letter.transport,
  topic: letter.topic,
  retained: letter.isRetained ? 1 : 0,
  gateway: letter.gateway,
  park: letter.park,
  meter: letter.meter,
  reason: letter.reason,
  detail: letter.detail,
  payload: letter.payload,
  payload_length: letter.payloadLength,
});
