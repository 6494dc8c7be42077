import { randomUUID } from 'node:crypto';
import { GreenparkError } from '../../model/errors.ts';
import type { EpochMs } from '../../model/ids.ts';
import type { Decoded, DecodedFrame, DecodedRefusal, TopicCodec } from '../codecs/decoded.ts';
import { decodeReading } from '../codecs/native.ts';
import type { DecodedIntake, IngestMessage, MessageOutcome } from '../port.ts';
import type { StageTimes } from '../stage-times.ts';
import { nameOf, quote } from '../wording.ts';

/** Stands for the topic in dead letters of what was pushed over HTTP. */
export const PUSH_TOPIC = 'POST /api/v1/readings';
const TRANSPORT = 'http';
const EXPECTED = 'expected {"meter": id, "ts": milliseconds, "values": {quantity: number}}';

type Json = Readonly<Record<string, unknown>>;
/** Stands in JSON for a number that is too large for it, until the number is written there. */
const TOO_LARGE = `too large ${randomUUID()}`;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** One item of a push: the native form with its meter named; without `ts` it is of the time of arrival. */
export function decodePushed(item: unknown): Decoded {
  if (!isObject(item)) return refused('wrong-shape', `found ${nameOf(item)}; ${EXPECTED}`);
  const { meter, ...reading } = item;
  if (typeof meter !== 'string' || meter === '') return refused('wrong-shape', `"meter" is ${meter === undefined ? 'missing' : nameOf(meter)}; ${EXPECTED}`);
  const frames: DecodedFrame[] = [];
  const refusals: DecodedRefusal[] = [];
  const timeless = reading['ts'] === undefined && isObject(reading['values']) && Object.keys(reading['values']).length > 0;
  if (timeless) {
    for (const key of Object.keys(reading)) {
      if (key === 'values') continue;
      refusals.push({ reason: 'unknown-key', detail: `key ${quote(key)} beside "meter" and "values"; quantities belong into "values"`, count: 1 });
    }
    frames.push({ meter, ts: null, values: reading['values'] as Json, where: '' });
  } else {
    decodeReading(reading, {
      frame: (ts, values, _, backfill) => frames.push({ meter, ts, values, backfill, where: '' }),
      refuse: (reason, detail, count = 1) => refusals.push({ reason, detail, count }),
    });
  }
  return { frames, refusals, statuses: [] };
}

/** An item as JSON. A number that was too large to be read, which JSON.stringify takes for null, is one again: 1e999. */
function written(item: unknown): string {
  const text = JSON.stringify(item);
  if (!text.includes('null')) return text;
  const marked = JSON.stringify(item, (_, value: unknown) =>
    value === Number.POSITIVE_INFINITY ? TOO_LARGE : value === Number.NEGATIVE_INFINITY ? `-${TOO_LARGE}` : value,
  );
  return marked.replaceAll(`"${TOO_LARGE}"`, '1e999').replaceAll(`"-${TOO_LARGE}"`, '-1e999');
}

/** For dead letters of pushed items that are tried again. */
export const pushedLetters: TopicCodec = {
  decode: ({ topic, payload }) => (topic === PUSH_TOPIC ? decodePushed(JSON.parse(Buffer.from(payload).toString())) : null),
};

/**
 * Hands every item to the pipeline as a message of its own and resolves with one outcome per item when all are durable.
 * Rejects STORE_UNREACHABLE while the pipeline is full (nothing was taken) and STORE_CLOSED when it stops; sending the same again is safe.
 */
export async function pushReadings(
  pipeline: DecodedIntake,
  items: readonly unknown[],
  gateway: string | null,
  receivedAt: EpochMs,
  stages?: StageTimes,
): Promise<readonly MessageOutcome[]> {
  if (pipeline.full) throw new GreenparkError('STORE_UNREACHABLE', 'too much is not committed yet; send the same again later', { retryable: true });
  return Promise.all(
    items.map((item) => {
      const payload = Buffer.from(written(item));
      const message: IngestMessage = { topic: PUSH_TOPIC, payload, gateway, transport: TRANSPORT, receivedAt };
      stages?.begin();
      const decoded = decodePushed(item);
      stages?.lap('decode');
      return outcomeOf(pipeline, message, decoded);
    }),
  );
}

/** The end of one message as a promise. */
export const outcomeOf = (pipeline: DecodedIntake, message: IngestMessage, decoded: Decoded): Promise<MessageOutcome> =>
  new Promise((resolve, reject) => {
    pipeline.acceptDecoded(message, decoded, (error, outcome) => (error === undefined ? resolve(outcome) : reject(error)));
  });

const refused = (reason: DecodedRefusal['reason'], detail: string): Decoded => ({ frames: [], statuses: [], refusals: [{ reason, detail, count: 1 }] });
