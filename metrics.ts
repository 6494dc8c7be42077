import { Counter, collectDefaultMetrics, Gauge, Registry as MetricRegistry } from 'prom-client';
import type { IngestStats } from './ingest/stats.ts';
import type { Clock } from './model/clock.ts';
import type { EpochMs } from './model/ids.ts';
import { QUALITY, QUALITY_NAMES } from './model/quality.ts';
import type { ReadingBlock } from './model/reading.ts';

/** Upper bounds in seconds of the commit ages' histogram. */
const AGE_BOUNDS = [0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1, 2, 5, 10, 30, 60, 300] as const;
const NAME = 'greenpark_ingest_commit_age_seconds';

/**
 * How old a fresh reading is when it is committed: from its own time to the commit. Kept in plain arrays, since it is fed for every
 * frame in the hot path; prom-client's histogram costs a hundred times as much.
 */
export class CommitAges {
  readonly #counts = new Float64Array(AGE_BOUNDS.length + 1);
  #sum = 0;
  lastCommitAt: EpochMs = 0;

  observe(block: ReadingBlock, now: EpochMs): void {
    this.lastCommitAt = now;
    let previous = Number.NaN;
    for (let row = 0; row < block.length; row++) {
      const ts = block.ts[row] as number;
      if (ts === previous) continue;
      previous = ts;
      const age = Math.max(0, (now - ts) / 1000);
      let bucket = 0;
      while (bucket < AGE_BOUNDS.length && age > (AGE_BOUNDS[bucket] as number)) bucket++;
      this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
      this.#sum += age;
    }
  }

  /** In Prometheus' text format. */
  text(): string {
    const lines = [`# HELP ${NAME} Age of fresh frames when they are committed, by their own time of measurement.`, `# TYPE ${NAME} histogram`];
    let total = 0;
    for (const [at, bound] of AGE_BOUNDS.entries()) {
      total += this.#counts[at] as number;
      lines.push(`${NAME}_bucket{le="${bound}"} ${total}`);
    }
    total += this.#counts[AGE_BOUNDS.length] as number;
    lines.push(`${NAME}_bucket{le="+Inf"} ${total}`, `${NAME}_sum ${this.#sum}`, `${NAME}_count ${total}`);
    return `${lines.join('\n')}\n`;
  }
}

export interface MetricSources {
  readonly stats: IngestStats;
  readonly ages: CommitAges;
  readonly clock: Clock;
  readonly openAlerts: () => number;
  readonly watchers: () => number;
  readonly ingestFull: () => boolean;
  readonly spool: { readonly readings: number; readonly bytes: number; readonly oldestTs: EpochMs | null } | null;
}

/** The service's figures for Prometheus, read from their owners when they are asked for. Answers the text of `/metrics`. */
export function createMetrics(sources: MetricSources): () => Promise<string> {
  const registry = new MetricRegistry();
  collectDefaultMetrics({ register: registry });
  const { stats } = sources;
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  const counters = (name: string, help: string, label: string, read: () => Readonly<Record<string, number>>) =>
    new Counter({
      name,
      help,
      labelNames: [label],
      registers: [registry],
      collect() {
        this.reset();
        for (const [value, count] of Object.entries(read())) this.inc({ [label]: value }, count);
      },
    });
  counters('greenpark_ingest_messages_total', 'Messages ended, by outcome.', 'outcome', () => ({
    accepted: stats.accepted,
    partly: stats.partly,
    refused: stats.refused,
    duplicate: stats.duplicate,
    failed: stats.failed,
  }));
  counters('greenpark_ingest_readings_total', 'Readings stored, by arrival; duplicates were there already.', 'arrival', () => ({
    fresh: stats.readingsFresh,
    late: stats.readingsLate,
    duplicate: stats.readingsDuplicate,
  }));
  counters('greenpark_ingest_rejects_total', 'Values or messages refused, by reason.', 'reason', () => stats.rejects);
  counters('greenpark_ingest_flagged_total', 'Readings stored with a flag, by quality.', 'quality', () =>
    Object.fromEntries(QUALITY_NAMES.flatMap((name, quality) => (quality === QUALITY.good ? [] : [[name, stats.flagged[quality] as number]]))),
  );
  counters('greenpark_ingest_retries_total', 'Writes tried again, by target.', 'target', () => ({
    store: stats.storeRetries,
    'dead-letters': stats.letterRetries,
  }));
  gauge('greenpark_ingest_pending_messages', 'Messages taken and not yet committed.', () => stats.pendingMessages);
  gauge('greenpark_ingest_pending_readings', 'Readings taken and not yet committed.', () => stats.pendingReadings);
  gauge('greenpark_ingest_full', '1 while the broker is held back because too much is not committed.', () => (sources.ingestFull() ? 1 : 0));
  const { spool } = sources;
  if (spool !== null) {
    gauge('greenpark_spool_readings', 'Readings on disk that wait for the store.', () => spool.readings);
    gauge('greenpark_spool_bytes', 'Disk that they take, in bytes.', () => (spool.readings === 0 ? 0 : spool.bytes));
    gauge('greenpark_spool_oldest_timestamp_seconds', 'Time of measurement of the oldest that waits; 0 when none does.', () => (spool.oldestTs ?? 0) / 1000);
  }
  gauge('greenpark_ingest_last_commit_timestamp_seconds', 'When readings were committed last.', () => sources.ages.lastCommitAt / 1000);
  gauge('greenpark_alerts_open', 'Alerts firing or acknowledged.', sources.openAlerts);
  gauge('greenpark_live_watchers', 'Sockets that watch a park or an enterprise.', sources.watchers);
  return async () => (await registry.metrics()) + sources.ages.text();
}
