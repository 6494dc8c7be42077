import { COLUMN_GROWTH, grown } from '../model/columns.ts';
import type { PlanColumns } from './plan-columns.ts';

/** Room that is made for a meter whose series do not fit where they stand, at least. */
const LEAST_ROOM = 8;

/**
 * The columns and series of each meter that has reported, by its ordinal: a few numbers for each of very many meters. A meter's series stand
 * in a row, in the order of its columns; it moves to the end, with room for as many again, when there is another's behind it.
 */
export class MeterColumns {
  readonly #columns: (PlanColumns | undefined)[] = [];
  #from = new Int32Array(1024);
  #room = new Uint16Array(1024);
  #series = new Int32Array(1024);
  #end = 0;

  /** undefined where the meter has not reported. */
  of(ordinal: number): PlanColumns | undefined {
    return this.#columns[ordinal];
  }

  /** Copies the series of a meter that has reported, one a column. */
  copySeries(ordinal: number, count: number, to: Int32Array): void {
    const from = this.#from[ordinal] as number;
    for (let column = 0; column < count; column++) to[column] = this.#series[from + column] as number;
  }

  /** The meter has one column more, the last of `columns`, with this series. */
  add(ordinal: number, columns: PlanColumns, series: number): void {
    // Filled up first: an array with holes would turn into a slow dictionary.
    while (this.#columns.length < ordinal) this.#columns.push(undefined);
    this.#columns[ordinal] = columns;
    if (ordinal >= this.#from.length) {
      const capacity = 2 ** Math.ceil(Math.log2(ordinal + 1));
      this.#from = grown(this.#from, new Int32Array(capacity));
      this.#room = grown(this.#room, new Uint16Array(capacity));
    }
    const column = columns.count - 1;
    if (column === this.#room[ordinal]) this.#makeRoom(ordinal, column);
    this.#series[(this.#from[ordinal] as number) + column] = series;
  }

  #makeRoom(ordinal: number, taken: number): void {
    const from = this.#from[ordinal] as number;
    const isLast = taken === 0 || from + taken === this.#end;
    const begin = isLast ? this.#end - taken : this.#end;
    const room = isLast ? taken + 1 : Math.max(LEAST_ROOM, taken * 2);
    while (begin + room > this.#series.length) this.#series = grown(this.#series, new Int32Array(this.#series.length * COLUMN_GROWTH));
    this.#series.copyWithin(begin, from, from + taken);
    this.#from[ordinal] = begin;
    this.#room[ordinal] = room;
    this.#end = begin + room;
  }
}
