import { fork } from 'node:child_process';
import { join } from 'node:path';
import { openEmbeddedStore } from '../store/embedded/open.ts';
import { type BenchResult, median } from './figures.ts';
import { prepareData, type Service, startService, usageOf } from './greenpark.ts';
import { FRAMES, type LoadKind, publishLoad, VALUES_PER_FRAME } from './load.ts';
import { type Server, startMosquitto } from './servers.ts';

export const METERS = 10_000;
/** Before the clock starts, so that neither side is measured while its code is still being compiled. */
const WARM_UP_SHARE = 0.15;
const FIRST_TS = Date.UTC(2026, 0, 1);

interface Plan {
  readonly name: string;
  readonly kind: LoadKind;
  readonly messages: number;
  /** What the limit does with each message. */
  readonly limit: 'count' | 'parse';
  readonly goal: number;
}

export const SINGLE: Plan = { name: 'ingest-single', kind: 'single', messages: 200_000, limit: 'count', goal: 0.7 };
export const BATCH: Plan = { name: 'ingest-batch', kind: 'batch', messages: 14_000, limit: 'parse', goal: 0.4 };

/** Rounds of limit and Greenpark in turn, each against a fresh Mosquitto; the ratio is the median of the rounds' ratios. */
export async function benchIngest(plan: Plan, rounds: number): Promise<BenchResult> {
  const limits: number[] = [];
  const ours: Measured[] = [];
  for (let round = 0; round < rounds; round++) {
    limits.push(await measureLimit(plan));
    ours.push(await measureGreenpark(plan));
  }
  const ratio = median(ours.map((measured, round) => measured.messagesPerSecond / (limits[round] as number)));
  const frames = FRAMES[plan.kind];
  return {
    name: plan.name,
    figures: {
      messages_per_second: median(ours.map((measured) => measured.messagesPerSecond)),
      readings_per_second: median(ours.map((measured) => measured.messagesPerSecond)) * frames * VALUES_PER_FRAME,
      readings_published: ours.reduce((sum, measured) => sum + measured.published, 0),
      readings_stored: ours.reduce((sum, measured) => sum + measured.stored, 0),
      cpu_us_per_message: median(ours.map((measured) => measured.cpuUsPerMessage)),
      resident_mb_peak: Math.max(...ours.map((measured) => measured.peakMb)),
      rounds,
    },
    limit: median(limits),
    ratio,
    goal: plan.goal,
    met: ratio >= plan.goal && ours.every((measured) => measured.stored === measured.published),
  };
}

async function measureLimit(plan: Plan): Promise<number> {
  const broker = await startMosquitto();
  const warmUp = Math.round(plan.messages * WARM_UP_SHARE);
  const child = fork(new URL('./limit-subscriber.js', import.meta.url), [String(broker.port), plan.limit, String(warmUp), String(plan.messages)]);
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
    await broker.stop();
  }
}

interface Measured {
  readonly messagesPerSecond: number;
  readonly published: number;
  readonly stored: number;
  readonly cpuUsPerMessage: number;
  readonly peakMb: number;
}

async function measureGreenpark(plan: Plan): Promise<Measured> {
  const data = await prepareData(METERS);
  const broker = await startMosquitto();
  const service = await startService(data, { GREENPARK_MQTT_URL: `mqtt://127.0.0.1:${broker.port}` });
  const perMessage = FRAMES[plan.kind] * VALUES_PER_FRAME;
  const warmUp = Math.round(plan.messages * WARM_UP_SHARE);
  try {
    await online(service);
    await publishLoad({ port: broker.port, kind: plan.kind, messages: warmUp, meters: METERS, firstTs: FIRST_TS, rate: null });
    await committed(service, warmUp * perMessage);
    const before = usageOf(service);
    const { startedAt } = await publishLoad({
      port: broker.port,
      kind: plan.kind,
      messages: plan.messages,
      meters: METERS,
      firstTs: FIRST_TS + 86_400_000,
      rate: null,
    });
    const lastCommit = await committed(service, (warmUp + plan.messages) * perMessage);
    const after = usageOf(service);
    await service.stop();
    return {
      messagesPerSecond: plan.messages / ((lastCommit - startedAt) / 1000),
      published: (warmUp + plan.messages) * perMessage,
      stored: await storedReadings(service),
      cpuUsPerMessage: ((after.cpuSeconds - before.cpuSeconds) * 1e6) / plan.messages,
      peakMb: after.peakMb,
    };
  } finally {
    await service.kill();
    await stopAndRemove(broker, service);
  }
}

export async function stopAndRemove(broker: Server, service: Service): Promise<void> {
  await broker.stop();
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

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited two minutes until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Counts what the store holds, after the service has let go of it, by the store's own delete. */
async function storedReadings(service: Service): Promise<number> {
  const store = await openEmbeddedStore({ directory: join(service.folder, 'readings') });
  try {
    return await store.deleteBefore(Date.UTC(2100, 0, 1));
  } finally {
    await store.close();
  }
}
