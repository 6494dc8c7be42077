import type { EpochMs } from '../model/ids.ts';
import type { ReadingBlock } from '../model/reading.ts';

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
    // Frames of one block are about as old: each looks first where the one before it was found.
    let bucket = 0;
    for (let row = 0; row < block.length; row++) {
      const ts = block.ts[row] as number;
      if (ts === previous) continue;
      previous = ts;
      const age = Math.max(0, (now - ts) / 1000);
      while (bucket > 0 && age <= (AGE_BOUNDS[bucket - 1] as number)) bucket--;
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
