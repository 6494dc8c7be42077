import { expect } from 'chai';
import { readAmount } from '../../../ingest/mappings/amount.ts';
import { mappingFaults } from '../../../ingest/mappings/compile.ts';
import { compileExpression, ExpressionFault, LIMIT_MS } from '../../../ingest/mappings/expression.ts';
import { compileTime, type TimeReader } from '../../../ingest/mappings/times.ts';
import { compileTopicFilter, overlap } from '../../../ingest/mappings/topic-filter.ts';
import { WallClock } from '../../../ingest/recordings/zone.ts';
import type { MappingBody } from '../../../model/mapping.ts';

const BINDINGS = { topic: { meter: 'm-1' }, received: 0, message: null };
const run = (text: string, input: unknown = {}): Promise<unknown> => Promise.resolve(compileExpression(text).evaluate(input, BINDINGS));

async function faultOf(text: string, input: unknown = {}): Promise<ExpressionFault> {
  try {
    await run(text, input);
  } catch (error) {
    if (error instanceof ExpressionFault) return error;
    throw error;
  }
  throw new Error(`${text} was evaluated`);
}

describe('ingest/mappings, expressions', () => {
  const functions: readonly (readonly [string, unknown, unknown?])[] = [
    ['$uint($bytes("0102", "hex"), 0, 2)', 258],
    ['$uint($bytes("01 02", "hex"), 0, 2, "le")', 513],
    ['$int($bytes("ff", "hex"), 0, 1)', -1],
    ['$int($bytes("feff", "hex"), 0, 2, "le")', -2],
    ['$int($bytes("//7/", "base64"), 1, 2)', -257],
    ['$uint($bytes("00010203", "hex"), 0, 4, "cdab")', 0x02030001],
    ['$uint($bytes("00010203", "hex"), 0, 4, "badc")', 0x01000302],
    ['$float($bytes("42f6e666", "hex"), 0, 4)', 123.45],
    ['$float($bytes("66e6f642", "hex"), 0, 4, "le")', 123.45],
    ['$float($bytes("405edccccccccccd", "hex"), 0, 8)', 123.45],
    ['$bcd($bytes("123456", "hex"), 0, 3)', 123456],
    ['$bcd($bytes("563412", "hex"), 0, 3, "le")', 123456],
    ['$hex($bytes("0aff", "hex"), 0, 2, "le")', 'ff0a'],
    ['$uint($registers([1, 57920]), 0, 4)', 123456],
    ['$uint($bytes(data, "hex"), 0, 2)', undefined],
    ['$num("1 234,5")', 1234.5],
    ['$in("12.4 W", "kW")', 0.0124],
    ['$in(5, "kWh", "MWh")', 5000],
    ['$time("2026-01-15 12:00:00", "auto", "Asia/Shanghai")', Date.UTC(2026, 0, 15, 4)],
    ['$sunspec(5001, -2)', 50.01],
    ['$sunspec("5001", -2, "uint16")', 50.01],
    ['$sunspec(65535, 0, "acc32")', 65535],
    ['$sunspec(-1, 1, "int16")', -10],
    ['$uint($registers(["0x8FD"]), 0, 2)', 2301],
    ['$uint($registers(["1", "57920"]), 0, 4)', 123456],
    ['$topic.meter', 'm-1'],
    ['a.b', 5, { a: { b: 5 } }],
    ['$sort([3, 1, 2])', [1, 2, 3]],
    ['$sort(["b", "a"])', ['a', 'b']],
    ['$sort(a, function($l, $r) { $l.n < $r.n }).n', [3, 2, 1], { a: [{ n: 1 }, { n: 3 }, { n: 2 }] }],
    [
      '$sort(a, function($l, $r) { $l.n > $r.n }).k',
      ['c', 'a', 'b'],
      {
        a: [
          { n: 1, k: 'a' },
          { n: 1, k: 'b' },
          { n: 0, k: 'c' },
        ],
      },
    ],
    ['$sort(5)', [5]],
    ['$append(1, [2, 3])', [1, 2, 3]],
    ['$append(nothing, 2)', 2],
    ['$reduce([[1], [2, 3]], $append)', [1, 2, 3]],
    ['$merge([{"a": 1, "b": 1}, {"b": 2}])', { a: 1, b: 2 }],
    ['$keys([{"a": 1, "b": 1}, {"b": 2, "c": 3}])', ['a', 'b', 'c']],
    ['$keys(a)', 'b', { a: { b: 1 } }],
    ['$keys({})', undefined],
    ['$join(["a", "b"], "-")', 'a-b'],
    ['$join(["a", "b"])', 'ab'],
    ['a ~> |b|{"c": 2}|', { b: { c: 2 }, d: [1] }, { a: { b: { c: 1 }, d: [1] } }],
    ['$toMillis("2026-01-15T12:00:00Z")', Date.UTC(2026, 0, 15, 12)],
    ['$toMillis("15.01.2026 12:00", "[D].[M].[Y] [H]:[m]")', Date.UTC(2026, 0, 15, 12)],
    ['$toMillis("20260115120000", "[Y0001][M01][D01][H01][m01][s01]")', Date.UTC(2026, 0, 15, 12)],
    ['a.b', [1, 2], { a: [{ b: 1 }, { b: 2 }] }],
    ['constructor', undefined],
    ['__proto__.toString', undefined],
  ];
  for (const [text, answer, input] of functions) {
    it(`${text} is ${JSON.stringify(answer)}`, async () => {
      const found = await run(text, input ?? {});
      // Lists of JSONata carry a mark of their own.
      expect(Array.isArray(found) ? [...found] : found).to.deep.equal(answer);
    });
  }

  const refused: readonly (readonly [string, RegExp])[] = [
    ['$uint($bytes("0102", "hex"), 1, 2)', /wants bytes 1 to 2, and there are 2/],
    ['$uint($bytes("ffffffffffffffff", "hex"), 0, 8)', /larger than a number holds/],
    ['$bcd($bytes("1a", "hex"), 0, 1)', /not binary-coded decimal/],
    ['$bytes("xyz", "hex")', /not hexadecimal/],
    ['$bytes("a*b", "base64")', /not base64/],
    ['$num("1,234")', /one meaning/],
    ['$registers([1, "08FD"])', /item 1 is not a register of 16 bits: found .*08FD.*, expected a whole number from -32768 to 65535/],
    ['$in("5 bananas", "kW")', /cannot be converted/],
    ['$eval("1+1")', /not taken/],
    ['$pad("", 1000000000)', /width/],
    ['1 + "x"', /must evaluate to a number/],
    ['nothing()', /function/i],
  ];
  for (const [text, message] of refused) {
    it(`${text} is refused, and says why`, async () => expect((await faultOf(text)).message).to.match(message));
  }

  const endless = [
    '($f := function($n) { $f($n + 1) }; $f(0))',
    '($f := function($n) { 1 + $f($n + 1) }; $f(0))',
    '[1..9000000]',
    '$map([1..90000], function($a) { $map([1..90000], function($b) { $a * $b }) })',
    '$reduce([1..99999], function($a, $b) { $reduce([1..99999], function($c, $d) { $c + $d }) })',
  ];
  for (const text of endless) {
    it(`${text} is stopped in time`, async () => {
      const from = performance.now();
      const fault = await faultOf(text);
      expect(fault.message).to.be.a('string');
      expect(performance.now() - from).to.be.below(20 * LIMIT_MS);
    });
  }

  it('a regular expression is not compiled, wherever it stands', () => {
    for (const text of ['$match(a, /(x+)+y/)', 'a[$contains(b, /x/)]', '{"k": $replace(a, /a/, "b")}']) {
      expect(() => compileExpression(text), text).to.throw(ExpressionFault, /regular expressions/);
    }
  });

  it('what is no JSONata says where', () => {
    expect(() => compileExpression('a + ')).to.throw(ExpressionFault);
    expect(mappingFaults({ ...BODY, meter: 'a.[' })[0]).to.have.property('path', 'meter');
  });
});

const BODY: MappingBody = { name: 'x', enabled: true, topics: ['a/{meter}'], meter: '$topic.meter', values: { active_power: 'p' } };

describe('ingest/mappings, what a mapping may say', () => {
  const rows: readonly (readonly [string, unknown, string, RegExp])[] = [
    ['a filter that would take native messages', { topics: ['+/+/meters/#'] }, 'topics[0]', /parks\/p/],
    ['everything', { topics: ['#'] }, 'topics[0]', /begin it with a level of text/],
    ['a place twice', { topics: ['a/{x}/{x}'] }, 'topics[0]', /taken/],
    ['# in the middle', { topics: ['a/#/b'] }, 'topics[0]', /last level/],
    ['a quantity that is none', { values: { power: 'p' } }, 'values.power', /not a quantity/],
    ['a unit that does not fit', { values: { active_power: { from: 'p', unit: 'kWh' } } }, 'values.active_power.unit', /cannot be converted/],
    ['a zone that is none', { zone: 'Moon' }, 'zone', /not a zone/],
    ['a zone that is several', { zone: 'CST' }, 'zone', /Asia\/Shanghai; a short name such as CST stands for several/],
    ['a time pattern that is none', { time: { from: 't', as: 'QQ' } }, 'time.as', /QQ|year/],
    ['no values', { values: undefined }, '', /neither/],
    ['an unknown key', { metre: 'x' }, '', /unknown key "metre"/],
    ['a value without its expression', { values: { active_power: { unit: 'W' } } }, 'values.active_power', /"from" is missing/],
    ['a flag that is none', { flag: { from: 'q', map: { a: 'awful' } } }, 'flag.map.a', /must be one of/],
  ];
  for (const [name, change, path, message] of rows) {
    it(`${name} is told with its place`, () => {
      const { values, ...rest } = { ...BODY, ...(change as Partial<MappingBody>) };
      const faults = mappingFaults(values === undefined ? rest : { ...rest, values });
      expect(faults.map((fault) => fault.path)).to.include(path);
      expect(faults.find((fault) => fault.path === path)?.message).to.match(message);
    });
  }
});

describe('ingest/mappings, numbers as texts', () => {
  const rows: readonly (readonly [string, number | null, (string | null)?, ('.' | ',')?])[] = [
    ['12.4 kW', 12.4, 'kW'],
    ['12.4kW', 12.4, 'kW'],
    ['1,234.5', 1234.5, null],
    ['1.234,5 kWh', 1234.5, 'kWh'],
    ['12,5', 12.5, null],
    ['0,234', 0.234, null],
    ['1,234', null],
    ['1,234', 1234, null, '.'],
    ['1,234', 1.234, null, ','],
    ['1.234', 1.234, null],
    ['1.234', 1234, null, ','],
    ['1,234,567', 1234567, null],
    ["1'234.5", 1234.5, null],
    ['1 234,5 m³/h', 1234.5, 'm³/h'],
    ['-3e2 W', -300, 'W'],
    ['+7', 7, null],
    ['.5', 0.5, null],
    ['12,34.5', null],
    ['1.2.3', null],
    ['kW', null],
    ['', null],
    ['0x1F', 0, 'x1F'],
    ['NaN', null],
    ['-', null],
  ];
  for (const [text, value, unit, decimal] of rows) {
    it(`${JSON.stringify(text)}${decimal === undefined ? '' : ` with ${decimal} as decimal sign`} is ${value === null ? 'refused' : `${value} ${unit ?? ''}`}`, () => {
      const read = readAmount(text, decimal);
      if (value === null) expect(read).to.be.a('string');
      else expect(read).to.deep.equal({ value, unit: unit ?? null });
    });
  }
});

describe('ingest/mappings, times', () => {
  const AT = Date.UTC(2026, 0, 15, 4);
  const rows: readonly (readonly [string, unknown, number | null | RegExp, string?])[] = [
    ['auto', AT / 1000, AT],
    ['auto', AT, AT],
    ['auto', AT * 1000, AT],
    ['auto', AT * 1e6, AT],
    ['auto', String(AT), AT],
    ['auto', AT / 1000 + 0.25, AT + 250],
    ['auto', '2026-01-15T04:00:00Z', AT],
    ['auto', '2026-01-15T12:00:00+08:00', AT],
    ['auto', '2026-01-15T12:00:00', /a zone/],
    ['auto', '2026-01-15T12:00:00', AT, 'Asia/Shanghai'],
    ['auto', '2026-01-15 05:00', AT, '+01:00'],
    ['auto', null, null],
    ['auto', 'yesterday', /ISO 8601/],
    ['auto', {}, /seconds or milliseconds/],
    // A date and time, not the year 2612.
    ['auto', 20260115120000, /^seconds or milliseconds since 1970; this looks like YYYYMMDDHHmmss: .*zone.*\$string/],
    ['auto', '20260115120000', /this looks like YYYYMMDDHHmmss: [^$]*$/, 'Asia/Shanghai'],
    ['auto', '20260115120000250', /this looks like YYYYMMDDHHmmssSSS:/],
    ['auto', 20260115, /^seconds or milliseconds since 1970; this looks like YYYYMMDD: set "as" to that .*\$string/],
    ['auto', '20260115', /this looks like YYYYMMDD: [^$]*$/],
    ['seconds', '202601151200', /^seconds since 1970; this looks like YYYYMMDDHHmm:/],
    ['YYYYMMDD', '20260115', Date.UTC(2026, 0, 14, 16), 'Asia/Shanghai'],
    ['milliseconds', 20260115120000, /^milliseconds since 1970; this looks like YYYYMMDDHHmmss:/],
    ['milliseconds', 'soon', /milliseconds since 1970/],
    ['YYYYMMDDHHmmss', '20260115120000', AT, 'Asia/Shanghai'],
    ['YYYYMMDDHHmmss', '2026-01-15 12:00', /^a time of the form YYYYMMDDHHmmss$/],
    ['YYYYMMDDHHmmss', 20260115120000, /^a text, a time of the form YYYYMMDDHHmmss$/],
    ['iso', 'noon', /^ISO 8601, e\.g\. 2026/],
    // The clock shows 02:30 twice; the message came shortly after the second one.
    ['iso', '2026-10-25T02:30:00', Date.UTC(2026, 9, 25, 1, 30), 'Europe/Berlin'],
    ['iso', '2026-03-29T02:30:00', /set forward/, 'Europe/Berlin'],
  ];
  for (const [as, value, answer, zone] of rows) {
    it(`${JSON.stringify(value)} as ${as}${zone === undefined ? '' : ` in ${zone}`} is ${answer instanceof RegExp ? 'refused' : answer}`, () => {
      const read = compileTime(as, zone === undefined ? null : new WallClock(zone)) as TimeReader;
      const found = read(value, Date.UTC(2026, 9, 25, 1, 31));
      if (answer instanceof RegExp) expect(found).to.match(answer);
      else expect(found).to.equal(answer);
    });
  }
});

describe('ingest/mappings, topics', () => {
  const rows: readonly (readonly [string, string, Readonly<Record<string, string>> | null])[] = [
    ['tele/{meter}/SENSOR', 'tele/m-1/SENSOR', { meter: 'm-1' }],
    ['tele/{meter}/SENSOR', 'tele/m-1/STATE', null],
    ['tele/{meter}/SENSOR', 'tele/m-1/x/SENSOR', null],
    ['tele/{meter}/SENSOR', 'tele//SENSOR', null],
    ['a/dev-{id}_e/x', 'a/dev-7_e/x', { id: '7' }],
    ['a/+/{m}/#', 'a/b/c/d/e', { m: 'c', rest: 'd/e' }],
    ['a/{m}/#', 'a/c', { m: 'c', rest: '' }],
    ['a/b', 'a/b', {}],
  ];
  for (const [filter, topic, places] of rows) {
    it(`${filter} ${places === null ? 'does not take' : 'takes'} ${topic}`, () => {
      const made = compileTopicFilter(filter);
      if (typeof made === 'string') throw new Error(made);
      expect(made.match(topic)).to.deep.equal(places);
    });
  }

  for (const filter of ['parks/north/#', 'parks/north/meters/m-1/readings', 'spBv1.0/plantB/#', 'parks', '$SYS/broker/clients', '$share/x/y', '$x{id}/y']) {
    it(`${filter} is not a mapping's`, () => {
      expect(compileTopicFilter(filter)).to.match(/^"[^"]+": topics below [^ ]+ are not a mapping's; begin it with another level of text$/);
    });
  }

  for (const filter of ['#', '+/#', '{x}/p/meters/{m}/readings', '+/+/NDATA/+']) {
    it(`${filter} is refused, as it would take what is not a mapping's`, () => {
      expect(compileTopicFilter(filter)).to.match(/would also take topics such as /);
    });
  }

  it('may have these words elsewhere, or as the beginning of a word', () => {
    for (const filter of ['a/parks/#', 'parks2/{m}', 'a/spBv1.0/b', 'a/$b/c']) expect(compileTopicFilter(filter), filter).to.not.be.a('string');
  });

  it('are asked of a broker with + for each place', () => {
    for (const [filter, subscription, wider] of [
      ['a/dev-{id}/{x}/b/#', 'a/+/+/b/#', true],
      ['a/{id}/+', 'a/+/+', false],
    ] as const) {
      expect(compileTopicFilter(filter)).to.deep.include({ subscription, wider });
    }
  });

  it('overlap where one topic is taken by both', () => {
    for (const [one, other, both] of [
      ['a/#', 'a/+/set', true],
      ['a/#', 'a', true],
      ['a/+', '+/b', true],
      ['a/+', 'a/b/c', false],
      ['a/+', 'a', false],
      ['a/b/#', 'a/c', false],
    ] as const) {
      expect([overlap(one, other), overlap(other, one)], `${one} and ${other}`).to.deep.equal([both, both]);
    }
  });
});
