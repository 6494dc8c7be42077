/** A number with the unit that stood behind it, if any. */
export interface Amount {
  readonly value: number;
  readonly unit: string | null;
}

const PARTS = /^([+-]?)(\d[\d.,' \u00a0\u2009\u202f]*|[.,]\d+)(?:[eE]([+-]?\d{1,3}))?\s*(\D.{0,15})?$/;
const LONGEST = 64;

/**
 * Reads a number as people and devices write it: `12.4 kW`, `1,234.5`, `12,5`, `1 234,5`, `-3e2 W`. A sentence that says what would be right
 * otherwise; so for `1,234`, which is two numbers in two countries, unless `decimal` says which sign is the decimal one.
 */
export function readAmount(text: string, decimal?: '.' | ','): Amount | string {
  const trimmed = text.length > LONGEST ? '' : text.trim();
  const [, sign = '', written, exponent = '0', unit] = PARTS.exec(trimmed) ?? [];
  if (written === undefined) return 'a number, with its unit behind it if it has one, e.g. 12.4 kW';
  const digits = plainDigits(written.replaceAll(/[' \u00a0\u2009\u202f]/g, ''), decimal);
  if (digits === null) return 'groups of three digits and one decimal sign';
  if (digits === 'uncertain') return `one meaning: set "decimal" to "." or "," in the mapping, for "${written.trim()}" can be read both ways`;
  const value = Number(`${sign}${digits}e${exponent}`);
  return { value, unit: unit === undefined ? null : unit.trim() };
}

const GROUPED = { '.': /^\d{1,3}(\.\d{3})+$/, ',': /^\d{1,3}(,\d{3})+$/ };

function plainDigits(text: string, decimal: '.' | ',' | undefined): string | 'uncertain' | null {
  const sign = decimal ?? decimalSignOf(text);
  if (sign === 'uncertain') return sign;
  const at = text.lastIndexOf(sign);
  const whole = at < 0 ? text : text.slice(0, at);
  const fraction = at < 0 ? '' : text.slice(at + 1);
  const group = sign === '.' ? ',' : '.';
  if (!/^\d*$/.test(fraction) || whole.includes(sign)) return null;
  if (whole.includes(group) && !GROUPED[group].test(whole)) return null;
  const plain = whole.replaceAll(group, '');
  return plain === '' && fraction === '' ? null : `${plain === '' ? '0' : plain}.${fraction === '' ? '0' : fraction}`;
}

function decimalSignOf(text: string): '.' | ',' | 'uncertain' {
  const comma = text.lastIndexOf(',');
  const point = text.lastIndexOf('.');
  if (comma >= 0 && point >= 0) return comma > point ? ',' : '.';
  if (comma < 0) return text.indexOf('.') === point ? '.' : ',';
  if (text.indexOf(',') !== comma) return '.';
  return /^[1-9]\d{0,2},\d{3}$/.test(text) ? 'uncertain' : ',';
}
