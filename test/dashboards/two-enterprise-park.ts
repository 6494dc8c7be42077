import { LiveState } from '../../dashboards/live-state.ts';
import type { LiveAccounting, LiveAlerts, LiveDirectory } from '../../dashboards/port.ts';
import type { Principal, Role, Scope } from '../../model/access.ts';
import type { Alert, AlertChange } from '../../model/alert.ts';
import type { EnterpriseId, EpochMs, MeterId, ParkId } from '../../model/ids.ts';
import { LatestReadings } from '../../model/latest.ts';
import type { AirQuality, CapState } from '../../model/live.ts';
import type { MeterKind } from '../../model/meter-kinds.ts';
import { MeterStatuses } from '../../model/meter-statuses.ts';
import { type QuantityName, quantityOf } from '../../model/quantities.ts';
import { type ReadingBlock, ReadingBlockBuilder } from '../../model/reading.ts';
import type { Enterprise, Park, RegisteredMeter } from '../../model/registry.ts';

export const NOON = Date.UTC(2026, 0, 1, 4);
export const PARK = 'sichuan-1' as ParkId;
export const OTHER_PARK = 'yunnan-1' as ParkId;
export const STEEL = 'steel' as EnterpriseId;
export const PAPER = 'paper' as EnterpriseId;

const parks: Park[] = [
  { id: PARK, name: '蓉欧园', nameEn: 'Rong-Ou park', region: '510112', timeZone: 'Asia/Shanghai' },
  { id: OTHER_PARK, name: '滇中园', region: '530102', timeZone: 'Asia/Shanghai' },
];
const enterprises: Enterprise[] = [
  { id: STEEL, park: PARK, name: '钢厂', nameEn: 'Steel works', trade: '钢铁', stage: 'admitted' },
  { id: PAPER, park: PARK, name: '纸厂', trade: '造纸', stage: 'on-notice' },
];

function aMeter(ordinal: number, id: string, kind: MeterKind, enterprise: EnterpriseId | null, park = PARK, parent: string | null = null): RegisteredMeter {
  return { ordinal, id: id as MeterId, park, enterprise, name: id, kind, parent: parent as MeterId | null, multiplier: 1, gateway: null, intervalSeconds: 60 };
}

export const METERS = [
  aMeter(1, 'grid', 'electricity', null),
  aMeter(2, 'steel-e', 'electricity', STEEL, PARK, 'grid'),
  aMeter(3, 'paper-e', 'electricity', PAPER, PARK, 'grid'),
  aMeter(4, 'paper-water', 'water', PAPER),
  aMeter(5, 'air', 'ambient', null),
  aMeter(6, 'other-e', 'electricity', null, OTHER_PARK),
];

export class ParkDirectory implements LiveDirectory {
  parks = parks;
  park(id: string): Park | undefined {
    return this.parks.find((park) => park.id === id);
  }
  enterprise(park: ParkId, id: string): Enterprise | undefined {
    return enterprises.find((each) => each.park === park && each.id === id);
  }
  enterprisesOf(park: ParkId): Enterprise[] {
    return enterprises.filter((each) => each.park === park);
  }
  metersOf(park: ParkId): RegisteredMeter[] {
    return METERS.filter((meter) => meter.park === park);
  }
  meterOf(ordinal: number): RegisteredMeter | undefined {
    return METERS.find((meter) => meter.ordinal === ordinal);
  }
}

export function anAlert(id: string, enterprise: EnterpriseId | null, over: Partial<Alert> = {}): Alert {
  return {
    id,
    park: PARK,
    enterprise,
    meter: null,
    rule: 'r1',
    ruleType: 'limit',
    name: id,
    level: 'orange',
    state: 'firing',
    since: NOON,
    until: null,
    raisedAt: NOON,
    value: 120,
    bound: 100,
    peak: 130,
    unit: 'kW',
    stage: null,
    periodStart: null,
    acknowledgedBy: null,
    acknowledgedAt: null,
    shelvedUntil: null,
    shelvedBy: null,
    shelvedReason: null,
    ...over,
  };
}

export function aCap(id: string, enterprise: EnterpriseId | null, over: Partial<CapState> = {}): CapState {
  return {
    id,
    name: id,
    enterprise,
    carrier: 'electricity',
    flow: 'consumption',
    period: 'day',
    from: NOON - 12 * 3_600_000,
    to: NOON + 12 * 3_600_000,
    amount: 1000,
    used: 850,
    unit: 'kWh',
    stages: [
      { percent: 80, level: 'yellow', reached: true },
      { percent: 100, level: 'red', reached: false },
    ],
    ...over,
  };
}

export const AIR: AirQuality = {
  meter: 'air' as MeterId,
  at: NOON,
  standard: 'HJ 633-2026',
  aqi: 42,
  level: 1,
  primary: [],
  items: [{ quantity: 'pm2_5', mean: 20, iaqi: 42 }],
};

/** A park with two enterprises and a neighbour park, its clock and its sources in the test's hands. */
export class Fixture {
  now: EpochMs = NOON;
  readonly latest = new LatestReadings();
  readonly directory = { current: new ParkDirectory() };
  openAlerts: Alert[] = [anAlert('a-steel', STEEL), anAlert('a-paper', PAPER), anAlert('a-park', null), anAlert('a-other', null, { park: OTHER_PARK })];
  // Answers everything it has, whoever asks: the view itself must keep apart what is not the viewer's.
  caps = [aCap('cap-steel', STEEL), aCap('cap-paper', PAPER), aCap('cap-park', null)];
  today: { carrier: 'electricity'; flow: 'consumption'; amount: number; unit: string }[] = [];
  readonly listeners = new Set<(change: AlertChange) => void>();
  readonly alerts: LiveAlerts = {
    open: () => this.openAlerts,
    capStates: () => this.caps,
    onChange: (listener) => {
      this.listeners.add(listener);
      return () => this.listeners.delete(listener);
    },
  };
  readonly accounting: LiveAccounting = { today: () => this.today, carbonToday: () => null, air: () => AIR };
  readonly statuses = new MeterStatuses();
  readonly live = new LiveState({
    directory: this.directory,
    latest: this.latest,
    statuses: this.statuses,
    alerts: this.alerts,
    accounting: this.accounting,
    clock: () => this.now,
  });

  /** Takes readings in as the pipeline does: latest first, then shown. */
  read(...readings: readonly (readonly [meter: string, quantity: QuantityName, value: number, ts?: EpochMs, quality?: number])[]): ReadingBlock {
    const block = new ReadingBlockBuilder(16);
    for (const [id, quantity, value, ts = this.now, quality = 0] of readings) {
      const ordinal = METERS.find((meter) => meter.id === id)?.ordinal ?? 999;
      const { code } = quantityOf(quantity);
      const series = this.latest.seriesOf(ordinal, code);
      this.latest.offer(series, ts, value, quality);
      block.push(series, ordinal, code, ts, value, quality);
    }
    const taken = block.take();
    this.live.show(taken);
    return taken;
  }

  /** As the core does. */
  say(id: string, online: boolean, at: EpochMs = this.now): void {
    const ordinal = METERS.find((meter) => meter.id === id)?.ordinal ?? 999;
    this.statuses.tell(ordinal, online, at);
    this.live.showStatus(ordinal);
  }

  change(alert: Alert, kind: AlertChange['kind'] = 'fired'): void {
    for (const listener of this.listeners) listener({ kind, at: this.now, alert });
  }
}

const aPrincipal = (role: Role, scope: Scope): Principal => ({ name: role, role, scope });
/** Everybody who may knock, by the token they bring. */
export const PEOPLE: Readonly<Record<string, Principal>> = {
  operator: aPrincipal('operator', { kind: 'installation' }),
  committee: aPrincipal('committee', { kind: 'park', park: PARK }),
  'other-committee': aPrincipal('committee', { kind: 'park', park: OTHER_PARK }),
  'province-auditor': aPrincipal('auditor', { kind: 'region', region: '51' }),
  'other-province-auditor': aPrincipal('auditor', { kind: 'region', region: '53' }),
  steel: aPrincipal('enterprise', { kind: 'enterprise', park: PARK, enterprise: STEEL }),
  paper: aPrincipal('enterprise', { kind: 'enterprise', park: PARK, enterprise: PAPER }),
};
