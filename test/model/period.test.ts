import { expect } from 'chai';
import fc from 'fast-check';
import { isoIn, isTimeZone, periodOf, periodsBetween } from '../../model/period.ts';

const at = (iso: string) => Date.parse(iso);
const HOUR = 3_600_000;

describe('calendar periods', () => {
  const cases = [
    {
      name: 'a day in Shanghai begins at 16:00 UTC',
      ts: '2026-03-10T17:00:00Z',
      period: 'day',
      zone: 'Asia/Shanghai',
      from: '2026-03-10T16:00:00Z',
      to: '2026-03-11T16:00:00Z',
    },
    {
      name: 'midnight belongs to the day that it opens',
      ts: '2026-03-10T16:00:00Z',
      period: 'day',
      zone: 'Asia/Shanghai',
      from: '2026-03-10T16:00:00Z',
      to: '2026-03-11T16:00:00Z',
    },
    {
      name: 'a month follows the calendar, not thirty days',
      ts: '2026-02-14T00:00:00Z',
      period: 'month',
      zone: 'Asia/Shanghai',
      from: '2026-01-31T16:00:00Z',
      to: '2026-02-28T16:00:00Z',
    },
    {
      name: 'a leap February has its 29th',
      ts: '2028-02-28T20:00:00Z',
      period: 'month',
      zone: 'Asia/Shanghai',
      from: '2028-01-31T16:00:00Z',
      to: '2028-02-29T16:00:00Z',
    },
    {
      name: 'a year turns at the zone’s new year',
      ts: '2025-12-31T16:00:00Z',
      period: 'year',
      zone: 'Asia/Shanghai',
      from: '2025-12-31T16:00:00Z',
      to: '2026-12-31T16:00:00Z',
    },
    {
      name: 'the day on which clocks go forward has 23 hours',
      ts: '2026-03-29T12:00:00Z',
      period: 'day',
      zone: 'Europe/Berlin',
      from: '2026-03-28T23:00:00Z',
      to: '2026-03-29T22:00:00Z',
    },
    {
      name: 'the day on which clocks go back has 25 hours',
      ts: '2026-10-25T12:00:00Z',
      period: 'day',
      zone: 'Europe/Berlin',
      from: '2026-10-24T22:00:00Z',
      to: '2026-10-25T23:00:00Z',
    },
    {
      name: 'a zone of half hours keeps its own full hours',
      ts: '2026-03-10T10:10:00Z',
      period: 'hour',
      zone: 'Asia/Kolkata',
      from: '2026-03-10T09:30:00Z',
      to: '2026-03-10T10:30:00Z',
    },
    {
      name: 'Shanghai before 1992 is read from the zone’s history (summer time)',
      ts: '1990-07-01T00:00:00Z',
      period: 'day',
      zone: 'Asia/Shanghai',
      from: '1990-06-30T15:00:00Z',
      to: '1990-07-01T15:00:00Z',
    },
  ] as const;
  for (const { name, ts, period, zone, from, to } of cases) {
    it(name, () => expect(periodOf(at(ts), period, zone)).to.deep.equal({ from: at(from), to: at(to) }));
  }

  it('hold their instant and follow each other without a gap, in any zone', () => {
    const zones = fc.constantFrom('Asia/Shanghai', 'UTC', 'Europe/Berlin', 'America/Sao_Paulo', 'Asia/Kolkata');
    const periods = fc.constantFrom('hour', 'day', 'month', 'year' as const);
    fc.assert(
      fc.property(fc.integer({ min: at('1993-01-01T00:00:00Z'), max: at('2090-01-01T00:00:00Z') }), zones, periods, (ts, zone, period) => {
        const here = periodOf(ts, period, zone);
        expect(here.from <= ts && ts < here.to).to.equal(true);
        expect(periodOf(here.to, period, zone).from).to.equal(here.to);
        expect(periodOf(here.to - 1, period, zone)).to.deep.equal(here);
      }),
      { numRuns: 300 },
    );
  });

  it('between two instants are all that touch the range, in order', () => {
    const days = periodsBetween(at('2026-01-30T20:00:00Z'), at('2026-02-02T00:00:00Z'), 'day', 'Asia/Shanghai');
    expect(days.map((day) => isoIn(day.from, 'Asia/Shanghai').slice(0, 10))).to.deep.equal(['2026-01-31', '2026-02-01', '2026-02-02']);
    expect(days.every((day) => day.to - day.from === 24 * HOUR)).to.equal(true);
  });
});

describe('a time zone', () => {
  it('is one that can be computed with: no short name that stands for several', () => {
    expect(['Asia/Shanghai', 'UTC', 'Etc/GMT-8', 'America/Sao_Paulo'].filter(isTimeZone)).to.have.length(4);
    expect(['CST', 'IST', 'PST', 'Beijing', ''].filter(isTimeZone)).to.deep.equal([]);
  });
});

describe('times for people', () => {
  it('carry the offset of their zone', () => {
    expect(isoIn(at('2026-01-01T00:00:00Z'), 'Asia/Shanghai')).to.equal('2026-01-01T08:00:00.000+08:00');
    expect(isoIn(at('2026-07-01T00:00:00Z'), 'Europe/Berlin')).to.equal('2026-07-01T02:00:00.000+02:00');
    expect(isoIn(at('2026-07-01T00:00:00Z'), 'UTC')).to.equal('2026-07-01T00:00:00.000Z');
  });
});
