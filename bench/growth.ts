import { type BenchResult, median } from './figures.ts';
import { type Data, importByCommand, type Service, startService, usageOf } from './greenpark.ts';
import { publishLoad, VALUES_PER_FRAME } from './load.ts';
import { committed, online, startBroker, storedReadings } from './sides.ts';

const SIZES = [1000, 10_000, 100_000] as const;
const MOST_METERS = Math.max(...SIZES);
/** Messages a second: the same for every size, and well below what any of them can take. */
const RATE = 5000;
const SECONDS = 30;
/** Each meter of the largest size has reported once before the clock starts. */
const WARM_UP_MESSAGES = MOST_METERS;
/** A started service is left alone for so long before its memory is read, in ms. */
const REST_MS = 5000;
/** CPU for a reading with the most meters, divided by that with the fewest. */
const MOST_CPU_RATIO = 1.15;
const MOST_MB = 300;

interface Grown {
  readonly importSeconds: number;
  readonly importPeakMb: number;
  /** Until the service is ready: with an empty store, and with a reading of each series in it. */
  readonly firstStartSeconds: number;
  readonly startSeconds: number;
  readonly cpuUsPerReading: number;
  readonly restMb: number;
  readonly endMb: number;
  readonly peakMb: number;
  /** The start with a reading of each series, and until it rests. */
  readonly restartPeakMb: number;
  readonly published: number;
  readonly stored: number;
}

/** What more registered meters cost at the same rate of messages, which is shared out over all of them. */
export async function benchGrowth(rounds: number): Promise<BenchResult> {
  const runs = new Map<number, Grown[]>(SIZES.map((meters) => [meters, []]));
  for (let round = 0; round < rounds; round++) for (const meters of SIZES) runs.get(meters)?.push(await measure(meters));
  const of = (meters: number, figure: keyof Grown) => (runs.get(meters) as Grown[]).map((run) => run[figure]);
  const figures: Record<string, number> = { messages_per_second: RATE, rounds };
  for (const meters of SIZES) {
    figures[`cpu_us_per_reading_${meters}`] = median(of(meters, 'cpuUsPerReading'));
    figures[`resident_mb_rest_${meters}`] = Math.max(...of(meters, 'restMb'));
    figures[`resident_mb_end_${meters}`] = Math.max(...of(meters, 'endMb'));
    figures[`resident_mb_peak_${meters}`] = Math.max(...of(meters, 'peakMb'));
    figures[`resident_mb_peak_restart_${meters}`] = Math.max(...of(meters, 'restartPeakMb'));
    figures[`first_start_seconds_${meters}`] = median(of(meters, 'firstStartSeconds'));
    figures[`start_seconds_${meters}`] = median(of(meters, 'startSeconds'));
    figures[`import_seconds_${meters}`] = median(of(meters, 'importSeconds'));
    figures[`import_mb_peak_${meters}`] = Math.max(...of(meters, 'importPeakMb'));
  }
  const fewest = of(SIZES[0], 'cpuUsPerReading');
  const ratio = median(of(MOST_METERS, 'cpuUsPerReading').map((most, round) => most / (fewest[round] as number)));
  const whole = SIZES.every((meters) => of(meters, 'published').every((published, round) => published === of(meters, 'stored')[round]));
  const highest = Math.max(figures[`resident_mb_rest_${MOST_METERS}`] as number, figures[`resident_mb_end_${MOST_METERS}`] as number);
  return { name: 'growth', figures, limit: median(fewest), ratio, goal: MOST_CPU_RATIO, met: whole && ratio <= MOST_CPU_RATIO && highest <= MOST_MB };
}

async function measure(meters: number): Promise<Grown> {
  const { data, seconds: importSeconds, peakMb: importPeakMb } = await importByCommand(meters);
  const broker = await startBroker();
  const env = { GREENPARK_MQTT_URL: broker.url };
  const first = await startTimed(data, env);
  let service = first.service;
  try {
    const load = { port: broker.port, kind: 'single', meters, firstTs: null, rate: RATE } as const;
    await publishLoad({ ...load, messages: WARM_UP_MESSAGES });
    await committed(service, WARM_UP_MESSAGES * VALUES_PER_FRAME);
    const before = usageOf(service);
    await publishLoad({ ...load, messages: RATE * SECONDS });
    const published = (WARM_UP_MESSAGES + RATE * SECONDS) * VALUES_PER_FRAME;
    await committed(service, published);
    const after = usageOf(service);
    await service.stop();
    const second = await startTimed(data, env);
    service = second.service;
    await rest();
    const { residentMb: restMb, peakMb: restartPeakMb } = usageOf(service);
    await service.stop();
    return {
      importSeconds,
      importPeakMb,
      firstStartSeconds: first.seconds,
      startSeconds: second.seconds,
      cpuUsPerReading: ((after.cpuSeconds - before.cpuSeconds) * 1e6) / (RATE * SECONDS * VALUES_PER_FRAME),
      restMb,
      endMb: after.residentMb,
      peakMb: after.peakMb,
      restartPeakMb,
      published,
      stored: await storedReadings(service, null),
    };
  } finally {
    await service.kill();
    await broker.remove();
    service.remove();
  }
}

async function startTimed(data: Data, env: Readonly<Record<string, string>>): Promise<{ readonly service: Service; readonly seconds: number }> {
  const began = performance.now();
  const service = await startService(data, env);
  await online(service);
  return { service, seconds: (performance.now() - began) / 1000 };
}

const rest = () => new Promise((resolve) => setTimeout(resolve, REST_MS));
