import { expect } from 'chai';
import jsonata from 'jsonata';
import { compileMapping } from '../../../ingest/mappings/compile.ts';
import { compileExpression, ExpressionFault } from '../../../ingest/mappings/expression.ts';
import { runMapping } from '../../../ingest/mappings/run.ts';
import { QUANTITIES } from '../../../model/quantities.ts';

const BINDINGS = { topic: {}, received: 0, message: {} };
const evaluated = async (text: string, input: unknown = {}): Promise<unknown> => compileExpression(text).evaluate(input, BINDINGS);
const faultOf = async (text: string): Promise<ExpressionFault> => {
  try {
    await evaluated(text);
  } catch (error) {
    if (error instanceof ExpressionFault) return error;
    throw error;
  }
  throw new Error(`${text} was evaluated`);
};
/** A text doubled so many times. */
const doubled = (times: number): string => `$reduce([1..${times}], function($a, $x){ $a & $a }, "xxxxxxxx")`;

describe('an expression that would keep the service from everything else', () => {
  for (const [what, text] of [
    ['a text that is doubled', `$length(${doubled(25)})`],
    ['many long texts', `$sum($map([1..5000], function($x){ $length(${doubled(16)}) }))`],
    ['a structure that is written out', `$length($string($map([1..90], function($x){ ${doubled(12)} & $x })))`],
    ['a long list', '$count($split($pad("", 9999, "ab"), ""))&$count([1..100001])'],
  ] as const) {
    it(`is stopped: ${what}`, async () => {
      const began = performance.now();
      await faultOf(text);
      expect(performance.now() - began).to.be.below(3000);
    });
  }

  const longer = (name: string, times: number): string => `$${name} := $append($${name}, $${name}); `.repeat(times);
  const nested = (name: string): string => `$${name} := {"x": 1}; ${`$${name} := {"x": $${name}, "y": $${name}}; `.repeat(40)}`;
  const LONG = '$t := $pad("x", 10000, "x"); $t := $join([1..100].$t)';
  const wide = '$o := $merge([1..5000].{"k" & $: $}); $a := [$o];';
  // One step each, between two looks at the watch.
  const big: Readonly<Record<string, string>> = {
    'equal long texts that are sorted': `(${LONG}; $a := [$t & "a", $t & "b", $t & "a", $t & "b"]; ${longer('a', 13)} $sort($a))`,
    'equal long texts that are told apart': `(${LONG}; $a := [$t & "a", $t & "a", $t & "a"]; ${longer('a', 15)} $distinct($a))`,
    'a long text that is looked for': `(${LONG}; $a := [$t & "b"]; ${longer('a', 16)} $b := $t & "a"; $b in $a)`,
    'long texts that are joined': `(${LONG}; $a := ["a"]; ${longer('a', 9)} $join($a, $t))`,
    'one object, merged with itself': `(${wide} ${longer('a', 16)} $merge($a))`,
    'the keys of one object, many times': `(${wide} ${longer('a', 16)} $keys($a))`,
    'objects that hold one another, compared': `(${nested('a')} ${nested('b')} $a = $b)`,
    'objects that hold one another, copied': `(${nested('a')} $a ~> |x|{"z": 1}|)`,
    'objects that hold one another, told apart': `(${nested('a')} ${nested('b')} $distinct([$a, $b]))`,
    'lists that hold one another, in a path': `($a := [[0]]; ${'$a := [[$a], [$a]]; '.repeat(40)} $a.k)`,
    'lists that hold one another, in a condition': `($a := [[0]]; ${'$a := [[$a], [$a]]; '.repeat(40)} $a ? 1 : 2)`,
    'a list that grows item by item': '$reduce([1..90000], $append)',
    'a time that can be read in many ways': `$toMillis("${'1'.repeat(60)}y", "[Y]1[M]1[D]1[d]1[H]1[h]1[m]1[s]x")`,
  };
  for (const [what, text] of Object.entries(big)) {
    it(`${what}: is stopped in time`, async function () {
      this.timeout(60_000);
      const from = performance.now();
      await faultOf(text);
      expect(performance.now() - from).to.be.below(4000);
    });
  }

  it('many items are sorted at once', async () => {
    const from = performance.now();
    expect(await evaluated('$sort([1..50000])[0]')).to.equal(1);
    expect(performance.now() - from).to.be.below(2000);
  });

  it('answers as JSONata itself in all else', async () => {
    const input = {
      a: { c: [3, 1, 2] },
      list: [
        { k: 'x', n: 2 },
        { k: 'y', n: 1 },
      ],
      t: ['b', 'a', 'b'],
      s: 'solo',
      none: [],
      o: { p: { q: 1 }, f: 0.1 },
    };
    for (const text of [
      ...['a.$keys()', '$keys(list)', '$keys(list[0].k)', '$keys(none)', '$keys([[{"a": 1}], {"b": 2}])', '$keys({"a": 1})', '$map(list, $keys)'],
      ...['a.c ~> $sort', '$sort(s)', '$sort(nothing)', '$sort(none)', '$sort(list, function($l, $r) { $l.n > $r.n })', 'list^(>n).k', '$sort(t)'],
      ...['($f := $append(?, [3]); $f([1, 2]))', '$append([[1]], [2])', '$append(nothing, nothing)', '$append({"a": 1}, {"b": 2})', '$append(none, none)'],
      ...[
        '($f := $join(?, "-"); $f(t))',
        '$join(s, ",")',
        '$join(nothing)',
        '$join(none)',
        '$join(t)',
        '$reduce(list.n, $append)',
        '$reduce(a.c, $append, [])',
      ],
      ...[
        '$merge(list)',
        '$merge(list[n > 1])',
        '$merge(nothing)',
        '$merge([])',
        'o ~> |p|{"r": 2}, ["q"]|',
        '$ ~> |list|{"z": k & "!"}|',
        'o = o',
        '"a" in t',
      ],
      ...['"2026-01-15T12:00:00+08:00".$toMillis()', '$toMillis(nothing)', '$toMillis("Thursday, 15th January 2026", "[FNn], [D1o] [MNn] [Y]")'],
    ]) {
      const asJson = (found: unknown) => JSON.stringify(found) ?? 'nothing';
      expect(asJson(await evaluated(text, input)), text).to.equal(asJson(await jsonata(text).evaluate(input)));
    }
  });

  it('rests afterwards where a text grew', async () => {
    expect((await faultOf(doubled(25))).runaway).to.equal(true);
  });

  it('is none where values are told apart that are many and small', async () => {
    expect(await evaluated('$count($distinct([1..50000]))')).to.equal(50_000);
    expect(await evaluated('$distinct(["a", 1, "a", true, 1, {"b": 1, "c": [2]}, {"c": [2], "b": 1}, null, null])')).to.deep.equal([
      'a',
      1,
      true,
      { b: 1, c: [2] },
      null,
    ]);
    expect(await evaluated('$distinct(list.x)', { list: [{ x: 4 }, { x: 4 }] })).to.equal(4);
    expect((await faultOf('$distinct([1..200].{"n": $})')).message).to.match(/at most 100 objects/);
  });

  for (const [text, answer] of [
    ['a & b & 1.5 & nothing & true & [1, "x"] & {"k": 0.1}', 'ab1.5true[1,"x"]{"k":0.1}'],
    ['a & (b & "!")', 'ab!'],
    ['list.(x & "-")', ['1-', '2-']],
    ['$string(0.1 + 0.2)', '0.3'],
    ['list.$string()', ['{"x":1}', '{"x":2}']],
    ['$string({"k": [1]}, true)', '{\n  "k": [\n    1\n  ]\n}'],
  ] as const) {
    it(`is not one that puts texts together as JSONata does: ${text}`, async () => {
      expect(await evaluated(text, { a: 'a', b: 'b', list: [{ x: 1 }, { x: 2 }] })).to.deep.equal(answer);
    });
  }
});

describe('a mapping of many expressions, none of which takes long', () => {
  const QUICK = '$sum($map([1..20000], function($x) { $x }))';
  const ran = (most: number) => {
    const values = Object.fromEntries(QUANTITIES.slice(0, most).map(({ name }) => [name, QUICK]));
    const mapping = compileMapping({ name: 'x', enabled: true, topics: ['t/{m}'], meter: '"m-1"', values });
    return runMapping(mapping, {}, { topic: {}, received: 0 });
  };

  it('lets others have their turn between them', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const { frames } = await ran(10);
    clearInterval(timer);
    expect(frames).to.have.length(1);
    expect(turns).to.be.above(2);
  });

  it('is stopped when they take too long for one message together', async function () {
    this.timeout(60_000);
    const began = performance.now();
    expect((await ran(QUANTITIES.length)).runaway).to.equal(true);
    expect(performance.now() - began).to.be.below(5000);
  });
});
