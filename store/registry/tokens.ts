import { invalid } from '../../model/schema.ts';
import type { RegistryDatabase } from './database.ts';
import type { Token, TokenRecords } from './port.ts';
import { scopeFaults } from './references.ts';
import { scopeOf } from './scopes.ts';
import { storedState } from './stored-state.ts';
import type { TokenRow } from './tables.ts';

export function tokenRecords(database: RegistryDatabase): TokenRecords {
  return {
    list: () => database.read(async (db) => (await db.selectFrom('tokens').selectAll().orderBy('name').execute()).map(tokenOf)),
    put: (token) =>
      database.record(async (db) => {
        const faults = await scopeFaults(storedState(db), token.scope);
        if (faults.length > 0) throw invalid('token', faults);
        const { name, ...rest } = rowOf(token);
        await db
          .insertInto('tokens')
          .values({ name, ...rest })
          .onConflict((conflict) => conflict.column('name').doUpdateSet(rest))
          .execute();
      }),
    bySecretHash: (secretHash, now) =>
      database.read(async (db) => {
        const row = await db
          .selectFrom('tokens')
          .selectAll()
          .where('secret_hash', '=', secretHash)
          .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))
          .executeTakeFirst();
        return row === undefined ? null : tokenOf(row);
      }),
    delete: (name) => database.record(async (db) => (await db.deleteFrom('tokens').where('name', '=', name).executeTakeFirst()).numDeletedRows > 0n),
  };
}

const tokenOf = (row: TokenRow): Token => ({
  name: row.name,
  role: row.role,
  scope: scopeOf(row),
  secretHash: row.secret_hash,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
});

const rowOf = (token: Token): TokenRow => ({
  name: token.name,
  role: token.role,
  scope_json: JSON.stringify(token.scope),
  secret_hash: token.secretHash,
  created_at: token.createdAt,
  expires_at: token.expiresAt,
});
