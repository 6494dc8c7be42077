import { expect } from 'chai';
import { compileExpression, ExpressionFault } from '../../../ingest/mappings/expression.ts';

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
