import { expect } from 'chai';
import fc from 'fast-check';
import { CanonicalScan } from '../../../ingest/codecs/canonical.ts';
import { decodeNative } from '../../../ingest/codecs/native.ts';
import { MeterPlan } from '../../../ingest/meter-plans.ts';
import { PlanColumns } from '../../../ingest/plan-columns.ts';
import { QualityJudge } from '../../../ingest/quality.ts';
import { LatestReadings } from '../../../model/latest.ts';
import { fuzzRuns } from '../../fuzz-runs.ts';
import { aMeter } from '../harness.ts';

const NAMES = ['active_energy_import', 'active_power', 'voltage_a', 'voltage_b', 'co', 'o3', 'so2'] as const;

interface Found {
  readonly ts: number | null;
  readonly values: readonly (readonly [string, unknown])[];
}

function aPlan(): MeterPlan {
  const conversions = { multiplier: 1, units: { frequency: 'no such unit' } };
  return new MeterPlan(aMeter(1), PlanColumns.none(conversions), { latest: new LatestReadings(), quality: new QualityJudge() });
}

const plan = aPlan();
const scan = new CanonicalScan();

function scanned(text: string | Uint8Array): Found[] | null {
  if (!scan.scan(Buffer.from(text), plan)) return null;
  let row = 0;
  return Array.from({ length: scan.frames }, (_, frame) => {
    const values: [string, unknown][] = [];
    for (; row < (scan.end[frame] as number); row++) values.push([plan.columns.names[scan.column[row] as number] ?? '', scan.value[row]]);
    return { ts: scan.ts[frame] as number, values };
  });
}

/** What the general codec makes of it; null when it refuses any of it. */
function general(text: string | Uint8Array): Found[] | null {
  const found: Found[] = [];
  let refusals = 0;
  decodeNative(Buffer.from(text), false, {
    frame: (ts, values) => found.push({ ts, values: Object.entries(values) }),
    refuse: () => refusals++,
  });
  return refusals > 0 ? null : found;
}

const reading = fc.record({
  ts: fc.integer({ min: 0, max: 4e12 }),
  values: fc
    .uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 })
    .chain((names) =>
      fc.tuple(...names.map((name) => fc.tuple(fc.constant(name), fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer())))),
    )
    .map((entries) => Object.fromEntries(entries)),
});
const message = fc.oneof(reading, fc.array(reading, { minLength: 1, maxLength: 5 }));

/** Numbers as people and machines write them: zeros before and behind, long mantissas, exponents. */
const numberText = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.oneof(fc.constant('0'), fc.nat().map(String), fc.stringMatching(/^[1-9][0-9]{0,24}$/)),
    fc.oneof(fc.constant(''), fc.stringMatching(/^\.[0-9]{1,20}$/)),
    fc.oneof({ weight: 3, arbitrary: fc.constant('') }, { weight: 1, arbitrary: fc.stringMatching(/^[eE][+-]?[0-9]{1,3}$/) }),
  )
  .map((parts) => parts.join(''));

describe('ingest/codecs/canonical', function () {
  this.timeout(300_000);
  const taken: readonly [name: string, text: string, found: Found[]][] = [
    ['one reading', '{"ts":1767225600000,"values":{"active_power":312.5}}', [{ ts: 1767225600000, values: [['active_power', 312.5]] }]],
    [
      'an array',
      '[{"ts":1,"values":{"voltage_a":0}},{"ts":2,"values":{"voltage_b":-0.5,"voltage_a":1e3}}]',
      [
        { ts: 1, values: [['voltage_a', 0]] },
        {
          ts: 2,
          values: [
            ['voltage_b', -0.5],
            ['voltage_a', 1000],
          ],
        },
      ],
    ],
    [
      'white space',
      ' [ {"ts" : 1 , "values" :\t{ "voltage_a" : 2.50 ,\r\n "voltage_b":3 } } ] \n',
      [
        {
          ts: 1,
          values: [
            ['voltage_a', 2.5],
            ['voltage_b', 3],
          ],
        },
      ],
    ],
    ['a number with more digits than are exact', '{"ts":1,"values":{"voltage_a":0.30000000000000004}}', [{ ts: 1, values: [['voltage_a', 0.1 + 0.2]] }]],
  ];
  for (const [name, text, found] of taken) {
    it(`takes ${name}`, () => {
      expect(scanned(text)).to.deep.equal(found);
      expect(general(text)).to.deep.equal(found);
    });
  }

  const left: readonly [name: string, text: string][] = [
    ['values alone', '{"voltage_a":1}'],
    ['another order', '{"values":{"voltage_a":1},"ts":1}'],
    ['a key beside', '{"ts":1,"values":{"voltage_a":1},"unit":1}'],
    ['a name that is not in the catalogue', '{"ts":1,"values":{"flux":50}}'],
    ['a quantity whose unit is not known', '{"ts":1,"values":{"frequency":50}}'],
    ['an escaped name', '{"ts":1,"values":{"voltage_\\u0061":50}}'],
    ['a name twice', '{"ts":1,"values":{"voltage_a":1,"voltage_a":2}}'],
    ['no values', '{"ts":1,"values":{}}'],
    ['an empty array', '[]'],
    ['a text', '{"ts":1,"values":{"voltage_a":"1"}}'],
    ['a leading zero', '{"ts":1,"values":{"voltage_a":01}}'],
    ['a leading zero after a sign', '{"ts":1,"values":{"voltage_a":-00.5}}'],
    ['a point without digits', '{"ts":1,"values":{"voltage_a":1.}}'],
    ['a point alone', '{"ts":1,"values":{"voltage_a":.5}}'],
    ['an exponent without digits', '{"ts":1,"values":{"voltage_a":1e}}'],
    ['a plus sign', '{"ts":1,"values":{"voltage_a":+1}}'],
    ['a sign alone', '{"ts":1,"values":{"voltage_a":-}}'],
    ['a time with a fraction', '{"ts":1.5,"values":{"voltage_a":1}}'],
    ['a time with an exponent', '{"ts":1e12,"values":{"voltage_a":1}}'],
    ['a time with a leading zero', '{"ts":01,"values":{"voltage_a":1}}'],
    ['a comma too many', '{"ts":1,"values":{"voltage_a":1,}}'],
    ['something behind the end', '{"ts":1,"values":{"voltage_a":1}} x'],
    ['two messages', '{"ts":1,"values":{"voltage_a":1}}{"ts":1,"values":{"voltage_a":1}}'],
    ['an open end', '{"ts":1,"values":{"voltage_a":1}'],
    ['nothing', ''],
  ];
  for (const [name, text] of left) it(`leaves ${name} to the general codec`, () => expect(scanned(text)).to.equal(null));

  it('takes what a gateway writes by the book, and finds what the general codec finds', () => {
    fc.assert(
      fc.property(message, fc.constantFrom(undefined, 1), (value, indent) => {
        // JSON.stringify writes 1e21 and above with an exponent and a sign.
        const text = JSON.stringify(value, null, indent);
        expect(scanned(text)).to.deep.equal(general(text));
      }),
      { numRuns: fuzzRuns() },
    );
  });

  it('reads every number as JSON.parse does, to the last bit', () => {
    fc.assert(
      fc.property(numberText, (text) => {
        const found = scanned(`{"ts":1,"values":{"voltage_a":${text}}}`);
        const value = found?.[0]?.values[0]?.[1];
        expect(Object.is(value, JSON.parse(text)), `${text} was read as ${String(value)}`).to.equal(true);
      }),
      { numRuns: fuzzRuns() },
    );
  });

  it('takes nothing of a message that was damaged unless the general codec finds the same', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('{}[]",:.-0e ')))), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(message, damage, fc.nat(), (value, hits, cut) => {
        const bytes = Buffer.from(JSON.stringify(value));
        for (const [at, byte] of hits) bytes[at % bytes.length] = byte;
        const damaged = cut % 4 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes;
        const found = scanned(damaged);
        if (found !== null) expect(found).to.deep.equal(general(damaged));
      }),
      { numRuns: fuzzRuns() },
    );
  });

  it('ends on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const found = scanned(bytes);
        if (found !== null) expect(found).to.deep.equal(general(bytes));
      }),
      { numRuns: fuzzRuns() },
    );
  });
});
