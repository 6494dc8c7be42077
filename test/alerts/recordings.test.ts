import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import type { QuantityName } from '../../model/quantities.ts';
import { requireRecordings } from '../real-servers.ts';
import { aLimit, aMeter, anEngine } from './setup.ts';

/** [time, value] in order; a missing value is not there. */
type Row = readonly [ts: number, value: number];

const lines = (file: string): string[][] =>
  gunzipSync(readFileSync(file))
    .toString()
    .trim()
    .split('\n')
    .slice(1)
    .map((line) =>
      line
        .trim()
        .split(',')
        .map((cell) => cell.replaceAll('"', '')),
    );

/** When the series is above the bound, and until when, read straight off the recording. */
function intervals(rows: readonly Row[], bound: number): [number, number | null, number][] {
  const found: [number, number | null, number][] = [];
  let open: [number, number | null, number] | null = null;
  for (const [ts, value] of rows) {
    if (value > bound && open === null) {
      open = [ts, null, value];
      found.push(open);
    } else if (value > bound && open !== null) open[2] = Math.max(open[2], value);
    else if (open !== null) {
      open[1] = ts;
      open = null;
    }
  }
  return found;
}

async function raised(rows: readonly Row[], quantity: QuantityName, value: number, kind: 'electricity' | 'ambient') {
  const at = await anEngine({ rules: [aLimit({ quantity, value })] }, { meters: [aMeter(1, { kind, intervalSeconds: 3600 })] });
  for (const [ts, each] of rows) at.judge(ts, each, { quantity });
  await at.engine.stop();
  return [...at.records.alerts.values()].sort((a, b) => a.since - b.since).map(({ since, until, peak }) => [since, until, peak]);
}

describe('alerts on recordings that nobody here wrote', () => {
  it('stand exactly when the steel works takes more than 120 kWh in a quarter of an hour', async function () {
    const rows = lines(`${requireRecordings(this)}steel_energy_2018H1.csv.gz`).map(([date = '', usage]): Row => {
      const [day = '', time = ''] = date.split(' ');
      const [d, m, y] = day.split('/');
      const ts = Date.parse(`${y}-${m}-${d}T${time}:00+09:00`);
      // The midnight row closes its day and carries that day's date.
      return [time === '00:00' ? ts + 86_400_000 : ts, Number(usage)];
    });
    expect(rows).to.have.length(17_376);
    const expected = intervals(rows, 120);
    expect(expected.length).to.be.above(100);
    expect(await raised(rows, 'interval_energy', 120, 'electricity')).to.deep.equal(expected);
  });

  for (const [quantity, column, bound] of [
    ['pm2_5', 5, 150],
    ['o3', 10, 200],
  ] as const) {
    it(`stand exactly when an hour of ${quantity} in Beijing is above ${bound} µg/m³`, async function () {
      const rows = lines(`${requireRecordings(this)}air_beijing_Dongsi_201303_201502.csv.gz`)
        .map(
          (cells): Row => [
            Date.parse(`${cells[1]}-${pad(cells[2])}-${pad(cells[3])}T${pad(cells[4])}:00:00+08:00`),
            cells[column] === 'NA' ? Number.NaN : Number(cells[column]),
          ],
        )
        .filter(([, value]) => !Number.isNaN(value));
      const expected = intervals(rows, bound);
      expect(expected.length).to.be.above(50);
      expect(await raised(rows, quantity, bound, 'ambient')).to.deep.equal(expected);
    });
  }
});

const pad = (cell = ''): string => cell.padStart(2, '0');
