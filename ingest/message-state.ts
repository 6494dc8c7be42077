import type { EpochMs, MeterId, ParkId } from '../model/ids.ts';
import type { MeterPlan } from './meter-plans.ts';
import type { IngestMessage, RefusalTold } from './port.ts';
import type { RejectReason } from './reject-reasons.ts';

/** Sentences of one reason in one letter; the rest is counted. */
export const MOST_DETAILS = 5;

/** What one message has come to so far; one object for all of them, as one is taken at a time. */
export class MessageState {
  receivedAt: EpochMs = 0;
  /** All of it is history that is delivered late on purpose. */
  history = false;
  /** Park and meter that the message is about; null where it is about several or none that is registered. */
  park: ParkId | null = null;
  meter: MeterId | null = null;
  /** The park for which a codec takes it; null where none says so, or several parks' mappings take it. */
  takenFor: ParkId | null = null;
  /** The gateway that the first meter's record names. */
  gateway: string | null = null;
  fresh = 0;
  late = 0;
  /** Something other than readings was kept: a status. */
  kept = false;
  /** Nothing of it is kept, as its mapping does not know a single name in it. */
  isLeftOut = false;
  /** What it says of the state of its meters; null where it says nothing of that. */
  online: boolean | null = null;
  /** Where in the message the present frame stands; empty where it is the message. */
  where = '';
  /** The same for frames of an array, which are numbered: written out only when it is told. -1 where it is none. */
  index = -1;
  readonly refusals = new Map<RejectReason, { count: number; readonly details: string[] }>();
  /** Meters of it that are not registered. */
  readonly unknown = new Set<string>();
  #meters = 0;

  begin(message: IngestMessage): void {
    this.receivedAt = message.receivedAt;
    this.history = message.history === true;
    this.park = null;
    this.meter = null;
    this.takenFor = null;
    this.gateway = null;
    this.#meters = 0;
    this.fresh = 0;
    this.late = 0;
    this.kept = false;
    this.isLeftOut = false;
    this.online = null;
    this.where = '';
    this.index = -1;
    if (this.refusals.size > 0) this.refusals.clear();
    if (this.unknown.size > 0) this.unknown.clear();
  }

  /** The message speaks of this meter. */
  about({ meter: { park, id }, gateway }: MeterPlan): void {
    if (this.#meters++ === 0) {
      this.park = park;
      this.meter = id;
      this.gateway = gateway;
      return;
    }
    if (this.park !== park) this.park = null;
    if (this.meter !== id) this.meter = null;
  }

  /** No registered meter was found in it. */
  get isOfNone(): boolean {
    return this.#meters === 0;
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

  /** The sentence with the place in the message before it. */
  at(detail: string): string {
    if (this.index >= 0) return `at [${this.index}]: ${detail}`;
    return this.where === '' ? detail : `at ${this.where}: ${detail}`;
  }

  /** What was refused, one entry per reason. */
  told(): RefusalTold[] {
    return [...this.refusals].map(([reason, { count, details }]) => ({
      reason,
      detail: details.join('; ') + (count > details.length ? `; ${count} in all` : ''),
      count,
    }));
  }
}
