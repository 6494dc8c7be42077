import { SLOTS } from './shapes.ts';
import type { Columns } from './shared-block.ts';

/** One frame: its values stand from `first` on. */
export interface NewestFrame {
  readonly meter: number;
  readonly ts: number;
  readonly shape: number;
  readonly size: number;
  readonly first: number;
  readonly value: Float64Array;
  readonly quality: Uint8Array;
}

const NONE = -1;

const PAGE_BITS = 12;
const PAGE_FRAMES = 1 << PAGE_BITS;

/** Room for so many frames. */
class Page {
  readonly meter = new Int32Array(PAGE_FRAMES);
  readonly shape = new Int32Array(PAGE_FRAMES);
  /** Place of another frame of the same meter. */
  readonly next = new Int32Array(PAGE_FRAMES);
  readonly ts = new Float64Array(PAGE_FRAMES);
  readonly size = new Uint8Array(PAGE_FRAMES);
  readonly value = new Float64Array(PAGE_FRAMES * SLOTS);
  readonly quality = new Uint8Array(PAGE_FRAMES * SLOTS);
}

/**
 * The newest frame of each meter and shape among those that were written since the table `newest` was brought up to date: reading them
 * back from the database for it would cost a tenth of the whole ingest. In pages, as what grows by copying leaves as much again behind.
 */
export class NewestFrames {
  /** By meter ordinal, which the registry gives in a row: the place of one of its frames; the others hang on it. */
  #heads = new Int32Array(1024).fill(NONE);
  readonly #pages: Page[] = [];
  #length = 0;

  /** Takes the frame that stands in the rows from `first` up to, not including, `until`. */
  see(shape: number, { meter, ts, value, quality }: Columns, first: number, until: number): void {
    const place = this.#placeOf(meter[first] as number, shape);
    const page = this.#pageOf(place);
    const index = place & (PAGE_FRAMES - 1);
    const at = ts[first] as number;
    if (at < (page.ts[index] as number)) return;
    page.ts[index] = at;
    page.size[index] = until - first;
    for (let row = first, slot = index * SLOTS; row < until; row++, slot++) {
      page.value[slot] = value[row] as number;
      page.quality[slot] = quality[row] as number;
    }
  }

  /** All of them, each in the shape it was written with. */
  *[Symbol.iterator](): Generator<NewestFrame> {
    for (let place = 0; place < this.#length; place++) {
      const { meter, ts, shape, size, value, quality } = this.#pageOf(place);
      const index = place & (PAGE_FRAMES - 1);
      yield {
        meter: meter[index] as number,
        ts: ts[index] as number,
        shape: shape[index] as number,
        size: size[index] as number,
        first: index * SLOTS,
        value,
        quality,
      };
    }
  }

  clear(): void {
    this.#heads.fill(NONE);
    this.#length = 0;
  }

  #pageOf(place: number): Page {
    return this.#pages[place >> PAGE_BITS] as Page;
  }

  #placeOf(meter: number, shape: number): number {
    if (meter >= this.#heads.length) this.#growHeads(meter);
    const head = this.#heads[meter] as number;
    for (let place = head; place !== NONE; ) {
      const { shape: shapes, next } = this.#pageOf(place);
      const index = place & (PAGE_FRAMES - 1);
      if (shapes[index] === shape) return place;
      place = next[index] as number;
    }
    const place = this.#length++;
    if (place >> PAGE_BITS === this.#pages.length) this.#pages.push(new Page());
    const page = this.#pageOf(place);
    const index = place & (PAGE_FRAMES - 1);
    page.meter[index] = meter;
    page.shape[index] = shape;
    page.ts[index] = Number.NEGATIVE_INFINITY;
    // Behind the first: those that come most often were there first.
    if (head === NONE) {
      page.next[index] = NONE;
      this.#heads[meter] = place;
    } else {
      const first = this.#pageOf(head);
      page.next[index] = first.next[head & (PAGE_FRAMES - 1)] as number;
      first.next[head & (PAGE_FRAMES - 1)] = place;
    }
    return place;
  }

  #growHeads(meter: number): void {
    const before = this.#heads;
    this.#heads = new Int32Array(2 ** Math.ceil(Math.log2(meter + 1))).fill(NONE);
    this.#heads.set(before);
  }
}
