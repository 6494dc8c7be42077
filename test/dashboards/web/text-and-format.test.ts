import { expect } from 'chai';
import { ageText, Format, whole } from '../../../dashboards/web/format.ts';
import { en } from '../../../dashboards/web/i18n/en.ts';
import { nameIn, textIn } from '../../../dashboards/web/i18n/text.ts';
import { zh } from '../../../dashboards/web/i18n/zh.ts';

const parameters = (sentence: string) => (sentence.match(/\{\w+\}/g) ?? []).sort();

describe('the two languages', () => {
  it('say the same things with the same parameters', () => {
    expect(Object.keys(en).sort()).to.deep.equal(Object.keys(zh).sort());
    for (const key of Object.keys(zh) as (keyof typeof zh)[]) expect(parameters(en[key]), key).to.deep.equal(parameters(zh[key]));
  });

  it('leave no Chinese in the English sentences, but for the switch to Chinese', () => {
    const left = Object.entries(en).filter(([key, sentence]) => key !== 'language.switch' && /\p{Script=Han}/u.test(sentence));
    expect(left).to.deep.equal([]);
  });

  it('show a parameter that is missing instead of hiding it', () => {
    expect(textIn('en')('age.minutes')).to.equal('{n} min ago');
  });

  it('fall back to the Chinese name where there is no English one', () => {
    expect(nameIn('en', { name: '纸厂', nameEn: null })).to.equal('纸厂');
    expect(nameIn('en', { name: '钢厂', nameEn: 'Steel works' })).to.equal('Steel works');
    expect(nameIn('zh-CN', { name: '钢厂', nameEn: 'Steel works' })).to.equal('钢厂');
  });
});

describe('numbers and times', () => {
  const zh_ = new Format('zh-CN', 'Asia/Shanghai');
  for (const [name, shown, expected] of [
    ['power below 100 kW with a digit', whole(zh_.power(12.34)), '12.3\u00a0kW'],
    ['power of a park in MW', whole(zh_.power(24_196)), '24.20\u00a0MW'],
    ['missing power as a dash, not as zero', whole(zh_.power(null)), '–\u00a0kW'],
    ['zero as a measurement', whole(zh_.power(0)), '0.0\u00a0kW'],
    ['a rounded negative nothing without its sign', zh_.number(-0.04, 1), '0.0'],
    ['a quantity in its own digits and unit', whole(zh_.quantity('active_energy_import', 48211.4)), '48,211.40\u00a0kWh'],
    ['a quantity without dimension without a unit', whole(zh_.quantity('ph', 7.3)), '7.30'],
    ['many kilowatt-hours as megawatt-hours', whole(zh_.used(281_200, 'kWh')), '281.20\u00a0MWh'],
    ['a share in percent', zh_.percent(0.932), '93.2%'],
    ['a time in the park’s zone', zh_.clock(Date.UTC(2026, 0, 1, 16, 5, 9)), '00:05:09'],
    ['the day of the park’s zone', zh_.dayMinute(Date.UTC(2026, 0, 1, 16, 5)), '01/02 00:05'],
  ] as const) {
    it(`shows ${name}`, () => expect(shown).to.equal(expected));
  }

  for (const [ms, expected] of [
    [-7_200_000, '2 h ahead'],
    [-750_000, '12 min ahead'],
    [-60_000, 'just now'],
    [-5000, 'just now'],
    [4999, 'just now'],
    [59_000, '59 s ago'],
    [150_000, '2 min ago'],
    [2 * 3_600_000, '2 h ago'],
    [3 * 86_400_000, '3 d ago'],
  ] as const) {
    it(`says "${expected}" of ${ms} ms`, () => expect(ageText(textIn('en'), ms)).to.equal(expected));
  }
});
