import type { Alert, AlertChange } from '../model/alert.ts';
import type { EnterpriseId, EpochMs, ParkId } from '../model/ids.ts';
import type { CapState } from '../model/live.ts';
import { periodOf } from '../model/period.ts';
import { isUsable, QUALITY } from '../model/quality.ts';
import { quantityOfCode } from '../model/quantities.ts';
import type { ReadingBlock } from '../model/reading.ts';
import type { RegisteredMeter } from '../model/registry.ts';
import { AlertBook } from './alert-book.ts';
import { EndedPeriods } from './ended-periods.ts';
import { JOINT, NONE, PeriodInstance, type PeriodPlan, type RuleLabel, SeriesGroup, SeriesInstance, type SeriesRule, seriesKey } from './instances.ts';
import { AlertJournal } from './journal.ts';
import { planAll, type SeriesPlan } from './plans.ts';
import type { AlertEngineDeps, AlertEntry, RuleBook } from './port.ts';
import { type Missed, mayHaveMissed, replayMissed } from './replay.ts';
import { type CapRunState, isReached, stepCap } from './rules/cap.ts';
import { CLEAR, elapse, isBeyond, type LimitState, observe, transitionOf } from './rules/limit.ts';
import { marksText, readMarks, WatchedSeries } from './watched-series.ts';

/** A clock that is corrected over midnight by less does not bring a period back of which nothing is known. */
const CLOCK_SET_BACK_MS = 3_600_000;
/** Senders' clocks differ by as much; a series that was judged further in the future was so by a clock that was ahead. */
const AHEAD_MS = 60_000;

/**
 * Judges every reading against the rules on its series, and usage against caps and declared amounts. Rules are compiled per series, so
 * a series without one costs an array look-up. All state is in memory; it is loaded at the start and saved with every transition.
 *
 * Order at the start: usage seeded, then `AlertEngine.create`, then the first `judge`.
 */
export class AlertEngine {
  readonly #deps: AlertEngineDeps;
  readonly #journal: AlertJournal;
  readonly #alerts: AlertBook;
  readonly #ended: EndedPeriods;
  readonly #stored: Map<string, string>;
  /** Rules of which the state of some series is stored: only of those each series' key is made to look for it. */
  readonly #storedRules: Set<string>;
  /** By rule and quantity. */
  #groups: ReadonlyMap<string, SeriesGroup> = new Map();
  #watched = new WatchedSeries([]);
  readonly #periodInstances = new Map<string, PeriodInstance>();
  /** Of each rule by its marks' key: meter ordinal to the time judged last. Only while the stored states are taken. */
  readonly #restoredMarks = new Map<string, Map<number, EpochMs>>();
  /** Those for which time going by may change something. */
  readonly #waiting = new Set<SeriesInstance>();
  readonly #changed = new Set<SeriesInstance | PeriodInstance>();
  /** From the steady clock to a time that began as the clock's and is never set: delays run by it. */
  readonly #sinceSteady: number;

  /** Loads what was open, takes the rules and judges what was measured since; resolved: `judge` may be called. */
  static async create(deps: AlertEngineDeps): Promise<AlertEngine> {
    const [open, states] = await Promise.all([deps.records.open(), deps.records.states()]);
    const engine = new AlertEngine(deps, open, new Map(states.map(({ instance, state }) => [instance, state])));
    engine.reload(deps.book);
    for (const instance of engine.#stored.keys()) engine.#journal.forget(instance);
    engine.#stored.clear();
    engine.#restoredMarks.clear();
    if (deps.replay !== undefined) {
      await replayMissed(engine.#missedSeries(), deps.replay, deps.clock(), (place, ts, value, quality) => engine.#judgeOne(place, ts, value, quality));
    }
    return engine;
  }

  private constructor(deps: AlertEngineDeps, open: readonly Alert[], stored: Map<string, string>) {
    this.#deps = deps;
    this.#stored = stored;
    this.#storedRules = new Set([...stored.keys()].map((key) => key.split(JOINT, 3).join(JOINT)));
    this.#journal = new AlertJournal(deps, (all) => this.#collectStates(all));
    this.#alerts = new AlertBook(deps, this.#journal, open);
    this.#ended = new EndedPeriods(deps);
    this.#sinceSteady = deps.steady === undefined ? 0 : deps.clock() - deps.steady();
  }

  /** Judges a block of readings that are the newest of their series. Late ones are not judged. */
  judge(block: ReadingBlock): void {
    const { length, series, meter, quantity, ts, value, quality } = block;
    const watched = this.#watched;
    for (let row = 0; row < length; row++) {
      let place = watched.first(series[row] as number, meter[row] as number, quantity[row] as number);
      for (; place !== NONE; place = watched.next(place)) this.#judgeOne(place, ts[row] as number, value[row] as number, quality[row] as number);
    }
  }

  /** Lets delays, periods and shelves come to their end without a message, and looks at the caps. Call it once a second or oftener. */
  tick(now: EpochMs): void {
    const ahead = this.#neverSet(now);
    for (const instance of this.#waiting) {
      this.#advance(instance, elapse(instance.group.rule.bound, instance.state, ahead - instance.lagMs), ahead - instance.lagMs);
    }
    for (const instance of this.#periodInstances.values()) this.#judgePeriod(instance, now);
    this.#alerts.tick(now);
    this.#journal.tick();
  }

  /** Takes the rules and the directory as they are now. Alerts of what is no longer judged are resolved; states of the rest stay. */
  reload(book: RuleBook): void {
    const plans = planAll(book, this.#deps.directory.current, this.#deps.logger);
    this.#layOut(plans.series.filter(({ meters }) => meters.length > 0));
    this.#dropUnplanned(plans.periods);
    for (const plan of plans.periods) this.#takePeriod(plan);
    const claimed = new Set<string>();
    for (const instance of this.#watched.instances) if (instance?.state.kind === 'firing') claimed.add(seriesAlertId(instance, instance.state.since));
    for (const { alerts } of this.#periodInstances.values()) for (const id of alerts.values()) claimed.add(id);
    for (const { id } of this.#alerts.open()) if (!claimed.has(id)) this.#alerts.resolve(id, this.#deps.clock());
  }

  /** Every change from now on, once; answers how to stop listening. */
  onChange(listener: (change: AlertChange) => void): () => void {
    return this.#alerts.onChange(listener);
  }

  /** Firing and acknowledged alerts of every park. */
  open(): readonly Alert[] {
    return this.#alerts.open();
  }

  /** Rejects with `NOT_FOUND` for an unknown alert, `CONFLICT` for a resolved one. Resolved: durable, with `entry` in the audit trail if anything changed. */
  acknowledge(id: string, by: string, entry?: AlertEntry): Promise<Alert> {
    return this.#alerts.acknowledge(id, by, entry);
  }

  /** Hides an alert until a time in the future, with a reason (`INPUT_INVALID` otherwise). Errors as for acknowledge. */
  shelve(id: string, by: string, until: EpochMs, reason: string, entry?: AlertEntry): Promise<Alert> {
    return this.#alerts.shelve(id, by, until, reason, entry);
  }

  /** Errors as for acknowledge; `CONFLICT` also when it is not shelved. */
  unshelve(id: string): Promise<Alert> {
    return this.#alerts.unshelve(id);
  }

  /** Caps of one enterprise, or all of the park's when `enterprise` is undefined, in their running periods. */
  capStates(park: ParkId, enterprise: EnterpriseId | undefined, now: EpochMs): CapState[] {
    const states: CapState[] = [];
    for (const { plan, run } of this.#periodInstances.values()) {
      if (plan.ruleType !== 'cap' || plan.park !== park || (enterprise !== undefined && plan.enterprise !== enterprise)) continue;
      const { from, to } = periodOf(now, plan.period, plan.zone);
      const used = this.#deps.usage.soFar(plan, plan.carrier, plan.flow, plan.period, now);
      const reached = run?.periodFrom === from ? run.reached : [];
      states.push({
        id: plan.rule,
        ...namesOf(plan),
        enterprise: plan.enterprise,
        carrier: plan.carrier,
        flow: plan.flow,
        period: plan.period,
        from,
        to,
        amount: plan.bound.amount,
        used,
        unit: plan.unit,
        stages: [...plan.levels].map(([percent, level]) => ({ percent, level, reached: reached.includes(percent) || isReached(plan.bound, percent, used) })),
      });
    }
    return states;
  }

  /** Resolved: alerts and states are durable. Rejects when the save fails; nothing of it is forgotten. */
  flush(): Promise<void> {
    return this.#journal.flush();
  }

  /** Call after the last judge. Same as flush. */
  stop(): Promise<void> {
    return this.#journal.flush();
  }

  #judgeOne(place: number, ts: EpochMs, value: number, quality: number): void {
    // Nobody knows when it was measured, and those that come next are judged from where the series was.
    if (quality === QUALITY.clock) return;
    const { last, instances } = this.#watched;
    const group = this.#watched.groupOf(place);
    const known = instances[place] as SeriesInstance | null;
    const before = last[place] as EpochMs;
    if (ts <= before) {
      // Ingest lets an older reading take over where the newest stands in the future.
      if (before <= this.#deps.clock() + AHEAD_MS) return;
      if (known !== null) {
        known.setBack(ts);
        this.#changed.add(known);
      }
    }
    last[place] = ts;
    group.touched = true;
    if (!isUsable(quality)) return;
    const { bound } = group.rule;
    const judged = known === null || known.mean === null ? value : known.mean.push(ts, value);
    if (Number.isNaN(judged)) return;
    if ((known === null || known.state === CLEAR) && !isBeyond(bound, judged)) return;
    const instance = known ?? this.#instanceAt(place, group);
    if (instance === null) return;
    const now = this.#deps.clock();
    instance.lagMs = this.#neverSet(now) - Math.min(ts, now);
    // First what came to its end before this value was measured.
    this.#advance(instance, elapse(bound, instance.state, ts - 1), ts - 1);
    this.#advance(instance, observe(bound, instance.state, ts, judged), ts);
  }

  /** null where the meter is gone from the registry by now. */
  #instanceAt(place: number, group: SeriesGroup): SeriesInstance | null {
    const meter = this.#deps.directory.current.meterOf(this.#watched.ordinalOf(place));
    if (meter === undefined) return null;
    const instance = new SeriesInstance(group, meter);
    this.#watched.instances[place] = instance;
    return instance;
  }

  #neverSet(now: EpochMs): EpochMs {
    const { steady } = this.#deps;
    return steady === undefined ? now : steady() + this.#sinceSteady;
  }

  #advance(instance: SeriesInstance, after: LimitState, at: EpochMs): void {
    const before = instance.state;
    if (after === before) return;
    instance.state = after;
    this.#changed.add(instance);
    if (after.kind === 'pending' || (after.kind === 'firing' && after.clearSince !== null)) this.#waiting.add(instance);
    else this.#waiting.delete(instance);
    const transition = transitionOf(before, after, at);
    if (transition?.kind === 'fired' && after.kind === 'firing') this.#fireSeries(instance, after);
    else if (transition?.kind === 'resolved' && before.kind === 'firing') this.#alerts.resolve(seriesAlertId(instance, before.since), transition.until);
    else if (after.kind === 'firing') this.#alerts.worsen(seriesAlertId(instance, after.since), after.peak);
  }

  #fireSeries(instance: SeriesInstance, { since, value, peak }: LimitState & { kind: 'firing' }): void {
    const { park, rule, ruleType, level, unit, bound, quantity } = instance.group.rule;
    const { id: meter, enterprise } = instance.meter;
    this.#alerts.fire({
      ...{ id: seriesAlertId(instance, since), park, enterprise, meter, rule, ruleType, ...namesOf(instance.group.rule), level, since, value, peak, unit },
      quantity: quantityOfCode(quantity).name,
      ...{ bound: bound.value, stage: null, periodStart: null },
    });
  }

  #judgePeriod(instance: PeriodInstance, now: EpochMs): void {
    const { plan } = instance;
    const before = instance.run;
    if (before !== null && now < before.periodFrom && this.#staysAhead(instance, before, now)) return;
    if (plan.judgedAtEnd && before !== null) {
      if (now >= before.periodTo) {
        this.#judgeEnded(instance, before, now);
        return;
      }
      this.#ended.runs(plan);
    }
    const used = this.#deps.usage.soFar(plan, plan.carrier, plan.flow, plan.period, now);
    const span =
      before !== null && now >= before.periodFrom && now < before.periodTo
        ? { from: before.periodFrom, to: before.periodTo }
        : periodOf(now, plan.period, plan.zone);
    const isOther = before !== null && before.periodFrom !== span.from;
    const known = isOther && instance.former?.periodFrom === span.from ? instance.former : before;
    const { state, fired, ended } = stepCap(plan.bound, known, span, used);
    const left = known === before ? ended : before;
    if (state === before) return;
    instance.run = state;
    this.#changed.add(instance);
    if (left !== null) {
      instance.former = left;
      for (const id of instance.alerts.values()) this.#alerts.resolve(id, Math.min(left.periodTo, now));
      instance.alerts.clear();
    }
    for (const percent of fired) this.#firePeriod(instance, percent, now, state.periodFrom, used);
    if (!plan.judgedAtEnd) for (const id of instance.alerts.values()) this.#alerts.worsen(id, state.used);
  }

  /** The clock was set back before the period: is it not left for the one that runs now? */
  #staysAhead({ plan, former }: PeriodInstance, { periodFrom }: CapRunState, now: EpochMs): boolean {
    // What is judged at the end was judged: it is not done again.
    if (plan.judgedAtEnd) return true;
    const isKnown = former !== null && now >= former.periodFrom && now < former.periodTo;
    return !isKnown && now >= periodFrom - CLOCK_SET_BACK_MS;
  }

  /** An amount that had to be reached by the period's end: its alert stands until the next period is judged. */
  #judgeEnded(instance: PeriodInstance, run: CapRunState, now: EpochMs): void {
    const ended = this.#ended.look(instance.plan, run, now);
    if (ended === null) return;
    const { used, next } = ended;
    instance.run = { periodFrom: next.from, periodTo: next.to, reached: [], used: 0 };
    this.#changed.add(instance);
    for (const id of instance.alerts.values()) this.#alerts.resolve(id, run.periodTo);
    instance.alerts.clear();
    if (used !== null && used < instance.plan.bound.amount) this.#firePeriod(instance, 100, run.periodFrom, run.periodFrom, used);
  }

  #firePeriod(instance: PeriodInstance, percent: number, since: EpochMs, periodStart: EpochMs, used: number): void {
    const { park, enterprise, rule, ruleType, unit, bound, levels, key } = instance.plan;
    // With the amount: a stage that was taken back because the cap was raised, and is reached again, is another alert with its own record.
    const id = [key, periodStart, ...(ruleType === 'cap' ? [percent] : []), bound.amount].join(JOINT);
    instance.alerts.set(percent, id);
    this.#alerts.fire({
      ...{
        id,
        park,
        enterprise,
        meter: null,
        rule,
        ruleType,
        ...namesOf(instance.plan),
        level: levels.get(percent) ?? 'red',
        since,
        value: used,
        peak: used,
        unit,
      },
      ...{ bound: (bound.amount * percent) / 100, stage: ruleType === 'cap' ? percent : null, periodStart },
    });
  }

  #dropUnplanned(plans: readonly PeriodPlan[]): void {
    const planned = new Set(plans.map(({ key }) => key));
    for (const [key, instance] of this.#periodInstances) {
      if (planned.has(key)) continue;
      this.#periodInstances.delete(key);
      this.#changed.delete(instance);
      this.#journal.forget(key);
    }
  }

  /** Gives each rule a place on each series that it watches. What is known of those that it watched before stays. */
  #layOut(plans: readonly SeriesPlan[]): void {
    const [groupsBefore, before] = [this.#groups, this.#watched];
    const groups = new Map(plans.map(({ rule, meters }) => [groupKey(rule), new SeriesGroup(rule, meters)]));
    this.#groups = groups;
    this.#watched = new WatchedSeries([...groups.values()]);
    for (const { rule, meters } of plans) {
      const key = groupKey(rule);
      const group = groups.get(key) as SeriesGroup;
      const former = groupsBefore.get(key);
      if (former === undefined) this.#restoreMarks(group);
      else group.touched = former.touched;
      const mayBeStored = this.#stored.size > 0 && this.#storedRules.has([rule.ruleType, rule.park, rule.rule].join(JOINT));
      for (const meter of meters) {
        const place = group.placeOf(meter.ordinal);
        const formerPlace = former?.placeOf(meter.ordinal) ?? NONE;
        if (formerPlace === NONE) this.#takeMeter(group, { meter, place, mayBeStored });
        else this.#keepMeter(group, { meter, place, last: before.last[formerPlace] as EpochMs, known: before.instances[formerPlace] ?? null });
      }
    }
    for (const [key, former] of groupsBefore) {
      const group = groups.get(key);
      const marked = new Set(group?.marksRecords().map(({ key }) => key));
      for (const { key } of former.marksRecords()) if (!marked.has(key)) this.#journal.forget(key);
      for (let place = former.firstPlace; place < former.firstPlace + former.ordinals.length; place++) {
        const instance = before.instances[place] ?? null;
        if (instance !== null && (group === undefined || group.placeOf(before.ordinalOf(place)) === NONE)) this.#drop(instance);
      }
    }
  }

  #drop(instance: SeriesInstance): void {
    this.#waiting.delete(instance);
    this.#changed.delete(instance);
    this.#journal.forget(instance.key);
  }

  #keepMeter(
    group: SeriesGroup,
    { meter, place, last, known }: { readonly meter: RegisteredMeter; readonly place: number; readonly last: EpochMs; readonly known: SeriesInstance | null },
  ): void {
    this.#watched.last[place] = last;
    known?.replan(group, meter);
    this.#watched.instances[place] = known ?? (group.rule.windowMs === null ? null : new SeriesInstance(group, meter));
  }

  #restoreMarks(group: SeriesGroup): void {
    const marks = new Map<number, EpochMs>();
    for (const key of new Set([group.marksKey, ...group.marksRecords().map((record) => record.key)])) this.#restore(key, (text) => readMarks(text, marks));
    if (marks.size > 0) this.#restoredMarks.set(group.marksKey, marks);
  }

  #takeMeter(
    group: SeriesGroup,
    { meter, place, mayBeStored }: { readonly meter: RegisteredMeter; readonly place: number; readonly mayBeStored: boolean },
  ): void {
    const { last, instances } = this.#watched;
    const key = mayBeStored ? seriesKey(group.rule, meter.id) : null;
    const isStored = key !== null && this.#stored.has(key);
    const instance = isStored || group.rule.windowMs !== null ? new SeriesInstance(group, meter) : null;
    instances[place] = instance;
    if (isStored && instance !== null) {
      this.#restore(key, (text) => {
        last[place] = instance.restore(text);
      });
    }
    const mark = this.#restoredMarks.get(group.marksKey)?.get(meter.ordinal);
    if (mark !== undefined && mark > (last[place] as EpochMs)) last[place] = mark;
    if (instance === null) return;
    const { state } = instance;
    // Alert and state were saved together: one without the other was taken apart by hand, and the alert is what people saw.
    if (state.kind === 'firing' && this.#alerts.get(seriesAlertId(instance, state.since)) === undefined) instance.state = CLEAR;
    if (instance.state.kind === 'pending' || (instance.state.kind === 'firing' && instance.state.clearSince !== null)) this.#waiting.add(instance);
  }

  /** All rules of each series of which one may have missed readings. */
  #missedSeries(): Missed[][] {
    const watched = this.#watched;
    const found: Missed[][] = [];
    for (const quantity of watched.quantities) {
      const groups = watched.of(quantity);
      const missed = new Set<number>();
      for (const group of groups) {
        for (const ordinal of group.ordinals) if (mayHaveMissed(this.#missedAt(group, ordinal), this.#deps.latest)) missed.add(ordinal);
      }
      for (const ordinal of missed) {
        found.push(groups.filter((group) => group.placeOf(ordinal) !== NONE).map((group) => this.#missedAt(group, ordinal)));
      }
    }
    return found;
  }

  #missedAt(group: SeriesGroup, meter: number): Missed {
    const place = group.placeOf(meter);
    return { place, meter, rule: group.rule, last: this.#watched.last[place] as EpochMs, mean: this.#watched.instances[place]?.mean ?? null };
  }

  #takePeriod(plan: PeriodPlan): void {
    const known = this.#periodInstances.get(plan.key);
    if (known === undefined) {
      const instance = new PeriodInstance(plan);
      this.#restore(plan.key, (text) => instance.restore(text));
      this.#periodInstances.set(plan.key, instance);
      this.#takeBack(instance);
      return;
    }
    known.plan = plan;
    this.#takeBack(known);
  }

  /** A cap that was raised, or a stage that is gone: what is not reached any more is not told any more. */
  #takeBack(instance: PeriodInstance): void {
    const { plan, run } = instance;
    if (run === null || plan.judgedAtEnd) return;
    const reached = run.reached.filter((percent) => plan.bound.percents.includes(percent) && isReached(plan.bound, percent, run.used));
    if (reached.length === run.reached.length) return;
    for (const percent of run.reached) {
      const id = instance.alerts.get(percent);
      if (id === undefined || reached.includes(percent)) continue;
      this.#alerts.resolve(id, this.#deps.clock());
      instance.alerts.delete(percent);
    }
    instance.run = { ...run, reached };
    this.#changed.add(instance);
  }

  #restore(key: string, restore: (text: string) => unknown): void {
    const text = this.#stored.get(key);
    if (text === undefined) return;
    this.#stored.delete(key);
    try {
      restore(text);
    } catch (error) {
      this.#deps.logger.warn({ err: error, instance: key }, 'the stored state of a rule cannot be read; it begins anew');
    }
  }

  #collectStates(all: boolean): Map<string, string> {
    const states = new Map<string, string>();
    for (const instance of this.#changed) states.set(instance.key, this.#textOf(instance));
    this.#changed.clear();
    if (!all) return states;
    for (const group of this.#groups.values()) {
      if (!group.touched) continue;
      group.touched = false;
      const last = this.#watched.lastOf(group);
      for (const { key, from, until } of group.marksRecords()) states.set(key, marksText(group.ordinals.subarray(from, until), last.subarray(from, until)));
    }
    return states;
  }

  #textOf(instance: SeriesInstance | PeriodInstance): string {
    if (instance instanceof PeriodInstance) return instance.text();
    return instance.text(this.#watched.last[instance.group.placeOf(instance.meter.ordinal)] as EpochMs);
  }
}

const namesOf = ({ name, nameEn }: RuleLabel): Pick<Alert, 'name' | 'nameEn'> => (nameEn === undefined ? { name } : { name, nameEn });

const seriesAlertId = (instance: SeriesInstance, since: EpochMs): string => [instance.key, since].join(JOINT);

/** A rule that watches another quantity than before is another rule. */
const groupKey = ({ ruleType, park, rule, quantity }: SeriesRule): string => [ruleType, park, rule, quantity].join(JOINT);
