import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { destination, pino } from 'pino';
import { readConfig } from '../config.ts';
import { describeRejection, type RecordingCounts, type Rejection } from '../ingest/recordings/counts.ts';
import type { ImportSummary } from '../ingest/recordings/import.ts';
import { type Mapping, parseMapping } from '../ingest/recordings/mapping.ts';
import { GreenparkError } from '../model/errors.ts';

export interface CommonOptions {
  readonly mapping: string;
  readonly park?: string;
  readonly rejects?: string;
  readonly strict?: boolean;
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

export async function runImport(file: string, options: CommonOptions): Promise<void> {
  const [{ withCore }, { importRecording }] = await Promise.all([import('../core.ts'), import('../ingest/recordings/import.ts')]);
  const mapping = await mappingOf(options.mapping);
  const config = readConfig(process.env);
  const logger = pino({ level: config.logLevel === 'info' ? 'warn' : config.logLevel, base: null }, destination({ dest: 2, sync: false }));
  const rejects = new RejectList(options.rejects);
  const line = new ProgressLine();
  const stop = onInterrupt();
  try {
    const summary = await withCore(config, { clock: Date.now, logger }, (core) =>
      importRecording({
        file,
        mapping,
        ...(options.park === undefined ? {} : { park: options.park }),
        door: core.pipeline,
        directory: core.directory,
        clock: Date.now,
        onReject: (rejection) => rejects.take(rejection),
        onProgress: (share, rows) => line.show(`${Math.floor(share * 100)} %, ${rows} rows`),
        signal: stop.signal,
      }),
    );
    line.clear();
    await rejects.end();
    print(file, summary.counts, [
      `${summary.stored} readings stored, ${summary.duplicates} were there already`,
      ...(summary.flagged > 0 ? [`${summary.flagged} of them flagged as not usable (outside the physical range, or a register that fell)`] : []),
      ...(summary.refusedByPipeline > 0 ? [`${summary.refusedByPipeline} refused by the pipeline; see the dead letters`] : []),
    ]);
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

/** Success, or the error that makes the exit code say otherwise. */
function judge(
  file: string,
  { counts, aborted, refusedByPipeline }: Pick<ImportSummary, 'counts' | 'aborted' | 'refusedByPipeline'>,
  { strict }: CommonOptions,
): void {
  const name = basename(file);
  if (aborted) throw new GreenparkError('CONFLICT', `${name}: stopped at ${counts.rows} rows; what was read is stored, and a second import takes the rest`);
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
class RejectList {
  readonly #shown = new Map<string, number>();
  readonly #file: ReturnType<typeof createWriteStream> | null;
  #failure: Error | null = null;

  constructor(file: string | undefined) {
    this.#file = file === undefined ? null : createWriteStream(file);
    this.#file?.on('error', (error) => {
      this.#failure = error;
    });
  }

  take(rejection: Rejection): void {
    const text = describeRejection(rejection);
    this.#file?.write(`${text}\n`);
    const shown = this.#shown.get(rejection.reason) ?? 0;
    this.#shown.set(rejection.reason, shown + 1);
    if (shown < SHOWN_PER_REASON) console.error(text);
    else if (shown === SHOWN_PER_REASON)
      console.error(`… further ones refused as ${rejection.reason} are counted${this.#file === null ? '; --rejects FILE writes all of them' : ''}`);
  }

  async end(): Promise<void> {
    const file = this.#file;
    if (file !== null && this.#failure === null) await new Promise<void>((resolve) => file.end(resolve).once('error', () => resolve()));
    if (this.#failure !== null) throw new GreenparkError('INPUT_INVALID', `--rejects cannot be written: ${this.#failure.message}`, { cause: this.#failure });
  }
}

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

/** Ctrl-C asks for a clean end; a second one ends at once. */
function onInterrupt(): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return {
    signal: controller.signal,
    end: () => {
      process.removeListener('SIGINT', stop);
      process.removeListener('SIGTERM', stop);
    },
  };
}
