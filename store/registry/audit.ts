import type { Insertable } from 'kysely';
import { chunksOf, type Queryable, type RegistryDatabase } from './database.ts';
import type { AuditRecords, NewAuditEntry } from './port.ts';
import { BULK_ROWS } from './sqlite.ts';
import type { AuditRow } from './tables.ts';

export function auditRecords(database: RegistryDatabase): AuditRecords {
  return {
    append: (entry) => database.record((db) => appendEntries(db, [entry])),
    list: (filter, page) =>
      database.read(async (db) => {
        if (filter.parks !== 'all' && filter.parks.length === 0) return [];
        let query = db.selectFrom('audit').selectAll().orderBy('id', 'desc').limit(page.limit);
        if (filter.parks !== 'all') query = query.where('park', 'in', filter.parks);
        if (filter.subject !== undefined) query = query.where('subject', '=', filter.subject);
        if (filter.actor !== undefined) query = query.where('actor', '=', filter.actor);
        if (page.after !== null) query = query.where('id', '<', page.after);
        return (await query.execute()).map((row) => ({
          id: row.id,
          at: row.at,
          actor: row.actor,
          action: row.action,
          park: row.park,
          subject: row.subject,
          subjectId: row.subject_id,
          before: row.before_json,
          after: row.after_json,
        }));
      }),
  };
}

export async function appendEntries(db: Queryable, entries: readonly NewAuditEntry[]): Promise<void> {
  for (const chunk of chunksOf(entries.map(rowOf), BULK_ROWS)) await db.insertInto('audit').values(chunk).execute();
}

const rowOf = (entry: NewAuditEntry): Insertable<AuditRow> => ({
  at: entry.at,
  actor: entry.actor,
  action: entry.action,
  park: entry.park,
  subject: entry.subject,
  subject_id: entry.subjectId,
  before_json: entry.before,
  after_json: entry.after,
});
