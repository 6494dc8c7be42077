import { accessSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { GreenparkError } from '../model/errors.ts';

/** The file whose lock says that a process works in the directory. It stays behind and means nothing without the lock. */
const LOCK_FILE = 'process.lock';

/**
 * Claims a data directory (made where it is missing) for this process alone. The kernel holds the claim, so it ends with the
 * process however that ends, `kill -9` included. Throws DATA_DIR_IN_USE or DATA_DIR_UNWRITABLE.
 */
export function lockDataDirectory(dir: string): { release(): void } {
  let database: Database.Database | undefined;
  try {
    mkdirSync(dir, { recursive: true });
    accessSync(dir, constants.W_OK);
    const opened = new Database(join(dir, LOCK_FILE));
    database = opened;
    // A rollback journal: only there does an exclusive transaction hold the file's own lock. In memory: it needs no room on a full disk.
    opened.exec('pragma journal_mode = memory; pragma locking_mode = exclusive; begin exclusive');
    let held = true;
    return {
      release: () => {
        if (held) opened.close();
        held = false;
      },
    };
  } catch (cause) {
    database?.close();
    if (cause instanceof Error && 'code' in cause && String(cause.code).startsWith('SQLITE_BUSY')) {
      throw new GreenparkError(
        'DATA_DIR_IN_USE',
        `the data directory ${dir} is used by another Greenpark process; stop it or choose another GREENPARK_DATA_DIR`,
        { cause },
      );
    }
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GreenparkError('DATA_DIR_UNWRITABLE', `the data directory ${dir} cannot be written: ${why}`, { cause });
  }
}
