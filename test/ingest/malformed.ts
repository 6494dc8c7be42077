import { NOW } from './harness.ts';

export interface Malformed {
  readonly kind: string;
  readonly topic?: string;
  readonly payload: string | Uint8Array;
}

export const values = (inner: string, ts: string | number = NOW) => `{"ts":${ts},"values":${inner}}`;

/** Every one of these is refused as a whole. */
export const MALFORMED: readonly Malformed[] = [
  { kind: 'no bytes', payload: '' },
  { kind: 'not JSON', payload: 'temperature=21' },
  { kind: 'cut off', payload: '{"ts":1767225600000,"values":{"active_po' },
  { kind: 'NaN', payload: values('{"active_power":NaN}') },
  { kind: 'Infinity', payload: values('{"active_power":-Infinity}') },
  { kind: 'a huge number', payload: values('{"active_power":1e400}') },
  { kind: 'text for a number', payload: values('{"active_power":"12.5"}') },
  { kind: 'null', payload: values('{"active_power":null}') },
  { kind: 'true', payload: values('{"active_power":true}') },
  { kind: 'an array for a number', payload: values('{"active_power":[1]}') },
  { kind: 'an unknown quantity', payload: values('{"activePower":1}') },
  { kind: 'a prototype key', payload: values('{"__proto__":{"active_power":1}}') },
  { kind: 'a constructor key', payload: '{"constructor":{"prototype":{"ts":1}}}' },
  { kind: 'a time in the far future', payload: values('{"active_power":1}', NOW + 86_400_000 * 3650) },
  { kind: 'a time before 2000', payload: values('{"active_power":1}', 1) },
  { kind: 'a time in seconds', payload: values('{"active_power":1}', 1767225600) },
  { kind: 'a time as text', payload: values('{"active_power":1}', '"2026-01-01"') },
  { kind: 'a time with a fraction', payload: values('{"active_power":1}', NOW + 0.5) },
  { kind: 'a huge time', payload: values('{"active_power":1}', 1e300) },
  { kind: 'a time beyond all bounds', payload: values('{"active_power":1}', '1e999') },
  { kind: 'an empty array', payload: '[]' },
  { kind: 'an empty object', payload: '{}' },
  { kind: 'empty values', payload: values('{}') },
  { kind: 'a bare number', payload: '7' },
  { kind: 'an array of numbers', payload: '[1,2,3]' },
  { kind: 'the same key twice', payload: values('{"active_power":1,"active_power":2}') },
  { kind: 'deep nesting', payload: `${'['.repeat(50_000)}${']'.repeat(50_000)}` },
  { kind: 'binary', payload: Uint8Array.from({ length: 64 }, (_, at) => 255 - at) },
  { kind: 'UTF-16', payload: Buffer.from(values('{"active_power":1}'), 'utf16le') },
  { kind: 'a surrogate cut in two', payload: Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22) },
  { kind: 'an unknown meter', topic: 'parks/p-1/meters/m-404/readings', payload: values('{"active_power":1}') },
  { kind: 'another park', topic: 'parks/p-2/meters/m-1/readings', payload: values('{"active_power":1}') },
  { kind: 'a wrong leaf', topic: 'parks/p-1/meters/m-1/reading', payload: values('{"active_power":1}') },
  { kind: 'a topic with too few levels', topic: 'parks/p-1', payload: values('{"active_power":1}') },
  { kind: 'a topic with an empty meter', topic: 'parks/p-1/meters//readings', payload: values('{"active_power":1}') },
  { kind: 'a meter that climbs', topic: 'parks/p-1/meters/../readings', payload: values('{"active_power":1}') },
  { kind: 'a prototype’s name for a meter', topic: 'parks/p-1/meters/constructor/readings', payload: values('{"active_power":1}') },
  { kind: 'a status that is none', topic: 'parks/p-1/meters/m-1/status', payload: 'perhaps' },
];
