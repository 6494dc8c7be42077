import { fork } from 'node:child_process';
import { join } from 'node:path';
import { openEmbeddedStore } from '../store/embedded/open.ts';
import { openInfluxStore } from '../store/influx/open.ts';
import { serverPath } from '../test/real-servers.ts';
import { Influx } from '../test/servers/influx.ts';
import { Mosquitto } from '../test/servers/mosquitto.ts';
import { median } from './figures.ts';
import { prepareData, type Service, startService, usageOf } from './greenpark.ts';
import { FRAMES, type LoadKind, meterId, publishLoad, VALUES_PER_FRAME } from './load.ts';

export const METERS = 10_000;
/** Before the clock starts, so that no side is measured while its code is still being compiled. */
export const WARM_UP_SHARE = 0.15;
export const FIRST_TS = Date.UTC(2026, 0, 1);

/** One load, run on every side alike. */
export interface Plan {
  readonly kind: LoadKind;
  readonly messages: number;
}

/** Messages per second of a subscriber that only counts the same messages, or parses and checks them as well. */
export async function measureSubscriber(plan: Plan, does: 'count' | 'parse'): Promise<number> {
  const broker = await startBroker();
  const warmUp = Math.round(plan.messages * WARM_UP_SHARE);
  const child = fork(new URL('./limit-subscriber.js', import.meta.url), [String(broker.port), does, String(warmUp), String(plan.messages)]);
  const said = (kind: string) =>
    new Promise<number>((resolve, reject) => {
      child.on('message', (message: { readonly kind: string; readonly at: number }) => message.kind === kind && resolve(message.at));
      child.once('exit', (code) => reject(new Error(`the limit's subscriber ended with code ${code} before it said ${kind}`)));
    });
  try {
    const [ready, warm, done] = [said('ready'), said('warm'), said('done')];
    await ready;
    await publishLoad({ port: broker.port, kind: plan.kind, messages: warmUp, meters: METERS, firstTs: FIRST_TS, rate: null });
    await warm;
    const { startedAt } = await publishLoad({ port: broker.port, kind: plan.kind, messages: plan.messages, meters: METERS, firstTs: FIRST_TS, rate: null });
    return plan.messages / ((await done) - startedAt) / 1e-3;
  } finally {
    child.removeAllListeners('exit');
    child.kill();
    await broker.remove();
  }
}

export interface Measured {
  readonly messagesPerSecond: number;
  readonly published: number;
  readonly stored: number;
  readonly cpuUsPerMessage: number;
  /** Of the broker, and of InfluxDB where that is the store. */
  readonly brokerCpuUsPerMessage: number;
  readonly influxCpuUsPerMessage: number | null;
  readonly peakMb: number;
}

/** What every round came to, in the middle; what was published and stored is the sum. */
export function figuresOf(rounds: readonly Measured[], { kind }: Plan): Record<string, number> {
  const middle = (figure: Exclude<keyof Measured, 'influxCpuUsPerMessage'>) => median(rounds.map((round) => round[figure]));
  const influx = rounds.flatMap(({ influxCpuUsPerMessage }) => influxCpuUsPerMessage ?? []);
  return {
    messages_per_second: middle('messagesPerSecond'),
    readings_per_second: middle('messagesPerSecond') * FRAMES[kind] * VALUES_PER_FRAME,
    readings_published: rounds.reduce((sum, { published }) => sum + published, 0),
    readings_stored: rounds.reduce((sum, { stored }) => sum + stored, 0),
    cpu_us_per_message: middle('cpuUsPerMessage'),
    broker_cpu_us_per_message: middle('brokerCpuUsPerMessage'),
    ...(influx.length === 0 ? {} : { influx_cpu_us_per_message: median(influx) }),
    resident_mb_peak: Math.max(...rounds.map(({ peakMb }) => peakMb)),
    rounds: rounds.length,
  };
}

/** Greenpark as `greenpark serve` starts it, with the embedded store or a fresh InfluxDB; what it stored is counted afterwards. */
export async function measureGreenpark(plan: Plan, engine: 'embedded' | 'influx' = 'embedded'): Promise<Measured> {
  const data = await prepareData(METERS);
  const broker = await startBroker();
  const influx = engine === 'influx' ? await startInflux() : null;
  const store: Record<string, string> = influx === null ? {} : { GREENPARK_INFLUX_URL: influx.url, GREENPARK_INFLUX_VERSION: '1' };
  const service = await startService(data, { GREENPARK_MQTT_URL: broker.url, ...store });
  const perMessage = FRAMES[plan.kind] * VALUES_PER_FRAME;
  const warmUp = Math.round(plan.messages * WARM_UP_SHARE);
  try {
    await online(service);
    await publishLoad({ port: broker.port, kind: plan.kind, messages: warmUp, meters: METERS, firstTs: FIRST_TS, rate: null });
    await committed(service, warmUp * perMessage);
    const usage = () => [service, broker, ...(influx === null ? [] : [influx])].map((process) => usageOf(process).cpuSeconds);
    const before = usage();
    const { startedAt } = await publishLoad({
      port: broker.port,
      kind: plan.kind,
      messages: plan.messages,
      meters: METERS,
      firstTs: FIRST_TS + 86_400_000,
      rate: null,
    });
    const lastCommit = await committed(service, (warmUp + plan.messages) * perMessage);
    const [own, ofBroker, ofInflux] = usage().map((seconds, index) => ((seconds - (before[index] as number)) * 1e6) / plan.messages);
    const { peakMb } = usageOf(service);
    await service.stop();
    return {
      messagesPerSecond: plan.messages / ((lastCommit - startedAt) / 1000),
      published: (warmUp + plan.messages) * perMessage,
      stored: await storedReadings(service, influx),
      cpuUsPerMessage: own as number,
      brokerCpuUsPerMessage: ofBroker as number,
      influxCpuUsPerMessage: ofInflux ?? null,
      peakMb,
    };
  } finally {
    await service.kill();
    await stopAndRemove(broker, service);
    await influx?.remove();
  }
}

/** A broker that writes nothing to disk, so that the disk's time is Greenpark's alone. */
export function startBroker(): Promise<Mosquitto> {
  return Mosquitto.start(serverPath('mosquitto'), { persistence: false });
}

export const startInflux = (): Promise<Influx> => Influx.start(serverPath('influxd'), { http: ['max-body-size = 0'] });

export async function stopAndRemove(broker: Mosquitto, service: Service): Promise<void> {
  await broker.remove();
  service.remove();
}

/** Waits until the service is subscribed at the broker. */
export async function online(service: Service): Promise<void> {
  await until('the service is ready', async () => (await fetch(`${service.url}/readyz`)).ok);
}

/** Waits until so many readings are committed; answers the time of the last commit, ms. */
export async function committed(service: Service, readings: number): Promise<number> {
  let at = 0;
  await until(`${readings} readings are committed`, async () => {
    const metrics = await service.metrics();
    const sum = ['fresh', 'late', 'duplicate'].reduce(
      (total, arrival) => total + (metrics.get(`greenpark_ingest_readings_total{arrival="${arrival}"}`) ?? 0),
      0,
    );
    at = (metrics.get('greenpark_ingest_last_commit_timestamp_seconds') ?? 0) * 1000;
    return sum >= readings;
  });
  return at;
}

export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited two minutes until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Counts what the store holds, after the service has let go of it, by the store's own delete. */
export async function storedReadings(service: Service, influx: Influx | null): Promise<number> {
  const store = influx === null ? await openEmbeddedStore({ directory: join(service.folder, 'readings') }) : await openBenchInflux(influx);
  try {
    return await store.deleteBefore(Date.UTC(2100, 0, 1));
  } finally {
    await store.close();
  }
}

/** Meters of the load by their ordinals: the registry gave them in order. */
export const openBenchInflux = ({ url }: Influx) =>
  openInfluxStore({ url, version: 1, bucket: 'greenpark', meters: { idOf: (ordinal) => meterId(ordinal - 1), ordinalOf: (id) => Number(id.slice(2)) + 1 } });
