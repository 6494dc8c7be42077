import type { Alert } from '../model/alert.ts';
import type { EnterpriseId, EpochMs, ParkId } from '../model/ids.ts';
import { quantityOfCode } from '../model/quantities.ts';
import type { RegisteredMeter } from '../model/registry.ts';
import type { Carrier, Flow, Level } from '../model/rules.ts';
import type { CapRunState, StagedBound } from './rules/cap.ts';
import type { Bound, LimitState } from './rules/limit.ts';
import { CLEAR } from './rules/limit.ts';
import { RollingMean } from './rules/rolling-mean.ts';

/** No place: a meter that a rule does not watch. */
export const NONE = -1;

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

/** Ordinals whose marks are saved in one record: its text is small enough to be made and forgotten without a full collection of garbage. */
const RECORD_ORDINALS = 4096;

/**
 * One rule on all its series. What they have in common stands here once, as there may be one on every meter; and when each was judged last
 * is kept together: a few records a rule, not one a meter.
 */
export class SeriesGroup {
  readonly rule: SeriesRule;
  readonly marksKey: string;
  /** A series was judged since the marks were taken last. */
  touched = false;
  /** The meters whose series it watches, rising; each has a place, in the same order. */
  readonly ordinals: Int32Array;
  firstPlace = 0;

  constructor(rule: SeriesRule, meters: readonly RegisteredMeter[]) {
    this.rule = rule;
    this.ordinals = Int32Array.from(meters, ({ ordinal }) => ordinal).sort();
    this.marksKey = ['marks', rule.ruleType, rule.park, rule.rule].join(JOINT);
  }

  /** The place of a meter's series, or NONE. */
  placeOf(ordinal: number): number {
    const at = this.#firstFrom(ordinal);
    return this.ordinals[at] === ordinal ? this.firstPlace + at : NONE;
  }

  /** The records that its marks are saved in, and which of its ordinals each is of. */
  marksRecords(): MarksRecord[] {
    const { ordinals } = this;
    const records: MarksRecord[] = [];
    for (let from = 0; from < ordinals.length; ) {
      const number = Math.floor((ordinals[from] as number) / RECORD_ORDINALS);
      const until = this.#firstFrom((number + 1) * RECORD_ORDINALS);
      // The first has the key under which an earlier version saved all of them, and takes their place.
      records.push({ key: number === 0 ? this.marksKey : [this.marksKey, number].join(JOINT), from, until });
      from = until;
    }
    return records;
  }

  /** Where the first ordinal that is not below this one stands. */
  #firstFrom(ordinal: number): number {
    const { ordinals } = this;
    let low = 0;
    let high = ordinals.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ordinals[middle] as number) < ordinal) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export interface MarksRecord {
  readonly key: string;
  readonly from: number;
  readonly until: number;
}

/** What is known of one rule on one series beside when it was judged last; made for the first value that is beyond. Only the engine changes it. */
export class SeriesInstance {
  group: SeriesGroup;
  meter: RegisteredMeter;
  state: LimitState = CLEAR;
  /** How far the readings lie behind the engine's own clock, in milliseconds: delays run in the readings' own time. */
  lagMs = 0;
  mean: RollingMean | null;

  constructor(group: SeriesGroup, meter: RegisteredMeter) {
    this.group = group;
    this.meter = meter;
    this.mean = meanOf(group.rule, meter);
  }

  /** Tells it apart from all others, and names its stored state. */
  get key(): string {
    return seriesKey(this.group.rule, this.meter.id);
  }

  /** Takes meter and rule as they read now; what has fired stays until the next value says otherwise. */
  replan(group: SeriesGroup, meter: RegisteredMeter): void {
    const windowBefore = this.group.rule.windowMs;
    this.group = group;
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

  /** @param last time judged last */
  text(last: EpochMs): string {
    return JSON.stringify({ state: this.state, last, lagMs: this.lagMs });
  }

  /** Answers the time judged last. */
  restore(text: string): EpochMs {
    const stored = JSON.parse(text) as { state: LimitState; last: EpochMs; lagMs: number };
    this.state = stored.state.kind === 'clear' ? CLEAR : stored.state;
    this.lagMs = stored.lagMs;
    return stored.last;
  }
}

/** Names a rule on one series. A rule on another quantity is another one. */
export const seriesKey = ({ ruleType, park, rule, quantity }: SeriesRule, meter: string): string =>
  [ruleType, park, rule, meter, quantityOfCode(quantity).name].join(JOINT);

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
