import type { RunningUsage } from '../../accounting/port.ts';
import { AlertEngine } from '../../alerts/engine.ts';
import type { AlertEngineDeps, RuleBook } from '../../alerts/port.ts';
import type { Alert } from '../../model/alert.ts';
import type { EnterpriseId, EpochMs, MeterId, ParkId } from '../../model/ids.ts';
import { QUALITY } from '../../model/quality.ts';
import { type QuantityName, quantityOf } from '../../model/quantities.ts';
import { ReadingBlockBuilder } from '../../model/reading.ts';
import type { Enterprise, Park, RegisteredMeter } from '../../model/registry.ts';
import type { Cap, LimitRule } from '../../model/rules.ts';
import { Directory } from '../../store/registry/directory.ts';
import type { RuleState } from '../../store/registry/port.ts';

export const PARK = 'p1' as ParkId;
export const WORKS = 'works' as EnterpriseId;
/** 2026-05-01 00:00 in the park's zone. */
export const MAY = Date.parse('2026-05-01T00:00:00+08:00');

export const aPark: Park = { id: PARK, name: '园区', region: '510112', timeZone: 'Asia/Shanghai' };
export const anEnterprise = (over: Partial<Enterprise> = {}): Enterprise => ({
  id: WORKS,
  park: PARK,
  name: '钢厂',
  trade: 'steel',
  stage: 'admitted',
  ...over,
});

export const aMeter = (ordinal: number, over: Partial<RegisteredMeter> = {}): RegisteredMeter => ({
  id: `m${ordinal}` as MeterId,
  ordinal,
  park: PARK,
  enterprise: WORKS,
  name: `meter ${ordinal}`,
  kind: 'electricity',
  parent: null,
  multiplier: 1,
  gateway: null,
  intervalSeconds: 60,
  ...over,
});

export const aLimit = (over: Partial<LimitRule> = {}): LimitRule => ({
  ...{
    id: 'too-much',
    park: PARK,
    name: '功率越限',
    enabled: true,
    type: 'limit',
    subject: { meter: 'm1' as MeterId },
    quantity: 'active_power',
    level: 'orange',
  },
  ...{ side: 'above', value: 100, judged: { by: 'instant' }, deadband: 0, onDelaySeconds: 0, offDelaySeconds: 0 },
  ...over,
});

export const aCap = (over: Partial<Cap> = {}): Cap => ({
  ...{ id: 'cap-day', park: PARK, name: '日用电', enabled: true, enterprise: WORKS, carrier: 'electricity', flow: 'consumption', period: 'day', amount: 1000 },
  stages: [
    { percent: 80, level: 'yellow' },
    { percent: 100, level: 'red' },
  ],
  ...over,
});

/** Where alerts rest, in memory; `refuse` makes the next saves fail. */
export class MemoryRecords {
  readonly alerts = new Map<string, Alert>();
  readonly rows = new Map<string, string>();
  readonly saves: { alerts: number; states: number }[] = [];
  refuse = 0;

  async open(): Promise<Alert[]> {
    return [...this.alerts.values()].filter(({ state }) => state !== 'resolved');
  }
  async get(id: string): Promise<Alert | null> {
    return this.alerts.get(id) ?? null;
  }
  async save(alerts: readonly Alert[], states: readonly RuleState[]): Promise<void> {
    await Promise.resolve();
    if (this.refuse > 0) {
      this.refuse--;
      throw new Error('the disk is full');
    }
    for (const alert of alerts) this.alerts.set(alert.id, alert);
    for (const { instance, state } of states) this.rows.set(instance, state);
    this.saves.push({ alerts: alerts.length, states: states.length });
  }
  async states(): Promise<RuleState[]> {
    return [...this.rows].map(([instance, state]) => ({ instance, state }));
  }
  async deleteStates(instances: readonly string[]): Promise<void> {
    for (const instance of instances) this.rows.delete(instance);
  }
}

export interface Bench {
  readonly engine: AlertEngine;
  readonly records: MemoryRecords;
  /** Kinds and starts of the changes told, e.g. `fired too-much`. */
  readonly told: string[];
  /** Usage so far that caps are judged by. */
  readonly used: { amount: number };
  readonly warnings: string[];
  now: EpochMs;
  judge(ts: EpochMs, value: number, options?: { meter?: number; quantity?: QuantityName; quality?: number }): void;
  /** Moves the clock and ticks. */
  passTo(now: EpochMs): void;
  reload(book: Partial<RuleBook>): void;
}

const NOTHING: RuleBook = { rules: [], caps: [], entryProfiles: [], applications: [] };

export async function anEngine(
  book: Partial<RuleBook>,
  over: {
    records?: MemoryRecords | AlertEngineDeps['records'];
    meters?: RegisteredMeter[];
    enterprises?: Enterprise[];
    replay?: AlertEngineDeps['replay'];
    latest?: AlertEngineDeps['latest'];
    endedUsage?: AlertEngineDeps['endedUsage'];
    steady?: () => number;
    now?: EpochMs;
  } = {},
): Promise<Bench & { directory: { current: Directory } }> {
  const records = over.records ?? new MemoryRecords();
  const used = { amount: 0 };
  const warnings: string[] = [];
  const told: string[] = [];
  const directory = { current: new Directory([aPark], over.enterprises ?? [anEnterprise()], [], over.meters ?? [aMeter(1), aMeter(2)]) };
  const usage: RunningUsage = { soFar: () => used.amount };
  const bench = { now: over.now ?? MAY } as Bench & { directory: typeof directory };
  const logger = { warn: (_: unknown, text: string) => warnings.push(text), error: (_: unknown, text: string) => warnings.push(text), info: () => undefined };
  const engine = await AlertEngine.create({
    ...{ directory, records, usage, book: { ...NOTHING, ...book }, clock: () => bench.now, logger: logger as never },
    ...(over.replay === undefined ? {} : { replay: over.replay }),
    ...(over.latest === undefined ? {} : { latest: over.latest }),
    ...(over.endedUsage === undefined ? {} : { endedUsage: over.endedUsage }),
    ...(over.steady === undefined ? {} : { steady: over.steady }),
  });
  engine.onChange(({ kind, alert }) => told.push(`${kind} ${alert.rule}${alert.stage === null ? '' : ` ${alert.stage} %`}`));
  return Object.assign(bench, {
    ...{ engine, records: records as MemoryRecords, told, used, warnings, directory },
    judge(ts: EpochMs, value: number, { meter = 1, quantity = 'active_power' as QuantityName, quality = QUALITY.good as number } = {}) {
      const block = new ReadingBlockBuilder(1);
      const { code } = quantityOf(quantity);
      // A position in the block is per series: meters are few here.
      block.push(meter * 256 + code, meter, code, ts, value, quality);
      engine.judge(block.take());
    },
    passTo(now: EpochMs) {
      bench.now = now;
      engine.tick(now);
    },
    reload: (next: Partial<RuleBook>) => engine.reload({ ...NOTHING, ...next }),
  });
}
