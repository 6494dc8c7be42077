import { isAscii, isUtf8 } from 'node:buffer';
import { Ajv } from 'ajv';
import { nameOf, quote } from '../wording.ts';
import { findRepeatedKeys } from './repeated-keys.ts';
import type { Sink } from './sink.ts';

type Values = Record<string, unknown>;
interface Frame {
  readonly ts: number;
  readonly values: Values;
  readonly backfill?: boolean;
}

// allErrors off: the answer is yes or no; what is wrong is explained by `explain`, off the hot path.
const ajv = new Ajv({ allErrors: false, strict: true });

/** `{ts, values}`, perhaps with a mark of backfill, and nothing else. */
const isFrame = ajv.compile<Frame>({
  type: 'object',
  properties: { ts: { type: 'integer' }, values: { type: 'object', minProperties: 1 }, backfill: { type: 'boolean' } },
  required: ['ts', 'values'],
  additionalProperties: false,
});

const COLON = 0x3a;

/**
 * The native payload of docs/mqtt.md: one `{ts, values}`, an array of these, or the values alone with the time of arrival.
 * Everything that fits goes to the sink, everything else is refused there with what, where and what would be right.
 */
export function decodeNative(payload: Uint8Array, retained: boolean, sink: Sink): void {
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (bytes.length === 0) {
    sink.refuse('empty', 'the payload has no bytes; expected {"ts": …, "values": {…}}');
    return;
  }
  let text: string;
  if (isAscii(bytes)) text = bytes.toString('latin1');
  else if (isUtf8(bytes)) text = bytes.toString('utf8');
  else {
    sink.refuse('not-utf8', `the ${bytes.length} bytes are not UTF-8 (they begin ${bytes.toString('hex', 0, 16)}); send JSON as UTF-8`);
    return;
  }

  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    sink.refuse('not-json', `${error instanceof Error ? error.message.slice(0, 200) : 'not JSON'}; expected {"ts": …, "values": {…}}`);
    return;
  }

  const spoilt = countOf(COLON, bytes) === keysOf(parsed) ? NONE : dropRepeatedKeys(text, parsed, sink);
  if (!Array.isArray(parsed)) {
    if (!spoilt.has(-1)) takeOne(parsed, -1, retained, sink);
    return;
  }
  if (parsed.length === 0) sink.refuse('empty', 'the array is empty; expected at least one {"ts": …, "values": {…}}');
  for (let index = 0; index < parsed.length; index++) if (!spoilt.has(index)) takeOne(parsed[index], index, retained, sink);
}

const NONE: ReadonlySet<number> = new Set();

/** One reading of that payload that was parsed already. */
export const decodeReading = (reading: unknown, sink: Sink): void => takeOne(reading, -1, false, sink);

function takeOne(item: unknown, index: number, retained: boolean, sink: Sink): void {
  if (isFrame(item)) sink.frame(item.ts, item.values, index, item.backfill === true);
  else explain(item, index, retained, sink);
}

/** What does not fit the frame's schema: values alone, a frame with something beside it, or a fault. */
function explain(item: unknown, index: number, retained: boolean, sink: Sink): void {
  const where = index < 0 ? '' : `at [${index}]: `;
  if (!isObject(item)) {
    sink.refuse('wrong-shape', `${where}found ${nameOf(item)}; expected {"ts": milliseconds, "values": {quantity: number}}`);
    return;
  }
  const keys = Object.keys(item);
  if (keys.length === 0) {
    sink.refuse('empty', `${where}the object is empty; expected {"ts": …, "values": {…}}`);
    return;
  }
  const hasTs = Object.hasOwn(item, 'ts');
  const hasValues = Object.hasOwn(item, 'values');

  if (!hasTs && !hasValues) {
    if (index >= 0) {
      sink.refuse('wrong-shape', `${where}"ts" and "values" are missing; in an array each reading needs its own time`, keys.length);
      return;
    }
    if (retained) {
      sink.refuse('retained-without-time', 'a retained message with values alone; add "ts" or publish it without retain', keys.length);
      return;
    }
    sink.frame(null, item, index, false);
    return;
  }
  if (!hasValues) {
    sink.refuse('wrong-shape', `${where}"values" is missing; expected {"ts": …, "values": {quantity: number}}`);
    return;
  }
  const values = item['values'];
  if (!isObject(values)) {
    sink.refuse('wrong-shape', `${where}"values" is ${nameOf(values)}; expected an object {quantity: number}`);
    return;
  }
  const count = Object.keys(values).length;
  if (count === 0) {
    sink.refuse('empty', `${where}"values" is empty; expected {quantity: number}`);
    return;
  }
  if (!hasTs) {
    sink.refuse('bad-time', `${where}"ts" is missing; add it in UTC milliseconds, or send the values alone for the time of arrival`, count);
    return;
  }
  const ts = item['ts'];
  if (!Number.isInteger(ts)) {
    sink.refuse('bad-time', `${where}"ts" is ${nameOf(ts)}; ${timeHint(ts)}`, count);
    return;
  }
  for (const key of keys) {
    if (key === 'ts' || key === 'values') continue;
    if (key === 'backfill') sink.refuse('wrong-shape', `${where}"backfill" is ${nameOf(item[key])}; expected true or false`);
    else sink.refuse('unknown-key', `${where}key ${quote(key)} beside "ts" and "values"; quantities belong into "values"`);
  }
  sink.frame(ts as number, values, index, item['backfill'] === true);
}

const isObject = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value);

function timeHint(ts: unknown): string {
  if (typeof ts === 'string') {
    const parsed = /^\d+$/.test(ts) ? Number(ts) : Date.parse(ts);
    return Number.isFinite(parsed) ? `expected UTC milliseconds as an integer, for this one ${parsed}` : 'expected UTC milliseconds as an integer';
  }
  if (typeof ts === 'number' && ts > 1e8 && ts < 1e11) return `these look like seconds; expected UTC milliseconds, for this one ${Math.round(ts * 1000)}`;
  return 'expected UTC milliseconds as an integer';
}

/** Every key of valid JSON has one colon behind it, so that a repeated key shows as a colon too many. */
function keysOf(value: unknown): number {
  if (Array.isArray(value)) {
    let keys = 0;
    for (const item of value) keys += keysOfOne(item);
    return keys;
  }
  return keysOfOne(value);
}

function keysOfOne(value: unknown): number {
  if (!isObject(value)) return 0;
  let keys = 0;
  for (const key in value) {
    keys++;
    if (key === 'values') for (const _ in value['values'] as Values) keys++;
  }
  return keys;
}

function countOf(byte: number, bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at < bytes.length; at++) if (bytes[at] === byte) count++;
  return count;
}

/**
 * Takes what was sent twice under one key out of the message: nobody can say which of the two is meant.
 * Answers the readings of which nothing is left by that, by their index, -1 for one alone.
 */
function dropRepeatedKeys(text: string, parsed: unknown, sink: Sink): ReadonlySet<number> {
  const spoilt = new Set<number>();
  for (const { path, key } of findRepeatedKeys(text)) {
    let owner: unknown = parsed;
    for (const step of path) owner = isObject(owner) || Array.isArray(owner) ? (owner as Values)[step] : undefined;
    if (!isObject(owner) || !Object.hasOwn(owner, key)) continue;
    delete owner[key];
    sink.refuse('repeated-key', `key ${quote(key)} stands twice in ${path.length === 0 ? 'the message' : quote(path.join('.'))}; send it once`);
    const isArray = Array.isArray(parsed);
    const ofFrame = path.length === (isArray ? 1 : 0);
    if ((ofFrame && (key === 'ts' || key === 'values')) || Object.keys(owner).length === 0) spoilt.add(isArray ? Number(path[0]) : -1);
  }
  return spoilt;
}
