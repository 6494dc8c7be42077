import type { Logger } from 'pino';
import type { Balance, BalancePart } from '../accounting/balance.ts';
import type { EntryAssessment } from '../accounting/entry-assessment.ts';
import type { UsageFigure } from '../accounting/port.ts';
import type { Alert } from '../model/alert.ts';
import type { Clock } from '../model/clock.ts';
import type { Fault } from '../model/errors.ts';
import type { EnterpriseId, EpochMs, MeterId, ParkId } from '../model/ids.ts';
import type { GatewayStanding, IngestState, LeftOutSeen } from '../model/ingest.ts';
import type { LatestReadings } from '../model/latest.ts';
import type { AirQuality, FactorUsed, ParkSnapshot } from '../model/live.ts';
import type { MappingBody, ShippedMapping, Tried } from '../model/mapping.ts';
import type { Span } from '../model/period.ts';
import type { QuantityName } from '../model/quantities.ts';
import type { NotedRegisterChange } from '../model/register-change.ts';
import type { Enterprise, Park, RegisteredMeter } from '../model/registry.ts';
import type { Application, CalendarPeriod, Carrier, EntryProfile } from '../model/rules.ts';
import type { UnknownMeter, UnknownMeterKey } from '../model/unknown-meter.ts';
import type { Correction, ReadingStore } from '../store/port.ts';
import type { DeadLetter, NewAuditEntry, Registry, RegistryRecords } from '../store/registry/port.ts';
import type { Auth } from './auth/auth.ts';

/** Everything the API asks of others; main.ts hands it in. */
export interface ApiDeps {
  readonly registry: RegistryRecords & Pick<Registry, 'change'>;
  readonly store: Pick<ReadingStore, 'raw' | 'steps' | 'correct' | 'revisions'>;
  readonly directory: LiveDirectory;
  readonly latest: LatestReadings;
  readonly auth: Auth;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly alerts: AlertDesk;
  readonly figures: Figures;
  readonly mappings: MappingDesk;
  readonly ingest: IngestDesk;
  /** The live snapshot of a park, or of one enterprise's part of it. */
  readonly state: (park: ParkId, enterprise: EnterpriseId | null) => ParkSnapshot;
  /** Judges an application's declared values against the thresholds of its profile. */
  readonly assess: (profile: EntryProfile, application: Application) => EntryAssessment;
  /** Able to serve and store? Each part by name; shown to everybody, so `detail` names no addresses. */
  readonly readiness: () => Promise<readonly { readonly part: string; readonly ready: boolean; readonly detail?: string }[]>;
  /** The metrics in Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  /** Called after a correction rests in the store, for the parts that hold figures in memory. */
  readonly corrected?: (correction: Correction) => void;
  readonly registers: RegisterBook;
  /** Folder of the built web client; null serves none. */
  readonly webFolder: string | null;
  readonly options?: ApiOptions;
}

export interface ApiOptions {
  /** Believe X-Forwarded-* of the one reverse proxy in front. Default false. */
  readonly trustProxy?: boolean;
  /** Failed sign-ins per address within a quarter of an hour before the address has to wait. Default 20. */
  readonly signInFailures?: number;
  /** Checks every answer against its declared schema; tests do. Default false. */
  readonly checkAnswers?: boolean;
}

/** The in-memory view of the registry that routes look places up in. */
export interface DirectoryView {
  readonly parks: ReadonlyMap<ParkId, Park>;
  park(id: string): Park | undefined;
  enterprise(park: string, id: string): Enterprise | undefined;
  enterprisesOf(park: string): readonly Enterprise[];
  meter(id: string): RegisteredMeter | undefined;
  metersOf(park: string, enterprise?: EnterpriseId): readonly RegisteredMeter[];
}

export interface LiveDirectory {
  readonly current: DirectoryView;
  /** Brings `current` up to what the registry holds now; called after each change, so that the one who made it sees it. */
  refresh(): Promise<void>;
}

/** The audit entry of what somebody did to an alert; it is saved in one transaction with the alert. */
export type AlertEntry = (before: Alert, after: Alert) => NewAuditEntry;

/** What people may do with an alert. Both reject with `NOT_FOUND` for an unknown id and `CONFLICT` for a resolved alert. */
export interface AlertDesk {
  acknowledge(id: string, by: string, entry: AlertEntry): Promise<Alert>;
  shelve(id: string, by: string, until: EpochMs, reason: string, entry: AlertEntry): Promise<Alert>;
}

/** What is known of registers that did not go on from where they stood. */
export interface RegisterBook {
  /** In order of time, then of noting. */
  of(meter: MeterId): readonly NotedRegisterChange[];
  /** Called when a change that a person declared is in the registry: figures follow it from now on. */
  declared(change: NotedRegisterChange): Promise<void>;
}

/** What became of one pushed item. */
export interface PushOutcome {
  readonly outcome: 'accepted' | 'partly' | 'refused' | 'duplicate';
  readonly refusals: readonly { readonly reason: string; readonly detail: string; readonly count: number }[];
}

/** What became of dead letters that were tried again; messages where nothing else is said. */
export interface ReplayReport {
  readonly letters: number;
  readonly messages: number;
  readonly accepted: number;
  readonly partly: number;
  readonly refused: number;
  readonly leftOut: number;
  /** Letters. */
  readonly cut: number;
  readonly notOriginal: number;
  readonly already: number;
  readonly failed: number;
}

/** What is asked of ingest. */
export interface IngestDesk {
  /** One outcome per item, when all are durable. Rejects retryable when ingest is full, STORE_CLOSED when it stops. */
  push(items: readonly unknown[], gateway: string | null, receivedAt: EpochMs): Promise<readonly PushOutcome[]>;
  /** Tries the letters again, in order of arrival. */
  replay(letters: readonly DeadLetter[]): Promise<ReplayReport>;
  readonly unknown: {
    list(): readonly UnknownMeter[];
    forget(one: UnknownMeterKey): void;
  };
  readonly leftOut: {
    /** Of all parks, those that need somebody first, last seen first. */
    list(): readonly LeftOutSeen[];
    /** How many of them had to leave the list; null: of those of no known park. */
    forgottenOf(park: ParkId | null): number;
  };
  /** Letters that wait because this meter was not registered, oldest first; none that speak of another park. */
  lettersOfUnknown(meter: string, park: ParkId): Promise<readonly DeadLetter[]>;
  /** Letters that wait because a mapping did not say which meter the device of this name is, oldest first; to be asked for before it does. */
  lettersOfDevice(device: { readonly meter: string; readonly mapping: string; readonly park: ParkId }): Promise<readonly DeadLetter[]>;
  /**
   * Letters of a data logger whose number no gateway had, oldest first. Its password is believed while they are tried: who left many with
   * others, of which only so many are looked at, does not shut out its own.
   */
  lettersOfLogger(mn: string, password: string): Promise<readonly DeadLetter[]>;
  state(): IngestState;
  /** Of all parks, those in trouble first. */
  gateways(): readonly GatewayStanding[];
}

/** What is known of mappings where they are run. */
export interface MappingDesk {
  /** Those that come with Greenpark. */
  readonly shipped: readonly ShippedMapping[];
  /** What is wrong with a mapping's expressions, topics, units and names; none when it can be used. */
  check(body: MappingBody): readonly Fault[];
  /** What a mapping makes of a message, step by step; rejects `INPUT_INVALID` for a mapping with faults. */
  try(body: MappingBody, topic: string, payload: Uint8Array, receivedAt: EpochMs, gateway: string | null): Promise<Tried>;
}

export interface UsageQuestion {
  readonly park: ParkId;
  /** null: all of the park, its own meters included. */
  readonly enterprise: EnterpriseId | null;
  /** null: every carrier. */
  readonly carrier: Carrier | null;
  readonly period: CalendarPeriod;
  /** The periods that touch [from, to) are answered whole. */
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** `park` is one figure for everything asked for, parent meters not counted twice. */
  readonly by: 'park' | 'enterprise' | 'meter';
}

export interface BalanceQuestion {
  readonly meter: RegisteredMeter;
  /** Only the meters of this enterprise are looked for below it; null: all. */
  readonly enterprise: EnterpriseId | null;
  readonly span: Span;
  /** A share, 0 to 1, of what came in or went out. */
  readonly tolerance: number;
}

/** One carrier between a meter and those right below it. `from` and `to` is the part of the span of which the meter above tells. */
export interface BalanceFigure extends Balance {
  readonly carrier: Carrier;
  readonly unit: string;
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly parts: readonly BalancePart[];
  /** Meters that belong to it and have no reading. */
  readonly unread: readonly MeterId[];
  readonly tolerance: number;
}

export interface CarbonFigure {
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly enterprise: EnterpriseId | null;
  readonly meter: MeterId | null;
  /** kilograms of CO₂; null where nothing that was consumed has a factor. */
  readonly kg: number | null;
  readonly estimated: boolean;
  readonly factors: readonly FactorUsed[];
  /** Carriers consumed for which there is no factor: missing from the figure, not zero in it. */
  readonly without: readonly Carrier[];
}

export interface HourlyMean {
  readonly meter: MeterId;
  readonly quantity: QuantityName;
  /** First instant of the hour. */
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** In the quantity's unit; null where the hour is not valid. */
  readonly mean: number | null;
  /** Minutes of the hour with usable data, 0 to 60. */
  readonly minutes: number;
  readonly valid: boolean;
}

/** Figures computed from what is stored. */
export interface Figures {
  usage(question: UsageQuestion): Promise<readonly UsageFigure[]>;
  balance(question: BalanceQuestion): Promise<readonly BalanceFigure[]>;
  carbon(question: Omit<UsageQuestion, 'carrier'>): Promise<readonly CarbonFigure[]>;
  /** One real-time report per ambient station of the park. */
  air(park: ParkId): Promise<readonly AirQuality[]>;
  /** Hourly means of the park's ambient stations, hours that touch [from, to). */
  hourlyMeans(park: ParkId, from: EpochMs, to: EpochMs): Promise<readonly HourlyMean[]>;
}
