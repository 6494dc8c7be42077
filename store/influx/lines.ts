import { GreenparkError } from '../../model/errors.ts';
import { isUsable, QUALITY } from '../../model/quality.ts';
import { QUANTITIES } from '../../model/quantities.ts';
import type { ReadingBlock } from '../../model/reading.ts';
import { CLOCK_CORRECTION, type Correction } from '../port.ts';
import { FARTHEST_MS } from '../storable.ts';
import { type LineText, Phrase } from './line-text.ts';

const [COMMA, SPACE, NEWLINE] = [0x2c, 0x20, 0x0a];

/**
 * Points of the readings: a tag meter, and for each quantity measured at that time a field of its name (float) when the reading is
 * usable, `NAME.flagged` when it is not, and `NAME.quality` (integer) unless it is good. So that what averages and usage ask for needs
 * no condition, and what a meter sends at one time is one point.
 */
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

/** Name of a quantity, in the corrections' tag and in the readings' fields. */
export function quantityName(code: number): string {
  const name = nameOfCode.get(code);
  if (name === undefined) throw new GreenparkError('STORE_REFUSED', `quantity code ${code} is not in the catalogue`);
  return name;
}

/** Code of a quantity's name; undefined for one that somebody else wrote. */
export const quantityCode = (name: string | undefined): number | undefined => codeOfName.get(name ?? '');

const escapedTag = (value: string): string => value.replace(/[,= ]/g, '\\$&').replaceAll('\n', ' ');
const quotedField = (value: string): string => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** The fields of one quantity, between double quotes for a question. */
export interface Fields {
  readonly usable: string;
  readonly flagged: string;
  readonly quality: string;
}

export function fieldsOf(quantity: number): Fields {
  const name = quantityName(quantity);
  return { usable: `"${name}"`, flagged: `"${name}.flagged"`, quality: `"${name}.quality"` };
}

/** What `SELECT usable, flagged, quality` brings for one time; null where nothing of the quantity was measured then. */
export function readingOf(usable: unknown, flagged: unknown, quality: unknown): { readonly value: number; readonly quality: number } | null {
  if (typeof usable === 'number') return { value: usable, quality: typeof quality === 'number' ? quality : QUALITY.good };
  if (typeof flagged === 'number') return { value: flagged, quality: typeof quality === 'number' ? quality : QUALITY.fault };
  return null;
}

/** Makes lines of blocks: one for what stands together of one meter and time. What they begin with is kept. */
export class LineWriter {
  readonly #meters: MeterNames;
  readonly #beginnings = new Map<number, string>();
  /** A quantity's name and an equals sign. */
  readonly #fields: Phrase[] = [];

  constructor(meters: MeterNames) {
    this.#meters = meters;
  }

  /**
   * Appends the lines of a block. Answers how many rows are in them.
   *
   * @param dropped a 1 for every row that is left out
   */
  writeLines(text: LineText, block: ReadingBlock, dropped?: Uint8Array): number {
    const { length, meter, quantity, ts, value, quality } = block;
    let written = 0;
    let begun = -1;
    let [from, to] = [0, 0];
    for (let row = 0; row < length; ) {
      const whose = meter[row] as number;
      const at = ts[row] as number;
      let isBegun = false;
      for (; row < length && meter[row] === whose && ts[row] === at; row++) {
        if (dropped?.[row] === 1) continue;
        if (isBegun) text.byte(COMMA);
        else {
          if (text.length > 0) text.byte(NEWLINE);
          if (whose === begun) text.repeat(from, to);
          else {
            from = text.length;
            text.string(this.#beginnings.get(whose) ?? this.#beginningOf(whose));
            to = text.length;
            begun = whose;
          }
        }
        isBegun = true;
        written++;
        const code = quantity[row] as number;
        const flag = quality[row] as number;
        if (flag === QUALITY.good || isUsable(flag)) text.append(this.#fields[code] ?? this.#fieldOf(code));
        else text.string(`${quantityName(code)}.flagged=`);
        text.number(value, row);
        if (flag !== QUALITY.good) text.string(`,${quantityName(code)}.quality=${flag}i`);
      }
      if (!isBegun) continue;
      text.byte(SPACE);
      text.number(ts, row - 1);
    }
    return written;
  }

  /** Appends the lines of the rows that correct readings whose clock was wrong, which have no correction yet. Answers how many. */
  writeClockCorrections(text: LineText, { meter, quantity, ts, value, quality }: ReadingBlock, correcting: readonly number[]): number {
    const made = { ...CLOCK_CORRECTION, at: Date.now() };
    for (const row of correcting) {
      const which = { meter: meter[row] as number, quantity: quantity[row] as number, ts: ts[row] as number };
      if (text.length > 0) text.byte(NEWLINE);
      text.string(this.lineOfCorrection({ ...which, value: value[row] as number, quality: quality[row] as number, ...made }, 1));
    }
    return correcting.length;
  }

  lineOfCorrection({ meter, quantity, ts, value, quality, author, reason, at }: Correction, number: number): string {
    const tags = `meter=${escapedTag(this.#meters.idOf(meter))},number=${number},quantity=${quantityName(quantity)}`;
    return `${CORRECTIONS},${tags} value=${value},quality=${quality}i,author=${quotedField(author)},reason=${quotedField(reason)},made=${at}i ${ts}`;
  }

  #fieldOf(quantity: number): Phrase {
    const field = new Phrase(`${quantityName(quantity)}=`);
    this.#fields[quantity] = field;
    return field;
  }

  #beginningOf(meter: number): string {
    const beginning = `${READINGS},meter=${escapedTag(this.#meters.idOf(meter))} `;
    this.#beginnings.set(meter, beginning);
    return beginning;
  }
}

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
