import { readdirSync, readlinkSync } from 'node:fs';
import { expect } from 'chai';
import { GreenparkError } from '../../../model/errors.ts';
import { quantityOf } from '../../../model/quantities.ts';
import { type ReadingBlock, ReadingBlockBuilder } from '../../../model/reading.ts';
import { openEmbeddedStore } from '../../../store/embedded/open.ts';
import type { ReadingStore } from '../../../store/port.ts';
import { SmallDisk } from '../../servers/small-disk.ts';

const METER = 1;
const POWER = quantityOf('active_power').code;
const MEGABYTE = 1 << 20;

/** `rows` readings, of times and values that compress badly. */
function block(from: number, rows: number): ReadingBlock {
  const builder = new ReadingBlockBuilder(rows);
  for (let n = from; n < from + rows; n++) builder.push(0, METER, POWER, n, Math.sin(n * 12.9898) * 43758.5453, 0);
  return builder.take();
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null; // closed meanwhile
  }
}

describe('the embedded store on a disk that is full', function () {
  this.timeout(60_000);
  let disk: SmallDisk;
  let store: ReadingStore;
  let stored = 0;
  /** What failed may be there all the same. */
  let failedAt = -1;
  const count = async () => (await store.raw({ meter: METER, quantity: POWER, from: 0, to: 1e9, limit: 1e8 })).length;

  async function write(rows: number): Promise<void> {
    await store.write(block(stored, rows), stored === failedAt ? 'late' : 'fresh');
    stored += rows;
  }

  async function refusal(rows: number): Promise<GreenparkError> {
    try {
      await write(rows);
    } catch (error) {
      failedAt = stored;
      if (error instanceof GreenparkError) return error;
    }
    throw new Error('the store took it');
  }

  beforeEach(() => {
    stored = 0;
    disk = SmallDisk.make(48);
  });
  afterEach(async () => {
    try {
      await store.close();
    } finally {
      disk.free(process.pid);
      disk.remove();
    }
  });

  it('takes nothing and answers questions, and takes readings again when there is room', async () => {
    store = await openEmbeddedStore({ directory: disk.folder, keepFreeBytes: 0 });
    await write(1000);
    disk.fill(process.pid);
    for (let attempt = 0; attempt < 3; attempt++) expect(await refusal(1000)).to.include({ code: 'STORE_UNREACHABLE', retryable: true });
    expect(await count()).to.equal(1000);
    disk.free(process.pid);
    await write(1000);
    expect(await count()).to.equal(2000);
  });

  it('knows what it holds after an attempt that failed, whatever was written before the next one', async () => {
    const other = quantityOf('voltage_a').code;
    const ofOther = () => {
      const builder = new ReadingBlockBuilder(1000);
      for (let n = 0; n < 1000; n++) builder.push(0, METER, other, n, n, 0);
      return builder.take();
    };
    store = await openEmbeddedStore({ directory: disk.folder, keepFreeBytes: 0 });
    await write(1000);
    disk.fill(process.pid);
    let refused = false;
    await store.write(ofOther(), 'fresh').catch(() => {
      refused = true;
    });
    expect(refused).to.equal(true);
    disk.free(process.pid);
    await store.ping();
    expect(await store.write(ofOther(), 'late')).to.include({ stored: 1000 });
    await store.close();
    store = await openEmbeddedStore({ directory: disk.folder });
    expect((await store.raw({ meter: METER, quantity: other, from: 0, to: 1e9, limit: 1e8 })).length).to.equal(1000);
    expect(await count()).to.equal(1000);
  });

  it('goes on after a checkpoint that found no room, at which DuckDB gives its database up', async () => {
    store = await openEmbeddedStore({ directory: disk.folder, keepFreeBytes: 0 });
    disk.fill(process.pid, 20 * MEGABYTE);
    let fault: GreenparkError | null = null;
    while (fault === null) fault = await refusal(50_000).catch(() => null);
    expect(fault.message).to.match(/Checkpoint failed for database .* The database has been invalidated/);
    expect(await count()).to.equal(stored);
    disk.free(process.pid);
    await write(1000);
    expect(await count()).to.equal(stored);
    await store.close();
    store = await openEmbeddedStore({ directory: disk.folder });
    expect(await count()).to.equal(stored);
  });

  it('is opened with hardly any room although much waits in its log, answers, and is closed', async () => {
    disk.remove();
    disk = SmallDisk.make(64);
    const openings = () => readdirSync('/proc/self/fd').filter((fd) => linkOf(`/proc/self/fd/${fd}`)?.endsWith('readings.duckdb')).length;
    const rows = 20_000;
    // Just less than what DuckDB brings into the file by itself; then it is opened anew.
    store = await openEmbeddedStore({ directory: disk.folder, keepFreeBytes: 0, threads: 1, renewAfterFrames: 11 * rows });
    for (let n = 0; n < 10; n++) await write(rows);
    await write(rows - 1000);
    disk.fill(process.pid, disk.isReal ? MEGABYTE : 32 * MEGABYTE);
    await write(1000);
    for (let question = 0; question < 10; question++) expect(await count()).to.equal(11 * rows);
    expect(openings()).to.equal(1);
    await store.close();
    expect(openings()).to.equal(0);
    disk.fill(process.pid);
    store = await openEmbeddedStore({ directory: disk.folder });
    expect(await count()).to.equal(11 * rows);
    expect((await refusal(1)).retryable).to.equal(true);
  });

  it('leaves room for others', async () => {
    store = await openEmbeddedStore({ directory: disk.folder, keepFreeBytes: 2 ** 50 });
    expect((await refusal(1)).message).to.match(/has less than \d+ MB left/);
    expect(await count()).to.equal(0);
  });
});
