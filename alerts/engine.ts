import type { Alert, AlertChange } from '../model/alert.ts';
import type { EnterpriseId, EpochMs, ParkId } from '../model/ids.ts';
import type { CapState } from '../model/live.ts';
import { periodOf } from '../model/period.ts';
import { isUsable } from '../model/quality.ts';
import { quantityOfCode } from '../model/quantities.ts';
import type { ReadingBlock } from '../model/reading.ts';
import type { RegisteredMeter } from '../model/registry.ts';
import { AlertBook } from './alert-book.ts';
import { EndedPeriods } from './ended-periods.ts';
import { JOINT, PeriodInstance, type PeriodPlan, type RuleLabel, SeriesGroup, SeriesInstance, type SeriesRule } from './instances.ts';
import { AlertJournal } from './journal.ts';
import { type Plans, planAll, type SeriesPlan } from './plans.ts';
import type { AlertEngineDeps, AlertEntry, RuleBook } from './port.ts';
import { mayHaveMissed, replayMissed } from './replay.ts';
import { type CapRunState, isReached, stepCap } from './rules/cap.ts';
import { CLEAR, elapse, isBeyond, type LimitState, observe, transitionOf } from './rules/limit.ts';

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
  readonly #groups = new Map<string, SeriesGroup>();
  readonly #periodInstances = new Map<string, PeriodInstance>();
  /** Of each rule by the key of its marks: meter ordinal to the time judged last. Only while the stored states are taken. */
  readonly #restoredMarks = new Map<string, Record<number, EpochMs>>();
  #byQuantity = new Map<number, SeriesGroup[]>();
  /** The first rule on a series, by its position in a block, once a reading of it has come: null where there is none. */
  #bySeries: (SeriesInstance | null | undefined)[] = [];
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
      await replayMissed(engine.#missedSeries(), deps.replay, deps.clock(), (instance, ts, value, quality) => engine.#judgeOne(instance, ts, value, quality));
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
    for (let row = 0; row < length; row++) {
      const position = series[row] as number;
      let instance = this.#bySeries[position];
      if (instance === null) continue;
      if (instance === undefined) {
        instance = this.#firstOn(meter[row] as number, quantity[row] as number);
        // Filled up first: an array with holes would turn into a slow dictionary.
        while (this.#bySeries.length < position) this.#bySeries.push(undefined);
        this.#bySeries[position] = instance;
      }
      for (; instance !== null; instance = instance.next) {
        this.#judgeOne(instance, ts[row] as number, value[row] as number, quality[row] as number);
      }
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
    this.#dropUnplanned(plans);
    for (const plan of plans.series) this.#takeSeries(plan);
    for (const plan of plans.periods) this.#takePeriod(plan);
    this.#bySeries = [];
    this.#byQuantity = new Map();
    const claimed = new Set<string>();
    for (const group of this.#groups.values()) {
      const { quantity } = group.rule;
      this.#byQuantity.set(quantity, [...(this.#byQuantity.get(quantity) ?? []), group]);
      for (const instance of group.members.values()) if (instance.state.kind === 'firing') claimed.add(seriesAlertId(instance, instance.state.since));
    }
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

  #judgeOne(instance: SeriesInstance, ts: EpochMs, value: number, quality: number): void {
    if (ts <= instance.last) {
      // Ingest lets an older reading take over where the newest stands in the future.
      if (instance.last <= this.#deps.clock() + AHEAD_MS) return;
      instance.setBack(ts);
      this.#changed.add(instance);
    }
    instance.last = ts;
    instance.group.touched = true;
    if (!isUsable(quality)) return;
    const judged = instance.mean === null ? value : instance.mean.push(ts, value);
    if (Number.isNaN(judged)) return;
    const { bound } = instance.group.rule;
    if (instance.state === CLEAR && !isBeyond(bound, judged)) return;
    const now = this.#deps.clock();
    instance.lagMs = this.#neverSet(now) - Math.min(ts, now);
    // First what came to its end before this value was measured.
    this.#advance(instance, elapse(bound, instance.state, ts - 1), ts - 1);
    this.#advance(instance, observe(bound, instance.state, ts, judged), ts);
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

  #dropUnplanned(plans: Plans): void {
    const metersOf = new Map(plans.series.map(({ rule, meters }) => [groupKey(rule), meters]));
    for (const [key, group] of this.#groups) {
      const meters = new Set(metersOf.get(key)?.map(({ ordinal }) => ordinal));
      for (const [ordinal, instance] of group.members) if (!meters.has(ordinal)) this.#drop(instance, ordinal);
      if (group.members.size > 0) continue;
      this.#groups.delete(key);
      this.#journal.forget(group.marksKey);
    }
    const planned = new Set(plans.periods.map(({ key }) => key));
    for (const [key, instance] of this.#periodInstances) {
      if (planned.has(key)) continue;
      this.#periodInstances.delete(key);
      this.#changed.delete(instance);
      this.#journal.forget(key);
    }
  }

  #drop(instance: SeriesInstance, ordinal: number): void {
    instance.group.members.delete(ordinal);
    this.#waiting.delete(instance);
    this.#changed.delete(instance);
    this.#journal.forget(instance.key);
  }

  #takeSeries({ rule, meters }: SeriesPlan): void {
    const group = this.#groups.get(groupKey(rule)) ?? this.#newGroup(rule);
    const windowBefore = group.rule.windowMs;
    const mayBeStored = this.#stored.size > 0 && this.#storedRules.has([rule.ruleType, rule.park, rule.rule].join(JOINT));
    group.rule = rule;
    for (const meter of meters) {
      const known = group.members.get(meter.ordinal);
      if (known === undefined) this.#takeMeter(group, meter, mayBeStored);
      else known.replan(meter, windowBefore);
    }
  }

  #newGroup(rule: SeriesRule): SeriesGroup {
    const group = new SeriesGroup(rule);
    this.#groups.set(groupKey(rule), group);
    const { marksKey } = group;
    this.#restore(marksKey, { restore: (text) => this.#restoredMarks.set(marksKey, JSON.parse(text) as Record<number, EpochMs>) });
    return group;
  }

  #takeMeter(group: SeriesGroup, meter: RegisteredMeter, mayBeStored: boolean): void {
    const instance = new SeriesInstance(group, meter);
    if (mayBeStored) this.#restore(instance.key, instance);
    const mark = this.#restoredMarks.get(group.marksKey)?.[meter.ordinal];
    if (mark !== undefined && mark > instance.last) instance.last = mark;
    const { state } = instance;
    // Alert and state were saved together: one without the other was taken apart by hand, and the alert is what people saw.
    if (state.kind === 'firing' && this.#alerts.get(seriesAlertId(instance, state.since)) === undefined) instance.state = CLEAR;
    if (instance.state.kind === 'pending' || (instance.state.kind === 'firing' && instance.state.clearSince !== null)) this.#waiting.add(instance);
  }

  /** The first of a series' rules, with the others behind it. */
  #firstOn(ordinal: number, quantity: number): SeriesInstance | null {
    const instances = this.#byQuantity.get(quantity)?.flatMap(({ members }) => members.get(ordinal) ?? []) ?? [];
    for (const [at, instance] of instances.entries()) instance.next = instances[at + 1] ?? null;
    return instances[0] ?? null;
  }

  /** All rules of each series of which one may have missed readings. */
  #missedSeries(): SeriesInstance[][] {
    const found: SeriesInstance[][] = [];
    for (const groups of this.#byQuantity.values()) {
      const missed = new Set(groups.flatMap(({ members }) => [...members.values()].filter((one) => mayHaveMissed(one, this.#deps.latest))));
      const ordinals = new Set([...missed].map(({ meter }) => meter.ordinal));
      for (const ordinal of ordinals) found.push(groups.flatMap(({ members }) => members.get(ordinal) ?? []));
    }
    return found;
  }

  #takePeriod(plan: PeriodPlan): void {
    const known = this.#periodInstances.get(plan.key);
    if (known === undefined) {
      const instance = new PeriodInstance(plan);
      this.#restore(plan.key, instance);
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

  #restore(key: string, into: { restore(text: string): void }): void {
    const text = this.#stored.get(key);
    if (text === undefined) return;
    this.#stored.delete(key);
    try {
      into.restore(text);
    } catch (error) {
      this.#deps.logger.warn({ err: error, instance: key }, 'the stored state of a rule cannot be read; it begins anew');
    }
  }

  #collectStates(all: boolean): Map<string, string> {
    const states = new Map<string, string>();
    for (const instance of this.#changed) states.set(instance.key, instance.text());
    this.#changed.clear();
    if (!all) return states;
    for (const group of this.#groups.values()) {
      if (!group.touched) continue;
      group.touched = false;
      states.set(group.marksKey, group.marks());
    }
    return states;
  }
}

const namesOf = ({ name, nameEn }: RuleLabel): Pick<Alert, 'name' | 'nameEn'> => (nameEn === undefined ? { name } : { name, nameEn });

const seriesAlertId = (instance: SeriesInstance, since: EpochMs): string => [instance.key, since].join(JOINT);

/** A rule that watches another quantity than before is another rule. */
const groupKey = ({ ruleType, park, rule, quantity }: SeriesRule): string => [ruleType, park, rule, quantity].join(JOINT);
