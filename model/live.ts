import type { Alert, AlertChange } from './alert.ts';
import type { EnterpriseId, EpochMs, MeterId, ParkId } from './ids.ts';
import type { MeterKind } from './meter-kinds.ts';
import type { ToldStatus } from './meter-statuses.ts';
import type { QualityName } from './quality.ts';
import type { QuantityName } from './quantities.ts';
import type { Stage } from './registry.ts';
import type { Carrier, Flow, Level } from './rules.ts';

/**
 * The live state of a park as one viewer may see it: what `GET /parks/{park}/state` answers and the socket sends as `snapshot`.
 * An enterprise's viewer gets its own meters, alerts, caps and figures alone.
 */
export interface ParkSnapshot {
  /** Number of the last change merged into this snapshot; `readings` events continue from it. */
  readonly seq: number;
  readonly at: EpochMs;
  readonly park: { readonly id: ParkId; readonly name: string; readonly nameEn: string | null; readonly timeZone: string };
  /** The enterprise whose view this is; null for the whole park. */
  readonly enterprise: EnterpriseId | null;
  readonly enterprises: readonly {
    readonly id: EnterpriseId;
    readonly name: string;
    readonly nameEn: string | null;
    readonly trade: string;
    readonly tradeEn: string | null;
    readonly stage: Stage;
  }[];
  readonly meters: readonly LiveMeter[];
  readonly alerts: readonly Alert[];
  readonly figures: LiveFigures;
}

export interface LiveMeter {
  readonly id: MeterId;
  readonly name: string;
  readonly nameEn: string | null;
  readonly kind: MeterKind;
  readonly enterprise: EnterpriseId | null;
  readonly parent: MeterId | null;
  readonly intervalSeconds: number;
  /** Null where nobody said. */
  readonly status: ToldStatus | null;
  readonly latest: readonly LiveValue[];
}

/** Null values never stand here: a quantity that was never read is absent. */
export type LiveValue = readonly [quantity: QuantityName, ts: EpochMs, value: number, quality: QualityName];
export type LiveReading = readonly [meter: MeterId, ...LiveValue];
export type LiveStatus = readonly [meter: MeterId, online: boolean, since: EpochMs];

/** What changed in a room since the batch before. `seq` rises by one. */
export interface LiveBatch {
  readonly seq: number;
  readonly at: EpochMs;
  /** Latest value per series that changed. */
  readonly readings: readonly LiveReading[];
  /** Of meters of which something was said. */
  readonly statuses: readonly LiveStatus[];
}

/** Figures that are computed, sent whole every few seconds. */
export interface LiveFigures {
  readonly at: EpochMs;
  /** kW now, from the latest usable readings that are not stale; null where no such meter reports. */
  readonly power: { readonly consumption: number | null; readonly generation: number | null; readonly battery: number | null };
  /** Since the zone's midnight. */
  readonly today: readonly { readonly carrier: Carrier; readonly flow: Flow; readonly amount: number; readonly unit: string }[];
  readonly carbonToday: { readonly kg: number; readonly factors: readonly FactorUsed[] } | null;
  readonly air: AirQuality | null;
  readonly caps: readonly CapState[];
  /** The worst value so far of each open alert in view; its growing is no change of the alert that is told by itself. */
  readonly peaks: readonly (readonly [alert: string, peak: number])[];
}

/** A factor behind a figure: what it is and where it comes from. */
export interface FactorUsed {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly source: string;
  readonly year: number;
  readonly confidence: string;
}

/** Real-time report of HJ 633-2026 from one-hour means. `aqi` is null where it may not be given. */
export interface AirQuality {
  readonly meter: MeterId;
  /** End of the hour that the means cover. */
  readonly at: EpochMs;
  readonly standard: string;
  readonly aqi: number | null;
  readonly level: 1 | 2 | 3 | 4 | 5 | 6 | null;
  readonly primary: readonly QuantityName[];
  readonly items: readonly { readonly quantity: QuantityName; readonly mean: number; readonly iaqi: number | null }[];
}

export interface CapState {
  readonly id: string;
  readonly name: string;
  readonly nameEn?: string;
  readonly enterprise: EnterpriseId | null;
  readonly carrier: Carrier;
  readonly flow: Flow;
  readonly period: 'day' | 'month' | 'year';
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly amount: number;
  readonly used: number;
  readonly unit: string;
  /** The stages, lowest first, and which of them have been reached in this period. */
  readonly stages: readonly { readonly percent: number; readonly level: Level; readonly reached: boolean }[];
}

/** A meter's clock may be ahead of the service's; a reading that is further ahead than this has its time from a clock that is wrong, or has been set back since. */
const AHEAD_MS = 600_000;

export const isAhead = (latestTs: EpochMs, now: EpochMs): boolean => latestTs - now > AHEAD_MS;

/** Is a meter that reports each `intervalSeconds` silent for longer than three of them (and at least two minutes)? */
export function isStale(latestTs: EpochMs, intervalSeconds: number, now: EpochMs): boolean {
  const silentFor = now - latestTs;
  return silentFor > Math.max(3 * intervalSeconds * 1000, 120_000) || isAhead(latestTs, now);
}

/** Was the meter told to be gone, and has measured nothing since? `newest` is the time of its newest reading, null before the first. */
export const isGone = (status: ToldStatus | null, newest: EpochMs | null): boolean =>
  status !== null && !status.online && (newest === null || newest <= status.since);

export interface ServerToClient {
  snapshot(state: ParkSnapshot): void;
  /** At most ten a second per room. */
  readings(batch: LiveBatch): void;
  alert(change: AlertChange): void;
  usage(figures: LiveFigures): void;
}

export interface ClientToServer {
  /** Answers null when watched, or the reason why not. Replaces what was watched before. */
  watch(
    what: { readonly park: string; readonly enterprise?: string },
    reply: (refused: { readonly code: string; readonly message: string } | null) => void,
  ): void;
}
