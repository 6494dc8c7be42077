import { QUALITY, type QualityName } from '../../model/quality.ts';
import { conversion, unitsFor } from '../../model/units.ts';
import type { RejectReason } from '../reject-reasons.ts';
import { nameOf } from '../wording.ts';
import { readAmount } from './amount.ts';
import type { CompiledFlag, CompiledValue } from './compile.ts';

/** What is wrong with something found. */
export interface Wrong {
  readonly reason: RejectReason;
  readonly found: string;
  readonly expected: string;
}

export interface Measured {
  readonly value: number;
  /** The catalogue's unit, or null: that of the meter's record. */
  readonly unit: string | null;
}

/** The number that a found value stands for, null for none, or what is wrong with it. */
export function measure(found: unknown, rule: CompiledValue, decimal: '.' | ',' | undefined): Measured | null | Wrong {
  if (found === undefined || found === null) return null;
  const plain = typeof found === 'string' ? found.trim() : found;
  if ((typeof plain === 'string' || typeof plain === 'number') && rule.missing.has(plain)) return null;
  if (rule.map !== null) {
    const mapped = rule.map.get(String(plain));
    if (mapped === undefined) return { reason: 'not-a-number', found: nameOf(found), expected: `one of ${[...rule.map.keys()].slice(0, 20).join(', ')}` };
    return converted(mapped, null, rule);
  }
  if (typeof plain === 'number') {
    return Number.isFinite(plain) ? converted(plain, null, rule) : { reason: 'not-finite', found: String(plain), expected: 'a finite number' };
  }
  if (typeof plain !== 'string') {
    const expected = typeof plain === 'boolean' ? 'a number; name what true and false stand for under "map"' : 'a number, or a text that is one';
    return { reason: 'not-a-number', found: nameOf(found), expected };
  }
  const amount = readAmount(plain, decimal);
  return typeof amount === 'string' ? { reason: 'not-a-number', found: nameOf(found), expected: amount } : converted(amount.value, amount.unit, rule);
}

function converted(number: number, unit: string | null, { quantity, scale, offset, unit: own }: CompiledValue): Measured | Wrong {
  const how = unit === null ? own : conversion(unit, quantity.unit);
  if (unit !== null && how === null) {
    return { reason: 'unknown-unit', found: `the unit "${unit}"`, expected: `${quantity.unit}, or ${unitsFor(quantity.unit).slice(1).join(', ')}` };
  }
  const scaled = scale === 1 && offset === 0 ? number : trimmed(number * scale + offset);
  const value = how === null || (how.factor === 1 && how.offset === 0) ? scaled : trimmed(scaled * how.factor + how.offset);
  if (!Number.isFinite(value)) return { reason: 'not-finite', found: String(number), expected: 'a finite number' };
  return { value, unit: how === null ? null : quantity.unit };
}

/** 0.1 × 3 is 0.3: what binary fractions add behind the fifteenth digit was never measured. */
const trimmed = (value: number): number => Number(value.toPrecision(15));

/** Code of the flag that a device's word stands for, or what is wrong with the word. */
export function flagOf(found: unknown, { map }: CompiledFlag): number | Wrong {
  if (found === undefined || found === null || found === '') return map.get('') ?? QUALITY.good;
  const word = typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean' ? String(found) : null;
  const mapped = word === null ? undefined : map.get(word);
  if (mapped !== undefined) return mapped;
  if (word !== null && Object.hasOwn(QUALITY, word) && word !== 'corrected') return QUALITY[word as QualityName];
  const other = map.get('*');
  if (other !== undefined) return other;
  const known = [...map.keys()].slice(0, 20).join(', ');
  return { reason: 'mapping-failed', found: nameOf(found), expected: `a flag's name, or a word of "map"${known === '' ? '' : ` (${known})`}` };
}
