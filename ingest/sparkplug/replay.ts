import type { Decoded, TopicCodec } from '../codecs/decoded.ts';
import { NAMESPACE } from '../codecs/sparkplug/topics.ts';
import type { SparkplugSessions } from './sessions.ts';

/** For dead letters of Sparkplug that are tried again, by what the births known now say. It leaves no trace in the sessions. */
export function sparkplugReplay(sessions: SparkplugSessions): TopicCodec {
  return { decode: (message): Decoded | null => (message.topic.startsWith(`${NAMESPACE}/`) ? sessions.again(message) : null) };
}
