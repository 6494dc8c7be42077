import type { Alert } from '../model/alert.ts';
import type { EnterpriseId, EpochMs, MeterId, ParkId } from '../model/ids.ts';
import type { Carrier, Flow, Level } from '../model/rules.ts';
import type { CapRunState, StagedBound } from './rules/cap.ts';
import type { Bound, LimitState } from './rules/limit.ts';
import { CLEAR } from './rules/limit.ts';
import { RollingMean } from './rules/rolling-mean.ts';

/** What an alert says about the rule behind it. */
export interface RuleLabel {
  readonly park: ParkId;
  readonly rule: string;
  readonly ruleType: Alert['ruleType'];
  readonly name: string;
  readonly nameEn: string | undefined;
}

/** How one rule is judged for one series. */
export interface SeriesPlan extends RuleLabel {
  readonly key: string;
  readonly level: Level;
  readonly enterprise: EnterpriseId | null;
  readonly meter: MeterId;
  readonly ordinal: number;
  readonly quantity: number;
  readonly unit: string;
  readonly bound: Bound;
  /** null: each value is judged by itself. */
  readonly windowMs: number | null;
  readonly intervalMs: number;
}

/** How one cap, or one usage declared at entry, is judged for its owner. */
export interface PeriodPlan extends RuleLabel {
  readonly key: string;
  readonly enterprise: EnterpriseId | null;
  readonly carrier: Carrier;
  readonly flow: Flow;
  readonly period: 'day' | 'month' | 'year';
  readonly zone: string;
  readonly unit: string;
  readonly bound: StagedBound;
  readonly levels: ReadonlyMap<number, Level>;
  /** A usage that must be at least the amount can only be judged when its period is over. */
  readonly judgedAtEnd: boolean;
}

/** When each series of a rule was judged last is kept together: one small record a rule, not one a meter. */
export class RuleMarks {
  readonly key: string;
  touched = false;
  readonly members = new Set<SeriesInstance>();

  constructor(key: string) {
    this.key = key;
  }

  text(): string {
    const marks: Record<number, EpochMs> = {};
    for (const { plan, last } of this.members) if (Number.isFinite(last)) marks[plan.ordinal] = last;
    return JSON.stringify(marks);
  }
}

/** One rule on one series, with its state; only the engine changes it. */
export class SeriesInstance {
  plan: SeriesPlan;
  readonly marks: RuleMarks;
  state: LimitState = CLEAR;
  /** Time of the newest reading taken, -Infinity before the first. */
  last: EpochMs = Number.NEGATIVE_INFINITY;
  /** How far the readings lie behind the clock, in milliseconds: delays run in the readings' own time. */
  lagMs = 0;
  mean: RollingMean | null;

  constructor(plan: SeriesPlan, marks: RuleMarks) {
    this.plan = plan;
    this.marks = marks;
    this.mean = meanOf(plan);
    marks.members.add(this);
  }

  /** Takes the rule as it reads now; what has fired stays until the next value says otherwise. */
  replan(plan: SeriesPlan): void {
    if (plan.windowMs !== this.plan.windowMs) this.mean = meanOf(plan);
    this.plan = plan;
  }

  text(): string {
    return JSON.stringify({ state: this.state, last: this.last, lagMs: this.lagMs });
  }

  restore(text: string): void {
    const stored = JSON.parse(text) as { state: LimitState; last: EpochMs; lagMs: number };
    this.state = stored.state.kind === 'clear' ? CLEAR : stored.state;
    this.last = stored.last;
    this.lagMs = stored.lagMs;
  }
}

export class PeriodInstance {
  plan: PeriodPlan;
  run: CapRunState | null = null;
  /** Open alerts, by the percentage that raised them. */
  alerts = new Map<number, string>();

  constructor(plan: PeriodPlan) {
    this.plan = plan;
  }

  text(): string {
    return JSON.stringify({ run: this.run, alerts: [...this.alerts] });
  }

  restore(text: string): void {
    const stored = JSON.parse(text) as { run: CapRunState | null; alerts: [number, string][] };
    this.run = stored.run;
    this.alerts = new Map(stored.alerts);
  }
}

const meanOf = ({ windowMs, intervalMs }: SeriesPlan): RollingMean | null => (windowMs === null ? null : new RollingMean(windowMs, intervalMs));
