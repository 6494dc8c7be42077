import type { Logger } from 'pino';
import type { RunningUsage } from '../accounting/port.ts';
import type { Alert } from '../model/alert.ts';
import type { Clock } from '../model/clock.ts';
import type { EnterpriseId, EpochMs, ParkId } from '../model/ids.ts';
import type { LatestReadings } from '../model/latest.ts';
import type { Enterprise, Park, RegisteredMeter } from '../model/registry.ts';
import type { Application, Cap, Carrier, EntryProfile, Flow, Rule } from '../model/rules.ts';
import type { ReadingStore } from '../store/port.ts';
import type { AlertRecords, NewAuditEntry, Registry } from '../store/registry/port.ts';

/** What judging needs of the registry's view in memory. */
export interface AlertDirectory {
  park(id: string): Park | undefined;
  enterprise(park: string, id: string): Enterprise | undefined;
  meter(id: string): RegisteredMeter | undefined;
  meterOf(ordinal: number): RegisteredMeter | undefined;
  /** All of the park's meters, or one enterprise's. */
  metersOf(park: string, enterprise?: EnterpriseId): readonly RegisteredMeter[];
}

/** The audit entry of what somebody did to an alert; it is saved in one transaction with the alert. */
export type AlertEntry = (before: Alert, after: Alert) => NewAuditEntry;

/** Everything that says what is judged, over all parks. */
export interface RuleBook {
  readonly rules: readonly Rule[];
  readonly caps: readonly Cap[];
  readonly entryProfiles: readonly EntryProfile[];
  readonly applications: readonly Application[];
}

export interface EndedUsage {
  readonly park: ParkId;
  /** null: the park as a whole. */
  readonly enterprise: EnterpriseId | null;
  readonly carrier: Carrier;
  readonly flow: Flow;
  readonly period: 'day' | 'month' | 'year';
}

export interface AlertEngineDeps {
  readonly directory: { readonly current: AlertDirectory };
  readonly book: RuleBook;
  /** Where alerts and the state of rules rest. */
  readonly records: Pick<AlertRecords, 'open' | 'get' | 'save' | 'states' | 'deleteStates'>;
  /** Usage in the running periods; seeded before the first tick. */
  readonly usage: RunningUsage;
  readonly clock: Clock;
  /** Milliseconds that go by, from any beginning: it is never set. Delays and retries run by it. Left out: the clock, which then must not be set. */
  readonly steady?: () => number;
  readonly logger: Pick<Logger, 'warn' | 'error' | 'info'>;
  /** Stored readings, for what was measured while nobody judged. Left out: nothing is judged after the event. */
  readonly replay?: ReadingStore['raw'];
  /**
   * Usage of one whole period that began at `from`, from what is stored; null where no counter of it was ever read. Left out: what must
   * reach an amount by a period's end is judged by what was seen, and not at all when nobody saw the end.
   */
  readonly endedUsage?: (what: EndedUsage, from: EpochMs) => Promise<number | null>;
  /** Newest stored reading of each series, as it was seeded: spares asking the store where nothing was missed. Left out: every series is asked for. */
  readonly latest?: Pick<LatestReadings, 'find' | 'ts'>;
}

/** What is judged, as the registry holds it now: in all parks, or in those named. */
export async function loadRuleBook(registry: Pick<Registry, 'rules' | 'caps' | 'entryProfiles' | 'applications'>, only?: readonly ParkId[]): Promise<RuleBook> {
  const [rules, caps, entryProfiles, applications] = await Promise.all([
    registry.rules.all(),
    registry.caps.all(),
    registry.entryProfiles.all(),
    registry.applications.all(),
  ]);
  const of = <T extends { readonly park: ParkId }>(all: readonly T[]) => (only === undefined ? all : all.filter(({ park }) => only.includes(park)));
  return { rules: of(rules), caps: of(caps), entryProfiles: of(entryProfiles), applications: of(applications) };
}
