import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { expect } from 'chai';
import { quantityOf } from '../../model/quantities.ts';
import { openEmbeddedStore } from '../../store/embedded/open.ts';
import { type OpenRegistry, openRegistry } from '../../store/registry/open.ts';
import { requireServer } from '../real-servers.ts';
import { Influx } from '../servers/influx.ts';
import { eventually } from './callers.ts';
import { type Ended, type Environment, GreenparkRun, greenpark } from './greenpark-process.ts';

const ROWS = 300_000;
/** Kills of an import, each at a random moment within the time after it noted progress of its own. */
const KILLS = 4;
const KILL_WITHIN_MS = 200;
/** And this often at a random moment within the time after its start, whatever it does then. */
const EARLY_KILLS = 2;
const EARLY_WITHIN_MS = 2000;
const START = Date.UTC(2021, 0, 1);

const REGISTRY = `
parks: [{ id: p-1, name: Park, region: '510112' }]
meters: [{ id: m-1, park: p-1, name: Main, kind: electricity }]
`;
const MAPPING = `
park: p-1
meter: m-1
time: { columns: t, format: iso }
columns:
  energy: { quantity: active_energy_import, unit: kWh }
  power: { quantity: active_power, unit: kW }
`;

interface Expected {
  readonly text: string;
  /** By quantity: time and value of each reading that the file holds. */
  readonly energy: readonly (readonly [ts: number, value: number])[];
  readonly power: readonly (readonly [ts: number, value: number])[];
  readonly badRows: number;
  readonly badTimes: number;
  readonly badCells: number;
}

/** A reading a minute, with rows, times and cells to be refused here and there. */
function generate(): Expected {
  const lines = ['t,energy,power'];
  const energy: [number, number][] = [];
  const power: [number, number][] = [];
  let [badRows, badTimes, badCells] = [0, 0, 0];
  for (let n = 0; n < ROWS; n++) {
    const ts = START + n * 60_000;
    const time = new Date(ts).toISOString();
    if (n % 1009 === 5) {
      lines.push(`${time},"${n},1`);
      badRows++;
    } else if (n % 997 === 7) {
      lines.push(`the ${n}th,${n},1`);
      badTimes++;
    } else {
      const isBad = n % 499 === 9;
      lines.push(`${time},${n / 4},${isBad ? 'broken' : n % 500}`);
      energy.push([ts, n / 4]);
      if (isBad) badCells++;
      else power.push([ts, n % 500]);
    }
  }
  return { text: `${lines.join('\n')}\n`, energy, power, badRows, badTimes, badCells };
}

const EXPECTED = generate();

describe('greenpark import that is broken off', function () {
  this.timeout(240_000);
  let folder: string;
  let registry: OpenRegistry;
  let influx: Influx | null = null;
  let running: GreenparkRun | null = null;
  const path = (name: string): string => join(folder, name);
  const env = (): Environment => ({
    GREENPARK_DATA_DIR: path('data'),
    ...(influx === null ? {} : { GREENPARK_INFLUX_URL: influx.url, GREENPARK_INFLUX_VERSION: '1' }),
  });
  const command = (): string[] => ['import', path('large.csv'), '--mapping', path('mapping.yaml'), '--rejects', path('rejects.txt')];
  const start = (): GreenparkRun => {
    running = new GreenparkRun(command(), env());
    return running;
  };

  beforeEach(async () => {
    influx = null;
    folder = await mkdtemp(join(tmpdir(), 'greenpark-resume-'));
    await writeFile(path('large.csv'), EXPECTED.text);
    await writeFile(path('mapping.yaml'), MAPPING);
    await writeFile(path('registry.yaml'), REGISTRY);
    expect(await greenpark(['registry', 'import', path('registry.yaml')], env())).to.include({ code: 0 });
    registry = await openRegistry(path('data/registry.db'));
  });
  afterEach(async () => {
    await running?.end('SIGKILL');
    registry.close();
    await influx?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  /** Rows that are noted as committed. */
  async function noted(): Promise<number> {
    const progress = await registry.imports.get({ file: path('large.csv'), mapping: path('mapping.yaml') });
    return progress === null ? 0 : (JSON.parse(progress) as { counts: { rows: number } }).counts.rows;
  }

  async function untilNoted(run: GreenparkRun, rows: number): Promise<void> {
    await eventually(
      async () => {
        if (run.hasEnded) throw new Error(`the import ended before ${rows} rows were noted: ${(await run.ended).err}`);
        return (await noted()) >= rows;
      },
      `${rows} rows`,
      60_000,
    );
  }

  /** Kills imports again and again; answers how the last one ended, which came to the end of the file. */
  async function surviveKills(): Promise<Ended> {
    const places: number[] = [];
    const goesOn = () => ((places.at(-1) ?? 0) === 0 ? '' : `large.csv: goes on behind row ${places.at(-1)}, up to which an earlier import came\n`);
    for (let kill = 0; kill < EARLY_KILLS + KILLS; kill++) {
      const isEarly = kill % 3 === 0;
      const run = start();
      if (isEarly) await rest(Math.random() * EARLY_WITHIN_MS);
      else {
        await untilNoted(run, (places.at(-1) ?? 0) + 1);
        await rest(Math.random() * KILL_WITHIN_MS);
      }
      const { signal, out } = await run.end('SIGKILL');
      expect(signal).to.equal('SIGKILL');
      if (!isEarly || out !== '') expect(out).to.equal(goesOn());
      places.push(await noted());
    }
    const ended = await start().ended;
    expect(ended.out).to.contain(goesOn());
    expect(new Set(places).size, 'places').to.be.at.least(KILLS);
    console.log(`      killed with ${places.join(', ')} of ${ROWS} rows noted`);
    return ended;
  }

  /** The summary covers the whole file, and each refusal counts and is listed once, however many runs there were. */
  async function expectWholeSummary({ code, out }: Ended): Promise<void> {
    expect(code).to.equal(0);
    const { energy, power, badRows, badTimes, badCells } = EXPECTED;
    expect(out).to.contain(
      `large.csv: ${ROWS} rows read, ${energy.length} taken, 0 without a value, ${badRows + badTimes} refused\n` +
        `  ${energy.length + power.length} readings taken, 0 cells missing, ${badCells} cells refused\n`,
    );
    for (const [reason, count] of Object.entries({ 'bad-row': badRows, 'bad-time': badTimes, 'not-a-number': badCells })) {
      expect(out).to.contain(`  refused as ${reason}: ${count}\n`);
    }
    const [, stored, already] = /(\d+) readings stored, (\d+) were there already/.exec(out) ?? [];
    expect(Number(stored) + Number(already)).to.equal(energy.length + power.length);
    const listed = (await readFile(path('rejects.txt'), 'utf8')).trimEnd().split('\n');
    expect(listed).to.have.length(badRows + badTimes + badCells);
    expect(new Set(listed).size).to.equal(listed.length);
  }

  async function expectStoredInFiles(): Promise<void> {
    const store = await openEmbeddedStore({ directory: path('data/readings') });
    try {
      for (const [quantity, expected] of [
        ['active_energy_import', EXPECTED.energy],
        ['active_power', EXPECTED.power],
      ] as const) {
        const raw = await store.raw({ meter: 1, quantity: quantityOf(quantity).code, from: 0, to: START + ROWS * 60_000, limit: 2 * ROWS });
        expectReadings(
          [...raw.ts].map((ts, at) => [ts, raw.value[at] as number]),
          expected,
        );
      }
    } finally {
      await store.close();
    }
    expect((await registry.deadLetters.countByReason()).size).to.equal(0);
  }

  /** As InfluxDB itself answers. */
  async function expectStoredInInflux(): Promise<void> {
    for (const [quantity, expected] of [
      ['active_energy_import', EXPECTED.energy],
      ['active_power', EXPECTED.power],
    ] as const) {
      const q = `SELECT "${quantity}" FROM /.*/ ORDER BY time`;
      const answer = await fetch(`${influx?.url}/query?db=greenpark&epoch=ms&chunked=false`, { method: 'POST', body: new URLSearchParams({ q }) });
      const { results } = (await answer.json()) as { results: { series?: { values: [number, number][] }[] }[] };
      expectReadings(results[0]?.series?.flatMap(({ values }) => values) ?? [], expected);
    }
  }

  /** The same number, none twice, each with its value: by sums, as a comparison of each costs minutes. */
  function expectReadings(found: readonly (readonly [ts: number, value: number])[], expected: readonly (readonly [ts: number, value: number])[]): void {
    expect(found.length).to.equal(expected.length);
    expect(new Set(found.map(([ts]) => ts)).size).to.equal(expected.length);
    const sum = (readings: typeof found, of: 0 | 1): number => readings.reduce((total, reading) => total + reading[of], 0);
    expect(sum(found, 0)).to.equal(sum(expected, 0));
    expect(sum(found, 1)).to.equal(sum(expected, 1));
    expect(found.findIndex(([ts, value], at) => ts !== expected[at]?.[0] || value !== expected[at]?.[1])).to.equal(-1);
  }

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`by ${signal} says how far it came, and goes on there`, async () => {
      const run = start();
      await untilNoted(run, ROWS * 0.2);
      const stopped = await run.end(signal);
      const rows = await noted();
      expect(stopped.code).to.equal(1);
      expect(stopped.err).to.contain(`greenpark: large.csv: stopped; the rows up to ${rows} are in the store, and the same command goes on behind them\n`);
      expect(stopped.out).to.contain(`large.csv: ${rows} rows read, `);
      const second = await start().ended;
      expect(second.out).to.contain(`large.csv: goes on behind row ${rows}, `);
      expect(second.out, 'nothing was sent twice').to.contain(' readings stored, 0 were there already\n');
      await expectWholeSummary(second);
      await expectStoredInFiles();
    });
  }

  it('by kill -9 again and again loses nothing and doubles nothing', async () => {
    await expectWholeSummary(await surviveKills());
    await expectStoredInFiles();
    const again = await start().ended;
    await expectWholeSummary(again);
    expect(again.out).to.contain('large.csv: this was imported already, until ');
  });

  describe('with InfluxDB', () => {
    beforeEach(async function () {
      influx = await Influx.start(requireServer(this, 'influxd'));
    });

    it('by kill -9 again and again loses nothing and doubles nothing', async () => {
      await expectWholeSummary(await surviveKills());
      await expectStoredInInflux();
    });

    it('not at all by a server that is killed and comes back', async () => {
      const run = start();
      await untilNoted(run, ROWS * 0.3);
      await influx?.kill();
      await rest(1000);
      const rows = await noted();
      await influx?.start();
      await expectWholeSummary(await run.ended);
      expect(rows).to.be.below(ROWS);
      await expectStoredInInflux();
    });

    it('by kill -9 while the server is away goes on behind what is in the store', async () => {
      const run = start();
      await untilNoted(run, ROWS * 0.3);
      await influx?.kill();
      await rest(1000);
      const rows = await noted();
      await run.end('SIGKILL');
      await influx?.start();
      const { out, ...second } = await start().ended;
      expect(out).to.contain(`large.csv: goes on behind row ${rows}, `);
      await expectWholeSummary({ out, ...second });
      await expectStoredInInflux();
    });

    it('by SIGTERM while the server is silent ends all the same, and goes on when it answers again', async () => {
      const run = start();
      await untilNoted(run, ROWS * 0.3);
      await influx?.pause();
      const begun = performance.now();
      const { code, err } = await run.end('SIGTERM');
      const seconds = (performance.now() - begun) / 1000;
      console.log(`      ended after ${seconds.toFixed(1)} s`);
      expect(seconds, 'seconds until it ended').to.be.below(60);
      await influx?.resume();
      const rows = await noted();
      expect(code).to.equal(1);
      expect(err).to.contain(`stopped; the rows up to ${rows} are in the store, and the same command goes on behind them\n`);
      const second = await start().ended;
      expect(second.out).to.contain(`large.csv: goes on behind row ${rows}, `);
      await expectWholeSummary(second);
      await expectStoredInInflux();
    });
  });
});
