import type { Clock } from '../../model/clock.ts';
import type { Fault } from '../../model/errors.ts';
import type { EpochMs, MeterId, ParkId } from '../../model/ids.ts';
import type { RegisteredMeter } from '../../model/registry.ts';
import { invalid } from '../../model/schema.ts';
import type { ReadingStore } from '../../store/port.ts';
import type { ImportRecords, ImportSource } from '../../store/registry/port.ts';
import type { Done, IngestMessage } from '../port.ts';
import type { IngestStats } from '../stats.ts';
import { RecordingCounts, type Rejection } from './counts.ts';
import { earlierRun } from './earlier-run.ts';
import type { Mapping } from './mapping.ts';
import type { ImportProgress, RejectsMark } from './progress.ts';
import { type ReadingState, type RecordedFrame, readRecording } from './read.ts';

/** The pipeline's own door: history goes through it like what is reported now. */
export interface RecordingDoor {
  accept(message: IngestMessage, done: Done): void;
  readonly full: boolean;
  onPressure(listener: (full: boolean) => void): () => void;
  stored(): Promise<void>;
  readonly stats: Pick<IngestStats, 'readingsFresh' | 'readingsLate' | 'readingsDuplicate' | 'flagged' | 'rejects'>;
}

/** Who hears of refusals. */
export interface RejectSink {
  take(rejection: Rejection): void;
  /** What was taken so far outlives the process when this resolves. Null where nothing is listed. */
  mark(): Promise<RejectsMark | null>;
}

/** Where an import begins. */
export type Beginning =
  | { readonly at: 'start' }
  /** Behind the rows that an earlier run committed. */
  | { readonly at: 'progress'; readonly rows: number; readonly rejects: RejectsMark | null }
  /** At the first row although there was an earlier run. */
  | { readonly at: 'start-again'; readonly why: string };

export interface ImportOptions {
  /** Absolute paths. */
  readonly source: ImportSource;
  readonly mapping: Mapping;
  /** The park of all meters; left out: the mapping's. */
  readonly park?: string;
  /** Nobody else may use it meanwhile, as the summary is taken from its counters. */
  readonly door: RecordingDoor;
  readonly directory: { readonly current: { meter(id: string): RegisteredMeter | undefined } };
  /** Asked whether it holds what an earlier run brought. */
  readonly store: Pick<ReadingStore, 'raw'>;
  /** Where progress is kept. */
  readonly imports: ImportRecords;
  /** Forgets what an earlier run came to. Default false. */
  readonly fromStart?: boolean;
  readonly clock: Clock;
  readonly rejects?: RejectSink;
  /** Awaited before the first row; not called where nothing is left to do. */
  readonly onBegin?: (beginning: Beginning) => Promise<void>;
  /** Share of the file that was read, 0 to 1. */
  readonly onProgress?: (share: number, rows: number) => void;
  /** So many of the file's rows are settled: in the store or refused. A further run goes on behind them. */
  readonly onCommit?: (rows: number) => void;
  /** Aborted: the import ends at a commit, or after a while without one where the store is silent. */
  readonly signal?: AbortSignal;
}

/** Of the file as a whole, over all runs, up to the last commit. */
export interface ImportSummary {
  readonly counts: RecordingCounts;
  /** Readings that the store took, and those that it had already; among the latter what a run brought and did not live to note. */
  readonly stored: number;
  readonly duplicates: number;
  /** Stored with a quality flag: outside the physical range, or a register that fell. */
  readonly flagged: number;
  /** Refused behind the door in spite of the checks before it; they are in the dead letters. */
  readonly refusedByPipeline: number;
  readonly aborted: boolean;
  /** When an earlier run finished the file, where this one had nothing left to do. */
  readonly finishedEarlier: EpochMs | null;
}

const FRAMES_PER_MESSAGE = 500;
const VALUES_PER_MESSAGE = 5000;
/** Progress is noted after this many rows and readings, taken together: no more has to be sent again after a run that was killed. */
const COMMIT_AFTER = 100_000;
/** How long an import that is to stop waits for the store, in milliseconds. */
const STOP_WITHIN_MS = 10_000;

/**
 * Reads a recording into the pipeline in the order of the file. Everything that the pipeline would refuse is refused here, by file
 * and line, so that the dead letters stay free of it. Resolves when all of it is in the store.
 *
 * Now and then it waits for the store and notes how far it came: a run that ends early, however that is, is gone on with by the next
 * one of the same file and mapping. What was sent and not noted is sent again, and stored once.
 *
 * Rejects INPUT_INVALID where the mapping fits neither the file nor the registry, and with the store's error where it stays away.
 */
export async function importRecording(options: ImportOptions): Promise<ImportSummary> {
  const { imports, source, onBegin } = options;
  const park = parkOf(options);
  checkMeters(options, park);
  if (options.fromStart === true) await imports.delete(source);
  const earlier = await earlierRun(options, park);
  if (earlier.is === 'complete') return summaryOf(earlier.progress, earlier.progress.finishedAt);
  const from = earlier.is === 'usable' ? earlier.progress : null;
  if (from !== null) await onBegin?.({ at: 'progress', rows: from.counts.rows, rejects: from.rejects });
  else await onBegin?.(earlier.is === 'unusable' ? { at: 'start-again', why: earlier.why } : { at: 'start' });
  return summaryOf(await new ImportRun(options, park, from).run(), null);
}

function summaryOf(progress: ImportProgress | null, finishedEarlier: EpochMs | null): ImportSummary {
  const outcome = progress?.outcome ?? NO_OUTCOME;
  const counts = progress === null ? new RecordingCounts() : RecordingCounts.from(progress.counts);
  return { counts, ...outcome, aborted: (progress?.finishedAt ?? null) === null, finishedEarlier };
}

/** One run over the rows behind `from`. */
class ImportRun {
  readonly #options: ImportOptions;
  readonly #park: ParkId;
  readonly #counts: RecordingCounts;
  readonly #batch: Batch;
  readonly #before: Outcome;
  /** What was noted last. */
  #noted: ImportProgress | null;
  /** Rows and readings counted when it was. */
  #notedWork: number;
  #state: (() => ReadingState) | null;
  #stopped = false;

  constructor(options: ImportOptions, park: ParkId, from: ImportProgress | null) {
    const { door, clock } = options;
    this.#options = options;
    this.#park = park;
    this.#counts = from === null ? new RecordingCounts() : RecordingCounts.from(from.counts);
    this.#batch = new Batch(door, park, clock);
    this.#before = minus(outcomeOf(door), from?.outcome ?? NO_OUTCOME);
    this.#noted = from;
    this.#notedWork = this.#work;
    this.#state = from === null ? null : () => from.reading;
  }

  /** Answers what was noted last: of the whole file, unless it was stopped before. */
  async run(): Promise<ImportProgress | null> {
    const { source, mapping, door, clock, rejects, onProgress, signal } = this.#options;
    const counts = this.#counts;
    const rows = readRecording({
      file: source.file,
      mapping,
      counts,
      newest: clock(),
      meterFault: remembered((meter) => meterFault(this.#options, this.#park, meter)),
      from: this.#noted?.reading,
      onReject: (rejection) => rejects?.take(rejection),
      onBytes: (read, of) => onProgress?.(of === 0 ? 1 : read / of, counts.rows),
      onState: (state) => this.#reached(state),
    });
    for await (const frames of rows) {
      for (const frame of frames) this.#batch.add(frame);
      if (door.full && !(await unlessStopped(relief(door), signal))) this.#stopped = true;
      if (this.#stopped || this.#batch.failure !== null) break;
    }
    if (this.#batch.failure !== null) throw this.#batch.failure;
    if (!this.#stopped) await this.#commit(true);
    return this.#noted;
  }

  get #work(): number {
    return this.#counts.rows + this.#counts.readings;
  }

  /** Answers whether to read on. */
  async #reached(state: () => ReadingState): Promise<boolean> {
    const { signal } = this.#options;
    this.#state = state;
    if (signal?.aborted === true || this.#work - this.#notedWork >= COMMIT_AFTER) await this.#commit(false);
    this.#stopped = signal?.aborted ?? false;
    return !this.#stopped;
  }

  /** Waits until all that was read is in the store, and notes it; where the import is to stop and the store is silent, it notes nothing. */
  async #commit(finished: boolean): Promise<void> {
    const { door, signal, mapping, rejects, imports, source, clock, onCommit } = this.#options;
    this.#batch.send();
    if (!(await unlessStopped(door.stored(), signal))) return;
    if (this.#batch.failure !== null) throw this.#batch.failure;
    if (this.#state === null) return;
    this.#noted = {
      mapping: mapping.sha256,
      park: this.#park,
      finishedAt: finished ? clock() : null,
      reading: this.#state(),
      counts: this.#counts.save(),
      outcome: minus(outcomeOf(door), this.#before),
      witness: this.#batch.last ?? this.#noted?.witness ?? null,
      rejects: (await rejects?.mark()) ?? null,
    };
    this.#notedWork = this.#work;
    await imports.put(source, JSON.stringify(this.#noted));
    onCommit?.(this.#counts.rows);
  }
}

function parkOf({ park, mapping }: ImportOptions): ParkId {
  const named = park ?? mapping.park;
  if (named === null) throw invalid(`mapping ${mapping.name}`, [{ path: 'park', message: 'is missing: name it in the mapping or with --park' }]);
  return named as ParkId;
}

/** Meters that are known before the first row, all of their faults together. */
function checkMeters(options: ImportOptions, park: ParkId): void {
  const { mapping } = options;
  const meters = new Set<string>(mapping.meterColumn?.ids?.values() ?? []);
  for (const { meter } of mapping.uses) if (meter !== null) meters.add(meter);
  const faults: Fault[] = [];
  for (const meter of meters) {
    const fault = meterFault(options, park, meter);
    if (fault !== null) faults.push({ path: `meter ${meter}`, message: fault });
  }
  if (faults.length > 0) throw invalid(`mapping ${mapping.name}`, faults);
}

function meterFault({ directory, mapping }: ImportOptions, park: ParkId, id: string): string | null {
  const meter = directory.current.meter(id as MeterId);
  if (meter === undefined) return `meter "${id}" is not registered; greenpark registry import FILE registers meters`;
  if (meter.park !== park) return `meter "${id}" is registered in park "${meter.park}", not in "${park}"`;
  for (const { quantity, unit, meter: own } of mapping.uses) {
    const sends = meter.units?.[quantity];
    if (unit !== null && sends !== undefined && (own === null || own === id))
      return `meter "${id}" is registered as sending ${quantity} in ${sends}; leave "unit" out in the mapping, so that it is not converted twice`;
  }
  return null;
}

function remembered(ask: (meter: string) => string | null): (meter: string) => string | null {
  const known = new Map<string, string | null>();
  return (meter) => {
    const answer = known.get(meter);
    if (answer !== undefined) return answer;
    const fresh = ask(meter);
    // A column full of wrong meters takes no memory.
    if (known.size < 10_000) known.set(meter, fresh);
    return fresh;
  };
}

/** Consecutive frames of one meter become one message: the order between meters stays that of the file. */
class Batch {
  readonly #door: RecordingDoor;
  readonly #park: ParkId;
  readonly #clock: Clock;
  #meter = '';
  #frames: { readonly ts: number; readonly values: Readonly<Record<string, number>> }[] = [];
  #values = 0;
  /** The last reading handed over. */
  last: ImportProgress['witness'] = null;
  failure: Error | null = null;

  constructor(door: RecordingDoor, park: ParkId, clock: Clock) {
    this.#door = door;
    this.#park = park;
    this.#clock = clock;
  }

  add({ ts, meter, values }: RecordedFrame): void {
    if (meter !== this.#meter || this.#frames.length >= FRAMES_PER_MESSAGE || this.#values >= VALUES_PER_MESSAGE) this.send();
    this.#meter = meter;
    this.#frames.push({ ts, values });
    this.#values += Object.keys(values).length;
  }

  send(): void {
    if (this.#frames.length === 0) return;
    const payload = Buffer.from(JSON.stringify(this.#frames));
    const { ts, values } = this.#frames.at(-1) ?? { ts: 0, values: {} };
    const quantity = Object.keys(values)[0];
    if (quantity !== undefined) this.last = { meter: this.#meter, quantity, ts };
    const topic = `parks/${this.#park}/meters/${this.#meter}/readings`;
    this.#frames = [];
    this.#values = 0;
    this.#door.accept({ topic, payload, gateway: null, transport: 'import', receivedAt: this.#clock(), history: true }, (error) => {
      if (error !== undefined) this.failure ??= error;
    });
  }
}

function relief(door: RecordingDoor): Promise<void> {
  return new Promise((resolve) => {
    const off = door.onPressure((full) => {
      if (full) return;
      off();
      resolve();
    });
  });
}

/** Answers true when the work is done; false when the import is to stop and the work takes longer than that may. */
function unlessStopped(work: Promise<void>, signal: AbortSignal | undefined): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const stop = (): void => {
      timer = setTimeout(() => resolve(false), STOP_WITHIN_MS);
    };
    if (signal?.aborted === true) stop();
    else signal?.addEventListener('abort', stop, { once: true });
    work
      .then(() => resolve(true), reject)
      .finally(() => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', stop);
      });
  });
}

type Outcome = ImportProgress['outcome'];

const NO_OUTCOME: Outcome = { stored: 0, duplicates: 0, flagged: 0, refusedByPipeline: 0 };

function outcomeOf({ stats }: RecordingDoor): Outcome {
  return {
    stored: stats.readingsFresh + stats.readingsLate,
    duplicates: stats.readingsDuplicate,
    flagged: stats.flagged.reduce((sum, count) => sum + count, 0),
    refusedByPipeline: Object.values(stats.rejects).reduce((sum, count) => sum + count, 0),
  };
}

const minus = (a: Outcome, b: Outcome): Outcome => ({
  stored: a.stored - b.stored,
  duplicates: a.duplicates - b.duplicates,
  flagged: a.flagged - b.flagged,
  refusedByPipeline: a.refusedByPipeline - b.refusedByPipeline,
});
