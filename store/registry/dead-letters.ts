import { chunksOf, type RegistryDatabase, takeNumbers } from './database.ts';
import type { DeadLetter, DeadLetterRecords } from './port.ts';
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
        let query = db.selectFrom('dead_letters').selectAll().orderBy('id', 'desc').limit(page.limit);
        if (filter.parks !== 'all') query = query.where('park', 'in', filter.parks);
        if (filter.reason !== undefined) query = query.where('reason', '=', filter.reason);
        if (page.after !== null) query = query.where('id', '<', page.after);
        return (await query.execute()).map(letterOf);
      }),
    get: (id) =>
      database.read(async (db) => {
        const row = await db.selectFrom('dead_letters').selectAll().where('id', '=', id).executeTakeFirst();
        return row === undefined ? null : letterOf(row);
      }),
    countByReason: () =>
      database.read(async (db) => {
        const query = db.selectFrom('dead_letters').select((eb) => ['reason', eb.fn.countAll<number>().as('count')]);
        const rows = await query.groupBy('reason').orderBy('reason').execute();
        return new Map(rows.map((row) => [row.reason, Number(row.count)]));
      }),
  };
}

const letterOf = (row: DeadLetterRow): DeadLetter => ({
  id: row.id,
  receivedAt: row.received_at,
  transport: row.transport,
  topic: row.topic,
  gateway: row.gateway,
  park: row.park,
  meter: row.meter,
  reason: row.reason,
  detail: row.detail,
  payload: bytesOf(row.payload),
  payloadLength: row.payload_length,
});

const rowOf = (letter: DeadLetter): DeadLetterRow => ({
  id: letter.id,
  received_at: letter.receivedAt,
  transport: letter.transport,
  topic: letter.topic,
  gateway: letter.gateway,
  park: letter.park,
  meter: letter.meter,
  reason: letter.reason,
  detail: letter.detail,
  payload: letter.payload,
  payload_length: letter.payloadLength,
});
