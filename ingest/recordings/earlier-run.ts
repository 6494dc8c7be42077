import type { ParkId } from '../../model/ids.ts';
import { findQuantity } from '../../model/quantities.ts';
import type { RegisteredMeter } from '../../model/registry.ts';
import type { ReadingStore } from '../../store/port.ts';
import type { ImportRecords, ImportSource } from '../../store/registry/port.ts';
import { compareTo } from './file-lines.ts';
import type { Mapping } from './mapping.ts';
import { type ImportProgress, readProgress } from './progress.ts';

/** What an import finds of the runs before it. */
export type EarlierRun =
  | { readonly is: 'none' }
  | { readonly is: 'unusable'; readonly why: string }
  /** `complete`: nothing is left to do. */
  | { readonly is: 'usable' | 'complete'; readonly progress: ImportProgress };

export interface EarlierRunParts {
  readonly source: ImportSource;
  readonly mapping: Mapping;
  readonly imports: Pick<ImportRecords, 'get'>;
  readonly store: Pick<ReadingStore, 'raw'>;
  readonly directory: { readonly current: { meter(id: string): RegisteredMeter | undefined } };
}

/** Progress is gone on from where everything before it is as it was: mapping, park, the file's lines, and the store that took them. */
export async function earlierRun(parts: EarlierRunParts, park: ParkId): Promise<EarlierRun> {
  const { imports, source, mapping } = parts;
  const text = await imports.get(source);
  if (text === null) return { is: 'none' };
  const unusable = (why: string): EarlierRun => ({ is: 'unusable', why });
  const progress = readProgress(text);
  if (progress === null) return unusable('another version of Greenpark noted how far it had come');
  if (progress.mapping !== mapping.sha256) return unusable('the mapping has changed');
  if (progress.park !== park) return unusable(`the rows before went to park "${progress.park}"`);
  const file = await compareTo(progress.reading.position, source.file);
  if (file === 'other') return unusable('the file has changed');
  if (!(await isHeld(parts, progress.witness))) return unusable('the store does not hold what it had brought');
  // Whoever registers the meters that were missing runs the same command again.
  if (progress.finishedAt !== null && progress.counts.readings === 0) return { is: 'none' };
  return { is: progress.finishedAt !== null && file === 'same' ? 'complete' : 'usable', progress };
}

async function isHeld({ directory, store }: EarlierRunParts, witness: ImportProgress['witness']): Promise<boolean> {
  if (witness === null) return true;
  const meter = directory.current.meter(witness.meter);
  const quantity = findQuantity(witness.quantity);
  if (meter === undefined || quantity === undefined) return false;
  const { length } = await store.raw({ meter: meter.ordinal, quantity: quantity.code, from: witness.ts, to: witness.ts + 1, limit: 1 });
  return length > 0;
}
