import { isDeepStrictEqual } from 'node:util';
import type { EpochMs } from '../../model/ids.ts';
import { invalid } from '../../model/schema.ts';
import type { RegistryDatabase } from './database.ts';
import type { SessionRecords, User, UserRecords } from './port.ts';
import { scopeFaults } from './references.ts';
import { scopeOf } from './scopes.ts';
import { storedState } from './stored-state.ts';
import type { UserRow } from './tables.ts';

/** A new password, role or scope ends the user's sessions: nobody goes on with what was granted before. Deleting a user does too. */
export function userRecords(database: RegistryDatabase): UserRecords {
  return {
    list: () => database.read(async (db) => (await db.selectFrom('users').selectAll().orderBy('username').execute()).map(userOf)),
    get: (username) =>
      database.read(async (db) => {
        const row = await db.selectFrom('users').selectAll().where('username', '=', username).executeTakeFirst();
        return row === undefined ? null : userOf(row);
      }),
    put: (user) =>
      database.record(async (db) => {
        const faults = await scopeFaults(storedState(db), user.scope);
        if (faults.length > 0) throw invalid('user', faults);
        const { username, ...rest } = rowOf(user);
        const before = await db.selectFrom('users').selectAll().where('username', '=', username).executeTakeFirst();
        const same =
          before === undefined || (before.password_hash === user.passwordHash && before.role === user.role && isDeepStrictEqual(scopeOf(before), user.scope));
        if (!same) await db.deleteFrom('sessions').where('username', '=', username).execute();
        await db
          .insertInto('users')
          .values({ username, ...rest })
          .onConflict((conflict) => conflict.column('username').doUpdateSet(rest))
          .execute();
      }),
    delete: (username) => database.record(async (db) => (await db.deleteFrom('users').where('username', '=', username).executeTakeFirst()).numDeletedRows > 0n),
    count: () =>
      database.read(async (db) =>
        Number(
          (
            await db
              .selectFrom('users')
              .select((eb) => eb.fn.countAll<number>().as('count'))
              .executeTakeFirstOrThrow()
          ).count,
        ),
      ),
  };
}

export function sessionRecords(database: RegistryDatabase): SessionRecords {
  return {
    create: (session) =>
      database.record(async (db) => {
        await db
          .insertInto('sessions')
          .values({ id_hash: session.idHash, username: session.username, created_at: session.createdAt, expires_at: session.expiresAt })
          .execute();
      }),
    user: (idHash, now: EpochMs) =>
      database.read(async (db) => {
        const row = await db
          .selectFrom('sessions')
          .innerJoin('users', 'users.username', 'sessions.username')
          .selectAll('users')
          .where('sessions.id_hash', '=', idHash)
          .where('sessions.expires_at', '>', now)
          .executeTakeFirst();
        return row === undefined ? null : userOf(row);
      }),
    delete: (idHash) =>
      database.record(async (db) => {
        await db.deleteFrom('sessions').where('id_hash', '=', idHash).execute();
      }),
    deleteExpired: (now) =>
      database.record(async (db) => Number((await db.deleteFrom('sessions').where('expires_at', '<=', now).executeTakeFirst()).numDeletedRows)),
  };
}

const userOf = (row: UserRow): User => ({
  username: row.username,
  role: row.role,
  scope: scopeOf(row),
  passwordHash: row.password_hash,
  createdAt: row.created_at,
});

const rowOf = (user: User): UserRow => ({
  username: user.username,
  role: user.role,
  scope_json: JSON.stringify(user.scope),
  password_hash: user.passwordHash,
  created_at: user.createdAt,
});
