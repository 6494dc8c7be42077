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

/** How the running service stands. `transports` answers null while they are being opened. */
export async function readiness(core: Core, dataDir: string, transports: Transports | null): Promise<PartReadiness[]> {
  const { full } = core.pipeline;
  return [
    await store(core),
    await registry(core),
    disk(dataDir),
    broker(transports),
    ...(core.spool === null ? [] : [spool(core.spool)]),
    { part: 'ingest', ready: !full, ...(full ? { detail: 'too much is not committed yet: the broker is held back' } : {}) },
  ];
}

/** What the service may still write to the disk of its data directory, in bytes. */
export function freeBytes(dataDir: string): number {
  const { bavail, bsize } = statfsSync(dataDir);
  return bavail * bsize;
}

async function store(core: Core): Promise<PartReadiness> {
  if (core.pipeline.storeFails) return { part: 'store', ready: false, detail: 'writes fail and are tried again; the log says why' };
  return core.store.ping().then(
    () => ({ part: 'store', ready: true }),
    () => ({ part: 'store', ready: false, detail: 'the store does not answer now' }),
  );
}

const registry = (core: Core): Promise<PartReadiness> =>
  core.registry.ping().then(
    () => ({ part: 'registry', ready: true }),
    () => ({ part: 'registry', ready: false, detail: 'changes, alerts and dead letters cannot be written now; the log says why' }),
  );

function disk(dataDir: string): PartReadiness {
  if (freeBytes(dataDir) >= KEEP_FREE_BYTES) return { part: 'disk', ready: true };
  return { part: 'disk', ready: false, detail: `less than ${KEEP_FREE_BYTES >> 20} MB are left on the disk of the data directory` };
}

function broker(transports: Transports | null): PartReadiness {
  const trouble = transports === null ? 'starting' : transports.trouble();
  return { part: 'broker', ready: trouble === null, ...(trouble === null ? {} : { detail: trouble }) };
}

function spool({ readings, refusal }: Spool): PartReadiness {
  if (readings === 0) return { part: 'spool', ready: true };
  return {
    part: 'spool',
    ready: refusal === null,
    detail: `${readings} readings wait on disk for the store${refusal === null ? '' : '; it takes no more now'}`,
  };
}
