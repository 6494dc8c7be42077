/** Which CRC a logger writes: the one of the standard's Appendix A, or CRC-16/MODBUS, which some send in its place. */
export type CrcKind = 'standard' | 'modbus';

function shifted(register: number): number {
  let after = register;
  for (let bit = 0; bit < 8; bit++) after = after & 1 ? (after >> 1) ^ 0xa001 : after >> 1;
  return after;
}

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => shifted(byte));

/**
 * CRC of a data segment, 0 to 65535. The standard's drops the register's low byte at each step, so that it is no more than an eight-bit
 * checksum: it finds broken lines, it proves nothing.
 */
export function crcOf(bytes: Uint8Array, kind: CrcKind = 'standard'): number {
  let register = 0xffff;
  if (kind === 'modbus') for (const byte of bytes) register = (register >> 8) ^ (TABLE[(register ^ byte) & 0xff] as number);
  else for (const byte of bytes) register = shifted((register >> 8) ^ byte);
  return register;
}

/** Four hex digits, high byte first. */
export const crcText = (crc: number): string => crc.toString(16).toUpperCase().padStart(4, '0');
