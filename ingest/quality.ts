import type { Checks } from '../model/checks.ts';
import { COLUMN_GROWTH, grown } from '../model/columns.ts';
import type { EpochMs } from '../model/ids.ts';
import type { LatestReadings } from '../model/latest.ts';
import { periodOf } from '../model/period.ts';
import { isUsable, QUALITY } from '../model/quality.ts';
import { QUANTITIES, quantityOfCode } from '../model/quantities.ts';
import { NEAR, type RegisterMove } from '../model/register-change.ts';
import type { CounterPoint } from '../store/port.ts';

const SPAN = 1024;
const MIN = new Float64Array(SPAN).fill(Number.NEGATIVE_INFINITY);
const MAX = new Float64Array(SPAN).fill(Number.POSITIVE_INFINITY);
for (const quantity of QUANTITIES) [MIN[quantity.code], MAX[quantity.code]] = quantity.range;

/** Is the value physically possible for the quantity? */
export const isInRange = (code: number, value: number): boolean => value >= (MIN[code] as number) && value <= (MAX[code] as number);

/** What the instrument says of a value that counts, unless that does not follow from those before it. */
export const together = (judged: number, said: number): number => (judged === QUALITY.good ? said : judged);

/** How far a device's midnight may lie from midnight, in ms. */
const MIDNIGHT_MS = 5 * 60_000;

/** How much a series has to be looked at, by series: 0 not known yet. */
const GAUGE = 1;
const COUNTER = 2;
const CHECKED = 3;

/** A series whose meter states checks. */
interface Checked {
  readonly isCounter: boolean;
  readonly checks: Checks;
  lastTs: EpochMs;
  candidateTs: EpochMs;
  held: number;
  heldSince: EpochMs;
}

/** A register that did not go on from where it stood, found at the reading that is taken. */
export type OnRegisterMove = (series: number, ts: EpochMs, move: RegisterMove) => void;

/**
 * Judges readings in order of measurement; state per series in columns that grow.
 *
 * A reading that does not follow from the last good one is flagged, and is a candidate: one odd reading may be a slip (meters send a
 * momentary 0) or the truth from now on (exchange, rollover, a machine switched on), and a slip taken for a reset would count the whole
 * register as usage. A counter follows when it does not fall (`backwards` otherwise), and whatever has a bound for jumps when it keeps to
 * it (`jump`). The next reading decides:
 * - it follows from the last good one: the odd one was a slip and stays flagged;
 * - it follows from the candidate: that was the truth, `good` again. A counter that fell, or rose by more than it can, has another register
 *   from here on, which is told;
 * - a register again that is at rest there: still undecided, as a slip that is repeated looks the same. There is no usage in it either way;
 * - neither: undecided, with this one as the new candidate.
 */
export class QualityJudge {
  #kind = new Uint8Array(1024);
  /** The last good value, from the time the series is known; NaN before the first. */
  #last = new Float64Array(1024);
  /** The odd value that awaits its judgement, where there is one. */
  readonly #candidates = new Map<number, number>();
  readonly #checked = new Map<number, Checked>();
  /** Declared exchanges that no reading has come after yet. */
  readonly #exchanges = new Map<number, EpochMs>();
  readonly #onMove: OnRegisterMove;
  readonly #lastGood: ReadonlyMap<number, CounterPoint>;

  /** @param lastGood by series: the last good register before a newest stored reading that is flagged; without it, it is not known */
  constructor(onMove: OnRegisterMove = () => {}, lastGood: ReadonlyMap<number, CounterPoint> = new Map()) {
    this.#onMove = onMove;
    this.#lastGood = lastGood;
  }

  /** Makes a series known, which begins with its newest stored reading, or gives it other checks; what it came to so far stays. */
  open(series: number, code: number, { checks, latest }: { readonly checks?: Checks | undefined; readonly latest?: LatestReadings }): void {
    this.#room(series);
    const isCounter = quantityOfCode(code).kind === 'counter';
    if (this.#kind[series] === 0) {
      this.#last[series] = Number.NaN;
      if (latest !== undefined) this.#begin(series, isCounter, latest);
    }
    const before = this.#checked.get(series);
    if (checks === undefined) {
      this.#kind[series] = isCounter ? COUNTER : GAUGE;
      this.#checked.delete(series);
      return;
    }
    this.#kind[series] = CHECKED;
    const ts = latest?.ts[series] ?? Number.NEGATIVE_INFINITY;
    const value = latest?.value[series] ?? Number.NaN;
    const wasStuck = latest?.quality[series] === QUALITY.stuck;
    const lastTs = this.#lastGood.get(series)?.ts ?? ts;
    const state = before ?? { lastTs, candidateTs: ts, held: value, heldSince: wasStuck ? Number.NEGATIVE_INFINITY : ts };
    this.#checked.set(series, { ...state, isCounter, checks });
  }

  /** Begins a series anew: its next reading follows from this one, or from nothing. */
  beginAfter(series: number, last: CounterPoint | null): void {
    this.#last[series] = last?.value ?? Number.NaN;
    this.#candidates.delete(series);
    const state = this.#checked.get(series);
    if (state === undefined) return;
    state.lastTs = last?.ts ?? Number.NEGATIVE_INFINITY;
    state.held = last?.value ?? Number.NaN;
    state.heldSince = state.lastTs;
  }

  /** Is a reading of the series judged by those before it? */
  looksBack(series: number): boolean {
    return this.#kind[series] !== GAUGE;
  }

  /** Is there a last good reading that the next one has to follow from? */
  isBegun(series: number): boolean {
    return !Number.isNaN(this.#last[series]);
  }

  isCounter(series: number): boolean {
    return this.#kind[series] === COUNTER || this.#checked.get(series)?.isCounter === true;
  }

  /** Does its meter's record say that the register of the series begins again by itself between two times? */
  beginsAnew(series: number, from: EpochMs, to: EpochMs): boolean {
    const checks = this.#checked.get(series)?.checks;
    return checks !== undefined && beganAnew(checks, from, to);
  }

  /** From `at` on another instrument reports: its first reading need not follow from anything. */
  expectExchange(series: number, at: EpochMs): void {
    this.#exchanges.set(series, at);
  }

  /**
   * Would `judge` find each of these values good, one after the other, with nothing else to look at? Nothing is taken yet. They stand `step`
   * apart from `from` up to, not including, `to`.
   */
  isGoodRun(series: number, code: number, values: Float64Array, from: number, to: number, step: number): boolean {
    const kind = this.#kind[series];
    if (kind !== GAUGE && kind !== COUNTER) return false;
    if (this.#exchanges.size > 0 && this.#exchanges.has(series)) return false;
    const min = MIN[code] as number;
    const max = MAX[code] as number;
    const isCounter = kind === COUNTER;
    // NaN compares false: before the first reading everything follows.
    let last = isCounter ? (this.#last[series] as number) : Number.NEGATIVE_INFINITY;
    for (let at = from; at < to; at += step) {
      const value = values[at] as number;
      if (value < min || value > max || value < last) return false;
      if (isCounter) last = value;
    }
    return true;
  }

  /** Takes the last one of values that were found good, which stands at `at`. */
  takeGood(series: number, values: Float64Array, at: number): void {
    if (this.#kind[series] === COUNTER) this.#take(series, values[at] as number);
  }

  /** The quality of a reading that is newer than all before it in its series. */
  judge(series: number, code: number, ts: EpochMs, value: number): number {
    if (!isInRange(code, value)) return QUALITY.range;
    if (this.#exchanges.size > 0) this.#exchanged(series, ts);
    const kind = this.#kind[series];
    if (kind === GAUGE) return QUALITY.good;
    if (kind === COUNTER) {
      // NaN compares false: before the first reading everything follows.
      if (!(value < (this.#last[series] as number)) || this.#isMoved(series, ts, value)) {
        this.#take(series, value);
        return QUALITY.good;
      }
      this.#candidates.set(series, value);
      return QUALITY.backwards;
    }
    return this.#judgeChecked(series, ts, value, this.#checked.get(series) as Checked);
  }

  /** A counter fell: does this reading settle that it has another register? */
  #isMoved(series: number, ts: EpochMs, value: number): boolean {
    const candidate = this.#candidates.get(series);
    if (candidate === undefined || value <= candidate) return false;
    this.#tellMove(series, ts, candidate);
    return true;
  }

  #take(series: number, value: number): void {
    this.#last[series] = value;
    if (this.#candidates.size > 0) this.#candidates.delete(series);
  }

  #judgeChecked(series: number, ts: EpochMs, value: number, state: Checked): number {
    const last = this.#last[series] as number;
    if (!follows(state, last, state.lastTs, value, ts)) {
      const candidate = this.#candidates.get(series);
      const fell = state.isCounter && value < last;
      const isAtRest = state.isCounter && value === candidate;
      if (candidate === undefined || !follows(state, candidate, state.candidateTs, value, ts) || isAtRest) {
        this.#candidates.set(series, value);
        state.candidateTs = ts;
        return fell ? QUALITY.backwards : QUALITY.jump;
      }
      if (state.isCounter) this.#tellMove(series, ts, candidate);
    }
    this.#take(series, value);
    state.lastTs = ts;
    return this.#isStuck(state, ts, value) ? QUALITY.stuck : QUALITY.good;
  }

  #isStuck(state: Checked, ts: EpochMs, value: number): boolean {
    // A clock that was set back begins anew, too.
    if (value !== state.held || ts < state.heldSince) {
      state.held = value;
      state.heldSince = ts;
      return false;
    }
    const { stuckAfterSeconds, restsAt } = state.checks;
    return stuckAfterSeconds !== undefined && ts - state.heldSince > stuckAfterSeconds * 1000 && restsAt?.includes(value) !== true;
  }

  /** A reading was flagged for a jump, and the stored one after it goes on from it as it does not from the last good one: then it was the truth. */
  goesOnTo(series: number, ts: EpochMs, value: number, next: CounterPoint): boolean {
    const state = this.#checked.get(series);
    if (state === undefined || follows(state, this.#last[series] as number, state.lastTs, next.value, next.ts)) return false;
    if (!follows(state, value, ts, next.value, next.ts)) return false;
    if (state.isCounter) this.#tellMove(series, ts, value);
    this.#take(series, value);
    state.lastTs = ts;
    return true;
  }

  /** What a register of the series did that stood at `last` and then at `low`. */
  moveFrom(series: number, last: number, low: number): RegisterMove {
    return moveOf(last, low, this.#checked.get(series)?.checks.registerWidth);
  }

  #tellMove(series: number, ts: EpochMs, candidate: number): void {
    const last = this.#last[series] as number;
    // After a start under an unknown register nobody can say what it did.
    if (Number.isFinite(last)) this.#onMove(series, ts, this.moveFrom(series, last, candidate));
  }

  #exchanged(series: number, ts: EpochMs): void {
    if (!(ts >= (this.#exchanges.get(series) ?? Number.POSITIVE_INFINITY))) return;
    this.#exchanges.delete(series);
    this.beginAfter(series, null);
  }

  #begin(series: number, isCounter: boolean, { ts, value, quality }: LatestReadings): void {
    if (ts[series] === Number.NEGATIVE_INFINITY) return;
    const flag = quality[series] as number;
    // One that is stuck was good as a value.
    if (isUsable(flag) || flag === QUALITY.stuck) {
      this.#last[series] = value[series] as number;
      return;
    }
    const isCandidate = flag === QUALITY.backwards || flag === QUALITY.jump;
    this.#last[series] = this.#lastGood.get(series)?.value ?? (isCounter && isCandidate ? Number.POSITIVE_INFINITY : Number.NaN);
    if (isCandidate) this.#candidates.set(series, value[series] as number);
  }

  /** The newest reading of the series was corrected to a value that counts: the next one is judged by that. */
  corrected(series: number, value: number): void {
    if ((this.#kind[series] ?? 0) !== 0) this.#take(series, value);
  }

  #room(series: number): void {
    let capacity = this.#last.length;
    if (series < capacity) return;
    while (capacity <= series) capacity *= COLUMN_GROWTH;
    this.#last = grown(this.#last, new Float64Array(capacity));
    this.#kind = grown(this.#kind, new Uint8Array(capacity));
  }
}

/** Has a register that begins again each midnight done so between two readings, as far as its device knows what time it is? */
function beganAnew({ resetsDailyIn }: Checks, from: EpochMs, to: EpochMs): boolean {
  return resetsDailyIn !== undefined && periodOf(to + MIDNIGHT_MS, 'day', resetsDailyIn).from >= from - MIDNIGHT_MS;
}

/** What a register did that stood at `last` and then at `low`. */
function moveOf(last: number, low: number, width: number | undefined): RegisterMove {
  if (width !== undefined && last <= width && last >= width * (1 - NEAR) && low <= width * NEAR) return { kind: 'rollover', width };
  // What was used between an unknown last register and an unknown first one, nobody knows: nothing is made up.
  return low <= last * NEAR ? { kind: 'reset' } : { kind: 'exchange', closing: last, opening: low };
}

/** Could `value` come after `last`? Everything can after nothing. */
function follows({ isCounter, checks }: Checked, last: number, fromTs: EpochMs, value: number, ts: EpochMs): boolean {
  const from = isCounter && value < last && beganAnew(checks, fromTs, ts) ? 0 : last;
  if (isCounter && value < from) return false;
  const { jump } = checks;
  if (jump === undefined || !Number.isFinite(from)) return true;
  return Math.abs(value - from) <= jump.change * Math.max(1, (ts - fromTs) / (jump.perSeconds * 1000));
}
