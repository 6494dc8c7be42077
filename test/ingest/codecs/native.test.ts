import { expect } from 'chai';
import { decodeNative } from '../../../ingest/codecs/native.ts';
import type { RejectReason } from '../../../ingest/reject-reasons.ts';

interface Decoded {
  readonly frames: readonly (readonly [ts: number | null, values: Record<string, unknown>])[];
  readonly refused: readonly (readonly [RejectReason, string])[];
}

function decode(payload: string | Uint8Array, retained = false): Decoded {
  const frames: [number | null, Record<string, unknown>][] = [];
  const refused: [RejectReason, string][] = [];
  decodeNative(typeof payload === 'string' ? Buffer.from(payload) : payload, retained, {
    frame: (ts, values) => frames.push([ts, { ...values }]),
    refuse: (reason, detail) => refused.push([reason, detail]),
  });
  return { frames, refused };
}

const taken: readonly { readonly name: string; readonly payload: string; readonly frames: Decoded['frames'] }[] = [
  { name: 'one reading with its time', payload: '{"ts":1767225600000,"values":{"active_power":312.5}}', frames: [[1767225600000, { active_power: 312.5 }]] },
  {
    name: 'an array of readings, in its order',
    payload: '[{"ts":2,"values":{"a":1}},{"ts":1,"values":{"b":2}}]',
    frames: [
      [2, { a: 1 }],
      [1, { b: 2 }],
    ],
  },
  { name: 'values alone take the time of arrival', payload: '{"active_power":312.5}', frames: [[null, { active_power: 312.5 }]] },
  { name: 'keys in the other order, with white space', payload: ' {\n"values" : {"a": 1} , "ts":5 } ', frames: [[5, { a: 1 }]] },
  { name: 'a time written as 1e12 is an integer', payload: '{"ts":1e12,"values":{"a":1}}', frames: [[1e12, { a: 1 }]] },
  { name: 'non-ASCII text', payload: '{"ts":5,"values":{"功率":1}}', frames: [[5, { 功率: 1 }]] },
];

const refused: readonly {
  readonly name: string;
  readonly payload: string | Uint8Array;
  readonly reason: RejectReason;
  readonly says: RegExp;
  readonly frames?: number;
}[] = [
  { name: 'nothing at all', payload: '', reason: 'empty', says: /no bytes/ },
  { name: 'no JSON', payload: 'hello', reason: 'not-json', says: /expected \{"ts"/ },
  { name: 'half a message', payload: '{"ts":5,"values":{"a":1', reason: 'not-json', says: /expected/ },
  { name: 'NaN, which is no JSON', payload: '{"ts":5,"values":{"a":NaN}}', reason: 'not-json', says: /expected/ },
  { name: 'binary', payload: Uint8Array.of(0xff, 0xfe, 0x00, 0x80), reason: 'not-utf8', says: /fffe0080/ },
  { name: 'a number', payload: '42', reason: 'wrong-shape', says: /found 42/ },
  { name: 'a text', payload: '"hello"', reason: 'wrong-shape', says: /the text "hello"/ },
  { name: 'null', payload: 'null', reason: 'wrong-shape', says: /found null/ },
  { name: 'an empty object', payload: '{}', reason: 'empty', says: /empty/ },
  { name: 'an empty array', payload: '[]', reason: 'empty', says: /at least one/ },
  { name: 'an array in an array', payload: '[[1]]', reason: 'wrong-shape', says: /at \[0\]: found an array of 1/ },
  { name: 'values alone in an array', payload: '[{"a":1}]', reason: 'wrong-shape', says: /needs its own time/ },
  { name: 'empty values', payload: '{"ts":5,"values":{}}', reason: 'empty', says: /"values" is empty/ },
  { name: 'values as an array', payload: '{"ts":5,"values":[1]}', reason: 'wrong-shape', says: /an array of 1/ },
  { name: 'values missing', payload: '{"ts":5}', reason: 'wrong-shape', says: /"values" is missing/ },
  { name: 'values beside the time', payload: '{"ts":5,"active_power":1}', reason: 'wrong-shape', says: /"values" is missing/ },
  { name: 'time missing', payload: '{"values":{"a":1}}', reason: 'bad-time', says: /"ts" is missing/ },
  { name: 'time as text', payload: '{"ts":"2026-01-01T00:00:00Z","values":{"a":1}}', reason: 'bad-time', says: /for this one 1767225600000/ },
  { name: 'time with a fraction', payload: '{"ts":1767225600000.5,"values":{"a":1}}', reason: 'bad-time', says: /as an integer/ },
  { name: 'time in seconds with a fraction', payload: '{"ts":1767225600.25,"values":{"a":1}}', reason: 'bad-time', says: /look like seconds.*1767225600250/ },
  { name: 'time null', payload: '{"ts":null,"values":{"a":1}}', reason: 'bad-time', says: /"ts" is null/ },
  { name: 'a key too many, beside values that are kept', payload: '{"ts":5,"values":{"a":1},"seq":7}', reason: 'unknown-key', says: /"seq"/, frames: 1 },
  {
    name: 'the same quantity twice, beside one that is kept',
    payload: '{"ts":5,"values":{"a":1,"b":2,"a":3}}',
    reason: 'repeated-key',
    says: /"a" stands twice in "values"/,
    frames: 1,
  },
  { name: 'the same time twice', payload: '{"ts":5,"ts":6,"values":{"a":1}}', reason: 'repeated-key', says: /"ts" stands twice/ },
  {
    name: 'a key twice in one of an array, beside others that are kept',
    payload: '[{"ts":5,"values":{"a":1}},{"ts":6,"values":{"a":1,"\\u0061":2,"b":1}}]',
    reason: 'repeated-key',
    says: /1\.values/,
    frames: 2,
  },
];

describe('ingest/codecs/native', () => {
  for (const row of taken) {
    it(`takes ${row.name}`, () => {
      const decoded = decode(row.payload);
      expect(decoded.refused).to.deep.equal([]);
      expect(decoded.frames).to.deep.equal(row.frames);
    });
  }
  for (const row of refused) {
    it(`refuses ${row.name}`, () => {
      const decoded = decode(row.payload);
      expect(decoded.refused[0]?.[0]).to.equal(row.reason);
      expect(decoded.refused[0]?.[1]).to.match(row.says);
      expect(decoded.frames).to.have.length(row.frames ?? 0);
    });
  }

  it('keeps what stands beside a repeated key and drops both of its values', () => {
    expect(decode('{"ts":5,"values":{"a":1,"b":2,"a":3}}').frames).to.deep.equal([[5, { b: 2 }]]);
  });

  it('refuses values alone in a retained message, since nobody knows their age', () => {
    expect(decode('{"active_power":1}', true).refused[0]?.[0]).to.equal('retained-without-time');
    expect(decode('{"ts":5,"values":{"active_power":1}}', true).frames).to.have.length(1);
  });

  it('lets prototype keys change nothing', () => {
    const decoded = decode('{"__proto__":{"ts":1,"values":{"a":1}},"constructor":{"prototype":{"x":1}}}');
    expect(decoded.frames).to.have.length(1);
    expect(Object.keys(decoded.frames[0]?.[1] ?? {})).to.deep.equal(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['ts']).to.equal(undefined);
    expect(decode('{"ts":5,"values":{"__proto__":7,"a":1}}').refused).to.deep.equal([]);
  });

  it('answers a megabyte of nesting in reasonable time', () => {
    const started = Date.now();
    for (const payload of ['['.repeat(500_000) + ']'.repeat(500_000), '{"ts":5,"values":{"a":'.concat('{"b":'.repeat(100_000), '1', '}'.repeat(100_002))])
      decode(payload);
    expect(Date.now() - started).to.be.below(2000);
  });
});
