import { isDeepStrictEqual } from 'node:util';
import type { Fault } from '../../model/errors.ts';
import type { EpochMs, ParkId } from '../../model/ids.ts';
import type { Gateway } from '../../model/registry.ts';
import { invalid } from '../../model/schema.ts';
import { appendEntries } from './audit.ts';
import type { Queryable } from './database.ts';
import type { ImportResult, RegistryDocument } from './document.ts';
import { allDocuments, writeDocuments } from './documents.ts';
import { allEnterprises, writeEnterprises } from './enterprises.ts';
import { deviceOf } from './gateway-links.ts';
import { allGateways, writeGateways } from './gateways.ts';
import { allMeters, formerMeters, writeMeters } from './meters.ts';
import { allParks, writeParks } from './parks.ts';
import type { FormerMeter } from './port.ts';
import * as references from './references.ts';

interface Keyed {
  readonly id: string;
  readonly park?: ParkId;
}

/** One kind of record: what is registered, what the document brings, and what the two make together. */
class Merge<T extends Keyed> {
  readonly list: string;
  readonly subject: string;
  readonly merged: Map<string, T>;
  readonly before: ReadonlyMap<string, T>;
  readonly incoming: readonly T[];
  readonly changed: T[] = [];
  readonly faults: Fault[] = [];
  readonly keyOf: (record: T) => string;

  constructor(list: string, subject: string, registered: readonly T[], incoming: readonly T[] | undefined, keyOf: (record: T) => string) {
    this.list = list;
    this.subject = subject;
    this.keyOf = keyOf;
    this.incoming = incoming ?? [];
    this.before = new Map(registered.map((record) => [keyOf(record), record]));
    this.merged = new Map(this.before);
    const seen = new Set<string>();
    for (const [index, record] of this.incoming.entries()) {
      const key = keyOf(record);
      const path = `${list}[${index}].id`;
      const before = this.before.get(key);
      if (seen.has(key)) this.faults.push({ path, message: `${subject} "${record.id}" is there twice` });
      else if (before?.park !== record.park && before !== undefined)
        this.faults.push({ path, message: `${subject} "${record.id}" is already registered in another park` });
      seen.add(key);
      this.merged.set(key, record);
      if (before === undefined || !isDeepStrictEqual(before, record)) this.changed.push(record);
    }
  }

  /** Faults of the document's records, with their paths; with `alsoOthers`, of what was registered before and builds on them too. */
  async check(faultsOf: (record: T) => Fault[] | Promise<Fault[]>, alsoOthers = false): Promise<void> {
    for (const [index, record] of this.incoming.entries()) {
      for (const fault of await faultsOf(record)) this.faults.push({ path: `${this.list}[${index}].${fault.path}`, message: fault.message });
    }
    if (!alsoOthers) return;
    const named = new Set(this.incoming.map(this.keyOf));
    for (const [key, record] of this.before) {
      if (named.has(key)) continue;
      for (const fault of await faultsOf(record)) {
        this.faults.push({ path: '', message: `${this.subject} "${record.id}" of park "${record.park}", registered before, would break: ${fault.message}` });
      }
    }
  }
}

const inPark = (record: { readonly park: ParkId; readonly id: string }): string => key(record.park, record.id);
const key = (park: string, id: string): string => `${park}/${id}`;
const byId = (record: { readonly id: string }): string => record.id;

/** See OpenRegistry.import. `db` is a transaction: what is thrown here undoes all of it. */
export async function mergeDocument(db: Queryable, document: RegistryDocument, by: { readonly actor: string; readonly at: EpochMs }): Promise<ImportResult> {
  const registeredMeters = await allMeters(db);
  const parks = new Merge('parks', 'park', await allParks(db), document.parks, byId);
  const enterprises = new Merge('enterprises', 'enterprise', await allEnterprises(db), document.enterprises, inPark);
  const gateways = new Merge('gateways', 'gateway', await allGateways(db), document.gateways, byId);
  const meters = new Merge(
    'meters',
    'meter',
    registeredMeters.map(({ ordinal: _, ...meter }) => meter),
    document.meters,
    byId,
  );
  const rules = new Merge('rules', 'rule', await allDocuments(db, 'rule'), document.rules, inPark);
  const caps = new Merge('caps', 'cap', await allDocuments(db, 'cap'), document.caps, inPark);
  const profiles = new Merge('entryProfiles', 'entry-profile', await allDocuments(db, 'entry-profile'), document.entryProfiles, inPark);
  const applications = new Merge('applications', 'application', await allDocuments(db, 'application'), document.applications, inPark);
  const mappings = new Merge('mappings', 'mapping', await allDocuments(db, 'mapping'), document.mappings, inPark);

  const former = new Map<string, FormerMeter>((await formerMeters(db)).map((meter) => [meter.id, meter]));
  const byDevice = new Map<string, Gateway[]>();
  for (const gateway of gateways.merged.values()) {
    const device = deviceOf(gateway.link);
    if (device === null) continue;
    const same = byDevice.get(device);
    if (same === undefined) byDevice.set(device, [gateway]);
    else same.push(gateway);
  }
  const after: references.Registered = {
    park: (id) => parks.merged.get(id),
    enterprise: (park, id) => enterprises.merged.get(key(park, id)),
    gateway: (id) => gateways.merged.get(id),
    gatewayOfDevice: (device, otherThan) => byDevice.get(device)?.find(({ id }) => id !== otherThan),
    meter: (id) => meters.merged.get(id),
    formerMeter: (id) => former.get(id),
    entryProfile: (park, id) => profiles.merged.get(key(park, id)),
    application: (park, id) => applications.merged.get(key(park, id)),
  };
  const rooted = new Set<string>();
  const entryTermsChange = profiles.changed.length > 0 || applications.changed.length > 0;
  await parks.check(references.parkFaults);
  await enterprises.check((record) => references.enterpriseFaults(after, record));
  await gateways.check((record) => references.gatewayFaults(after, record));
  await meters.check((record) => references.meterFaults(after, record, rooted));
  await rules.check((record) => references.ruleFaults(after, record), entryTermsChange);
  await caps.check((record) => references.capFaults(after, record));
  await profiles.check((record) => references.entryProfileFaults(after, record));
  await applications.check((record) => references.applicationFaults(after, record), entryTermsChange);
  await mappings.check((record) => references.mappingFaults(after, record));

  const all: readonly Merge<Keyed>[] = [
    parks,
    enterprises,
    gateways,
    meters,
    rules,
    caps,
    profiles,
    applications,
    mappings,
  ] as unknown as readonly Merge<Keyed>[];
  const faults = all.flatMap((merge) => merge.faults);
  if (faults.length > 0) throw invalid('registry document', faults);

  const ordinals = new Map(registeredMeters.map((meter) => [meter.id, meter.ordinal]));
  await writeParks(db, parks.changed);
  await writeEnterprises(db, enterprises.changed);
  await writeGateways(db, gateways.changed);
  await writeMeters(
    db,
    meters.changed.map((meter) => ({ meter, ordinal: ordinals.get(meter.id) ?? null })),
  );
  await writeDocuments(db, 'entry-profile', profiles.changed);
  await writeDocuments(db, 'application', applications.changed);
  await writeDocuments(db, 'rule', rules.changed);
  await writeDocuments(db, 'cap', caps.changed);
  await writeDocuments(db, 'mapping', mappings.changed);
  return record(db, all, by);
}

/** Writes the audit entries of all that was changed, and counts. */
async function record(db: Queryable, all: readonly Merge<Keyed>[], by: { readonly actor: string; readonly at: EpochMs }): Promise<ImportResult> {
  const result = { created: 0, replaced: 0, unchanged: 0 };
  for (const merge of all) {
    const entries = merge.changed.map((changed) => {
      const before = merge.before.get(merge.keyOf(changed));
      result[before === undefined ? 'created' : 'replaced']++;
      return {
        ...by,
        action: 'import',
        park: changed.park ?? (changed.id as ParkId),
        subject: merge.subject,
        subjectId: changed.id,
        before: before === undefined ? null : JSON.stringify(before),
        after: JSON.stringify(changed),
      };
    });
    result.unchanged += merge.incoming.length - merge.changed.length;
    await appendEntries(db, entries);
  }
  return result;
}

export async function exportDocument(db: Queryable): Promise<RegistryDocument> {
  const mappings = await allDocuments(db, 'mapping');
  return {
    parks: await allParks(db),
    enterprises: await allEnterprises(db),
    gateways: await allGateways(db),
    meters: (await allMeters(db)).map(({ ordinal: _, ...meter }) => meter),
    entryProfiles: await allDocuments(db, 'entry-profile'),
    applications: await allDocuments(db, 'application'),
    rules: await allDocuments(db, 'rule'),
    caps: await allDocuments(db, 'cap'),
    ...(mappings.length === 0 ? {} : { mappings }),
  };
}
