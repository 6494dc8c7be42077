import type { EpochMs } from '../model/ids.ts';
import type { LatestReadings } from '../model/latest.ts';
import { isUsable, QUALITY } from '../model/quality.ts';
import type { ReadingBlock } from '../model/reading.ts';
import type { RegisteredMeter } from '../model/registry.ts';
import type { CounterPoint, NeighbourQuery, Neighbours } from '../store/port.ts';
import type { MeterPlan } from './meter-plans.ts';
import { isInRange, type OnRegisterMove, QualityJudge, together } from './quality.ts';

/** How far from a late reading its neighbours are looked for, ms: longer than gateways keep what they could not send. */
const REACH_MS = 32 * 86_400_000;
/** Series whose late readings are remembered between two blocks; of others the store is asked again. */
const MOST_LANES = 50_000;

/** Where the late readings of one series stand: in a gap between stored readings, which they fill in order of time. */
interface Lane {
  /** Of the last one. */
  ts: EpochMs;
  /** Here the gap ends: from there on the store has to be asked again. */
  readonly end: EpochMs;
  /** The stored reading that ends it; null where none does, or another register begins before. */
  readonly after: CounterPoint | null;
  /** No reading in the gap should stand above that one. */
  isBounded: boolean;
  /** One that does and awaits its judgement; NaN where there is none. */
  odd: number;
  /** The fall from the gap's readings to the one that ends it was told. */
  isFallTold: boolean;
}

export interface LateQualityParts {
  readonly latest: LatestReadings;
  onMove: OnRegisterMove;
  /** What is stored around the points; null where the store cannot say now. */
  neighbours(query: NeighbourQuery): Promise<readonly Neighbours[] | null>;
  /** When, after `from` and up to `to`, people have said that the register does not go on from where it stood; in order of time. */
  declared(meter: number, quantity: number, from: EpochMs, to: EpochMs): readonly EpochMs[];
  onFlag(quality: number): void;
}

/**
 * Judges readings that come when newer ones are there already: a recording that is imported, the buffer of a gateway that was away, a
 * message that was sent again. Each is held against the reading before it, and a counter against the one after it too, as far as they are
 * stored. That costs a question for each gap that such readings fall into; in the gap they are a row of their own.
 *
 * Where the store cannot say, they are judged by each other as long as they come in order, and the first by its physical range alone.
 */
export class LateQuality {
  readonly #parts: LateQualityParts;
  readonly #judge: QualityJudge;
  /** By series: the record of its meter by which its checks are known. */
  readonly #known = new Map<number, RegisteredMeter>();
  /** By series, the one used last at the end. */
  readonly #lanes = new Map<number, Lane>();
  #tail: Promise<unknown> = Promise.resolve();

  constructor(parts: LateQualityParts) {
    this.#parts = parts;
    this.#judge = new QualityJudge(parts.onMove);
  }

  /** A late reading of this series is on its way to `judge`. */
  expect(plan: MeterPlan, column: number): void {
    const series = plan.series[column] as number;
    // Another record of the meter stands for another state of the registry: the checks may be others.
    if (this.#known.get(series) === plan.meter) return;
    this.#known.set(series, plan.meter);
    this.#judge.open(series, plan.columns.codes[column] as number, { checks: plan.checksOf(column) });
  }

  /** Puts the quality into the rows, which bear what the instrument says of itself. One block after the other. */
  judge(block: ReadingBlock): Promise<void> {
    const run = this.#tail.then(() => this.#judgeBlock(block));
    this.#tail = run.catch(() => undefined); // told to the caller through `run`
    return run;
  }

  async #judgeBlock(block: ReadingBlock): Promise<void> {
    const rows = this.#rowsInOrder(block);
    const asked = this.#outsideGaps(block, rows);
    const found = new Map<number, Neighbours>();
    if (asked.length > 0) {
      const points = asked.map((row) => ({ meter: block.meter[row] as number, quantity: block.quantity[row] as number, ts: block.ts[row] as number }));
      const answers = await this.#parts.neighbours({ points, reach: REACH_MS });
      if (answers !== null) for (const [at, row] of asked.entries()) found.set(row, answers[at] as Neighbours);
    }
    for (const row of rows) {
      const lane = this.#laneOf(block, row, found.get(row));
      const judged = this.#judgeRow(lane, block.series[row] as number, block.quantity[row] as number, block.ts[row] as number, block.value[row] as number);
      block.quality[row] = together(judged, block.quality[row] as number);
    }
    for (const flag of block.quality.subarray(0, block.length)) if (flag !== QUALITY.good) this.#parts.onFlag(flag);
  }

  /** The rows that count and have to be held against others, by series and time, each time once. Those that need not be are judged. */
  #rowsInOrder({ length, series, quantity, ts, value, quality }: ReadingBlock): number[] {
    const rows: number[] = [];
    for (let row = 0; row < length; row++) {
      if (!isUsable(quality[row] as number)) continue;
      if (this.#judge.looksBack(series[row] as number)) rows.push(row);
      else if (!isInRange(quantity[row] as number, value[row] as number)) quality[row] = QUALITY.range;
    }
    rows.sort((a, b) => (series[a] as number) - (series[b] as number) || (ts[a] as number) - (ts[b] as number) || a - b);
    // Of one time the first row is the one that will be stored.
    return rows.filter((row, at) => at === 0 || series[row] !== series[rows[at - 1] as number] || ts[row] !== ts[rows[at - 1] as number]);
  }

  /** The rows about whose neighbours the store has to be asked. */
  #outsideGaps({ series, ts }: ReadingBlock, rows: readonly number[]): number[] {
    return rows.filter((row) => {
      const lane = this.#lanes.get(series[row] as number);
      return lane === undefined || !isInside(lane, ts[row] as number);
    });
  }

  #laneOf(block: ReadingBlock, row: number, around: Neighbours | undefined): Lane {
    const series = block.series[row] as number;
    const ts = block.ts[row] as number;
    let lane = this.#lanes.get(series);
    if (lane === undefined || !isInside(lane, ts)) {
      if (around !== undefined) lane = this.#gap(block, row, around);
      else {
        if (!(ts > (lane?.ts ?? Number.POSITIVE_INFINITY))) this.#judge.beginAfter(series, null);
        lane = { ts, end: ts, after: null, isBounded: false, odd: Number.NaN, isFallTold: false };
      }
    }
    this.#lanes.delete(series);
    this.#lanes.set(series, lane);
    if (this.#lanes.size > MOST_LANES) this.#lanes.delete(this.#lanes.keys().next().value as number);
    return lane;
  }

  /** The gap that a row falls into. A declared change of the register divides it. */
  #gap({ series, meter, quantity, ts: times }: ReadingBlock, row: number, { before, after: stored }: Neighbours): Lane {
    const ts = times[row] as number;
    const after = stored ?? this.#newestAfter(series[row] as number, ts);
    const [from, to] = [before?.ts ?? Number.NEGATIVE_INFINITY, after?.ts ?? Number.POSITIVE_INFINITY];
    const declared = this.#parts.declared(meter[row] as number, quantity[row] as number, from, to);
    const ahead = declared.find((at) => at > ts);
    const last = declared.some((at) => at <= ts) ? null : before;
    this.#judge.beginAfter(series[row] as number, last);
    return {
      ts,
      end: ahead ?? to,
      after: ahead === undefined ? after : null,
      // Where the register is known to have fallen in the gap, either side of the fall may be the reading's.
      isBounded: after !== null && !(last !== null && last.value > after.value),
      odd: Number.NaN,
      isFallTold: false,
    };
  }

  /** The newest reading may still be on its way to the store. */
  #newestAfter(series: number, ts: EpochMs): CounterPoint | null {
    const { ts: times, value, quality } = this.#parts.latest;
    const newest = times[series] as number;
    return newest >= ts && isUsable(quality[series] as number) ? { ts: newest, value: value[series] as number } : null;
  }

  #judgeRow(lane: Lane, series: number, code: number, ts: EpochMs, value: number): number {
    lane.ts = ts;
    if (!isInRange(code, value)) return QUALITY.range;
    const { after } = lane;
    const isAbove = after !== null && value > after.value && this.#judge.isCounter(series);
    if (isAbove && lane.isBounded) {
      // As for one that falls: a single one is a slip, a second one that goes on from it says that the register fell later on.
      if (!(value > lane.odd)) {
        lane.odd = value;
        return QUALITY.backwards;
      }
      lane.isBounded = false;
    }
    lane.odd = Number.NaN;
    const flag = this.#judge.judge(series, code, ts, value);
    if (flag === QUALITY.jump && after !== null && this.#judge.goesOnTo(series, ts, value, after)) return QUALITY.good;
    if (isAbove && isUsable(flag) && !lane.isFallTold) {
      lane.isFallTold = true;
      this.#judge.tellMove(series, after.ts, value, after.value);
    }
    return flag;
  }
}

const isInside = (lane: Lane, ts: EpochMs): boolean => ts > lane.ts && ts < lane.end;
