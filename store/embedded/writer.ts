import type { DuckDBConnection } from '@duckdb/node-api';
import { GreenparkError } from '../../model/errors.ts';
import type { Correction, WriteResult } from '../port.ts';
import { FrameAppender } from './frame-appender.ts';
import { NewestFrames } from './newest-frames.ts';
import { numbers, oneNumber } from './rows.ts';
import { DATABASE, everyValue, NEWEST_FRAMES, ROW_GROUP_FRAMES } from './schema.ts';
import type { Shapes } from './shapes.ts';
import { type Columns, type SharedBlock, without } from './shared-block.ts';
import { stageRows } from './staged-rows.ts';

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
      const results = await this.#transaction(() => this.#store(taken));
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
  async #store(taken: WaitingBlock[]): Promise<WriteResult[]> {
    this.#received = Math.max(Date.now(), this.#received, this.mark + 1);
    const results: WriteResult[] = [];
    let patienceMs = COMPANY_MS;
    let frames = 0;
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
      if (block.arrival === 'late') {
        this.#appender.flush();
        await this.#saveShapes();
        columns = await this.#unknownOf(columns);
      }
      frames += this.#appender.append(columns, this.#received);
      results.push({ stored: columns.length, duplicates: block.length - columns.length });
    }
    this.#appender.flush();
    this.frames += frames;
    return results;
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

  /** The rows that are neither stored nor earlier in the same block. */
  async #unknownOf(columns: Columns): Promise<Columns> {
    if (columns.length === 0) return columns;
    const { earliest, latest } = await stageRows(this.#connection, 'late', columns);
    const known = await numbers(
      this.#connection,
      `SELECT l.row::DOUBLE FROM late l JOIN frame f ON f.meter = l.meter AND f.ts = l.ts JOIN shape s ON s.shape = f.shape AND s.quantity = l.quantity WHERE f.ts BETWEEN ${earliest} AND ${latest} UNION ALL SELECT row::DOUBLE FROM (SELECT row, row_number() OVER (PARTITION BY meter, quantity, ts ORDER BY row) AS nth FROM late) WHERE nth > 1`,
    );
    if (known.length === 0) return columns;
    const dropped = new Uint8Array(columns.length);
    for (const row of known.columns[0] as Float64Array) dropped[row] = 1;
    return without(columns, dropped);
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
