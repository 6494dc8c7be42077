import type { EpochMs, ParkId } from '../model/ids.ts';
import type { LatestReadings } from '../model/latest.ts';
import { periodOf, type Span } from '../model/period.ts';
import type { Park } from '../model/registry.ts';
import type { CounterQuery, ReadingStore } from '../store/port.ts';
import type { Tallied } from './counter-tallies.ts';
import { usageOf } from './usage.ts';

/** Day, month and year of the counter at a place of the question; null where nothing of it is stored. */
export type Seeds = (place: number) => readonly (Tallied | null)[];

interface Question {
  readonly store: Pick<ReadingStore, 'counters'>;
  /** The view of the registry that named the counters. */
  readonly view: object;
  readonly park: Park;
  readonly counters: CounterQuery['counters'];
}

/** What the store answered, by place in the question's counters; NaN for what it does not have. */
class Answer {
  /** Usage from each start that was asked for. */
  readonly amounts: readonly Float64Array[];
  /** The last reading of the span, or before it where the span has none. */
  readonly lastTs: Float64Array;
  readonly lastValue: Float64Array;
  readonly beforeTs: Float64Array;

  constructor(size: number, starts: number) {
    const column = () => new Float64Array(size).fill(Number.NaN);
    this.amounts = Array.from({ length: starts }, column);
    this.lastTs = column();
    this.lastValue = column();
    this.beforeTs = column();
  }

  seed(place: number, start: number, from: EpochMs, more = 0): Tallied | null {
    const lastTs = this.lastTs[place] as number;
    if (Number.isNaN(lastTs)) return null;
    return { from, amount: (this.amounts[start]?.[place] as number) + more, lastTs, lastValue: this.lastValue[place] as number };
  }
}

/** What each counter moved in the months of the year that have ended, by series, up to its last reading before the running month. */
interface EndedMonths {
  readonly year: EpochMs;
  readonly upTo: EpochMs;
  /** Only to tell it from the present one, and not to keep it: it is a record of every meter. */
  readonly view: WeakRef<object>;
  readonly amount: Float64Array;
  readonly lastTs: Float64Array;
}

/** Counters in one question: what the store answers of more at once would take more memory than all that is kept of it. */
const COUNTERS_AT_ONCE = 10_000;
/** How often the ended months are asked again because readings went on arriving for them. */
const TRIES = 3;

/** Usage of the running periods from what is stored. Keeps what the ended months of the year came to. */
export class StoredUsage {
  readonly #latest: LatestReadings;
  readonly #ended = new Map<ParkId, EndedMonths>();

  constructor(latest: LatestReadings) {
    this.#latest = latest;
  }

  /** @param touchedFrom the earliest change among what is stored since the last question, as far as it is not new readings */
  async seeds(question: Question, now: EpochMs, touchedFrom: EpochMs): Promise<Seeds> {
    const { timeZone, id } = question.park;
    const [day, month, year] = [periodOf(now, 'day', timeZone), periodOf(now, 'month', timeZone), periodOf(now, 'year', timeZone)];
    if (touchedFrom < month.from) this.#ended.delete(id);
    const today = await this.#ask(question, { from: day.from, to: now + 1 }, [day.from]);
    const { running, ended } = await this.#halves(question, year, { from: month.from, to: now + 1 });
    return (place) => [
      today.seed(place, 0, day.from),
      running.seed(place, 0, month.from),
      running.seed(place, 1, year.from, ended.amount[this.#seriesAt(question, place)] ?? 0),
    ];
  }

  /**
   * The year in two halves that meet at each counter's last reading before the running month; the rise from there on is the second
   * half's. Where they do not meet, a gateway has delivered the end of an ended month meanwhile, and both are asked again.
   */
  async #halves(question: Question, year: Span, month: Span): Promise<{ readonly ended: EndedMonths; readonly running: Answer }> {
    for (let attempt = 1; ; attempt++) {
      const running = await this.#ask(question, month, [month.from, year.from]);
      const kept = this.#ended.get(question.park.id);
      if (kept !== undefined && this.#stillMeets(question, kept, running, year, month)) return { ended: kept, running };
      const { ended, meets } = await this.#monthsBefore(question, year, month, running.beforeTs);
      if (meets) this.#ended.set(question.park.id, ended);
      if (meets || attempt === TRIES) return { ended, running };
    }
  }

  #stillMeets(question: Question, kept: EndedMonths, running: Answer, year: Span, month: Span): boolean {
    if (kept.view.deref() !== question.view || kept.year !== year.from || kept.upTo !== month.from) return false;
    return running.beforeTs.every((before, place) => !(before >= year.from) || before === kept.lastTs[this.#seriesAt(question, place)]);
  }

  /**
   * The ended months of the year, from the running one back: each is asked only for the counters whose next earlier reading lies in it,
   * and a month without any is not asked at all. A rise belongs to the month of the reading that ends it, counted from the year's start.
   *
   * @param ends time of each counter's last reading before the running month
   */
  async #monthsBefore(question: Question, year: Span, month: Span, ends: Float64Array): Promise<{ readonly ended: EndedMonths; readonly meets: boolean }> {
    const { view, park } = question;
    const size = this.#latest.count;
    const ended = {
      year: year.from,
      upTo: month.from,
      view: new WeakRef(view),
      amount: new Float64Array(size),
      lastTs: new Float64Array(size).fill(Number.NaN),
    };
    let open = [...ends.keys()].filter((place) => (ends[place] as number) >= year.from);
    const next = Float64Array.from(ends);
    for (const place of open) ended.lastTs[this.#seriesAt(question, place)] = next[place] as number;
    let meets = true;
    while (open.length > 0) {
      const newest = open.reduce((most, place) => Math.max(most, next[place] as number), Number.NEGATIVE_INFINITY);
      const span = periodOf(newest, 'month', park.timeZone);
      const inside = open.filter((place) => (next[place] as number) >= span.from);
      const counters = inside.map((place) => question.counters[place] as CounterQuery['counters'][number]);
      const answer = await this.#ask({ ...question, counters }, span, [year.from]);
      for (const [at, place] of inside.entries()) {
        meets &&= answer.lastTs[at] === next[place];
        const series = this.#seriesAt(question, place);
        ended.amount[series] = (ended.amount[series] as number) + (answer.amounts[0]?.[at] || 0);
        next[place] = answer.beforeTs[at] as number;
      }
      open = open.filter((place) => (next[place] as number) >= year.from);
    }
    return { ended, meets };
  }

  /**
   * Usage from each of `starts` to the last reading of one span, which is one step: the store sums up, and only ends come back. A start
   * before the span counts the rise across the span's border from there on; what rose after the last reading is the next span's.
   */
  async #ask(question: Question, span: Span, starts: readonly EpochMs[]): Promise<Answer> {
    const { store, counters } = question;
    const found = new Answer(counters.length, starts.length);
    const placeOf = new Int32Array(this.#latest.count).fill(-1);
    for (const place of counters.keys()) placeOf[this.#seriesAt(question, place)] = place;
    for (let done = 0; done < counters.length; done += COUNTERS_AT_ONCE) {
      const some = counters.slice(done, done + COUNTERS_AT_ONCE);
      for (const answer of await store.counters({ counters: some, ...span, step: span.to - span.from, origin: span.from })) {
        const place = placeOf[this.#latest.find(answer.meter, answer.quantity) ?? -1] ?? -1;
        const last = answer.steps.at(-1)?.last ?? answer.before;
        if (place < 0 || last === null) continue;
        for (const [at, from] of starts.entries()) {
          (found.amounts[at] as Float64Array)[place] = usageOf({ ...answer, after: null }, [{ from, to: span.to }], span.to)[0]?.amount ?? 0;
        }
        found.lastTs[place] = last.ts;
        found.lastValue[place] = last.value;
        found.beforeTs[place] = answer.before?.ts ?? Number.NaN;
      }
    }
    return found;
  }

  #seriesAt({ counters }: Question, place: number): number {
    const { meter, quantity } = counters[place] as CounterQuery['counters'][number];
    return this.#latest.seriesOf(meter, quantity);
  }
}
