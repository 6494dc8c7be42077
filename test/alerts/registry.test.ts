import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { AlertEngine } from '../../alerts/engine.ts';
import { type AlertEngineDeps, loadRuleBook } from '../../alerts/port.ts';
import type { EpochMs } from '../../model/ids.ts';
import { type QuantityName, quantityOf } from '../../model/quantities.ts';
import { ReadingBlockBuilder } from '../../model/reading.ts';
import { DirectoryWatch } from '../../store/registry/directory.ts';
import { type OpenRegistry, openRegistry } from '../../store/registry/open.ts';
import { aCap, aLimit, aMeter, anEnterprise, aPark, MAY, PARK } from './setup.ts';

const meterRecord = (n: number) => {
  const { ordinal: _, ...meter } = aMeter(n);
  return meter;
};
const usage = { amount: 0 };

describe('the alert engine over the registry on disk', () => {
  let folder: string;
  let registry: OpenRegistry;
  let directory: DirectoryWatch;
  let now: EpochMs;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'greenpark-alerts-'));
    registry = await openRegistry(join(folder, 'registry.db'));
    await registry.parks.put(aPark);
    await registry.enterprises.put(anEnterprise());
    await registry.meters.put(meterRecord(1));
    directory = await DirectoryWatch.open(registry, () => undefined);
    now = MAY;
    usage.amount = 0;
  });

  afterEach(() => {
    directory.stop();
    registry.close();
    rmSync(folder, { recursive: true });
  });

  const open = async (records: AlertEngineDeps['records'] = registry.alerts) => {
    await directory.refresh();
    const logger = { warn: () => undefined, error: () => undefined, info: () => undefined };
    const book = await loadRuleBook(registry);
    const engine = await AlertEngine.create({ directory, book, records, usage: { soFar: () => usage.amount }, clock: () => now, logger });
    const told: string[] = [];
    engine.onChange(({ kind, alert }) => told.push(`${kind} ${alert.rule} ${alert.meter ?? alert.stage}`));
    return { engine, told };
  };
  const reload = async (engine: AlertEngine) => {
    await directory.refresh();
    engine.reload(await loadRuleBook(registry));
  };
  const judge = (engine: AlertEngine, meter: string, ts: EpochMs, value: number, quantity: QuantityName = 'active_power') => {
    const ordinal = directory.current.meter(meter)?.ordinal ?? -1;
    const { code } = quantityOf(quantity);
    const block = new ReadingBlockBuilder(1);
    block.push(ordinal * 256 + code, ordinal, code, ts, value, 0);
    engine.judge(block.take());
  };
  const stored = async () => (await registry.alerts.list({ parks: [PARK] }, { limit: 50, after: null })).items;

  it('watches a meter of the kind from the moment it is registered until it is deleted', async () => {
    await registry.rules.put(aLimit({ subject: { kind: 'electricity' } }));
    const { engine, told } = await open();
    await registry.meters.put(meterRecord(2));
    await reload(engine);
    judge(engine, 'm2', MAY, 120);
    expect(told).to.deep.equal(['fired too-much m2']);
    await registry.meters.delete(PARK, aMeter(2).id);
    await reload(engine);
    expect(told).to.deep.equal(['fired too-much m2', 'resolved too-much m2']);
    await engine.stop();
    expect((await stored()).map(({ state }) => state)).to.deep.equal(['resolved']);
  });

  it('ends the alert of a quantity that its rule does not watch any more', async () => {
    await registry.rules.put(aLimit());
    const { engine, told } = await open();
    judge(engine, 'm1', MAY, 120);
    await registry.rules.put(aLimit({ quantity: 'voltage_a', value: 250 }));
    await reload(engine);
    expect(told).to.deep.equal(['fired too-much m1', 'resolved too-much m1']);
    judge(engine, 'm1', MAY, 260, 'voltage_a');
    expect(told.at(-1)).to.equal('fired too-much m1');
    await engine.stop();
    expect((await stored()).map(({ state, unit }) => [state, unit]).sort()).to.deep.equal([
      ['firing', 'V'],
      ['resolved', 'kW'],
    ]);
  });

  it('tells a cap’s stages once a period, however often it is started', async () => {
    await registry.caps.put(aCap());
    const told: string[] = [];
    for (const amount of [700, 820, 830, 1010, 1020]) {
      usage.amount = amount;
      now += 60_000;
      const run = await open();
      run.engine.tick(now);
      told.push(...run.told);
      await run.engine.stop();
    }
    expect(told).to.deep.equal(['fired cap-day 80', 'fired cap-day 100']);
  });

  it('tells nothing twice when the clock is set back over midnight', async () => {
    await registry.caps.put(aCap());
    const { engine, told } = await open();
    now = MAY + 1000;
    usage.amount = 850;
    engine.tick(now);
    now = MAY - 2000;
    usage.amount = 900;
    engine.tick(now);
    now = MAY + 2000;
    engine.tick(now);
    await engine.stop();
    expect(told).to.deep.equal(['fired cap-day 80']);
  });

  it('keeps the record of a stage that was taken back when the stage is reached again in the same period', async () => {
    await registry.caps.put(aCap());
    const { engine, told } = await open();
    usage.amount = 850;
    engine.tick(now);
    await engine.acknowledge(engine.open()[0]?.id ?? '', 'li');
    await registry.caps.put(aCap({ amount: 2000 }));
    await reload(engine);
    usage.amount = 1700;
    now += 60_000;
    engine.tick(now);
    await engine.stop();
    expect(told.map((each) => each.split(' ')[0])).to.deep.equal(['fired', 'acknowledged', 'resolved', 'fired']);
    expect((await stored()).map(({ state, bound, acknowledgedBy }) => [state, bound, acknowledgedBy]).sort()).to.deep.equal([
      ['firing', 1600, null],
      ['resolved', 800, 'li'],
    ]);
  });

  it('does not raise again what ended while somebody acknowledged it', async () => {
    await registry.rules.put(aLimit());
    const { engine } = await open();
    judge(engine, 'm1', MAY, 120);
    const acknowledged = engine.acknowledge(engine.open()[0]?.id ?? '', 'li');
    judge(engine, 'm1', MAY + 1000, 50);
    await acknowledged;
    await engine.stop();
    expect(engine.open()).to.deep.equal([]);
    expect((await stored()).map(({ state, acknowledgedBy }) => [state, acknowledgedBy])).to.deep.equal([['resolved', 'li']]);
  });

  it('has every transition on disk in the end when the disk was full for a while', async () => {
    await registry.rules.put(aLimit());
    let full = true;
    const { engine } = await open({
      ...registry.alerts,
      save: (alerts, states) => (full ? Promise.reject(new Error('database or disk is full')) : registry.alerts.save(alerts, states)),
    });
    for (const [second, value] of [120, 50, 130, 50, 140].entries()) {
      judge(engine, 'm1', MAY + second * 1000, value);
      await new Promise(setImmediate);
    }
    expect(await stored()).to.deep.equal([]);
    full = false;
    await engine.flush();
    expect((await stored()).map(({ since, state }) => [since - MAY, state])).to.deep.equal([
      [4000, 'firing'],
      [2000, 'resolved'],
      [0, 'resolved'],
    ]);
  });
});
