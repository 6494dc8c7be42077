import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LatestReadings } from '../../model/latest.ts';
import { QUALITY } from '../../model/quality.ts';
import { type QuantityName, quantityOf } from '../../model/quantities.ts';
import { type ReadingBlock, ReadingBlockBuilder } from '../../model/reading.ts';
import { openEmbeddedStore } from '../../store/embedded/open.ts';
import type { ReadingStore } from '../../store/port.ts';

export interface Point {
  readonly ts: number;
  readonly value: number;
  readonly quality?: number;
}

/** The embedded store on a folder of its own, gone after the test. */
export class StoredReadings {
  readonly latest = new LatestReadings();
  readonly store: ReadingStore;
  readonly #folder: string;

  private constructor(store: ReadingStore, folder: string) {
    this.store = store;
    this.#folder = folder;
  }

  static async open(): Promise<StoredReadings> {
    const folder = await mkdtemp(join(tmpdir(), 'greenpark-usage-'));
    return new StoredReadings(await openEmbeddedStore({ directory: folder }), folder);
  }

  async close(): Promise<void> {
    await this.store.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  block(meter: number, points: readonly Point[], quantity: QuantityName = 'active_energy_import', latest = this.latest): ReadingBlock {
    const { code } = quantityOf(quantity);
    const block = new ReadingBlockBuilder(Math.max(1, points.length));
    for (const { ts, value, quality = QUALITY.good } of points) block.push(latest.seriesOf(meter, code), meter, code, ts, value, quality);
    return block.take();
  }

  /** Stores the points in the order given, as readings that may arrive at any time. */
  async write(meter: number, points: readonly Point[], quantity?: QuantityName): Promise<void> {
    await this.store.write(this.block(meter, points, quantity), 'late');
  }
}
