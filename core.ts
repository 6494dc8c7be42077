import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { RegisterChanges } from './accounting/register-changes.ts';
import { UsageTally } from './accounting/running-usage.ts';
import { AlertEngine } from './alerts/engine.ts';
import { loadRuleBook } from './alerts/port.ts';
import type { Figures } from './api/deps.ts';
import { createFigures } from './api/figures.ts';
import type { Config } from './config.ts';
import type { TopicCodec } from './ingest/codecs/decoded.ts';
import { CommitAges } from './ingest/commit-ages.ts';
import { GatewayBook } from './ingest/gateways/book.ts';
import { MappingCodec } from './ingest/mappings/codec.ts';
import { LeftOutBook } from './ingest/mappings/left-out.ts';
import { MappingWatch } from './ingest/mappings/watch.ts';
import { Pipeline } from './ingest/pipeline.ts';
import type { MeterStatus } from './ingest/port.ts';
import { DEFAULT_PACE, orAborted, untilDone } from './ingest/retry.ts';
import { sparkplugReplay } from './ingest/sparkplug/replay.ts';
import { SparkplugSessions } from './ingest/sparkplug/sessions.ts';
import { Spool } from './ingest/spool/spool.ts';
import { learnOf, waitingIn } from './ingest/spool/waiting.ts';
import { StageTimes } from './ingest/stage-times.ts';
import { type DeviceSecrets, Hj212Devices } from './ingest/transports/hj212-devices.ts';
import { hj212Replay } from './ingest/transports/hj212-replay.ts';
import { UnknownMeters } from './ingest/unknown-meters.ts';
import type { Clock } from './model/clock.ts';
import { GreenparkError } from './model/errors.ts';
import type { EpochMs, ParkId } from './model/ids.ts';
import { LatestReadings } from './model/latest.ts';
import { MeterStatuses } from './model/meter-statuses.ts';
import type { ReadingBlock } from './model/reading.ts';
import { SERVICE_AUTHOR } from './model/service-author.ts';
import { expectDeclared, lastGoodRegisters, notesOf } from './registers.ts';
import { openEmbeddedStore } from './store/embedded/open.ts';
import { collectGarbage, collectSooner } from './store/garbage.ts';
import { openInfluxStore } from './store/influx/open.ts';
import type { CounterPoint, ReadingStore } from './store/port.ts';
import { lockDataDirectory } from './store/process-lock.ts';
import { DirectoryWatch } from './store/registry/directory.ts';
import { GatewaySecrets } from './store/registry/gateway-secret.ts';
import { type OpenRegistry, openRegistry } from './store/registry/open.ts';

/** The parts that take, judge and keep readings, without a broker or a network of their own. */
export interface Core {
  readonly registry: OpenRegistry;
  readonly directory: DirectoryWatch;
  readonly store: ReadingStore;
  readonly latest: LatestReadings;
  readonly statuses: MeterStatuses;
  readonly usage: UsageTally;
  readonly registers: RegisterChanges;
  readonly alerts: AlertEngine;
  readonly pipeline: Pipeline;
  /** Null when the configuration gives it no room. */
  readonly spool: Spool | null;
  readonly ages: CommitAges;
  readonly figures: Figures;
  readonly mappings: MappingCodec;
  readonly sparkplug: SparkplugSessions;
  /** For dead letters that are decoded again, without a trace in any session. */
  readonly letterCodecs: readonly TopicCodec[];
  /** Those that `letterCodecs` prove letters by. */
  readonly loggers: Hj212Devices;
  readonly unknown: UnknownMeters;
  readonly leftOut: LeftOutBook;
  readonly gateways: GatewayBook;
  readonly gatewaySecrets: DeviceSecrets;
  /** Called when the mappings take other topics than before; the subscription at an external broker hangs here. */
  onMappedTopics: () => Promise<void> | void;
  /** Called with each block of fresh readings after they were judged; the live view hangs here. */
  show: (block: ReadingBlock) => void;
  /** Called when something was said of whether the meter, by ordinal, can be reached; the live view hangs here, too. */
  showStatus: (meter: number) => void;
  /** Somebody said whether a meter can be reached. */
  tellStatus(status: MeterStatus): void;
  /** Late or corrected readings changed what was measured from `from` on: running figures are computed again soon. */
  usageTouched(from: EpochMs): void;
}

export interface CoreOptions {
  readonly clock: Clock;
  /** Never set, for what lasts: delays of rules. Left out: the clock. */
  readonly steady?: () => number;
  readonly logger: Logger;
  /** Aborted: a start that waits for InfluxDB gives up. Left out, it gives up after a minute. */
  readonly signal?: AbortSignal;
}

/** Steps that undo what was built, last first; every one is tried, the first fault is told in the end. */
export class Undo {
  readonly #steps: (() => void | Promise<void>)[] = [];

  push(step: () => void | Promise<void>): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    let fault: unknown;
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        fault ??= error;
      }
    }
    if (fault !== undefined) throw fault;
  }
}

/** Of so many, what a start needs for a moment takes more memory than everything that stays: garbage is collected sooner, and after each step. */
const MANY_METERS = 50_000;
/** Largest group written at once to InfluxDB: version 1 refuses bodies above 25 MB. */
const INFLUX_BLOCK_ROWS = 50_000;
/** It reads one while it still writes another down; the store keeps late rows behind what is under way. */
const INFLUX_WRITES = 2;
/** How long an opening that nobody can abort waits for InfluxDB. */
const INFLUX_PATIENCE_MS = 60_000;
/** While InfluxDB is waited for, the log says so this often. */
const SAY_AGAIN_AFTER_MS = 60_000;
/** Disk that the spool leaves free for everything else. With less the service is not ready. */
export const KEEP_FREE_BYTES = 100 << 20;
/** Running usage is computed again at most this often after late readings. */
const RESEED_AFTER_MS = 15_000;

/**
 * Opens the core in dependency order; each success pushes its undo. Stopping drains: the pipeline first, then alert states, then the
 * store and the registry.
 */
export async function openCore(config: Config, { clock, steady, logger, signal }: CoreOptions, undo: Undo): Promise<Core> {
  try {
    mkdirSync(config.dataDir, { recursive: true });
  } catch (error) {
    throw new GreenparkError('DATA_DIR_UNWRITABLE', `the data directory ${config.dataDir} cannot be made: ${(error as Error).message}`, { cause: error });
  }
  const lock = lockDataDirectory(config.dataDir);
  undo.push(() => lock.release());
  const registry = await openRegistry(join(config.dataDir, 'registry.db'));
  undo.push(() => registry.close());
  const { parks } = config.ingest;
  const directory = await DirectoryWatch.open(registry, (error) => logger.error({ err: error }, 'the registry could not be read again'), parks);
  for (const park of parks ?? []) if (directory.current.park(park) === undefined) logger.warn({ park }, 'a park that this process takes is not registered');
  undo.push(() => directory.stop());
  const isLarge = (): boolean => directory.current.meterCount >= MANY_METERS;
  const settle = async (): Promise<void> => {
    if (isLarge()) await collectGarbage();
  };
  const mindGarbage = (): void => {
    if (isLarge()) collectSooner();
  };
  mindGarbage();
  undo.push(directory.onChange(mindGarbage));
  await settle();
  const patiently = patienceUntil(signal ?? AbortSignal.timeout(INFLUX_PATIENCE_MS), logger);
  const store = await openStore(config, directory, patiently);
  undo.push(() => store.close());

  const spoolBytes = config.ingest.spoolLimitMb * (1 << 20);
  const spool =
    spoolBytes === 0 ? null : new Spool({ directory: join(config.dataDir, 'spool'), limitBytes: spoolBytes, keepFreeBytes: KEEP_FREE_BYTES, logger });
  undo.push(() => spool?.close());

  const latest = new LatestReadings();
  // The embedded store holds readings under numbers, which a new meter's has never been; InfluxDB under ids, which anybody may have used.
  const unknownFrom = config.influx.url === undefined ? Number.POSITIVE_INFINITY : directory.current.nextOrdinal;
  for (const { meter, quantity, ts, value, quality } of await patiently(() => store.latest()))
    latest.offer(latest.seriesOf(meter, quantity), ts, value, quality);
  await settle();
  if (spool !== null && parks !== undefined) await requireParksOf(spool, registry, parks);
  const waiting = spool === null ? new Map<number, CounterPoint>() : learnOf(spool, latest);
  const registers = await RegisterChanges.open(registry.registerChanges, directory);
  const counting = registers.over(store);
  const lastGood = await patiently(() => lastGoodRegisters(store, latest, waiting));
  const usage = new UsageTally(directory, latest);
  await patiently(() => usage.seed(counting, clock()));
  await settle();

  const figures = createFigures({ store: { counters: (query) => counting.counters(query), steps: (query) => store.steps(query) }, directory, clock });
  const alerts = await AlertEngine.create({
    directory,
    book: await loadRuleBook(registry, parks),
    records: registry.alerts,
    latest,
    usage,
    clock,
    ...(steady === undefined ? {} : { steady }),
    logger,
    replay: (query) => patiently(() => store.raw(query)),
    endedUsage: async ({ park, enterprise, carrier, flow, period }, from) => {
      const used = await figures.usage({ park, enterprise, carrier, period, from, to: from + 1, by: 'park' });
      return used.find((figure) => figure.flow === flow)?.amount ?? null;
    },
  });
  undo.push(() => alerts.stop());
  const complain = (what: string) => (error: unknown) => logger.error({ err: error }, what);
  // Whoever refreshes the directory waits for this: when the API answers, a rule that was put is in force.
  directory.onChange(async () => alerts.reload(await loadRuleBook(registry, parks)));

  let reseed: NodeJS.Timeout | null = null;
  let touchedFrom = Number.POSITIVE_INFINITY;
  const usageTouched = (from: EpochMs) => {
    touchedFrom = Math.min(touchedFrom, from);
    reseed ??= setTimeout(() => {
      // The store does not have everything yet: the last of the spool comes back here.
      if (spool !== null && spool.readings > 0) {
        reseed = null;
        return;
      }
      const since = touchedFrom;
      touchedFrom = Number.POSITIVE_INFINITY;
      usage
        .seed(counting, clock(), since)
        .catch(complain('running usage could not be computed again'))
        .finally(() => {
          reseed = null;
        });
    }, RESEED_AFTER_MS).unref();
  };
  undo.push(() => {
    if (reseed !== null) clearTimeout(reseed);
  });

  const statuses = new MeterStatuses();
  const ages = new CommitAges();
  const stages = new StageTimes();
  const leftOut = new LeftOutBook();
  const mappings = new MappingCodec({
    surroundings: () => directory.current,
    stages,
    onChange: (mapping, isGone) => leftOut.forget(mapping, isGone),
    onFault: ({ park, id }, error) => logger.error({ err: error, park, mapping: id }, 'a stored mapping cannot be used'),
  });
  const mappingWatch = new MappingWatch(
    registry,
    mappings,
    () => core.onMappedTopics(),
    ({ park }) => parks?.includes(park) ?? true,
  );
  const sparkplug = new SparkplugSessions(directory, {}, parks !== undefined);
  const secrets = new GatewaySecrets();
  const gatewaySecrets: DeviceSecrets = {
    keyOf: (gateway) => registry.gateways.key(gateway),
    checkSecret: async (gateway, secret) => {
      const hash = await registry.gateways.secretHash(gateway);
      return hash !== null && (await secrets.verify(hash, secret));
    },
  };
  const loggers = new Hj212Devices(directory, gatewaySecrets);
  const births = sparkplugReplay(sparkplug);
  // Before the mappings: one of topics such as hj212/{meter} would take its letters.
  const letterCodecs = [hj212Replay(loggers), mappings, births];
  const gateways = new GatewayBook(directory, () => sparkplug.nodes());
  const unknown = new UnknownMeters({
    isRegistered: (meter) => directory.current.meter(meter) !== undefined,
    hasLogger: (mn) => loggers.find(mn) !== undefined,
    namesDevice: (park, mapping, name) => mappings.namesDevice(park, mapping, name),
    parkOfGateway: (gateway) => directory.current.gateway(gateway)?.park ?? null,
  });

  const core: Omit<Core, 'pipeline'> = {
    ...{ registry, directory, store, latest, statuses, usage, registers, alerts, ages, figures, usageTouched, spool },
    ...{ mappings, sparkplug, letterCodecs, loggers, unknown, leftOut, gateways, gatewaySecrets },
    show: () => {},
    showStatus: () => {},
    tellStatus: ({ meter: id, online, at }) => {
      const meter = directory.current.meter(id);
      if (meter === undefined) return;
      statuses.tell(meter.ordinal, online, at);
      core.showStatus(meter.ordinal);
    },
    onMappedTopics: () => {},
  };
  await mappingWatch.reload();
  // After the mappings, which tell the meters of many a letter.
  await unknown.seed(registry.deadLetters, letterCodecs);
  directory.onChange(() => mappingWatch.reload());
  const pipeline = new Pipeline({
    directory,
    latest,
    unknownFrom,
    store,
    deadLetters: registry.deadLetters,
    clock,
    logger,
    judge: (block, isHistory) => {
      usage.add(block);
      if (!isHistory) alerts.judge(block);
      core.show(block);
    },
    lastGood,
    noteMoves: (moves) => registers.note(notesOf(moves, directory.current, clock())),
    declaredChanges: (...where) => registers.declaredBetween(...where),
    onFreshMove: ({ series, at, move }) => usage.expectMove(series, at, move),
    late: (block) => usageTouched(earliest(block)),
    spool: spool ?? undefined,
    gateways,
    stages,
    onDrained: (block) => usageTouched(earliest(block)),
    onCommitted: (block, arrival) => {
      if (arrival === 'fresh') ages.observe(block, clock());
    },
    codecs: [mappings, births],
    onStatus: (status) => core.tellStatus(status),
    onUnknownMeter: (sighting) => unknown.see(sighting),
    onLeftOut: (sighting) => leftOut.see(sighting),
    limits: {
      maxPayloadBytes: config.mqtt.maxPacketBytes,
      clockToleranceMs: config.ingest.clockToleranceSeconds * 1000,
      clockSkewMs: config.ingest.clockSkewSeconds * 1000,
      farPastMs: config.ingest.farPastDays * 86_400_000,
      maxPendingReadings: config.ingest.maxPendingReadings,
      lingerMs: config.ingest.lingerMs,
      deadLetterCapacity: config.ingest.deadLetters,
      deadLetterBytes: config.ingest.deadLetterMb * (1 << 20),
      ...(config.influx.url === undefined ? {} : { maxBlockRows: INFLUX_BLOCK_ROWS, writesAtOnce: INFLUX_WRITES }),
    },
  });
  undo.push(() => pipeline.stop());
  const whole = Object.assign(core, { pipeline });
  // In the order in which they were said: the last word counts.
  const declared = registers.all().filter(({ author }) => author !== SERVICE_AUTHOR);
  for (const change of [...declared].sort((a, b) => a.number - b.number)) expectDeclared(whole, change, lastGood);
  return whole;
}

/** Readings that wait on disk go to the store under their meters' names, which only a process that takes their parks knows. */
async function requireParksOf(spool: Spool, registry: OpenRegistry, parks: readonly ParkId[]): Promise<void> {
  if (spool.readings === 0) return;
  const parkOf = new Map((await registry.meters.all()).map(({ ordinal, park }) => [ordinal, park]));
  for (const block of waitingIn(spool)) {
    for (const ordinal of block.meter.subarray(0, block.length)) {
      const park = parkOf.get(ordinal);
      if (park === undefined || parks.includes(park)) continue;
      throw new GreenparkError(
        'CONFIG_INVALID',
        `readings of park "${park}" wait on disk for the store, and ingest.parks does not name it; let a process that takes it drain them first`,
      );
    }
  }
}

const earliest = (block: ReadingBlock): EpochMs => block.ts.subarray(0, block.length).reduce((least, ts) => Math.min(least, ts), Number.POSITIVE_INFINITY);

/** The core for the length of one piece of work, e.g. an import; drained and closed afterwards, also when the work fails. */
export async function withCore<T>(config: Config, options: CoreOptions, work: (core: Core) => Promise<T>): Promise<T> {
  const undo = new Undo();
  try {
    return await work(await openCore(config, options, undo));
  } finally {
    await undo.run();
  }
}

async function openStore(config: Config, directory: DirectoryWatch, patiently: Patience): Promise<ReadingStore> {
  const { url, version, token, org, bucket } = config.influx;
  if (url === undefined) return openEmbeddedStore({ directory: join(config.dataDir, 'readings'), ...config.store });
  const meters = {
    idOf: (ordinal: number) => directory.current.idOf(ordinal) ?? `unregistered-${ordinal}`,
    ordinalOf: (id: string) => directory.current.ordinalOf(id),
  };
  const [username, ...rest] = version === 1 && token !== undefined ? token.split(':') : [];
  const signIn = username === undefined ? { ...(token === undefined ? {} : { token }) } : { username, password: rest.join(':') };
  return patiently(() => openInfluxStore({ url, version, bucket, meters, ...signIn, ...(org === undefined ? {} : { org }) }));
}

/** Repeats what is asked of a store that is away until it answers. */
type Patience = <T>(ask: () => Promise<T>) => Promise<T>;

/**
 * Patience until `signal` is aborted, also with a server that is silent. The newest readings and what was used so far come from the
 * store: without them nobody can tell fresh readings from late ones.
 */
function patienceUntil(signal: AbortSignal, logger: Logger): Patience {
  let saidAt = Number.NEGATIVE_INFINITY;
  let last: unknown = new GreenparkError('STORE_UNREACHABLE', 'the store does not answer', { retryable: true });
  const onRetry = (error: unknown) => {
    last = error;
    if (performance.now() - saidAt < SAY_AGAIN_AFTER_MS) return;
    saidAt = performance.now();
    logger.warn({ reason: (error as Error).message }, 'the start waits until the store answers; gateways keep their messages');
  };
  const giveUp = (error: unknown) => !(error instanceof GreenparkError) || !error.retryable;
  return (ask) => orAborted(untilDone(ask, { pace: DEFAULT_PACE, signal, giveUp, onRetry }), signal, () => last);
}
