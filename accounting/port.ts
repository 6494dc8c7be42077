import type { EnterpriseId, EpochMs, MeterId, ParkId } from '../model/ids.ts';
import type { CalendarPeriod, Carrier, Flow } from '../model/rules.ts';

/** Usage over one period; `amount` in the carrier's unit (kWh, m³, GJ, t, kg). */
export interface UsageFigure {
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly carrier: Carrier;
  readonly flow: Flow;
  /** What the figure is grouped by; null where it is the whole park. */
  readonly enterprise: EnterpriseId | null;
  readonly meter: MeterId | null;
  readonly amount: number;
  readonly unit: string;
  /** True where a gap was shared out, a register fell, or the period still runs. */
  readonly estimated: boolean;
}

/** Usage so far in the running calendar periods, kept in memory reading by reading; seeded from the store at start. */
export interface RunningUsage {
  /** Usage of one owner since the start of the period that holds `now`; parent meters are not counted twice. */
  soFar(
    owner: { readonly park: ParkId; readonly enterprise: EnterpriseId | null },
    carrier: Carrier,
    flow: Flow,
    period: Exclude<CalendarPeriod, 'hour'>,
    now: EpochMs,
  ): number;
}
