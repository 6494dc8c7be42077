import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { GreenparkError } from '../../model/errors.ts';
import type { EpochMs } from '../../model/ids.ts';
import type { ReadingBlock } from '../../model/reading.ts';
import { bytesOf, type Connection, isDamaged, openSqlite } from '../../store/registry/sqlite.ts';
import type { Arrival } from '../reading-writer.ts';
import { emptyBlock, packRows, seal, type UnpackedRows, unpackRows } from './packed-rows.ts';

export interface SpoolOptions {
  /** Folder of its own; made where it is missing. */
  readonly directory: string;
  /** Bytes of the disk it may take. */
  readonly limitBytes: number;
  /** Bytes of the disk that it leaves free for everything else. */
  readonly keepFreeBytes: number;
  readonly logger: Pick<Logger, 'error'>;
}

/** Blocks that follow each other, made into one. */
export interface SpoolWindow {
  /** Number of the last block in it, for `remove`. */
  readonly last: number;
  /** In the order in which the rows came; null when none of the blocks could be read. */
  readonly block: ReadingBlock | null;
}

/** The newest is in use; those before it were damaged and are kept. No name is used twice: the library may let go of a file late. */
const fileOf = (number: number): string => (number === 0 ? 'spool.db' : `spool-${number}.db`);
const FILE = /^spool(?:-(\d+))?\.db$/;
/** Marks a file that has everything which could be saved of the one before it. */
const WHOLE = 1;
/** Each file begins its numbers of blocks here times its own number, so that no block has the number of another. */
const NUMBERS_OF_A_FILE = 1e9;
/** Blocks that one window is made of at most. */
const MOST_BLOCKS = 4096;
/** What SQLite writes beyond the rows themselves, in bytes: pages of the tree and of its log. */
const OVERHEAD_BYTES = 64 << 10;
const MEGABYTE = 1 << 20;

/**
 * Blocks of readings that the store could not take, in their order, in one SQLite file: each is on the disk when `append` returns.
 * A block has its own check sum; one that cannot be read is set aside in a file. So is the whole file when it is damaged, and what can
 * still be read of it goes into a new one.
 *
 * Disk work is done in the call, as it is for the registry: it happens only while the store is away.
 */
export class Spool {
  readonly #options: SpoolOptions;
  #database: Connection;
  #readings = 0;
  #refusal: string | null = null;
  #lost = 0;
  /** Numbers of blocks that could not be read. */
  readonly #damaged = new Set<number>();
  /** Number of the file in use, and of the newest that was made. */
  #file = 0;
  #newest = 0;

  /** Throws `DATA_DIR_UNWRITABLE` when its folder cannot be written. */
  constructor(options: SpoolOptions) {
    this.#options = options;
    try {
      mkdirSync(options.directory, { recursive: true });
    } catch (cause) {
      throw new GreenparkError('DATA_DIR_UNWRITABLE', `the spool's folder ${options.directory} cannot be made: ${textOf(cause)}`, { cause });
    }
    this.#database = this.#openOrSetAside();
  }

  /** Readings that wait for the store. */
  get readings(): number {
    return this.#readings;
  }

  /** Why the last block was not taken; null when it was. */
  get refusal(): string | null {
    return this.#refusal;
  }

  get limitBytes(): number {
    return this.#options.limitBytes;
  }

  /** Readings that could not be read back; their bytes are kept in the files that were set aside. */
  get lost(): number {
    return this.#lost;
  }

  /** Bytes of the disk in use. */
  get bytes(): number {
    const one = (name: string) => Object.values(this.#database.prepare(`pragma ${name}`).all([])[0] as Record<string, number>)[0] ?? 0;
    return this.#surely(() => (one('page_count') - one('freelist_count')) * one('page_size'));
  }

  /** Bytes of the disk that waiting readings take: an empty spool has some pages of its own. */
  get waitingBytes(): number {
    return this.#readings === 0 ? 0 : this.bytes;
  }

  /** Earliest time of measurement in the block that is next; null when there is none. */
  get oldestTs(): EpochMs | null {
    if (this.#readings === 0) return null;
    const [row] = this.#surely(() => this.#database.prepare('select oldest from block order by seq limit 1').all([])) as { oldest: number }[];
    return row?.oldest ?? null;
  }

  /**
   * Puts the block at the end. Throws `STORE_UNREACHABLE` when there is no room or the disk refuses; nothing of it is kept then.
   *
   * @param cause why the store did not take it, where it was asked
   */
  append(block: ReadingBlock, arrival: Arrival, cause?: unknown): void {
    const bytes = packRows(block, arrival);
    const { rows, oldest } = seal(bytes);
    try {
      this.#refusal = this.#noRoomFor(bytes.byteLength);
      if (this.#refusal === null) {
        const row = [rows, oldest, new Uint8Array(bytes)];
        this.#surely(() => this.#database.prepare('insert into block (rows, oldest, data) values (?, ?, ?)').run(row));
        this.#readings += rows;
        return;
      }
    } catch (error) {
      this.#refusal = `the disk of ${this.#options.directory} refuses the spool: ${textOf(error)}`;
    }
    throw new GreenparkError('STORE_UNREACHABLE', `the store takes nothing and ${this.#refusal}`, { cause });
  }

  /** The oldest blocks behind number `after`, about `rows` readings of them; null when there are none. */
  next(rows: number, after = 0): SpoolWindow | null {
    return this.#surely(() => this.#next(rows, after));
  }

  #next(rows: number, after: number): SpoolWindow | null {
    const heads = this.#database.prepare('select seq, rows from block where seq > ? order by seq limit ?').all([after, MOST_BLOCKS]) as {
      seq: number;
      rows: number;
    }[];
    let taken = 0;
    for (let sum = 0; taken < heads.length && (taken === 0 || sum + (heads[taken]?.rows ?? 0) <= rows); taken++) sum += heads[taken]?.rows ?? 0;
    const last = heads[taken - 1]?.seq;
    if (last === undefined) return null;
    const stored = this.#database.prepare('select seq, data from block where seq > ? and seq <= ? order by seq').all([after, last]) as {
      seq: number;
      data: Uint8Array;
    }[];
    const rowsOf = new Map(heads.map((head) => [head.seq, head.rows]));
    const parts = stored.flatMap(({ seq, data }) => {
      const bytes = Uint8Array.from(bytesOf(data)).buffer;
      const unpacked = unpackRows(bytes);
      if (!('fault' in unpacked)) return [unpacked];
      this.#keepDamaged(seq, rowsOf.get(seq) ?? 0, bytes, unpacked.fault);
      return [];
    });
    return { last, block: parts.length === 0 ? null : merged(parts) };
  }

  #keepDamaged(seq: number, rows: number, bytes: ArrayBuffer, fault: string): void {
    if (this.#damaged.has(seq)) return;
    const file = join(this.#options.directory, `damaged-${seq}.block`);
    // Where the disk refuses it, the block stays where it is and is come to again.
    writeFileSync(file, new Uint8Array(bytes));
    this.#damaged.add(seq);
    this.#lost += rows;
    this.#options.logger.error({ file, fault, lost: rows }, 'a block of the spool cannot be read; its bytes are kept in a file of their own');
  }

  /** Forgets the blocks up to number `last`: they are in the store. */
  remove(last: number): void {
    this.#surely(() => {
      this.#database.prepare('delete from block where seq <= ?').run([last]);
      this.#readings = readingsIn(this.#database);
    });
    if (this.#readings > 0) return;
    this.#refusal = null;
    try {
      // Gives the disk its space back.
      this.#database.exec('vacuum');
      this.#database.exec('pragma wal_checkpoint(truncate)');
    } catch (error) {
      // On a full disk it stays for the next time.
      this.#options.logger.error({ err: error }, 'the empty spool keeps its space on the disk');
    }
  }

  close(): void {
    this.#database.close();
  }

  #noRoomFor(bytes: number): string | null {
    const { limitBytes, keepFreeBytes, directory } = this.#options;
    if (this.bytes + bytes + OVERHEAD_BYTES > limitBytes) return `the spool has reached its bound of ${Math.round(limitBytes / MEGABYTE)} MB`;
    const { bavail, bsize } = statfsSync(directory);
    if (bavail * bsize >= keepFreeBytes + bytes + OVERHEAD_BYTES) return null;
    return `the disk of ${directory} has less than ${Math.round(keepFreeBytes / MEGABYTE)} MB left, which the spool leaves free`;
  }

  /** The answer of `work`, which is begun again when the file shows itself damaged. */
  #surely<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!isDamaged(error)) throw error;
      this.#database = this.#setAside(error, this.#database);
      return work();
    }
  }

  #openOrSetAside(): Connection {
    const { directory } = this.#options;
    const numbers = readdirSync(directory).flatMap((name) => (FILE.test(name) ? [Number(FILE.exec(name)?.[1] ?? 0)] : []));
    this.#newest = Math.max(0, ...numbers);
    for (let number = this.#newest; ; number--) {
      let opened: Connection | null = null;
      try {
        opened = this.#open(number);
        // A process that ended while it saved left the file before it as it was.
        if (number > 0 && !isWhole(opened)) {
          opened.close();
          continue;
        }
        this.#file = number;
        this.#readings = readingsIn(opened);
        return opened;
      } catch (error) {
        if (!isDamaged(error)) throw error;
        this.#file = number;
        return this.#setAside(error, opened);
      }
    }
  }

  /** Leaves the file for another one with all blocks that can still be read. */
  #setAside(error: unknown, damaged: Connection | null): Connection {
    const { directory, logger } = this.#options;
    const before = this.#readings;
    const number = ++this.#newest;
    const database = this.#open(number);
    try {
      save(damaged, database, number * NUMBERS_OF_A_FILE);
    } catch (cause) {
      database.close();
      for (const end of ['', '-wal', '-shm']) rmSync(join(directory, fileOf(number) + end), { force: true });
      throw cause;
    }
    damaged?.close();
    const file = join(directory, fileOf(this.#file));
    this.#file = number;
    this.#readings = readingsIn(database);
    const lost = Math.max(0, before - this.#readings);
    this.#lost += lost;
    logger.error({ err: error, file, saved: this.#readings, lost }, 'the spool is damaged: its file is kept, and what can be read of it is in another one');
    return database;
  }

  #open(number: number): Connection {
    const database = openSqlite(join(this.#options.directory, fileOf(number)), 'the spool');
    try {
      database.exec(
        'create table if not exists block (seq integer primary key autoincrement, rows integer not null, oldest real not null, data blob not null)',
      );
      return database;
    } catch (cause) {
      database.close();
      throw cause;
    }
  }
}

function readingsIn(database: Connection): number {
  const [sum] = database.prepare('select sum(rows) as readings from block').all([]) as { readings: number | null }[];
  return sum?.readings ?? 0;
}

const isWhole = (database: Connection): boolean => (database.prepare('pragma user_version').all([])[0] as { user_version: number }).user_version === WHOLE;

/** Copies what can be read in one transaction: on a disk without room for it there is nothing, and this throws. */
function save(damaged: Connection | null, into: Connection, firstNumber: number): void {
  into.exec('begin');
  into.prepare("insert into sqlite_sequence (name, seq) values ('block', ?)").run([firstNumber]);
  if (damaged !== null) {
    const read = damaged.prepare('select seq, rows, oldest, data from block where seq = ?');
    const write = into.prepare('insert into block (seq, rows, oldest, data) values (?, ?, ?, ?)');
    const [first, last] = rangeOf(damaged);
    for (let seq = first; seq <= last; seq++) {
      const row = readable(() => read.all([seq])[0]) as { rows: number; oldest: number; data: Uint8Array } | undefined;
      if (row !== undefined) write.run([seq, row.rows, row.oldest, bytesOf(row.data)]);
    }
  }
  into.exec(`pragma user_version = ${WHOLE}`);
  into.exec('commit');
}

function rangeOf(database: Connection): readonly [first: number, last: number] {
  const edge = (which: 'min' | 'max') =>
    readable(() => database.prepare(`select ${which}(seq) as seq from block`).all([])[0]) as { seq: number | null } | undefined;
  return [edge('min')?.seq ?? 0, edge('max')?.seq ?? -1];
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isDamaged(error)) return undefined;
    throw error;
  }
}

function merged(parts: readonly UnpackedRows[]): ReadingBlock {
  const block = emptyBlock(parts.reduce((sum, { rows }) => sum + rows, 0));
  let at = 0;
  for (const part of parts) {
    part.into(block, at);
    at += part.rows;
  }
  return block;
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
