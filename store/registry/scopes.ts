import type { Scope } from '../../model/access.ts';
import type { EnterpriseId, ParkId } from '../../model/ids.ts';
import type { Queryable } from './database.ts';

/** Users and tokens whose scope is the park (or something in it), or the one enterprise. */
export async function scopesNaming(db: Queryable, park: ParkId, enterprise?: EnterpriseId): Promise<{ user: string[]; token: string[] }> {
  const names = (row: { scope_json: string }): boolean => {
    const scope = scopeOf(row);
    if (enterprise !== undefined) return scope.kind === 'enterprise' && scope.park === park && scope.enterprise === enterprise;
    return (scope.kind === 'park' || scope.kind === 'enterprise') && scope.park === park;
  };
  const users = await db.selectFrom('users').select(['username', 'scope_json']).orderBy('username').execute();
  const tokens = await db.selectFrom('tokens').select(['name', 'scope_json']).orderBy('name').execute();
  return { user: users.filter(names).map((row) => row.username), token: tokens.filter(names).map((row) => row.name) };
}

/** Written from a checked Scope by this registry alone. */
export const scopeOf = (row: { readonly scope_json: string }): Scope => JSON.parse(row.scope_json) as Scope;
