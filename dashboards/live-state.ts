import type { Place } from '../model/access.ts';
import type { Alert } from '../model/alert.ts';
import type { Clock } from '../model/clock.ts';
import { GreenparkError } from '../model/errors.ts';
import type { EnterpriseId, EpochMs, ParkId } from '../model/ids.ts';
import type { LatestReadings } from '../model/latest.ts';
import {
  isStale,
  type LiveBatch,
  type LiveFigures,
  type LiveMeter,
  type LiveReading,
  type LiveStatus,
  type LiveValue,
  type ParkSnapshot,
} from '../model/live.ts';
import type { MeterStatuses } from '../model/meter-statuses.ts';
import { isUsable, qualityName } from '../model/quality.ts';
import { quantityOf, quantityOfCode } from '../model/quantities.ts';
import type { ReadingBlock } from '../model/reading.ts';
import type { RegisteredMeter } from '../model/registry.ts';
import type { LiveAccounting, LiveAlerts, LiveDirectory } from './port.ts';
import { powerNow } from './power.ts';

export interface LiveStateDeps {
  readonly directory: { readonly current: LiveDirectory };
  readonly latest: LatestReadings;
  readonly statuses: Pick<MeterStatuses, 'of'>;
  readonly alerts: Pick<LiveAlerts, 'open' | 'capStates'>;
  readonly accounting: LiveAccounting;
  readonly clock: Clock;
}

/** One view that somebody watches: a park, or one enterprise of it. */
export interface Room {
  /** Name of the socket.io room. */
  readonly name: string;
  readonly park: ParkId;
  readonly enterprise: EnterpriseId | null;
  /** Number of the last batch. */
  seq: number;
  watchers: number;
}

interface ParkRooms {
  whole: Room | null;
  readonly enterprises: Map<EnterpriseId, Room>;
}

const ACTIVE_POWER = quantityOf('active_power').code;

/** What a room's next batch is made of. */
interface Changes {
  readonly readings: LiveReading[];
  readonly statuses: LiveStatus[];
}

/**
 * The park as it is now, and what changed in it since last asked. `show` runs in the ingest path and only marks; everything
 * that costs is done in `take`, at the pace that the gateway sets, and only for rooms that somebody watches.
 */
export class LiveState {
  readonly #deps: LiveStateDeps;
  readonly #rooms = new Map<ParkId, ParkRooms>();
  #watched = 0;
  // Which series changed since the last take: a mark each and the list of those marked.
  #marks = new Uint8Array(1024);
  #changed = new Int32Array(1024);
  #count = 0;
  /** Meters, by ordinal, of whose status something was said since. */
  readonly #told = new Set<number>();

  constructor(deps: LiveStateDeps) {
    this.#deps = deps;
  }

  /** Marks the block's series as changed. The values themselves are read from `latest` when a batch is made. */
  show(block: ReadingBlock): void {
    if (this.#watched === 0) return;
    const { series, length } = block;
    for (let row = 0; row < length; row++) {
      const position = series[row] as number;
      if (position >= this.#marks.length) this.#grow(position);
      if (this.#marks[position] === 1) continue;
      this.#marks[position] = 1;
      this.#changed[this.#count++] = position;
    }
  }

  /** Something was said of whether the meter can be reached. */
  showStatus(meter: number): void {
    if (this.#watched > 0) this.#told.add(meter);
  }

  /** The place that a wish to watch names, or null when there is no such park or enterprise. */
  placeOf(park: string, enterprise: string | null): Place | null {
    const directory = this.#deps.directory.current;
    const found = directory.park(park);
    if (found === undefined) return null;
    if (enterprise === null) return { park: found.id, region: found.region, enterprise: null };
    const owner = directory.enterprise(found.id, enterprise);
    return owner === undefined ? null : { park: found.id, region: found.region, enterprise: owner.id };
  }

  /** Joins a room, made at its first watcher. Leave it with `leave`. */
  join(park: ParkId, enterprise: EnterpriseId | null): Room {
    let rooms = this.#rooms.get(park);
    if (rooms === undefined) {
      rooms = { whole: null, enterprises: new Map() };
      this.#rooms.set(park, rooms);
    }
    let room = enterprise === null ? rooms.whole : (rooms.enterprises.get(enterprise) ?? null);
    if (room === null) {
      room = { name: roomName(park, enterprise), park, enterprise, seq: 0, watchers: 0 };
      if (enterprise === null) rooms.whole = room;
      else rooms.enterprises.set(enterprise, room);
    }
    room.watchers++;
    this.#watched++;
    return room;
  }

  leave(room: Room): void {
    this.#watched--;
    if (--room.watchers > 0) return;
    const rooms = this.#rooms.get(room.park);
    if (rooms === undefined) return;
    if (room.enterprise === null) rooms.whole = null;
    else rooms.enterprises.delete(room.enterprise);
    if (rooms.whole === null && rooms.enterprises.size === 0) this.#rooms.delete(room.park);
  }

  /** Rooms that somebody watches. */
  *rooms(): Generator<Room> {
    for (const rooms of this.#rooms.values()) {
      if (rooms.whole !== null) yield rooms.whole;
      yield* rooms.enterprises.values();
    }
  }

  /** The watched rooms that may hear of something of this owner: the park's, and the owner's own. */
  roomsFor(park: ParkId, enterprise: EnterpriseId | null): Room[] {
    const rooms = this.#rooms.get(park);
    if (rooms === undefined) return [];
    const own = enterprise === null ? undefined : rooms.enterprises.get(enterprise);
    return [...(rooms.whole === null ? [] : [rooms.whole]), ...(own === undefined ? [] : [own])];
  }

  /** One merged batch per watched room with changes since the last take; each raises its room's `seq` by one. */
  take(): Map<Room, LiveBatch> {
    const batches = new Map<Room, LiveBatch>();
    if (this.#count === 0 && this.#told.size === 0) return batches;
    const at = this.#deps.clock();
    const changes = new Map<Room, Changes>();
    for (let index = 0; index < this.#count; index++) {
      const series = this.#changed[index] as number;
      this.#marks[series] = 0;
      this.#push(changes, this.#deps.latest.meter[series] as number, series);
    }
    this.#count = 0;
    for (const meter of this.#told) this.#push(changes, meter, null);
    this.#told.clear();
    for (const [room, { readings, statuses }] of changes) batches.set(room, { seq: ++room.seq, at, readings, statuses });
    return batches;
  }

  /** Into the batches of the rooms that may see the meter: a series of it, or its status where that is null. */
  #push(changes: Map<Room, Changes>, ordinal: number, series: number | null): void {
    const meter = this.#deps.directory.current.meterOf(ordinal);
    if (meter === undefined) return;
    const rooms = this.#rooms.get(meter.park);
    if (rooms === undefined) return;
    const own = meter.enterprise === null ? undefined : rooms.enterprises.get(meter.enterprise);
    if (rooms.whole === null && own === undefined) return;
    if (series === null) {
      const status = this.#deps.statuses.of(ordinal);
      if (status === null) return;
      const told: LiveStatus = [meter.id, status.online, status.since];
      if (rooms.whole !== null) changesOf(changes, rooms.whole).statuses.push(told);
      if (own !== undefined) changesOf(changes, own).statuses.push(told);
      return;
    }
    const value = this.#valueAt(series);
    if (value === null) return;
    const reading: LiveReading = [meter.id, ...value];
    if (rooms.whole !== null) changesOf(changes, rooms.whole).readings.push(reading);
    if (own !== undefined) changesOf(changes, own).readings.push(reading);
  }

  /** The whole view of a park, or of one enterprise in it: what the API answers and the socket sends first. Throws `NOT_FOUND` for an unknown park. */
  snapshot(park: ParkId, enterprise: EnterpriseId | null): ParkSnapshot {
    const directory = this.#deps.directory.current;
    const found = directory.park(park);
    if (found === undefined) throw new GreenparkError('NOT_FOUND', `there is no park "${park}"`);
    const at = this.#deps.clock();
    const rooms = this.#rooms.get(park);
    const room = enterprise === null ? rooms?.whole : rooms?.enterprises.get(enterprise);
    const meters = this.#metersOf(park, enterprise);
    const inView = new Set(meters.map((meter) => meter.id));
    return {
      seq: room?.seq ?? 0,
      at,
      park: { id: found.id, name: found.name, nameEn: found.nameEn ?? null, timeZone: found.timeZone },
      enterprise,
      enterprises: [...directory.enterprisesOf(park)]
        .filter((each) => enterprise === null || each.id === enterprise)
        .map((each) => ({ id: each.id, name: each.name, nameEn: each.nameEn ?? null, trade: each.trade, tradeEn: each.tradeEn ?? null, stage: each.stage })),
      meters: meters.map((meter) => ({
        id: meter.id,
        name: meter.name,
        nameEn: meter.nameEn ?? null,
        kind: meter.kind,
        enterprise: meter.enterprise,
        // A parent outside the view is somebody else's meter: not even its id is told.
        parent: meter.parent !== null && inView.has(meter.parent) ? meter.parent : null,
        intervalSeconds: meter.intervalSeconds,
        status: this.#deps.statuses.of(meter.ordinal),
        latest: this.#valuesOf(meter),
      })),
      alerts: this.#deps.alerts.open().filter((alert) => mayHear(alert, park, enterprise)),
      figures: this.figures(park, enterprise, at),
    };
  }

  /** What a view is made of, as one text to compare: its park, enterprises and meters without anything they measure. */
  layout(park: ParkId, enterprise: EnterpriseId | null): string {
    const directory = this.#deps.directory.current;
    return JSON.stringify([directory.park(park), [...directory.enterprisesOf(park)], this.#metersOf(park, enterprise)]);
  }

  figures(park: ParkId, enterprise: EnterpriseId | null, now: EpochMs): LiveFigures {
    const owner = { park, enterprise };
    const meters = this.#metersOf(park, enterprise);
    const air = this.#deps.accounting.air(owner, now);
    const caps = this.#deps.alerts.capStates(park, enterprise ?? undefined, now);
    return {
      at: now,
      power: powerNow(meters, (meter) => this.#powerOf(meter, now)),
      today: this.#deps.accounting.today(owner, now),
      carbonToday: this.#deps.accounting.carbonToday(owner, now),
      // Whatever the sources answer, only what belongs to the view leaves here.
      air: air !== null && meters.some((meter) => meter.id === air.meter) ? air : null,
      caps: enterprise === null ? [...caps] : caps.filter((cap) => cap.enterprise === enterprise),
      peaks: this.#deps.alerts
        .open()
        .filter((alert) => mayHear(alert, park, enterprise))
        .map(({ id, peak }) => [id, peak] as const),
    };
  }

  #metersOf(park: ParkId, enterprise: EnterpriseId | null): RegisteredMeter[] {
    const meters = [...this.#deps.directory.current.metersOf(park)];
    return enterprise === null ? meters : meters.filter((meter) => meter.enterprise === enterprise);
  }

  #valuesOf(meter: RegisteredMeter): LiveMeter['latest'] {
    const values: LiveValue[] = [];
    for (const series of this.#deps.latest.ofMeter(meter.ordinal)) {
      const value = this.#valueAt(series);
      if (value !== null) values.push(value);
    }
    return values;
  }

  #valueAt(series: number): LiveValue | null {
    const { latest } = this.#deps;
    const ts = latest.ts[series] as number;
    const value = latest.value[series] as number;
    if (!Number.isFinite(ts) || !Number.isFinite(value)) return null;
    return [quantityOfCode(latest.quantity[series] as number).name, ts, value, qualityName(latest.quality[series] as number)];
  }

  #powerOf(meter: RegisteredMeter, now: EpochMs): number | null {
    const { latest } = this.#deps;
    const series = latest.find(meter.ordinal, ACTIVE_POWER);
    if (series === undefined || !isUsable(latest.quality[series] as number)) return null;
    const value = latest.value[series] as number;
    return !Number.isFinite(value) || isStale(latest.ts[series] as number, meter.intervalSeconds, now) ? null : value;
  }

  #grow(position: number): void {
    const capacity = 2 ** Math.ceil(Math.log2(position + 1));
    const marks = new Uint8Array(capacity);
    marks.set(this.#marks);
    this.#marks = marks;
    const changed = new Int32Array(capacity);
    changed.set(this.#changed.subarray(0, this.#count));
    this.#changed = changed;
  }
}

/** Is this alert the business of this view? */
const mayHear = (alert: Alert, park: ParkId, enterprise: EnterpriseId | null): boolean =>
  alert.park === park && (enterprise === null || alert.enterprise === enterprise);

// Ids hold no slash, so no enterprise's room can be taken for a park's.
const roomName = (park: ParkId, enterprise: EnterpriseId | null): string => (enterprise === null ? `park/${park}` : `enterprise/${park}/${enterprise}`);

function changesOf(all: Map<Room, Changes>, room: Room): Changes {
  let changes = all.get(room);
  if (changes === undefined) {
    changes = { readings: [], statuses: [] };
    all.set(room, changes);
  }
  return changes;
}
