import { Kysely, type Transaction } from 'kysely';
import { GreenparkError } from '../../model/errors.ts';
import { type Connection, RegistryDialect, translated } from './sqlite.ts';
import type { CounterRow, Tables } from './tables.ts';

/** What a query may be asked of: the database, or a transaction on it. */
export type Queryable = Kysely<Tables>;

/**
 * The one way to the tables: every failure leaves as a GreenparkError, and what people set up is counted in `version`.
 * Inside `define` and `record`, use the transaction handed in: the database waits for it to end.
 */
export class RegistryDatabase {
  readonly #connection: Connection;
  readonly #kysely: Kysely<Tables>;
  readonly #where: string;
  #version = 1;
  #dataVersion: number;
  #closed = false;

  constructor(connection: Connection, file: string) {
    this.#connection = connection;
    this.#kysely = new Kysely<Tables>({ dialect: new RegistryDialect(connection) });
    this.#where = `the registry ${file}`;
    this.#dataVersion = connection.dataVersion();
  }

  read<T>(ask: (db: Queryable) => Promise<T>): Promise<T> {
    return this.#guarded(() => ask(this.#kysely));
  }

  /** A change of what people set up, in one durable transaction; `changed` says of its result whether anything was. */
  async define<T>(change: (db: Transaction<Tables>) => Promise<T>, changed = (result: T): boolean => result !== false && result !== 'unchanged'): Promise<T> {
    const result = await this.record(change);
    if (changed(result)) this.#version++;
    return result;
  }

  /** A change of what the service itself keeps (sessions, alerts, dead letters, audit), in one durable transaction. */
  record<T>(change: (db: Transaction<Tables>) => Promise<T>): Promise<T> {
    return this.#guarded(() => this.#kysely.transaction().execute(change));
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

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw this.#closedError();
    try {
      return await work();
    } catch (cause) {
      throw this.#closed ? this.#closedError() : translated(cause, this.#where);
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
