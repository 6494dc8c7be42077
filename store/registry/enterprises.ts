import { isDeepStrictEqual } from 'node:util';
import type { EnterpriseId, ParkId } from '../../model/ids.ts';
import type { Enterprise } from '../../model/registry.ts';
import { invalid } from '../../model/schema.ts';
import { refuseWhileNamed } from './conflicts.ts';
import type { Queryable, RegistryDatabase } from './database.ts';
import { documentsOf } from './documents.ts';
import type { ParkOwned } from './port.ts';
import { enterpriseFaults } from './references.ts';
import { scopesNaming } from './scopes.ts';
import { storedState } from './stored-state.ts';
import type { EnterpriseRow } from './tables.ts';

export function enterpriseRecords(database: RegistryDatabase): ParkOwned<Enterprise, EnterpriseId> {
  return {
    list: (park, page) =>
      database.read(async (db) => {
        let query = db.selectFrom('enterprises').selectAll().where('park', '=', park).orderBy('id').limit(page.limit);
        if (page.after !== null) query = query.where('id', '>', page.after as EnterpriseId);
        return (await query.execute()).map(enterpriseOf);
      }),
    all: () => database.read(allEnterprises),
    get: (park, id) => database.read(async (db) => find(db, park, id)),
    put: (enterprise) =>
      database.define(async (db) => {
        const before = await find(db, enterprise.park, enterprise.id);
        if (before !== null && isDeepStrictEqual(before, enterprise)) return 'unchanged';
        const faults = await enterpriseFaults(storedState(db), enterprise);
        if (faults.length > 0) throw invalid('enterprise', faults);
        await writeEnterprises(db, [enterprise]);
        return before === null ? 'created' : 'replaced';
      }),
    delete: (park, id) =>
      database.define(async (db) => {
        refuseWhileNamed(`enterprise "${id}"`, await holdersOf(db, park, id));
        const { numDeletedRows } = await db.deleteFrom('enterprises').where('park', '=', park).where('id', '=', id).executeTakeFirst();
        return numDeletedRows > 0n;
      }),
  };
}

export async function allEnterprises(db: Queryable): Promise<Enterprise[]> {
  return (await db.selectFrom('enterprises').selectAll().orderBy('park').orderBy('id').execute()).map(enterpriseOf);
}

export async function writeEnterprises(db: Queryable, enterprises: readonly Enterprise[]): Promise<void> {
  for (const enterprise of enterprises) {
    const row = rowOf(enterprise);
    await db
      .insertInto('enterprises')
      .values(row)
      .onConflict((conflict) => conflict.columns(['park', 'id']).doUpdateSet(row))
      .execute();
  }
}

async function find(db: Queryable, park: ParkId, id: EnterpriseId): Promise<Enterprise | null> {
  const row = await db.selectFrom('enterprises').selectAll().where('park', '=', park).where('id', '=', id).executeTakeFirst();
  return row === undefined ? null : enterpriseOf(row);
}

async function holdersOf(db: Queryable, park: ParkId, id: EnterpriseId): Promise<Record<string, readonly string[]>> {
  const meters = await db.selectFrom('meters').select('id').where('park', '=', park).where('enterprise', '=', id).orderBy('id').execute();
  const rules = await documentsOf(db, 'rule', park);
  const caps = await documentsOf(db, 'cap', park);
  const applications = await documentsOf(db, 'application', park);
  return {
    meter: meters.map((row) => row.id),
    cap: caps.filter((cap) => cap.enterprise === id).map((cap) => cap.id),
    rule: rules.filter((rule) => rule.type === 'entry' && rule.enterprise === id).map((rule) => rule.id),
    application: applications.filter((application) => application.enterprise === id).map((application) => application.id),
    ...(await scopesNaming(db, park, id)),
  };
}

const enterpriseOf = (row: EnterpriseRow): Enterprise => ({
  id: row.id,
  park: row.park,
  name: row.name,
  ...(row.name_en === null ? {} : { nameEn: row.name_en }),
  trade: row.trade,
  ...(row.trade_en === null ? {} : { tradeEn: row.trade_en }),
  stage: row.stage,
});

const rowOf = (enterprise: Enterprise): EnterpriseRow => ({
  park: enterprise.park,
  id: enterprise.id,
  name: enterprise.name,
  name_en: enterprise.nameEn ?? null,
  trade: enterprise.trade,
  trade_en: enterprise.tradeEn ?? null,
  stage: enterprise.stage,
});
