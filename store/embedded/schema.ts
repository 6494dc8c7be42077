import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { SLOTS } from './shapes.ts';

/** Name of the database file within DuckDB. */
export const DATABASE = 'readings';
/**
 * Frames of one row group: a little less than three blocks of ingest bring, of frames of five values. A transaction of at least as many is
 * written into the file at once, compressed, without passing through DuckDB's log: a third less CPU a reading. DuckDB's own size, twice
 * this, takes that much longer to come together.
 */
export const ROW_GROUP_FRAMES = 59_392;

const slots = Array.from({ length: SLOTS }, (_, slot) => slot);

/**
 * `frame`: one row for up to SLOTS values of one meter and time. `shape` says which quantity stands in which slot (v0, v1, …);
 * `quality` holds one byte a slot, the lowest for v0; `received` is when the block's transaction began, never falling.
 * `newest` and `mark` keep the latest reading of every series up to the block received at `mark`, so that a start need not read
 * the whole history. `correction` is laid over the readings when they are read. No key on `frame`: it would cost more than half
 * of the speed of writing and seven times the disk.
 */
const TABLES = [
  `CREATE TABLE IF NOT EXISTS frame (meter INTEGER, ts BIGINT, shape INTEGER, ${slots.map((slot) => `v${slot} DOUBLE`).join(', ')}, quality UBIGINT, received BIGINT)`,
  'CREATE TABLE IF NOT EXISTS shape (shape INTEGER, slot INTEGER, quantity INTEGER)',
  'CREATE TABLE IF NOT EXISTS newest (meter INTEGER, quantity INTEGER, ts BIGINT, value DOUBLE, quality INTEGER)',
  'CREATE TABLE IF NOT EXISTS mark (received BIGINT)',
  'CREATE TABLE IF NOT EXISTS correction (number BIGINT, meter INTEGER, quantity INTEGER, ts BIGINT, value DOUBLE, quality INTEGER, author VARCHAR, reason VARCHAR, made BIGINT)',
];

/** A table like `frame` that lasts as long as the connection, for the frames that `newest` is brought up to date with. */
export const NEWEST_FRAMES = 'newest_frame';

export interface DatabaseLimits {
  readonly memoryLimitMb: number;
  readonly threads: number;
}

/** Opens the file in a DuckDB of its own. The size of row groups can be said for a file that is attached alone. */
export async function openDatabase(file: string, { memoryLimitMb, threads }: DatabaseLimits): Promise<DuckDBInstance> {
  // What does not fit into memory goes beside the file, not into whatever folder the service was started in.
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${memoryLimitMb}MB`,
    threads: String(threads),
    temp_directory: `${file}.tmp`,
    // What such a transaction brings beyond a row group is a small one. Putting those together at a checkpoint would write the full ones
    // between them anew, for seconds; whole row groups that retention has emptied are given up all the same.
    max_vacuum_tasks: '0',
  });
  const connection = await instance.connect();
  try {
    await connection.run(`ATTACH '${file.replaceAll("'", "''")}' AS ${DATABASE} (ROW_GROUP_SIZE ${ROW_GROUP_FRAMES})`);
  } catch (error) {
    instance.closeSync();
    throw error;
  } finally {
    connection.closeSync();
  }
  return instance;
}

/** From now on the connection finds the file's tables by their names. */
export async function useDatabase(connection: DuckDBConnection): Promise<void> {
  await connection.run(`USE ${DATABASE}`);
}

/** Makes what is missing in the database. */
export async function createTables(connection: DuckDBConnection): Promise<void> {
  for (const table of TABLES) await connection.run(table);
}

/** SQL for the readings in `frame`, or a table like it, one row a value, as (meter, quantity, ts, value, quality); `where` bounds the frames. */
export const everyValue = (where: string, table = 'frame'): string =>
  slots
    .map(
      (slot) =>
        `SELECT f.meter, s.quantity, f.ts, f.v${slot} AS value, CAST((f.quality >> ${8 * slot}) & 255 AS INTEGER) AS quality FROM ${table} f JOIN shape s ON s.shape = f.shape AND s.slot = ${slot} WHERE ${where}`,
    )
    .join(' UNION ALL ');
