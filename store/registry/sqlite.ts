import { accessSync, constants, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type Kysely,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  type SqliteStatement,
  sql,
} from 'kysely';
import Database from 'libsql';
import { GreenparkError } from '../../model/errors.ts';

// Everything that holds for SQLite alone stands in this file; with PostgreSQL a second file of the same exports joins it.

/** How long work waits for another process that writes, in ms. */
export const BUSY_WAIT_MS = 5000;
/** Of that, how long a statement itself waits. The driver waits with the whole process, so that everything else stands still meanwhile. */
const BUSY_TIMEOUT_MS = 1;
/** Statements kept prepared. Above the number of different texts a service sends; bulk inserts of odd lengths come and go. */
const PREPARED = 200;

/** Rows per bulk statement times columns stays far below SQLite's 32,766 parameters. */
export const BULK_ROWS = 400;

/** Column types that differ between databases. */
export const columnTypes = { bytes: 'blob', epochMs: 'bigint' } as const;

/**
 * Opens `file` for lasting records: WAL, each commit on the disk before it is acknowledged, foreign keys enforced. `what` names it in errors.
 * Throws DATA_DIR_UNWRITABLE where the folder or file cannot be written, STORE_REFUSED for a file that is no database.
 */
export function openSqlite(file: string, what = 'the registry'): Connection {
  let database: Database.Database;
  try {
    mkdirSync(dirname(file), { recursive: true });
    accessSync(dirname(file), constants.W_OK);
    database = new Database(file, { timeout: BUSY_WAIT_MS });
  } catch (cause) {
    throw new GreenparkError('DATA_DIR_UNWRITABLE', `${what} ${file} cannot be opened for writing: ${textOf(cause)}`, { cause });
  }
  const connection = new Connection(database);
  try {
    connection.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; pragma recursive_triggers = on');
    connection.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
    return connection;
  } catch (cause) {
    connection.close();
    throw translated(cause, `${what} ${file}`);
  }
}

/**
 * libsql behind the few calls that are used, with what its types do not say: a boolean parameter aborts the whole process
 * (0.5.29), a text is cut at its first NUL, bytes come back as an ArrayBuffer.
 */
export class Connection implements SqliteDatabase {
  readonly #database: Database.Database;
  readonly #prepared = new Map<string, SqliteStatement>();

  constructor(database: Database.Database) {
    this.#database = database;
  }

  prepare(text: string): SqliteStatement {
    const known = this.#prepared.get(text);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(text);
    const made: SqliteStatement = {
      reader: statement.reader,
      all: (parameters) => statement.all(parameters.map(bindable)),
      run: (parameters) => statement.run(parameters.map(bindable)),
      iterate: (parameters) => statement.iterate(parameters.map(bindable)),
    };
    if (this.#prepared.size >= PREPARED) this.#prepared.clear();
    this.#prepared.set(text, made);
    return made;
  }

  exec(text: string): void {
    this.#database.exec(text);
  }

  /** Differs from the answer before whenever another connection has committed since. */
  dataVersion(): number {
    const [row] = this.prepare('pragma data_version').all([]) as { data_version: number }[];
    return row?.data_version ?? 0;
  }

  close(): void {
    this.#prepared.clear();
    if (this.#database.open) this.#database.close();
  }
}

function bindable(value: unknown): string | number | bigint | null | Uint8Array {
  if (typeof value === 'string') return value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
  if (value === null || typeof value === 'number' || typeof value === 'bigint' || value instanceof Uint8Array) return value;
  throw new TypeError(`a ${typeof value} cannot be stored: only text, numbers, bytes and null can`);
}

/** Bytes as they come back from the database. */
export const bytesOf = (stored: Uint8Array | ArrayBuffer): Uint8Array => (stored instanceof Uint8Array ? stored : new Uint8Array(stored));

/** kysely's dialect, but a transaction takes the write lock at its start: one that asked first could be refused at its first write. */
export class RegistryDialect extends SqliteDialect {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    super({ database: connection });
    this.#connection = connection;
  }

  override createDriver(): Driver {
    return new ImmediateDriver({ database: this.#connection });
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter();
  }
}

class ImmediateDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  /** On a full disk SQLite has rolled back by itself: then its own error is the one to tell. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await super.rollbackTransaction(connection);
    } catch (cause) {
      if (!/no transaction is active/.test(textOf(cause))) throw cause;
    }
  }
}

class TransactionalAdapter extends SqliteAdapter {
  /** SQLite can: a migration that fails half-way then leaves nothing behind. */
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** Makes the database itself refuse to change or delete what stands in `table`, whose key is `id`. */
export async function makeAppendOnly(db: Kysely<unknown>, table: string): Promise<void> {
  const refuse = (event: string, when: string) =>
    sql`create trigger ${sql.id(`${table}_no_${event}`)} before ${sql.raw(event)} on ${sql.table(table)} ${sql.raw(when)}
      begin select raise(abort, ${sql.lit(`${table} is append-only`)}); end`.execute(db);
  await refuse('update', '');
  await refuse('delete', '');
  // `insert or replace` deletes without a delete trigger unless the connection asked for recursive ones: refused at the insert.
  await refuse('insert', `when exists (select 1 from "${table}" where id = new.id)`);
}

/** A driver's failure as the registry's callers know it. `where` says what was worked on. */
export function translated(cause: unknown, where: string): GreenparkError {
  if (cause instanceof GreenparkError) return cause;
  const code = codeOf(cause);
  if (isBusy(cause)) {
    return new GreenparkError('STORE_UNREACHABLE', `${where} is held by another process for longer than ${BUSY_WAIT_MS} ms`, { cause, retryable: true });
  }
  if (code.startsWith('SQLITE_FULL') || code.startsWith('SQLITE_IOERR')) {
    return new GreenparkError('STORE_UNREACHABLE', `${where} cannot be written: ${textOf(cause)}`, { cause, retryable: true });
  }
  if (code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_PERM')) {
    return new GreenparkError('DATA_DIR_UNWRITABLE', `${where} cannot be opened for writing: ${textOf(cause)}`, { cause });
  }
  if (isDamaged(cause)) {
    return new GreenparkError('STORE_REFUSED', `${where} is not a readable database: ${textOf(cause)}; restore it from a backup`, { cause });
  }
  if (code.startsWith('SQLITE_CONSTRAINT')) {
    return new GreenparkError('CONFLICT', `${where} refuses the change: ${textOf(cause)}`, { cause });
  }
  return new GreenparkError('INTERNAL', `${where} failed: ${textOf(cause)}`, { cause });
}

/** Another process holds the database; a moment later it may not. */
export const isBusy = (cause: unknown): boolean => /^SQLITE_(BUSY|LOCKED)/.test(codeOf(cause));

/** The file is no database, or not all of it is. */
export function isDamaged(cause: unknown): boolean {
  if (cause instanceof GreenparkError && cause.cause !== undefined) return isDamaged(cause.cause);
  return /^SQLITE_(NOTADB|CORRUPT)/.test(codeOf(cause));
}

const codeOf = (cause: unknown): string => (cause instanceof Error && 'code' in cause ? String(cause.code) : '');
const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
