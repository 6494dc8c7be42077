import { GreenparkError } from '../../model/errors.ts';
import type { ReadingStore } from '../port.ts';
import { type InfluxAddress, InfluxConnection } from './connection.ts';
import type { MeterNames } from './lines.ts';
import { InfluxStore } from './store.ts';

export interface InfluxStoreOptions extends InfluxAddress {
  /** Ordinal to meter id and back; an id that is not known any more is left out of answers. */
  readonly meters: MeterNames;
}

/**
 * Opens the store on an InfluxDB. On version 1 the database is made when it is missing; on 2 and 3 the bucket has to exist
 * (on 2 with a mapping for InfluxQL). Rejects `STORE_UNREACHABLE`, retryable, while the server does not answer, and `STORE_REFUSED` where its
 * configuration has it cut answers.
 */
export async function openInfluxStore({ meters, ...address }: InfluxStoreOptions): Promise<ReadingStore> {
  const connection = new InfluxConnection(address);
  await connection.createDatabase();
  await connection.ping();
  if (address.version === 1) await requireWholeAnswers(connection, address.url);
  return new InfluxStore(connection, meters);
}

/**
 * A cut answer cannot be told from a whole one: `partial`, which InfluxDB 1 puts on it, also stands on whole ones of more than 10,000 rows.
 * Where the user may not ask, nothing is known.
 */
async function requireWholeAnswers(connection: InfluxConnection, url: string): Promise<void> {
  const [[httpd] = []] = await connection.query("SHOW DIAGNOSTICS FOR 'config-httpd'").catch(() => []);
  const limit = httpd?.values[0]?.[httpd.columns.indexOf('max-row-limit')];
  if (typeof limit !== 'number' || limit <= 0) return;
  throw new GreenparkError('STORE_REFUSED', `InfluxDB at ${url} cuts its answers after ${limit} rows: set max-row-limit to 0 in its section [http]`);
}
