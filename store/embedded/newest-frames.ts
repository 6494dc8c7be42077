import { type Shapes, SLOTS } from './shapes.ts';
import type { Columns } from './shared-block.ts';

const NONE = -1;

/**
 * The newest frame of each meter and shape among those that were written since the table `newest` was brought up to date: reading them
 * back from the database for it would cost a tenth of the whole ingest.
 */
export class NewestFrames {
  readonly #shapes: Shapes;
  /** By meter: the place of one of its frames; the others hang on it. */
  readonly #heads = new Map<number, number>();
  #meter = new Int32Array(1024);
  #shape = new Int32Array(1024);
  #next = new Int32Array(1024);
  #ts = new Float64Array(1024);
  #size = new Uint8Array(1024);
  #value = new Float64Array(1024 * SLOTS);
  #quality = new Uint8Array(1024 * SLOTS);
  #length = 0;

  constructor(shapes: Shapes) {
    this.#shapes = shapes;
  }

  /** Takes the frame that stands in the rows from `first` up to, not including, `until`. */
  see(shape: number, { meter, ts, value, quality }: Columns, first: number, until: number): void {
    const place = this.#placeOf(meter[first] as number, shape);
    const at = ts[first] as number;
    if (at < (this.#ts[place] as number)) return;
    this.#ts[place] = at;
    this.#size[place] = until - first;
    for (let row = first, slot = place * SLOTS; row < until; row++, slot++) {
      this.#value[slot] = value[row] as number;
      this.#quality[slot] = quality[row] as number;
    }
  }

  /** All of them, one row a value. */
  columns(): Columns {
    let length = 0;
    for (let place = 0; place < this.#length; place++) length += this.#size[place] as number;
    const columns = {
      ...{ length, ts: new Float64Array(length), value: new Float64Array(length), meter: new Int32Array(length) },
      ...{ quantity: new Uint16Array(length), quality: new Uint8Array(length) },
    };
    for (let place = 0, row = 0; place < this.#length; place++) {
      const quantities = this.#shapes.quantities(this.#shape[place] as number);
      for (let slot = 0; slot < (this.#size[place] as number); slot++, row++) {
        columns.meter[row] = this.#meter[place] as number;
        columns.ts[row] = this.#ts[place] as number;
        columns.quantity[row] = quantities[slot] as number;
        columns.value[row] = this.#value[place * SLOTS + slot] as number;
        columns.quality[row] = this.#quality[place * SLOTS + slot] as number;
      }
    }
    return columns;
  }

  clear(): void {
    this.#heads.clear();
    this.#length = 0;
  }

  #placeOf(meter: number, shape: number): number {
    const head = this.#heads.get(meter) ?? NONE;
    for (let place = head; place !== NONE; place = this.#next[place] as number) if (this.#shape[place] === shape) return place;
    if (this.#length === this.#meter.length) this.#grow();
    const place = this.#length++;
    this.#meter[place] = meter;
    this.#shape[place] = shape;
    this.#ts[place] = Number.NEGATIVE_INFINITY;
    // Behind the first: those that come most often were there first.
    if (head === NONE) {
      this.#next[place] = NONE;
      this.#heads.set(meter, place);
    } else {
      this.#next[place] = this.#next[head] as number;
      this.#next[head] = place;
    }
    return place;
  }

  #grow(): void {
    const capacity = this.#meter.length * 2;
    this.#meter = grown(this.#meter, new Int32Array(capacity));
    this.#shape = grown(this.#shape, new Int32Array(capacity));
    this.#next = grown(this.#next, new Int32Array(capacity));
    this.#ts = grown(this.#ts, new Float64Array(capacity));
    this.#size = grown(this.#size, new Uint8Array(capacity));
    this.#value = grown(this.#value, new Float64Array(capacity * SLOTS));
    this.#quality = grown(this.#quality, new Uint8Array(capacity * SLOTS));
  }
}

function grown<T extends Int32Array | Float64Array | Uint8Array>(old: T, made: T): T {
  made.set(old);
  return made;
}
