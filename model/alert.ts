import type { EnterpriseId, EpochMs, MeterId, ParkId } from './ids.ts';
import type { QuantityName } from './quantities.ts';
import type { Level } from './rules.ts';

export const ALERT_STATES = ['pending', 'firing', 'acknowledged', 'resolved'] as const;
export type AlertState = (typeof ALERT_STATES)[number];

/** A rule's state for one subject. Times are of measurement unless the name says otherwise. */
export interface Alert {
  /** Unique and stable: the same firing has the same id after a restart. */
  readonly id: string;
  readonly park: ParkId;
  readonly enterprise: EnterpriseId | null;
  readonly meter: MeterId | null;
  readonly rule: string;
  readonly ruleType: 'limit' | 'entry' | 'cap';
  readonly name: string;
  readonly nameEn?: string;
  readonly level: Level;
  readonly state: Exclude<AlertState, 'pending'>;
  /** When the condition began and, for a resolved alert, when it ended. */
  readonly since: EpochMs;
  readonly until: EpochMs | null;
  /** When this service raised it, by its own clock. */
  readonly raisedAt: EpochMs;
  /** What was judged; absent for an alert on a usage over a period. */
  readonly quantity?: QuantityName;
  /** The value judged when it fired, the bound, the worst value so far, and their unit. */
  readonly value: number;
  readonly bound: number;
  readonly peak: number;
  readonly unit: string;
  /** For a cap: the stage in percent that was reached, and the first instant of its period. */
  readonly stage: number | null;
  readonly periodStart: EpochMs | null;
  readonly acknowledgedBy: string | null;
  readonly acknowledgedAt: EpochMs | null;
  readonly shelvedUntil: EpochMs | null;
  readonly shelvedBy: string | null;
  readonly shelvedReason: string | null;
}

/** Every transition is told once. */
export interface AlertChange {
  readonly kind: 'fired' | 'acknowledged' | 'resolved' | 'shelved' | 'unshelved';
  readonly at: EpochMs;
  readonly alert: Alert;
}
