import { expect } from 'chai';
import fc from 'fast-check';
import { LineText, Phrase } from '../../../store/influx/line-text.ts';
import { fuzzRuns } from '../../fuzz-runs.ts';

const numberText = (value: number): string => {
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
  for (const [value, text] of numbers) it(`writes ${text}`, () => expect(numberText(value)).to.equal(text));

  it('writes every finite number so that the same one is read', () => {
    const any = fc.double({ noNaN: true, noDefaultInfinity: true });
    const usual = fc.tuple(fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }), fc.integer({ min: 0, max: 4 })).map(([n, digits]) => n / 10 ** digits);
    fc.assert(
      fc.property(fc.oneof(any, usual, fc.maxSafeInteger()), (value) => {
        expect(Number(numberText(value))).to.equal(value === 0 ? 0 : value);
      }),
      { numRuns: fuzzRuns(5000) },
    );
  });

  it('grows, keeps characters of every width, and begins anew', () => {
    const text = new LineText();
    const parts = Array.from({ length: 30_000 }, (_, at) => (at % 3 === 0 ? '甲🏭é' : 'ab'));
    for (const part of parts) text.string(part);
    text.append(new Phrase('end'));
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

  const written = (text: LineText, lines: number): ArrayBuffer => {
    text.clear();
    for (let line = 0; line < lines; line++) text.string(`line ${line}\n`);
    return text.body();
  };

  it('is a body with nothing but a few empty lines behind it, whatever was before', () => {
    const text = new LineText();
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(20), fc.integer({ min: 39_000, max: 41_000 })), { minLength: 1, maxLength: 20 }), (all) => {
        for (const lines of all) {
          const body = Buffer.from(written(text, lines));
          const { length } = text;
          expect(body.subarray(0, length).equals(text.bytes)).to.equal(true);
          expect(body.subarray(length).every((byte) => byte === 0x0a)).to.equal(true);
          expect(body.length).to.be.within(length, length * 1.016);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('sends its memory itself once texts are about as long as those before, and copies those that are shorter', () => {
    const text = new LineText();
    for (let nth = 0; nth < 8; nth++) written(text, 50_000 - nth);
    const memory = written(text, 50_000);
    expect([49_900, 50_100].map((lines) => written(text, lines) === memory)).to.deep.equal([true, true]);
    const short = written(text, 1000);
    expect(short === memory).to.equal(false);
    const before = Buffer.from(short).toString();
    expect(written(text, 49_990) === memory).to.equal(true);
    expect(Buffer.from(short).toString()).to.equal(before);
  });
});
