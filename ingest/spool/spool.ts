import { existsSync, mkdirSync, readdirSync, renameSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { GreenparkError } from '../../model/errors.ts';
import type { EpochMs } from '../../model/ids.ts';
import type { ReadingBlock } from '../../model/reading.ts';
import { bytesOf, type Connection, openSqlite } from '../../store/registry/sqlite.ts';
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

const FILE = 'spool.db';
/** Blocks that one window is made of at most. */
const MOST_BLOCKS = 4096;
/** What SQLite writes beyond the rows themselves, in bytes: pages of the tree and of its log. */
const OVERHEAD_BYTES = 64 << 10;
const MEGABYTE = 1 << 20;

/**
 * Blocks of readings that the store could not take, in their order, in one SQLite file: each is on the disk when `append` returns.
 * A block has its own check sum; one that cannot be read is set aside in a file, and a file that is no database any more too.
 *
 * Disk work is done in the call, as it is for the registry: it happens only while the store is away.
 */
export class Spool {
  readonly #options: SpoolOptions;
  #database: Connection;
  #readings = 0;
  #refusal: string | null = null;

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

  /** Bytes of the disk in use. */
  get bytes(): number {
    const one = (name: string) => Object.values(this.#database.prepare(`pragma ${name}`).all([])[0] as Record<string, number>)[0] ?? 0;
    return (one('page_count') - one('freelist_count')) * one('page_size');
  }

  /** Bytes of the disk that waiting readings take: an empty spool has some pages of its own. */
  get waitingBytes(): number {
    return this.#readings === 0 ? 0 : this.bytes;
  }

  /** Earliest time of measurement in the block that is next; null when there is none. */
  get oldestTs(): EpochMs | null {
    if (this.#readings === 0) return null;
    const [row] = this.#database.prepare('select oldest from block order by seq limit 1').all([]) as { oldest: number }[];
    return row?.oldest ?? null;
  }

  /** Puts the block at the end. Throws `STORE_UNREACHABLE` when there is no room or the disk refuses; nothing of it is kept then. */
  append(block: ReadingBlock, arrival: Arrival): void {
    const bytes = packRows(block, arrival);
    const { rows, oldest } = seal(bytes);
    this.#refusal = this.#noRoomFor(bytes.byteLength);
    if (this.#refusal === null) {
      try {
        this.#database.prepare('insert into block (rows, oldest, data) values (?, ?, ?)').run([rows, oldest, new Uint8Array(bytes)]);
        this.#readings += rows;
        return;
      } catch (error) {
        this.#refusal = `the disk of ${this.#options.directory} refuses the spool: ${textOf(error)}`;
      }
    }
    throw new GreenparkError('STORE_UNREACHABLE', `the store is away and ${this.#refusal}`);
  }

  /** The oldest blocks behind number `after`, about `rows` readings of them; null when there are none. */
  next(rows: number, after = 0): SpoolWindow | null {
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
    const parts = stored.flatMap(({ seq, data }) => {
      const bytes = Uint8Array.from(bytesOf(data)).buffer;
      const unpacked = unpackRows(bytes);
      if (!('fault' in unpacked)) return [unpacked];
      // Numbers are never given twice.
      const path = join(this.#options.directory, `damaged-${seq}.block`);
      writeFileSync(path, new Uint8Array(bytes));
      this.#options.logger.error({ file: path, fault: unpacked.fault }, 'a block of the spool cannot be read; its bytes are kept in a file of their own');
      return [];
    });
    return { last, block: parts.length === 0 ? null : merged(parts) };
  }

  /** Forgets the blocks up to number `last`: they are in the store. */
  remove(last: number): void {
    this.#database.prepare('delete from block where seq <= ?').run([last]);
    this.#readings = this.#count();
    if (this.#readings > 0) return;
    this.#refusal = null;
    // Gives the disk its space back.
    this.#database.exec('vacuum');
    this.#database.exec('pragma wal_checkpoint(truncate)');
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

  #count(): number {
    const [sum] = this.#database.prepare('select sum(rows) as readings from block').all([]) as { readings: number | null }[];
    return sum?.readings ?? 0;
  }

  #openOrSetAside(): Connection {
    try {
      return this.#open();
    } catch (error) {
      if (!(error instanceof GreenparkError) || error.code !== 'STORE_REFUSED') throw error;
      const path = join(this.#options.directory, FILE);
      const aside = this.#freePath();
      for (const end of ['-wal', '-shm', '']) if (existsSync(path + end)) renameSync(path + end, aside + end);
      this.#options.logger.error({ err: error, file: aside }, 'the spool is damaged; its file is kept beside a new one');
      return this.#open();
    }
  }

  #open(): Connection {
    const path = join(this.#options.directory, FILE);
    const database = openSqlite(path, 'the spool');
    try {
      database.exec(
        'create table if not exists block (seq integer primary key autoincrement, rows integer not null, oldest real not null, data blob not null)',
      );
      this.#database = database;
      this.#readings = this.#count();
      return database;
    } catch (cause) {
      database.close();
      throw new GreenparkError('STORE_REFUSED', `the spool ${path} cannot be read: ${textOf(cause)}`, { cause });
    }
  }

  /** A name for a damaged database that nothing in the folder has yet. */
  #freePath(): string {
    const taken = new Set(readdirSync(this.#options.directory));
    for (let number = 1; ; number++) {
      const name = `damaged-${number}.db`;
      if (!taken.has(name)) return join(this.#options.directory, name);
    }
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
