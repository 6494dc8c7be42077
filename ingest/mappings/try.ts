import type { EpochMs } from '../../model/ids.ts';
import type { MappingBody, Tried } from '../../model/mapping.ts';
import { qualityName } from '../../model/quality.ts';
import { compileMapping } from './compile.ts';
import { readPayload } from './payload.ts';
import { type Failure, type FoundFrame, type Ran, runMapping } from './run.ts';
import { placesIn } from './topic-filter.ts';

/** Steps that are told, and characters of what was found in each. */
const MOST_STEPS = 200;
const LONGEST_FOUND = 400;

/**
 * Shows step by step what a mapping makes of a message, without keeping anything: enabled or not, whatever is registered.
 * Throws INPUT_INVALID for a mapping that cannot be compiled; what is wrong with the message stands in the answer.
 */
export async function tryMapping(body: MappingBody, topic: string, payload: Uint8Array, receivedAt: EpochMs, gateway: string | null = null): Promise<Tried> {
  const mapping = compileMapping(body);
  const steps: { at: string; where: string; found: string }[] = [];
  const note = (at: string, where: string, found: unknown): void => {
    if (steps.length < MOST_STEPS) steps.push({ at, where, found: preview(found) });
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
  return { outcome: outcomeOf(ran), steps, frames: ran.frames.map(shown), failures: ran.failures.map(told) };
}

function outcomeOf({ leftAlone, frames, failures, understood }: Ran): Tried['outcome'] {
  if (leftAlone) return 'left-alone';
  if (frames.length === 0 && !understood) return 'refused';
  return failures.length === 0 ? 'taken' : 'partly';
}

const shown = ({ where, meter, ts, backfill, values }: FoundFrame): Tried['frames'][number] => ({
  ...{ where, meter, backfill, ts: ts === null ? null : isoOf(ts) },
  values: values.map(({ quantity, value, unit, flag }) => ({ quantity, value, unit, flag: qualityName(flag) })),
});

const isoOf = (ts: EpochMs): string => (Math.abs(ts) <= 8.64e15 ? new Date(ts).toISOString() : String(ts));

const told = ({ where, at, expression, position, reason, found, expected }: Failure): Tried['failures'][number] => ({
  ...{ where, at, expression, position, reason, found, expected },
});

/** A value in few characters; what JSON cannot write is told by its kind. */
function preview(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value instanceof Uint8Array) return `${value.length} bytes ${Buffer.from(value.subarray(0, 100)).toString('hex')}`;
  let text: string;
  try {
    text = JSON.stringify(value, (_key, inner: unknown) => (inner instanceof Uint8Array ? `${inner.length} bytes` : inner)) ?? typeof value;
  } catch {
    // Nested deeper than can be written.
    text = 'a deeply nested value';
  }
  return text.length > LONGEST_FOUND ? `${text.slice(0, LONGEST_FOUND)}…` : text;
}
