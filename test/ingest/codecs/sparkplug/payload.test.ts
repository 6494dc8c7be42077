import { deflateSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { numberOf } from '../../../../ingest/codecs/sparkplug/datatypes.ts';
import { LONGEST_UNPACKED, MOST_METRICS, readPayload, rebirthCommand } from '../../../../ingest/codecs/sparkplug/payload.ts';
import { readTopic } from '../../../../ingest/codecs/sparkplug/topics.ts';
import { fuzzRuns } from '../../../fuzz-runs.ts';
import { decodeCommand, double, encode, type MetricIn, quality } from './payloads.ts';

const numberIn = (metric: MetricIn): number | string => {
  const [read] = readPayload(encode({ metrics: [{ name: 'x', ...metric }] })).metrics;
  if (read === undefined) throw new Error('no metric');
  return numberOf(read, read.datatype);
};

describe('ingest/codecs/sparkplug, datatypes', () => {
  const INT8 = 1;
  const [INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64, FLOAT, DOUBLE, BOOLEAN, STRING, DATE_TIME] = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
  const rows: readonly { readonly name: string; readonly metric: MetricIn; readonly expected: number | RegExp }[] = [
    { name: 'Int8, positive', metric: { datatype: INT8, intValue: 127 }, expected: 127 },
    { name: 'Int8, two’s complement of 8 bits', metric: { datatype: INT8, intValue: 0xfb }, expected: -5 },
    { name: 'Int8, two’s complement of 32 bits', metric: { datatype: INT8, intValue: 0xfffffffb }, expected: -5 },
    { name: 'Int8, in a long field', metric: { datatype: INT8, longValue: '18446744073709551611' }, expected: -5 },
    { name: 'Int8 that does not fit', metric: { datatype: INT8, intValue: 300 }, expected: /is 300, which does not fit Int8/ },
    { name: 'Int16, smallest', metric: { datatype: INT16, intValue: 0x8000 }, expected: -32768 },
    { name: 'Int16, widened', metric: { datatype: INT16, intValue: 0xffff8000 }, expected: -32768 },
    { name: 'Int16 that does not fit', metric: { datatype: INT16, intValue: 70000 }, expected: /does not fit Int16/ },
    { name: 'Int32, smallest', metric: { datatype: INT32, intValue: 0x80000000 }, expected: -(2 ** 31) },
    { name: 'Int32, largest', metric: { datatype: INT32, intValue: 0x7fffffff }, expected: 2 ** 31 - 1 },
    { name: 'Int32, 32 bits in a long field', metric: { datatype: INT32, longValue: 0xfffffffb }, expected: -5 },
    { name: 'Int64, negative', metric: { datatype: INT64, longValue: '18446744073709551611' }, expected: -5 },
    { name: 'Int64, smallest', metric: { datatype: INT64, longValue: '9223372036854775808' }, expected: -(2 ** 63) },
    { name: 'Int64, beyond 32 bits', metric: { datatype: INT64, longValue: 123456789012345 }, expected: 123456789012345 },
    { name: 'UInt8, largest', metric: { datatype: UINT8, intValue: 255 }, expected: 255 },
    { name: 'UInt8 that does not fit', metric: { datatype: UINT8, intValue: 256 }, expected: /is 256, which does not fit UInt8/ },
    { name: 'UInt16, largest', metric: { datatype: UINT16, intValue: 65535 }, expected: 65535 },
    { name: 'UInt32, largest, in an int field', metric: { datatype: UINT32, intValue: 0xffffffff }, expected: 2 ** 32 - 1 },
    { name: 'UInt32, largest, in a long field', metric: { datatype: UINT32, longValue: 0xffffffff }, expected: 2 ** 32 - 1 },
    { name: 'UInt64, largest (nearest double)', metric: { datatype: UINT64, longValue: '18446744073709551615' }, expected: 2 ** 64 },
    { name: 'UInt64, largest exact', metric: { datatype: UINT64, longValue: '9007199254740991' }, expected: Number.MAX_SAFE_INTEGER },
    { name: 'Float', metric: { datatype: FLOAT, floatValue: 1.5 }, expected: 1.5 },
    { name: 'Double', metric: { datatype: DOUBLE, doubleValue: -0.1 }, expected: -0.1 },
    { name: 'Boolean true', metric: { datatype: BOOLEAN, booleanValue: true }, expected: 1 },
    { name: 'Boolean false', metric: { datatype: BOOLEAN, booleanValue: false }, expected: 0 },
    { name: 'DateTime', metric: { datatype: DATE_TIME, longValue: 1767225600000 }, expected: 1767225600000 },
    { name: 'String', metric: { datatype: STRING, stringValue: '12.5' }, expected: /is of datatype String \("12\.5"\); expected a number/ },
    {
      name: 'a text where a Double should be',
      metric: { datatype: DOUBLE, stringValue: '1' },
      expected: /has no number in it \("1"\) although its datatype is Double/,
    },
    { name: 'a Template', metric: { datatype: 19, templateValue: { version: 'x' } }, expected: /is of datatype Template/ },
    { name: 'a datatype that does not exist', metric: { datatype: 77, intValue: 1 }, expected: /is of datatype datatype 77/ },
    { name: 'an integer without a datatype', metric: { intValue: 1 }, expected: /sign is uncertain/ },
    { name: 'a double without a datatype', metric: { doubleValue: 4 }, expected: 4 },
    { name: 'nothing', metric: { datatype: DOUBLE }, expected: /has no value/ },
  ];
  for (const { name, metric, expected } of rows) {
    it(`reads ${name}`, () => {
      if (typeof expected === 'number') expect(numberIn(metric)).to.equal(expected);
      else expect(numberIn(metric)).to.match(expected);
    });
  }
});

describe('ingest/codecs/sparkplug, payload', () => {
  it('reads what the message says of each metric', () => {
    const metrics = [{ name: '有功', alias: 7, timestamp: 5, isHistorical: true, isNull: true, datatype: 10 }, double('b', 2, quality(500))];
    const payload = readPayload(encode({ timestamp: 9, seq: 255, metrics }));
    expect(payload).to.include({ timestamp: 9, seq: 255 });
    expect(payload.metrics[0]).to.include({ name: '有功', alias: 7, timestamp: 5, isHistorical: true, isNull: true, datatype: 10, quality: null });
    expect(payload.metrics[1]).to.include({ name: 'b', alias: null, timestamp: null, isHistorical: false, isNull: false, number: 2, quality: 500 });
  });

  it('tells apart aliases that a number cannot hold', () => {
    const aliases = ['18446744073709551615', '18446744073709551614', '9007199254740991'];
    const read = readPayload(encode({ metrics: aliases.map((alias) => ({ alias })) })).metrics.map(({ alias }) => alias);
    expect(new Set(read).size).to.equal(3);
    expect(read[2]).to.equal(Number.MAX_SAFE_INTEGER);
  });

  it('loses a broken metric alone', () => {
    const whole = encode({ seq: 1, metrics: [double('a', 1), double('b', 2), double('c', 3)] });
    const at = whole.indexOf(Buffer.from([0x0a, 1, 'b'.charCodeAt(0)]));
    // The name of b now seems to be longer than its metric.
    whole[at + 1] = 100;
    const { metrics, refusals, seq } = readPayload(whole);
    expect(metrics.map(({ name }) => name)).to.deep.equal(['a', 'c']);
    expect(refusals).to.have.length(1);
    expect(refusals[0]).to.include({ reason: 'not-sparkplug', count: 1 });
    expect(refusals[0]?.detail).to.match(/^metrics\[1\] cannot be read/);
    expect(seq).to.equal(1);
  });

  it('takes only so many metrics of one message', () => {
    const { metrics, refusals } = readPayload(Buffer.alloc((MOST_METRICS + 500) * 2, Buffer.from([0x12, 0])));
    expect(metrics).to.have.length(MOST_METRICS);
    expect(refusals[0]).to.include({ reason: 'too-large', count: 500 });
  });

  for (const [algorithm, pack] of [
    ['GZIP', gzipSync],
    ['DEFLATE', deflateSync],
  ] as const) {
    it(`unpacks a payload that is compressed by ${algorithm}`, () => {
      const body = pack(encode({ seq: 3, metrics: [double('a', 1)] }));
      const metrics = [{ name: 'algorithm', datatype: 12, stringValue: algorithm }];
      expect(readPayload(encode({ uuid: 'SPBV1.0_COMPRESSED', body, metrics }))).to.deep.include({ seq: 3 });
    });
  }

  const faults: readonly { readonly name: string; readonly bytes: Buffer; readonly expected: RegExp }[] = [
    { name: 'a text', bytes: Buffer.from('{"seq":1}'), expected: /./ },
    { name: 'a seq above 255', bytes: encode({ seq: 256 }), expected: /its seq is 256; expected 0 to 255/ },
    { name: 'a metric that is cut off', bytes: encode({ metrics: [double('a', 1)] }).subarray(0, 6), expected: /ends after the end/ },
    {
      name: 'a bomb',
      bytes: encode({ uuid: 'SPBV1.0_COMPRESSED', body: deflateSync(Buffer.alloc(LONGEST_UNPACKED + 1)) }),
      expected: /cannot be unpacked to at most/,
    },
    {
      name: 'an unknown compression',
      bytes: encode({ uuid: 'SPBV1.0_COMPRESSED', body: Buffer.alloc(3), metrics: [{ name: 'algorithm', stringValue: 'BROTLI' }] }),
      expected: /compressed by "BROTLI"/,
    },
    {
      name: 'a compressed payload in a compressed one',
      bytes: encode({ uuid: 'SPBV1.0_COMPRESSED', body: deflateSync(encode({ uuid: 'SPBV1.0_COMPRESSED', body: Buffer.alloc(1) })) }),
      expected: /another compressed payload/,
    },
  ];
  for (const { name, bytes, expected } of faults) it(`refuses ${name}`, () => expect(() => readPayload(bytes)).to.throw(expected));

  it('writes a rebirth command that others can read', () => {
    expect(decodeCommand(rebirthCommand(1767225600123))).to.deep.equal({
      timestamp: 1767225600123,
      metrics: [{ name: 'Node Control/Rebirth', timestamp: 1767225600123, datatype: 11, booleanValue: true }],
    });
  });

  it('never fails otherwise than with a sentence, whatever the bytes are', function () {
    this.timeout(0);
    const valid = encode({
      timestamp: 1,
      seq: 2,
      metrics: [double('a', 1, quality(192)), { name: 'b', alias: 3, datatype: 4, longValue: '18446744073709551611' }],
    });
    const mutated = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 8 }).map((changes) => {
      const bytes = Buffer.from(valid);
      for (const [at, byte] of changes) bytes[at] = byte;
      return bytes;
    });
    const random = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(mutated, random), (bytes) => {
        try {
          const { metrics, refusals, seq } = readPayload(bytes);
          expect(metrics.length + refusals.length).to.be.at.most(bytes.length + 1);
          expect(seq === null || (seq >= 0 && seq <= 255)).to.equal(true);
          for (const metric of metrics) numberOf(metric, metric.datatype);
        } catch (error) {
          expect(error).to.be.instanceOf(Error);
          expect((error as Error).message).not.to.equal('');
        }
      }),
      { numRuns: fuzzRuns() },
    );
  });
});

describe('ingest/codecs/sparkplug, topics', () => {
  const rows: readonly [string, object | null][] = [
    ['spBv1.0/g/NBIRTH/n', { kind: 'node', type: 'NBIRTH', group: 'g', node: 'n', device: null }],
    ['spBv1.0/园区 1/DDATA/节点/设备 3', { kind: 'node', type: 'DDATA', group: '园区 1', node: '节点', device: '设备 3' }],
    ['spBv1.0/STATE/host', { kind: 'state', host: 'host' }],
    ['spBv1.0/g/DDATA/n', null],
    ['spBv1.0/g/NDATA/n/d', null],
    ['spBv1.0/g/DDATA/n/d/e', null],
    ['spBv1.0/g/XDATA/n', null],
    ['spBv1.0/g//n', null],
    ['spBv1.0/STATE/a/b', null],
    ['spAv1.0/g/NDATA/n', null],
    ['spBv1.0', null],
    [`spBv1.0/g/NDATA/${'n'.repeat(129)}`, null],
  ];
  for (const [topic, expected] of rows) {
    it(`${topic.slice(0, 40)} is ${expected === null ? 'refused' : 'read'}`, () => expect(readTopic(topic)).to.deep.equal(expected));
  }
});
