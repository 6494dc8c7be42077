import { isDeepStrictEqual } from 'node:util';
import type { ParkId } from '../../model/ids.ts';
import type { Park } from '../../model/registry.ts';
import { invalid } from '../../model/schema.ts';
import { refuseWhileNamed } from './conflicts.ts';
import type { Queryable, RegistryDatabase } from './database.ts';
import type { ParkRecords } from './port.ts';
import { parkFaults } from './references.ts';
import { scopesNaming } from './scopes.ts';
import type { ParkRow } from './tables.ts';

export function parkRecords(database: RegistryDatabase): ParkRecords {
  return {
    list: () => database.read(allParks),
    get: (id) =>
      database.read(async (db) => {
        const row = await db.selectFrom('parks').selectAll().where('id', '=', id).executeTakeFirst();
        return row === undefined ? null : parkOf(row);
      }),
    put: (park) =>
      database.define(async (db) => {
        const before = await db.selectFrom('parks').selectAll().where('id', '=', park.id).executeTakeFirst();
        if (before !== undefined && isDeepStrictEqual(parkOf(before), park)) return 'unchanged';
        const faults = parkFaults(park);
        if (faults.length > 0) throw invalid('park', faults);
        await writeParks(db, [park]);
        return before === undefined ? 'created' : 'replaced';
      }),
    delete: (id) =>
      database.define(async (db) => {
        refuseWhileNamed(`park "${id}"`, await holdersOf(db, id));
        const { numDeletedRows } = await db.deleteFrom('parks').where('id', '=', id).executeTakeFirst();
        return numDeletedRows > 0n;
      }),
  };
}

export async function allParks(db: Queryable): Promise<Park[]> {
  return (await db.selectFrom('parks').selectAll().orderBy('id').execute()).map(parkOf);
}

export async function writeParks(db: Queryable, parks: readonly Park[]): Promise<void> {
  for (const park of parks) {
    const row = rowOf(park);
    await db
      .insertInto('parks')
      .values(row)
      .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
      .execute();
  }
}

async function holdersOf(db: Queryable, park: ParkId): Promise<Record<string, readonly string[]>> {
  const ids = async (table: 'enterprises' | 'gateways' | 'meters') =>
    (await db.selectFrom(table).select('id').where('park', '=', park).orderBy('id').execute()).map((row) => row.id);
  const documents: Record<string, string[]> = {};
  for (const { kind, id } of await db.selectFrom('documents').select(['kind', 'id']).where('park', '=', park).orderBy('id').execute()) {
    documents[kind] = [...(documents[kind] ?? []), id];
  }
  return {
    enterprise: await ids('enterprises'),
    gateway: await ids('gateways'),
    meter: await ids('meters'),
    ...documents,
    ...(await scopesNaming(db, park)),
  };
}

const parkOf = (row: ParkRow): Park => ({
  id: row.id,
  name: row.name,
  ...(row.name_en === null ? {} : { nameEn: row.name_en }),
  region: row.region,
  timeZone: row.time_zone,
});

const rowOf = (park: Park): ParkRow => ({ id: park.id, name: park.name, name_en: park.nameEn ?? null, region: park.region, time_zone: park.timeZone });
