import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { requireRecordings } from '../../real-servers.ts';
import { type Reading, readFile } from './a-recording.ts';

const MAPPINGS = new URL('../../../../examples/recordings/', import.meta.url);
const HOUR = 3_600_000;

/** The file as a plain scan sees it: cells by column name, nothing else understood. */
function scan(folder: string, name: string): Record<string, string>[] {
  const [header = '', ...lines] = gunzipSync(readFileSync(`${folder}/${name}.csv.gz`))
    .toString('utf8')
    .trimEnd()
    .split('\n');
  const names = header.split(',');
  return lines.map((line) => Object.fromEntries(line.split(',').map((cell, at) => [names[at], cell])));
}

const readPublished = (folder: string, name: string, mapping: string): Promise<Reading> =>
  readFile(`${folder}/${name}.csv.gz`, readFileSync(new URL(`${mapping}.mapping.yaml`, MAPPINGS), 'utf8'));

const BEIJING = ['PM2.5', 'PM10', 'SO2', 'NO2', 'CO', 'O3', 'TEMP', 'PRES', 'DEWP', 'RAIN', 'wd', 'WSPM'];
const WITH_WEATHER = ['PM_US Post', 'DEWP', 'HUMI', 'PRES', 'TEMP', 'cbwd', 'precipitation'];
const WATER = ['avg_inflow', 'avg_outflow', 'total_grid', 'Am', 'BOD', 'COD', 'TN', 'T', 'SLP', 'H', 'PP', 'V'];
const TURBINE = [
  'Carbon monoxide',
  'Nitrogen oxides',
  'Turbine after temperature',
  'Turbine energy yield',
  'Ambient temperature',
  'Ambient pressure',
  'Ambient humidity',
];
const ROOF = [
  'ac_power_kw_1137',
  'module_temp__1056',
  'poa_irradiance__1055',
  'inv2_ac_power_w__1047',
  'inv2_dc_current__1049',
  'inv2_dc_power__1135',
  'inv2_dc_voltage__1048',
  'inv2_temp__1050',
  'ambient_temp__1053',
  'wind_speed__1051',
];
const STATION = ['Ambient Temperature', 'Barometric Pressure', 'Global Horizontal', 'Relative Humidity', 'Wind Direction', 'Wind Speed'];
const MAST = ['Spd80mN', 'Dir78mS', 'Spd60mN', 'Dir58mS', 'Spd40mN', 'Dir38mS', 'T2m', 'RH2m', 'P2m', 'PrcpTot'];
const STEEL = [
  'Usage_kWh',
  'Lagging_Current_Reactive_Power_kVarh',
  'Leading_Current_Reactive_Power_kVarh',
  'Lagging_Current_Power_Factor',
  'Leading_Current_Power_Factor',
];

/** File, mapping, columns taken, and the number of readings that go beyond one per cell. */
const FILES: readonly [name: string, mapping: string, columns: readonly string[], beyond?: (rows: number) => number][] = [
  // Energy also gives power and a register, and that begins with a zero.
  ['steel_energy_2018H1', 'steel', STEEL, (rows) => 2 * rows + 1],
  ['air_beijing_Aotizhongxin_201303_201502', 'beijing', BEIJING],
  ['air_beijing_Dongsi_201303_201502', 'beijing', BEIJING],
  ['air_beijing_Huairou_201303_201502', 'beijing', BEIJING],
  ['air_chengdu_pm25_2012_2013', 'chengdu', ['PM_Caotangsi', 'PM_Shahepu', ...WITH_WEATHER]],
  ['air_shanghai_pm25_2014', 'shanghai', ['PM_Jingan', 'PM_Xuhui', ...WITH_WEATHER]],
  ['cems_gas_turbine_2011_2013', 'cems', TURBINE],
  ['wwtp_melbourne_2014_2019', 'wwtp', WATER],
  ['pv_nrel_rsf2_2022', 'pv-rsf2', ROOF],
  ['pv_serf_east_15min_2016', 'pv-serf', ['ac_power']],
  ['pv_system10004_energy_2011', 'pv-system10004', ['ac_energy_inv_16425']],
  ['pv_inv7539_labelled_outliers_2017', 'pv-inv7539', ['value_normalized']],
  ['weather_nrel_rmis_2022', 'weather-rmis', STATION],
  ['mast_weather_10min_2016', 'mast', MAST],
  ['noise_laeq_1min_2025', 'noise', ['LEQ dB -A']],
];

const ZERO_IS_MISSING: ReadonlySet<string> = new Set(['T', 'SLP', 'H']);
const isMissing = (column: string, cell: string): boolean =>
  cell === 'NA' || cell === '' || cell === 'cv' || (ZERO_IS_MISSING.has(column) && Number(cell) === 0);

describe('the mappings of the published recordings', () => {
  let folder: string;
  before(function () {
    folder = requireRecordings(this);
  });

  for (const [name, mapping, columns, beyond] of FILES) {
    it(`take from ${name} what a plain scan counts`, async () => {
      const rows = scan(folder, name);
      const missing = rows.reduce((sum, row) => sum + columns.filter((column) => isMissing(column, row[column] ?? '')).length, 0);
      const empty = rows.filter((row) => columns.every((column) => isMissing(column, row[column] ?? ''))).length;
      const { counts, frames } = await readPublished(folder, name, mapping);
      expect(counts).to.include({ rows: rows.length, rowsTaken: rows.length - empty, rowsEmpty: empty, rowsRefused: 0, cellsRefused: 0, missing });
      expect(counts.readings).to.equal(rows.length * columns.length - missing + (beyond?.(rows.length) ?? 0));
      expect(frames.reduce((sum, { values }) => sum + Object.keys(values).length, 0)).to.equal(counts.readings);
    });

    it(`give every meter of ${name} strictly rising times`, async () => {
      const { frames } = await readPublished(folder, name, mapping);
      const last = new Map<string, number>();
      const back = frames.filter(({ meter, ts }) => {
        const before = last.get(meter) ?? Number.NEGATIVE_INFINITY;
        last.set(meter, ts);
        return ts <= before;
      });
      expect(back).to.deep.equal([]);
    });
  }

  it('put the steel works’ midnights at the end of the day, without a gap', async () => {
    const rows = scan(folder, 'steel_energy_2018H1');
    const stamps = rows.map(({ date = '' }) => `${date.slice(6, 10)}${date.slice(3, 5)}${date.slice(0, 2)}${date.slice(11)}`);
    expect(
      stamps.filter((stamp, at) => at > 0 && stamp <= (stamps[at - 1] ?? '')),
      'stamps that run backwards as written',
    ).to.have.length(181);
    const { frames } = await readPublished(folder, 'steel_energy_2018H1', 'steel');
    const times = frames.map(({ ts }) => ts);
    const steps = new Set(times.slice(1).map((ts, at) => ts - (times[at] as number)));
    expect([...steps]).to.deep.equal([900_000]);
    expect(new Date((times[0] as number) + 9 * HOUR).toISOString()).to.equal('2018-01-01T00:00:00.000Z');
    expect(new Date((times.at(-1) as number) + 9 * HOUR).toISOString()).to.equal('2018-07-01T00:00:00.000Z');
  });

  it('keep the steel works’ energy of each month, as intervals and as a register', async () => {
    const plain = new Map<string, number>();
    for (const { date = '', Usage_kWh } of scan(folder, 'steel_energy_2018H1'))
      plain.set(date.slice(3, 5), (plain.get(date.slice(3, 5)) ?? 0) + Number(Usage_kWh));
    expect([...plain.keys()]).to.deep.equal(['01', '02', '03', '04', '05', '06']);
    const { frames } = await readPublished(folder, 'steel_energy_2018H1', 'steel');
    for (const [month, sum] of plain) {
      const from = Date.UTC(2018, Number(month) - 1, 1) - 9 * HOUR;
      const to = Date.UTC(2018, Number(month), 1) - 9 * HOUR;
      const intervals = frames.filter(({ ts }) => ts > from && ts <= to).reduce((total, { values }) => total + (values['interval_energy'] ?? 0), 0);
      expect(intervals, `intervals of month ${month}`).to.be.closeTo(sum, 1e-6);
      const register = (at: number): number => frames.find(({ ts }) => ts === at)?.values['active_energy_import'] ?? Number.NaN;
      expect(register(to) - register(from), `register of month ${month}`).to.be.closeTo(sum, 1e-6);
    }
  });

  const HOLES: readonly [station: string, meter: string, pm25: number, co: number][] = [
    ['Aotizhongxin', 'rec-bj-aotizhongxin', 530, 1458],
    ['Dongsi', 'rec-bj-dongsi', 260, 2780],
    ['Huairou', 'rec-bj-huairou', 638, 1074],
  ];
  for (const [station, meter, pm25, co] of HOLES) {
    it(`leave the holes of ${station} as they are: ${pm25} hours without PM2.5, ${co} without CO`, async () => {
      const name = `air_beijing_${station}_201303_201502`;
      const { frames } = await readPublished(folder, name, 'beijing');
      expect(new Set(frames.map((frame) => frame.meter))).to.deep.equal(new Set([meter]));
      expect(frames.filter(({ values }) => values['pm2_5'] === undefined)).to.have.length(pm25);
      expect(frames.filter(({ values }) => values['co'] === undefined)).to.have.length(co);
      const written = scan(folder, name).filter((row) => row['CO'] !== 'NA');
      const carbonMonoxide = frames.flatMap(({ values }) => values['co'] ?? []);
      expect(
        carbonMonoxide.every((value, at) => Math.abs(value * 1000 - Number(written[at]?.['CO'])) < 1e-6),
        'CO in mg/m³',
      ).to.equal(true);
    });
  }

  it('bring the waste-water works’ daily flows and energy to the end of their day', async () => {
    const rows = scan(folder, 'wwtp_melbourne_2014_2019');
    const { frames } = await readPublished(folder, 'wwtp_melbourne_2014_2019', 'wwtp');
    const outfall = frames.filter(({ meter }) => meter === 'rec-wwtp-outfall');
    expect(outfall.map(({ values }) => values['outfall_flow'])).to.deep.equal(rows.map((row) => Number(row['avg_outflow']) * 3600));
    const clock = new Intl.DateTimeFormat('en-CA', { timeZone: 'Australia/Melbourne', dateStyle: 'short', timeStyle: 'medium', hourCycle: 'h23' });
    for (const [at, { ts }] of outfall.entries()) {
      const row = rows[at] ?? {};
      const next = new Date(Date.UTC(Number(row['year']), Number(row['month']) - 1, Number(row['day']) + 1)).toISOString().slice(0, 10);
      expect(clock.format(ts)).to.equal(`${next}, 00:00:00`);
    }
  });
});
