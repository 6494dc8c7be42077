import type { EpochMs } from '../model/ids.ts';
import { periodOf, type Span } from '../model/period.ts';
import type { PeriodPlan } from './instances.ts';
import type { AlertEngineDeps } from './port.ts';
import type { CapRunState } from './rules/cap.ts';

/** After a period's end was seen, or the service's start if that came later: time for gateways to deliver what they held back. */
const PATIENCE_MS = 15 * 60_000;
/** After a question to the store that failed. */
const ASK_AGAIN_AFTER_MS = 60_000;

interface Question {
  readonly periodFrom: EpochMs;
  /** When the end was first seen. On the steady clock, like the next: one that is set forward ends no period for good. */
  readonly seenAt: number;
  askAgainAt: EpochMs;
  /** undefined: not answered yet. */
  used: number | null | undefined;
}

export interface Ended {
  /** null: not known, so that nothing can be said of the period. */
  readonly used: number | null;
  /** The period to look at from now on. */
  readonly next: Span;
}

/**
 * The usage of periods that are over, for what must reach an amount by their end. The running figure of the last moment will not do: the
 * service may have been down when the period ended, and the last readings of a period come after its end. So the store is asked once all
 * should be there; until then the rule's state stays in the period that ended, and a restart asks again.
 */
export class EndedPeriods {
  readonly #deps: Pick<AlertEngineDeps, 'endedUsage' | 'logger' | 'clock' | 'steady'>;
  readonly #startedAt: EpochMs;
  readonly #questions = new Map<string, Question>();

  constructor(deps: Pick<AlertEngineDeps, 'endedUsage' | 'logger' | 'clock' | 'steady'>) {
    this.#deps = deps;
    this.#startedAt = deps.clock();
  }

  /** null: it cannot be said yet; ask again at the next tick. */
  look(plan: PeriodPlan, run: CapRunState, now: EpochMs): Ended | null {
    const { endedUsage } = this.#deps;
    if (endedUsage === undefined) return this.#withoutStore(plan, run, now);
    let question = this.#questions.get(plan.key);
    if (question?.periodFrom !== run.periodFrom) {
      question = { periodFrom: run.periodFrom, seenAt: this.#steadyNow(), askAgainAt: Number.NEGATIVE_INFINITY, used: undefined };
      this.#questions.set(plan.key, question);
    }
    if (now < Math.max(run.periodTo, this.#startedAt) + PATIENCE_MS) return null;
    if (this.#deps.steady !== undefined && this.#steadyNow() < question.seenAt + PATIENCE_MS) return null;
    if (question.used !== undefined) {
      this.#questions.delete(plan.key);
      if (question.used === null) this.#unknown(plan, 'no counter of it was ever read');
      // The one after it, not the one that runs: several may have ended while the service was down.
      return { used: question.used, next: periodOf(run.periodTo, plan.period, plan.zone) };
    }
    if (this.#steadyNow() >= question.askAgainAt) this.#ask(question, plan, endedUsage);
    return null;
  }

  /** The period runs, after all: its end had only been seen by a clock that was ahead. */
  runs(plan: PeriodPlan): void {
    this.#questions.delete(plan.key);
  }

  #steadyNow(): number {
    return (this.#deps.steady ?? this.#deps.clock)();
  }

  #ask(question: Question, plan: PeriodPlan, endedUsage: NonNullable<AlertEngineDeps['endedUsage']>): void {
    question.askAgainAt = Number.POSITIVE_INFINITY;
    endedUsage(plan, question.periodFrom).then(
      (used) => {
        question.used = used;
      },
      (error: unknown) => {
        question.askAgainAt = this.#steadyNow() + ASK_AGAIN_AFTER_MS;
        // Left as it was: the next tick after a while asks again.
        this.#deps.logger.error({ err: error, park: plan.park, rule: plan.rule }, 'the usage of a period that ended could not be read; asking again');
      },
    );
  }

  /** Nobody can be asked: what was seen counts where the period's end was seen too. */
  #withoutStore(plan: PeriodPlan, run: CapRunState, now: EpochMs): Ended {
    const seen = run.periodTo > this.#startedAt;
    if (!seen) this.#unknown(plan, 'the service was not running when it ended');
    return { used: seen ? run.used : null, next: periodOf(now, plan.period, plan.zone) };
  }

  #unknown(plan: PeriodPlan, why: string): void {
    this.#deps.logger.warn({ park: plan.park, rule: plan.rule }, `a period was not judged: ${why}`);
  }
}
