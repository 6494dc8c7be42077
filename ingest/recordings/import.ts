import type { Clock } from '../../model/clock.ts';
import type { Fault } from '../../model/errors.ts';
import type { MeterId, ParkId } from '../../model/ids.ts';
import type { RegisteredMeter } from '../../model/registry.ts';
import { invalid } from '../../model/schema.ts';
import type { Done, IngestMessage } from '../port.ts';
import type { IngestStats } from '../stats.ts';
import { RecordingCounts, type Rejection } from './counts.ts';
import type { Mapping } from './mapping.ts';
import { type RecordedFrame, readRecording } from './read.ts';

/** The pipeline's own door: history goes through it like what is reported now. */
export interface RecordingDoor {
  accept(message: IngestMessage, done: Done): void;
  readonly full: boolean;
  onPressure(listener: (full: boolean) => void): () => void;
  drain(): Promise<void>;
  readonly stats: Pick<IngestStats, 'readingsFresh' | 'readingsLate' | 'readingsDuplicate' | 'flagged' | 'rejects'>;
}

export interface ImportOptions {
  readonly file: string;
  readonly mapping: Mapping;
  /** The park of all meters; left out: the mapping's. */
  readonly park?: string;
  /** Nobody else may use it meanwhile, as the summary is taken from its counters. */
  readonly door: RecordingDoor;
  readonly directory: { readonly current: { meter(id: string): RegisteredMeter | undefined } };
  readonly clock: Clock;
  readonly onReject?: (rejection: Rejection) => void;
  /** Share of the file that was read, 0 to 1. */
  readonly onProgress?: (share: number, rows: number) => void;
  /** Aborted: what was read so far is committed and summed up. */
  readonly signal?: AbortSignal;
}

export interface ImportSummary {
  readonly counts: RecordingCounts;
  /** Readings that the store took, and those that it had already. */
  readonly stored: number;
  readonly duplicates: number;
  /** Stored with a quality flag: outside the physical range, or a register that fell. */
  readonly flagged: number;
  /** Refused behind the door in spite of the checks before it; they are in the dead letters. */
  readonly refusedByPipeline: number;
  readonly aborted: boolean;
}

const FRAMES_PER_MESSAGE = 500;
const VALUES_PER_MESSAGE = 5000;

/**
 * Reads a recording into the pipeline in the order of the file. Everything that the pipeline would refuse is refused here, by file
 * and line, so that the dead letters stay free of it. Resolves when all of it is durable.
 *
 * Rejects INPUT_INVALID where the mapping fits neither the file nor the registry, and with the store's error where it stays away.
 */
export async function importRecording(options: ImportOptions): Promise<ImportSummary> {
  const { mapping, door, clock } = options;
  const park = parkOf(options);
  checkMeters(options, park);
  const counts = new RecordingCounts();
  const before = snapshot(door);
  const batch = new Batch(door, park, clock);
  const frames = readRecording({
    file: options.file,
    mapping,
    counts,
    newest: clock(),
    meterFault: remembered((meter) => meterFault(options, park, meter)),
    onReject: (rejection) => options.onReject?.(rejection),
    onBytes: (read, of) => options.onProgress?.(of === 0 ? 1 : read / of, counts.rows),
  });
  let aborted = false;
  for await (const row of frames) {
    for (const frame of row) batch.add(frame);
    if (door.full) await relief(door);
    if (batch.failure !== null) break;
    aborted = options.signal?.aborted ?? false;
    if (aborted) break;
  }
  batch.send();
  await door.drain();
  if (batch.failure !== null) throw batch.failure;
  const after = snapshot(door);
  return {
    counts,
    stored: after.stored - before.stored,
    duplicates: after.duplicates - before.duplicates,
    flagged: after.flagged - before.flagged,
    refusedByPipeline: after.refused - before.refused,
    aborted,
  };
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

function snapshot({ stats }: RecordingDoor): { readonly stored: number; readonly duplicates: number; readonly flagged: number; readonly refused: number } {
  return {
    stored: stats.readingsFresh + stats.readingsLate,
    duplicates: stats.readingsDuplicate,
    flagged: stats.flagged.reduce((sum, count) => sum + count, 0),
    refused: Object.values(stats.rejects).reduce((sum, count) => sum + count, 0),
  };
}
