import type { EpochMs, GatewayId, ParkId } from '../../model/ids.ts';
import { GATEWAY_STATES, type GatewayStanding, type GatewayState } from '../../model/ingest.ts';
import type { Gateway, RegisteredMeter } from '../../model/registry.ts';
import { RecentCounts } from '../recent-counts.ts';
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
    const all = some.map((traffic) => this.#standing(traffic, now, mono, isConnected(traffic)));
    return all.sort((a, b) => rankOf(a) - rankOf(b) || compare(a.gateway ?? '', b.gateway ?? ''));
  }

  #standing(traffic: GatewayTraffic, now: EpochMs, mono: number, connected: boolean | null): GatewayStanding {
    const registered = traffic.gateway === null ? undefined : this.#parts.directory.current.gateway(traffic.gateway);
    const lately = this.#recent.gained(traffic, mono, LATELY_MS);
    const [messages = 0, refusedLately = 0] = lately.counts;
    const [, , heldLately = 0] = this.#recent.gained(traffic, mono, MINUTE).counts;
    const interval = registered === undefined ? undefined : this.#intervalOf(registered.id);
    const silentAfterSeconds = interval === undefined ? null : interval * INTERVALS_TILL_SILENT;
    const isSilent = silentAfterSeconds !== null && now - Math.max(traffic.lastSeen, this.#parts.startedAt) > silentAfterSeconds * 1000;
    const told = { refusedLately, heldLately, connected, isSilent, isUnused: interval === undefined && traffic.messages === 0 };
    return {
      ...{ gateway: traffic.gateway, park: registered?.park ?? null, name: registered?.name ?? null },
      state: stateOf(told),
      transport: traffic.transport ?? registered?.link?.type ?? null,
      connected,
      lastSeen: traffic.lastSeen === 0 ? null : traffic.lastSeen,
      silentAfterSeconds,
      ...{ messages: traffic.messages, readings: traffic.readings, bytes: traffic.bytes, refused: traffic.refused, held: traffic.held },
      messagesPerMinute: (messages / lately.overMs) * MINUTE,
      ...{ refusedLately, heldLately },
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

function stateOf(of: {
  readonly isSilent: boolean;
  readonly heldLately: number;
  readonly refusedLately: number;
  readonly connected: boolean | null;
  readonly isUnused: boolean;
}): GatewayState {
  if (of.isSilent) return 'silent';
  if (of.heldLately > 0) return 'held';
  if (of.refusedLately > 0) return 'refused';
  if (of.isUnused) return 'unused';
  return of.connected === false ? 'offline' : 'ok';
}

const rankOf = ({ state }: GatewayStanding): number => GATEWAY_STATES.indexOf(state);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
