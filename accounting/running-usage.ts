import type { EnterpriseId, EpochMs, ParkId } from '../model/ids.ts';
import type { LatestReadings } from '../model/latest.ts';
import { periodOf } from '../model/period.ts';
import { isUsable } from '../model/quality.ts';
import { quantityOf } from '../model/quantities.ts';
import type { ReadingBlock } from '../model/reading.ts';
import type { RegisterMove } from '../model/register-change.ts';
import type { Park, RegisteredMeter } from '../model/registry.ts';
import type { Carrier, Flow } from '../model/rules.ts';
import type { CounterPoint, ReadingStore } from '../store/port.ts';
import { type CountedFlow, countersOf, quantityFor, topMeters } from './flows.ts';
import type { RunningUsage } from './port.ts';
import { riseAcross } from './register-changes.ts';
import { type Seed, StoredUsage } from './stored-usage.ts';

/** What the tally needs of the registry's view. */
export interface TallyDirectory {
  readonly parks: ReadonlyMap<ParkId, Park>;
  meter(id: string): RegisteredMeter | undefined;
  meterOf(ordinal: number): RegisteredMeter | undefined;
  metersOf(park: string, enterprise?: EnterpriseId): readonly RegisteredMeter[];
}

const PERIODS = ['day', 'month', 'year'] as const;
type TalliedPeriod = (typeof PERIODS)[number];

/** Calendar periods of one zone that hold the newest reading seen; asked again only when a reading falls outside. */
class ZonePeriods {
  readonly #zone: string;
  readonly from = new Float64Array(3).fill(Number.NaN);
  readonly to = new Float64Array(3).fill(Number.NaN);

  constructor(zone: string) {
    this.#zone = zone;
  }

  moveTo(ts: EpochMs): void {
    if (ts >= (this.from[0] as number) && ts < (this.to[0] as number)) return;
    for (const [at, period] of PERIODS.entries()) {
      const span = periodOf(ts, period, this.#zone);
      this.from[at] = span.from;
      this.to[at] = span.to;
    }
  }
}

/** A series that is not part of any account. */
const NOT_COUNTED = null;

/** The running figures of one counter. */
class CounterTally {
  zone: ZonePeriods;
  lastTs = Number.NaN;
  lastValue = Number.NaN;
  /** First instant of the period that each amount belongs to: day, month, year. */
  readonly periodFrom = new Float64Array(3).fill(Number.NaN);
  readonly amount = new Float64Array(3);

  constructor(zone: ZonePeriods) {
    this.zone = zone;
  }

  add(ts: EpochMs, value: number, move?: RegisterMove): void {
    const { zone } = this;
    zone.moveTo(ts);
    const began = this.lastTs;
    const rise = Number.isNaN(began) ? 0 : riseAcross(this.lastValue, value, move);
    for (let at = 0; at < 3; at++) {
      const from = zone.from[at] as number;
      if (this.periodFrom[at] !== from) {
        this.periodFrom[at] = from;
        this.amount[at] = 0;
      }
      const share = began >= from ? 1 : (ts - from) / (ts - began);
      if (rise !== 0) this.amount[at] = (this.amount[at] as number) + rise * share;
    }
    this.lastTs = ts;
    this.lastValue = value;
  }

  /** Takes the figures of day, month and year. They were asked for one after the other: all are brought to the newest point known. */
  seed(known: readonly (Seed | undefined)[]): void {
    const newest = known.reduce<CounterPoint | null>(
      (best, seed) => (seed !== undefined && (best === null || seed.last.ts > best.ts) ? seed.last : best),
      null,
    );
    if (newest === null) return;
    for (const [at, seed] of known.entries()) {
      if (seed === undefined) continue;
      const { last } = seed;
      const since = newest.ts === last.ts ? 0 : riseAcross(last.value, newest.value);
      this.periodFrom[at] = seed.from;
      this.amount[at] = seed.amount + since;
    }
    this.lastTs = newest.ts;
    this.lastValue = newest.value;
  }
}

/**
 * Usage since the start of the running day, month and year for every counter, reading by reading. Fed with the readings that are the
 * newest of their series; after late ones (or a correction) the figures are seeded again from the store.
 */
export class UsageTally implements RunningUsage {
  readonly #directory: { readonly current: TallyDirectory };
  readonly #latest: LatestReadings;
  readonly #tallies: (CounterTally | null | undefined)[] = [];
  readonly #zones = new Map<string, ZonePeriods>();
  #owners = new Map<string, readonly (readonly [ordinal: number, quantity: number])[]>();
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
      let tally = this.#tallies[series];
      if (tally === NOT_COUNTED) continue;
      if (tally === undefined) tally = this.#open(series, block.meter[row] as number, block.quantity[row] as number);
      if (tally === NOT_COUNTED || !isUsable(block.quality[row] as number)) continue;
      const ts = block.ts[row] as number;
      tally.add(ts, block.value[row] as number, this.#moves.size === 0 ? undefined : this.#moveAt(series, ts));
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
    const at = PERIODS.indexOf(period);
    const { from } = periodOf(now, period, park.timeZone);
    let sum = 0;
    for (const [ordinal, quantity] of this.#counting(owner, { carrier, flow })) {
      const series = this.#latest.find(ordinal, quantity);
      const tally = series === undefined ? undefined : this.#tallies[series];
      if (tally && tally.periodFrom[at] === from) sum += tally.amount[at] as number;
    }
    return sum;
  }

  /** Has any counter of this flow ever been read? Where not, there is nothing to show, which is not the same as zero. */
  isMetered(owner: { readonly park: ParkId; readonly enterprise: EnterpriseId | null }, flow: CountedFlow): boolean {
    return this.#counting(owner, flow).some(([ordinal, quantity]) => this.#latest.find(ordinal, quantity) !== undefined);
  }

  /**
   * Computes the figures anew from what is stored; a few questions a park. Readings may go on coming meanwhile: what was added but not
   * stored when the store answered comes back with the next reading of its counter.
   *
   * @param touchedFrom the earliest late reading or correction since the last seeding; months that ended before are not asked again
   */
  async seed(store: Pick<ReadingStore, 'counters'>, now: EpochMs, touchedFrom: EpochMs = Number.NEGATIVE_INFINITY): Promise<void> {
    this.#follow();
    const view = this.#view;
    for (const park of view.parks.values()) {
      const counters = view
        .metersOf(park.id)
        .flatMap((meter) => countersOf(meter.kind).map((quantity) => ({ meter: meter.ordinal, quantity: quantityOf(quantity).code })));
      if (counters.length === 0) continue;
      const seeds = await this.#stored.seeds({ store, view, park, counters }, now, touchedFrom);
      // All at once: a reading between two of the answers must not count in one period and miss in another.
      for (const [key, known] of seeds) this.#open(key, this.#latest.meter[key] as number, this.#latest.quantity[key] as number)?.seed(known);
    }
  }

  #open(series: number, ordinal: number, quantity: number): CounterTally | null {
    const known = this.#tallies[series];
    if (known !== undefined) return known;
    const meter = this.#directory.current.meterOf(ordinal);
    const park = meter === undefined ? undefined : this.#directory.current.parks.get(meter.park);
    const counted = meter !== undefined && countersOf(meter.kind).some((name) => quantityOf(name).code === quantity);
    if (park === undefined || !counted) {
      // A meter that is not in this view may be in the next one: only a quantity that never counts is settled.
      if (meter !== undefined) this.#tallies[series] = NOT_COUNTED;
      return NOT_COUNTED;
    }
    const made = new CounterTally(this.#zoneOf(park));
    this.#tallies[series] = made;
    return made;
  }

  #zoneOf(park: Park): ZonePeriods {
    let zone = this.#zones.get(park.timeZone);
    if (zone === undefined) {
      zone = new ZonePeriods(park.timeZone);
      this.#zones.set(park.timeZone, zone);
    }
    return zone;
  }

  /** Forgets what was settled by an older view of the registry: owners' counters, series that did not count, a park's zone. */
  #follow(): void {
    const view = this.#directory.current;
    if (view === this.#view) return;
    this.#view = view;
    this.#owners = new Map();
    for (const [series, tally] of this.#tallies.entries()) {
      if (tally === NOT_COUNTED) this.#tallies[series] = undefined;
      else if (tally !== undefined) {
        const park = view.parks.get(view.meterOf(this.#latest.meter[series] as number)?.park as ParkId);
        if (park !== undefined) tally.zone = this.#zoneOf(park);
      }
    }
  }

  /** The counters that make an owner's total, found once per view of the registry. */
  #counting(owner: { readonly park: ParkId; readonly enterprise: EnterpriseId | null }, wanted: CountedFlow): readonly (readonly [number, number])[] {
    this.#follow();
    const view = this.#view;
    const key = `${owner.park}/${owner.enterprise ?? ''}/${wanted.carrier}/${wanted.flow}`;
    let found = this.#owners.get(key);
    if (found === undefined) {
      const meters = owner.enterprise === null ? view.metersOf(owner.park) : view.metersOf(owner.park, owner.enterprise);
      found = topMeters(meters, wanted, (id) => view.meter(id)).flatMap((meter) => {
        const quantity = quantityFor(meter.kind, wanted);
        return quantity === null ? [] : [[meter.ordinal, quantityOf(quantity).code] as const];
      });
      this.#owners.set(key, found);
    }
    return found;
  }
}
