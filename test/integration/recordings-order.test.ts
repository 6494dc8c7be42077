import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { pino } from 'pino';
import { readConfig } from '../../config.ts';
import { type Core, withCore } from '../../core.ts';
import { importRecording } from '../../ingest/recordings/import.ts';
import { parseMapping } from '../../ingest/recordings/mapping.ts';
import type { ParkId } from '../../model/ids.ts';
import { quantityOf } from '../../model/quantities.ts';
import { parseRegistryDocument } from '../../store/registry/document.ts';
import { openRegistry } from '../../store/registry/open.ts';
import { requireServer } from '../real-servers.ts';
import { Influx } from '../servers/influx.ts';
import type { Environment } from './greenpark-process.ts';

const HALF_HOUR = 1_800_000;
const DAY = 86_400_000;
/** Midnight in the park. */
const START = Date.UTC(2026, 2, 31, 16);
const DAYS = 40;
const NOW = START + DAYS * DAY - 7 * HALF_HOUR;
const PARK = 'p-1' as ParkId;
const METERS = ['m-1', 'm-2'] as const;

const REGISTRY = `
parks: [{ id: p-1, name: Park, region: '510112', timeZone: Asia/Shanghai }]
meters:
  - { id: m-1, park: p-1, name: Main, kind: electricity }
  - { id: m-2, park: p-1, name: Hall, kind: electricity }
`;
const MAPPING = `
park: p-1
meterColumn: { column: meter }
time: { columns: t, format: iso }
columns:
  energy: { quantity: active_energy_import, unit: kWh }
  power: { quantity: active_power, unit: kW }
`;

/** Registers that rise unevenly. */
function lines(): string[] {
  const found: string[] = [];
  const registers = [1000, 50];
  for (let ts = START - DAY, n = 0; ts <= NOW; ts += HALF_HOUR, n++) {
    for (const [at, meter] of METERS.entries()) {
      const rise = ((n * 7919 + at * 31) % 101) / 8;
      registers[at] = (registers[at] as number) + rise;
      found.push(`${new Date(ts).toISOString()},${meter},${registers[at]},${2 * rise}`);
    }
  }
  return found;
}

/** By Fisher and Yates, with the same numbers each time. */
function shuffled(rows: readonly string[], seed: number): string[] {
  const mixed = [...rows];
  let state = seed;
  for (let at = mixed.length - 1; at > 0; at--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const other = state % (at + 1);
    [mixed[at], mixed[other]] = [mixed[other] as string, mixed[at] as string];
  }
  return mixed;
}

/** What people are shown of what is stored. */
async function shown(core: Core): Promise<object> {
  const usage = async (period: 'hour' | 'day' | 'month') =>
    (await core.figures.usage({ park: PARK, enterprise: null, carrier: null, period, from: START, to: NOW, by: 'meter' })).map((figure) => ({
      ...figure,
      amount: figure.amount.toFixed(6),
    }));
  const running = (['day', 'month', 'year'] as const).map((period) =>
    core.usage.soFar({ park: PARK, enterprise: null }, 'electricity', 'consumption', period, NOW).toFixed(6),
  );
  const steps = METERS.map((id) => {
    const meter = core.directory.current.meter(id)?.ordinal ?? -1;
    return core.store.steps({ meter, quantity: quantityOf('active_power').code, from: START, to: NOW, step: DAY, origin: START });
  });
  return {
    latest: [...(await core.store.latest())].sort((a, b) => a.meter - b.meter || a.quantity - b.quantity),
    hours: await usage('hour'),
    days: await usage('day'),
    months: await usage('month'),
    running,
    power: (await Promise.all(steps)).map((found) => found.map(({ mean, ...step }) => ({ ...step, mean: mean.toFixed(6) }))),
  };
}

describe('a recording whose rows are not in order', function () {
  this.timeout(120_000);
  const rows = lines();

  /** Imports the rows into a service of its own, and answers what that shows: at once, and after a start. */
  async function imported(order: readonly string[], env: Environment): Promise<{ readonly atOnce: unknown; readonly later: object }> {
    const folder = await mkdtemp(join(tmpdir(), 'greenpark-order-'));
    try {
      const registry = await openRegistry(join(folder, 'registry.db'));
      await registry.import(parseRegistryDocument(REGISTRY), { actor: 'test', at: 0 });
      registry.close();
      const file = join(folder, 'rows.csv');
      await writeFile(file, `t,meter,energy,power\n${order.join('\n')}\n`);
      const inCore = <T>(work: (core: Core) => Promise<T>): Promise<T> =>
        withCore(readConfig({ GREENPARK_DATA_DIR: folder, ...env }), { clock: () => NOW, logger: pino({ level: 'silent' }) }, work);
      const atOnce = await inCore(async (core) => {
        const { counts, stored, duplicates } = await importRecording({
          source: { file, mapping: 'order' },
          mapping: parseMapping(MAPPING, 'order'),
          door: core.pipeline,
          directory: core.directory,
          store: core.store,
          imports: core.registry.imports,
          clock: () => NOW,
        });
        const { latest } = core;
        const newest = METERS.flatMap((id) => latest.ofMeter(core.directory.current.meter(id)?.ordinal ?? -1)).map((at) => ({
          ...{ meter: latest.meter[at], quantity: latest.quantity[at], ts: latest.ts[at], value: latest.value[at], quality: latest.quality[at] },
        }));
        return {
          rows: counts.rows,
          stored,
          duplicates,
          newest: newest.sort((a, b) => Number(a.meter) - Number(b.meter) || Number(a.quantity) - Number(b.quantity)),
        };
      });
      return { atOnce, later: await inCore(shown) };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  const STORES: readonly [store: string, env: (test: Mocha.Context) => Promise<{ readonly env: Environment; remove(): Promise<void> }>][] = [
    ['the embedded store', async () => ({ env: {}, remove: async () => {} })],
    [
      'InfluxDB',
      async (test) => {
        const influx = await Influx.start(requireServer(test, 'influxd'));
        return { env: { GREENPARK_INFLUX_URL: influx.url, GREENPARK_INFLUX_VERSION: '1' }, remove: () => influx.remove() };
      },
    ],
  ];
  for (const [store, open] of STORES) {
    it(`has the same usage and the same latest readings as in order: ${store}`, async function () {
      const outcomes: unknown[] = [];
      for (const order of [rows, shuffled(rows, 1), shuffled(rows, 2), [...rows].reverse()]) {
        const { env, remove } = await open(this);
        try {
          outcomes.push(await imported(order, env));
        } finally {
          await remove();
        }
      }
      const [inOrder, ...others] = outcomes as {
        readonly atOnce: { newest: { ts: number }[] };
        readonly later: { days: { amount: string }[]; running: string[] };
      }[];
      expect(inOrder?.atOnce).to.include({ rows: rows.length, stored: 2 * rows.length, duplicates: 0 });
      expect(inOrder?.atOnce.newest.map(({ ts }) => ts)).to.deep.equal([NOW, NOW, NOW, NOW]);
      expect(inOrder?.later.days.filter(({ amount }) => Number(amount) > 0)).to.have.length.above(DAYS);
      expect(inOrder?.later.running.filter((amount) => Number(amount) > 0)).to.have.length(3);
      for (const other of others) expect(other).to.deep.equal(inOrder);
    });
  }
});
