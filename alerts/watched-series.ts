import { COLUMN_GROWTH, grown } from '../model/columns.ts';
import type { EpochMs } from '../model/ids.ts';
import { NONE, type SeriesGroup, type SeriesInstance } from './instances.ts';

/** By series: no reading of it has come yet. Places stand there raised by so much, as a new column is all zero. */
const NOT_LOOKED_UP = 0;
const RAISED = 2;

/**
 * Every rule on every series that it watches has a place here, in columns: there may be several on each of very many meters, and of most
 * nothing is known but when it was judged last. Laid out anew when rules or meters change; a group's places stand in a row.
 */
export class WatchedSeries {
  readonly #groups: readonly SeriesGroup[];
  /** By place: its group's number. */
  readonly #groupOf: Int32Array;
  readonly #byQuantity = new Map<number, SeriesGroup[]>();
  /** By place: time of the newest reading taken, -Infinity before the first. */
  readonly last: Float64Array;
  /** By place: what else there is to know, once there is. */
  readonly instances: (SeriesInstance | null)[];
  /** By place: the next one on the same series, once a reading of it has come. */
  readonly #next: Int32Array;
  /** By a series' position in a block: its first place. */
  #firstOn = new Int32Array(1024);

  constructor(groups: readonly SeriesGroup[]) {
    this.#groups = groups;
    const places = groups.reduce((sum, { ordinals }) => sum + ordinals.length, 0);
    this.#groupOf = new Int32Array(places);
    this.instances = Array<null>(places).fill(null);
    this.last = new Float64Array(places).fill(Number.NEGATIVE_INFINITY);
    this.#next = new Int32Array(places).fill(NONE);
    let place = 0;
    for (const [number, group] of groups.entries()) {
      group.firstPlace = place;
      place += group.ordinals.length;
      this.#groupOf.fill(number, group.firstPlace, place);
      this.#byQuantity.set(group.rule.quantity, [...this.of(group.rule.quantity), group]);
    }
  }

  get quantities(): Iterable<number> {
    return this.#byQuantity.keys();
  }

  /** The rules on a quantity. */
  of(quantity: number): readonly SeriesGroup[] {
    return this.#byQuantity.get(quantity) ?? [];
  }

  groupOf(place: number): SeriesGroup {
    return this.#groups[this.#groupOf[place] as number] as SeriesGroup;
  }

  ordinalOf(place: number): number {
    const { firstPlace, ordinals } = this.groupOf(place);
    return ordinals[place - firstPlace] as number;
  }

  lastOf(group: SeriesGroup): Float64Array {
    return this.last.subarray(group.firstPlace, group.firstPlace + group.ordinals.length);
  }

  /** The first place of a series, or NONE; those behind it with `next`. */
  first(series: number, ordinal: number, quantity: number): number {
    const known = this.#firstOn[series] ?? NOT_LOOKED_UP;
    return known === NOT_LOOKED_UP ? this.#lookUp(series, ordinal, quantity) : known - RAISED;
  }

  next(place: number): number {
    return this.#next[place] as number;
  }

  #lookUp(series: number, ordinal: number, quantity: number): number {
    const places = this.of(quantity)
      .map((group) => group.placeOf(ordinal))
      .filter((place) => place !== NONE);
    for (const [at, place] of places.entries()) this.#next[place] = places[at + 1] ?? NONE;
    if (series >= this.#firstOn.length) {
      this.#firstOn = grown(this.#firstOn, new Int32Array(Math.max(series + 1, this.#firstOn.length * COLUMN_GROWTH)));
    }
    const first = places[0] ?? NONE;
    this.#firstOn[series] = first + RAISED;
    return first;
  }
}

/** Values of a byte. */
const BYTE = 256;

/**
 * Time judged last by meter ordinal, as text: runs of ordinals, and in as few bytes as will do for each, in their order, how long after the
 * first of all it was, raised by one; 0 where it never was.
 */
export function marksText(ordinals: Int32Array, last: Float64Array): string {
  const runs: number[] = [];
  for (let at = 0, before = Number.NaN; at < ordinals.length; at++) {
    const ordinal = ordinals[at] as number;
    if (ordinal === before + 1) runs[runs.length - 1] = (runs.at(-1) as number) + 1;
    else runs.push(ordinal, 1);
    before = ordinal;
  }
  let first = Number.POSITIVE_INFINITY;
  let newest = Number.NEGATIVE_INFINITY;
  for (const ts of last) {
    if (ts > newest) newest = ts;
    if (ts < first && Number.isFinite(ts)) first = ts;
  }
  let width = 0;
  for (let rest = newest - first + 1; rest >= 1; rest = Math.floor(rest / BYTE)) width++;
  const bytes = Buffer.alloc(last.length * width);
  for (const [at, ts] of last.entries()) {
    if (!Number.isFinite(ts)) continue;
    for (let rest = ts - first + 1, byte = at * width; rest >= 1; rest = Math.floor(rest / BYTE), byte++) bytes[byte] = rest % BYTE;
  }
  return [runs.join(','), width === 0 ? 0 : first, width, bytes.toString('base64')].join(' ');
}

/** Takes over what `marksText` made, or the JSON that stood in its place before. */
export function readMarks(text: string, marks: Map<number, EpochMs>): void {
  if (text.startsWith('{')) {
    for (const [ordinal, last] of Object.entries(JSON.parse(text) as Record<string, EpochMs>)) marks.set(Number(ordinal), last);
    return;
  }
  const [runsText = '', firstText, widthText, bytesText = ''] = text.split(' ');
  const [first, width] = [Number(firstText), Number(widthText)];
  const runs = runsText.split(',').map(Number);
  const bytes = Buffer.from(bytesText, 'base64');
  for (let run = 0, at = 0; run + 1 < runs.length; run += 2) {
    for (let nth = 0; nth < (runs[run + 1] as number); nth++, at += width) {
      let after = 0;
      for (let byte = at + width - 1; byte >= at; byte--) after = after * BYTE + (bytes[byte] as number);
      if (after > 0) marks.set((runs[run] as number) + nth, first + after - 1);
    }
  }
}
