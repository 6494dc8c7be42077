import type { Checks } from '../model/checks.ts';
import type { LatestReadings } from '../model/latest.ts';
import type { RegisteredMeter } from '../model/registry.ts';
import { MeterColumns } from './meter-columns.ts';
import { type NoColumn, PlanColumns } from './plan-columns.ts';
import type { MeterDirectory } from './port.ts';
import type { QualityJudge } from './quality.ts';
import type { RejectReason } from './reject-reasons.ts';
import { type NativeTopic, parseTopic } from './topics.ts';

/** Where the plans' series are kept and judged. */
export interface SeriesBooks {
  readonly latest: LatestReadings;
  readonly quality: QualityJudge;
  /** Told of each column that a meter gets, and its series. */
  readonly remember?: (meter: number, columns: PlanColumns, series: number) => void;
}

/**
 * What one meter's values need at the door, found out once per quantity: its column, and the series that its readings belong to. Turned from
 * one meter to the next, so that very many of them do not take an object each: it is good for the message that is being taken.
 */
export class MeterPlan {
  meter: RegisteredMeter;
  ordinal: number;
  gateway: string | null;
  columns: PlanColumns;
  /** Position in the latest readings, per column; what stands behind the last column is of other meters. */
  series = new Int32Array(16);
  readonly #books: SeriesBooks;

  constructor(meter: RegisteredMeter, columns: PlanColumns, books: SeriesBooks) {
    this.meter = meter;
    this.ordinal = meter.ordinal;
    this.gateway = meter.gateway;
    this.columns = columns;
    this.#books = books;
  }

  /** Makes it the plan of another meter, whose series are to be filled in then. */
  turnTo(meter: RegisteredMeter, columns: PlanColumns): void {
    this.meter = meter;
    this.ordinal = meter.ordinal;
    this.gateway = meter.gateway;
    this.columns = columns;
    if (columns.count > this.series.length) this.#growSeries(columns.count);
  }

  get kind(): 'readings' {
    return 'readings';
  }

  get plan(): MeterPlan {
    return this;
  }

  /** Column of a quantity by its name; the reason and a sentence where it has none and cannot have one. */
  columnOf(name: string, guess: number): number | NoColumn {
    const known = this.columns.find(name, guess);
    if (known >= 0) return known;
    const more = this.columns.and(name);
    return more instanceof PlanColumns ? this.#adopt(more) : more;
  }

  /** Column of the name that stands at `at`, behind its opening quote; -1 where it has none and cannot have one. */
  columnAt(message: DataView, at: number, guess: number): number {
    const known = this.columns.match(message, at, guess);
    if (known >= 0) return known;
    const more = this.columns.andNameAt(message, at);
    return more === null ? -1 : this.#adopt(more);
  }

  #adopt(columns: PlanColumns): number {
    const column = this.columns.count;
    const { latest, quality } = this.#books;
    const series = latest.seriesOf(this.ordinal, columns.codes[column] as number);
    this.columns = columns;
    if (column === this.series.length) this.#growSeries(column + 1);
    this.series[column] = series;
    this.#books.remember?.(this.ordinal, columns, series);
    quality.open(series, columns.codes[column] as number, { checks: this.checksOf(column), latest });
    return column;
  }

  #growSeries(count: number): void {
    const before = this.series;
    this.series = new Int32Array(2 ** Math.ceil(Math.log2(count + 1)));
    this.series.set(before);
  }

  /** What the meter's record has the column's quantity checked against. */
  checksOf(column: number): Checks | undefined {
    return this.meter.checks?.[this.columns.names[column] as string];
  }
}

/** Where a topic leads: the meter's plan, or why nowhere. */
export type Route =
  /** Of readings, which is most of them: the plan stands for itself. */
  | MeterPlan
  | { readonly kind: 'status'; readonly plan: MeterPlan }
  /** `plan` is that of a meter the topic names although it may not. */
  | { readonly kind: 'refused'; readonly reason: RejectReason; readonly detail: string; readonly plan: MeterPlan | null }
  | { readonly kind: 'unknown-meter'; readonly park: string; readonly meter: string };

/** Topic to meter, remembered for registered meters alone, so that invented topics take no memory. */
export class MeterPlans {
  readonly #source: { readonly current: MeterDirectory };
  #directory: MeterDirectory;
  readonly #books: SeriesBooks;
  /** To the meter's ordinal; of a status topic to its complement. */
  #routes = new Map<string, number>();
  #known = new MeterColumns();
  /** The one plan, turned to the meter of the present message; null before the first. */
  #plan: MeterPlan | null = null;
  #isTurned = false;
  /** First columns of every kind of conversion, by what makes it. */
  #first = new Map<string, PlanColumns>();

  constructor(source: { readonly current: MeterDirectory }, books: Omit<SeriesBooks, 'remember'>) {
    this.#source = source;
    this.#directory = source.current;
    this.#books = { ...books, remember: (meter, columns, series) => this.#known.add(meter, columns, series) };
  }

  /** Its plan is good until the next call. */
  route(topic: string): Route {
    this.#follow();
    const known = this.#routes.get(topic);
    if (known === undefined) return this.#resolve(topic);
    const plan = this.#planOf(this.#directory.meterOf(known < 0 ? ~known : known) as RegisteredMeter);
    return known < 0 ? { kind: 'status', plan } : plan;
  }

  /** The plan of a meter by its id, good until the next call; undefined where none is registered under it. */
  of(meter: string): MeterPlan | undefined {
    this.#follow();
    const registered = this.#directory.meter(meter);
    return registered === undefined ? undefined : this.#planOf(registered);
  }

  /** When the registry changed, multipliers, units and gateways may be others. */
  #follow(): void {
    if (this.#source.current === this.#directory) return;
    this.#directory = this.#source.current;
    this.#routes = new Map();
    this.#known = new MeterColumns();
    this.#isTurned = false;
    this.#first = new Map();
  }

  #resolve(topic: string): Route {
    const parsed = parseTopic(topic);
    if (typeof parsed === 'string') return { kind: 'refused', reason: 'wrong-topic', detail: parsed, plan: null };
    const meter = this.#directory.meter(parsed.meter);
    if (meter === undefined) return { kind: 'unknown-meter', park: parsed.park, meter: parsed.meter };
    const route = this.#routeOf(parsed, this.#planOf(meter));
    // A wrong park under a known meter is not remembered: there are endlessly many of them.
    if (route.kind === 'readings') this.#routes.set(topic, meter.ordinal);
    else if (route.kind === 'status') this.#routes.set(topic, ~meter.ordinal);
    return route;
  }

  #routeOf(topic: NativeTopic, plan: MeterPlan): Route {
    if (plan.meter.park === topic.park) return topic.leaf === 'readings' ? plan : { kind: topic.leaf, plan };
    const detail = `meter ${topic.meter} does not belong to park ${topic.park}; publish under the park in which it is registered`;
    return { kind: 'refused', reason: 'wrong-park', detail, plan };
  }

  #planOf(meter: RegisteredMeter): MeterPlan {
    if (this.#isTurned && this.#plan?.meter === meter) return this.#plan;
    const known = this.#known.of(meter.ordinal);
    const columns = known ?? this.#firstColumns(meter);
    this.#plan ??= new MeterPlan(meter, columns, this.#books);
    const plan = this.#plan;
    plan.turnTo(meter, columns);
    if (known !== undefined) this.#known.copySeries(meter.ordinal, known.count, plan.series);
    this.#isTurned = true;
    return plan;
  }

  #firstColumns({ multiplier, units = {} }: RegisteredMeter): PlanColumns {
    const key = JSON.stringify([multiplier, units]);
    let first = this.#first.get(key);
    if (first === undefined) {
      first = PlanColumns.none({ multiplier, units });
      this.#first.set(key, first);
    }
    return first;
  }
}
