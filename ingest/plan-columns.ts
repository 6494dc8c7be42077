import { findQuantity, type QuantityName, type Unit } from '../model/quantities.ts';
import { conversion, unitsFor } from '../model/units.ts';
import type { RejectReason } from './reject-reasons.ts';
import { quote } from './wording.ts';

/** Units of what passes through current and voltage transformers; the meter's multiplier applies to these. */
const TRANSFORMED: ReadonlySet<Unit> = new Set<Unit>(['kWh', 'kvarh', 'kW', 'kvar', 'kVA', 'A']);

const CLOSING_QUOTE = 0x22;
/** Longer names are none of the catalogue. */
const LONGEST_NAME = 64;

/** What meters of one kind of conversion have in common. */
export interface Conversions {
  readonly multiplier: number;
  /** Units other than the catalogue's, by quantity. */
  readonly units: Readonly<Record<string, string>>;
}

export interface NoColumn {
  readonly reason: RejectReason;
  readonly detail: string;
}

/**
 * The quantities of a meter in order of first sight, since a gateway sends its keys in the same order each time, and how each becomes
 * a value in the catalogue's unit (value × factor + offset). Never changed: one quantity more is another one of these, and meters that
 * send the same in the same order share it, however many there are.
 */
export class PlanColumns {
  readonly names: readonly QuantityName[];
  /** The names as they stand in a message, up to and with the closing quote. */
  readonly keys: readonly Key[];
  readonly codes: readonly number[];
  readonly factors: readonly number[];
  readonly offsets: readonly number[];
  readonly #conversions: Conversions;
  readonly #next: PlanColumns[] = [];

  private constructor(
    conversions: Conversions,
    before: PlanColumns | null,
    added: { name: QuantityName; code: number; factor: number; offset: number } | null,
  ) {
    this.#conversions = conversions;
    const one = <T>(rows: readonly T[] | undefined, value: (row: NonNullable<typeof added>) => T) => [
      ...(rows ?? []),
      ...(added === null ? [] : [value(added)]),
    ];
    this.names = one(before?.names, ({ name }) => name);
    this.keys = one(before?.keys, ({ name }) => keyOf(name));
    this.codes = one(before?.codes, ({ code }) => code);
    this.factors = one(before?.factors, ({ factor }) => factor);
    this.offsets = one(before?.offsets, ({ offset }) => offset);
  }

  /** No column yet. */
  static none(conversions: Conversions): PlanColumns {
    return new PlanColumns(conversions, null, null);
  }

  get count(): number {
    return this.names.length;
  }

  /** Column of a quantity, or -1. `guess` is the column it most likely has. */
  find(name: string, guess: number): number {
    return this.names[guess] === name ? guess : (this.names as readonly string[]).indexOf(name);
  }

  /** Column of the name that stands at `at`, behind its opening quote, or -1. An escaped name is none: it has other bytes. */
  match(message: DataView, at: number, guess: number): number {
    const keys = this.keys;
    if (guess < keys.length && standsWithin(keys[guess] as Key, message, at)) return guess;
    for (let column = 0; column < keys.length; column++) if (standsWithin(keys[column] as Key, message, at)) return column;
    return -1;
  }

  /** These and the name that stands at `at`, behind its opening quote; null where the catalogue does not have it. */
  andNameAt(message: DataView, at: number): PlanColumns | null {
    for (const next of this.#next) if (standsWithin(next.keys[this.count] as Key, message, at)) return next;
    const rest = Buffer.from(message.buffer, message.byteOffset + at, Math.min(LONGEST_NAME + 1, message.byteLength - at));
    const end = rest.indexOf(CLOSING_QUOTE);
    if (end < 0) return null;
    const next = this.and(rest.toString('latin1', 0, end));
    return next instanceof PlanColumns ? next : null;
  }

  /** These and one more; the reason and a sentence where that is not possible. */
  and(name: string): PlanColumns | NoColumn {
    const known = this.#next.find((next) => next.names[this.count] === name);
    if (known !== undefined) return known;
    const quantity = findQuantity(name);
    if (quantity === undefined) {
      return { reason: 'unknown-quantity', detail: `quantity ${quote(name)} is not in the catalogue; GET /api/v1/quantities lists the names` };
    }
    const unit = this.#conversions.units[name];
    const unitKnown = conversion(unit ?? quantity.unit, quantity.unit);
    if (unitKnown === null) {
      const right = unitsFor(quantity.unit).join(', ');
      return { reason: 'unknown-unit', detail: `the meter’s record has unit ${quote(unit ?? '')} for ${name}; right would be one of ${right}` };
    }
    const multiplier = TRANSFORMED.has(quantity.unit) ? this.#conversions.multiplier : 1;
    const { code } = quantity;
    const next = new PlanColumns(this.#conversions, this, {
      ...{ name: quantity.name, code },
      factor: unitKnown.factor * multiplier,
      offset: unitKnown.offset * multiplier,
    });
    this.#next.push(next);
    return next;
  }
}

/** A name as it stands in a message, up to and with the closing quote: four bytes at a time, the last four once more. */
export interface Key {
  readonly length: number;
  readonly words: Int32Array;
  readonly last: number;
}

function keyOf(name: string): Key {
  // Shorter names than three letters get their opening quote too, which stands before `at`.
  const bytes = Buffer.from(`${name}"`);
  const padded = bytes.length < 4 ? Buffer.from(`""${name}"`).subarray(-4) : bytes;
  const words = Int32Array.from({ length: bytes.length >> 2 }, (_, word) => bytes.readInt32LE(word * 4));
  return { length: bytes.length, words, last: padded.readInt32LE(padded.length - 4) };
}

/** Does the key stand there? The message has to reach that far. */
export function stands({ length, words, last }: Key, message: DataView, at: number): boolean {
  for (let word = 0; word < words.length; word++) if (message.getInt32(at + word * 4, true) !== words[word]) return false;
  return message.getInt32(at + length - 4, true) === last;
}

function standsWithin(key: Key, message: DataView, at: number): boolean {
  return at + key.length <= message.byteLength && stands(key, message, at);
}
