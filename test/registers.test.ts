import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Spool } from '../ingest/spool/spool.ts';
import { learnOf } from '../ingest/spool/waiting.ts';
import { LatestReadings } from '../model/latest.ts';
import { QUALITY } from '../model/quality.ts';
import { quantityOf } from '../model/quantities.ts';
import { ReadingBlockBuilder } from '../model/reading.ts';
import { lastGoodRegisters } from '../registers.ts';
import type { NeighbourQuery, Neighbours } from '../store/port.ts';
import { quiet } from './ingest/harness.ts';

const ENERGY = quantityOf('active_energy_import').code;
const POWER = quantityOf('active_power').code;

describe('what the next register is judged by after a start', () => {
  let directory: string;
  let spool: Spool;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'greenpark-registers-'));
    spool = new Spool({ directory, limitBytes: 1 << 28, keepFreeBytes: 0, logger: quiet });
  });
  afterEach(() => {
    spool.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const wait = (...rows: readonly (readonly [meter: number, quantity: number, ts: number, value: number, quality: number])[]) => {
    const block = new ReadingBlockBuilder();
    for (const row of rows) block.push(0, ...row);
    spool.append(block.take(), 'fresh');
  };
  /** A store in which every counter last stood at 90, at time 10. */
  const store = {
    neighbours: async ({ points }: NeighbourQuery): Promise<readonly Neighbours[]> => points.map(() => ({ before: { ts: 10, value: 90 }, after: null })),
  };
  const judgedBy = async () => {
    const latest = new LatestReadings();
    const found = await lastGoodRegisters(store, latest, learnOf(spool, latest));
    return Object.fromEntries([...found].map(([series, { value }]) => [`${latest.meter[series]}/${latest.quantity[series]}`, value]));
  };

  it('is the last good one, which may still wait in the spool', async () => {
    wait([1, ENERGY, 20, 120, QUALITY.good], [1, POWER, 20, 7, QUALITY.good], [1, ENERGY, 15, 110, QUALITY.good], [1, ENERGY, 30, 50, QUALITY.backwards]);
    expect(await judgedBy()).to.deep.equal({ [`1/${ENERGY}`]: 120 });
  });

  it('is that of the store where what waits has none, or an older one', async () => {
    wait([1, ENERGY, 30, 50, QUALITY.backwards], [2, ENERGY, 5, 80, QUALITY.good], [2, ENERGY, 30, 50, QUALITY.backwards]);
    expect(await judgedBy()).to.deep.equal({ [`1/${ENERGY}`]: 90, [`2/${ENERGY}`]: 90 });
  });

  it('is asked for no counter whose newest reading is good', async () => {
    wait([1, ENERGY, 30, 120, QUALITY.good]);
    expect(await judgedBy()).to.deep.equal({});
  });
});
