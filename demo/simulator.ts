import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import type { EpochMs } from '../model/ids.ts';
import type { MeterKind } from '../model/meter-kinds.ts';
import type { Meter } from '../model/registry.ts';
import { GatewayLink } from './gateway-link.ts';
import { METERS } from './meters.ts';
import { DAY_MS, EPOCH } from './physics/calendar.ts';
import { Plant } from './plant.ts';

/** How a simulated gateway signs in at the broker. */
export interface GatewayCredentials {
  /** Id of the gateway in the registry; it publishes for the meters that name it. */
  readonly gateway: string;
  readonly username: string;
  readonly password: string;
}

/** The past that is published before the present: [from, to) in steps of `stepSeconds`. */
export interface HistorySpan {
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly stepSeconds: number;
}

export interface SimulatorOptions {
  /** The broker, e.g. mqtt://127.0.0.1:1883. */
  readonly url: string;
  readonly gateways: readonly GatewayCredentials[];
  /** Same seed and same time: same values. */
  readonly seed: number;
  readonly clock: Clock;
  /** Seconds between readings by kind of meter, where they should not be the registry's. */
  readonly intervalSeconds?: Partial<Record<MeterKind, number>>;
  readonly history: HistorySpan | null;
  readonly logger: Logger;
}

export interface HistoryReport {
  readonly messages: number;
  readonly frames: number;
  readonly values: number;
  readonly seconds: number;
  /** False when stopped before its end. */
  readonly complete: boolean;
}

export interface Simulator {
  /** Messages, frames and values that the broker has acknowledged since the start. */
  readonly stats: { readonly messages: number; readonly frames: number; readonly values: number; readonly connected: number };
  /** Resolves when the past has been published and acknowledged, or the simulator was stopped. */
  readonly history: Promise<HistoryReport>;
  /** Waits for what is in flight, says `offline` for every meter and disconnects. May be called twice. */
  stop(): Promise<void>;
}

/** Half days from the park's midnight: no period ends within a portion, so all meters finish a day before any begins the next. */
const PORTION_MS = DAY_MS / 2;

/**
 * Starts the demonstration park's gateways: one connection each, QoS 1, at most a bounded number of messages unacknowledged.
 * First the history, then live; while the broker is away nothing is queued: what fell due meanwhile is computed when it is back
 * and sent as arrays. Resolves when the gateways have begun to connect; a broker that is not there yet is waited for.
 */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { clock, logger } = options;
  const plant = new Plant(options.seed);
  await plant.prepare(clock());
  const links = options.gateways.map(
    (credentials) => new GatewayLink({ url: options.url, credentials, plant, meters: metersOf(credentials.gateway, options.intervalSeconds), clock, logger }),
  );
  const history = publishHistory(links, options.history, logger).then((report) => {
    const since = options.history === null ? clock() : options.history.to;
    for (const link of links) link.goLive(since);
    return report;
  });
  // Faults reach the caller through `history`; without a listener they would end the process.
  history.catch((error: unknown) => logger.error({ err: error }, 'simulated history failed'));

  let stopping: Promise<void> | null = null;
  return {
    get stats() {
      const sum = (key: 'messages' | 'frames' | 'values'): number => links.reduce((total, link) => total + link.stats[key], 0);
      return { messages: sum('messages'), frames: sum('frames'), values: sum('values'), connected: links.filter((link) => link.connected).length };
    },
    history,
    stop() {
      stopping ??= Promise.all(links.map((link) => link.stop())).then(() => undefined);
      return stopping;
    },
  };
}

function metersOf(gateway: string, intervals: SimulatorOptions['intervalSeconds']): readonly Meter[] {
  return METERS.filter((meter) => meter.gateway === gateway).map((meter) => ({ ...meter, intervalSeconds: intervals?.[meter.kind] ?? meter.intervalSeconds }));
}

async function publishHistory(links: readonly GatewayLink[], span: HistorySpan | null, logger: Logger): Promise<HistoryReport> {
  const begun = performance.now();
  const total = { messages: 0, frames: 0, values: 0 };
  let complete = true;
  if (span !== null && span.from < span.to) {
    const step = span.stepSeconds * 1000;
    let from = Math.max(EPOCH, Math.ceil(span.from / step) * step);
    while (from < span.to && complete) {
      const to = Math.min(span.to, EPOCH + (Math.floor((from - EPOCH) / PORTION_MS) + 1) * PORTION_MS);
      const portions = await Promise.all(links.map((link) => link.publishSpan(from, to, step)));
      for (const portion of portions) {
        total.messages += portion.messages;
        total.frames += portion.frames;
        total.values += portion.values;
        complete &&= portion.complete;
      }
      from += Math.ceil((to - from) / step) * step;
    }
  }
  const report = { ...total, seconds: (performance.now() - begun) / 1000, complete };
  if (total.messages > 0) logger.info(report, 'simulated history published');
  return report;
}
