import { io } from 'socket.io-client';
import { type BenchResult, histogramQuantile, median } from './figures.ts';
import { prepareData, type Service, startService, usageOf } from './greenpark.ts';
import { PARK, publishLoad, VALUES_PER_FRAME } from './load.ts';
import { committed, METERS, online, startBroker, stopAndRemove, storedReadings } from './sides.ts';

const HISTOGRAM = 'greenpark_ingest_commit_age_seconds';
const SAMPLE_MS = 60_000;
const WARM_UP_MS = 15_000;
/** Messages of one pass: each of the meters six times, and fewer than a broker has message ids. */
const PASS_MESSAGES = 6 * METERS;
/** Mean resident memory over the last third, divided by that of the third before it. */
const MOST_GROWTH = 1.05;

interface Sample {
  readonly minute: number;
  readonly residentMb: number;
  readonly heapMb: number;
  readonly outsideHeapMb: number;
  readonly cpuCores: number;
  readonly commitP50: number;
  readonly commitP99: number;
}

/** The same load for many minutes, with somebody who watches: what grows without end grows here. `rate` in messages a second. */
export async function benchSoak(rate: number, minutes: number): Promise<BenchResult> {
  const data = await prepareData(METERS);
  const broker = await startBroker();
  const service = await startService(data, { GREENPARK_MQTT_URL: broker.url });
  const socket = io(`${service.url}/live`, { auth: { token: service.token }, transports: ['websocket'] });
  try {
    await online(service);
    socket.on('connect', () => socket.emit('watch', { park: PARK }, () => {}));
    const passes = Math.max(1, Math.round((rate * (minutes * SAMPLE_MS + WARM_UP_MS)) / 1000 / PASS_MESSAGES));
    const published = publishLoad({ port: broker.port, kind: 'single', meters: METERS, firstTs: null, rate, messages: PASS_MESSAGES, passes });
    await rest(WARM_UP_MS);
    const samples = await sampleEachMinute(service, minutes);
    const { acknowledged } = await published;
    await committed(service, acknowledged * VALUES_PER_FRAME);
    socket.close();
    await service.stop();
    const stored = await storedReadings(service, null);
    const growth = growthOf(samples.map(({ residentMb }) => residentMb));
    return {
      name: 'soak',
      figures: {
        offered_messages_per_second: rate,
        minutes,
        resident_mb_first: samples[0]?.residentMb ?? Number.NaN,
        resident_mb_last: samples.at(-1)?.residentMb ?? Number.NaN,
        resident_mb_slope_per_minute: slopeOf(samples, 'residentMb'),
        heap_mb_last: samples.at(-1)?.heapMb ?? Number.NaN,
        heap_mb_slope_per_minute: slopeOf(samples, 'heapMb'),
        outside_heap_mb_slope_per_minute: slopeOf(samples, 'outsideHeapMb'),
        cpu_cores_used: median(samples.map(({ cpuCores }) => cpuCores)),
        commit_p50_ms: median(samples.map(({ commitP50 }) => commitP50)),
        commit_p50_ms_slope_per_minute: slopeOf(samples, 'commitP50'),
        commit_p99_ms: median(samples.map(({ commitP99 }) => commitP99)),
        commit_p99_ms_slope_per_minute: slopeOf(samples, 'commitP99'),
        readings_published: acknowledged * VALUES_PER_FRAME,
        readings_stored: stored,
      },
      limit: null,
      ratio: growth,
      goal: MOST_GROWTH,
      met: growth <= MOST_GROWTH && stored === acknowledged * VALUES_PER_FRAME,
    };
  } finally {
    socket.close();
    await service.kill();
    await stopAndRemove(broker, service);
  }
}

async function sampleEachMinute(service: Service, minutes: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  let before = { metrics: await service.metrics(), cpu: usageOf(service).cpuSeconds };
  const began = performance.now();
  console.log(`${'minute'.padStart(6)} ${['resident', 'heap', 'outside', 'cores', 'p50 ms', 'p99 ms'].map((name) => name.padStart(9)).join(' ')}`);
  for (let minute = 1; minute <= minutes; minute++) {
    await rest(began + minute * SAMPLE_MS - performance.now());
    const [metrics, usage] = [await service.metrics(), usageOf(service)];
    const mb = (name: string) => (metrics.get(name) ?? Number.NaN) / (1 << 20);
    const sample: Sample = {
      minute,
      residentMb: usage.residentMb,
      heapMb: mb('nodejs_heap_size_used_bytes'),
      outsideHeapMb: mb('nodejs_external_memory_bytes'),
      cpuCores: ((usage.cpuSeconds - before.cpu) * 1000) / SAMPLE_MS,
      commitP50: histogramQuantile(before.metrics, metrics, HISTOGRAM, 0.5) * 1000,
      commitP99: histogramQuantile(before.metrics, metrics, HISTOGRAM, 0.99) * 1000,
    };
    before = { metrics, cpu: usage.cpuSeconds };
    samples.push(sample);
    const { residentMb, heapMb, outsideHeapMb, cpuCores, commitP50, commitP99 } = sample;
    console.log(
      `${String(minute).padStart(6)} ${[residentMb, heapMb, outsideHeapMb, cpuCores, commitP50, commitP99].map((value) => value.toFixed(2).padStart(9)).join(' ')}`,
    );
  }
  return samples;
}

/** By least squares, over what follows the first third: a service that has just started still fills its memory. */
function slopeOf(samples: readonly Sample[], figure: Exclude<keyof Sample, 'minute'>): number {
  const rest = samples.slice(Math.floor(samples.length / 3));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(rest.map(({ minute }) => minute)), mean(rest.map((sample) => sample[figure]))];
  const spread = rest.reduce((sum, { minute }) => sum + (minute - x) ** 2, 0);
  return spread === 0 ? 0 : rest.reduce((sum, sample) => sum + (sample.minute - x) * (sample[figure] - y), 0) / spread;
}

function growthOf(values: readonly number[]): number {
  const third = Math.max(1, Math.floor(values.length / 3));
  const mean = (some: readonly number[]) => some.reduce((sum, value) => sum + value, 0) / some.length;
  const last = values.slice(-third);
  const before = values.slice(-2 * third, -third);
  return before.length === 0 ? 1 : mean(last) / mean(before);
}

const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
