import { expect } from 'chai';
import { stretchesOf } from '../../api/steps-in-zone.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const at = (text: string): number => Date.parse(text);

/** The first instants of all steps that a range is divided into. */
function beginnings(from: string, to: string, step: number, zone: string): string[] {
  return stretchesOf({ from: at(from), to: at(to) }, step, zone).flatMap((stretch) => {
    const begins: string[] = [];
    for (let begin = stretch.origin; begin < stretch.to; begin += stretch.step) begins.push(new Date(begin).toISOString());
    return begins;
  });
}

describe('steps in the zone of a park', () => {
  const CASES: readonly { readonly what: string; readonly from: string; readonly to: string; readonly step: number; readonly begins: readonly string[] }[] = [
    {
      what: 'days begin at midnight before and after the clock goes forward',
      from: '2026-03-27T23:00:00Z',
      to: '2026-03-31T22:00:00Z',
      step: DAY,
      begins: ['2026-03-27T23:00', '2026-03-28T23:00', '2026-03-29T22:00', '2026-03-30T22:00'],
    },
    {
      what: 'days begin at midnight before and after the clock goes back',
      from: '2026-10-23T22:00:00Z',
      to: '2026-10-27T23:00:00Z',
      step: DAY,
      begins: ['2026-10-23T22:00', '2026-10-24T22:00', '2026-10-25T23:00', '2026-10-26T23:00'],
    },
    {
      what: 'two days together begin at a midnight too',
      from: '2026-10-23T22:00:00Z',
      to: '2026-10-27T23:00:00Z',
      step: 2 * DAY,
      begins: ['2026-10-23T22:00', '2026-10-25T23:00'],
    },
    {
      what: 'six hours are counted anew from the midnight after the change',
      from: '2026-03-28T23:00:00Z',
      to: '2026-03-30T10:00:00Z',
      step: 6 * HOUR,
      begins: [...['2026-03-28T23:00', '2026-03-29T05:00', '2026-03-29T11:00', '2026-03-29T17:00'], ...['2026-03-29T22:00', '2026-03-30T04:00']],
    },
  ];
  for (const { what, from, to, step, begins } of CASES) {
    it(what, () => expect(beginnings(from, to, step, 'Europe/Berlin')).to.deep.equal(begins.map((begin) => `${begin}:00.000Z`)));
  }

  it('makes the day of the change its own, 23 or 25 hours long', () => {
    const year = stretchesOf({ from: at('2025-12-31T23:00:00Z'), to: at('2026-12-31T23:00:00Z') }, DAY, 'Europe/Berlin');
    expect(year.map(({ step }) => step / HOUR)).to.deep.equal([24, 23, 24, 25, 24]);
    expect(year.map(({ from }) => from)).to.deep.equal([year[0]?.from, ...year.slice(0, -1).map(({ to }) => to)], 'nothing is left out, nothing asked twice');
  });

  it('asks once where no clock changes, however long', () => {
    const from = at('2020-01-01T05:00:00Z');
    expect(stretchesOf({ from, to: from + 1000 * DAY }, DAY, 'Asia/Shanghai')).to.deep.equal([
      { from, to: from + 1000 * DAY, step: DAY, origin: at('2019-12-31T16:00:00Z') },
    ]);
  });

  it('keeps what no day can be divided by in one row', () => {
    const range = { from: at('2026-03-28T23:00:00Z'), to: at('2026-04-02T00:00:00Z') };
    expect(stretchesOf(range, 7 * HOUR, 'Europe/Berlin')).to.deep.equal([{ ...range, step: 7 * HOUR, origin: range.from }]);
  });
});
