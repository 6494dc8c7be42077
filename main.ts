import { existsSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assessEntry } from './accounting/entry-assessment.ts';
import { TodayFigures } from './accounting/today.ts';
import { createApi, createStarting } from './api/app.ts';
import { createAuth } from './api/auth/auth.ts';
import { answerPlainHttp } from './api/plain-http.ts';
import type { Config } from './config.ts';
import { type CoreOptions, openCore, Undo } from './core.ts';
import { LiveGateway } from './dashboards/gateway.ts';
import { LiveState } from './dashboards/live-state.ts';
import { startDemonstration } from './demonstration.ts';
import { firstAdministrator } from './first-start.ts';
import { createIngestDesk } from './ingest/desk.ts';
import { GatewayStandings } from './ingest/gateways/standing.ts';
import { createMappingDesk } from './ingest/mappings/desk.ts';
import { IngestOverview } from './ingest/overview.ts';
import { SAMPLE_EVERY_MS } from './ingest/recent-counts.ts';
import { readTls, type TlsTexts } from './ingest/transports/tls-files.ts';
import { createMetrics } from './metrics.ts';
import { GreenparkError } from './model/errors.ts';
import type { ParkId } from './model/ids.ts';
import type { AirQuality } from './model/live.ts';
import { isUsable } from './model/quality.ts';
import { freeBytes, readiness } from './readiness.ts';
import { expectDeclaredNow } from './registers.ts';
import { collectGarbage } from './store/garbage.ts';
import { startTransports, type Transports } from './transports.ts';

/** Where the service listens, and what whoever started it should read. */
export interface Started {
  readonly http: { readonly port: number; readonly url: string };
  /** The embedded broker's port; null with an external one. */
  readonly mqttPort: number | null;
  /** Null where HJ 212 is off. */
  readonly hj212Port: number | null;
  readonly notes: readonly string[];
}

export interface Greenpark {
  start(): Promise<Started>;
  /** Drains and closes everything, in reverse order of starting. May be called twice, and while starting. */
  stop(): Promise<void>;
}

/** How often this service looks whether the registry changed under it, and lets rule timers elapse. */
const EVERY_SECOND = 1000;
const AIR_EVERY_MS = 15_000;

/**
 * The composition root: builds the parts in dependency order, introduces them to each other, starts and stops them. Readings are
 * let in last and held back first. A start waits as long as the store is away.
 */
export function createApp(config: Config, options: CoreOptions): Greenpark {
  const undo = new Undo();
  const giveUp = new AbortController();
  let starting: Promise<Started> | null = null;
  let stopping: Promise<void> | null = null;
  const start = async (): Promise<Started> => {
    try {
      return await build(config, { ...options, signal: giveUp.signal }, undo);
    } catch (error) {
      await undo.run().catch((fault: unknown) => options.logger.error({ err: fault }, 'undoing a failed start'));
      throw error;
    }
  };
  return {
    start: () => (starting ??= start()),
    stop: () => {
      giveUp.abort();
      stopping ??= (starting ?? Promise.resolve()).then(
        () => undo.run(),
        () => {},
      );
      return stopping;
    },
  };
}

async function build(config: Config, options: CoreOptions, undo: Undo): Promise<Started> {
  const { clock, logger } = options;
  const httpTls = readTls(config.http.tls, 'http.tls', clock(), logger);
  let door: RequestListener = createStarting(logger);
  const answer: RequestListener = (request, response) => door(request, response);
  const server = httpTls.cert === undefined ? createServer(answer) : overTls(httpTls, answer);
  const port = await listen(server, config.http.port, config.http.host);
  undo.push(() => closed(server));
  const core = await openCore(config, options, undo);
  const notes = [...(await firstAdministrator(core.registry, config.adminPassword, clock()))];

  const auth = createAuth({ registry: core.registry, clock });
  const { figures } = core;
  const today = new TodayFigures(core.usage, core.directory);
  const air = new Map<ParkId, AirQuality>();
  const live = new LiveState({
    directory: core.directory,
    latest: core.latest,
    statuses: core.statuses,
    alerts: { open: () => core.alerts.open(), capStates: (park, enterprise, now) => core.alerts.capStates(park, enterprise, now) },
    accounting: {
      today: (owner, now) => today.today(owner, now),
      carbonToday: (owner, now) => today.carbonToday(owner, now),
      air: ({ park }) => air.get(park) ?? null,
    },
    clock,
  });
  core.show = (block) => live.show(block);
  core.showStatus = (meter) => live.showStatus(meter);

  let transports: Transports | null = null;
  const gateway: { current: LiveGateway | null } = { current: null };
  const overview = new IngestOverview({
    pipeline: core.pipeline,
    standings: new GatewayStandings({ book: core.gateways, directory: core.directory, startedAt: clock() }),
    spool: core.spool,
    lastCommitAt: () => core.ages.lastCommitAt,
    clock,
  });
  every(SAMPLE_EVERY_MS, () => overview.sample(), undo);
  const metrics = createMetrics({
    pipeline: core.pipeline,
    ages: core.ages,
    gateways: core.gateways,
    leftOut: core.leftOut,
    openAlerts: () => core.alerts.open().length,
    watchers: () => gateway.current?.connections ?? 0,
    freeBytes: () => freeBytes(config.dataDir),
    spool: core.spool,
    ...(config.mqtt.url === undefined ? { broker: () => transports?.brokerStats ?? null } : { connection: () => transports?.connection ?? null }),
    ...(config.hj212.port === undefined ? {} : { hj212: () => transports?.hj212Stats ?? null }),
    ...(config.sparkplug.hostId === undefined ? {} : { sparkplug: () => core.sparkplug.stats }),
  });
  const ingest = createIngestDesk({
    pipeline: core.pipeline,
    letters: core.registry.deadLetters,
    codecs: core.letterCodecs,
    unknown: core.unknown,
    leftOut: core.leftOut,
    loggers: core.loggers,
    overview,
    clock,
  });
  const api = createApi({
    registry: core.registry,
    store: core.store,
    directory: core.directory,
    latest: core.latest,
    auth,
    clock,
    logger,
    alerts: core.alerts,
    figures,
    mappings: createMappingDesk(core.pipeline.limits),
    ingest,
    state: (park, enterprise) => live.snapshot(park, enterprise),
    assess: assessEntry,
    readiness: () => readiness(core, config.dataDir, transports),
    metrics,
    corrected: ({ meter, quantity, ts, value, quality }) => {
      const series = core.latest.seriesOf(meter, quantity);
      core.latest.correct(series, ts, value, quality);
      if (core.latest.ts[series] === ts && isUsable(quality)) core.pipeline.corrected(series, value);
      core.pipeline.reconsider(series);
      core.usageTouched(ts);
    },
    registers: {
      of: (meter) => core.registers.of(meter),
      declared: (change) => {
        core.registers.keep(change);
        return expectDeclaredNow(core, change);
      },
    },
    webFolder: webFolder(),
    options: { trustProxy: config.http.trustProxy },
  });
  door = api;
  const socket = new LiveGateway({ server, live, alerts: core.alerts, authenticate: auth.authenticate, clock, logger });
  gateway.current = socket;
  undo.push(() => socket.stop());
  core.directory.onChange(() => socket.refresh());
  core.directory.start(EVERY_SECOND);

  const complain = (what: string) => (error: unknown) => logger.error({ err: error }, what);
  const refreshAir = async () => {
    for (const park of core.directory.current.parks.keys()) {
      const [station] = await figures.air(park);
      if (station === undefined) air.delete(park);
      else air.set(park, station);
    }
  };
  await refreshAir().catch(complain('air quality could not be computed'));
  every(EVERY_SECOND, () => core.alerts.tick(clock()), undo);
  every(AIR_EVERY_MS, () => void refreshAir().catch(complain('air quality could not be computed')), undo);

  await collectGarbage();
  const opened = await startTransports(config, core, options, undo);
  transports = opened;
  if (config.demo) notes.push(...(await startDemonstration({ core, config, options, brokerPort: opened.mqttPort, undo })));
  const url = `${httpTls.cert === undefined ? 'http' : 'https'}://${config.http.host === '0.0.0.0' ? 'localhost' : config.http.host}:${port}`;
  return {
    http: { port, url },
    mqttPort: opened.mqttPort,
    hj212Port: opened.hj212Port,
    notes: [`Greenpark is at ${url}`, ...opened.notes, ...notes, 'Ctrl-C stops it.'],
  };
}

function overTls(tls: TlsTexts, answer: RequestListener): Server {
  const server = createHttpsServer({ ...tls, requestCert: tls.ca !== undefined, minVersion: 'TLSv1.2' }, answer);
  answerPlainHttp(server);
  return server;
}

/** The built web client, beside the compiled program. */
function webFolder(): string | null {
  const folder = fileURLToPath(new URL('./dashboards/web-dist/', import.meta.url));
  return existsSync(join(folder, 'index.html')) ? folder : null;
}

function every(ms: number, work: () => void, undo: Undo): void {
  const timer = setInterval(work, ms).unref();
  undo.push(() => clearInterval(timer));
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const inUse = new GreenparkError('PORT_IN_USE', `port ${port} for the API and dashboard is in use; set GREENPARK_HTTP_PORT to a free one`, {
        cause: error,
      });
      reject(error.code === 'EADDRINUSE' ? inUse : error);
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
