import type { DuckDBConnection, DuckDBDataChunk, DuckDBResult } from '@duckdb/node-api';
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
  for (let chunk = await nextOf(result); chunk !== null; chunk = await nextOf(result)) {
    chunks.push(chunk);
    length += chunk.rowCount;
  }
  const columns = columnsFor(result, length);
  let at = 0;
  for (const chunk of chunks) at += take(chunk, columns, at);
  return { length, columns };
}

/** The same of `length` rows, which are very many: they are taken as they come, so that they are never there twice. */
export async function manyNumbers(connection: DuckDBConnection, sql: string, length: number): Promise<NumberColumns> {
  const result = await connection.stream(sql);
  const columns = columnsFor(result, length);
  let at = 0;
  for (let chunk = await nextOf(result); chunk !== null; chunk = await nextOf(result)) at += take(chunk, columns, at);
  return { length: at, columns };
}

async function nextOf(result: DuckDBResult): Promise<DuckDBDataChunk | null> {
  const chunk = await result.fetchChunk();
  return chunk === null || chunk.rowCount === 0 ? null : chunk;
}

const columnsFor = ({ columnCount }: DuckDBResult, length: number): Float64Array[] => Array.from({ length: columnCount }, () => new Float64Array(length));

/** Puts the rows of a chunk into the columns, from row `at` on; answers their number. */
function take({ chunk, rowCount }: DuckDBDataChunk, columns: readonly Float64Array[], at: number): number {
  for (const [index, column] of columns.entries()) {
    const bytes = bindings.vector_get_data(bindings.data_chunk_get_vector(chunk, index), 8 * rowCount);
    column.set(new Float64Array(bytes.buffer, bytes.byteOffset, rowCount), at);
  }
  return rowCount;
}

/** The value in the first row and column of such a result; NaN for an empty one. */
export async function oneNumber(connection: DuckDBConnection, sql: string): Promise<number> {
  return (await numbers(connection, sql)).columns[0]?.[0] ?? Number.NaN;
}
