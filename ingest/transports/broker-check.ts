import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type IClientOptions, type IConnackPacket, type MqttClient } from 'mqtt';
import type { Logger } from 'pino';
import { GreenparkError } from '../../model/errors.ts';
import type { Done } from '../port.ts';
import { plainAddress } from './broker-address.ts';
import { CHECK_TOPICS, MOST_CHECK_MESSAGES } from './check-topics.ts';
import { type MqttClientOptions, MqttIngest } from './mqtt-client.ts';

export interface BrokerCheckOptions extends Pick<MqttClientOptions, 'url' | 'username' | 'password' | 'tls' | 'logger'> {
  readonly protocolVersion: 4 | 5;
  /** Messages to send, at most `MOST_CHECK_MESSAGES`. */
  readonly messages: number;
}

/** What a broker does for a subscriber that acknowledges after the commit. */
export interface BrokerFindings {
  readonly sent: number;
  /** It knew the session when the subscriber came back. */
  readonly sessionKept: boolean;
  /** For how long it keeps a session, in seconds, where it says that it is less than was asked for; else null. */
  readonly sessionSeconds: number | null;
  /** Messages that were there when the subscriber came back, of those that the publisher had its PUBACK for. */
  readonly kept: number;
  /** Which of them were not. */
  readonly gone: 'none' | 'oldest' | 'newest' | 'some';
  /** Messages that it hands over before the first is acknowledged. */
  readonly ahead: number;
  /** Largest packet that it takes, in bytes, where it says so; else null. */
  readonly maximumPacketBytes: number | null;
}

/** So long without a message, and none is to come; in milliseconds. */
const QUIET_MS = 500;
const CONNECT_WITHIN_MS = 10_000;
/** Messages under way of the publisher: EMQX ends, as it is shipped, the connection of one that has some thousand. */
const WINDOW = 100;
/** As long as a usual message: a broker may count bytes, or memory. */
const PAYLOAD_BYTES = 200;
const PATIENCE_MS = 60_000;
const ASKED_SESSION_SECONDS = 7 * 86_400;

/**
 * Tries what the service relies on, with the service's own subscriber under a name of its own: it subscribes, goes away while messages are
 * published, comes back, acknowledges nothing until all is quiet, and then everything. The session is given back in the end.
 *
 * @throws GreenparkError `BROKER_UNREACHABLE` where it does not let the check connect, subscribe or publish
 */
export async function checkBroker(options: BrokerCheckOptions): Promise<BrokerFindings> {
  const name = `greenpark-check-${randomBytes(6).toString('hex')}`;
  const topic = `${CHECK_TOPICS}/${name}`;
  const { sessionSeconds, maximumPacketBytes } = await introduce(options, name);
  try {
    const before = subscriber(options, name, topic, () => {});
    try {
      await before.online(CONNECT_WITHIN_MS);
    } finally {
      await before.stop(0);
    }
    await publishNumbers(options, topic);
    return { sent: options.messages, sessionSeconds, maximumPacketBytes, ...(await whatIsKept(options, name, topic)) };
  } finally {
    const { client } = await connected(options, { clientId: name, clean: true });
    await client.endAsync();
  }
}

/** What the broker says of itself to a session like the one that follows. */
async function introduce(options: BrokerCheckOptions, clientId: string): Promise<Pick<BrokerFindings, 'sessionSeconds' | 'maximumPacketBytes'>> {
  const properties = options.protocolVersion === 5 ? { properties: { sessionExpiryInterval: ASKED_SESSION_SECONDS } } : {};
  const { client, connack } = await connected(options, { clientId, clean: true, ...properties });
  await client.endAsync();
  const seconds = connack.properties?.sessionExpiryInterval ?? ASKED_SESSION_SECONDS;
  return { sessionSeconds: seconds < ASKED_SESSION_SECONDS ? seconds : null, maximumPacketBytes: connack.properties?.maximumPacketSize ?? null };
}

/** The service's own subscriber; `take` answers with what acknowledges the message. */
function subscriber(
  { url, username, password, tls, protocolVersion, logger }: BrokerCheckOptions,
  clientId: string,
  topic: string,
  take: (payload: string, done: Done) => void,
): MqttIngest {
  return new MqttIngest({
    ...{ url, username, password, ...(tls === undefined ? {} : { tls }), protocolVersion, logger: quietly(logger), clientId, topics: [topic] },
    ...{ receiveMaximum: MOST_CHECK_MESSAGES, sessionExpirySeconds: ASKED_SESSION_SECONDS, clock: Date.now },
    // As the service remembers its subscription, so that the subscriber notices where the session is gone.
    memory: { read: async () => [topic], write: async () => {} },
    pipeline: { full: false, onPressure: () => () => {}, accept: ({ payload }, done) => take(Buffer.from(payload).toString('latin1'), done) },
  });
}

/** What goes wrong is thrown; that the session is lost, and the rest, is in the findings. */
const quietly = (logger: Logger): Logger => logger.child({}, { level: 'silent' });

async function publishNumbers(options: BrokerCheckOptions, topic: string): Promise<void> {
  const { client: publisher } = await connected(options, { clean: true });
  try {
    const broken = new Promise<never>((_resolve, reject) => {
      publisher.once('close', () => reject(new Error('it ended the connection')));
    });
    // Always two windows under way: waiting for each by itself is 40 ms of Nagle's algorithm and delayed acknowledgement every time.
    let former: Promise<unknown> = Promise.resolve();
    for (let number = 0; number < options.messages; number += WINDOW) {
      const window = Promise.all(
        Array.from({ length: Math.min(WINDOW, options.messages - number) }, (_, at) =>
          publisher.publishAsync(topic, String(number + at).padEnd(PAYLOAD_BYTES), { qos: 1 }),
        ),
      );
      // Its failure is told when its turn comes, or that of the one before it was.
      window.catch(() => {});
      await Promise.race([former, broken]);
      former = window;
    }
    await Promise.race([former, broken]);
  } catch (error) {
    const who = options.username ?? '(none)';
    throw new GreenparkError(
      'BROKER_UNREACHABLE',
      `the broker does not let user ${who} publish below ${CHECK_TOPICS}/ (${(error as Error).message}); give the right for the check, in Mosquitto's list: topic readwrite ${CHECK_TOPICS}/#`,
      { cause: error },
    );
  } finally {
    publisher.removeAllListeners('close');
    await publisher.endAsync(true);
  }
}

async function whatIsKept(options: BrokerCheckOptions, name: string, topic: string): Promise<Pick<BrokerFindings, 'sessionKept' | 'kept' | 'gone' | 'ahead'>> {
  const numbers = new Set<number>();
  const held: Done[] = [];
  let isHolding = true;
  let lastAt = Date.now();
  const client = subscriber(options, name, topic, (payload, done) => {
    numbers.add(Number(payload));
    lastAt = Date.now();
    if (isHolding) held.push(done);
    else done();
  });
  const quiet = async () => {
    lastAt = Date.now();
    const deadline = lastAt + PATIENCE_MS;
    while (Date.now() - lastAt < QUIET_MS && Date.now() < deadline) await sleep(20);
  };
  try {
    await client.online(CONNECT_WITHIN_MS);
    await quiet();
    const ahead = held.length;
    isHolding = false;
    for (const done of held) done();
    await quiet();
    return { sessionKept: client.sessionsLost === 0, kept: numbers.size, gone: whichAreGone(numbers, options.messages), ahead };
  } finally {
    await client.stop(1000);
  }
}

function whichAreGone(there: ReadonlySet<number>, sent: number): BrokerFindings['gone'] {
  if (there.size === sent) return 'none';
  if (there.size === 0) return 'some';
  const first = Math.min(...there);
  const last = Math.max(...there);
  if (last - first + 1 !== there.size) return 'some';
  if (first === 0) return 'newest';
  return last === sent - 1 ? 'oldest' : 'some';
}

interface Opened {
  readonly client: MqttClient;
  readonly connack: IConnackPacket;
}

/** A plain connection that is not tried again. */
function connected({ url, username, password, tls, protocolVersion }: BrokerCheckOptions, more: IClientOptions): Promise<Opened> {
  const credentials = { ...(username === undefined ? {} : { username }), ...(password === undefined ? {} : { password }) };
  const client = connect(url, { ...tls, ...credentials, ...more, protocolVersion, reconnectPeriod: 0, connectTimeout: CONNECT_WITHIN_MS });
  return new Promise((resolve, reject) => {
    let fault: Error | null = null;
    client.on('error', (error) => {
      fault = error;
    });
    client.once('connect', (connack) => resolve({ client, connack }));
    client.once('close', () => {
      client.end(true);
      const code = (fault as { code?: unknown } | null)?.code;
      const hint = protocolVersion === 5 && (code === 1 || code === 132) ? '; it does not speak MQTT 5: set mqtt.protocolVersion to 4' : '';
      const why = fault === null ? 'it ended the connection' : fault.message || String(code);
      reject(new GreenparkError('BROKER_UNREACHABLE', `no connection to ${plainAddress(url)}: ${why}${hint}`, { cause: fault, retryable: true }));
    });
  });
}
