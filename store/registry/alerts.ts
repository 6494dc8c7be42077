import type { Alert } from '../../model/alert.ts';
import { GreenparkError } from '../../model/errors.ts';
import { appendEntries } from './audit.ts';
import { chunksOf, type RegistryDatabase } from './database.ts';
import type { AlertFilter, AlertRecords, Page } from './port.ts';
import { BULK_ROWS } from './sqlite.ts';
import type { AlertRow } from './tables.ts';

/** `from` and `to` of a filter take the alerts that stood at any time in [from, to). */
export function alertRecords(database: RegistryDatabase): AlertRecords {
  return {
    list: (filter, page) => database.read((db) => listAlerts(db, filter, page)),
    get: (id) =>
      database.read(async (db) => {
        const row = await db.selectFrom('alerts').select('body_json').where('id', '=', id).executeTakeFirst();
        return row === undefined ? null : alertOf(row);
      }),
    open: () =>
      database.read(async (db) => {
        const open = db.selectFrom('alerts').select('body_json').where('state', 'in', ['firing', 'acknowledged']);
        return (await open.orderBy('since', 'desc').orderBy('id', 'desc').execute()).map(alertOf);
      }),
    save: (alerts, states, entries = []) =>
      database.record(async (db) => {
        for (const chunk of chunksOf(lastOf(alerts.map(rowOf), 'id'), BULK_ROWS)) {
          await db
            .insertInto('alerts')
            .values(chunk)
            .onConflict((conflict) =>
              conflict.column('id').doUpdateSet((eb) => ({
                park: eb.ref('excluded.park'),
                enterprise: eb.ref('excluded.enterprise'),
                meter: eb.ref('excluded.meter'),
                state: eb.ref('excluded.state'),
                since: eb.ref('excluded.since'),
                until: eb.ref('excluded.until'),
                body_json: eb.ref('excluded.body_json'),
              })),
            )
            .execute();
        }
        const stateRows = states.map(({ instance, state }) => ({ instance, state }));
        for (const chunk of chunksOf(lastOf(stateRows, 'instance'), BULK_ROWS)) {
          await db
            .insertInto('rule_states')
            .values(chunk)
            .onConflict((conflict) => conflict.column('instance').doUpdateSet((eb) => ({ state: eb.ref('excluded.state') })))
            .execute();
        }
        await appendEntries(db, entries);
      }),
    states: () => database.read((db) => db.selectFrom('rule_states').selectAll().orderBy('instance').execute()),
    deleteStates: (instances) =>
      database.record(async (db) => {
        for (const chunk of chunksOf(instances, BULK_ROWS)) await db.deleteFrom('rule_states').where('instance', 'in', chunk).execute();
      }),
  };
}

async function listAlerts(
  db: Parameters<Parameters<RegistryDatabase['read']>[0]>[0],
  filter: AlertFilter,
  page: Page,
): Promise<{ items: Alert[]; next: string | null }> {
  if (filter.parks.length === 0) return { items: [], next: null };
  let query = db.selectFrom('alerts').select(['id', 'since', 'body_json']).where('park', 'in', filter.parks);
  if (filter.enterprise !== undefined) query = query.where('enterprise', '=', filter.enterprise);
  if (filter.state !== undefined) query = query.where('state', '=', filter.state);
  if (filter.meter !== undefined) query = query.where('meter', '=', filter.meter);
  if (filter.to !== undefined) query = query.where('since', '<', filter.to);
  const { from } = filter;
  if (from !== undefined) query = query.where((eb) => eb.or([eb('until', 'is', null), eb('until', '>', from)]));
  if (page.after !== null) {
    const { since, id } = cursorOf(page.after);
    query = query.where((eb) => eb.or([eb('since', '<', since), eb.and([eb('since', '=', since), eb('id', '<', id)])]));
  }
  // One more than asked for tells whether there is a next page.
  const rows = await query
    .orderBy('since', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit + 1)
    .execute();
  const shown = rows.slice(0, page.limit);
  const last = shown.at(-1);
  return { items: shown.map(alertOf), next: rows.length > page.limit && last !== undefined ? `${last.since}~${last.id}` : null };
}

function cursorOf(text: string): { since: number; id: string } {
  const found = /^(-?\d{1,16})~(.+)$/s.exec(text);
  if (found === null) throw new GreenparkError('INPUT_INVALID', 'the cursor is not one that a page before answered');
  return { since: Number(found[1]), id: String(found[2]) };
}

/** One statement may touch a row once: of several with the same key the last one counts. */
function lastOf<K extends string, T extends Readonly<Record<K, string>>>(rows: readonly T[], key: K): T[] {
  return [...new Map(rows.map((row) => [row[key], row])).values()];
}

/** Written from an Alert by this registry alone. */
const alertOf = (row: { readonly body_json: string }): Alert => JSON.parse(row.body_json) as Alert;

const rowOf = (alert: Alert): AlertRow => ({
  id: alert.id,
  park: alert.park,
  enterprise: alert.enterprise,
  meter: alert.meter,
  state: alert.state,
  since: alert.since,
  until: alert.until,
  body_json: JSON.stringify(alert),
});
