/** Values that one row of the table `frame` holds. Changing it means another table: a database keeps the width it was made with. */
export const SLOTS = 5;

/** More shapes than this and further frames are split into single values; what meters really send needs a few dozen. */
const MOST_SHAPES = 4096;

interface Node {
  readonly next: Map<number, Node>;
  /** The shape that ends here, -1 before it was seen. */
  shape: number;
}

const node = (): Node => ({ next: new Map(), shape: -1 });

/**
 * Which quantity stands in which slot of a frame. A shape is a sequence of up to SLOTS quantities; meters of one model share
 * one, so there are few of them. The numbers are stored with every frame and never reused.
 */
export class Shapes {
  readonly #root = node();
  /** End of every path that is no shape and may not become one. */
  readonly #nowhere = node();
  readonly #slots: (readonly number[])[] = [];
  /** Quantity code to the shapes that hold it, by slot. */
  readonly #holders = new Map<number, number[][]>();
  #saved = 0;

  /** Start of a path through the quantities of a frame. */
  get root(): Node {
    return this.#root;
  }

  /** One quantity further. From the root it always leads to a path that `at` takes, otherwise `isOpen` has to be asked. */
  step(from: Node, quantity: number): Node {
    let next = from.next.get(quantity);
    if (next === undefined) {
      if (this.#slots.length >= MOST_SHAPES && from !== this.#root) return this.#nowhere;
      next = node();
      from.next.set(quantity, next);
    }
    return next;
  }

  /** Whether the path's end is a shape or may become one. */
  isOpen(end: Node): boolean {
    return end.shape >= 0 || this.#slots.length < MOST_SHAPES;
  }

  /** The shape at the path's end; `quantities` is asked only when it is a new one. */
  at(end: Node, quantities: () => readonly number[]): number {
    if (end.shape >= 0) return end.shape;
    return this.#add(end, quantities());
  }

  /** Takes a shape read from the database; they come in the order of their numbers. */
  load(quantities: readonly number[]): void {
    let end = this.#root;
    for (const quantity of quantities) end = this.step(end, quantity);
    this.#add(end, quantities);
    this.#saved = this.#slots.length;
  }

  /** (shape, slot, quantity) rows that no transaction has committed yet. */
  unsaved(): readonly (readonly [shape: number, slot: number, quantity: number])[] {
    const rows: [number, number, number][] = [];
    for (let shape = this.#saved; shape < this.#slots.length; shape++) {
      for (const [slot, quantity] of (this.#slots[shape] as readonly number[]).entries()) rows.push([shape, slot, quantity]);
    }
    return rows;
  }

  get count(): number {
    return this.#slots.length;
  }

  /** The first `count` shapes are committed. */
  saved(count: number): void {
    this.#saved = count;
  }

  /** The quantities of a shape, by slot. */
  quantities(shape: number): readonly number[] {
    return this.#slots[shape] ?? [];
  }

  /** The shapes that hold the quantity: for each slot those that have it there. */
  holding(quantity: number): readonly (readonly number[])[] {
    return this.#holders.get(quantity) ?? [];
  }

  #add(end: Node, quantities: readonly number[]): number {
    const shape = this.#slots.length;
    end.shape = shape;
    this.#slots.push([...quantities]);
    for (const [slot, quantity] of quantities.entries()) {
      let bySlot = this.#holders.get(quantity);
      if (bySlot === undefined) {
        bySlot = Array.from({ length: SLOTS }, () => []);
        this.#holders.set(quantity, bySlot);
      }
      bySlot[slot]?.push(shape);
    }
    return shape;
  }
}
