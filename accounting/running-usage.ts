import { COLUMN_GROWTH, grown } from '../model/columns.ts';
import type { EnterpriseId, EpochMs, ParkId } from '../model/ids.ts';
import type { LatestReadings } from '../model/latest.ts';
import { periodOf } from '../model/period.ts';
import { isUsable } from '../model/quality.ts';
import { quantityOf } from '../model/quantities.ts';
import type { ReadingBlock } from '../model/reading.ts';
import type { RegisterMove } from '../model/register-change.ts';
import type { Park, RegisteredMeter } from '../model/registry.ts';
import type { Carrier, Flow } from '../model/rules.ts';
import type { ReadingStore } from '../store/port.ts';
import { CounterTallies, TALLIED, type TalliedPeriod } from './counter-tallies.ts';
import { type CountedFlow, countersOf, quantityFor, topMeters } from './flows.ts';
import type { RunningUsage } from './port.ts';
import { StoredUsage } from './stored-usage.ts';

/** What the tally needs of the registry's view. */
export interface TallyDirectory {
  readonly parks: ReadonlyMap<ParkId, Park>;
  meter(id: string): RegisteredMeter | undefined;
  meterOf(ordinal: number): RegisteredMeter | undefined;
  metersOf(park: string, enterprise?: EnterpriseId): readonly RegisteredMeter[];
}

/** Of a series that no counter is open for yet, and of one that is not part of any account. */
const NOT_OPEN = -1;
const NOT_COUNTED = -2;
/** Counters stand in their column raised by so much, as a new column is all zero. */
const RAISED = -NOT_OPEN;

/**
 * Usage since the start of the running day, month and year for every counter, reading by reading. Fed with the readings that are the
 * newest of their series; after late ones (or a correction) the figures are seeded again from the store.
 */
export class UsageTally implements RunningUsage {
  readonly #directory: { readonly current: TallyDirectory };
  readonly #latest: LatestReadings;
  readonly #tallies = new CounterTallies();
  /** By series: number of its counter, or one of the constants above. */
  #counterOf = new Int32Array(1024);
  /** Of each owner and flow, the counters that make its total: meter's ordinal and quantity in turn. */
  #owners = new Map<string, Int32Array>();
  #view: TallyDirectory;
  readonly #stored: StoredUsage;
  readonly #moves = new Map<number, { readonly at: EpochMs; readonly move: RegisterMove }>();

  constructor(directory: { readonly current: TallyDirectory }, latest: LatestReadings) {
    this.#directory = directory;
    this.#latest = latest;
    this.#stored = new StoredUsage(latest);
    this.#view = directory.current;
  }

  /** Takes a block of fresh readings; those that are not usable or not counters of an account are passed over. */
  add(block: ReadingBlock): void {
    this.#follow();
    for (let row = 0; row < block.length; row++) {
      const series = block.series[row] as number;
      let counter = this.#counterAt(series);
      if (counter === NOT_COUNTED) continue;
      if (counter === NOT_OPEN) counter = this.#open(series, block.meter[row] as number, block.quantity[row] as number);
      if (counter === NOT_COUNTED || !isUsable(block.quality[row] as number)) continue;
      const ts = block.ts[row] as number;
      this.#tallies.add(counter, ts, block.value[row] as number, this.#moves.size === 0 ? undefined : this.#moveAt(series, ts));
    }
  }

  /** The register of this series does not go on from where it stood: the first reading from `at` on is on the new one. */
  expectMove(series: number, at: EpochMs, move: RegisterMove): void {
    this.#moves.set(series, { at, move });
  }

  #moveAt(series: number, ts: EpochMs): RegisterMove | undefined {
    const known = this.#moves.get(series);
    if (known === undefined || ts < known.at) return undefined;
    this.#moves.delete(series);
    return known.move;
  }

  soFar(owner: { readonly park: ParkId; readonly enterprise: EnterpriseId | null }, carrier: Carrier, flow: Flow, period: TalliedPeriod, now: EpochMs): number {
    const park = this.#directory.current.parks.get(owner.park);
    if (park === undefined) return 0;
    const index = TALLIED.indexOf(period);
    const { from } = periodOf(now, period, park.timeZone);
    const counting = this.#counting(owner, { carrier, flow });
    let sum = 0;
    for (let at = 0; at < counting.length; at += 2) {
      const series = this.#latest.find(counting[at] as number, counting[at + 1] as number);
      const counter = series === undefined ? NOT_OPEN : this.#counterAt(series);
      if (counter >= 0) sum += this.#tallies.amountIn(counter, index, from);
    }
    return sum;
  }

  /** Has any counter of this flow ever been read? Where not, there is nothing to show, which is not the same as zero. */
  isMetered(owner: { readonly park: ParkId; readonly enterprise: EnterpriseId | null }, flow: CountedFlow): boolean {
    const counting = this.#counting(owner, flow);
    for (let at = 0; at < counting.length; at += 2) if (this.#latest.find(counting[at] as number, counting[at + 1] as number) !== undefined) return true;
    return false;
  }

  /**
   * Computes the figures anew from what is stored; a few questions a park. Readings may go on coming meanwhile: what was added but not
   * stored when the store answered comes back with the next reading of its counter. The latest readings are to be those of the store: a
   * counter of which nothing was ever read is not asked for.
   *
   * @param touchedFrom the earliest late reading or correction since the last seeding; months that ended before are not asked again
   */
  async seed(store: Pick<ReadingStore, 'counters'>, now: EpochMs, touchedFrom: EpochMs = Number.NEGATIVE_INFINITY): Promise<void> {
    this.#follow();
    const view = this.#view;
    for (const park of view.parks.values()) {
      const counters = view
        .metersOf(park.id)
        .flatMap((meter) => countersOf(meter.kind).map((quantity) => ({ meter: meter.ordinal, quantity: quantityOf(quantity).code })))
        .filter(({ meter, quantity }) => this.#latest.find(meter, quantity) !== undefined);
      if (counters.length === 0) continue;
      const seeds = await this.#stored.seeds({ store, view, park, counters }, now, touchedFrom);
      // All at once: a reading between two of the answers must not count in one period and miss in another.
      for (const [place, { meter, quantity }] of counters.entries()) {
        const counter = this.#open(this.#latest.seriesOf(meter, quantity), meter, quantity);
        if (counter >= 0) this.#tallies.seed(counter, seeds(place));
      }
    }
  }

  #open(series: number, ordinal: number, quantity: number): number {
    const known = this.#counterAt(series);
    if (known !== NOT_OPEN) return known;
    const meter = this.#directory.current.meterOf(ordinal);
    const park = meter === undefined ? undefined : this.#directory.current.parks.get(meter.park);
    const counted = meter !== undefined && countersOf(meter.kind).some((name) => quantityOf(name).code === quantity);
    if (park === undefined || !counted) {
      // A meter that is not in this view may be in the next one: only a quantity that never counts is settled.
      if (meter !== undefined) this.#settle(series, NOT_COUNTED);
      return NOT_COUNTED;
    }
    const counter = this.#tallies.open(park.timeZone);
    this.#settle(series, counter);
    return counter;
  }

  #settle(series: number, counter: number): void {
    const { length } = this.#counterOf;
    if (series >= length) this.#counterOf = grown(this.#counterOf, new Int32Array(Math.max(series + 1, length * COLUMN_GROWTH)));
    this.#counterOf[series] = counter + RAISED;
  }

  #counterAt(series: number): number {
    return (this.#counterOf[series] ?? 0) - RAISED;
  }

  /** Forgets what was settled by an older view of the registry: owners' counters, series that did not count, a park's zone. */
  #follow(): void {
    const view = this.#directory.current;
    if (view === this.#view) return;
    this.#view = view;
    this.#owners = new Map();
    for (let series = 0; series < this.#latest.count; series++) {
      const counter = this.#counterAt(series);
      if (counter === NOT_COUNTED) this.#settle(series, NOT_OPEN);
      else if (counter !== NOT_OPEN) {
        const park = view.parks.get(view.meterOf(this.#latest.meter[series] as number)?.park as ParkId);
        if (park !== undefined) this.#tallies.setZone(counter, park.timeZone);
      }
    }
  }

  /** The counters that make an owner's total, found once per view of the registry. */
  #counting(owner: { readonly park: ParkId; readonly enterprise: EnterpriseId | null }, wanted: CountedFlow): Int32Array {
    this.#follow();
    const view = this.#view;
    const key = `${owner.park}/${owner.enterprise ?? ''}/${wanted.carrier}/${wanted.flow}`;
    let found = this.#owners.get(key);
    if (found === undefined) {
      const meters = owner.enterprise === null ? view.metersOf(owner.park) : view.metersOf(owner.park, owner.enterprise);
      const pairs = topMeters(meters, wanted, (id) => view.meter(id)).flatMap((meter) => {
        const quantity = quantityFor(meter.kind, wanted);
        return quantity === null ? [] : [meter.ordinal, quantityOf(quantity).code];
      });
      found = Int32Array.from(pairs);
      this.#owners.set(key, found);
    }
    return found;
  }
}
