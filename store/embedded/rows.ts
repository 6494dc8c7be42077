import type { DuckDBConnection } from '@duckdb/node-api';
import bindings from '@duckdb/node-bindings';

/** A result whose columns are all DOUBLE and never null, as one typed array a column. */
export interface NumberColumns {
  readonly length: number;
  readonly columns: readonly Float64Array[];
}

export const cell = (rows: NumberColumns, column: number, row: number): number => rows.columns[column]?.[row] as number;

/** Runs `sql`, whose columns must all be DOUBLE without nulls. */
export async function numbers(connection: DuckDBConnection, sql: string): Promise<NumberColumns> {
  const result = await connection.run(sql);
  const chunks = [];
  let length = 0;
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    chunks.push(chunk);
    length += chunk.rowCount;
  }
  const columns = Array.from({ length: result.columnCount }, () => new Float64Array(length));
  let at = 0;
  for (const chunk of chunks) {
    const rows = chunk.rowCount;
    for (const [index, column] of columns.entries()) {
      const bytes = bindings.vector_get_data(bindings.data_chunk_get_vector(chunk.chunk, index), 8 * rows);
      column.set(new Float64Array(bytes.buffer, bytes.byteOffset, rows), at);
    }
    at += rows;
  }
  return { length, columns };
}

/** The value in the first row and column of such a result; NaN for an empty one. */
export async function oneNumber(connection: DuckDBConnection, sql: string): Promise<number> {
  return (await numbers(connection, sql)).columns[0]?.[0] ?? Number.NaN;
}
