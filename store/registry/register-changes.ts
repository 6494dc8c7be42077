import type { Selectable } from 'kysely';
import type { NotedRegisterChange, RegisterMove } from '../../model/register-change.ts';
import { chunksOf, type RegistryDatabase } from './database.ts';
import type { RegisterChangeRecords } from './port.ts';
import { BULK_ROWS } from './sqlite.ts';
import type { RegisterChangeRow } from './tables.ts';

export function registerChangeRecords(database: RegistryDatabase): RegisterChangeRecords {
  return {
    add: (changes) =>
      database.record(async (db) => {
        const numbers: number[] = [];
        for (const chunk of chunksOf(changes, BULK_ROWS)) {
          const rows = chunk.map(({ meter, quantity, at, author, reason, notedAt, ...move }) => {
            return { meter, quantity, at, author, reason, noted_at: notedAt, move_json: JSON.stringify(move) };
          });
          for (const { id } of await db.insertInto('register_changes').values(rows).returning('id').execute()) numbers.push(id);
        }
        return numbers;
      }),
    all: () => database.read(async (db) => (await db.selectFrom('register_changes').selectAll().orderBy('id').execute()).map(changeOf)),
  };
}

const changeOf = ({ id, meter, quantity, at, author, reason, noted_at, move_json }: Selectable<RegisterChangeRow>): NotedRegisterChange => ({
  ...{ number: id, meter, quantity, at, author, reason, notedAt: noted_at },
  ...(JSON.parse(move_json) as RegisterMove),
});
