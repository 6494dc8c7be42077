import { isDeepStrictEqual } from 'node:util';
import { sql } from 'kysely';
import type { MeterId, ParkId } from '../../model/ids.ts';
import type { Meter, RegisteredMeter } from '../../model/registry.ts';
import { invalid } from '../../model/schema.ts';
import { refuseOtherPark, refuseWhileNamed } from './conflicts.ts';
import { chunksOf, type Queryable, type RegistryDatabase, takeNumbers } from './database.ts';
import { documentsOf } from './documents.ts';
import { metersOf } from './gateway-links.ts';
import { allGateways } from './gateways.ts';
import type { FormerMeter, MeterRecords } from './port.ts';
import { meterFaults } from './references.ts';
import { BULK_ROWS } from './sqlite.ts';
import { storedState } from './stored-state.ts';
import type { MeterRow } from './tables.ts';

export function meterRecords(database: RegistryDatabase): MeterRecords {
  return {
    list: (park, page) =>
      database.read(async (db) => {
        let query = db.selectFrom('meters').selectAll().where('park', '=', park).orderBy('id').limit(page.limit);
        if (page.enterprise !== undefined) query = query.where('enterprise', '=', page.enterprise);
        if (page.after !== null) query = query.where('id', '>', page.after as MeterId);
        return (await query.execute()).map((row) => meterOf(row));
      }),
    all: (parks) => database.read((db) => allMeters(db, parks)),
    former: (parks) => database.read((db) => formerMeters(db, parks)),
    get: (id) => database.read(async (db) => find(db, id)),
    put: (meter) =>
      database.define(async (db) => {
        const before = await find(db, meter.id);
        if (before !== null && sameMeter(before, meter)) return 'unchanged';
        const faults = await meterFaults(storedState(db), meter);
        if (faults.length > 0) throw invalid('meter', faults);
        if (before !== null && before.park !== meter.park) refuseOtherPark('meter', meter.id);
        await writeMeters(db, [{ meter, ordinal: before?.ordinal ?? null }]);
        return before === null ? 'created' : 'replaced';
      }),
    delete: (park, id) =>
      database.define(async (db) => {
        const found = await find(db, id);
        if (found?.park !== park) return false;
        const children = await db.selectFrom('meters').select('id').where('parent', '=', id).orderBy('id').execute();
        const rules = await documentsOf(db, 'rule', park);
        const gateways = (await allGateways(db)).filter(({ link }) => metersOf(link).some(({ name }) => name === id));
        refuseWhileNamed(`meter "${id}"`, {
          meter: children.map((row) => row.id),
          rule: rules.filter((rule) => rule.type === 'limit' && 'meter' in rule.subject && rule.subject.meter === id).map((rule) => rule.id),
          'the link of gateway': gateways.map((gateway) => gateway.id),
        });
        await db.deleteFrom('meters').where('id', '=', id).execute();
        await db.insertInto('former_meters').values({ id, park, ordinal: found.ordinal }).execute();
        return true;
      }),
  };
}

/** Rows that are read together: all at once, a hundred thousand of them would need three times the memory of what is kept. */
const PAGE_ROWS = 2000;

/** In order of park and id. */
export async function allMeters(db: Queryable, parks?: readonly string[]): Promise<RegisteredMeter[]> {
  const meters: RegisteredMeter[] = [];
  const known = new Map<string, string>();
  for (let after: RegisteredMeter | undefined; ; after = meters.at(-1)) {
    let query = db.selectFrom('meters').selectAll().orderBy('park').orderBy('id').limit(PAGE_ROWS);
    if (after !== undefined) query = query.where(sql<boolean>`(park, id) > (${after.park}, ${after.id})`);
    if (parks !== undefined) query = query.where('park', 'in', parks as readonly ParkId[]);
    const rows = await query.execute();
    for (const row of rows) meters.push(meterOf(row, known));
    if (rows.length < PAGE_ROWS) return meters;
  }
}

/** Those of all parks, or of the parks named. */
export function formerMeters(db: Queryable, parks?: readonly string[]): Promise<FormerMeter[]> {
  const query = db.selectFrom('former_meters').selectAll();
  return (parks === undefined ? query : query.where('park', 'in', parks as readonly ParkId[])).execute();
}

/** Is what is registered the same as `meter`, its ordinal aside? */
export function sameMeter(registered: RegisteredMeter, meter: Meter): boolean {
  const { ordinal: _, ...known } = registered;
  return isDeepStrictEqual(known, meter);
}

/** A meter whose ordinal is null is new: it gets the one that it had before it was deleted, or the next one. */
export async function writeMeters(db: Queryable, meters: readonly { readonly meter: Meter; readonly ordinal: number | null }[]): Promise<void> {
  const added = meters.filter(({ ordinal }) => ordinal === null).map(({ meter }) => meter.id);
  const former = added.length === 0 ? new Map<MeterId, number>() : new Map((await formerMeters(db)).map(({ id, ordinal }) => [id, ordinal]));
  const again = added.filter((id) => former.has(id));
  let next = added.length === again.length ? 0 : await takeNumbers(db, 'meter-ordinal', added.length - again.length);
  const rows = meters.map(({ meter, ordinal }) => rowOf(meter, ordinal ?? former.get(meter.id) ?? next++));
  for (const chunk of chunksOf(again, BULK_ROWS)) await db.deleteFrom('former_meters').where('id', 'in', chunk).execute();
  for (const chunk of chunksOf(rows, BULK_ROWS)) {
    await db
      .insertInto('meters')
      .values(chunk)
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet((eb) => ({
          enterprise: eb.ref('excluded.enterprise'),
          name: eb.ref('excluded.name'),
          name_en: eb.ref('excluded.name_en'),
          kind: eb.ref('excluded.kind'),
          parent: eb.ref('excluded.parent'),
          multiplier: eb.ref('excluded.multiplier'),
          gateway: eb.ref('excluded.gateway'),
          units_json: eb.ref('excluded.units_json'),
          checks_json: eb.ref('excluded.checks_json'),
          interval_seconds: eb.ref('excluded.interval_seconds'),
        })),
      )
      .execute();
  }
}

async function find(db: Queryable, id: MeterId): Promise<RegisteredMeter | null> {
  const row = await db.selectFrom('meters').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? null : meterOf(row);
}

/** @param known words that many meters share, so that each is held once */
function meterOf(row: MeterRow, known: Map<string, string> = new Map()): RegisteredMeter {
  const once = <T extends string | null>(word: T): T => {
    if (word === null) return word;
    const held = known.get(word);
    if (held !== undefined) return held as T;
    known.set(word, word);
    return word;
  };
  return {
    id: row.id,
    ordinal: row.ordinal,
    park: once(row.park),
    enterprise: once(row.enterprise),
    name: row.name,
    ...(row.name_en === null ? {} : { nameEn: row.name_en }),
    kind: once(row.kind),
    parent: row.parent,
    multiplier: row.multiplier,
    gateway: once(row.gateway),
    ...(row.units_json === null ? {} : { units: JSON.parse(row.units_json) as Record<string, string> }),
    ...(row.checks_json === null ? {} : { checks: JSON.parse(row.checks_json) as NonNullable<Meter['checks']> }),
    intervalSeconds: row.interval_seconds,
  };
}

const rowOf = (meter: Meter, ordinal: number): MeterRow => ({
  id: meter.id,
  ordinal,
  park: meter.park,
  enterprise: meter.enterprise,
  name: meter.name,
  name_en: meter.nameEn ?? null,
  kind: meter.kind,
  parent: meter.parent,
  multiplier: meter.multiplier,
  gateway: meter.gateway,
  units_json: meter.units === undefined ? null : JSON.stringify(meter.units),
  checks_json: meter.checks === undefined ? null : JSON.stringify(meter.checks),
  interval_seconds: meter.intervalSeconds,
});
