import { statfsSync } from 'node:fs';
import type { Core } from './core.ts';
import { KEEP_FREE_BYTES } from './core.ts';
import type { Spool } from './ingest/spool/spool.ts';
import type { Transports } from './transports.ts';

/** One part of the service as `/readyz` tells it: to everybody, so that no address, path or name stands in it. */
export interface PartReadiness {
  readonly part: string;
  readonly ready: boolean;
  readonly detail?: string;
}

/** A server that is frozen takes the question and never answers: whoever asks how the service stands is to hear that. */
const PATIENCE_MS = 2000;

/**
 * How the running service stands. `transports` answers null while they are being opened.
 *
 * @param patienceMs how long a part may take to answer for itself
 */
export async function readiness(
  core: Pick<Core, 'pipeline' | 'store' | 'registry' | 'spool'>,
  dataDir: string,
  transports: Pick<Transports, 'trouble'> | null,
  patienceMs = PATIENCE_MS,
): Promise<PartReadiness[]> {
  const asked = await Promise.all([store(core, patienceMs), registry(core, patienceMs)]);
  return [...asked, disk(dataDir), broker(transports), ...(core.spool === null ? [] : [spool(core.spool)]), ingest(core.pipeline)];
}

/** What the service may still write to the disk of its data directory, in bytes. */
export function freeBytes(dataDir: string): number {
  const { bavail, bsize } = statfsSync(dataDir);
  return bavail * bsize;
}

async function store(core: Pick<Core, 'pipeline' | 'store'>, patienceMs: number): Promise<PartReadiness> {
  if (core.pipeline.storeFails) return { part: 'store', ready: false, detail: 'writes fail and are tried again; the log says why' };
  return inTime(core.store.ping(), patienceMs).then(
    () => ({ part: 'store', ready: true }),
    () => ({ part: 'store', ready: false, detail: 'the store does not answer now' }),
  );
}

const registry = (core: Pick<Core, 'registry'>, patienceMs: number): Promise<PartReadiness> =>
  inTime(core.registry.ping(), patienceMs).then(
    () => ({ part: 'registry', ready: true }),
    () => ({ part: 'registry', ready: false, detail: 'changes, alerts and dead letters cannot be written now; the log says why' }),
  );

function inTime(answer: Promise<unknown>, patienceMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer in time')), patienceMs);
    answer.then(() => resolve(), reject).finally(() => clearTimeout(timer));
  });
}

function disk(dataDir: string): PartReadiness {
  if (freeBytes(dataDir) >= KEEP_FREE_BYTES) return { part: 'disk', ready: true };
  return { part: 'disk', ready: false, detail: `less than ${KEEP_FREE_BYTES >> 20} MB are left on the disk of the data directory` };
}

function broker(transports: Pick<Transports, 'trouble'> | null): PartReadiness {
  const trouble = transports === null ? 'starting' : transports.trouble();
  return { part: 'broker', ready: trouble === null, ...(trouble === null ? {} : { detail: trouble }) };
}

function ingest({ holds }: Core['pipeline']): PartReadiness {
  if (holds === null) return { part: 'ingest', ready: true };
  const detail = holds === 'full' ? 'too much is not committed yet: the broker is held back' : 'neither the store nor the spool takes readings: senders wait';
  return { part: 'ingest', ready: false, detail };
}

function spool({ readings, refusal }: Spool): PartReadiness {
  if (readings === 0) return { part: 'spool', ready: true };
  return {
    part: 'spool',
    ready: refusal === null,
    detail: `${readings} readings wait on disk for the store${refusal === null ? '' : '; it takes no more now'}`,
  };
}
