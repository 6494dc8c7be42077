import type { LatestReadings } from '../model/latest.ts';
import { findQuantity, type Unit } from '../model/quantities.ts';
import type { RegisteredMeter } from '../model/registry.ts';
import { conversion, unitsFor } from '../model/units.ts';
import type { MeterDirectory } from './port.ts';
import type { QualityJudge } from './quality.ts';
import type { RejectReason } from './reject-reasons.ts';
import { type NativeTopic, parseTopic } from './topics.ts';
import { quote } from './wording.ts';

/** Units of what passes through current and voltage transformers; the meter's multiplier applies to these. */
const TRANSFORMED: ReadonlySet<Unit> = new Set<Unit>(['kWh', 'kvarh', 'kW', 'kvar', 'kVA', 'A']);

/**
 * What one meter's values need at the door, computed once per quantity: the series' position, the catalogue's code, and how the
 * value becomes one in the catalogue's unit (value × factor + offset). Parallel columns in order of first sight, since a gateway
 * sends its keys in the same order each time.
 */
export class MeterPlan {
  readonly meter: RegisteredMeter;
  readonly ordinal: number;
  readonly gateway: string | null;
  readonly #names: string[] = [];
  /** The names as they stand in a message, up to and with the closing quote. */
  readonly #keys: Uint8Array[] = [];
  readonly series: number[] = [];
  readonly codes: number[] = [];
  readonly factors: number[] = [];
  readonly offsets: number[] = [];

  constructor(meter: RegisteredMeter) {
    this.meter = meter;
    this.ordinal = meter.ordinal;
    this.gateway = meter.gateway;
  }

  /** Column of a quantity that has been seen, or -1. `guess` is the column it most likely has. */
  find(name: string, guess: number): number {
    return this.#names[guess] === name ? guess : this.#names.indexOf(name);
  }

  /**
   * Column of the name that stands at `at`, behind its opening quote, or -1. An escaped name is none: it has other bytes.
   *
   * @param guess the column it most likely has
   */
  match(bytes: Uint8Array, at: number, guess: number): number {
    if (guess < this.#keys.length && this.#stands(guess, bytes, at)) return guess;
    for (let column = 0; column < this.#keys.length; column++) if (this.#stands(column, bytes, at)) return column;
    return -1;
  }

  /** Bytes of a column's name with the closing quote. */
  widthOf(column: number): number {
    return (this.#keys[column] as Uint8Array).length;
  }

  #stands(column: number, bytes: Uint8Array, at: number): boolean {
    const key = this.#keys[column] as Uint8Array;
    for (let i = 0; i < key.length; i++) if (bytes[at + i] !== key[i]) return false;
    return true;
  }

  nameOf(column: number): string {
    return this.#names[column] ?? '';
  }

  /** Gives a quantity its column; the reason and a sentence where that is not possible. */
  add(name: string, latest: LatestReadings, judge: QualityJudge): number | { readonly reason: RejectReason; readonly detail: string } {
    const quantity = findQuantity(name);
    if (quantity === undefined) {
      return { reason: 'unknown-quantity', detail: `quantity ${quote(name)} is not in the catalogue; the names are in model/quantities.ts` };
    }
    const unit = this.meter.units?.[name];
    const known = conversion(unit ?? quantity.unit, quantity.unit);
    if (known === null) {
      const right = unitsFor(quantity.unit).join(', ');
      return { reason: 'unknown-unit', detail: `meter ${this.meter.id} has unit ${quote(unit ?? '')} for ${name}; right would be one of ${right}` };
    }
    const multiplier = TRANSFORMED.has(quantity.unit) ? this.meter.multiplier : 1;
    const series = latest.seriesOf(this.ordinal, quantity.code);
    judge.seed(series, latest.ts[series] as number, latest.value[series] as number, latest.quality[series] as number);
    this.series.push(series);
    this.codes.push(quantity.code);
    this.factors.push(known.factor * multiplier);
    this.offsets.push(known.offset * multiplier);
    this.#keys.push(keyOf(quantity.name));
    return this.#names.push(quantity.name) - 1;
  }
}

const KEYS = new Map<string, Uint8Array>();

/** One copy for all meters. */
function keyOf(name: string): Uint8Array {
  let key = KEYS.get(name);
  if (key === undefined) {
    key = Buffer.from(`${name}"`);
    KEYS.set(name, key);
  }
  return key;
}

/** Where a topic leads: the meter's plan, or why nowhere. */
export type Route =
  | { readonly kind: 'readings' | 'status'; readonly plan: MeterPlan }
  /** `plan` is that of a meter the topic names although it may not. */
  | { readonly kind: 'refused'; readonly reason: RejectReason; readonly detail: string; readonly plan: MeterPlan | null }
  | { readonly kind: 'unknown-meter'; readonly park: string; readonly meter: string };

/** Topic to meter, remembered for registered meters alone, so that invented topics take no memory. */
export class MeterPlans {
  readonly #source: { readonly current: MeterDirectory };
  #directory: MeterDirectory;
  #routes = new Map<string, Route>();
  #plans = new Map<string, MeterPlan>();

  constructor(source: { readonly current: MeterDirectory }) {
    this.#source = source;
    this.#directory = source.current;
  }

  route(topic: string): Route {
    this.#follow();
    return this.#routes.get(topic) ?? this.#resolve(topic);
  }

  /** The plan of a meter by its id; undefined where none is registered under it. */
  of(meter: string): MeterPlan | undefined {
    this.#follow();
    const known = this.#plans.get(meter);
    if (known !== undefined) return known;
    const registered = this.#directory.meter(meter);
    return registered === undefined ? undefined : this.#planOf(registered);
  }

  /** When the registry changed, multipliers, units and gateways may be others. */
  #follow(): void {
    if (this.#source.current === this.#directory) return;
    this.#directory = this.#source.current;
    this.#routes = new Map();
    this.#plans = new Map();
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
    if (plan.meter.park === topic.park) return { kind: topic.leaf, plan };
    const detail = `meter ${topic.meter} does not belong to park ${topic.park}; publish under the park in which it is registered`;
    return { kind: 'refused', reason: 'wrong-park', detail, plan };
  }

  #planOf(meter: RegisteredMeter): MeterPlan {
    const known = this.#plans.get(meter.id);
    if (known !== undefined) return known;
    const plan = new MeterPlan(meter);
    this.#plans.set(meter.id, plan);
    return plan;
  }
}
