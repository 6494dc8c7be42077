import type { EpochMs, ParkId } from '../model/ids.ts';
import type { LatestReadings } from '../model/latest.ts';
import { periodOf, periodsBetween, type Span } from '../model/period.ts';
import type { Park } from '../model/registry.ts';
import type { CounterPoint, CounterQuery, ReadingStore } from '../store/port.ts';
import { usageOf } from './usage.ts';

/** Usage of one counter in one running period, up to the newest reading that is stored. */
export interface Seed {
  readonly from: EpochMs;
  readonly amount: number;
  readonly last: CounterPoint;
}

/** By position in the latest readings: day, month and year. */
export type Seeds = ReadonlyMap<number, readonly (Seed | undefined)[]>;

interface Question {
  readonly store: Pick<ReadingStore, 'counters'>;
  /** The view of the registry that named the counters. */
  readonly view: unknown;
  readonly park: Park;
  readonly counters: CounterQuery['counters'];
}

interface Answer {
  readonly series: number;
  /** One for each start that was asked for. */
  readonly amounts: readonly number[];
  readonly last: CounterPoint;
  readonly before: CounterPoint | null;
}

/** What each counter moved in the months of the year that have ended, up to its last reading before the running month. */
interface EndedMonths {
  readonly year: EpochMs;
  readonly upTo: EpochMs;
  readonly view: unknown;
  readonly usage: ReadonlyMap<number, { readonly amount: number; readonly last: CounterPoint }>;
}

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
    const seeds = new Map<number, (Seed | undefined)[]>();
    for (const { series, amounts, last } of await this.#ask(question, { from: day.from, to: now + 1 }, [day.from])) {
      seeds.set(series, [{ from: day.from, amount: amounts[0] as number, last }]);
    }
    const { ended, running } = await this.#halves(question, year, { from: month.from, to: now + 1 });
    for (const { series, amounts, last } of running) {
      const known = seeds.get(series) ?? [];
      known[1] = { from: month.from, amount: amounts[0] as number, last };
      known[2] = { from: year.from, amount: (amounts[1] as number) + (ended.usage.get(series)?.amount ?? 0), last };
      seeds.set(series, known);
    }
    return seeds;
  }

  /**
   * The year in two halves that meet at each counter's last reading before the running month; the rise from there on is the second
   * half's. Where they do not meet, a gateway has delivered the end of an ended month meanwhile, and the first half is asked again.
   */
  async #halves(question: Question, year: Span, month: Span): Promise<{ readonly ended: EndedMonths; readonly running: readonly Answer[] }> {
    for (let attempt = 1; ; attempt++) {
      const ended = await this.#monthsBefore(question, year, month);
      const running = await this.#ask(question, month, [month.from, year.from]);
      // In January the year's own start is the border, and nothing has ended.
      const meet = month.from === year.from || running.every(({ series, before }) => before?.ts === ended.usage.get(series)?.last.ts);
      if (meet || attempt === TRIES) return { ended, running };
      this.#ended.delete(question.park.id);
    }
  }

  async #monthsBefore(question: Question, year: Span, month: Span): Promise<EndedMonths> {
    const { view, park } = question;
    const kept = this.#ended.get(park.id);
    if (kept !== undefined && kept.view === view && kept.year === year.from && kept.upTo === month.from) return kept;
    const usage = new Map<number, { readonly amount: number; readonly last: CounterPoint }>();
    for (const span of month.from > year.from ? periodsBetween(year.from, month.from, 'month', park.timeZone) : []) {
      for (const { series, amounts, last } of await this.#ask(question, span, [span.from], month.from)) {
        usage.set(series, { amount: (usage.get(series)?.amount ?? 0) + (amounts[0] as number), last });
      }
    }
    const ended = { year: year.from, upTo: month.from, view, usage };
    this.#ended.set(park.id, ended);
    return ended;
  }

  /**
   * Usage from each of `starts` to the end of one span, which is one step: the store sums up, and only ends come back. A start before
   * the span counts the rise across the span's border from there on.
   *
   * @param until a reading at or after this instant is left out, also for the share of the rise across the span's end
   */
  async #ask({ store, counters }: Question, span: Span, starts: readonly EpochMs[], until: EpochMs = span.to): Promise<Answer[]> {
    const answers = await store.counters({ counters, ...span, step: span.to - span.from, origin: span.from });
    return answers.flatMap((answer) => {
      const { before, after } = answer;
      const last = answer.steps.at(-1)?.last ?? before;
      if (last === null) return [];
      const known = after !== null && after.ts < until ? answer : { ...answer, after: null };
      const amounts = starts.map((from) => usageOf(known, [{ from, to: span.to }], span.to)[0]?.amount ?? 0);
      return [{ series: this.#latest.seriesOf(answer.meter, answer.quantity), amounts, last, before }];
    });
  }
}
