import type { Checks } from '../model/checks.ts';
import type { LatestReadings } from '../model/latest.ts';
import type { RegisteredMeter } from '../model/registry.ts';
import { type NoColumn, PlanColumns } from './plan-columns.ts';
import type { MeterDirectory } from './port.ts';
import type { QualityJudge } from './quality.ts';
import type { RejectReason } from './reject-reasons.ts';
import { type NativeTopic, parseTopic } from './topics.ts';

/** Where the plans' series are kept and judged. */
export interface SeriesBooks {
  readonly latest: LatestReadings;
  readonly quality: QualityJudge;
}

/** What one meter's values need at the door, found out once per quantity: its column, and the series that its readings belong to. */
export class MeterPlan {
  readonly meter: RegisteredMeter;
  readonly ordinal: number;
  readonly gateway: string | null;
  columns: PlanColumns;
  /** Position in the latest readings, per column. */
  series: readonly number[] = [];
  readonly #books: SeriesBooks;

  constructor(meter: RegisteredMeter, columns: PlanColumns, books: SeriesBooks) {
    this.meter = meter;
    this.ordinal = meter.ordinal;
    this.gateway = meter.gateway;
    this.columns = columns;
    this.#books = books;
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
    // Exactly as long as it must be: pushing and spreading keep room for many more in each of a hundred thousand plans.
    this.series = this.series.concat(series);
    quality.open(series, columns.codes[column] as number, { checks: this.checksOf(column), latest });
    return column;
  }

  /** What the meter's record has the column's quantity checked against. */
  checksOf(column: number): Checks | undefined {
    return this.meter.checks?.[this.columns.names[column] as string];
  }
}

/** Where a topic leads: the meter's plan, or why nowhere. */
export type Route =
  /** Of readings, which is most of them: a plan stands for itself, an object less for each of very many meters. */
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
  #routes = new Map<string, Route>();
  /** By the meter's ordinal. */
  #plans: (MeterPlan | undefined)[] = [];
  /** First columns of every kind of conversion, by what makes it. */
  #first = new Map<string, PlanColumns>();

  constructor(source: { readonly current: MeterDirectory }, books: SeriesBooks) {
    this.#source = source;
    this.#directory = source.current;
    this.#books = books;
  }

  route(topic: string): Route {
    this.#follow();
    return this.#routes.get(topic) ?? this.#resolve(topic);
  }

  /** The plan of a meter by its id; undefined where none is registered under it. */
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
    this.#plans = [];
    this.#first = new Map();
  }

  #resolve(topic: string): Route {
    const parsed = parseTopic(topic);
    if (typeof parsed === 'string') return { kind: 'refused', reason: 'wrong-topic', detail: parsed, plan: null };
    const meter = this.#directory.meter(parsed.meter);
    if (meter === undefined) return { kind: 'unknown-meter', park: parsed.park, meter: parsed.meter };
    const plan = this.#planOf(meter);
    const route = this.#routeOf(parsed, plan);
    // A wrong park under a known meter is not remembered: there are endlessly many of them.
    if (route.kind === 'readings' || route.kind === 'status') this.#routes.set(topic, route);
    return route;
  }

  #routeOf(topic: NativeTopic, plan: MeterPlan): Route {
    if (plan.meter.park === topic.park) return topic.leaf === 'readings' ? plan : { kind: topic.leaf, plan };
    const detail = `meter ${topic.meter} does not belong to park ${topic.park}; publish under the park in which it is registered`;
    return { kind: 'refused', reason: 'wrong-park', detail, plan };
  }

  #planOf(meter: RegisteredMeter): MeterPlan {
    const known = this.#plans[meter.ordinal];
    if (known !== undefined) return known;
    const plan = new MeterPlan(meter, this.#firstColumns(meter), this.#books);
    // Filled up first: an array with holes would turn into a slow dictionary.
    while (this.#plans.length < meter.ordinal) this.#plans.push(undefined);
    this.#plans[meter.ordinal] = plan;
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
