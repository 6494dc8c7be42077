import { createCipheriv, createDecipheriv, getCiphers } from 'node:crypto';

// HJ 212-2025 as public implementations have it (algorithm and form: high): SM4 (GB/T 32907) in ECB without padding. The CP is cut into groups
// of 16 bytes, each enciphered and written as {0xE4,0x3E,…}; what is left at its end stays plain. CRC and length are those of the plain text.
const CIPHER = 'sm4-ecb';
const GROUP = 16;
const GROUPS = /\{((?:0x[0-9a-f]{2},?)+)\}/gi;
const PRINTABLE = /^[\x20-\x7e]*$/;
const isThere = getCiphers().includes(CIPHER);

export const isSealed = (text: string): boolean => /\{0x/i.test(text);

/** The plain text; null where it is none with this key, or the form is not that of the standard. */
export function unseal(text: string, key: Uint8Array): string | null {
  if (!isThere) return null;
  let isWhole = true;
  const plain = text.replaceAll(GROUPS, (_, written: string) => {
    const bytes = Buffer.from(written.replaceAll(/0x|,/gi, ''), 'hex');
    if (bytes.length % GROUP !== 0) {
      isWhole = false;
      return '';
    }
    const decipher = createDecipheriv(CIPHER, key, null).setAutoPadding(false);
    return Buffer.concat([decipher.update(bytes), decipher.final()]).toString('latin1');
  });
  return isWhole && PRINTABLE.test(plain) && !isSealed(plain) ? plain : null;
}

/** As a logger with the key writes it. */
export function seal(text: string, key: Uint8Array): string {
  const bytes = Buffer.from(text, 'latin1');
  const whole = bytes.length - (bytes.length % GROUP);
  if (whole === 0) return text;
  const cipher = createCipheriv(CIPHER, key, null).setAutoPadding(false);
  const sealed = Buffer.concat([cipher.update(bytes.subarray(0, whole)), cipher.final()]);
  const written = Array.from(sealed, (byte) => `0x${byte.toString(16).toUpperCase().padStart(2, '0')}`);
  return `{${written.join(',')}}${bytes.toString('latin1', whole)}`;
}
