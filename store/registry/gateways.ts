import { isDeepStrictEqual } from 'node:util';
import { GreenparkError } from '../../model/errors.ts';
import { type GatewayLink, isLogger } from '../../model/gateway-link.ts';
import type { GatewayId } from '../../model/ids.ts';
import type { Gateway } from '../../model/registry.ts';
import { invalid } from '../../model/schema.ts';
import { refuseOtherPark, refuseWhileNamed } from './conflicts.ts';
import type { Queryable, RegistryDatabase } from './database.ts';
import type { GatewayRecords } from './port.ts';
import { gatewayFaults } from './references.ts';
import { bytesOf } from './sqlite.ts';
import { storedState } from './stored-state.ts';
import type { GatewayRow } from './tables.ts';

const columns = ['id', 'park', 'name', 'link_json'] as const;

export function gatewayRecords(database: RegistryDatabase): GatewayRecords {
  return {
    list: (park, page) =>
      database.read(async (db) => {
        let query = db.selectFrom('gateways').select(columns).where('park', '=', park).orderBy('id').limit(page.limit);
        if (page.after !== null) query = query.where('id', '>', page.after as GatewayId);
        return (await query.execute()).map(gatewayOf);
      }),
    all: () => database.read(allGateways),
    get: (park, id) =>
      database.read(async (db) => {
        const row = await db.selectFrom('gateways').select(columns).where('park', '=', park).where('id', '=', id).executeTakeFirst();
        return row === undefined ? null : gatewayOf(row);
      }),
    put: (gateway) =>
      database.define(async (db) => {
        const before = await db.selectFrom('gateways').select(columns).where('id', '=', gateway.id).executeTakeFirst();
        if (before !== undefined && isDeepStrictEqual(gatewayOf(before), gateway)) return 'unchanged';
        const faults = await gatewayFaults(storedState(db), gateway);
        if (faults.length > 0) throw invalid('gateway', faults);
        if (before !== undefined && before.park !== gateway.park) refuseOtherPark('gateway', gateway.id);
        await writeGateways(db, [gateway]);
        return before === undefined ? 'created' : 'replaced';
      }),
    delete: (park, id) =>
      database.define(async (db) => {
        const meters = await db.selectFrom('meters').select('id').where('gateway', '=', id).where('park', '=', park).orderBy('id').execute();
        refuseWhileNamed(`gateway "${id}"`, { meter: meters.map((row) => row.id) });
        const { numDeletedRows } = await db.deleteFrom('gateways').where('id', '=', id).where('park', '=', park).executeTakeFirst();
        return numDeletedRows > 0n;
      }),
    setSecret: (id, secretHash) =>
      database.define(async (db) => {
        const { numUpdatedRows } = await db.updateTable('gateways').set({ secret_hash: secretHash }).where('id', '=', id).executeTakeFirst();
        if (numUpdatedRows === 0n) throw new GreenparkError('NOT_FOUND', `gateway "${id}" is not registered`);
      }),
    setKey: (id, key) =>
      database.define(async (db) => {
        const { numUpdatedRows } = await db.updateTable('gateways').set({ cipher_key: key }).where('id', '=', id).executeTakeFirst();
        if (numUpdatedRows === 0n) throw new GreenparkError('NOT_FOUND', `gateway "${id}" is not registered`);
      }),
    key: (id) =>
      database.read(async (db) => {
        const key = (await db.selectFrom('gateways').select('cipher_key').where('id', '=', id).executeTakeFirst())?.cipher_key ?? null;
        return key === null ? null : bytesOf(key);
      }),
    secretHash: (id) =>
      database.read(async (db) => (await db.selectFrom('gateways').select('secret_hash').where('id', '=', id).executeTakeFirst())?.secret_hash ?? null),
    signInHash: (id) =>
      database.read(async (db) => {
        const row = await db
          .selectFrom('gateways')
          .select([...columns, 'secret_hash'])
          .where('id', '=', id)
          .executeTakeFirst();
        return row === undefined || isLogger(gatewayOf(row)) ? null : row.secret_hash;
      }),
  };
}

export const allGateways = async (db: Queryable): Promise<Gateway[]> =>
  (await db.selectFrom('gateways').select(columns).orderBy('park').orderBy('id').execute()).map(gatewayOf);

/** Written by writeGateways alone, whose input was checked. */
const gatewayOf = ({ link_json, ...gateway }: Pick<GatewayRow, (typeof columns)[number]>): Gateway =>
  link_json === null ? gateway : { ...gateway, link: JSON.parse(link_json) as GatewayLink };

/** A gateway that is replaced keeps its secret and its key; but those of a logger end with its being one. */
export async function writeGateways(db: Queryable, gateways: readonly Gateway[]): Promise<void> {
  for (const gateway of gateways) {
    const { id, park, name, link } = gateway;
    const row = { name, link_json: link === undefined ? null : JSON.stringify(link) };
    const before = await db.selectFrom('gateways').select(columns).where('id', '=', id).executeTakeFirst();
    const none = { secret_hash: null, cipher_key: null };
    if (before === undefined)
      await db
        .insertInto('gateways')
        .values({ id, park, ...row, ...none })
        .execute();
    else {
      const ends = isLogger(gatewayOf(before)) && !isLogger(gateway);
      await db
        .updateTable('gateways')
        .set(ends ? { ...row, ...none } : row)
        .where('id', '=', id)
        .execute();
    }
  }
}
