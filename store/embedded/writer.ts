import type { DuckDBConnection } from '@duckdb/node-api';
import { GreenparkError } from '../../model/errors.ts';
import { QUALITY } from '../../model/quality.ts';
import { CLOCK_CORRECTION, type Correction, type WriteResult } from '../port.ts';
import { FrameAppender } from './frame-appender.ts';
import { NewestFrames } from './newest-frames.ts';
import { cell, numbers, oneNumber } from './rows.ts';
import { DATABASE, everyValue, NEWEST_FRAMES, ROW_GROUP_FRAMES } from './schema.ts';
import type { Shapes } from './shapes.ts';
import { type Columns, type SharedBlock, without } from './shared-block.ts';
import { stageRows, type TimeRange } from './staged-rows.ts';

/** After this many values `newest` is brought up to date, which bounds what a start after a crash has to read. */
const REFRESH_AFTER_VALUES = 10_000_000;
/** A transaction of so many frames waits for more, as under load the rest of a row group comes in no time. Smaller ones are not kept waiting. */
const WORTH_WAITING_FRAMES = 10_000;
/** How long it waits in all, in milliseconds. */
const COMPANY_MS = 100;

/** A block that no transaction has taken yet, and who waits for it. */
interface WaitingBlock {
  readonly block: SharedBlock;
  readonly resolve: (result: WriteResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Everything that changes the database: one transaction at a time, on a connection of its own. */
export class Writer {
  readonly #connection: DuckDBConnection;
  readonly #shapes: Shapes;
  #appender: FrameAppender;
  readonly #newest: NewestFrames;
  /** `#newest` has every frame since the mark, and none that is not stored. */
  #newestHolds = false;
  #tail: Promise<unknown> = Promise.resolve();
  readonly #waiting: WaitingBlock[] = [];
  /** A transaction for what waits is queued. */
  #writeAhead = false;
  /** Told of the next block by the transaction that waits for one. */
  #onBlock: (() => void) | null = null;
  /** `newest` knows every block received up to here. */
  mark: number;
  corrections: number;
  /** Appended since it was made. */
  frames = 0;
  #received: number;
  #sinceRefresh = 0;

  private constructor(
    connection: DuckDBConnection,
    shapes: Shapes,
    { frames, newest }: { readonly frames: FrameAppender; readonly newest: NewestFrames },
    mark: number,
    corrections: number,
  ) {
    this.#connection = connection;
    this.#shapes = shapes;
    this.#appender = frames;
    this.#newest = newest;
    this.mark = mark;
    this.corrections = corrections;
    this.#received = mark;
  }

  /** @param how with `refresh` the table `newest` is brought up to date, which writes */
  static async create(connection: DuckDBConnection, shapes: Shapes, how: 'refresh' | 'as it is'): Promise<Writer> {
    const mark = await oneNumber(connection, 'SELECT coalesce(max(received), 0)::DOUBLE FROM mark');
    const corrections = await oneNumber(connection, 'SELECT count(*)::DOUBLE FROM correction');
    const newest = new NewestFrames();
    const writer = new Writer(connection, shapes, { frames: await FrameAppender.create(connection, shapes, newest), newest }, mark, corrections);
    if (how === 'refresh') await writer.refresh().catch(() => undefined); // on a full disk; then a question for the latest reads more
    return writer;
  }

  /** Stores the block, in one transaction with others that wait. */
  write(block: SharedBlock): Promise<WriteResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ block, resolve, reject });
      this.#onBlock?.();
      this.#writeNext();
    });
  }

  #writeNext(): void {
    if (this.#writeAhead || this.#waiting.length === 0) return;
    this.#writeAhead = true;
    void this.#alone(() => this.#writeWaiting());
  }

  async #writeWaiting(): Promise<void> {
    const taken: WaitingBlock[] = [];
    try {
      const { results, corrected } = await this.#transaction(() => this.#store(taken));
      this.corrections += corrected;
      for (const [index, { resolve }] of taken.entries()) resolve(results[index] as WriteResult);
      for (const { stored } of results) this.#sinceRefresh += stored;
    } catch (error) {
      // One that could not even begin has taken nothing, and whoever waits must hear of it.
      if (taken.length === 0) taken.push(...this.#waiting.splice(0));
      for (const { reject } of taken) reject(error);
    }
    this.#writeAhead = false;
    if (this.#sinceRefresh >= REFRESH_AFTER_VALUES) void this.refresh().catch(() => undefined); // kept for later: the next write asks again
    this.#writeNext();
  }

  correct(correction: Correction): Promise<void> {
    return this.#alone(async () => {
      const { meter, quantity, ts, value, quality, author, reason, at } = correction;
      await this.#transaction(async () => {
        const where = `f.meter = ${meter} AND f.ts = ${ts}`;
        const originals = await oneNumber(this.#connection, `SELECT count(*)::DOUBLE FROM (${everyValue(where)}) WHERE quantity = ${quantity}`);
        if (originals === 0) {
          throw new GreenparkError('STORE_REFUSED', `there is no reading of meter ${meter}, quantity ${quantity} at ${ts} to correct`);
        }
        await this.#connection.run(
          `INSERT INTO correction SELECT coalesce(max(number), 0) + 1, ${meter}, ${quantity}, ${ts}, $value, ${quality}, $author, $reason, ${at} FROM correction`,
          { value, author, reason },
        );
      });
      this.corrections++;
    });
  }

  deleteBefore(before: number): Promise<number> {
    return this.#alone(() =>
      this.#transaction(async () => {
        const gone = await oneNumber(
          this.#connection,
          `SELECT coalesce(sum(n * size), 0)::DOUBLE FROM (SELECT shape, count(*) AS n FROM frame WHERE ts < ${before} GROUP BY shape) JOIN (SELECT shape, count(*) AS size FROM shape GROUP BY shape) USING (shape)`,
        );
        for (const table of ['frame', 'newest', 'correction']) await this.#connection.run(`DELETE FROM ${table} WHERE ts < ${before}`);
        this.#newestHolds = false;
        return gone;
      }),
    );
  }

  /** Brings `newest` up to the last block. */
  refresh(): Promise<void> {
    return this.#alone(async () => {
      const mark = await this.#transaction(async () => {
        const until = this.#newestHolds ? this.#received : await this.#lastReceived();
        if (until === this.mark) return until;
        const connection = this.#connection;
        await connection.run(
          `CREATE OR REPLACE TEMP TABLE top AS SELECT meter, quantity, max(ts) AS ts, arg_max(value, ts) AS value, arg_max(quality, ts) AS quality FROM (SELECT * FROM newest UNION ALL ${await this.#sinceMark()}) GROUP BY meter, quantity`,
        );
        await connection.run('DELETE FROM newest');
        await connection.run('INSERT INTO newest SELECT * FROM top');
        await connection.run('DELETE FROM mark');
        await connection.run(`INSERT INTO mark VALUES (${until})`);
        await connection.run('DROP TABLE temp.top');
        return until;
      });
      this.mark = mark;
      this.#received = Math.max(this.#received, mark);
      this.#newest.clear();
      this.#newestHolds = true;
      this.#sinceRefresh = 0;
    });
  }

  #lastReceived(): Promise<number> {
    return oneNumber(this.#connection, `SELECT coalesce(max(received), ${this.mark})::DOUBLE FROM frame WHERE received > ${this.mark}`);
  }

  /** SQL for the values since the mark, as far as one of them may be the newest of its series. */
  async #sinceMark(): Promise<string> {
    if (!this.#newestHolds) return everyValue(`f.received > ${this.mark}`);
    await this.#connection.run(`CREATE OR REPLACE TEMP TABLE ${NEWEST_FRAMES} AS FROM frame LIMIT 0`);
    const frames = await FrameAppender.createTemporary(this.#connection, this.#shapes, NEWEST_FRAMES);
    frames.appendFrames(this.#newest);
    frames.close();
    return everyValue('true', `temp.${NEWEST_FRAMES}`);
  }

  /** Does the work when no transaction is under way. */
  between(work: () => Promise<void>): Promise<void> {
    return this.#alone(work);
  }

  ping(): Promise<void> {
    return this.#alone(() => this.#transaction(() => Promise.resolve()));
  }

  /** Finishes what is queued and writes everything into the database file. On a full disk it stays in the file's log, for the next start to read. */
  async close(): Promise<void> {
    await this.refresh().catch(() => undefined);
    await this.#alone(async () => {
      this.#appender.close();
      await this.#connection.run(`CHECKPOINT ${DATABASE}`).catch(() => undefined);
      this.#connection.closeSync();
    });
  }

  /** Lets go of the connection after what is under way. */
  abandon(): Promise<void> {
    return this.#alone(async () => this.#connection.closeSync());
  }

  /** Appends what waits, and what comes meanwhile, until a row group is full or nothing more comes. One result a block, in order. */
  async #store(taken: WaitingBlock[]): Promise<{ readonly results: readonly WriteResult[]; readonly corrected: number }> {
    this.#received = Math.max(Date.now(), this.#received, this.mark + 1);
    const results: WriteResult[] = [];
    let patienceMs = COMPANY_MS;
    let frames = 0;
    let corrected = 0;
    while (frames < ROW_GROUP_FRAMES) {
      if (this.#waiting.length === 0 && frames >= WORTH_WAITING_FRAMES) {
        const began = performance.now();
        await this.#company(patienceMs);
        patienceMs = Math.max(0, patienceMs - (performance.now() - began));
      }
      const next = this.#waiting.shift();
      if (next === undefined) break;
      taken.push(next);
      const { block } = next;
      let columns: Columns = block;
      let stored = 0;
      if (block.arrival === 'late') {
        this.#appender.flush();
        await this.#saveShapes();
        const { dropped, correcting } = await this.#knownOf(block);
        if (dropped !== null) columns = without(block, dropped);
        await this.#correctClocks(block, correcting);
        stored = correcting.length;
        corrected += correcting.length;
      }
      frames += this.#appender.append(columns, this.#received);
      stored += columns.length;
      results.push({ stored, duplicates: block.length - stored });
    }
    this.#appender.flush();
    this.frames += frames;
    return { results, corrected };
  }

  /** Resolves when a block comes, or none has within `ms`. */
  #company(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#onBlock = null;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#onBlock = end;
    });
  }

  async #saveShapes(): Promise<void> {
    const rows = this.#shapes.unsaved();
    if (rows.length === 0) return;
    await this.#connection.run(`DELETE FROM shape WHERE shape >= ${rows[0]?.[0] ?? 0}`); // what this transaction saved before
    await this.#connection.run(`INSERT INTO shape VALUES ${rows.map((row) => `(${row.join(', ')})`).join(', ')}`);
  }

  /** Which rows of a late block are stored already or stand earlier in it, and which of those correct a reading whose clock was wrong. */
  async #knownOf(columns: Columns): Promise<{ readonly dropped: Uint8Array | null; readonly correcting: readonly number[] }> {
    if (columns.length === 0) return { dropped: null, correcting: [] };
    const range = await stageRows(this.#connection, 'late', columns);
    const stored = await numbers(
      this.#connection,
      `SELECT l.row::DOUBLE, ((f.quality >> (8 * s.slot)) & 255)::DOUBLE FROM late l JOIN frame f ON f.meter = l.meter AND f.ts = l.ts JOIN shape s ON s.shape = f.shape AND s.quantity = l.quantity WHERE f.ts ${between(range)}`,
    );
    const repeated = await numbers(
      this.#connection,
      'SELECT row::DOUBLE, first::DOUBLE FROM (SELECT row, first_value(row) OVER place AS first, row_number() OVER place AS nth FROM late WINDOW place AS (PARTITION BY meter, quantity, ts ORDER BY row)) WHERE nth > 1',
    );
    if (stored.length === 0 && repeated.length === 0) return { dropped: null, correcting: [] };
    const dropped = new Uint8Array(columns.length);
    const misdated: number[] = [];
    const hold = (row: number, flag: number): void => {
      dropped[row] = 1;
      if (flag === QUALITY.clock && columns.quality[row] !== QUALITY.clock) misdated.push(row);
    };
    for (let at = 0; at < stored.length; at++) hold(cell(stored, 0, at), cell(stored, 1, at));
    for (let at = 0; at < repeated.length; at++) {
      const row = cell(repeated, 0, at);
      if (dropped[row] === 0) hold(row, columns.quality[cell(repeated, 1, at)] as number);
    }
    return { dropped, correcting: misdated.length === 0 ? misdated : await this.#firstUncorrected(columns, misdated, range) };
  }

  /** The first of these rows at each place of which there is no correction yet. */
  async #firstUncorrected(columns: Columns, rows: readonly number[], range: TimeRange): Promise<number[]> {
    const made = await numbers(this.#connection, `SELECT DISTINCT meter::DOUBLE, quantity::DOUBLE, ts::DOUBLE FROM correction WHERE ts ${between(range)}`);
    const taken = new Set(Array.from({ length: made.length }, (_, at) => `${cell(made, 0, at)}/${cell(made, 1, at)}/${cell(made, 2, at)}`));
    return rows
      .toSorted((a, b) => a - b)
      .filter((row) => {
        const place = `${columns.meter[row]}/${columns.quantity[row]}/${columns.ts[row]}`;
        if (taken.has(place)) return false;
        taken.add(place);
        return true;
      });
  }

  async #correctClocks({ meter, quantity, ts, value, quality }: Columns, rows: readonly number[]): Promise<void> {
    if (rows.length === 0) return;
    let number = await oneNumber(this.#connection, 'SELECT coalesce(max(number), 0)::DOUBLE FROM correction');
    const appender = await this.#connection.createAppender('correction', 'main', DATABASE);
    for (const row of rows) {
      number++;
      appender.appendBigInt(BigInt(number));
      appender.appendInteger(meter[row] as number);
      appender.appendInteger(quantity[row] as number);
      appender.appendBigInt(BigInt(ts[row] as number));
      appender.appendDouble(value[row] as number);
      appender.appendInteger(quality[row] as number);
      appender.appendVarchar(CLOCK_CORRECTION.author);
      appender.appendVarchar(CLOCK_CORRECTION.reason);
      appender.appendBigInt(BigInt(this.#received));
      appender.endRow();
    }
    appender.closeSync();
  }

  async #transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.#connection.run('BEGIN');
    try {
      const result = await work();
      // Here, as shapes that an attempt before could not save may be known by now: what is committed is only what was inserted.
      await this.#saveShapes();
      const shapes = this.#shapes.count;
      await this.#connection.run('COMMIT');
      this.#shapes.saved(shapes);
      return result;
    } catch (error) {
      this.#newestHolds = false;
      this.#appender.abandon();
      // A failed commit has rolled back already. The first error is the one to tell, also where the connection is of no more use.
      await this.#connection.run('ROLLBACK').catch(() => undefined);
      await this.#renewAppender().catch(() => undefined);
      throw error;
    }
  }

  async #renewAppender(): Promise<void> {
    this.#appender = await FrameAppender.create(this.#connection, this.#shapes, this.#newest);
  }

  /** Runs `work` after everything that was asked before. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#tail.then(work);
    this.#tail = run.catch(() => undefined); // told to the caller through `run`
    return run;
  }
}

const between = ({ earliest, latest }: TimeRange): string => `BETWEEN ${earliest} AND ${latest}`;
