import { isUtf8 } from 'node:buffer';
import type { MappingBody } from '../../model/mapping.ts';
import type { RejectReason } from '../reject-reasons.ts';
import { bytesOf } from './bytes.ts';

export type ReadPayload = { readonly value: unknown } | { readonly reason: RejectReason; readonly found: string; readonly expected: string };

/** The payload as its mapping says that it is written. */
export function readPayload(payload: Uint8Array, as: NonNullable<MappingBody['payload']>): ReadPayload {
  if (payload.length === 0) return { reason: 'empty', found: 'no bytes', expected: as };
  if (as === 'bytes') return { value: Uint8Array.from(payload) };
  if (!isUtf8(payload)) {
    const found = `${payload.length} bytes that begin ${Buffer.from(payload.subarray(0, 16)).toString('hex')}`;
    return { reason: 'not-utf8', found, expected: as === 'json' ? 'JSON as UTF-8; set "payload" for another form' : 'UTF-8 text' };
  }
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8');
  if (as === 'text') return { value: text.trim() };
  if (as === 'json') {
    try {
      return { value: JSON.parse(text) as unknown };
    } catch (error) {
      const found = error instanceof Error ? error.message.slice(0, 200) : 'something else';
      return { reason: 'not-json', found, expected: 'JSON; set "payload" for another form' };
    }
  }
  try {
    return { value: bytesOf(text, as) };
  } catch (error) {
    return { reason: 'wrong-shape', found: error instanceof Error ? error.message : String(error), expected: `the payload as ${as}` };
  }
}
