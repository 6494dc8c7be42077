import { io } from 'socket.io-client';
import type { LiveReading } from '../model/live.ts';
import { type BenchResult, histogramQuantile, quantile } from './figures.ts';
import { prepareData, startService, usageOf } from './greenpark.ts';
import { PARK, publishLoad, VALUES_PER_FRAME } from './load.ts';
import { committed, METERS, online, startBroker, stopAndRemove } from './sides.ts';

const SECONDS = 15;
const HISTOGRAM = 'greenpark_ingest_commit_age_seconds';

/**
 * Single messages at half of saturation, stamped with the time they are sent: how long until they are committed, and until a browser's
 * socket has them. `rate` in messages a second: half of what `ingest-single` comes to in the same run.
 */
export async function benchLatency(rate: number): Promise<BenchResult> {
  const data = await prepareData(METERS);
  const broker = await startBroker();
  const service = await startService(data, { GREENPARK_MQTT_URL: `mqtt://127.0.0.1:${broker.port}` });
  try {
    await online(service);
    const ages: number[] = [];
    const socket = io(`${service.url}/live`, { auth: { token: service.token }, transports: ['websocket'] });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect_error', reject);
      socket.once('connect', () =>
        socket.emit('watch', { park: PARK }, (refused: unknown) => (refused === null ? resolve() : reject(new Error(JSON.stringify(refused))))),
      );
    });
    const load = { port: broker.port, kind: 'single', meters: METERS, firstTs: null } as const;
    await publishLoad({ ...load, messages: rate * 3, rate });
    await committed(service, rate * 3 * VALUES_PER_FRAME);
    // What is left of the warm-up is read late: this process prepares the load meanwhile.
    const begun = Date.now();
    socket.on('readings', (batch: { readonly readings: readonly LiveReading[] }) => {
      const now = Date.now();
      for (const [, , ts] of batch.readings) if (ts >= begun) ages.push(now - ts);
    });
    const [before, cpuBefore] = [await service.metrics(), usageOf(service)];
    await publishLoad({ ...load, messages: rate * SECONDS, rate });
    await committed(service, rate * (SECONDS + 3) * VALUES_PER_FRAME);
    const [after, cpuAfter] = [await service.metrics(), usageOf(service)];
    socket.close();
    const sorted = Float64Array.from(ages).sort();
    const commit = (share: number) => histogramQuantile(before, after, HISTOGRAM, share) * 1000;
    return {
      name: 'latency',
      figures: {
        offered_messages_per_second: rate,
        commit_p50_ms: commit(0.5),
        commit_p99_ms: commit(0.99),
        socket_p50_ms: quantile(sorted, 0.5),
        socket_p99_ms: quantile(sorted, 0.99),
        socket_readings_seen: sorted.length,
        cpu_cores_used: (cpuAfter.cpuSeconds - cpuBefore.cpuSeconds) / SECONDS,
        resident_mb: cpuAfter.residentMb,
      },
      limit: null,
      ratio: null,
      goal: null,
      met: true,
    };
  } finally {
    await service.kill();
    await stopAndRemove(broker, service);
  }
}
