import type { EpochMs } from '../../model/ids.ts';
import { QUALITY } from '../../model/quality.ts';
import type { DecodedFrame, DecodedRefusal } from '../codecs/decoded.ts';
import { numberOf } from '../codecs/sparkplug/datatypes.ts';
import type { Metric } from '../codecs/sparkplug/metric.ts';
import type { RejectReason } from '../reject-reasons.ts';
import { quote } from '../wording.ts';
import type { Destination } from './links.ts';
import type { SparkplugStats } from './stats.ts';

/** Codes of the property `Quality`: the values are those of the specification, their names are from memory. */
const QUALITY_GOOD = 192;
const QUALITY_STALE = 500;

class Frame implements DecodedFrame {
  readonly meter: string;
  readonly ts: EpochMs | null;
  readonly backfill: boolean;
  // Without a prototype: names come from the field, and one of them may be `__proto__`.
  readonly values: Record<string, unknown> = Object.create(null);
  flags: Record<string, number> = NO_FLAGS;

  constructor(meter: string, ts: EpochMs | null, backfill: boolean) {
    this.meter = meter;
    this.ts = ts;
    this.backfill = backfill;
  }

  get where(): string {
    return this.ts !== null && this.ts < 8.64e15 ? `metrics of ${new Date(this.ts).toISOString()}` : 'metrics';
  }
}

const NO_FLAGS: Record<string, number> = Object.freeze(Object.create(null));

/** Metrics of one message become frames: one for each meter and time. */
export class FrameBuilder {
  readonly frames: Frame[] = [];
  readonly refusals: DecodedRefusal[];
  readonly #stats: SparkplugStats;
  readonly #timestamp: EpochMs | null;
  #byKey: Map<string, Frame> | null = null;
  #last: Frame | null = null;

  /** @param timestamp of the payload: it stands for metrics that have none */
  constructor(timestamp: EpochMs | null, refusals: readonly DecodedRefusal[], stats: SparkplugStats) {
    this.#timestamp = timestamp;
    this.refusals = [...refusals];
    this.#stats = stats;
  }

  refuse(reason: RejectReason, detail: string, count = 1): void {
    this.refusals.push({ reason, detail, count });
  }

  /** @param datatype from the message or else the birth; 0 where neither says it */
  take(metric: Metric, name: string, datatype: number, to: Destination): void {
    const stats = this.#stats;
    if (to.kind === 'ignored') {
      stats.passedOver++;
      return;
    }
    if (metric.isNull) {
      stats.nulls++;
      return;
    }
    if (metric.quality === QUALITY_STALE) {
      stats.stale++;
      return;
    }
    if (to.kind === 'refused') {
      this.refuse(to.reason, `metric ${quote(name)}: ${to.detail}`);
      return;
    }
    const value = numberOf(metric, datatype);
    if (typeof value === 'string') {
      this.refuse(datatype === 0 ? 'no-birth' : 'not-a-number', `metric ${quote(name)} ${value}`);
      return;
    }
    if (metric.isHistorical) stats.historical++;
    const frame = this.#frame(to.meter, metric.timestamp ?? this.#timestamp, metric.isHistorical);
    if (to.quantity in frame.values) {
      this.refuse('repeated-key', `metric ${quote(name)} is the second one at its time for ${quote(to.quantity)} of ${to.meter}`);
      return;
    }
    frame.values[to.quantity] = value * to.scale + to.offset;
    if (metric.quality !== null && metric.quality !== QUALITY_GOOD) {
      if (frame.flags === NO_FLAGS) frame.flags = Object.create(null);
      frame.flags[to.quantity] = QUALITY.fault;
    }
  }

  #frame(meter: string, ts: EpochMs | null, backfill: boolean): Frame {
    const last = this.#last;
    if (last !== null && last.meter === meter && last.ts === ts && last.backfill === backfill) return last;
    let frame: Frame | undefined;
    // Most messages are of one meter and one time: no key is written for them.
    if (last !== null) {
      this.#byKey ??= new Map([[keyOf(last.meter, last.ts, last.backfill), last]]);
      frame = this.#byKey.get(keyOf(meter, ts, backfill));
    }
    if (frame === undefined) {
      frame = new Frame(meter, ts, backfill);
      this.#byKey?.set(keyOf(meter, ts, backfill), frame);
      this.frames.push(frame);
    }
    this.#last = frame;
    return frame;
  }
}

const keyOf = (meter: string, ts: EpochMs | null, backfill: boolean): string => `${meter} ${ts} ${backfill}`;
