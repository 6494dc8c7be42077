import type { EpochMs } from '../../model/ids.ts';
import type { MappingBody, Tried } from '../../model/mapping.ts';
import { isUsable, QUALITY, type QualityName, qualityName } from '../../model/quality.ts';
import { findQuantity } from '../../model/quantities.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import { isInRange } from '../quality.ts';
import { flaggedByTime, isAhead, isFarPast, type TimeBounds, timeFits, wrongTime } from '../time-fits.ts';
import { type CompiledMapping, compileMapping } from './compile.ts';
import { readPayload } from './payload.ts';
import { preview } from './preview.ts';
import { type Failure, type FoundFrame, type FoundValue, MOST_FAILURES, type Ran, runMapping } from './run.ts';
import { placesIn } from './topic-filter.ts';

/** Steps that are told, and characters of what was found in each. */
const MOST_STEPS = 200;
const LONGEST_FOUND = 400;

/** A failure as it is told: nothing is counted here. */
type Told = Tried['failures'][number];

/**
 * Shows step by step what a mapping makes of a message, without keeping anything: enabled or not, whatever is registered.
 * Throws INPUT_INVALID for a mapping that cannot be compiled; what is wrong with the message stands in the answer.
 *
 * @param bounds how far from now the service takes a reading, and takes its time for right
 */
export async function tryMapping(
  body: MappingBody,
  topic: string,
  payload: Uint8Array,
  receivedAt: EpochMs,
  gateway: string | null = null,
  bounds: TimeBounds = DEFAULT_LIMITS,
): Promise<Tried> {
  const mapping = compileMapping(body);
  const steps: { at: string; where: string; found: string }[] = [];
  const note = (at: string, where: string, found: unknown): void => {
    if (steps.length < MOST_STEPS) steps.push({ at, where, found: preview(found, LONGEST_FOUND) });
    else if (steps.length === MOST_STEPS) steps.push({ at: '…', where: '', found: 'further steps are not shown' });
  };
  const places = placesIn(mapping, topic);
  if (places === null) return { outcome: 'left-alone', steps, frames: [], failures: [] };
  if (places === undefined) {
    const failure = { at: 'topics', reason: 'wrong-topic', found: topic, expected: `a topic of ${body.topics.join(' or ')}` } as const;
    return { outcome: 'not-its-topic', steps, frames: [], failures: [{ where: '', expression: null, position: null, ...failure }] };
  }
  note('topic', '', places);
  const read = readPayload(payload, mapping.payload);
  if ('reason' in read) {
    const failure = { at: 'payload', reason: read.reason, found: read.found, expected: read.expected };
    return { outcome: 'refused', steps, frames: [], failures: [{ where: '', expression: null, position: null, ...failure }] };
  }
  note('payload', '', read.value);
  const ran = await runMapping(mapping, read.value, { topic: places, received: receivedAt, ...(gateway === null ? {} : { gateway }) }, note);
  const fits = ({ ts }: FoundFrame): boolean => ts === null || timeFits(ts, receivedAt, bounds.clockSkewMs);
  const frames = ran.frames.filter(fits);
  // A backlog of ten thousand items with the same mistake would bury everything else.
  const misdated = ran.frames.filter((frame) => !fits(frame)).slice(0, MOST_FAILURES);
  const failures = [...ran.failures.map(told), ...misdated.map((frame) => misdatedOf(frame, mapping.time, receivedAt, bounds.clockSkewMs))];
  return { outcome: outcomeOf(ran, frames, failures), steps, frames: frames.map((frame) => shown(frame, receivedAt, bounds)), failures };
}

/** The mapping found a time, and the service takes no reading at it: without this, a mapping that reads seconds as milliseconds looks right. */
function misdatedOf({ where, ts }: FoundFrame, time: CompiledMapping['time'], receivedAt: EpochMs, clockSkewMs: number): Told {
  const { reason, found, expected } = wrongTime(ts as EpochMs, receivedAt, clockSkewMs);
  const remedy = `${expected}; is "time.as" how the time is written?`;
  return { where, at: 'time', expression: time?.from.text ?? null, position: null, reason, found, expected: remedy };
}

function outcomeOf({ leftAlone, understood, leftOut }: Ran, frames: readonly FoundFrame[], failures: readonly Told[]): Tried['outcome'] {
  if (leftAlone) return 'left-alone';
  if (frames.length === 0 && !understood) return 'refused';
  if (failures.length > 0) return 'partly';
  return frames.length === 0 && leftOut?.isUnknown === true ? 'left-out' : 'taken';
}

function shown({ where, meter, ts, backfill, values }: FoundFrame, receivedAt: EpochMs, bounds: TimeBounds): Tried['frames'][number] {
  const time = { ts: ts ?? receivedAt, receivedAt, backfill };
  const flagged = values.map((found) => ({ ...{ quantity: found.quantity, value: found.value, unit: found.unit }, flag: flagOf(found, time, bounds) }));
  return { where, meter, backfill, ts: ts === null ? null : isoOf(ts), values: flagged };
}

interface FoundTime {
  readonly ts: EpochMs;
  readonly receivedAt: EpochMs;
  readonly backfill: boolean;
}

/** As the service flags it, as far as the value alone tells. Without a unit it is in that of the meter's record, so that nobody knows its range here. */
function flagOf({ quantity, value, unit, flag: said }: FoundValue, { ts, receivedAt, backfill }: FoundTime, bounds: TimeBounds): QualityName {
  const dated = !backfill && isFarPast(ts, receivedAt, bounds.farPastMs) ? QUALITY.clock : QUALITY.good;
  const flag = isAhead(ts, receivedAt, bounds.clockToleranceMs) ? QUALITY.clock : flaggedByTime(dated, said);
  const code = unit === null ? undefined : findQuantity(quantity)?.code;
  return qualityName(code !== undefined && isUsable(flag) && !isInRange(code, value) ? QUALITY.range : flag);
}

const isoOf = (ts: EpochMs): string => (Math.abs(ts) <= 8.64e15 ? new Date(ts).toISOString() : String(ts));

const told = ({ where, at, expression, position, reason, found, expected }: Failure): Told => ({
  ...{ where, at, expression, position, reason, found, expected },
});
