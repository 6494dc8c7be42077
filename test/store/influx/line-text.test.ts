import { expect } from 'chai';
import fc from 'fast-check';
import { LineText, Text } from '../../../store/influx/line-text.ts';
import { fuzzRuns } from '../../fuzz-runs.ts';

const written = (value: number): string => {
  const text = new LineText();
  text.number(Float64Array.of(value), 0);
  return text.bytes.toString();
};

describe('text of lines', () => {
  const numbers: readonly (readonly [number, string])[] = [
    [0, '0'],
    [-0, '0'],
    [7, '7'],
    [-7.5, '-7.5'],
    [0.1, '0.1'],
    [0.05, '0.05'],
    [0.001, '0.001'],
    [1.01, '1.01'],
    [100, '100'],
    [1_000_000_000, '1000000000'],
    [1_000_000_005.25, '1000000005.25'],
    [1_767_225_600_000, '1767225600000'],
    [9_007_199_254_740.99, '9007199254740.99'],
    [2 ** 53, '9007199254740992'],
    [1 / 3, '0.3333333333333333'],
    [1e-7, '1e-7'],
    [1e21, '1e+21'],
    [5e-324, '5e-324'],
  ];
  for (const [value, text] of numbers) it(`writes ${text}`, () => expect(written(value)).to.equal(text));

  it('writes every finite number so that the same one is read', () => {
    const any = fc.double({ noNaN: true, noDefaultInfinity: true });
    const usual = fc.tuple(fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }), fc.integer({ min: 0, max: 4 })).map(([n, digits]) => n / 10 ** digits);
    fc.assert(
      fc.property(fc.oneof(any, usual, fc.maxSafeInteger()), (value) => {
        expect(Number(written(value))).to.equal(value === 0 ? 0 : value);
      }),
      { numRuns: fuzzRuns(5000) },
    );
  });

  it('grows, keeps characters of every width, and begins anew', () => {
    const text = new LineText();
    const parts = Array.from({ length: 30_000 }, (_, at) => (at % 3 === 0 ? '甲🏭é' : 'ab'));
    for (const part of parts) text.string(part);
    text.append(new Text('end'));
    text.byte(0x21);
    expect(text.bytes.toString()).to.equal(`${parts.join('')}end!`);
    const { length } = text;
    text.repeat(0, length);
    expect(text.bytes.subarray(length).equals(text.bytes.subarray(0, length))).to.equal(true);
    text.clear();
    text.string('ascii');
    text.number(Float64Array.of(7, 2.5), 1);
    expect(text.bytes.toString()).to.equal('ascii2.5');
  });

  it('is a body with nothing but empty lines behind it, few where much is sent', () => {
    const text = new LineText();
    for (const lines of [0, 1, 20, 1999, 40_000, 40_500, 39_000, 3, 41_000]) {
      text.clear();
      for (let line = 0; line < lines; line++) text.string(`line ${line}\n`);
      const { length } = text;
      const body = Buffer.from(text.body());
      expect(body.subarray(0, length).equals(text.bytes)).to.equal(true);
      expect(body.subarray(length).every((byte) => byte === 0x0a)).to.equal(true);
      expect(body.length).to.be.within(length, length * 1.07 + 8);
    }
  });

  it('sends the memory of a text that is about as long as the one before, and copies nothing', () => {
    const text = new LineText();
    const bodies = [50_000, 50_200, 49_000].map((lines) => {
      text.clear();
      for (let line = 0; line < lines; line++) text.string('a line\n');
      return text.body();
    });
    expect(new Set(bodies).size).to.equal(1);
  });
});
