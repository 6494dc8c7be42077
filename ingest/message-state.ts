import type { EpochMs } from '../model/ids.ts';
import type { MeterPlan } from './meter-plans.ts';
import type { IngestMessage } from './port.ts';
import type { RejectReason } from './reject-reasons.ts';

/** Sentences of one reason in one letter; the rest is counted. */
const MOST_DETAILS = 5;

/** What one message has come to so far; one object for all of them, as one is taken at a time. */
export class MessageState {
  receivedAt: EpochMs = 0;
  plan: MeterPlan | null = null;
  fresh = 0;
  late = 0;
  /** Something other than readings was kept: a status. */
  kept = false;
  readonly refusals = new Map<RejectReason, { count: number; readonly details: string[] }>();

  begin(message: IngestMessage): void {
    this.receivedAt = message.receivedAt;
    this.plan = null;
    this.fresh = 0;
    this.late = 0;
    this.kept = false;
    if (this.refusals.size > 0) this.refusals.clear();
  }

  refuse(reason: RejectReason, detail: string, count = 1): void {
    const known = this.refusals.get(reason);
    if (known === undefined) {
      this.refusals.set(reason, { count, details: [detail] });
      return;
    }
    known.count += count;
    if (known.details.length < MOST_DETAILS) known.details.push(detail);
  }
}
