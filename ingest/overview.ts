import type { Clock } from '../model/clock.ts';
import type { EpochMs } from '../model/ids.ts';
import { type GatewayStanding, type IngestState, STAGES, type Stage, type StageTold } from '../model/ingest.ts';
import type { GatewayStandings } from './gateways/standing.ts';
import type { Pipeline } from './pipeline.ts';
import { RecentCounts } from './recent-counts.ts';
import type { Spool } from './spool/spool.ts';
import type { StageSpent } from './stage-times.ts';
import { flagsOf, type IngestStats } from './stats.ts';

export interface OverviewParts {
  readonly pipeline: Pick<Pipeline, 'stats' | 'stages' | 'holds' | 'decoding' | 'oldestWaitSeconds' | 'limits'>;
  readonly standings: GatewayStandings;
  readonly spool: Pick<Spool, 'readings' | 'waitingBytes' | 'limitBytes' | 'oldestTs' | 'refusal'> | null;
  readonly lastCommitAt: () => EpochMs;
  readonly clock: Clock;
}

const MINUTE = 60_000;
const LATELY_MS = 5 * MINUTE;

/** What the operator sees of ingest. */
export class IngestOverview {
  readonly #parts: OverviewParts;
  readonly #messages: RecentCounts<IngestStats>;
  readonly #stages: RecentCounts<StageSpent>;

  constructor(parts: OverviewParts) {
    this.#parts = parts;
    const began = performance.now();
    this.#messages = new RecentCounts(began, ({ messages }) => [messages]);
    this.#stages = new RecentCounts(began, ({ seconds, items }) => [seconds, items]);
  }

  /** To be called every `SAMPLE_EVERY_MS`. */
  sample(): void {
    const { pipeline, standings } = this.#parts;
    const mono = performance.now();
    this.#messages.sample(mono, [pipeline.stats]);
    this.#stages.sample(mono, Object.values(pipeline.stages.spent));
    standings.sample(mono);
  }

  gateways(): readonly GatewayStanding[] {
    return this.#parts.standings.list(this.#parts.clock(), performance.now());
  }

  state(): IngestState {
    const { pipeline, spool, lastCommitAt } = this.#parts;
    const { stats, limits } = pipeline;
    const mono = performance.now();
    const lately = this.#messages.lately(mono, LATELY_MS);
    return {
      full: pipeline.holds !== null,
      messages: {
        ...{ accepted: stats.accepted, partly: stats.partly, refused: stats.refused },
        ...{ duplicate: stats.duplicate, leftOut: stats.leftOut, failed: stats.failed },
      },
      readings: { fresh: stats.readingsFresh, late: stats.readingsLate, duplicate: stats.readingsDuplicate },
      flagged: Object.fromEntries(flagsOf(stats).filter(([, count]) => count > 0)),
      rejects: Object.fromEntries(Object.entries(stats.rejects).filter(([, count]) => count > 0)),
      retries: { store: stats.storeRetries, deadLetters: stats.letterRetries },
      messagesPerMinute: ((lately.gained(stats)[0] ?? 0) / lately.overMs) * MINUTE,
      pending: {
        ...{ messages: stats.pendingMessages, readings: stats.pendingReadings, decoding: pipeline.decoding },
        ...{ deadLetters: stats.pendingLetters, deadLetterBytes: stats.pendingLetterBytes },
      },
      bounds: { messages: limits.maxPendingMessages, readings: limits.maxPendingReadings, deadLetterBytes: limits.maxPendingLetterBytes },
      oldestUnacknowledgedSeconds: pipeline.oldestWaitSeconds,
      lastCommitAt: lastCommitAt() === 0 ? null : lastCommitAt(),
      stages: STAGES.map((stage) => this.#stage(stage, mono)),
      spool:
        spool === null
          ? null
          : { readings: spool.readings, bytes: spool.waitingBytes, limitBytes: spool.limitBytes, oldestTs: spool.oldestTs, refusal: spool.refusal },
    };
  }

  #stage(stage: Stage, mono: number): StageTold {
    const spent = this.#parts.pipeline.stages.spent[stage];
    const { overMs, gained } = this.#stages.lately(mono, LATELY_MS);
    const [seconds = 0, items = 0] = gained(spent);
    return { stage, seconds: spent.seconds, items: spent.items, itemsPerMinute: (items / overMs) * MINUTE, busy: (seconds * 1000) / overMs };
  }
}
