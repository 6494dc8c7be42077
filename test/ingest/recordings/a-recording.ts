import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecordingCounts, type Rejection } from '../../../ingest/recordings/counts.ts';
import type { ImportOptions, RejectSink } from '../../../ingest/recordings/import.ts';
import { parseMapping } from '../../../ingest/recordings/mapping.ts';
import { type RecordedFrame, type RecordingInput, readRecording } from '../../../ingest/recordings/read.ts';
import { quantityOfCode } from '../../../model/quantities.ts';
import type { ImportRecords, ImportSource } from '../../../store/registry/port.ts';
import { NOW, type Rig } from '../harness.ts';

export interface Reading {
  readonly counts: RecordingCounts;
  readonly frames: RecordedFrame[];
  readonly rejections: Rejection[];
}

/** A folder that goes again when the work is done. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'greenpark-recording-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export async function readFile(file: string, mapping: string, more: Partial<RecordingInput> = {}): Promise<Reading> {
  const counts = more.counts ?? new RecordingCounts();
  const frames: RecordedFrame[] = [];
  const rejections: Rejection[] = [];
  const rows = readRecording({ file, mapping: parseMapping(mapping, 'test'), counts, onReject: (rejection) => rejections.push(rejection), ...more });
  for await (const row of rows) frames.push(...row);
  return { counts, frames, rejections };
}

/** Reads a small recording that a test wrote. */
export const read = (content: string | Uint8Array, mapping: string, more: Partial<RecordingInput> = {}): Promise<Reading> =>
  inFolder((folder) => {
    const file = join(folder, 'small.csv');
    writeFileSync(file, content);
    return readFile(file, mapping, more);
  });

/** Progress kept for as long as the test lives. */
export class KeptProgress implements ImportRecords {
  readonly #kept = new Map<string, string>();
  /** How often it was noted. */
  notes = 0;

  get = async ({ file, mapping }: ImportSource): Promise<string | null> => this.#kept.get(`${file} ${mapping}`) ?? null;
  put = async ({ file, mapping }: ImportSource, progress: string): Promise<void> => {
    this.notes++;
    this.#kept.set(`${file} ${mapping}`, progress);
  };
  delete = async ({ file, mapping }: ImportSource): Promise<boolean> => this.#kept.delete(`${file} ${mapping}`);
}

/** The parts of a rig that an import works with. */
export const importedBy = (rig: Rig): Pick<ImportOptions, 'door' | 'directory' | 'store' | 'clock'> => ({
  door: rig.pipeline,
  directory: rig.directory,
  store: {
    raw: async ({ meter, quantity, from, to }) => {
      const rows = rig.store.rows.filter(
        ([of, name, since]) => of === meter && quantityOfCode(quantity).name === name && NOW + since >= from && NOW + since < to,
      );
      return {
        length: rows.length,
        ts: Float64Array.from(rows, ([, , since]) => NOW + since),
        value: Float64Array.from(rows, ([, , , value]) => value),
        quality: new Uint8Array(rows.length),
      };
    },
  },
  clock: () => NOW,
});

/** Keeps refusals as they come. */
export const listing = (list: Rejection[]): RejectSink => ({ take: (rejection) => list.push(rejection), mark: async () => null });

/** A mapping of one column `v` of meter m-1 with the given time part. */
export const timed = (time: string): string => `{ park: p-1, meter: m-1, time: ${time}, columns: { v: { quantity: pm2_5 } } }`;
export const ISO = timed('{ columns: t, format: iso, zone: UTC }');
/** A mapping of column `v` with the given use, times in UTC. */
export const used = (use: string, more = ''): string =>
  `{ park: p-1, meter: m-1, time: { columns: t, format: iso, zone: UTC }, columns: { v: ${use} }${more} }`;
