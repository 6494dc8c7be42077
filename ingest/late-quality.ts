import type { EpochMs } from '../model/ids.ts';
import type { LatestReadings } from '../model/latest.ts';
import { isUsable, QUALITY } from '../model/quality.ts';
import type { ReadingBlock } from '../model/reading.ts';
import { NEAR, type RegisterMove } from '../model/register-change.ts';
import type { RegisteredMeter } from '../model/registry.ts';
import type { CounterPoint, NeighbourQuery, Neighbours } from '../store/port.ts';
import type { MeterPlan } from './meter-plans.ts';
import { isInRange, type OnRegisterMove, QualityJudge, together } from './quality.ts';

/** How far from a late reading its neighbours are looked for, ms: longer than gateways keep what they could not send. */
const REACH_MS = 32 * 86_400_000;
/** Series whose late readings are remembered between two blocks; of others the store is asked again. */
const MOST_LANES = 50_000;

/** Where the late readings of one series stand: in a gap between stored readings, which they mostly fill in order of time. */
interface Lane {
  /** Of the last one. */
  ts: EpochMs;
  /** After this time the gap begins. */
  readonly begin: EpochMs;
  /** And here it ends: outside of it the store has to be asked again. */
  readonly end: EpochMs;
  /** The stored readings on either side; null where none is, or another register begins or ends in between. */
  readonly before: CounterPoint | null;
  readonly after: CounterPoint | null;
  /** No reading in the gap should stand above the one after it. */
  isBounded: boolean;
  /** One that does, and one that stands below the one before the gap: they await another reading that goes on from them, or leads to them. */
  above: CounterPoint | null;
  below: CounterPoint | null;
  /** The reading after the gap came late as well, and was found to be on a new register. */
  readonly isOnNew: boolean;
  /** The first reading in the gap that was found to be; NaN where none was. */
  newFrom: EpochMs;
  /** What was told of the fall from the gap's readings to the one after it. */
  told: RegisterMove['kind'] | null;
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
 * One that does not fit in between is flagged, and the next one decides as in `QualityJudge`, also where the newest are sent first: two that
 * go on from each other are the truth, below the reading before the gap (the register began again there) or above the one after it (it fell
 * later on).
 *
 * Where the store cannot say, they are judged by each other as long as they come in order, and the first by its physical range alone.
 */
export class LateQuality {
  readonly #parts: LateQualityParts;
  readonly #judge: QualityJudge;
  /** By series: the record of its meter by which its checks are known. */
  readonly #known = new Map<number, RegisteredMeter>();
  /** By series, in the order in which they were begun. */
  readonly #lanes = new Map<number, Lane>();
  #tail: Promise<unknown> = Promise.resolve();
  /** Blocks that are judged and not stored yet: their series, and when that ends. */
  readonly #underWay = new Map<ReadonlySet<number>, Promise<void>>();

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

  /** Something stored of the series is not what it was, or a change of its register was declared: the store is asked again. */
  forget(series: number): void {
    this.#lanes.delete(series);
  }

  /**
   * Puts the quality into the rows, which bear what the instrument says of itself. One block after the other. Answers what is to be called
   * when the block is stored, or will not be.
   */
  judge(block: ReadingBlock): Promise<() => void> {
    const run = this.#tail.then(() => this.#judgeBlock(block));
    this.#tail = run.catch(() => undefined); // told to the caller through `run`
    return run;
  }

  async #judgeBlock(block: ReadingBlock): Promise<() => void> {
    const rows = this.#rowsInOrder(block);
    const asked = this.#outsideGaps(block, rows);
    // What the store says has to hold what was judged before.
    for (const [series, stored] of this.#underWay) if (asked.some((row) => series.has(block.series[row] as number))) await stored;
    const found = new Map<number, Neighbours>();
    if (asked.length > 0) {
      const points = asked.map((row) => ({ meter: block.meter[row] as number, quantity: block.quantity[row] as number, ts: block.ts[row] as number }));
      const answers = await this.#parts.neighbours({ points, reach: REACH_MS });
      if (answers !== null) for (const [at, row] of asked.entries()) found.set(row, answers[at] as Neighbours);
    }
    /** The row before, where it stands above its gap and may yet be the truth, with what its instrument says of it. */
    let above: { readonly row: number; readonly said: number } | null = null;
    for (const row of rows) {
      const lane = this.#laneOf(block, row, found.get(row));
      if (above !== null && this.#isConfirmed(lane, block, row, above.row)) {
        lane.isBounded = false;
        block.quality[above.row] = together(this.#judgeRow(lane, block, above.row), above.said);
      }
      const said = block.quality[row] as number;
      const judged = this.#judgeRow(lane, block, row);
      block.quality[row] = together(judged, said);
      above = lane.above?.ts === block.ts[row] ? { row, said } : null;
    }
    this.#trim();
    for (const flag of block.quality.subarray(0, block.length)) if (flag !== QUALITY.good) this.#parts.onFlag(flag);
    return this.#begun(new Set(rows.map((row) => block.series[row] as number)));
  }

  #begun(series: ReadonlySet<number>): () => void {
    let end = () => {};
    const stored = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#underWay.set(series, stored);
    return () => {
      this.#underWay.delete(series);
      end();
    };
  }

  /** The rows that count and have to be held against others, by series and time, each time once. Those that need not be are judged. */
  #rowsInOrder({ length, series, quantity, ts, value, quality }: ReadingBlock): number[] {
    const rows: number[] = [];
    for (let row = 0; row < length; row++) {
      if (!isUsable(quality[row] as number)) continue;
      if (!isInRange(quantity[row] as number, value[row] as number)) quality[row] = QUALITY.range;
      else if (this.#judge.looksBack(series[row] as number)) rows.push(row);
    }
    rows.sort((a, b) => (series[a] as number) - (series[b] as number) || (ts[a] as number) - (ts[b] as number) || a - b);
    // Of one time the first row is the one that will be stored.
    return rows.filter((row, at) => at === 0 || series[row] !== series[rows[at - 1] as number] || ts[row] !== ts[rows[at - 1] as number]);
  }

  /** The rows about whose neighbours the store has to be asked: from the first on that leaves the gap, as nobody knows into which one. */
  #outsideGaps({ series, ts }: ReadingBlock, rows: readonly number[]): number[] {
    let left = -1;
    return rows.filter((row) => {
      const of = series[row] as number;
      const lane = this.#lanes.get(of);
      if (lane === undefined || !isInside(lane, ts[row] as number)) left = of;
      return left === of;
    });
  }

  #laneOf(block: ReadingBlock, row: number, around: Neighbours | undefined): Lane {
    const series = block.series[row] as number;
    const ts = block.ts[row] as number;
    const known = this.#lanes.get(series);
    if (known !== undefined && isInside(known, ts)) return known;
    const lane = around === undefined ? this.#rowOfItsOwn(series, ts, known) : this.#gap(block, row, around, known);
    this.#lanes.delete(series);
    this.#lanes.set(series, lane);
    return lane;
  }

  /** What is judged without the store goes on from what came before it, and has the store asked again by the next one. */
  #rowOfItsOwn(series: number, ts: EpochMs, known: Lane | undefined): Lane {
    if (!(ts > (known?.ts ?? Number.POSITIVE_INFINITY))) this.#judge.beginAfter(series, null);
    return { ...AT_A_LOSS, ts, begin: ts, end: ts };
  }

  /** The gap that a row falls into. A declared change of the register divides it. */
  #gap({ series: all, meter, quantity, ts: times }: ReadingBlock, row: number, around: Neighbours, known: Lane | undefined): Lane {
    const series = all[row] as number;
    const ts = times[row] as number;
    const stored = around.after ?? this.#newestAfter(series, ts);
    const from = around.before?.ts ?? Number.NEGATIVE_INFINITY;
    // What comes to stand behind the newest reading makes another gap.
    const to = stored?.ts ?? Math.max(ts, this.#parts.latest.ts[series] as number);
    const declared = this.#parts.declared(meter[row] as number, quantity[row] as number, from, to);
    const passed = declared.findLast((at) => at <= ts);
    const ahead = declared.find((at) => at > ts);
    const begin = passed ?? from;
    const before = passed === undefined ? around.before : null;
    const after = ahead === undefined ? stored : null;
    this.#judge.beginAfter(series, before);
    // Where they are sent the newest first, the gap was a longer one until now.
    const later = known !== undefined && known.begin === begin && known.ts > ts ? known : null;
    const isSame = later !== null && later.after?.ts === after?.ts;
    // Where the register is known to have fallen in the gap, either side of the fall may be the reading's. A fall at midnight has its time.
    const hasFallen = before !== null && after !== null && before.value > after.value && !this.#judge.beginsAnew(series, before.ts, after.ts);
    return {
      ...{ ts, begin, end: ahead ?? to, before, after },
      isBounded: after !== null && !hasFallen,
      above: isSame ? later.above : null,
      below: isSame ? later.below : null,
      isOnNew: later !== null && later.newFrom === after?.ts,
      newFrom: Number.NaN,
      told: null,
    };
  }

  /** The newest reading may still be on its way to the store. */
  #newestAfter(series: number, ts: EpochMs): CounterPoint | null {
    const { ts: times, value, quality } = this.#parts.latest;
    const newest = times[series] as number;
    const isNear = newest >= ts && newest - ts <= REACH_MS;
    return isNear && isUsable(quality[series] as number) ? { ts: newest, value: value[series] as number } : null;
  }

  /** Does the row, which comes after it, go on from one that stands above the gap? */
  #isConfirmed({ isBounded, above }: Lane, { series, ts, value }: ReadingBlock, row: number, last: number): boolean {
    return isBounded && above !== null && series[row] === series[last] && above.ts === ts[last] && goesOn(above, ts[row] as number, value[row] as number);
  }

  #judgeRow(lane: Lane, { series: all, quantity, ts: times, value: values }: ReadingBlock, row: number): number {
    const [series, code, ts, value] = [all[row] as number, quantity[row] as number, times[row] as number, values[row] as number];
    lane.ts = ts;
    const { after } = lane;
    const isCounter = this.#judge.isCounter(series);
    const isAbove = isCounter && after !== null && value > after.value && !this.#judge.beginsAnew(series, ts, after.ts);
    if (isAbove && lane.isBounded) {
      if (!goesOn(lane.above, ts, value)) {
        lane.above = { ts, value };
        return QUALITY.backwards;
      }
      lane.isBounded = false;
    }
    if (isCounter && this.#isLoneZero(lane, series, ts, value)) {
      lane.below = { ts, value };
      return QUALITY.backwards;
    }
    const flag = this.#judge.judge(series, code, ts, value);
    if (flag === QUALITY.jump && after !== null && this.#judge.goesOnTo(series, ts, value, after)) return QUALITY.good;
    if (flag === QUALITY.backwards) return this.#judgeBelow(lane, series, ts, value);
    const { before, below } = lane;
    const isSettled = below !== null && below.ts < ts && before !== null && value < before.value;
    if (isCounter && isSettled && Number.isNaN(lane.newFrom)) lane.newFrom = ts;
    // What fits ends the waiting of those that did not.
    lane.above = null;
    lane.below = null;
    if (isAbove && isUsable(flag)) this.#tellFall(lane, series, value, after);
    return flag;
  }

  /** Where nothing stands before it, a register at zero is taken for a slip until a second one stands there. */
  #isLoneZero({ begin, after, below }: Lane, series: number, ts: EpochMs, value: number): boolean {
    if (value !== 0 || begin !== Number.NEGATIVE_INFINITY || after === null || after.value <= 0 || this.#judge.isBegun(series)) return false;
    if (this.#judge.beginsAnew(series, Number.NEGATIVE_INFINITY, ts)) return false;
    return below === null || below.ts > ts;
  }

  /** One that stands below the reading before the gap: the truth if it leads to one that is known to stand there, too. */
  #judgeBelow(lane: Lane, series: number, ts: EpochMs, value: number): number {
    const { before, after, below } = lane;
    const leadsToAfter = lane.isOnNew && after !== null && value <= after.value && value > after.value * NEAR;
    const isBelowNew = after === null || !lane.isBounded || (below !== null && below.value <= after.value);
    const leadsToBelow = below !== null && below.ts > ts && value < below.value && isBelowNew;
    if (!leadsToAfter && !leadsToBelow) {
      lane.below = { ts, value };
      return QUALITY.backwards;
    }
    lane.newFrom = ts;
    this.#judge.beginAfter(series, { ts, value });
    if (after !== null && value > after.value) this.#tellFall(lane, series, value, after);
    const move = before === null ? null : this.#judge.moveFrom(series, before.value, value);
    // A reset is what the readings show by themselves, and the next one may say that it was before.
    if (move !== null && move.kind !== 'reset') this.#parts.onMove(series, ts, move);
    return QUALITY.good;
  }

  /** The nearer a reading stands to the fall, the better it says of what kind that was. */
  #tellFall(lane: Lane, series: number, value: number, after: CounterPoint): void {
    const move = this.#judge.moveFrom(series, value, after.value);
    if (move.kind === lane.told) return;
    lane.told = move.kind;
    this.#parts.onMove(series, after.ts, move);
  }

  /** Not before a block is judged: what was asked for it is about the lanes as they were. */
  #trim(): void {
    for (const series of this.#lanes.keys()) {
      if (this.#lanes.size <= MOST_LANES) return;
      this.#lanes.delete(series);
    }
  }
}

/** What is known of a gap of which the store does not tell. */
const AT_A_LOSS = { before: null, after: null, isBounded: false, above: null, below: null, isOnNew: false, newFrom: Number.NaN, told: null };

const isInside = (lane: Lane, ts: EpochMs): boolean => ts > lane.ts && ts < lane.end;

/** Does the reading go on from another one, or lead to it, as a register does that moves? */
function goesOn(other: CounterPoint | null, ts: EpochMs, value: number): boolean {
  if (other === null) return false;
  return other.ts < ts ? value > other.value : value < other.value;
}
