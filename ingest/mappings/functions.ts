import type jsonata from 'jsonata';
import { ZONE_HELP } from '../../model/period.ts';
import { QUANTITIES, type Unit } from '../../model/quantities.ts';
import { conversion, unitsFor } from '../../model/units.ts';
import { isZone, WallClock } from '../recordings/zone.ts';
import { nameOf } from '../wording.ts';
import { readAmount } from './amount.ts';
import { bcd, bytesOf, float, hexOf, int, Refused, registers, sizeOf, slice, uint } from './bytes.ts';
import { dlt645, dlt645frames } from './dlt645.ts';
import { type InTime, OWN_LISTS } from './own-lists.ts';
import { compileTime } from './times.ts';

const UNITS: ReadonlySet<string> = new Set(QUANTITIES.map(({ unit }) => unit));
const LONGEST_PAD = 10_000;
/** Name of the function that stands for the operator `&`; nobody can write it. */
export const CONCAT = '&';
interface SunspecType {
  readonly least: number;
  readonly most: number;
  /** What stands for a point that is not implemented; an accumulator has no such value. */
  readonly notThere: number | null;
}
const SUNSPEC_TYPES: ReadonlyMap<unknown, SunspecType> = new Map([
  ['int16', { least: -32768, most: 32767, notThere: -32768 }],
  ['uint16', { least: 0, most: 65535, notThere: 65535 }],
  ['int32', { least: -2147483648, most: 2147483647, notThere: -2147483648 }],
  ['uint32', { least: 0, most: 4294967295, notThere: 4294967295 }],
  ['acc32', { least: 0, most: 4294967295, notThere: null }],
]);
const SUNSPEC_NOT_THERE: ReadonlySet<number | null> = new Set([...SUNSPEC_TYPES.values()].map(({ notThere }) => notThere));

/** The number in a text or number; nothing for nothing. */
function num(value: unknown, decimal?: unknown): number | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') throw new Refused(`$num needs a text or a number, found ${typeof value}`);
  const read = readAmount(value, signOf(decimal));
  if (typeof read === 'string') throw new Refused(`$num: expected ${read}`);
  return read.value;
}

/** The value in a unit: `$in("12.4 W", "kW")` or `$in(12.4, "kW", "W")`. */
function inUnit(value: unknown, to: unknown, from?: unknown, decimal?: unknown): number | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof to !== 'string' || !UNITS.has(to)) throw new Refused(`$in: the unit is one of the catalogue's, ${[...UNITS].join(', ')}`);
  const read = typeof value === 'number' ? { value, unit: null } : readAmount(String(value), signOf(decimal));
  if (typeof read === 'string') throw new Refused(`$in: expected ${read}`);
  const unit = read.unit ?? from ?? to;
  const how = typeof unit === 'string' ? conversion(unit, to as Unit) : null;
  if (how === null) throw new Refused(`$in: "${String(unit)}" cannot be converted to ${to}; known are ${unitsFor(to as Unit).join(', ')}`);
  return Number((read.value * how.factor + how.offset).toPrecision(15));
}

/** UTC milliseconds of a time as `time` reads it. */
function time(value: unknown, as?: unknown, zone?: unknown): number | undefined {
  if (zone !== undefined && (typeof zone !== 'string' || !isZone(zone)))
    throw new Refused(`$time: the zone is an offset such as +08:00, or an IANA name, ${ZONE_HELP}`);
  const reader = compileTime(typeof as === 'string' ? as : 'auto', typeof zone === 'string' ? new WallClock(zone) : null);
  if (typeof reader === 'string') throw new Refused(`$time: ${reader}`);
  const read = reader(value, Date.now());
  if (typeof read === 'string') throw new Refused(`$time: expected ${read}`);
  return read ?? undefined;
}

/** The number of a point, which bears no unit of its own; nothing for NaN, by which gateways write what is not implemented. */
function pointOf(value: unknown): number | undefined {
  if (value === undefined || value === null || value === '' || value === 'NaN') return undefined;
  const read = typeof value === 'string' ? readAmount(value) : null;
  const number = read !== null && typeof read !== 'string' && read.unit === null ? read.value : value;
  if (typeof number !== 'number') throw new Refused(`$sunspec: found ${nameOf(value)}, expected a number without a unit`);
  return number;
}

/**
 * A point of SunSpec with its scale factor, a power of ten; nothing where either says that it is not implemented. What the point's type cannot
 * hold is refused: a word that was read as unsigned is another number. So is a factor that the expression names and the message lacks: without it
 * the value may be wrong by powers of ten.
 *
 * @param type without it every value that stands for a point that is not implemented in one of the types does
 */
function sunspec(...given: readonly unknown[]): number | undefined {
  const [point, exponent, type] = given;
  const value = pointOf(point);
  const factor = exponent === null ? null : pointOf(exponent);
  if (value === undefined || factor === -32768) return undefined;
  if (type !== undefined) {
    const known = SUNSPEC_TYPES.get(type);
    if (known === undefined) throw new Refused(`$sunspec: the type is one of ${[...SUNSPEC_TYPES.keys()].join(', ')}`);
    if (value === known.notThere) return undefined;
    if (!Number.isInteger(value) || value < known.least || value > known.most) throw new Refused(`$sunspec: ${value} does not fit ${String(type)}`);
  } else if (SUNSPEC_NOT_THERE.has(value)) return undefined;
  if (given.length < 2) return value;
  if (factor === undefined) throw new Refused(`$sunspec: ${value} comes without its scale factor; send that too, or write its power of ten in the mapping`);
  if (factor === null || !Number.isInteger(factor) || Math.abs(factor) > 10) {
    throw new Refused(`$sunspec: the scale factor of ${value} is ${nameOf(factor)}; expected a whole number from -10 to 10`);
  }
  return Number(`${value}e${factor}`);
}

const signOf = (decimal: unknown): '.' | ',' | undefined => (decimal === '.' || decimal === ',' ? decimal : undefined);

function pad(text: unknown, width: unknown, char?: unknown): string | undefined {
  if (typeof text !== 'string') return undefined;
  if (typeof width !== 'number' || Math.abs(width) > LONGEST_PAD) throw new Refused(`$pad: the width is a number up to ${LONGEST_PAD}`);
  const fill = typeof char === 'string' && char !== '' ? char : ' ';
  return width < 0 ? text.padStart(-width, fill) : text.padEnd(width, fill);
}

/** Characters of one text, and objects among values that are compared. What goes beyond either would keep the service from everything else. */
export const LONGEST_TEXT = 1 << 20;
const MOST_COMPARED = 100;

/** JSONata's own $string, which would write out structures of any size. */
function string(value: unknown, prettify?: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  if (typeof value === 'function') return '';
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Refused('$string: the number is too large');
  if (sizeUpTo(value, LONGEST_TEXT) >= LONGEST_TEXT) throw new Refused(`$string: the text would be longer than ${LONGEST_TEXT} characters`);
  return JSON.stringify(
    unwrapped(value),
    (_, each: unknown) => {
      if (typeof each === 'number' && !Number.isInteger(each)) return Number(each.toPrecision(15));
      return typeof each === 'function' ? '' : each;
    },
    prettify === true ? 2 : 0,
  );
}

/** JSONata wraps a message that is an array. */
const unwrapped = (value: unknown): unknown => (Array.isArray(value) && (value as { outerWrapper?: boolean }).outerWrapper === true ? value[0] : value);

/** About how many characters the value has as JSON; no further than `most`. */
export function sizeUpTo(value: unknown, most: number): number {
  let size = 0;
  const open: unknown[] = [value];
  while (open.length > 0 && size < most) {
    const next = open.pop();
    size += typeof next === 'string' ? next.length + 2 : 4;
    if (typeof next !== 'object' || next === null) continue;
    for (const [key, each] of Object.entries(next)) {
      size += Array.isArray(next) ? 1 : key.length + 3;
      if (size >= most) return most;
      open.push(each);
    }
  }
  return size;
}

/** The operator `&`. */
const concat = (left: unknown, right: unknown): string => `${string(left) ?? ''}${string(right) ?? ''}`;

/** JSONata's own $distinct compares each with each. */
function distinct(values: unknown, inTime: InTime): unknown {
  if (!Array.isArray(values) || values.length <= 1) return values;
  const found = new Map<unknown, unknown>();
  let objects = 0;
  for (const value of values as unknown[]) {
    inTime();
    if (typeof value !== 'object' || value === null) found.set(value, value);
    else if (++objects > MOST_COMPARED) throw new Refused(`$distinct: at most ${MOST_COMPARED} objects or arrays can be compared`);
    else if (sizeUpTo(value, LONGEST_TEXT) >= LONGEST_TEXT) throw new Refused(`$distinct: what is compared is longer than ${LONGEST_TEXT} characters`);
    else found.set(`{}${string(sorted(value))}`, value);
  }
  // A list that is JSONata's own stays one: with a single item it is that item.
  return Object.assign([...found.values()], (values as { sequence?: boolean }).sequence === true ? { sequence: true } : {});
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}

/** JSONata's own $join, which would put long texts together before anybody looks at what comes of it. */
function join(texts: readonly string[] | undefined, between = ''): string | undefined {
  if (texts === undefined) return undefined;
  const length = texts.reduce((sum, text) => sum + text.length, between.length * Math.max(0, texts.length - 1));
  if (length > LONGEST_TEXT) throw new Refused(`$join: the text would be longer than ${LONGEST_TEXT} characters`);
  return texts.join(between);
}

function refuseEval(): never {
  throw new Refused('$eval is not taken: what a device sends is data, never an expression');
}

const FUNCTIONS: Readonly<Record<string, (...given: unknown[]) => unknown>> = {
  num,
  in: inUnit,
  time,
  bytes: (text, encoding) => (text === undefined ? undefined : bytesOf(text, encoding)),
  registers: (list) => (list === undefined ? undefined : registers(list)),
  uint,
  int,
  float,
  bcd,
  hex: hexOf,
  slice,
  size: sizeOf,
  sunspec,
  dlt645: (frame) => (frame === undefined ? undefined : dlt645(frame)),
  dlt645frames: (bytes) => (bytes === undefined ? undefined : dlt645frames(bytes)),
  pad,
  string,
  [CONCAT]: concat,
  eval: refuseEval,
};
/** Of those that take the place of JSONata's own: what it fills in for arguments that are missing. */
const SIGNATURES: Readonly<Record<string, string>> = { string: '<x-b?:s>' };
/** Of bytes that are not there nothing is taken: an uplink without a payload has no values, and is no mistake of the mapping. */
const OF_BYTES: ReadonlySet<string> = new Set(['uint', 'int', 'float', 'bcd', 'hex', 'slice', 'size']);

export function registerFunctions(expression: jsonata.Expression, inTime: InTime): void {
  for (const [name, run] of Object.entries(FUNCTIONS)) {
    // Own arity: JSONata fills a function's missing arguments with the context where its length asks for more.
    const called = (...given: unknown[]): unknown => (OF_BYTES.has(name) && given[0] === undefined ? undefined : run(...given));
    expression.registerFunction(name, called, SIGNATURES[name]);
  }
  for (const [name, { run, signature }] of Object.entries(OWN_LISTS)) expression.registerFunction(name, run(inTime), signature);
  expression.registerFunction('distinct', (values: unknown) => distinct(values, inTime), '<x:x>');
  expression.registerFunction('join', (texts: readonly string[] | undefined, between?: string) => join(texts, between), '<a<s>s?:s>');
}
