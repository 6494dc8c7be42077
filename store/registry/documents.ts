import { isDeepStrictEqual } from 'node:util';
import { type Fault, GreenparkError } from '../../model/errors.ts';
import type { ParkId } from '../../model/ids.ts';
import type { Mapping } from '../../model/mapping.ts';
import type { Application, Cap, EntryProfile, Rule } from '../../model/rules.ts';
import { invalid } from '../../model/schema.ts';
import { refuseWhileNamed } from './conflicts.ts';
import { chunksOf, type Queryable, type RegistryDatabase } from './database.ts';
import type { ParkOwned } from './port.ts';
import { applicationFaults, capFaults, entryProfileFaults, mappingFaults, type Registered, ruleFaults } from './references.ts';
import { BULK_ROWS } from './sqlite.ts';
import { storedState } from './stored-state.ts';
import type { DocumentKind } from './tables.ts';

/** What a park owns whose shape is the model's business: kept as JSON, found by kind, park and id. */
export interface Documents {
  readonly rule: Rule;
  readonly cap: Cap;
  readonly 'entry-profile': EntryProfile;
  readonly application: Application;
  readonly mapping: Mapping;
}

interface Ties<K extends DocumentKind> {
  /** What the document names and is not there. */
  readonly faults: (registered: Registered, document: Documents[K]) => Promise<Fault[]>;
  /** Documents that name this one, by kind. */
  readonly holders?: (db: Queryable, park: ParkId, id: string) => Promise<Record<string, readonly (Rule | Application)[]>>;
}

const TIES: { readonly [K in DocumentKind]: Ties<K> } = {
  rule: { faults: ruleFaults },
  cap: { faults: capFaults },
  'entry-profile': {
    faults: entryProfileFaults,
    holders: async (db, park, id) => {
      const applications = (await documentsOf(db, 'application', park)).filter((application) => application.profile === id);
      return { application: applications };
    },
  },
  application: { faults: applicationFaults, holders: async (db, park, id) => ({ rule: await rulesOn(db, park, new Set([id])) }) },
  mapping: { faults: mappingFaults },
};

export function documentRecords<K extends DocumentKind>(database: RegistryDatabase, kind: K): ParkOwned<Documents[K], string> {
  const ties: Ties<K> = TIES[kind];
  const label = kind.replace('-', ' ');
  return {
    list: (park, page) =>
      database.read(async (db) => {
        let query = db.selectFrom('documents').select('body_json').where('kind', '=', kind).where('park', '=', park).orderBy('id').limit(page.limit);
        if (page.after !== null) query = query.where('id', '>', page.after);
        return (await query.execute()).map((row) => documentOf<K>(row));
      }),
    all: () => database.read((db) => allDocuments(db, kind)),
    get: (park, id) => database.read((db) => find(db, kind, park, id)),
    put: (document) =>
      database.define(async (db) => {
        const before = await find(db, kind, document.park, document.id);
        if (before !== null && isDeepStrictEqual(before, document)) return 'unchanged';
        const faults = await ties.faults(storedState(db), document);
        if (faults.length > 0) throw invalid(label, faults);
        await writeDocuments(db, kind, [document]);
        if (before !== null && (kind === 'entry-profile' || kind === 'application')) await refuseWhenBroken(db, document.park, `${label} "${document.id}"`);
        return before === null ? 'created' : 'replaced';
      }),
    delete: (park, id) =>
      database.define(async (db) => {
        const holders = (await ties.holders?.(db, park, id)) ?? {};
        refuseWhileNamed(`${label} "${id}"`, Object.fromEntries(Object.entries(holders).map(([name, held]) => [name, held.map((one) => one.id)])));
        const { numDeletedRows } = await db.deleteFrom('documents').where('kind', '=', kind).where('park', '=', park).where('id', '=', id).executeTakeFirst();
        return numDeletedRows > 0n;
      }),
  };
}

export async function allDocuments<K extends DocumentKind>(db: Queryable, kind: K): Promise<Documents[K][]> {
  const rows = await db.selectFrom('documents').select('body_json').where('kind', '=', kind).orderBy('park').orderBy('id').execute();
  return rows.map((row) => documentOf<K>(row));
}

export async function documentsOf<K extends DocumentKind>(db: Queryable, kind: K, park: ParkId): Promise<Documents[K][]> {
  const rows = await db.selectFrom('documents').select('body_json').where('kind', '=', kind).where('park', '=', park).orderBy('id').execute();
  return rows.map((row) => documentOf<K>(row));
}

export async function writeDocuments<K extends DocumentKind>(db: Queryable, kind: K, documents: readonly Documents[K][]): Promise<void> {
  const rows = documents.map((document) => ({ kind, park: document.park, id: document.id, body_json: JSON.stringify(document) }));
  for (const chunk of chunksOf(rows, BULK_ROWS)) {
    await db
      .insertInto('documents')
      .values(chunk)
      .onConflict((conflict) => conflict.columns(['kind', 'park', 'id']).doUpdateSet((eb) => ({ body_json: eb.ref('excluded.body_json') })))
      .execute();
  }
}

/** After an entry profile or an application was replaced: do the applications and rules that build on it still hold? */
async function refuseWhenBroken(db: Queryable, park: ParkId, what: string): Promise<void> {
  const registered = storedState(db);
  const told: string[] = [];
  for (const application of await documentsOf(db, 'application', park)) {
    told.push(...(await applicationFaults(registered, application)).map((fault) => `application "${application.id}": ${fault.message}`));
  }
  for (const rule of await documentsOf(db, 'rule', park)) {
    if (rule.type === 'entry') told.push(...(await ruleFaults(registered, rule)).map((fault) => `rule "${rule.id}": ${fault.message}`));
  }
  if (told.length > 0) throw new GreenparkError('CONFLICT', `${what} cannot be replaced so: ${told.join('; ')}`);
}

async function rulesOn(db: Queryable, park: ParkId, applications: ReadonlySet<string>): Promise<Rule[]> {
  return (await documentsOf(db, 'rule', park)).filter((rule) => rule.type === 'entry' && applications.has(rule.application));
}

async function find<K extends DocumentKind>(db: Queryable, kind: K, park: ParkId, id: string): Promise<Documents[K] | null> {
  const row = await db.selectFrom('documents').select('body_json').where('kind', '=', kind).where('park', '=', park).where('id', '=', id).executeTakeFirst();
  return row === undefined ? null : documentOf<K>(row);
}

/** Written by writeDocuments alone, whose input was checked. */
const documentOf = <K extends DocumentKind>(row: { readonly body_json: string }): Documents[K] => JSON.parse(row.body_json) as Documents[K];
