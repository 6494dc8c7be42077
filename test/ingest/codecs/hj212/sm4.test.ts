import { expect } from 'chai';
import fc from 'fast-check';
import { isSealed, seal, unseal } from '../../../../ingest/codecs/hj212/sm4.ts';
import { fuzzRuns } from '../../../fuzz-runs.ts';

const KEY = Buffer.from('0123456789abcdeffedcba9876543210', 'hex');
const OTHER = Buffer.from('fedcba98765432100123456789abcdef', 'hex');
const written = (hex: string): string => `{${(hex.match(/../g) ?? []).map((byte) => `0x${byte.toUpperCase()}`).join(',')}}`;

describe('HJ 212 encrypted with SM4', () => {
  it('has the standard’s vector, and what is left of the last group stays plain', () => {
    const plain = KEY.toString('latin1');
    expect(seal(plain, KEY)).to.equal(written('681edf34d206965e86b3e94f536e4246'));
    expect(seal(`${plain}a=1`, KEY)).to.equal(`${written('681edf34d206965e86b3e94f536e4246')}a=1`);
  });

  it('becomes what it was, of any length, in one run of groups or in several', () => {
    const text = fc.stringMatching(/^[A-Za-z0-9=;,.-]{0,950}$/);
    fc.assert(
      fc.property(text, fc.nat(40), (cp, groups) => {
        const at = Math.min(groups * 16, cp.length - (cp.length % 16));
        for (const sealed of [seal(cp, KEY), seal(cp.slice(0, at), KEY) + seal(cp.slice(at), KEY)]) {
          expect(isSealed(sealed)).to.equal(cp.length >= 16);
          expect(unseal(`MN=A;CP=&&${sealed}&&`, KEY)).to.equal(`MN=A;CP=&&${cp}&&`);
        }
      }),
      { numRuns: fuzzRuns() },
    );
  });

  const sealed = seal('DataTime=20260101080000;a21026-Rtd=12.5', KEY);
  const faulty = [
    ['with another key', sealed, OTHER],
    ['with a byte missing', sealed.replace('0x', '').replace(/^\{..,/, '{'), KEY],
    ['with a byte that is none', sealed.replace(/0x../, '0xZZ'), KEY],
    ['that does not end', sealed.replace('}', ''), KEY],
  ] as const;
  for (const [title, text, key] of faulty) it(`is no text ${title}`, () => expect(unseal(text, key)).to.equal(null));
});
