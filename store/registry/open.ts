import type { EpochMs } from '../../model/ids.ts';
import { alertRecords } from './alerts.ts';
import { auditRecords } from './audit.ts';
import { DatabaseFile, type RegistryDatabase } from './database.ts';
import { deadLetterRecords } from './dead-letters.ts';
import type { ImportResult, RegistryDocument } from './document.ts';
import { documentRecords } from './documents.ts';
import { enterpriseRecords } from './enterprises.ts';
import { gatewayRecords } from './gateways.ts';
import { exportDocument, mergeDocument } from './import.ts';
import { importRecords } from './imports.ts';
import { meterRecords } from './meters.ts';
import { migrate } from './migrations.ts';
import { parkRecords } from './parks.ts';
import type { Registry, RegistryRecords } from './port.ts';
import { registerChangeRecords } from './register-changes.ts';
import { openSqlite } from './sqlite.ts';
import { tokenRecords } from './tokens.ts';
import { sessionRecords, userRecords } from './users.ts';

/** The registry in its file, with what is done to it as a whole. */
export interface OpenRegistry extends Registry {
  /**
   * Creates or replaces all that the document holds, in one transaction with its audit entries, and deletes nothing.
   * Rejects INPUT_INVALID with every fault and its path; then nothing was changed.
   */
  import(document: RegistryDocument, by: { readonly actor: string; readonly at: EpochMs }): Promise<ImportResult>;
  /** The whole registry as a document that imports to the same. Secrets, users and tokens are not in it. */
  export(): Promise<RegistryDocument>;
  /** Rejects while changes cannot be written, as on a full disk. */
  ping(): Promise<void>;
}

/**
 * Opens the registry in `file` (its folder is made where it is missing) and brings it to this version's tables.
 * Rejects DATA_DIR_UNWRITABLE, or STORE_REFUSED for a file that is no registry or was written by a newer version.
 */
export async function openRegistry(file: string): Promise<OpenRegistry> {
  const database = new DatabaseFile(openSqlite(file), file);
  try {
    await database.read((db) => migrate(db, file));
  } catch (error) {
    database.close();
    throw error;
  }
  return {
    ...recordsOf(database),
    change: (work) => database.together((within) => work(recordsOf(within))),
    import: (document, by) =>
      database.define(
        (db) => mergeDocument(db, document, by),
        ({ created, replaced }) => created + replaced > 0,
      ),
    export: () => database.record(exportDocument),
    ping: () => database.ping(),
    version: () => database.version(),
    close: () => database.close(),
  };
}

function recordsOf(database: RegistryDatabase): RegistryRecords {
  return {
    parks: parkRecords(database),
    enterprises: enterpriseRecords(database),
    meters: meterRecords(database),
    gateways: gatewayRecords(database),
    rules: documentRecords(database, 'rule'),
    caps: documentRecords(database, 'cap'),
    entryProfiles: documentRecords(database, 'entry-profile'),
    applications: documentRecords(database, 'application'),
    mappings: documentRecords(database, 'mapping'),
    users: userRecords(database),
    sessions: sessionRecords(database),
    tokens: tokenRecords(database),
    alerts: alertRecords(database),
    deadLetters: deadLetterRecords(database),
    audit: auditRecords(database),
    registerChanges: registerChangeRecords(database),
    imports: importRecords(database),
  };
}
