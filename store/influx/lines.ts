import { GreenparkError } from '../../model/errors.ts';
import { isUsable, QUALITY } from '../../model/quality.ts';
import { QUANTITIES } from '../../model/quantities.ts';
import type { ReadingBlock } from '../../model/reading.ts';
import type { Correction } from '../port.ts';
import { FARTHEST_MS } from '../storable.ts';

/** Points of the readings: tags meter and quantity, fields value (float) and quality (integer). */
export const READINGS = 'readings';
/** Points of the corrections, at the time of the reading they correct: a tag `number` counts them from 1. */
export const CORRECTIONS = 'corrections';

/** How meters are named in the `meter` tag: by their id. */
export interface MeterNames {
  idOf(ordinal: number): string;
  ordinalOf(id: string): number | undefined;
}

const nameOfCode = new Map<number, string>(QUANTITIES.map((quantity) => [quantity.code, quantity.name]));
const codeOfName = new Map<string, number>(QUANTITIES.map((quantity) => [quantity.name, quantity.code]));

/** Name of a quantity in its tag. */
export function quantityTag(code: number): string {
  const name = nameOfCode.get(code);
  if (name === undefined) throw new GreenparkError('STORE_REFUSED', `quantity code ${code} is not in the catalogue`);
  return name;
}

/** Code of a `quantity` tag; undefined for one that somebody else wrote. */
export const quantityCode = (name: string | undefined): number | undefined => codeOfName.get(name ?? '');

const escapedTag = (value: string): string => value.replace(/[,= ]/g, '\\$&').replaceAll('\n', ' ');
const quotedField = (value: string): string => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** Makes lines of blocks. What a series' lines begin with is kept, as it is most of each line. */
export class LineWriter {
  readonly #meters: MeterNames;
  readonly #beginnings = new Map<number, string>();

  constructor(meters: MeterNames) {
    this.#meters = meters;
  }

  linesOf(block: ReadingBlock, dropped?: Uint8Array): string[] {
    const { length, meter, quantity, ts, value, quality } = block;
    const lines: string[] = [];
    for (let i = 0; i < length; i++) {
      if (dropped?.[i] === 1) continue;
      lines.push(`${this.#beginning(meter[i] as number, quantity[i] as number)}${value[i]},quality=${quality[i]}i ${ts[i]}`);
    }
    return lines;
  }

  lineOfCorrection({ meter, quantity, ts, value, quality, author, reason, at }: Correction, number: number): string {
    const tags = `meter=${escapedTag(this.#meters.idOf(meter))},number=${number},quantity=${quantityTag(quantity)}`;
    return `${CORRECTIONS},${tags} value=${value},quality=${quality}i,author=${quotedField(author)},reason=${quotedField(reason)},made=${at}i ${ts}`;
  }

  #beginning(meter: number, quantity: number): string {
    const key = meter * 1024 + quantity;
    let beginning = this.#beginnings.get(key);
    if (beginning === undefined) {
      beginning = `${READINGS},meter=${escapedTag(this.#meters.idOf(meter))},quantity=${quantityTag(quantity)} value=`;
      this.#beginnings.set(key, beginning);
    }
    return beginning;
  }
}

/** Condition for readings that enter averages and usage. */
export const USABLE = `(${Object.values(QUALITY)
  .filter(isUsable)
  .map((quality) => `quality = ${quality}`)
  .join(' OR ')})`;

/** InfluxDB's own range of time, ms: 1677 to 2262. */
const REACH_MS = Math.min(FARTHEST_MS, 9.223372036e15 / 1000);

/** Condition for [from, to). */
export function within(from: number, to: number): string {
  const bounded = (ts: number) => Math.round(Math.min(Math.max(ts, -REACH_MS), REACH_MS));
  return `time >= ${bounded(from)}ms AND time < ${bounded(to)}ms`;
}

/** Condition that a tag is one of the values. */
export function tagIn(tag: string, values: Iterable<string>): string {
  const list = [...new Set(values)];
  if (list.length === 1) return `"${tag}" = '${(list[0] as string).replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  return `"${tag}" =~ /^(${list.map((value) => value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&').replaceAll('/', '\\/')).join('|')})$/`;
}
