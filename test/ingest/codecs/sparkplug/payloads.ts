import protobuf from 'protobufjs';

// The published message, written out as a sender would have it: an encoder that shares nothing with the decoder under test.
const { root } = protobuf.parse(`
  syntax = "proto2";
  message Payload {
    message PropertyValue {
      optional uint32 type = 1; optional bool is_null = 2;
      oneof value { uint32 int_value = 3; uint64 long_value = 4; float float_value = 5; double double_value = 6; bool boolean_value = 7; string string_value = 8; }
    }
    message PropertySet { repeated string keys = 1; repeated PropertyValue values = 2; }
    message Template { optional string version = 1; repeated Metric metrics = 2; }
    message Metric {
      optional string name = 1; optional uint64 alias = 2; optional uint64 timestamp = 3; optional uint32 datatype = 4;
      optional bool is_historical = 5; optional bool is_transient = 6; optional bool is_null = 7; optional PropertySet properties = 9;
      oneof value {
        uint32 int_value = 10; uint64 long_value = 11; float float_value = 12; double double_value = 13; bool boolean_value = 14;
        string string_value = 15; bytes bytes_value = 16; Template template_value = 18;
      }
    }
    optional uint64 timestamp = 1; repeated Metric metrics = 2; optional uint64 seq = 3; optional string uuid = 4; optional bytes body = 5;
  }`);
const Payload = root.lookupType('Payload');

/** A metric by the names of the schema in camel case, e.g. `{ name: 'voltage_a', datatype: 9, floatValue: 230 }`. */
export type MetricIn = Readonly<Record<string, unknown>>;

export function encode(fields: {
  readonly timestamp?: number;
  readonly seq?: number;
  readonly metrics?: readonly MetricIn[];
  readonly [more: string]: unknown;
}): Buffer {
  return Buffer.from(Payload.encode(Payload.fromObject(fields)).finish());
}

export const decodeCommand = (payload: Uint8Array): unknown => Payload.toObject(Payload.decode(payload), { longs: Number });

export const double = (name: string, value: number, more: MetricIn = {}): MetricIn => ({ name, datatype: 10, doubleValue: value, ...more });
export const bdSeq = (value: number): MetricIn => ({ name: 'bdSeq', datatype: 8, longValue: value });
export const quality = (value: number): MetricIn => ({
  properties: {
    keys: ['Note', 'Quality'],
    values: [
      { type: 12, stringValue: 'x' },
      { type: 3, intValue: value },
    ],
  },
});
