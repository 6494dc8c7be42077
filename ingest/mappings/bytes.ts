import { nameOf } from '../wording.ts';

/** What a function of ours refuses: told with the expression and the place in it. */
export class Refused extends Error {}

const LONGEST = 1 << 16;

/** Bytes from hexadecimal (spaces, colons and 0x allowed) or base64 (also URL-safe) text. */
export function bytesOf(text: unknown, encoding: unknown): Uint8Array {
  if (text instanceof Uint8Array) return text;
  if (typeof text !== 'string') throw new Refused(`$bytes needs a text, found ${typeof text}`);
  if (text.length > 2 * LONGEST) throw new Refused(`$bytes takes at most ${2 * LONGEST} characters`);
  if (encoding === 'hex') {
    const plain = text.replaceAll(/^0x|[\s:-]/gi, '');
    if (!/^([0-9a-f]{2})*$/i.test(plain)) throw new Refused('$bytes: the text is not hexadecimal');
    return Buffer.from(plain, 'hex');
  }
  if (encoding === 'base64') {
    const plain = text.trim().replaceAll('-', '+').replaceAll('_', '/');
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(plain) || plain.replaceAll('=', '').length % 4 === 1) throw new Refused('$bytes: the text is not base64');
    return Buffer.from(plain, 'base64');
  }
  throw new Refused('$bytes needs "hex" or "base64" as its second argument');
}

/** The bytes asked for, most significant first whatever their order. */
function taken(bytes: unknown, from: unknown, length: unknown, order: unknown, what: string): Buffer {
  if (!(bytes instanceof Uint8Array)) throw new Refused(`$${what} needs bytes first: $bytes(text, "hex" or "base64")`);
  if (!Number.isInteger(from) || !Number.isInteger(length)) throw new Refused(`$${what} needs whole numbers for offset and length`);
  const [start, size] = [from as number, length as number];
  if (start < 0 || size < 1 || start + size > bytes.length) {
    throw new Refused(`$${what} wants bytes ${start} to ${start + size - 1}, and there are ${bytes.length}`);
  }
  const part = Buffer.from(bytes.subarray(start, start + size));
  if (order === undefined || order === 'be') return part;
  if (order === 'le') return part.reverse();
  if (order === 'cdab' && size === 4) return Buffer.from([part[2] ?? 0, part[3] ?? 0, part[0] ?? 0, part[1] ?? 0]);
  if (order === 'badc' && size === 4) return part.swap16();
  throw new Refused(`$${what}: the order is "be" or "le", and for four bytes also "cdab" or "badc"`);
}

export function uint(bytes: unknown, from: unknown, length: unknown, order?: unknown): number {
  const part = taken(bytes, from, length, order, 'uint');
  if (part.length > 8) throw new Refused('$uint takes at most 8 bytes');
  const value = part.reduce((whole, byte) => whole * 256n + BigInt(byte), 0n);
  return exact(value, 'uint');
}

export function int(bytes: unknown, from: unknown, length: unknown, order?: unknown): number {
  const part = taken(bytes, from, length, order, 'int');
  if (part.length > 8) throw new Refused('$int takes at most 8 bytes');
  const value = part.reduce((whole, byte) => whole * 256n + BigInt(byte), 0n);
  return exact(BigInt.asIntN(part.length * 8, value), 'int');
}

function exact(value: bigint, what: string): number {
  const made = Number(value);
  if (!Number.isSafeInteger(made)) throw new Refused(`$${what}: ${value} is larger than a number holds exactly`);
  return made;
}

/** IEEE 754 of 4 or 8 bytes. */
export function float(bytes: unknown, from: unknown, length: unknown, order?: unknown): number {
  const part = taken(bytes, from, length, order, 'float');
  if (part.length === 4) {
    // Seven digits are what a single holds; more of them are noise of its conversion.
    return Number(part.readFloatBE(0).toPrecision(7));
  }
  if (part.length === 8) return part.readDoubleBE(0);
  throw new Refused('$float takes 4 or 8 bytes');
}

/** Two decimal digits a byte. */
export function bcd(bytes: unknown, from: unknown, length: unknown, order?: unknown): number {
  const part = taken(bytes, from, length, order, 'bcd');
  const digits = part.toString('hex');
  if (part.length > 8 || !/^\d+$/.test(digits)) throw new Refused(`$bcd: ${digits.slice(0, 32)} is not binary-coded decimal`);
  return exact(BigInt(digits), 'bcd');
}

/** Hexadecimal text of some bytes, e.g. for an address in the payload. */
export const hexOf = (bytes: unknown, from?: unknown, length?: unknown, order?: unknown): string =>
  taken(bytes, from ?? 0, length ?? (bytes instanceof Uint8Array ? bytes.length : 0), order, 'hex').toString('hex');

export function slice(bytes: unknown, from: unknown, length: unknown): Uint8Array {
  return taken(bytes, from, length, 'be', 'slice');
}

export function sizeOf(bytes: unknown): number {
  if (!(bytes instanceof Uint8Array)) throw new Refused('$size needs bytes first: $bytes(text, "hex" or "base64")');
  return bytes.length;
}

const WORD = /^(-?\d{1,5}|0x[0-9a-f]{1,4})$/i;

/** 16-bit registers of Modbus as bytes, each most significant first; whole numbers, or texts of them in decimal or as 0x…. */
export function registers(list: unknown): Uint8Array {
  const words = Array.isArray(list) ? list : [list];
  if (words.length > LONGEST / 2) throw new Refused(`$registers takes at most ${LONGEST / 2} registers`);
  const made = Buffer.alloc(words.length * 2);
  for (const [index, written] of words.entries()) {
    const word = typeof written === 'string' && WORD.test(written.trim()) ? Number(written) : written;
    if (!Number.isInteger(word) || word < -32768 || word > 65535) {
      const expected = 'a whole number from -32768 to 65535, or such a text, decimal or as 0x…';
      throw new Refused(`$registers: item ${index} is not a register of 16 bits: found ${nameOf(written)}, expected ${expected}`);
    }
    made.writeUInt16BE(word & 0xffff, index * 2);
  }
  return made;
}
