import { gunzipSync, inflateSync } from 'node:zlib';
import protobuf from 'protobufjs/minimal.js';
import type { DecodedRefusal } from '../decoded.ts';
import { emptyMetric, FIELD, type Key64, key64, type Metric, unsigned64 } from './metric.ts';

/** Metrics taken of one payload; the rest is refused. */
export const MOST_METRICS = 20_000;
/** A compressed payload may become this long, in bytes. */
export const LONGEST_UNPACKED = 4 << 20;
const COMPRESSED = 'SPBV1.0_COMPRESSED';

export interface SparkplugPayload {
  /** UTC milliseconds; null where the sender left it out. */
  readonly timestamp: number | null;
  /** 0 to 255; null where the sender left it out, as NDEATH does. */
  readonly seq: number | null;
  readonly metrics: readonly Metric[];
  /** Metrics that could not be read. Their neighbours stand in `metrics`. */
  readonly refusals: readonly DecodedRefusal[];
}

interface Draft {
  timestamp: number | null;
  seq: number | null;
  uuid: string;
  body: Uint8Array | null;
  readonly metrics: Metric[];
  readonly refusals: DecodedRefusal[];
}

/**
 * Reads the protobuf message `Payload` of `org.eclipse.tahu.protobuf`, compressed or not. The fields are read one by one: a broken
 * metric goes alone, and what is not looked at (templates, data sets, metadata) is stepped over without being built.
 *
 * @throws Error with a sentence for people when the whole is not such a message
 */
export function readPayload(bytes: Uint8Array): SparkplugPayload {
  const draft = readMessage(bytes);
  if (draft.uuid !== COMPRESSED) return draft;
  const unpacked = readMessage(unpack(draft));
  if (unpacked.uuid === COMPRESSED) throw new Error('a compressed payload holds another compressed payload');
  return unpacked;
}

function unpack({ body, metrics }: Draft): Uint8Array {
  const algorithm = metrics.find((metric) => metric.name === 'algorithm')?.text.toUpperCase() ?? 'DEFLATE';
  if (body === null) throw new Error('a compressed payload has no body');
  const limits = { maxOutputLength: LONGEST_UNPACKED };
  try {
    if (algorithm === 'GZIP') return gunzipSync(body, limits);
    if (algorithm === 'DEFLATE') return inflateSync(body, limits);
  } catch (error) {
    throw new Error(`its compressed body cannot be unpacked to at most ${LONGEST_UNPACKED} bytes: ${(error as Error).message}`, { cause: error });
  }
  throw new Error(`it is compressed by ${JSON.stringify(algorithm.slice(0, 32))}; DEFLATE and GZIP are known`);
}

// Tags: the number of the field times 8 plus its wire type.
const VARINT = 0;
const LENGTH = 2;
const BITS_64 = 1;
const BITS_32 = 5;
const tag = (field: number, wire: number): number => field * 8 + wire;

function readMessage(bytes: Uint8Array): Draft {
  const reader = protobuf.Reader.create(bytes);
  const draft: Draft = { timestamp: null, seq: null, uuid: '', body: null, metrics: [], refusals: [] };
  let beyond = 0;
  let index = 0;
  while (reader.pos < reader.len) {
    const read = reader.tag();
    switch (read) {
      case tag(1, VARINT):
        draft.timestamp = time(reader);
        break;
      case tag(2, LENGTH): {
        const end = reader.size() + reader.pos;
        if (end > reader.len) throw new Error('a metric ends after the end of the message');
        if (draft.metrics.length >= MOST_METRICS) beyond++;
        else takeMetric(reader, end, index, draft);
        index++;
        reader.pos = end;
        break;
      }
      case tag(3, VARINT): {
        const seq = long(reader);
        if (typeof seq === 'string' || seq > 255) throw new Error(`its seq is ${seq}; expected 0 to 255`);
        draft.seq = seq;
        break;
      }
      case tag(4, LENGTH):
        draft.uuid = text(reader);
        break;
      case tag(5, LENGTH):
        draft.body = reader.bytes();
        break;
      default:
        if (read >>> 3 === 0) throw new Error('there is a field without a number');
        reader.skipType(read & 7, 0, read >>> 3);
    }
  }
  if (beyond > 0) {
    draft.refusals.push({ reason: 'too-large', detail: `the payload has ${index} metrics; ${MOST_METRICS} are taken, send several messages`, count: beyond });
  }
  return draft;
}

function takeMetric(reader: protobuf.Reader, end: number, index: number, draft: Draft): void {
  const { len } = reader;
  reader.len = end;
  try {
    draft.metrics.push(readMetric(reader));
  } catch (error) {
    draft.refusals.push({ reason: 'not-sparkplug', detail: `metrics[${index}] cannot be read: ${(error as Error).message}`, count: 1 });
  } finally {
    reader.len = len;
  }
}

function readMetric(reader: protobuf.Reader): Metric {
  const metric = emptyMetric();
  while (reader.pos < reader.len) {
    const read = reader.tag();
    switch (read) {
      case tag(1, LENGTH):
        // An empty one is none: the alias says which it is.
        metric.name = text(reader) || null;
        break;
      case tag(2, VARINT):
        metric.alias = long(reader);
        break;
      case tag(3, VARINT):
        metric.timestamp = time(reader);
        break;
      case tag(4, VARINT):
        metric.datatype = reader.uint32();
        break;
      case tag(5, VARINT):
        metric.isHistorical = reader.bool();
        break;
      case tag(7, VARINT):
        metric.isNull = reader.bool();
        break;
      case tag(9, LENGTH):
        metric.quality = inside(reader, readQuality);
        break;
      case tag(FIELD.int, VARINT):
        metric.field = FIELD.int;
        metric.number = reader.uint32();
        break;
      case tag(FIELD.long, VARINT): {
        const bits = halves(reader);
        metric.field = FIELD.long;
        metric.low = bits.low;
        metric.high = bits.high;
        break;
      }
      case tag(FIELD.float, BITS_32):
        metric.field = FIELD.float;
        metric.number = reader.float();
        break;
      case tag(FIELD.double, BITS_64):
        metric.field = FIELD.double;
        metric.number = reader.double();
        break;
      case tag(FIELD.boolean, VARINT):
        metric.field = FIELD.boolean;
        metric.number = reader.bool() ? 1 : 0;
        break;
      case tag(FIELD.string, LENGTH):
        metric.field = FIELD.string;
        metric.text = text(reader);
        break;
      default: {
        const field = read >>> 3;
        if (field === 0) throw new Error('there is a field without a number');
        // Bytes, data set, template, extension: never a reading.
        if (field >= FIELD.bytes && field <= 19) metric.field = field;
        reader.skipType(read & 7, 0, field);
      }
    }
  }
  return metric;
}

/** The property `Quality` of a PropertySet: its keys and values are two lists in the same order. */
function readQuality(reader: protobuf.Reader): number | null {
  let keys = 0;
  let place = -1;
  const values: (number | null)[] = [];
  while (reader.pos < reader.len) {
    const read = reader.tag();
    if (read === tag(1, LENGTH)) {
      if (text(reader) === 'Quality') place = keys;
      keys++;
    } else if (read === tag(2, LENGTH)) {
      values.push(inside(reader, readProperty));
    } else {
      reader.skipType(read & 7, 0, read >>> 3);
    }
  }
  return values[place] ?? null;
}

function readProperty(reader: protobuf.Reader): number | null {
  let value: number | null = null;
  while (reader.pos < reader.len) {
    const read = reader.tag();
    if (read === tag(3, VARINT)) value = reader.uint32();
    else if (read === tag(4, VARINT)) value = time(reader);
    else reader.skipType(read & 7, 0, read >>> 3);
  }
  return value;
}

/** Reads a nested message to its end and no further. */
function inside<T>(reader: protobuf.Reader, read: (reader: protobuf.Reader) => T): T {
  const end = reader.size() + reader.pos;
  const { len } = reader;
  if (end > len) throw new Error('a part ends after the end of the whole');
  reader.len = end;
  try {
    return read(reader);
  } finally {
    reader.len = len;
    reader.pos = end;
  }
}

const halves = (reader: protobuf.Reader): protobuf.Long => reader.uint64() as protobuf.Long;

function long(reader: protobuf.Reader): Key64 {
  const { low, high } = halves(reader);
  return key64(low, high);
}

function time(reader: protobuf.Reader): number {
  const { low, high } = halves(reader);
  return unsigned64(low, high);
}

function text(reader: protobuf.Reader): string {
  return reader.string();
}

/** The command that makes an edge node send its births again; `at` is UTC milliseconds. */
export function rebirthCommand(at: number): Uint8Array {
  const { Writer } = protobuf;
  const metric = Writer.create()
    .uint32(tag(1, LENGTH))
    .string('Node Control/Rebirth')
    .uint32(tag(3, VARINT))
    .uint64(at)
    .uint32(tag(4, VARINT))
    .uint32(11)
    .uint32(tag(FIELD.boolean, VARINT))
    .bool(true)
    .finish();
  return Writer.create().uint32(tag(1, VARINT)).uint64(at).uint32(tag(2, LENGTH)).bytes(metric).finish();
}
