import type { RegistryDatabase } from './database.ts';
import type { ImportRecords } from './port.ts';

export function importRecords(database: RegistryDatabase): ImportRecords {
  return {
    get: ({ file, mapping }) =>
      database.read(async (db) => {
        const query = db.selectFrom('imports').select('progress_json').where('file', '=', file).where('mapping', '=', mapping);
        return (await query.executeTakeFirst())?.progress_json ?? null;
      }),
    put: ({ file, mapping }, progress) =>
      database.record(async (db) => {
        await db
          .insertInto('imports')
          .values({ file, mapping, progress_json: progress })
          .onConflict((conflict) => conflict.columns(['file', 'mapping']).doUpdateSet({ progress_json: progress }))
          .execute();
      }),
    delete: ({ file, mapping }) =>
      database.record(
        async (db) => (await db.deleteFrom('imports').where('file', '=', file).where('mapping', '=', mapping).executeTakeFirst()).numDeletedRows > 0n,
      ),
  };
}
