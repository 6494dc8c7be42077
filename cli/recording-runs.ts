import { createWriteStream, type WriteStream } from 'node:fs';
import { readFile, stat, truncate } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { destination, pino } from 'pino';
import { readConfig } from '../config.ts';
import { describeRejection, type RecordingCounts, type Rejection } from '../ingest/recordings/counts.ts';
import type { Beginning, ImportSummary, RejectSink } from '../ingest/recordings/import.ts';
import { type Mapping, parseMapping } from '../ingest/recordings/mapping.ts';
import type { RejectsMark } from '../ingest/recordings/progress.ts';
import { GreenparkError } from '../model/errors.ts';
import { onInterrupt } from './interrupt.ts';

export interface CommonOptions {
  readonly mapping: string;
  readonly park?: string;
  readonly rejects?: string;
  readonly strict?: boolean;
}

export interface ImportCommandOptions extends CommonOptions {
  readonly fromStart?: boolean;
}

export interface ReplayCommandOptions extends CommonOptions {
  readonly speed: number;
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  readonly loop?: boolean;
  readonly asRecorded?: boolean;
}

/** Rejections of one reason that are printed; --rejects FILE gets all. */
const SHOWN_PER_REASON = 5;

export async function runImport(file: string, options: ImportCommandOptions): Promise<void> {
  const [{ withCore }, { importRecording }] = await Promise.all([import('../core.ts'), import('../ingest/recordings/import.ts')]);
  const mapping = await mappingOf(options.mapping);
  const config = readConfig(process.env);
  const logger = pino({ level: config.logLevel === 'info' ? 'warn' : config.logLevel, base: null }, destination({ dest: 2, sync: false }));
  const name = basename(file);
  const rejects = new RejectList(options.rejects);
  const line = new ProgressLine();
  let committed = 0;
  const stop = onInterrupt(() => console.error(`greenpark: ${stoppedAt(name, committed)}`));
  try {
    const summary = await withCore(config, { clock: Date.now, logger }, (core) =>
      importRecording({
        source: { file: resolve(file), mapping: resolve(options.mapping) },
        mapping,
        ...(options.park === undefined ? {} : { park: options.park }),
        door: core.pipeline,
        directory: core.directory,
        store: core.store,
        imports: core.registry.imports,
        fromStart: options.fromStart ?? false,
        clock: Date.now,
        rejects,
        onBegin: async (beginning) => {
          if (beginning.at === 'progress') {
            committed = beginning.rows;
            console.log(`${name}: goes on behind row ${committed}, up to which an earlier import came`);
          }
          if (beginning.at === 'start-again') console.log(`${name}: begins at the first row and does not go on from an earlier import: ${beginning.why}`);
          await rejects.open(beginning);
        },
        onProgress: (share, rows) => line.show(`${Math.floor(share * 100)} %, ${rows} rows`),
        onCommit: (rows) => {
          committed = rows;
        },
        signal: stop.signal,
      }),
    ).catch((error: unknown) => {
      line.clear();
      if (committed > 0) console.error(`${name}: ${goesOn(committed)}`);
      throw error;
    });
    line.clear();
    await rejects.end();
    print(file, summary.counts, [
      `${summary.stored} readings stored, ${summary.duplicates} were there already`,
      ...(summary.flagged > 0 ? [`${summary.flagged} of them flagged as not usable (outside the physical range, or a register that fell)`] : []),
      ...(summary.refusedByPipeline > 0 ? [`${summary.refusedByPipeline} refused by the pipeline; see the dead letters`] : []),
    ]);
    if (summary.finishedEarlier !== null)
      console.log(`${name}: this was imported already, until ${new Date(summary.finishedEarlier).toISOString()}; --from-start imports it again`);
    judge(file, summary, options);
  } finally {
    line.clear();
    stop.end();
  }
}

export async function runReplay(file: string, options: ReplayCommandOptions): Promise<void> {
  const { replayRecording } = await import('../ingest/recordings/replay.ts');
  const mapping = await mappingOf(options.mapping);
  const rejects = new RejectList(options.rejects);
  const line = new ProgressLine();
  const stop = onInterrupt();
  await rejects.open({ at: 'start' });
  try {
    const { park, username, password } = options;
    const summary = await replayRecording({
      file,
      mapping,
      ...(park === undefined ? {} : { park }),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      speed: options.speed,
      url: options.url,
      loop: options.loop ?? false,
      asRecorded: options.asRecorded ?? false,
      clock: Date.now,
      signal: stop.signal,
      onReject: (rejection) => rejects.take(rejection),
      onProgress: (published, acknowledged) => line.show(`${published} messages published, ${acknowledged} acknowledged`),
    });
    line.clear();
    await rejects.end();
    print(file, summary.counts, [`${summary.published} messages published, ${summary.acknowledged} acknowledged`]);
    // Ctrl-C is how a replay is meant to be ended.
    if (!summary.aborted) judge(file, { counts: summary.counts, aborted: false, refusedByPipeline: 0 }, options);
  } finally {
    line.clear();
    stop.end();
  }
}

function print(file: string, counts: RecordingCounts, more: readonly string[]): void {
  console.log(`${basename(file)}: ${counts.rows} rows read, ${counts.rowsTaken} taken, ${counts.rowsEmpty} without a value, ${counts.rowsRefused} refused`);
  console.log(`  ${counts.readings} readings taken, ${counts.missing} cells missing, ${counts.cellsRefused} cells refused`);
  for (const text of more) console.log(`  ${text}`);
  for (const [reason, count] of counts.refused) console.log(`  refused as ${reason}: ${count}`);
}

const goesOn = (rows: number): string => `the rows up to ${rows} are in the store, and the same command goes on behind them`;

const stoppedAt = (name: string, rows: number): string => `${name}: stopped; ${rows === 0 ? 'the same command begins at the first row' : goesOn(rows)}`;

/** Success, or the error that makes the exit code say otherwise. */
function judge(
  file: string,
  { counts, aborted, refusedByPipeline }: Pick<ImportSummary, 'counts' | 'aborted' | 'refusedByPipeline'>,
  { strict }: CommonOptions,
): void {
  const name = basename(file);
  if (aborted) throw new GreenparkError('CONFLICT', stoppedAt(name, counts.rows));
  const refused = counts.rowsRefused + counts.cellsRefused + refusedByPipeline;
  if (counts.readings === 0) throw new GreenparkError('INPUT_INVALID', `${name}: nothing in it could be taken`);
  if (strict === true && refused > 0) throw new GreenparkError('INPUT_INVALID', `${name}: something was refused, and --strict was given`);
}

async function mappingOf(file: string): Promise<Mapping> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new GreenparkError('INPUT_INVALID', `mapping ${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  return parseMapping(text, basename(file));
}

/** Prints the first refusals of each reason and writes all of them where --rejects says. */
class RejectList implements RejectSink {
  readonly #shown = new Map<string, number>();
  readonly #path: string | null;
  #file: WriteStream | null = null;
  #bytes = 0;
  #failure: Error | null = null;

  constructor(path: string | undefined) {
    this.#path = path === undefined ? null : resolve(path);
  }

  /** Begins the file, or takes it up where the earlier run noted it last: what that run wrote after it is refused again. */
  async open(beginning: Beginning): Promise<void> {
    const path = this.#path;
    if (path === null) return;
    const before = beginning.at === 'progress' ? beginning.rejects : null;
    const goesOn = before !== null && before.file === path && (await sizeOf(path)) >= before.bytes;
    if (goesOn) {
      await truncate(path, before.bytes);
      this.#bytes = before.bytes;
    } else if (beginning.at === 'progress') {
      const listed = before !== null && before.file !== path ? `is listed in ${before.file}` : 'is not listed';
      console.error(`${path} gets what is refused from here on; what was refused before ${listed}`);
    }
    this.#file = createWriteStream(path, { flags: goesOn ? 'a' : 'w' });
    this.#file.on('error', (error) => {
      this.#failure = error;
    });
  }

  take(rejection: Rejection): void {
    const text = describeRejection(rejection);
    if (this.#file !== null) {
      const line = Buffer.from(`${text}\n`);
      this.#bytes += line.length;
      this.#file.write(line);
    }
    const shown = this.#shown.get(rejection.reason) ?? 0;
    this.#shown.set(rejection.reason, shown + 1);
    if (shown < SHOWN_PER_REASON) console.error(text);
    else if (shown === SHOWN_PER_REASON)
      console.error(`… further ones refused as ${rejection.reason} are counted${this.#file === null ? '; --rejects FILE writes all of them' : ''}`);
  }

  async mark(): Promise<RejectsMark | null> {
    const file = this.#file;
    if (file === null || this.#path === null) return null;
    // Called back when everything before it is written.
    await new Promise<void>((resolve) =>
      file.write('', (error) => {
        this.#failure ??= error ?? null;
        resolve();
      }),
    );
    this.#throwFailure();
    return { file: this.#path, bytes: this.#bytes };
  }

  async end(): Promise<void> {
    const file = this.#file;
    if (file !== null && this.#failure === null) await new Promise<void>((resolve) => file.end(resolve).once('error', () => resolve()));
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw new GreenparkError('INPUT_INVALID', `--rejects cannot be written: ${this.#failure.message}`, { cause: this.#failure });
  }
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

/** One line on a terminal, written over at most five times a second; nothing on a pipe. */
class ProgressLine {
  #at = 0;
  #shown = false;

  show(text: string): void {
    const now = Date.now();
    if (!process.stderr.isTTY || now - this.#at < 200) return;
    this.#at = now;
    this.#shown = true;
    process.stderr.write(`\r\x1b[K${text}`);
  }

  clear(): void {
    if (this.#shown) process.stderr.write('\r\x1b[K');
    this.#shown = false;
  }
}
