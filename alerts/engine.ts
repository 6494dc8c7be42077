import type { Alert, AlertChange } from '../model/alert.ts';
import type { EnterpriseId, EpochMs, ParkId } from '../model/ids.ts';
import type { CapState } from '../model/live.ts';
import { periodOf } from '../model/period.ts';
import { isUsable } from '../model/quality.ts';
import { quantityOfCode } from '../model/quantities.ts';
import type { ReadingBlock } from '../model/reading.ts';
import { AlertBook } from './alert-book.ts';
import { EndedPeriods } from './ended-periods.ts';
import { PeriodInstance, type PeriodPlan, type RuleLabel, RuleMarks, SeriesInstance, type SeriesPlan } from './instances.ts';
import { AlertJournal } from './journal.ts';
import { JOINT, type Plans, planAll } from './plans.ts';
import type { AlertEngineDeps, AlertEntry, RuleBook } from './port.ts';
import { mayHaveMissed, replayMissed } from './replay.ts';
import { type CapRunState, isReached, stepCap } from './rules/cap.ts';
import { CLEAR, elapse, isBeyond, type LimitState, observe, transitionOf } from './rules/limit.ts';

/** Highest number of quantities the catalogue can hold; part of a series' key. */
const QUANTITY_SPAN = 1024;
/** A clock that is corrected over midnight does not bring yesterday's period back; one that was wrong by more is believed anew. */
const CLOCK_SET_BACK_MS = 3_600_000;

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
  readonly #seriesInstances = new Map<string, SeriesInstance>();
  readonly #periodInstances = new Map<string, PeriodInstance>();
  readonly #marks = new Map<string, RuleMarks>();
  /** Of each rule by the key of its marks: meter ordinal to the time judged last. Only while the stored states are taken. */
  readonly #restoredMarks = new Map<string, Record<number, EpochMs>>();
  /** By (meter, quantity), and the same by the position of a series in a block: null where there is no rule. */
  readonly #byKey = new Map<number, SeriesInstance[]>();
  #bySeries: (readonly SeriesInstance[] | null | undefined)[] = [];
  /** Those for which time going by may change something. */
  readonly #waiting = new Set<SeriesInstance>();
  readonly #changed = new Set<SeriesInstance | PeriodInstance>();

  /** Loads what was open, takes the rules and judges what was measured since; resolved: `judge` may be called. */
  static async create(deps: AlertEngineDeps): Promise<AlertEngine> {
    const [open, states] = await Promise.all([deps.records.open(), deps.records.states()]);
    const engine = new AlertEngine(deps, open, new Map(states.map(({ instance, state }) => [instance, state])));
    engine.reload(deps.book);
    for (const instance of engine.#stored.keys()) engine.#journal.forget(instance);
    engine.#stored.clear();
    engine.#restoredMarks.clear();
    if (deps.replay !== undefined) {
      const series = [...engine.#byKey.values()].filter((instances) => mayHaveMissed(instances, deps.latest));
      await replayMissed(series, deps.replay, deps.clock(), (instance, ts, value, quality) => engine.#judgeOne(instance, ts, value, quality));
    }
    return engine;
  }

  private constructor(deps: AlertEngineDeps, open: readonly Alert[], stored: Map<string, string>) {
    this.#deps = deps;
    this.#stored = stored;
    this.#journal = new AlertJournal(deps, (all) => this.#collectStates(all));
    this.#alerts = new AlertBook(deps, this.#journal, open);
    this.#ended = new EndedPeriods(deps);
  }

  /** Judges a block of readings that are the newest of their series. Late ones are not judged. */
  judge(block: ReadingBlock): void {
    const { length, series, meter, quantity, ts, value, quality } = block;
    for (let row = 0; row < length; row++) {
      const position = series[row] as number;
      let instances = this.#bySeries[position];
      if (instances === null) continue;
      if (instances === undefined) {
        instances = this.#byKey.get((meter[row] as number) * QUANTITY_SPAN + (quantity[row] as number)) ?? null;
        // Filled up first: an array with holes would turn into a slow dictionary.
        while (this.#bySeries.length < position) this.#bySeries.push(undefined);
        this.#bySeries[position] = instances;
        if (instances === null) continue;
      }
      for (let at = 0; at < instances.length; at++) {
        this.#judgeOne(instances[at] as SeriesInstance, ts[row] as number, value[row] as number, quality[row] as number);
      }
    }
  }

  /** Lets delays, periods and shelves come to their end without a message, and looks at the caps. Call it once a second or oftener. */
  tick(now: EpochMs): void {
    for (const instance of this.#waiting) this.#advance(instance, elapse(instance.plan.bound, instance.state, now - instance.lagMs), now - instance.lagMs);
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
    this.#byKey.clear();
    const claimed = new Set<string>();
    for (const instance of this.#seriesInstances.values()) {
      const key = instance.plan.ordinal * QUANTITY_SPAN + instance.plan.quantity;
      const others = this.#byKey.get(key);
      if (others === undefined) this.#byKey.set(key, [instance]);
      else others.push(instance);
      if (instance.state.kind === 'firing') claimed.add(seriesAlertId(instance.plan, instance.state.since));
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
    if (ts <= instance.last) return;
    instance.last = ts;
    instance.marks.touched = true;
    if (!isUsable(quality)) return;
    const judged = instance.mean === null ? value : instance.mean.push(ts, value);
    if (Number.isNaN(judged)) return;
    const { bound } = instance.plan;
    if (instance.state === CLEAR && !isBeyond(bound, judged)) return;
    instance.lagMs = Math.max(0, this.#deps.clock() - ts);
    // First what came to its end before this value was measured.
    this.#advance(instance, elapse(bound, instance.state, ts - 1), ts - 1);
    this.#advance(instance, observe(bound, instance.state, ts, judged), ts);
  }

  #advance(instance: SeriesInstance, after: LimitState, at: EpochMs): void {
    const before = instance.state;
    if (after === before) return;
    instance.state = after;
    this.#changed.add(instance);
    if (after.kind === 'pending' || (after.kind === 'firing' && after.clearSince !== null)) this.#waiting.add(instance);
    else this.#waiting.delete(instance);
    const transition = transitionOf(before, after, at);
    if (transition?.kind === 'fired' && after.kind === 'firing') this.#fireSeries(instance.plan, after);
    else if (transition?.kind === 'resolved' && before.kind === 'firing') this.#alerts.resolve(seriesAlertId(instance.plan, before.since), transition.until);
    else if (after.kind === 'firing') this.#alerts.worsen(seriesAlertId(instance.plan, after.since), after.peak);
  }

  #fireSeries(plan: SeriesPlan, { since, value, peak }: LimitState & { kind: 'firing' }): void {
    const { park, rule, ruleType, level, enterprise, meter, unit, bound } = plan;
    this.#alerts.fire({
      ...{ id: seriesAlertId(plan, since), park, enterprise, meter, rule, ruleType, ...namesOf(plan), level, since, value, peak, unit },
      quantity: quantityOfCode(plan.quantity).name,
      ...{ bound: bound.value, stage: null, periodStart: null },
    });
  }

  #judgePeriod(instance: PeriodInstance, now: EpochMs): void {
    const { plan } = instance;
    const before = instance.run;
    if (before !== null && now < before.periodFrom && now >= before.periodFrom - CLOCK_SET_BACK_MS) return;
    if (plan.judgedAtEnd && before !== null && now >= before.periodTo) {
      this.#judgeEnded(instance, before, now);
      return;
    }
    const used = this.#deps.usage.soFar(plan, plan.carrier, plan.flow, plan.period, now);
    const span =
      before !== null && now >= before.periodFrom && now < before.periodTo
        ? { from: before.periodFrom, to: before.periodTo }
        : periodOf(now, plan.period, plan.zone);
    const { state, fired, ended } = stepCap(plan.bound, before, span, used);
    if (state === before) return;
    instance.run = state;
    this.#changed.add(instance);
    if (ended !== null) {
      for (const id of instance.alerts.values()) this.#alerts.resolve(id, ended.periodTo);
      instance.alerts.clear();
    }
    for (const percent of fired) this.#firePeriod(instance, percent, now, state.periodFrom, used);
    if (!plan.judgedAtEnd) for (const id of instance.alerts.values()) this.#alerts.worsen(id, state.used);
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
    const planned = new Set([...plans.series, ...plans.periods].map(({ key }) => key));
    for (const [key, instance] of this.#seriesInstances) {
      if (planned.has(key)) continue;
      this.#seriesInstances.delete(key);
      this.#waiting.delete(instance);
      this.#changed.delete(instance);
      instance.marks.members.delete(instance);
      this.#journal.forget(key);
      if (instance.marks.members.size > 0) continue;
      this.#marks.delete(instance.marks.key);
      this.#journal.forget(instance.marks.key);
    }
    for (const [key, instance] of this.#periodInstances) {
      if (planned.has(key)) continue;
      this.#periodInstances.delete(key);
      this.#changed.delete(instance);
      this.#journal.forget(key);
    }
  }

  #takeSeries(plan: SeriesPlan): void {
    const known = this.#seriesInstances.get(plan.key);
    if (known !== undefined) {
      known.replan(plan);
      return;
    }
    const instance = new SeriesInstance(plan, this.#marksOf(plan));
    this.#seriesInstances.set(plan.key, instance);
    this.#restore(plan.key, instance);
    const mark = this.#restoredMarks.get(instance.marks.key)?.[plan.ordinal];
    if (mark !== undefined && mark > instance.last) instance.last = mark;
    const { state } = instance;
    // Alert and state were saved together: one without the other was taken apart by hand, and the alert is what people saw.
    if (state.kind === 'firing' && this.#alerts.get(seriesAlertId(plan, state.since)) === undefined) instance.state = CLEAR;
    if (instance.state.kind === 'pending' || (instance.state.kind === 'firing' && instance.state.clearSince !== null)) this.#waiting.add(instance);
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

  #marksOf(plan: SeriesPlan): RuleMarks {
    const key = ['marks', plan.ruleType, plan.park, plan.rule].join(JOINT);
    let marks = this.#marks.get(key);
    if (marks !== undefined) return marks;
    marks = new RuleMarks(key);
    this.#marks.set(key, marks);
    this.#restore(key, { restore: (text) => this.#restoredMarks.set(key, JSON.parse(text) as Record<number, EpochMs>) });
    return marks;
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
    for (const instance of this.#changed) states.set(instance.plan.key, instance.text());
    this.#changed.clear();
    if (!all) return states;
    for (const marks of this.#marks.values()) {
      if (!marks.touched) continue;
      marks.touched = false;
      states.set(marks.key, marks.text());
    }
    return states;
  }
}

const namesOf = ({ name, nameEn }: RuleLabel): Pick<Alert, 'name' | 'nameEn'> => (nameEn === undefined ? { name } : { name, nameEn });

const seriesAlertId = (plan: SeriesPlan, since: EpochMs): string => [plan.key, since].join(JOINT);
