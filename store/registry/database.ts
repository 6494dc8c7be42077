import { Kysely, sql, type Transaction } from 'kysely';
import { GreenparkError } from '../../model/errors.ts';
import { BUSY_WAIT_MS, type Connection, isBusy, RegistryDialect, translated } from './sqlite.ts';
import type { CounterRow, Tables } from './tables.ts';

/** What a query may be asked of: the database, or a transaction on it. */
export type Queryable = Kysely<Tables>;

/** The one way to the tables. Inside `define` and `record`, use the transaction handed in: the database waits for it to end. */
export interface RegistryDatabase {
  read<T>(ask: (db: Queryable) => Promise<T>): Promise<T>;
  /** A change of what people set up of parks, in one durable transaction; `changed` says of its result whether anything was. */
  define<T>(change: (db: Transaction<Tables>) => Promise<T>, changed?: (result: T) => boolean): Promise<T>;
  /** A change of what the service itself keeps (sessions, alerts, dead letters, audit), in one durable transaction. */
  record<T>(change: (db: Transaction<Tables>) => Promise<T>): Promise<T>;
}

/** Between two tries while another process writes, in ms. */
const BUSY_PAUSE_MS = 15;

const anyChange = (result: unknown): boolean => result !== false && result !== 'unchanged';

/** The tables in their file: every failure leaves as a GreenparkError, and what people set up of parks is counted in `version`. */
export class DatabaseFile implements RegistryDatabase {
  readonly #connection: Connection;
  readonly #kysely: Kysely<Tables>;
  readonly #where: string;
  #version = 1;
  #dataVersion: number;
  #closed = false;
  /** The last change failed for the disk's sake. */
  #failing = false;

  constructor(connection: Connection, file: string) {
    this.#connection = connection;
    this.#kysely = new Kysely<Tables>({ dialect: new RegistryDialect(connection) });
    this.#where = `the registry ${file}`;
    this.#dataVersion = connection.dataVersion();
  }

  read<T>(ask: (db: Queryable) => Promise<T>): Promise<T> {
    return this.#patient(() => ask(this.#kysely));
  }

  async define<T>(change: (db: Transaction<Tables>) => Promise<T>, changed: (result: T) => boolean = anyChange): Promise<T> {
    const result = await this.record(change);
    if (changed(result)) this.#version++;
    return result;
  }

  /** Whatever `work` does through the database handed to it is one durable transaction; when it rejects, nothing was done. */
  async together<T>(work: (within: RegistryDatabase) => Promise<T>): Promise<T> {
    let defined = false;
    const result = await this.record((db) =>
      work({
        read: (ask) => ask(db),
        record: (change) => change(db),
        async define(change, changed = anyChange) {
          const made = await change(db);
          if (changed(made)) defined = true;
          return made;
        },
      }),
    );
    if (defined) this.#version++;
    return result;
  }

  async record<T>(change: (db: Transaction<Tables>) => Promise<T>): Promise<T> {
    let begun = false;
    try {
      const result = await this.#patient(
        () =>
          this.#kysely.transaction().execute((db) => {
            begun = true;
            return change(db);
          }),
        () => !begun,
      );
      this.#failing = false;
      return result;
    } catch (error) {
      if (error instanceof GreenparkError && error.code === 'STORE_UNREACHABLE') this.#failing = true;
      throw error;
    }
  }

  /** Rejects while changes cannot be written. The disk is asked only after one has failed. */
  async ping(): Promise<void> {
    // A pragma that sets what is set already is written all the same.
    if (this.#failing) await this.record((db) => sql`pragma user_version = 0`.execute(db));
  }

  version(): number {
    if (this.#closed) throw this.#closedError();
    try {
      const seen = this.#connection.dataVersion();
      if (seen !== this.#dataVersion) {
        this.#dataVersion = seen;
        this.#version++;
      }
      return this.#version;
    } catch (cause) {
      throw translated(cause, this.#where);
    }
  }

  close(): void {
    this.#closed = true;
    this.#connection.close();
  }

  /**
   * Tries again while another process holds the database, as long as `mayRepeat` says that nothing was begun. Between two tries the
   * connection is free: who only reads is not held up by who waits to write.
   */
  async #patient<T>(work: () => Promise<T>, mayRepeat: () => boolean = () => true): Promise<T> {
    const deadline = performance.now() + BUSY_WAIT_MS;
    for (;;) {
      if (this.#closed) throw this.#closedError();
      try {
        return await work();
      } catch (cause) {
        if (this.#closed) throw this.#closedError();
        if (!isBusy(cause) || !mayRepeat() || performance.now() > deadline) throw translated(cause, this.#where);
      }
      await new Promise((resolve) => setTimeout(resolve, BUSY_PAUSE_MS));
    }
  }

  #closedError(): GreenparkError {
    return new GreenparkError('STORE_CLOSED', `${this.#where} is closed`);
  }
}

/** Takes `count` numbers in a row from a counter and answers the first of them. */
export async function takeNumbers(db: Queryable, name: CounterRow['name'], count: number): Promise<number> {
  const { last } = await db
    .insertInto('counters')
    .values({ name, last: count })
    .onConflict((conflict) => conflict.column('name').doUpdateSet((eb) => ({ last: eb('counters.last', '+', count) })))
    .returning('last')
    .executeTakeFirstOrThrow();
  return last - count + 1;
}

/** Bulk statements are cut into pieces of `size` rows. */
export function* chunksOf<T>(rows: readonly T[], size: number): Generator<T[]> {
  for (let at = 0; at < rows.length; at += size) yield rows.slice(at, at + size);
}
