import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { pino } from 'pino';
import { readConfig } from '../../config.ts';
import { type Core, withCore } from '../../core.ts';
import { type ImportSummary, importRecording } from '../../ingest/recordings/import.ts';
import { parseMapping } from '../../ingest/recordings/mapping.ts';
import type { Alert } from '../../model/alert.ts';
import { type QuantityName, quantityOf } from '../../model/quantities.ts';
import { parseRegistryDocument } from '../../store/registry/document.ts';
import { openRegistry } from '../../store/registry/open.ts';
import { requireRecordings } from '../real-servers.ts';

const EXAMPLES = new URL('../../../examples/recordings/', import.meta.url);
const HOUR = 3_600_000;
const quiet = pino({ level: 'silent' });

type Sample = readonly [ts: number, value: number];
/** When a rule was broken, as the file itself says. */
interface Breach {
  readonly since: string;
  readonly until: string | null;
  readonly peak: number;
}

const example = (name: string): string => readFileSync(new URL(name, EXAMPLES), 'utf8');
const iso = (ts: number): string => new Date(ts).toISOString();

/** The file as a plain scan sees it. */
function scan(folder: string, name: string): Record<string, string>[] {
  const [header = '', ...lines] = gunzipSync(readFileSync(`${folder}/${name}.csv.gz`))
    .toString('utf8')
    .trimEnd()
    .split('\n');
  const names = header.split(',');
  return lines.map((line) => Object.fromEntries(line.split(',').map((cell, at) => [names[at], cell])));
}

/** Above `bound` it begins, at `bound - deadband` or below it ends; with `side` -1 the other way round. */
function breaches(samples: readonly Sample[], bound: number, deadband: number, side: 1 | -1): Breach[] {
  const found: { since: string; until: string | null; peak: number }[] = [];
  let open: { since: string; until: string | null; peak: number } | null = null;
  for (const [ts, value] of samples) {
    if (open === null && side * value > side * bound) {
      open = { since: iso(ts), until: null, peak: value };
      found.push(open);
    } else if (open !== null && side * value <= side * bound - deadband) {
      open.until = iso(ts);
      open = null;
    } else if (open !== null && side * value > side * open.peak) open.peak = value;
  }
  return found;
}

/** Mean over (ts - window, ts], where three quarters of the window lie between its oldest and its newest value. */
function rollingMeans(samples: readonly Sample[], window: number, interval: number): Sample[] {
  return samples.flatMap(([ts], at) => {
    let first = at;
    while (first > 0 && (samples[first - 1] as Sample)[0] > ts - window) first--;
    if (ts - (samples[first] as Sample)[0] + interval < window * 0.75) return [];
    const held = samples.slice(first, at + 1);
    return [[ts, held.reduce((sum, [, value]) => sum + value, 0) / held.length]];
  });
}

const steelTime = (date: string): number => {
  const [day = 0, month = 0, year = 0, hour = 0, minute = 0] = date.split(/[/ :]/).map(Number);
  return Date.UTC(year, month - 1, hour + minute === 0 ? day + 1 : day, hour - 9, minute);
};
const steelSamples = (folder: string, column: string): Sample[] =>
  scan(folder, 'steel_energy_2018H1').map((row) => [steelTime(row['date'] ?? ''), Number(row[column])]);
const beijingSamples = (folder: string, station: string, column: string): Sample[] =>
  scan(folder, `air_beijing_${station}_201303_201502`)
    .filter((row) => row[column] !== 'NA')
    .map((row) => [Date.UTC(Number(row['year']), Number(row['month']) - 1, Number(row['day']), Number(row['hour']) - 8), Number(row[column])]);

const STATIONS = ['Aotizhongxin', 'Dongsi', 'Huairou'] as const;

describe('recordings in the running parts', function () {
  this.timeout(120_000);
  let folder: string;
  let dataDir: string;
  const alerts = new Map<string, Alert>();
  const summaries = new Map<string, ImportSummary>();
  const config = () => readConfig({ GREENPARK_DATA_DIR: dataDir });
  const inCore = <T>(work: (core: Core) => Promise<T>): Promise<T> => withCore(config(), { clock: Date.now, logger: quiet }, work);
  const importInto = (core: Core, name: string, mapping: string, more: { readonly fromStart?: boolean } = {}): Promise<ImportSummary> =>
    importRecording({
      ...more,
      source: { file: `${folder}/${name}.csv.gz`, mapping },
      mapping: parseMapping(example(`${mapping}.mapping.yaml`), mapping),
      door: core.pipeline,
      directory: core.directory,
      store: core.store,
      imports: core.registry.imports,
      clock: Date.now,
    });

  before(async function () {
    folder = requireRecordings(this);
    dataDir = mkdtempSync(join(tmpdir(), 'greenpark-recordings-'));
    const registry = await openRegistry(join(dataDir, 'registry.db'));
    for (const name of ['steel', 'beijing']) await registry.import(parseRegistryDocument(example(`${name}.registry.yaml`)), { actor: 'test', at: Date.now() });
    registry.close();
    await inCore(async (core) => {
      core.alerts.onChange(({ alert }) => alerts.set(alert.id, alert));
      summaries.set('steel', await importInto(core, 'steel_energy_2018H1', 'steel'));
      for (const station of STATIONS) summaries.set(station, await importInto(core, `air_beijing_${station}_201303_201502`, 'beijing'));
      for (const alert of core.alerts.open()) alerts.set(alert.id, alert);
    });
  });
  after(() => {
    if (dataDir !== undefined) rmSync(dataDir, { recursive: true });
  });

  const raised = (rule: string, meter: string): Breach[] =>
    [...alerts.values()]
      .filter((alert) => alert.rule === rule && alert.meter === meter)
      .map(({ since, until, peak }) => ({ since: iso(since), until: until === null ? null : iso(until), peak }))
      .sort((a, b) => a.since.localeCompare(b.since));

  const expectSame = (found: readonly Breach[], expected: readonly Breach[]): void => {
    expect(expected, 'breaches that the file itself shows').to.not.have.length(0);
    expect(found.map(({ since, until }) => [since, until])).to.deep.equal(expected.map(({ since, until }) => [since, until]));
    for (const [at, { since, peak }] of expected.entries()) expect(found[at]?.peak, `peak of ${since}`).to.be.closeTo(peak, 1e-9 * Math.abs(peak));
  };

  it('are stored whole', () => {
    expect([...summaries].map(([name, { stored, duplicates, refusedByPipeline }]) => [name, stored, duplicates, refusedByPipeline])).to.deep.equal([
      ['steel', 7 * 17_376 + 1, 0, 0],
      ...STATIONS.map((station) => {
        const columns = ['PM2.5', 'PM10', 'SO2', 'NO2', 'CO', 'O3', 'TEMP', 'PRES', 'DEWP', 'RAIN', 'wd', 'WSPM'];
        const rows = scan(folder, `air_beijing_${station}_201303_201502`);
        return [station, rows.reduce((sum, row) => sum + columns.filter((column) => row[column] !== 'NA').length, 0), 0, 0];
      }),
    ]);
  });

  it('raise the steel works’ alert of a quarter of an hour when its own rows say so', () => {
    expectSame(raised('quarter-hour-demand', 'rec-steel-main'), breaches(steelSamples(folder, 'Usage_kWh'), 120, 20, 1));
  });

  it('raise the steel works’ alert of a low power factor, a mean of an hour', () => {
    const means = rollingMeans(steelSamples(folder, 'Lagging_Current_Power_Factor'), HOUR, HOUR / 4);
    expectSame(raised('power-factor-low', 'rec-steel-main'), breaches(means, 60, 0, -1));
  });

  for (const station of STATIONS) {
    const meter = `rec-bj-${station.toLowerCase()}`;
    it(`raise ${station}’s alert of PM2.5 above 250 at the hours that the file says`, () => {
      expectSame(raised('pm25-hour', meter), breaches(beijingSamples(folder, station, 'PM2.5'), 250, 25, 1));
    });

    it(`raise ${station}’s alert of PM2.5 above 75 as a mean of 24 hours, holes left out`, () => {
      const means = rollingMeans(beijingSamples(folder, station, 'PM2.5'), 24 * HOUR, HOUR);
      expectSame(raised('pm25-day', meter), breaches(means, 75, 0, 1));
    });

    it(`raise ${station}’s alert of CO above 10 mg/m³ as often as the file says`, () => {
      const expected = breaches(beijingSamples(folder, station, 'CO'), 10_000, 0, 1);
      expect(raised('co-hour', meter).map(({ since, until }) => [since, until])).to.deep.equal(expected.map(({ since, until }) => [since, until]));
    });
  }

  it('keep their alerts over a restart, and raise none again when they are imported again', async () => {
    const again = new Set<string>();
    await inCore(async (core) => {
      core.alerts.onChange(({ alert }) => again.add(alert.id));
      const open = (known: Iterable<Alert>): string[] =>
        [...known]
          .filter(({ until }) => until === null)
          .map(({ id }) => id)
          .sort();
      expect(open(core.alerts.open())).to.deep.equal(open(alerts.values()));
      const { stored, duplicates } = await importInto(core, 'steel_energy_2018H1', 'steel', { fromStart: true });
      expect({ stored, duplicates }).to.deep.equal({ stored: 0, duplicates: 7 * 17_376 + 1 });
    });
    expect([...again]).to.deep.equal([]);
  });

  const CHARTS: readonly [what: string, meter: string, quantity: QuantityName, from: number, step: number, samples: () => Sample[]][] = [
    [
      'hours of the steel works’ power',
      'rec-steel-main',
      'active_power',
      Date.UTC(2018, 2, 6, -9),
      HOUR,
      () => steelSamples(folder, 'Usage_kWh').map(([ts, kWh]) => [ts, 4 * kWh]),
    ],
    ['quarters of a day of Dongsi’s PM2.5', 'rec-bj-dongsi', 'pm2_5', Date.UTC(2014, 1, 20, -8), 6 * HOUR, () => beijingSamples(folder, 'Dongsi', 'PM2.5')],
    ['days of Huairou’s ozone', 'rec-bj-huairou', 'o3', Date.UTC(2014, 5, 1, -8), 24 * HOUR, () => beijingSamples(folder, 'Huairou', 'O3')],
  ];
  for (const [what, meter, quantity, from, step, samples] of CHARTS) {
    it(`chart as a plain computation has it: ${what}`, async () => {
      const to = from + 7 * 24 * HOUR;
      const expected = new Map<number, number[]>();
      for (const [ts, value] of samples()) {
        if (ts < from || ts >= to) continue;
        const at = from + Math.floor((ts - from) / step) * step;
        expected.set(at, [...(expected.get(at) ?? []), value]);
      }
      const steps = await inCore(async (core) => {
        const { ordinal } = core.directory.current.meter(meter) ?? {};
        return await core.store.steps({ meter: ordinal ?? -1, quantity: quantityOf(quantity).code, from, to, step, origin: from });
      });
      expect(expected.size).to.be.at.least(5);
      expect(steps.map(({ at, count }) => [at, count])).to.deep.equal([...expected].map(([at, values]) => [at, values.length]));
      for (const { at, mean, min, max } of steps) {
        const values = expected.get(at) ?? [];
        expect(mean, iso(at)).to.be.closeTo(values.reduce((sum, value) => sum + value, 0) / values.length, 1e-9);
        expect([min, max], iso(at)).to.deep.equal([Math.min(...values), Math.max(...values)]);
      }
    });
  }

  it('give the steel works the usage of each month that its rows add up to', async () => {
    const rows = scan(folder, 'steel_energy_2018H1');
    await inCore(async (core) => {
      const { ordinal = -1 } = core.directory.current.meter('rec-steel-main') ?? {};
      const code = quantityOf('active_energy_import').code;
      for (let month = 1; month <= 6; month++) {
        const [from, to] = [Date.UTC(2018, month - 1, 1, -9), Date.UTC(2018, month, 1, -9)];
        const [series] = await core.store.counters({ counters: [{ meter: ordinal, quantity: code }], from, to: to + 1, step: to + 1 - from, origin: from });
        const sum = rows.filter(({ date = '' }) => Number(date.slice(3, 5)) === month).reduce((total, row) => total + Number(row['Usage_kWh']), 0);
        expect(series?.steps[0]?.rise, `month ${month}`).to.be.closeTo(sum, 1e-6);
      }
    });
  });
});
