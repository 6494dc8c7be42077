import type { Clock } from '../model/clock.ts';
import { wholeLetters } from '../store/registry/letter-payloads.ts';
import type { DeadLetter, DeadLetterRecords, TriedLetter } from '../store/registry/port.ts';
import type { TopicCodec } from './codecs/decoded.ts';
import { decodeAgain, originalOf } from './letter-decoding.ts';
import type { DecodedIntake, MessageOutcome } from './port.ts';
import { outcomeOf } from './transports/http-push.ts';

export interface LetterReplayParts {
  readonly pipeline: DecodedIntake;
  readonly letters: Pick<DeadLetterRecords, 'list' | 'payloads' | 'tried'>;
  /** Asked in turn for topics outside the native contract, as the pipeline asks its own. They must leave no trace in any session. */
  readonly codecs: readonly TopicCodec[];
  readonly clock: Clock;
}

/** What became of letters that were tried again. One message may have made several letters: it is tried once for all of them. */
export interface ReplayReport {
  /** Letters asked for. */
  readonly letters: number;
  readonly messages: number;
  /** Messages in which nothing was refused any more, repeats of what was stored already included. */
  readonly accepted: number;
  readonly partly: number;
  readonly refused: number;
  /** Messages of which nothing would be kept, as a mapping leaves out all that is in them. Their letters stay as they are. */
  readonly leftOut: number;
  /** Letters that cannot be tried: their payload was cut when it was kept, or is not the message that came. They stay as they are. */
  readonly cut: number;
  readonly notOriginal: number;
  /** Letters that had been replayed before. */
  readonly already: number;
  /** Messages that ingest could not take (it is full for too long, or stopping). Their letters stay as they are. */
  readonly failed: number;
}

/** Messages under way at once, and their bytes. */
const AT_ONCE = 200;
const BYTES_AT_ONCE = 16 << 20;
/** Longest wait for room in the pipeline, in ms. */
const LONGEST_WAIT_MS = 10_000;

/** Takes dead letters through the pipeline again, each with its first time of arrival, topic, gateway and transport. */
export class LetterReplay {
  readonly #parts: LetterReplayParts;

  constructor(parts: LetterReplayParts) {
    this.#parts = parts;
  }

  async replay(letters: readonly DeadLetter[]): Promise<ReplayReport> {
    const { pipeline } = this.#parts;
    const count = { accepted: 0, partly: 0, refused: 0, leftOut: 0, cut: 0, notOriginal: 0, already: 0, failed: 0 };
    const messages = new Map<number, DeadLetter[]>();
    for (const letter of letters) {
      if (letter.replayedAt !== null) count.already++;
      else if (letter.transport === 'store') count.notOriginal++;
      else if (letter.keptLength < letter.payloadLength) count.cut++;
      else messages.set(letter.message, [...(messages.get(letter.message) ?? []), letter]);
    }
    const inOrder = [...messages.values()].map((chosen) => chosen as [DeadLetter, ...DeadLetter[]]);
    inOrder.sort(([a], [b]) => a.receivedAt - b.receivedAt || a.id - b.id);
    for (let from = 0; from < inOrder.length; ) {
      if (!(await roomIn(pipeline))) {
        count.failed += inOrder.length - from;
        break;
      }
      const some = inOrder.slice(from, from + howMany(inOrder, from));
      from += some.length;
      const chosenOf = new Map(some.map((chosen) => [chosen[0].message, chosen]));
      const under: Promise<readonly TriedLetter[] | null>[] = [];
      const firsts = some.map(([first]) => first);
      for await (const first of wholeLetters(this.#parts.letters, firsts)) {
        const group = await this.#whole(chosenOf.get(first.message) ?? [first]);
        // Letters of earlier versions have it in their reason alone.
        const retained = group.some(({ isRetained, reason }) => isRetained || reason === 'retained-without-time');
        const message = { ...originalOf(first), retained, replayed: true };
        const decoded = await decodeAgain(message, this.#parts.codecs);
        const told = outcomeOf(pipeline, { ...message, gateway: message.gateway ?? decoded.vouchedBy ?? null }, decoded).then(
          (outcome) => {
            if (outcome.isLeftOut === true) {
              count.leftOut++;
              return null;
            }
            count[outcome.refusals.length === 0 ? 'accepted' : outcome.outcome === 'refused' ? 'refused' : 'partly']++;
            return triedBy(group, outcome);
          },
          () => {
            count.failed++;
            return null;
          },
        );
        under.push(told);
      }
      const tried = (await Promise.all(under)).flatMap((one) => one ?? []);
      if (tried.length > 0) await this.#parts.letters.tried(tried, this.#parts.clock());
    }
    return { letters: letters.length, messages: messages.size, ...count };
  }

  /** The letters with all others that the same message made. */
  async #whole(chosen: readonly DeadLetter[]): Promise<readonly DeadLetter[]> {
    const [{ receivedAt, topic, message }] = chosen as readonly [DeadLetter];
    const filter = { parks: 'all', from: receivedAt, to: receivedAt + 1, topicPrefix: topic, waiting: true } as const;
    const near = await this.#parts.letters.list(filter, { limit: 1000, after: null, order: 'oldest' });
    const ids = new Set(chosen.map(({ id }) => id));
    return [...chosen, ...near.filter((letter) => !ids.has(letter.id) && letter.message === message)];
  }
}

/** Messages from this one on that may be under way together, by number and by bytes; one at least. */
function howMany(messages: readonly (readonly [DeadLetter, ...DeadLetter[]])[], from: number): number {
  let [count, bytes] = [0, 0];
  for (const [{ keptLength }] of messages.slice(from, from + AT_ONCE)) {
    bytes += keptLength;
    if (count > 0 && bytes > BYTES_AT_ONCE) break;
    count++;
  }
  return count;
}

/**
 * Every refusal of this time stands in a letter of the message, and no new letter is made: one with the same reason keeps it, a letter
 * whose own reason is gone takes over a new one, and what is left over stands in the first one's detail.
 */
export function triedBy(letters: readonly DeadLetter[], { refusals }: MessageOutcome): TriedLetter[] {
  const left = new Map(refusals.map(({ reason, detail }) => [reason as string, detail]));
  const kept = new Map<number, { reason: string; detail: string }>();
  for (const { id, reason } of letters) {
    const detail = left.get(reason);
    if (detail === undefined) continue;
    kept.set(id, { reason, detail });
    left.delete(reason);
  }
  for (const { id } of letters) {
    const [next] = left;
    if (next === undefined) break;
    if (kept.has(id)) continue;
    kept.set(id, { reason: next[0], detail: next[1] });
    left.delete(next[0]);
  }
  const [first] = kept.values();
  if (first !== undefined) for (const [reason, detail] of left) first.detail += `; ${reason}: ${detail}`;
  return letters.map(({ id }) => ({ id, refusal: kept.get(id) ?? null }));
}

function roomIn(pipeline: Pick<DecodedIntake, 'full' | 'onPressure'>): Promise<boolean> {
  if (!pipeline.full) return Promise.resolve(true);
  return new Promise((resolve) => {
    const end = (room: boolean) => {
      clearTimeout(timer);
      forget();
      resolve(room);
    };
    const timer = setTimeout(() => end(false), LONGEST_WAIT_MS);
    const forget = pipeline.onPressure((full) => {
      if (!full) end(true);
    });
  });
}
