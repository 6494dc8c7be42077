import type { EpochMs, GatewayId, ParkId } from '../../model/ids.ts';
import { GATEWAY_STATES, type GatewayStanding, type GatewayState } from '../../model/ingest.ts';
import type { Gateway, RegisteredMeter } from '../../model/registry.ts';
import { type Lately, RecentCounts } from '../recent-counts.ts';
import type { GatewayBook } from './book.ts';
import type { GatewayTraffic } from './traffic.ts';

/** What is needed of the registry's in-memory view. A new object stands for a changed registry. */
export interface StandingDirectory {
  readonly gateways: Iterable<Gateway>;
  readonly parks: ReadonlyMap<ParkId, unknown>;
  gateway(id: string): Gateway | undefined;
  metersOf(park: ParkId): readonly RegisteredMeter[];
}

export interface StandingParts {
  readonly book: GatewayBook;
  readonly directory: { readonly current: StandingDirectory };
  readonly startedAt: EpochMs;
}

const MINUTE = 60_000;
const LATELY_MS = 5 * MINUTE;
/** As a meter is stale. */
const INTERVALS_TILL_SILENT = 3;

/** How the gateways stand, found out when somebody asks. */
export class GatewayStandings {
  readonly #parts: StandingParts;
  readonly #recent: RecentCounts<GatewayTraffic>;
  #directory: StandingDirectory | null = null;
  #intervals = new Map<GatewayId, number>();

  /** @param began monotonic time in milliseconds when nothing had been counted yet */
  constructor(parts: StandingParts, began = performance.now()) {
    this.#parts = parts;
    this.#recent = new RecentCounts(began, ({ messages, refused, held }) => [messages, refused, held]);
  }

  /** To be called every `SAMPLE_EVERY_MS`, with the monotonic time. */
  sample(mono: number): void {
    const { book } = this.#parts;
    this.#recent.sample(mono, [...book.registered, book.others]);
  }

  /** Worst first, then by id; those who are not registered have one entry, once anything came of them. */
  list(now: EpochMs, mono: number): GatewayStanding[] {
    const { book } = this.#parts;
    const isConnected = book.connections();
    const some = [...book.registered, ...(book.others.messages > 0 ? [book.others] : [])];
    const minutes = this.#recent.lately(mono, LATELY_MS);
    const minute = this.#recent.lately(mono, MINUTE);
    const all = some.map((traffic) => this.#standing(traffic, now, isConnected(traffic), minutes, minute));
    return all.sort((a, b) => rankOf(a) - rankOf(b) || compare(a.gateway ?? '', b.gateway ?? ''));
  }

  #standing(
    traffic: GatewayTraffic,
    now: EpochMs,
    connected: boolean | null,
    minutes: Lately<GatewayTraffic>,
    minute: Lately<GatewayTraffic>,
  ): GatewayStanding {
    const registered = traffic.gateway === null ? undefined : this.#parts.directory.current.gateway(traffic.gateway);
    const [messages = 0, refusedLately = 0] = minutes.gained(traffic);
    const [, , heldLately = 0] = minute.gained(traffic);
    const interval = registered === undefined ? undefined : this.#intervalOf(registered.id);
    const silentAfterSeconds = interval === undefined ? null : interval * INTERVALS_TILL_SILENT;
    const isSilent = silentAfterSeconds !== null && now - Math.max(traffic.lastSeen, this.#parts.startedAt) > silentAfterSeconds * 1000;
    const isUnused = interval === undefined && traffic.messages === 0;
    return {
      gateway: traffic.gateway,
      park: registered?.park ?? null,
      name: registered?.name ?? null,
      state: stateOf(isSilent, heldLately, refusedLately, isUnused, connected),
      transport: traffic.transport ?? registered?.link?.type ?? null,
      connected,
      lastSeen: traffic.lastSeen === 0 ? null : traffic.lastSeen,
      silentAfterSeconds,
      messages: traffic.messages,
      readings: traffic.readings,
      bytes: traffic.bytes,
      refused: traffic.refused,
      leftOut: traffic.leftOut,
      held: traffic.held,
      tolerated: traffic.tolerated,
      messagesPerMinute: (messages / minutes.overMs) * MINUTE,
      refusedLately,
      heldLately,
    };
  }

  /** The shortest of its meters' intervals, in seconds. */
  #intervalOf(gateway: GatewayId): number | undefined {
    const { current } = this.#parts.directory;
    if (current !== this.#directory) {
      this.#directory = current;
      this.#intervals = new Map();
      for (const park of current.parks.keys()) {
        for (const meter of current.metersOf(park)) {
          if (meter.gateway !== null) this.#intervals.set(meter.gateway, Math.min(meter.intervalSeconds, this.#intervals.get(meter.gateway) ?? Infinity));
        }
      }
    }
    return this.#intervals.get(gateway);
  }
}

function stateOf(isSilent: boolean, heldLately: number, refusedLately: number, isUnused: boolean, connected: boolean | null): GatewayState {
  if (isSilent) return 'silent';
  if (heldLately > 0) return 'held';
  if (refusedLately > 0) return 'refused';
  if (isUnused) return 'unused';
  return connected === false ? 'offline' : 'ok';
}

const rankOf = ({ state }: GatewayStanding): number => GATEWAY_STATES.indexOf(state);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
