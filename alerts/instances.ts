import type { Alert } from '../model/alert.ts';
import type { EnterpriseId, EpochMs, ParkId } from '../model/ids.ts';
import { quantityOfCode } from '../model/quantities.ts';
import type { RegisteredMeter } from '../model/registry.ts';
import type { Carrier, Flow, Level } from '../model/rules.ts';
import type { CapRunState, StagedBound } from './rules/cap.ts';
import type { Bound, LimitState } from './rules/limit.ts';
import { CLEAR } from './rules/limit.ts';
import { RollingMean } from './rules/rolling-mean.ts';

/** Parts of a key or an alert's id are held together by this: it stands in no id, and a URL takes it as it is. */
export const JOINT = '~';

/** What an alert says about the rule behind it. */
export interface RuleLabel {
  readonly park: ParkId;
  readonly rule: string;
  readonly ruleType: Alert['ruleType'];
  readonly name: string;
  readonly nameEn: string | undefined;
}

/** How one rule is judged on each series that it watches. */
export interface SeriesRule extends RuleLabel {
  readonly level: Level;
  readonly quantity: number;
  readonly unit: string;
  readonly bound: Bound;
  /** null: each value is judged by itself. */
  readonly windowMs: number | null;
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

/**
 * One rule on all its series. What they have in common stands here once, as there may be one on every meter; and when each was judged last
 * is kept together: one small record a rule, not one a meter.
 */
export class SeriesGroup {
  rule: SeriesRule;
  readonly marksKey: string;
  /** A series was judged since the marks were taken last. */
  touched = false;
  /** By the meter's ordinal. */
  readonly members = new Map<number, SeriesInstance>();

  constructor(rule: SeriesRule) {
    this.rule = rule;
    this.marksKey = ['marks', rule.ruleType, rule.park, rule.rule].join(JOINT);
  }

  marks(): string {
    const marks: Record<number, EpochMs> = {};
    for (const [ordinal, { last }] of this.members) if (Number.isFinite(last)) marks[ordinal] = last;
    return JSON.stringify(marks);
  }
}

/** One rule on one series, with its state; only the engine changes it. */
export class SeriesInstance {
  readonly group: SeriesGroup;
  meter: RegisteredMeter;
  state: LimitState = CLEAR;
  /** Time of the newest reading taken, -Infinity before the first. */
  last: EpochMs = Number.NEGATIVE_INFINITY;
  /** How far the readings lie behind the engine's own clock, in milliseconds: delays run in the readings' own time. */
  lagMs = 0;
  mean: RollingMean | null;
  /** The next rule on the same series, once readings of it have come. */
  next: SeriesInstance | null = null;

  constructor(group: SeriesGroup, meter: RegisteredMeter) {
    this.group = group;
    this.meter = meter;
    this.mean = meanOf(group.rule, meter);
    group.members.set(meter.ordinal, this);
  }

  /** Tells it apart from all others, and names its stored state. A rule on another quantity is another instance. */
  get key(): string {
    const { ruleType, park, rule, quantity } = this.group.rule;
    return [ruleType, park, rule, this.meter.id, quantityOfCode(quantity).name].join(JOINT);
  }

  /** Takes meter and rule as they read now; what has fired stays until the next value says otherwise. */
  replan(meter: RegisteredMeter, windowBefore: number | null): void {
    this.meter = meter;
    if (this.group.rule.windowMs !== windowBefore) this.mean = meanOf(this.group.rule, meter);
  }

  /** The clock was set back: the readings so far bear times that are still to come, and the next one stands at `ts`. */
  setBack(ts: EpochMs): void {
    const { state } = this;
    if (state.kind === 'pending') this.state = { ...state, since: ts };
    else if (state.kind === 'firing' && state.clearSince !== null) this.state = { ...state, clearSince: ts };
    if (this.mean !== null) this.mean = meanOf(this.group.rule, this.meter);
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
  /** Of the period that was left last: a clock that is set back finds again what was told in it. */
  former: CapRunState | null = null;
  /** Open alerts, by the percentage that raised them. */
  alerts = new Map<number, string>();

  constructor(plan: PeriodPlan) {
    this.plan = plan;
  }

  get key(): string {
    return this.plan.key;
  }

  text(): string {
    return JSON.stringify({ run: this.run, former: this.former, alerts: [...this.alerts] });
  }

  restore(text: string): void {
    const stored = JSON.parse(text) as { run: CapRunState | null; former?: CapRunState | null; alerts: [number, string][] };
    this.run = stored.run;
    this.former = stored.former ?? null;
    this.alerts = new Map(stored.alerts);
  }
}

const meanOf = ({ windowMs }: SeriesRule, { intervalSeconds }: RegisteredMeter): RollingMean | null =>
  windowMs === null ? null : new RollingMean(windowMs, intervalSeconds * 1000);
