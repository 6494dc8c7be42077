import type { Decoded } from '../codecs/decoded.ts';
import { crcOf, crcText } from '../codecs/hj212/crc.ts';
import { refusedWhole } from '../codecs/hj212/decode.ts';
import type { Segment } from '../codecs/hj212/segment.ts';
import { isSealed } from '../codecs/hj212/sm4.ts';
import type { RawFrame } from '../codecs/hj212/splitter.ts';
import { quote } from '../wording.ts';
import type { Device } from './hj212-devices.ts';

/** Of a frame, whatever the gateway's link says of it: 1 where it is wrong or missing. */
export interface Faults {
  readonly crc: number;
  readonly length: number;
}

/** Length and CRC of a frame: what is wrong with them, and the refusal where the gateway's link does not let it pass. */
export function checkFrame(frame: RawFrame, { cp }: Segment, { link, park }: Device): Faults & { readonly refusal: Decoded | null } {
  const faults = { crc: 0, length: 0 };
  let refusal: Decoded | null = null;
  // Both are those of the plain text, which nobody here can read.
  if (isSealed(cp)) return { ...faults, refusal };
  const kind = link.crcKind ?? 'standard';
  const right = crcOf(frame.segment, kind);
  if (frame.crc !== right) {
    faults.crc = 1;
    const other = kind === 'standard' ? 'modbus' : 'standard';
    const hint = frame.crc === crcOf(frame.segment, other) ? `; it is the ${other} CRC, set "crcKind" of the gateway's link` : '';
    const sent = frame.crc === null ? 'missing' : crcText(frame.crc);
    if (link.crc !== 'take') refusal = refusedWhole('wrong-crc', `the CRC is ${sent}; expected ${crcText(right)}${hint}`, park);
  }
  if (frame.length !== frame.segment.length) {
    faults.length = 1;
    const detail = `the length is ${frame.length ?? 'missing'}; the data segment has ${frame.segment.length} bytes`;
    if (link.length !== 'take') refusal = refusedWhole('wrong-length', detail, park);
  }
  return { ...faults, refusal };
}

export function unknownNumber(mn: string | null, isTaken: boolean): Decoded {
  const why = isTaken ? 'two gateways have it' : 'register a gateway with an hj212 link for it';
  return refusedWhole('unknown-gateway', `no single gateway has the number MN=${quote(mn ?? '')}: ${why}`);
}

export const wrongPassword = ({ gateway, park }: Device): Decoded => refusedWhole('wrong-password', `PW is not the secret of gateway ${gateway}`, park);
