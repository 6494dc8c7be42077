import { expect } from 'chai';
import { LONGEST, move, RANGES, SHORTEST, stepFor, zoom } from '../../../dashboards/web/chart/ranges.ts';
import { MOST_POINTS, type SeriesPoint, SeriesWindow } from '../../../dashboards/web/chart/series-window.ts';
import { dayBegin, stepBegin } from '../../../dashboards/web/chart/step-begin.ts';
import { seriesSummary, seriesTable } from '../../../dashboards/web/views/series.ts';
import type { QualityName } from '../../../model/quality.ts';
import { readerFor } from './reader-for.ts';

const T0 = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const ZONE = 'Asia/Shanghai';
const at = (minutes: number, value: number, quality: QualityName = 'good'): SeriesPoint => ({
  ts: T0 + minutes * MINUTE,
  value,
  min: value - 1,
  max: value + 1,
  count: 2,
  quality,
});

describe('the step of a chart', () => {
  it('is raw where a screen can show every reading, and the finest that fits elsewhere', () => {
    expect(stepFor(15 * MINUTE, 60)).to.equal(null);
    expect(stepFor(24 * 60 * MINUTE, 5)).to.equal(5 * MINUTE);
    expect(stepFor(7 * 24 * 60 * MINUTE, 60)).to.equal(15 * MINUTE);
  });

  it('asks for raw readings or a step that gives no more points than a screen shows, for each range and interval', () => {
    for (const { ms } of RANGES)
      for (const interval of [1, 5, 60, 900, 86_400]) {
        const step = stepFor(ms, interval);
        expect(ms / (step ?? interval * 1000), `${ms} ms at ${interval} s`).to.be.at.most(1100);
        if (step !== null) expect(86_400_000 % step, 'steps divide the day').to.equal(0);
      }
  });
});

describe('the day in which a step begins', () => {
  const DAYS: readonly { readonly zone: string; readonly ts: string; readonly begins: string; readonly why: string }[] = [
    { zone: 'Asia/Shanghai', ts: '2026-06-01T15:59:59.999Z', begins: '2026-05-31T16:00:00.000Z', why: 'one offset all year' },
    { zone: 'Europe/Berlin', ts: '2026-03-29T21:59:59Z', begins: '2026-03-28T23:00:00.000Z', why: 'the day of 23 hours' },
    { zone: 'Europe/Berlin', ts: '2026-03-29T22:00:00Z', begins: '2026-03-29T22:00:00.000Z', why: 'and the one after it' },
    { zone: 'Europe/Berlin', ts: '2026-10-25T22:59:59Z', begins: '2026-10-24T22:00:00.000Z', why: 'the day of 25 hours' },
    { zone: 'Europe/Berlin', ts: '2026-10-25T23:00:00Z', begins: '2026-10-25T23:00:00.000Z', why: 'and the one after it' },
    { zone: 'Asia/Beirut', ts: '2026-03-29T12:00:00Z', begins: '2026-03-28T22:00:00.000Z', why: 'a day that has no midnight' },
    { zone: 'Asia/Kathmandu', ts: '2026-01-01T00:00:00Z', begins: '2025-12-31T18:15:00.000Z', why: 'an offset of three quarters' },
  ];
  for (const { zone, ts, begins, why } of DAYS)
    it(`is the zone's own: ${zone}, ${why}`, () => expect(new Date(dayBegin(Date.parse(ts), zone)).toISOString()).to.equal(begins));

  it('counts shorter steps from its midnight', () => {
    const six = 6 * 60 * MINUTE;
    expect(new Date(stepBegin(Date.parse('2026-03-29T21:30:00Z'), six, 'Europe/Berlin')).toISOString()).to.equal('2026-03-29T17:00:00.000Z');
    expect(new Date(stepBegin(Date.parse('2026-03-29T22:30:00Z'), six, 'Europe/Berlin')).toISOString()).to.equal('2026-03-29T22:00:00.000Z');
  });
});

describe('the window of a chart', () => {
  const window = { from: T0, to: T0 + 100 * MINUTE };
  it('moves back, and forward no further than now', () => {
    expect(move(window, -0.5, window.to)).to.deep.equal({ from: T0 - 50 * MINUTE, to: T0 + 50 * MINUTE });
    expect(move(window, 0.5, window.to)).to.deep.equal(window);
  });
  it('zooms about a place and keeps it there', () => {
    expect(zoom(window, 0.5, 0.5, window.to)).to.deep.equal({ from: T0 + 25 * MINUTE, to: T0 + 75 * MINUTE });
    expect(zoom(window, 0.5, 1, window.to)).to.deep.equal({ from: T0 + 50 * MINUTE, to: T0 + 100 * MINUTE });
  });
  it('stays between its shortest and its longest', () => {
    const tiny = zoom(window, 1e-9, 0.5, window.to);
    const huge = zoom(window, 1e9, 0.5, window.to);
    expect([tiny.to - tiny.from, huge.to - huge.from, huge.to]).to.deep.equal([SHORTEST, LONGEST, window.to]);
  });
});

describe('the series of a chart', () => {
  it('shows an outage as a gap, not as a line', () => {
    const raw = new SeriesWindow(null, 60, ZONE, [at(0, 1), at(1, 2), at(30, 3)]);
    expect(raw.columns().value).to.deep.equal([1, 2, null, 3]);
    const steps = new SeriesWindow(5 * MINUTE, 60, ZONE, [at(0, 1), at(5, 2), at(20, 3)]);
    expect(steps.columns().max).to.deep.equal([2, 3, null, 4]);
  });

  it('draws no gap between the readings of a slow meter', () => {
    expect(new SeriesWindow(5 * MINUTE, 900, ZONE, [at(0, 1), at(15, 2), at(30, 3)]).columns().value).to.deep.equal([1, 2, 3]);
  });

  it('keeps values that may not be used out of the line and marks them', () => {
    const { value, flagged } = new SeriesWindow(null, 60, ZONE, [at(0, 1), at(1, 99, 'fault'), at(2, 3, 'corrected')]).columns();
    expect(value).to.deep.equal([1, null, 3]);
    expect(flagged).to.deep.equal([null, 99, null]);
  });

  it('joins newer readings, and none twice', () => {
    const raw = new SeriesWindow(null, 60, ZONE, [at(0, 1)]);
    expect([raw.add(T0 + MINUTE, 5, 'good'), raw.add(T0 + MINUTE, 5, 'good'), raw.add(T0, 5, 'good')]).to.deep.equal([true, false, false]);
    expect(raw.columns().value).to.deep.equal([1, 5]);
  });

  it('folds live readings into the step that they belong to', () => {
    const steps = new SeriesWindow(5 * MINUTE, 60, ZONE, [at(0, 10)]);
    steps.add(T0 + 4 * MINUTE, 40, 'good');
    expect(steps.points).to.deep.equal([{ ...at(0, 20), min: 9, max: 40, count: 3 }]);
    steps.add(T0 + 11 * MINUTE, 7, 'good');
    expect(steps.points.at(-1)?.ts).to.equal(T0 + 10 * MINUTE);
    expect(steps.add(T0 + 12 * MINUTE, 9999, 'fault'), 'a fault enters no mean').to.equal(false);
  });

  it('folds the last hour of a day of 25 into that day, and begins the next at midnight', () => {
    const day = { ...at(0, 10), ts: Date.parse('2026-10-24T22:00:00Z') };
    const days = new SeriesWindow(24 * 60 * MINUTE, 60, 'Europe/Berlin', [day]);
    days.add(Date.parse('2026-10-25T22:30:00Z'), 40, 'good');
    days.add(Date.parse('2026-10-25T23:30:00Z'), 7, 'good');
    expect(days.points.map(({ ts, count }) => [new Date(ts).toISOString(), count])).to.deep.equal([
      ['2026-10-24T22:00:00.000Z', 3],
      ['2026-10-25T23:00:00.000Z', 1],
    ]);
  });

  it('holds a bounded number of points through days of readings, and lets go of what left the window', () => {
    const raw = new SeriesWindow(null, 1, ZONE, []);
    for (let second = 0; second < MOST_POINTS + 5000; second++) raw.add(T0 + second * 1000, second, 'good');
    expect(raw.points).to.have.length(MOST_POINTS);
    raw.dropBefore(T0 + (MOST_POINTS + 4990) * 1000);
    expect(raw.points.map((point) => point.value)).to.deep.equal(Array.from({ length: 10 }, (_, i) => MOST_POINTS + 4990 + i));
  });

  it('is told in a sentence and as a table with the same data', () => {
    const series = new SeriesWindow(null, 60, ZONE, [at(0, 1), at(1, 2)]);
    const reader = readerFor('en', T0);
    const said = seriesSummary(series.columns(), 'active_power', { from: T0, to: T0 + MINUTE }, reader);
    expect(said).to.equal('Active power (kW), 01 Jan, 08:00 to 01 Jan, 08:01: lowest 0.0\u00a0kW, highest 3.0\u00a0kW, newest 2.0\u00a0kW');
    expect(seriesTable(series, 'active_power', reader).map((row) => [row.time, row.value])).to.deep.equal([
      ['01/01/2026, 08:01:00', '2.0\u00a0kW'],
      ['01/01/2026, 08:00:00', '1.0\u00a0kW'],
    ]);
    expect(seriesSummary(new SeriesWindow(null, 60, ZONE, []).columns(), 'active_power', { from: T0, to: T0 + 1 }, reader)).to.include('no data');
  });
});
