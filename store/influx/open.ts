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
 * (on 2 with a mapping for InfluxQL). Rejects `STORE_UNREACHABLE`, retryable, while the server does not answer.
 */
export async function openInfluxStore({ meters, ...address }: InfluxStoreOptions): Promise<ReadingStore> {
  const connection = new InfluxConnection(address);
  await connection.createDatabase();
  await connection.ping();
  return new InfluxStore(connection, meters);
}
