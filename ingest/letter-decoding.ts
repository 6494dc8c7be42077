import type { ParkId } from '../model/ids.ts';
import type { WholeDeadLetter } from '../store/registry/port.ts';
import type { Decoded, DecodedFrame, DecodedRefusal, TopicCodec } from './codecs/decoded.ts';
import { decodeNative } from './codecs/native.ts';
import type { IngestMessage } from './port.ts';
import { parseTopic } from './topics.ts';

/** The message of a letter whose payload was not cut. */
export const originalOf = ({ topic, payload, gateway, transport, receivedAt }: WholeDeadLetter): IngestMessage => ({
  ...{ topic, payload, gateway, transport, receivedAt },
  // All of an import is history that comes late on purpose.
  ...(transport === 'import' ? { history: true } : {}),
});

/**
 * What the message of a letter holds by the codecs of now, asked in turn for topics outside the native contract. They must leave no trace in any
 * session. Never rejects: a codec that fails is told as a refusal.
 */
export async function decodeAgain(message: IngestMessage, codecs: readonly TopicCodec[]): Promise<Decoded> {
  try {
    if (message.topic.startsWith('parks/')) return nativeLetter(message);
    for (const codec of codecs) {
      const decoded = await codec.decode(message);
      if (decoded !== null) return decoded;
    }
    return refusedWith({ reason: 'wrong-topic', detail: `nothing takes the topic "${message.topic}" now`, count: 1 });
  } catch (error) {
    return refusedWith({ reason: 'internal-error', detail: error instanceof Error ? error.message : String(error), count: 1 });
  }
}

const refusedWith = (refusal: DecodedRefusal): Decoded => ({ frames: [], statuses: [], refusals: [refusal] });

/** The native form, decoded beside the pipeline so that its outcome can be told. */
function nativeLetter({ topic, payload, retained = false }: IngestMessage): Decoded {
  const parsed = parseTopic(topic);
  if (typeof parsed === 'string') return refusedWith({ reason: 'wrong-topic', detail: parsed, count: 1 });
  // A status is of its moment: what was said then is not told again.
  if (parsed.leaf === 'status') return { frames: [], statuses: [], refusals: [], understood: true };
  const frames: DecodedFrame[] = [];
  const refusals: DecodedRefusal[] = [];
  decodeNative(payload, retained, {
    frame: (ts, values, index, backfill) => frames.push({ meter: parsed.meter, ts, values, backfill, where: index < 0 ? '' : `[${index}]` }),
    refuse: (reason, detail, count = 1) => refusals.push({ reason, detail, count }),
  });
  return { frames, refusals, statuses: [], park: parsed.park as ParkId };
}
