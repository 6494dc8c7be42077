import { rmSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { parentPort } from 'node:worker_threads';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { GreenparkError } from '../../model/errors.ts';
import { collectGarbage } from '../garbage.ts';
import type { WriteResult } from '../port.ts';
import { EngineKeeper, isGivenUp } from './engine-keeper.ts';
import { neighbours } from './neighbours.ts';
import type { QuestionName, Questions, Reply, Request } from './protocol.ts';
import { counters, latest, raw, revisions, steps } from './questions.ts';
import { numbers } from './rows.ts';
import { createTables, openDatabase, useDatabase } from './schema.ts';
import { Shapes } from './shapes.ts';
import type { SharedBlock } from './shared-block.ts';
import { Writer } from './writer.ts';

/** Connections for questions: more would take the process's whole thread pool when several are slow. */
const READERS = 2;

const MEGABYTE = 1 << 20;

/** After answers of so many bytes in all, as the questions of a start, what they took is given back once none has come for a while. */
const LARGE_BYTES = 4 * MEGABYTE;
const GIVE_BACK_AFTER_MS = 1000;
/** What a store that is only written to needs about. */
const LOW_LIMIT_MB = 64;
/** What was written is let go of after so many readings, or after so long. */
const KEPT_READINGS = 5_000_000;
const KEPT_MS = 10_000;

/** DuckDB's three headers: a file that is shorter was never whole and holds nothing, but could not be opened for ever. */
const EMPTY_BYTES = 3 * 4096;

/** What is asked of a store that is open. */
type Asked = Exclude<Request, { readonly name: 'open' | 'close' }>;

/** The thread that owns the database file. */
class Engine {
  readonly #opened: Questions['open']['ask'];
  readonly #instance: DuckDBInstance;
  readonly #shapes: Shapes;
  readonly #writer: Writer;
  readonly #idle: DuckDBConnection[];
  readonly #waiting: ((connection: DuckDBConnection) => void)[] = [];
  #answeredBytes = 0;
  #keptReadings = 0;
  #gaveBackAt = performance.now();
  #isClosed = false;
  #givingBack: NodeJS.Timeout | undefined;

  private constructor(opened: Questions['open']['ask'], instance: DuckDBInstance, shapes: Shapes, writer: Writer, readers: DuckDBConnection[]) {
    this.#opened = opened;
    this.#instance = instance;
    this.#shapes = shapes;
    this.#writer = writer;
    this.#idle = readers;
  }

  static async open(ask: Questions['open']['ask']): Promise<Engine> {
    if (bytesOf(ask.file) < EMPTY_BYTES) rmSync(ask.file, { force: true });
    try {
      return await Engine.#open(ask, 'refresh');
    } catch (error) {
      if (!isGivenUp(error)) throw error;
      // What a start brings up to date had no room on the disk. Without that, what is there can be asked for.
      return Engine.#open(ask, 'as it is');
    }
  }

  /** Leaves nothing open where it fails: an instance that nobody closes keeps its memory and its hold on the file. */
  static async #open(ask: Questions['open']['ask'], how: 'refresh' | 'as it is'): Promise<Engine> {
    const { file, memoryLimitMb, threads } = ask;
    const instance = await openDatabase(file, { memoryLimitMb, threads });
    const connections: DuckDBConnection[] = [];
    const connect = async (): Promise<DuckDBConnection> => {
      const connection = await instance.connect();
      connections.push(connection);
      await useDatabase(connection);
      return connection;
    };
    try {
      const connection = await connect();
      await createTables(connection);
      const shapes = await loadShapes(connection);
      const writer = await Writer.create(connection, shapes, how);
      const readers: DuckDBConnection[] = [];
      while (readers.length < READERS) readers.push(await connect());
      return new Engine(ask, instance, shapes, writer, readers);
    } catch (error) {
      for (const connection of connections) connection.closeSync();
      instance.closeSync();
      throw error;
    }
  }

  async answer(request: Asked): Promise<unknown> {
    switch (request.name) {
      case 'write':
        return this.#write(request.ask);
      case 'correct':
        return this.#writer.correct(request.ask);
      case 'deleteBefore':
        return this.#writer.deleteBefore(request.ask.before);
      case 'ping':
        return this.#writer.ping();
      case 'raw':
        return this.#ask((connection) => raw(connection, this.#known(), request.ask));
      case 'steps':
        return this.#ask((connection) => steps(connection, this.#known(), request.ask));
      case 'counters':
        return this.#ask((connection) => counters(connection, this.#known(), request.ask));
      case 'neighbours':
        return this.#ask((connection) => neighbours(connection, this.#known(), request.ask));
      case 'latest':
        return this.#ask((connection) => latest(connection, this.#known()));
      case 'revisions':
        return this.#ask((connection) => revisions(connection, request.ask));
    }
  }

  async #write(block: SharedBlock): Promise<WriteResult> {
    requireRoom(this.#opened.file, this.#opened.keepFreeBytes);
    const result = await this.#writer.write(block);
    this.#keptReadings += result.stored;
    const now = performance.now();
    if (this.#keptReadings >= KEPT_READINGS || now - this.#gaveBackAt >= KEPT_MS) {
      this.#keptReadings = 0;
      this.#gaveBackAt = now;
      void this.#writer.between(() => this.#giveBackBlocks());
    }
    return result;
  }

  #known() {
    return { shapes: this.#shapes, corrections: this.#writer.corrections, mark: this.#writer.mark };
  }

  async #ask<T>(question: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const answer = await this.#onConnection(question);
    this.#answered(transferable(answer).reduce((sum, { byteLength }) => sum + byteLength, 0));
    return answer;
  }

  async #onConnection<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const connection = this.#idle.pop() ?? (await new Promise<DuckDBConnection>((take) => this.#waiting.push(take)));
    try {
      return await work(connection);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle.push(connection);
      else next(connection);
    }
  }

  #answered(bytes: number): void {
    this.#answeredBytes += bytes;
    if (this.#answeredBytes < LARGE_BYTES) return;
    clearTimeout(this.#givingBack);
    this.#givingBack = setTimeout(() => void this.#giveBack(), GIVE_BACK_AFTER_MS).unref();
  }

  async #giveBack(): Promise<void> {
    this.#answeredBytes = 0;
    await collectGarbage();
    // Whenever its limit is set DuckDB has the C library give back what it has freed.
    const { memoryLimitMb } = this.#opened;
    await this.#onConnection((connection) => connection.run(`SET memory_limit = '${memoryLimitMb}MB'`)).catch(() => undefined); // no more than a favour
  }

  /**
   * DuckDB keeps in memory what it has written until its limit is reached, though nobody asks for most of it again and the system keeps the
   * file's pages, too. A limit that is low for an instant has it let go of that. Not while a question is under way, which could miss the room.
   */
  async #giveBackBlocks(): Promise<void> {
    if (this.#idle.length < READERS) return;
    const { memoryLimitMb } = this.#opened;
    const low = Math.min(LOW_LIMIT_MB, memoryLimitMb);
    await this.#onConnection((connection) => connection.run(`SET memory_limit = '${low}MB'; SET memory_limit = '${memoryLimitMb}MB'`)).catch(() => undefined); // what is in use stays
  }

  /**
   * DuckDB keeps 20 kB in memory for each row group that it has written, until the file is opened anew: of 10,000 meters that report every
   * minute that would be 5 MB a day.
   */
  get isWorn(): boolean {
    return !this.#isClosed && this.#writer.frames >= this.#opened.renewAfterFrames && this.#idle.length === READERS;
  }

  async abandon(): Promise<void> {
    clearTimeout(this.#givingBack);
    await this.#writer.abandon();
    for (const connection of this.#idle) connection.closeSync();
    this.#instance.closeSync();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#givingBack);
    try {
      await this.#writer.close();
    } finally {
      // Whatever became of that, the next one on this file must find it free.
      for (const connection of this.#idle) connection.closeSync();
      this.#instance.closeSync();
    }
  }
}

async function loadShapes(connection: DuckDBConnection): Promise<Shapes> {
  const rows = await numbers(connection, 'SELECT shape::DOUBLE, quantity::DOUBLE FROM shape ORDER BY shape, slot');
  const shapes = new Shapes();
  const [numbersOf, quantities] = rows.columns as [Float64Array, Float64Array];
  for (let row = 0; row < rows.length; ) {
    const shape = numbersOf[row];
    const slots: number[] = [];
    for (; row < rows.length && numbersOf[row] === shape; row++) slots.push(quantities[row] as number);
    shapes.load(slots);
  }
  return shapes;
}

/** On a disk that fills up DuckDB first cannot write and then, at a checkpoint, gives up answering questions too. */
function requireRoom(file: string, keepFreeBytes: number): void {
  const { bavail, bsize } = statfsSync(dirname(file));
  if (bavail * bsize >= keepFreeBytes) return;
  throw new GreenparkError('STORE_UNREACHABLE', `the disk of ${file} has less than ${Math.round(keepFreeBytes / MEGABYTE)} MB left`, { retryable: true });
}

const bytesOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** What DuckDB says, in the project's words. It tells kinds of errors apart by the start of the message only. */
function translated(error: unknown, asked: QuestionName): Extract<Reply, { error: unknown }>['error'] {
  if (error instanceof GreenparkError) return { code: error.code, message: error.message, retryable: error.retryable };
  const message = error instanceof Error ? error.message : String(error);
  // A store that is open goes on when whoever took hold of the file while it was opened anew, such as DuckDB's shell, lets go of it.
  if (asked === 'open' && /Conflicting lock|Could not set lock/.test(message)) return { code: 'DATA_DIR_IN_USE', message, retryable: false };
  if (/^(Conversion|Constraint|Out of Range) Error/.test(message)) return { code: 'STORE_REFUSED', message, retryable: false };
  return { code: 'STORE_UNREACHABLE', message, retryable: true };
}

const port = parentPort;
if (port === null) throw new GreenparkError('INTERNAL', 'store/embedded/worker.ts runs as a worker thread only');
let keeper: EngineKeeper<Asked> | undefined;

async function handle(request: Request): Promise<unknown> {
  if (request.name === 'open') {
    keeper = new EngineKeeper(() => Engine.open(request.ask));
    await keeper.start();
    return null;
  }
  if (keeper === undefined) throw new GreenparkError('INTERNAL', `the store is not open, yet "${request.name satisfies QuestionName}" was asked`);
  if (request.name === 'close') {
    await keeper.close();
    return null;
  }
  return keeper.answer(request);
}

/** Typed arrays of an answer move to the other thread instead of being copied. */
function transferable(answer: unknown): ArrayBuffer[] {
  if (typeof answer !== 'object' || answer === null) return [];
  return Object.values(answer).flatMap((value) => (ArrayBuffer.isView(value) ? [value.buffer as ArrayBuffer] : []));
}

port.on('message', (request: Request) => {
  handle(request).then(
    (answer) => {
      port.postMessage({ id: request.id, answer: answer ?? null } satisfies Reply, transferable(answer));
      if (request.name === 'close') port.close();
    },
    (error: unknown) => {
      port.postMessage({ id: request.id, error: translated(error, request.name) } satisfies Reply);
      if (request.name === 'open' || request.name === 'close') port.close();
    },
  );
});
