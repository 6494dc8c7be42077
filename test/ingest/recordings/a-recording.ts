import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecordingCounts, type Rejection } from '../../../ingest/recordings/counts.ts';
import { parseMapping } from '../../../ingest/recordings/mapping.ts';
import { type RecordedFrame, type RecordingInput, readRecording } from '../../../ingest/recordings/read.ts';

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
  const counts = new RecordingCounts();
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

/** A mapping of one column `v` of meter m-1 with the given time part. */
export const timed = (time: string): string => `{ park: p-1, meter: m-1, time: ${time}, columns: { v: { quantity: pm2_5 } } }`;
export const ISO = timed('{ columns: t, format: iso, zone: UTC }');
/** A mapping of column `v` with the given use, times in UTC. */
export const used = (use: string, more = ''): string =>
  `{ park: p-1, meter: m-1, time: { columns: t, format: iso, zone: UTC }, columns: { v: ${use} }${more} }`;
