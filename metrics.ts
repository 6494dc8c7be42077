import { Counter, collectDefaultMetrics, Gauge, Registry as MetricRegistry } from 'prom-client';
import type { CommitAges } from './ingest/commit-ages.ts';
import type { GatewayBook } from './ingest/gateways/book.ts';
import { gatewayMetrics } from './ingest/gateways/metrics.ts';
import type { LeftOutBook } from './ingest/mappings/left-out.ts';
import type { Pipeline } from './ingest/pipeline.ts';
import type { SparkplugStats } from './ingest/sparkplug/stats.ts';
import type { Spool } from './ingest/spool/spool.ts';
import { flagsOf } from './ingest/stats.ts';
import type { BrokerStats } from './ingest/transports/broker-limits.ts';
import type { Hj212Stats } from './ingest/transports/hj212-limits.ts';
import { BROKER_FIGURES, HJ212_FIGURES, SPARKPLUG_FIGURES, type TransportFigure } from './ingest/transports/metrics.ts';

export interface MetricSources {
  readonly pipeline: Pick<Pipeline, 'stats' | 'stages' | 'holds' | 'decoding' | 'oldestWaitSeconds' | 'storeFails'>;
  readonly ages: CommitAges;
  readonly gateways: GatewayBook;
  readonly leftOut: Pick<LeftOutBook, 'counts'>;
  readonly openAlerts: () => number;
  readonly watchers: () => number;
  readonly freeBytes: () => number;
  /** To a broker that is not ours. */
  readonly connection?: () => { readonly connects: number; readonly sessionsLost: number } | null;
  readonly spool: Pick<Spool, 'readings' | 'waitingBytes' | 'limitBytes' | 'oldestTs' | 'lost'> | null;
  /** Each left out where the configuration switches it off; null until it has started. */
  readonly broker?: () => BrokerStats | null;
  readonly hj212?: () => Hj212Stats | null;
  readonly sparkplug?: () => SparkplugStats;
}

/**
 * The service's figures for Prometheus, read from their owners when they are asked for. Answers the text of `/metrics`. Every name
 * stands in docs/operations.md.
 */
export function createMetrics(sources: MetricSources): () => Promise<string> {
  const registry = new MetricRegistry();
  collectDefaultMetrics({ register: registry });
  const { pipeline, ages, spool } = sources;
  const { stats, stages } = pipeline;
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
  const counter = (name: string, help: string, read: () => number) =>
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  const figures = <Stats>(of: readonly TransportFigure<Stats>[], stats: (() => Stats | null) | undefined) => {
    if (stats === undefined) return;
    for (const { name, type, help, labels, read } of of) {
      const samples = () => {
        const now = stats();
        return now === null
          ? []
          : read(now).map(([values, value]) => [Object.fromEntries(values.map((each, at) => [labels[at] as string, each])), value] as const);
      };
      const shared = { name, help, labelNames: labels, registers: [registry] };
      if (type === 'gauge') {
        new Gauge({
          ...shared,
          collect() {
            for (const [labelled, value] of samples()) this.set(labelled, value);
          },
        });
      } else {
        new Counter({
          ...shared,
          collect() {
            this.reset();
            for (const [labelled, value] of samples()) this.inc(labelled, value);
          },
        });
      }
    }
  };
  counters('greenpark_ingest_messages_total', 'Messages ended, by outcome.', 'outcome', () => ({
    accepted: stats.accepted,
    partly: stats.partly,
    refused: stats.refused,
    duplicate: stats.duplicate,
    'left-out': stats.leftOut,
    failed: stats.failed,
  }));
  counter('greenpark_ingest_received_bytes_total', 'Payloads of messages taken, in bytes.', () => stats.bytes);
  counters(
    'greenpark_ingest_readings_total',
    'Readings made durable, by arrival; duplicates were there already. What goes to the spool counts as fresh or late: greenpark_spool_drained_total says later how much of it was there already.',
    'arrival',
    () => ({
      fresh: stats.readingsFresh,
      late: stats.readingsLate,
      duplicate: stats.readingsDuplicate,
    }),
  );
  counters('greenpark_ingest_rejects_total', 'Values or messages refused, by reason.', 'reason', () => stats.rejects);
  counters('greenpark_ingest_dead_letters_total', 'Dead letters, by whether they were kept or only counted.', 'result', () => ({
    kept: stats.lettersKept,
    skipped: stats.lettersSkipped,
  }));
  counters('greenpark_ingest_flagged_total', 'Readings stored with a flag, by quality.', 'quality', () => Object.fromEntries(flagsOf(stats)));
  counters('greenpark_ingest_retries_total', 'Writes tried again, by target.', 'target', () => ({
    store: stats.storeRetries,
    'dead-letters': stats.letterRetries,
  }));
  const ofStages = (read: 'seconds' | 'items') => () => Object.fromEntries(Object.entries(stages.spent).map(([stage, spent]) => [stage, spent[read]]));
  counters('greenpark_ingest_stage_seconds_total', 'Time that a stage has worked.', 'stage', ofStages('seconds'));
  counters('greenpark_ingest_stage_items_total', 'Messages (decode, validate) or readings that have passed a stage.', 'stage', ofStages('items'));
  gauge('greenpark_ingest_pending_messages', 'Messages taken and not yet committed.', () => stats.pendingMessages);
  gauge('greenpark_ingest_pending_readings', 'Readings taken and not yet committed.', () => stats.pendingReadings);
  gauge('greenpark_ingest_pending_dead_letters', 'Dead letters not yet written.', () => stats.pendingLetters);
  gauge('greenpark_ingest_pending_dead_letter_bytes', 'Payloads in them, in bytes.', () => stats.pendingLetterBytes);
  gauge('greenpark_ingest_decoding_messages', 'Messages that wait for a mapping, among those not yet committed.', () => pipeline.decoding);
  gauge('greenpark_ingest_decoding_bytes', 'Payloads in them, in bytes.', () => stats.pendingDecodeBytes);
  gauge(
    'greenpark_ingest_oldest_unacknowledged_seconds',
    'For how long the oldest message waits for its acknowledgement; 0 when none waits.',
    () => pipeline.oldestWaitSeconds,
  );
  gauge('greenpark_ingest_full', '1 while ingest takes nothing more: too much is not committed, or neither the store nor the spool takes anything.', () =>
    pipeline.holds === null ? 0 : 1,
  );
  counter('greenpark_ingest_pressures_total', 'Times that senders had to be held back.', () => stats.pressures);
  counter('greenpark_ingest_listener_errors_total', 'Faults of whoever hears of readings; they were stored all the same.', () => stats.listenerErrors);
  gauge('greenpark_store_failing', '1 while writes to the store fail and are tried again.', () => (pipeline.storeFails ? 1 : 0));
  gauge('greenpark_data_free_bytes', 'Space left to the service on the disk of its data directory.', sources.freeBytes);
  const { connection } = sources;
  if (connection !== undefined) {
    counter('greenpark_broker_connects_total', 'Connections made to the external broker.', () => connection()?.connects ?? 0);
    const lost = 'Connections at which the external broker had lost the session, with all that it had acknowledged and not delivered.';
    counter('greenpark_broker_sessions_lost_total', lost, () => connection()?.sessionsLost ?? 0);
  }
  new Counter({
    name: 'greenpark_mapping_left_out_total',
    help: 'What mappings left out, by kind: values (not-mapped, no-value), items (nothing-mapped, nothing-measured) or messages (not-taken).',
    labelNames: ['park', 'mapping', 'kind'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { park, mapping, kind, count } of sources.leftOut.counts()) this.inc({ park: park ?? '', mapping, kind }, count);
    },
  });
  figures(BROKER_FIGURES, sources.broker);
  figures(HJ212_FIGURES, sources.hj212);
  figures(SPARKPLUG_FIGURES, sources.sparkplug);
  if (spool !== null) {
    gauge('greenpark_spool_readings', 'Readings on disk that wait for the store.', () => spool.readings);
    gauge('greenpark_spool_bytes', 'Disk that they take, in bytes.', () => spool.waitingBytes);
    gauge('greenpark_spool_limit_bytes', 'Disk that they may take, in bytes.', () => spool.limitBytes);
    counters(
      'greenpark_spool_drained_total',
      'Readings that came from the spool into the store; duplicates were there already: sent twice, or written by an attempt whose answer was lost.',
      'outcome',
      () => ({
        stored: stats.drainedStored,
        duplicate: stats.drainedDuplicate,
      }),
    );
    gauge(
      'greenpark_spool_lost_readings',
      'Readings that could not be read back from the spool since the start; their bytes are kept on disk.',
      () => spool.lost,
    );
    gauge('greenpark_spool_oldest_timestamp_seconds', 'Time of measurement of the oldest that waits; 0 when none does.', () => (spool.oldestTs ?? 0) / 1000);
  }
  gauge('greenpark_ingest_last_commit_timestamp_seconds', 'When readings were committed last.', () => ages.lastCommitAt / 1000);
  gauge('greenpark_alerts_open', 'Alerts firing or acknowledged.', sources.openAlerts);
  gauge('greenpark_live_watchers', 'Sockets that watch a park or an enterprise.', sources.watchers);
  return async () => (await registry.metrics()) + ages.text() + gatewayMetrics(sources.gateways);
}
