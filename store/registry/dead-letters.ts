import { type Insertable, type Selectable, sql } from 'kysely';
import { chunksOf, type Queryable, type RegistryDatabase, takeNumbers } from './database.ts';
import type { DeadLetter, DeadLetterFilter, DeadLetterRecords, NewDeadLetter } from './port.ts';
import { BULK_ROWS, bytesOf } from './sqlite.ts';
import type { DeadLetterRow, LetterPayloadRow } from './tables.ts';

/**
 * Ids are given without gaps, bytes are counted through, and only the oldest letters go: so the capacity is kept without counting what is there,
 * after a restart as before it.
 */
export function deadLetterRecords(database: RegistryDatabase): DeadLetterRecords {
  return {
    add: (letters, capacity) =>
      letters.length === 0
        ? Promise.resolve(0)
        : database.record(async (db) => {
            const first = await takeNumbers(db, 'dead-letter', letters.length);
            const bytes = letters.reduce((sum, letter, index) => sum + (isOfMessage(letter, letters[index - 1]) ? 0 : letter.payload.length), 0);
            const before = (await takeNumbers(db, 'dead-letter-bytes', bytes)) - 1;
            const bounds = { oldest: first + letters.length - Math.max(0, capacity.letters), from: before + bytes - Math.max(0, capacity.bytes) };
            const gone = await forget(db, bounds);
            const { rows, payloads } = rowsOf(letters, first, before, bounds);
            for (const row of payloads) await db.insertInto('letter_payloads').values(row).execute();
            for (const chunk of chunksOf(rows, BULK_ROWS)) await db.insertInto('dead_letters').values(chunk).execute();
            return gone + letters.length - rows.length;
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
        const query = db.selectFrom('dead_letters').innerJoin('letter_payloads', 'letter_payloads.id', 'payload_id');
        const row = await query.selectAll('dead_letters').select('bytes').where('dead_letters.id', '=', id).executeTakeFirst();
        return row === undefined ? null : { ...letterOf(row), payload: bytesOf(row.bytes) };
      }),
    payloads: (ids) =>
      database.read(async (db) => {
        const query = db.selectFrom('dead_letters').innerJoin('letter_payloads', 'letter_payloads.id', 'payload_id');
        const rows = await query.select(['dead_letters.id', 'bytes']).where(isOneOf('dead_letters.id', ids)).execute();
        return new Map(rows.map(({ id, bytes }) => [id, bytesOf(bytes)]));
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

interface Bounds {
  /** Number of the oldest letter that stays. */
  readonly oldest: number;
  /** In bytes of all payloads: one that begins before this goes. */
  readonly from: number;
}

/** Answers how many letters went. Reads only those, and the oldest that stays. */
async function forget(db: Queryable, { oldest, from }: Bounds): Promise<number> {
  const within = sql<boolean>`bytes_through - kept_length >= ${from}`;
  const stays = await db
    .selectFrom('dead_letters')
    .select(['id', 'payload_id'])
    .where('id', '>=', oldest)
    .where(within)
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  let letters = db.deleteFrom('dead_letters');
  let payloads = db.deleteFrom('letter_payloads');
  if (stays !== undefined) {
    letters = letters.where('id', '<', stays.id);
    payloads = payloads.where('id', '<', stays.payload_id);
  }
  const { numDeletedRows } = await letters.executeTakeFirst();
  if (numDeletedRows > 0n) await payloads.execute();
  return Number(numDeletedRows);
}

const isOfMessage = (letter: NewDeadLetter, before: NewDeadLetter | undefined): boolean =>
  before !== undefined && letter.payload === before.payload && letter.topic === before.topic;

/** @param before bytes of all payloads that came before these */
function rowsOf(letters: readonly NewDeadLetter[], first: number, before: number, { oldest, from }: Bounds) {
  const rows: Insertable<DeadLetterRow>[] = [];
  const payloads: Insertable<LetterPayloadRow>[] = [];
  let through = before;
  let payloadId = first;
  for (const [index, letter] of letters.entries()) {
    const { payload } = letter;
    if (!isOfMessage(letter, letters[index - 1])) {
      payloadId = first + index;
      through += payload.length;
    }
    if (first + index < oldest || through - payload.length < from) continue;
    if (payloads.at(-1)?.id !== payloadId) payloads.push({ id: payloadId, bytes: payload });
    rows.push(rowOf({ ...letter, id: first + index, payloadId, through }));
  }
  return { rows, payloads };
}

/** One parameter however many ids there are: SQLite bounds their number. */
const isOneOf = (column: 'id' | 'dead_letters.id', ids: readonly number[]) =>
  sql<boolean>`${sql.ref(column)} in (select value from json_each(${JSON.stringify(ids)}))`;

function chosen(db: Queryable, filter: DeadLetterFilter) {
  let query = db.selectFrom('dead_letters').selectAll();
  if (filter.parks !== 'all') query = query.where('park', 'in', filter.parks);
  if (filter.ids !== undefined) query = query.where(isOneOf('id', filter.ids));
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
  payloadLength: row.payload_length,
  keptLength: row.kept_length,
  message: row.payload_id,
  attempts: row.attempts,
  replayedAt: row.replayed_at,
});

const rowOf = (letter: NewDeadLetter & { readonly id: number; readonly payloadId: number; readonly through: number }): Insertable<DeadLetterRow> => ({
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
  payload_length: letter.payloadLength,
  payload_id: letter.payloadId,
  kept_length: letter.payload.length,
  bytes_through: letter.through,
});
