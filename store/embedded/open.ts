import { mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { GreenparkError } from '../../model/errors.ts';
import type { ReadingStore } from '../port.ts';
import { EmbeddedStore } from './store.ts';

/** Folders open in this process. DuckDB's own lock keeps other processes out, but not a second opening in the same one. */
const open = new Set<string>();

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
  await requireWritable(directory);
  const folder = await realpath(directory);
  if (open.has(folder)) throw inUse(directory);
  open.add(folder);
  const store = new EmbeddedStore(() => open.delete(folder));
  try {
    await store.open({ file: join(folder, 'readings.duckdb'), memoryLimitMb, threads, keepFreeBytes, renewAfterFrames });
  } catch (error) {
    if (error instanceof GreenparkError && error.code === 'DATA_DIR_IN_USE') throw inUse(directory, error);
    throw error;
  }
  return store;
}

async function requireWritable(directory: string): Promise<void> {
  const probe = join(directory, `.probe-${process.pid}`);
  try {
    await mkdir(directory, { recursive: true });
    await writeFile(probe, '');
    await rm(probe);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GreenparkError('DATA_DIR_UNWRITABLE', `the data folder ${directory} cannot be written: ${why}`, { cause });
  }
}

function inUse(directory: string, cause?: unknown): GreenparkError {
  return new GreenparkError('DATA_DIR_IN_USE', `the data folder ${directory} is open in another process; one process owns it at a time`, { cause });
}
