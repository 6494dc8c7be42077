import type { Clock } from '../model/clock.ts';
import type { EpochMs } from '../model/ids.ts';
import type { LatestReadings } from '../model/latest.ts';
import { isUsable, QUALITY } from '../model/quality.ts';
import type { ReadingColumns } from '../model/reading.ts';
import type { CanonicalScan } from './codecs/canonical.ts';
import { Doubts } from './doubts.ts';
import type { LateQuality } from './late-quality.ts';
import type { MessageState } from './message-state.ts';
import type { MeterPlan } from './meter-plans.ts';
import { type QualityJudge, together } from './quality.ts';
import type { ReadingWriter } from './reading-writer.ts';
import type { IngestStats } from './stats.ts';
import { flaggedByTime, isAhead, isFarPast, timeFits, wrongTime } from './time-fits.ts';
import { nameOf } from './wording.ts';

/** What was measured within this time is news: to a series whose newest reading stands in the future, and where it is marked as history. */
const NEWS_MS = 3_600_000;

export interface AdmissionParts {
  readonly latest: LatestReadings;
  readonly quality: QualityJudge;
  readonly lateQuality: LateQuality;
  readonly writer: Pick<ReadingWriter, 'fresh' | 'late' | 'doubtFresh' | 'historyIs'>;
  readonly clock: Clock;
  readonly stats: IngestStats;
  /** Of the message that is being taken: what is refused goes there. */
  readonly state: MessageState;
  /** How far a time of measurement may lie in the future and count, in milliseconds: beyond it a reading is flagged ... */
  readonly clockToleranceMs: number;
  /** ... and beyond this refused. */
  readonly clockSkewMs: number;
  /** Readings older than this on arrival are flagged, unless they are marked as backfill, in milliseconds. */
  readonly farPastMs: number;
  /** Of meters with this number and higher ones nobody has asked the store for their newest readings. */
  readonly unknownFrom: number;
}

/** Values of a known meter become rows: time, number, unit, quality; fresh or late. The hot path, once per value. */
export class Admission {
  readonly #latest: LatestReadings;
  readonly #writer: Pick<ReadingWriter, 'fresh' | 'late' | 'doubtFresh' | 'historyIs'>;
  readonly #clock: Clock;
  readonly #stats: IngestStats;
  readonly #state: MessageState;
  readonly #clockToleranceMs: number;
  readonly #clockSkewMs: number;
  readonly #farPastMs: number;
  readonly #unknownFrom: number;
  readonly #quality: QualityJudge;
  readonly #lateQuality: LateQuality;
  readonly #doubts = new Doubts();

  constructor(parts: AdmissionParts) {
    this.#latest = parts.latest;
    this.#quality = parts.quality;
    this.#writer = parts.writer;
    this.#clock = parts.clock;
    this.#stats = parts.stats;
    this.#state = parts.state;
    this.#clockToleranceMs = Math.min(parts.clockToleranceMs, parts.clockSkewMs);
    this.#clockSkewMs = parts.clockSkewMs;
    this.#farPastMs = parts.farPastMs;
    this.#unknownFrom = parts.unknownFrom;
    this.#lateQuality = parts.lateQuality;
  }

  /**
   * Values of one meter at one time, as the sender wrote them.
   *
   * @param sent null takes the time of arrival
   * @param backfill the sender marks it as history that it delivers late on purpose
   * @param flags what the instrument says of a value itself, by quantity
   */
  take(plan: MeterPlan, sent: EpochMs | null, values: Readonly<Record<string, unknown>>, backfill: boolean, flags?: Readonly<Record<string, number>>): void {
    const state = this.#state;
    const ts = sent ?? state.receivedAt;
    if (!this.#timeFits(ts)) {
      this.#refuseTime(ts, Object.keys(values).length);
      return;
    }
    const isAhead = this.#isAhead(ts);
    const dated = isAhead ? QUALITY.clock : backfill ? QUALITY.good : this.#datedBack(ts);
    this.#writer.historyIs(backfill && ts < state.receivedAt - NEWS_MS);
    let guess = 0;
    for (const name in values) {
      const column = plan.columnOf(name, guess);
      if (typeof column !== 'number') {
        state.refuse(column.reason, state.at(column.detail));
        continue;
      }
      guess = column + 1;
      const raw = values[name];
      if (typeof raw === 'number') this.#value(plan, column, ts, raw, flags === undefined || isAhead ? dated : flaggedByTime(dated, flags[name]));
      else state.refuse('not-a-number', state.at(`${name} is ${nameOf(raw)}; expected a JSON number`));
    }
  }

  /** What was scanned: the same as `take` for each of its frames, without a name to look up. */
  takeScanned(plan: MeterPlan, scan: CanonicalScan): void {
    // What is scanned bears no such mark.
    this.#writer.historyIs(false);
    if (this.#takeRegular(plan, scan)) return;
    const { ts: times, end: ends, column: columns, value: values, frames, isArray } = scan;
    let row = 0;
    for (let frame = 0; frame < frames; frame++) {
      const ts = times[frame] as number;
      const end = ends[frame] as number;
      if (isArray) this.#state.index = frame;
      if (!this.#timeFits(ts)) {
        this.#refuseTime(ts, end - row);
        row = end;
        continue;
      }
      const dated = this.#isAhead(ts) ? QUALITY.clock : this.#datedBack(ts);
      for (; row < end; row++) this.#value(plan, columns[row] as number, ts, values[row] as number, dated);
    }
  }

  /**
   * Nearly every message: frames of the same columns in order of time, newer than what is there. They are taken a column at a time, so that
   * what a series needs is looked up once. False, and nothing taken, where anything is otherwise.
   */
  #takeRegular(plan: MeterPlan, scan: CanonicalScan): boolean {
    if (!this.#isInOrder(plan, scan)) return false;
    const { ts: times, end: ends, column: columns, frames } = scan;
    const { series, ordinal } = plan;
    const { codes } = plan.columns;
    const { fresh } = this.#writer;
    const quality = this.#quality;
    const width = ends[0] as number;
    const from = fresh.length;
    const to = from + frames * width;
    const rows = fresh.room(frames * width);
    if (!convert(plan, scan, rows.value, from)) return false;

    const { series: rowSeries, meter: rowMeter, quantity: rowQuantity, ts: rowTs, value: values, quality: rowQuality } = rows;
    const last = times[frames - 1] as number;
    for (let nth = 0; nth < width; nth++) {
      const column = columns[nth] as number;
      const at = series[column] as number;
      const code = codes[column] as number;
      const newest = to - width + nth;
      for (let row = from + nth, frame = 0; frame < frames; row += width, frame++) {
        rowSeries[row] = at;
        rowMeter[row] = ordinal;
        rowQuantity[row] = code;
        rowTs[row] = times[frame] as number;
        rowQuality[row] = QUALITY.good;
      }
      if (quality.isGoodRun(at, code, values, from + nth, to, width)) quality.takeGood(at, values, newest);
      else this.#judgeRun(rows, from + nth, to, width);
      this.#latest.put(at, last, values[newest] as number, rowQuality[newest] as number);
    }
    fresh.add(frames * width);
    this.#state.fresh += frames * width;
    return true;
  }

  /** Have all frames the same columns, and times that go on, that fit, and that are newer than what is there? */
  #isInOrder(plan: MeterPlan, { ts: times, end: ends, column: columns, frames }: CanonicalScan): boolean {
    const width = ends[0] as number;
    const first = times[0] as number;
    let last = first;
    for (let frame = 1; frame < frames; frame++) {
      const ts = times[frame] as number;
      if (ts <= last || ends[frame] !== (frame + 1) * width) return false;
      last = ts;
    }
    if (!this.#timeFits(first) || this.#isAhead(last) || this.#datedBack(first) !== QUALITY.good) return false;
    const { ts: newest } = this.#latest;
    const doubts = this.#doubts.none ? null : this.#doubts;
    const isUnknown = plan.ordinal >= this.#unknownFrom;
    for (let nth = 0; nth < width; nth++) {
      const column = columns[nth] as number;
      const series = plan.series[column] as number;
      if (first <= (newest[series] as number) || doubts?.has(series) === true) return false;
      if (isUnknown && newest[series] === Number.NEGATIVE_INFINITY) return false;
      for (let row = nth + width; row < frames * width; row += width) if (columns[row] !== column) return false;
    }
    return true;
  }

  /** The rows of one series, one by one. */
  #judgeRun({ series, quantity, ts, value, quality }: ReadingColumns, from: number, to: number, step: number): void {
    for (let row = from; row < to; row += step) {
      const flag = this.#quality.judge(series[row] as number, quantity[row] as number, ts[row] as number, value[row] as number);
      quality[row] = flag;
      if (flag !== QUALITY.good) this.#stats.flag(flag);
    }
  }

  #value(plan: MeterPlan, column: number, ts: EpochMs, raw: number, flag: number): void {
    const { columns } = plan;
    const value = raw * (columns.factors[column] as number) + (columns.offsets[column] as number);
    // Only an infinite or undefined number differs from itself or has a difference to itself.
    if (value - value !== 0) {
      this.#state.refuse('not-finite', this.#state.at(`${columns.names[column]} is a number too large to be represented; expected a finite number`));
      return;
    }
    const latest = this.#latest;
    const series = plan.series[column] as number;
    const code = columns.codes[column] as number;
    const newest = latest.ts[series] as number;
    const takesOver = ts <= newest && flag !== QUALITY.clock && this.#isMisdated(series, newest) && ts > this.#clock() - NEWS_MS;
    if (ts > newest || takesOver) {
      const quality = isUsable(flag) ? together(this.#quality.judge(series, code, ts, value), flag) : flag;
      if (quality !== QUALITY.good) this.#stats.flag(quality);
      if (takesOver) this.#doubts.hold(series, newest);
      else if (newest === Number.NEGATIVE_INFINITY && plan.ordinal >= this.#unknownFrom) this.#doubts.hold(series, this.#clock());
      if (!this.#doubts.none && this.#doubts.meets(series, ts)) this.#writer.doubtFresh();
      latest.put(series, ts, value, quality);
      this.#writer.fresh.push(series, plan.ordinal, code, ts, value, quality);
      this.#state.fresh++;
    } else {
      this.#lateQuality.expect(plan, column);
      this.#writer.late.push(series, plan.ordinal, code, ts, value, flag);
      this.#state.late++;
    }
  }

  #datedBack(ts: EpochMs): number {
    return isFarPast(ts, this.#state.receivedAt, this.#farPastMs) && !this.#state.history ? QUALITY.clock : QUALITY.good;
  }

  /**
   * Does the newest reading of the series bear the time of a clock that was ahead: the sender's, as its flag says, or this service's, which has
   * been set back since? The next one takes over from it, or alerts and live view would hear nothing of the series until that time has come.
   */
  #isMisdated(series: number, newest: EpochMs): boolean {
    return this.#latest.quality[series] === QUALITY.clock || this.#isAhead(newest);
  }

  /** By the clock at arrival, and now. */
  #isAhead(ts: EpochMs): boolean {
    return isAhead(ts, this.#state.receivedAt, this.#clockToleranceMs) && isAhead(ts, this.#clock(), this.#clockToleranceMs);
  }

  /** By the clock at arrival, or now: a message that was refused while the clock was behind is taken when it is tried again. */
  #timeFits(ts: EpochMs): boolean {
    return timeFits(ts, this.#state.receivedAt, this.#clockSkewMs) || timeFits(ts, this.#clock(), this.#clockSkewMs);
  }

  #refuseTime(ts: EpochMs, count: number): void {
    const state = this.#state;
    const { reason, found, expected } = wrongTime(ts, state.receivedAt, this.#clockSkewMs);
    state.refuse(reason, state.at(`"ts" ${found}; expected ${expected}`), count);
  }
}

/** The values of regular frames in the catalogue's units, from `from` on; false where one is too large to be represented. */
function convert(plan: MeterPlan, { end: ends, column: columns, value: sent, frames }: CanonicalScan, values: Float64Array, from: number): boolean {
  const { factors, offsets } = plan.columns;
  const width = ends[0] as number;
  for (let nth = 0; nth < width; nth++) {
    const factor = factors[columns[nth] as number] as number;
    const offset = offsets[columns[nth] as number] as number;
    for (let row = nth; row < frames * width; row += width) {
      const value = (sent[row] as number) * factor + offset;
      if (!Number.isFinite(value)) return false;
      values[from + row] = value;
    }
  }
  return true;
}
