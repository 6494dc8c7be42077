import { BIGINT, type DuckDBConnection, DuckDBDataChunk, INTEGER } from '@duckdb/node-api';
import { CHUNK_ROWS, ChunkColumn, putTime } from './frame-appender.ts';

/** Rows by what tells them apart. */
export interface RowNames {
  readonly length: number;
  readonly meter: Int32Array;
  readonly quantity: Int32Array | Uint16Array;
  readonly ts: Float64Array;
}

/** The first and the last time of some rows. */
export interface TimeRange {
  readonly earliest: number;
  readonly latest: number;
}

/** Lays rows into a temporary table of the connection, as (row, meter, quantity, ts), for a statement to join with. Answers their first and last time. */
export async function stageRows(connection: DuckDBConnection, table: string, rows: RowNames): Promise<TimeRange> {
  await connection.run(`CREATE OR REPLACE TEMP TABLE ${table} (row INTEGER, meter INTEGER, quantity INTEGER, ts BIGINT)`);
  const appender = await connection.createAppender(table, 'main', 'temp');
  const chunk = DuckDBDataChunk.create([INTEGER, INTEGER, INTEGER, BIGINT], CHUNK_ROWS);
  const row = new ChunkColumn(chunk, 0, new Int32Array(CHUNK_ROWS));
  const meter = new ChunkColumn(chunk, 1, new Int32Array(CHUNK_ROWS));
  const quantity = new ChunkColumn(chunk, 2, new Int32Array(CHUNK_ROWS));
  const ts = new ChunkColumn(chunk, 3, new Uint32Array(2 * CHUNK_ROWS));
  let earliest = Number.POSITIVE_INFINITY;
  let latest = Number.NEGATIVE_INFINITY;
  for (let from = 0; from < rows.length; from += CHUNK_ROWS) {
    const count = Math.min(CHUNK_ROWS, rows.length - from);
    for (let i = 0; i < count; i++) {
      const at = rows.ts[from + i] as number;
      if (at < earliest) earliest = at;
      if (at > latest) latest = at;
      row.items[i] = from + i;
      meter.items[i] = rows.meter[from + i] as number;
      quantity.items[i] = rows.quantity[from + i] as number;
      putTime(ts.items, i, at);
    }
    for (const column of [row, meter, quantity, ts]) column.put(count);
    chunk.rowCount = count;
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
  return { earliest, latest };
}
