import { QUANTITIES, type Unit } from '../../model/quantities.ts';
import { nameOf } from '../wording.ts';
import { bytesOf, Refused } from './bytes.ts';

export interface Dlt645Answer {
  /** Twelve digits, as printed on the meter. */
  readonly address: string;
  /** Eight digits, e.g. `00010000`. */
  readonly identifier: string;
  /**
   * By quantity of the catalogue and in its unit; the combined active energy, which is none, by its identifier, in kWh. Empty for an identifier
   * that is neither.
   */
  readonly values: Readonly<Record<string, number>>;
}

interface Form {
  readonly bytes: number;
  readonly decimals: number;
  /** The highest bit is the sign. */
  readonly signed: boolean;
}

// Of DL/T 645-2007, annex A; the worked energy frame of the tests was seen, the other forms are from memory (high confidence).
const FORMS: Partial<Record<Unit, Form>> = {
  kWh: { bytes: 4, decimals: 2, signed: false },
  // Combined from two quadrants each, as the meter is set.
  kvarh: { bytes: 4, decimals: 2, signed: true },
  kW: { bytes: 3, decimals: 4, signed: true },
  kvar: { bytes: 3, decimals: 4, signed: true },
  kVA: { bytes: 3, decimals: 4, signed: true },
  V: { bytes: 2, decimals: 1, signed: false },
  A: { bytes: 3, decimals: 3, signed: true },
  '1': { bytes: 2, decimals: 3, signed: true },
  Hz: { bytes: 2, decimals: 2, signed: false },
};

/**
 * Combined active energy (组合有功总电能): what the meter is set to make of import and export, so that it is neither of them unless a person knows
 * how it is set. From memory, high confidence.
 */
const COMBINED = '00000000';
const COMBINED_FORM: Form = { bytes: 4, decimals: 2, signed: true };

const BY_IDENTIFIER = new Map(QUANTITIES.flatMap((quantity) => (quantity.dlt645 === null ? [] : [[quantity.dlt645, quantity] as const])));
/**
 * The block's values in order, for identifiers that ask for several at once: three phases, or the whole before its phases or tariffs, which are
 * passed over. A meter of one phase ends after the first. From memory, high confidence.
 */
const BLOCKS: Readonly<Record<string, readonly string[]>> = {
  '0000FF00': [COMBINED],
  '0001FF00': ['00010000'],
  '0002FF00': ['00020000'],
  '0003FF00': ['00030000'],
  '0004FF00': ['00040000'],
  '0201FF00': ['02010100', '02010200', '02010300'],
  '0202FF00': ['02020100', '02020200', '02020300'],
  '0203FF00': ['02030000'],
  '0204FF00': ['02040000'],
  '0205FF00': ['02050000'],
  '0206FF00': ['02060000'],
};

/**
 * A meter's answer in a frame of DL/T 645-2007: leading FE are skipped, the check sum is proved, 33H is taken from each data byte, and the
 * digits are put in order. It may be bytes, or a text of them in hexadecimal or base64. Refuses what is no such frame, and says at which byte.
 */
export function dlt645(given: unknown): Dlt645Answer {
  const bytes = frameBytes(given);
  let start = 0;
  while (start < bytes.length && bytes[start] === 0xfe) start++;
  const at = (offset: number): number => bytes[start + offset] ?? -1;
  if (at(0) !== 0x68 || at(7) !== 0x68) throw new Refused('$dlt645: bytes 0 and 7 of a frame are 68');
  const length = at(9);
  const end = 10 + length;
  if (length < 0 || start + end + 2 !== bytes.length) throw new Refused(`$dlt645: the length says ${end + 2} bytes, and there are ${bytes.length - start}`);
  let sum = 0;
  for (let offset = 0; offset < end; offset++) sum = (sum + at(offset)) & 0xff;
  if (sum !== at(end)) throw new Refused(`$dlt645: the check sum is ${hex(at(end))}, and the bytes before it give ${hex(sum)}`);
  if (at(end + 1) !== 0x16) throw new Refused('$dlt645: the last byte of a frame is 16');
  const control = at(8);
  if (control === 0xd1) throw new Refused(`$dlt645: the meter answers with error ${hex((at(10) - 0x33) & 0xff)}`);
  // B1 has more to follow in a frame of its own; what is in this one is complete in itself.
  if (control !== 0x91 && control !== 0xb1) throw new Refused(`$dlt645: control code ${hex(control)}, expected 91, a meter's answer with data`);
  if (length < 4) throw new Refused('$dlt645: there is no data identifier');
  const data = Uint8Array.from(bytes.subarray(start + 10, start + end), (byte) => (byte - 0x33) & 0xff);
  const identifier = reversed(data, 0, 4).toUpperCase();
  return { address: reversed(bytes, start + 1, 6), identifier, values: valuesOf(identifier, data.subarray(4), control === 0x91) };
}

/**
 * Bytes, or what a text of them stands for. A frame begins with FE or 68: a text of hexadecimal digits then with F or 6 (after 0x perhaps), one of
 * base64 with / or a, and none of these letters is the first byte of a frame.
 */
function frameBytes(given: unknown): Uint8Array {
  if (given instanceof Uint8Array && !TEXT_BEGINS.test(String.fromCharCode(given[0] ?? 0))) return given;
  const text = given instanceof Uint8Array ? Buffer.from(given).toString('latin1') : given;
  if (typeof text !== 'string') throw new Refused(`$dlt645: found ${nameOf(given)}, expected bytes or a text of them`);
  const trimmed = text.trim();
  if (/^(0x)?(68|fe)/i.test(trimmed)) return bytesOf(trimmed, 'hex');
  if (/^[a/_]/.test(trimmed)) return bytesOf(trimmed, 'base64');
  throw new Refused(`$dlt645: found ${nameOf(trimmed)}, expected a frame in hexadecimal, which begins with 68 or FE, or in base64`);
}
const TEXT_BEGINS = /[\s0-9A-Fa-f/_]/;

/**
 * The frames that stand one behind the other in some bytes or a text of them, each with its leading FE; what is none is a piece of its own, for
 * `$dlt645` to refuse with its reason.
 */
export function dlt645frames(given: unknown): unknown[] {
  const bytes = readable(given);
  if (bytes === null) return [given];
  const frames: Uint8Array[] = [];
  for (let from = 0; from < bytes.length; ) {
    let start = from;
    while (bytes[start] === 0xfe) start++;
    const isFrame = bytes[start] === 0x68 && bytes[start + 7] === 0x68;
    const end = isFrame ? start + 12 + (bytes[start + 9] ?? 0) : bytes.length;
    frames.push(bytes.subarray(from, Math.min(end, bytes.length)));
    from = end;
  }
  return frames;
}

function readable(given: unknown): Uint8Array | null {
  try {
    return frameBytes(given);
  } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
}

/** @param whole no further frame has the rest of the data */
function valuesOf(identifier: string, data: Uint8Array, whole: boolean): Readonly<Record<string, number>> {
  const values: Record<string, number> = {};
  const block = BLOCKS[identifier];
  let from = 0;
  for (const part of block ?? [identifier]) {
    const quantity = BY_IDENTIFIER.get(part);
    const form = part === COMBINED ? COMBINED_FORM : quantity === undefined ? undefined : FORMS[quantity.unit];
    if (form === undefined) return values;
    if (from > 0 && from === data.length) break;
    if (whole && (block === undefined ? data.length !== form.bytes : data.length % form.bytes !== 0)) {
      throw new Refused(`$dlt645: ${identifier} has ${form.bytes} bytes${block === undefined ? '' : ' a value'}, and there are ${data.length}`);
    }
    // All ones: the meter has no such value.
    const digits = reversed(data, from, form.bytes);
    if (!/^f+$/.test(digits)) values[quantity?.name ?? part] = decoded(digits, form, part);
    from += form.bytes;
  }
  return values;
}

function decoded(digits: string, { bytes, decimals, signed }: Form, identifier: string): number {
  if (digits.length !== bytes * 2) throw new Refused(`$dlt645: ${identifier} has ${bytes} bytes, and there are ${digits.length / 2}`);
  const first = Number.parseInt(digits.slice(0, 1), 16);
  const negative = signed && first >= 8;
  const plain = `${negative ? first - 8 : first.toString(16)}${digits.slice(1)}`;
  if (!/^\d+$/.test(plain)) throw new Refused(`$dlt645: ${identifier} holds ${digits}, which is not binary-coded decimal`);
  return Number(`${negative ? '-' : ''}${plain}e-${decimals}`);
}

const reversed = (bytes: Uint8Array, from: number, length: number): string =>
  Buffer.from(bytes.subarray(from, from + length))
    .reverse()
    .toString('hex');
const hex = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, '0');
