import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { openEmbeddedStore } from '../../store/embedded/open.ts';
import { openInfluxStore } from '../../store/influx/open.ts';
import type { ReadingStore } from '../../store/port.ts';
import { requireServer } from '../real-servers.ts';
import { Influx } from '../servers/influx.ts';

/** Meter ids by ordinal: what a line protocol may stumble over comes first. */
export const METER_IDS = [
  'meter-0',
  '总表 1,号=甲',
  'back\\slash',
  "it's",
  'a/b.c*',
  'quote"d',
  'trailing ',
  ...Array.from({ length: 200 }, (_, n) => `m${n}`),
];

export const METERS = {
  idOf: (ordinal: number): string => METER_IDS[ordinal] ?? `unknown-${ordinal}`,
  ordinalOf: (id: string): number | undefined => {
    const found = METER_IDS.indexOf(id);
    return found < 0 ? undefined : found;
  },
};

/** One engine under test. `open` finds what an earlier `open` of the same target wrote. */
export interface StoreTarget {
  readonly name: string;
  /** Starts what the engine needs; skips the suite where that is missing. */
  start(test: Context): Promise<void>;
  open(): Promise<ReadingStore>;
  stop(): Promise<void>;
}

function embedded(): StoreTarget {
  let directory = '';
  return {
    name: 'embedded store',
    start: async () => {
      directory = await mkdtemp(join(tmpdir(), 'greenpark-store-'));
    },
    open: () => openEmbeddedStore({ directory }),
    stop: () => rm(directory, { recursive: true, force: true }),
  };
}

function influx(): StoreTarget {
  let server: Influx | undefined;
  return {
    name: 'InfluxDB 1 store',
    start: async (test) => {
      server = await Influx.start(requireServer(test, 'influxd'));
    },
    open: () => openInfluxStore({ url: server?.url ?? '', version: 1, bucket: 'park "甲"', meters: METERS }),
    stop: async () => server?.remove(),
  };
}

export const storeTargets = (): readonly StoreTarget[] => [embedded(), influx()];
