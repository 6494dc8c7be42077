import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { ReadingStore } from '../port.ts';
import { lockDataDirectory } from '../process-lock.ts';
import { EmbeddedStore } from './store.ts';

export interface EmbeddedStoreOptions {
  /** Folder of the database file; made when it is missing. */
  readonly directory: string;
  /** Upper bound of DuckDB's own memory, MB. Default 512. */
  readonly memoryLimitMb?: number;
  /** Threads that DuckDB computes with. Default: half of the cores, at least one. The rest of the service wants the others, and threads that wait for each other spin. */
  readonly threads?: number;
  /** With less left on the disk nothing is written: room for a checkpoint, and for whoever else needs the disk. Default 64 MB. */
  readonly keepFreeBytes?: number;
  /** After so many frames the file is opened anew, for half a second, as DuckDB's memory grows with what it has written. Default 50 million. */
  readonly renewAfterFrames?: number;
}

/**
 * Opens the store in `directory`. Rejects `DATA_DIR_UNWRITABLE` when the folder cannot be made or written, `DATA_DIR_IN_USE`
 * when another process (or another store of this one) has it open.
 */
export async function openEmbeddedStore({
  directory,
  memoryLimitMb = 512,
  threads = Math.max(1, availableParallelism() >> 1),
  keepFreeBytes = 64 << 20,
  renewAfterFrames = 50_000_000,
}: EmbeddedStoreOptions): Promise<ReadingStore> {
  // DuckDB's own lock ends for as long as its file is opened anew, and does not keep out a second opening in the same process.
  const claim = lockDataDirectory(directory);
  const store = new EmbeddedStore(() => claim.release());
  await store.open({ file: join(directory, 'readings.duckdb'), memoryLimitMb, threads, keepFreeBytes, renewAfterFrames });
  return store;
}
