import { type CrcKind, crcOf, crcText } from './crc.ts';
import type { Segment } from './segment.ts';
import type { RawFrame } from './splitter.ts';

/** A whole frame around a data segment, strictly as the standard has it: length, CRC, CR LF. */
export function writeFrame(segment: string, kind: CrcKind = 'standard'): Buffer {
  const bytes = Buffer.from(segment, 'latin1');
  if (bytes.length > 9999) throw new RangeError(`a data segment has at most 9999 bytes; this one has ${bytes.length}`);
  return Buffer.from(`##${String(bytes.length).padStart(4, '0')}${segment}${crcText(crcOf(bytes, kind))}\r\n`, 'latin1');
}

/** The frame as it was sent, with its faults. */
export function asSent({ length, segment, crc }: RawFrame): Buffer {
  const head = `##${length === null ? '' : String(length).padStart(4, '0')}`;
  return Buffer.concat([Buffer.from(head, 'latin1'), segment, Buffer.from(`${crc === null ? '' : crcText(crc)}\r\n`, 'latin1')]);
}

/** Data answer (9014) for data, notice answer (9013) for the rest. */
export type AnswerCommand = '9013' | '9014';

/**
 * The answer to a message: its QN, PW and MN, its version with no answer asked. The 2005 edition names the QN inside CP (seen in public
 * code; medium).
 */
export function writeAnswer(to: Segment, command: AnswerCommand, kind: CrcKind = 'standard'): Buffer {
  const version = (to.flag ?? 0) >> 2;
  const tail = `ST=91;CN=${command};PW=${to.pw ?? ''};MN=${to.mn ?? ''};Flag=${version << 2};CP=&&`;
  const qn = to.qn === null ? '' : `QN=${to.qn}`;
  return writeFrame(version === 0 ? `${tail}${qn}&&` : `${qn === '' ? '' : `${qn};`}${tail}&&`, kind);
}
