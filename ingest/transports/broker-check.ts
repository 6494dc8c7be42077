import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type ErrorWithReasonCode, type IClientOptions, type IConnackPacket, type MqttClient, ReasonCodes } from 'mqtt';
import type { Logger } from 'pino';
import { GreenparkError } from '../../model/errors.ts';
import type { Done } from '../port.ts';
import { inTime, orAborted } from '../retry.ts';
import { plainAddress } from './broker-address.ts';
import { endClient } from './broker-connection.ts';
import { CHECK_TOPICS, MOST_CHECK_MESSAGES } from './check-topics.ts';
import { type MqttClientOptions, MqttIngest } from './mqtt-client.ts';

export interface BrokerCheckOptions extends Pick<MqttClientOptions, 'url' | 'username' | 'password' | 'tls' | 'logger'> {
  readonly protocolVersion: 4 | 5;
  /** Messages to send, at most `MOST_CHECK_MESSAGES`. */
  readonly messages: number;
  /** Ends the check before its time; its session is given back all the same. */
  readonly signal: AbortSignal;
  /** How long the broker may take for each answer, in milliseconds. Default 10,000. */
  readonly answerWithinMs?: number;
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

/** So long without a message, from a broker that answers, and none is to come; in milliseconds. */
const QUIET_MS = 500;
const ANSWER_WITHIN_MS = 10_000;
/** Messages under way of the publisher: EMQX ends, as it is shipped, the connection of one that has some thousand. */
const WINDOW = 100;
/** As long as a usual message: a broker may count bytes, or memory. */
const PAYLOAD_BYTES = 200;
/** How long a broker may hand over messages until it is quiet, in milliseconds. */
const PATIENCE_MS = 60_000;
/** What the service asks for. */
const ASKED_SESSION_SECONDS = 7 * 86_400;
/** What the check itself needs: a process that is killed leaves its messages at the broker for no longer. */
const CHECK_SESSION_SECONDS = 3600;
/** Payload of the message that shows whether the user hears anything; all others are numbers. */
const ECHO = 'echo';
/** From here on a reason code of MQTT 5 is a refusal. */
const REFUSED = 128;
const NOT_AUTHORIZED = 135;

/**
 * Tries what the service relies on, with the service's own subscriber under a name of its own: it subscribes, goes away while messages are
 * published, comes back, acknowledges nothing until all is quiet, and then everything. The session is given back in the end.
 *
 * @throws GreenparkError `BROKER_UNREACHABLE` where it does not let the check connect, subscribe, listen or publish, or does not answer;
 * `CONFLICT` when `signal` was aborted
 */
export async function checkBroker(options: BrokerCheckOptions): Promise<BrokerFindings> {
  const name = `greenpark-check-${randomBytes(6).toString('hex')}`;
  let findings: BrokerFindings;
  try {
    findings = await tryAll(options, name);
  } catch (error) {
    // Why the check failed is what is to be told.
    await giveBack(options, name).catch(() => {});
    throw error;
  }
  await giveBack(options, name).catch((error: unknown) =>
    options.logger.warn({ err: error, session: name }, 'the check could not give back its session; MQTT 5 ends it within an hour'),
  );
  return findings;
}

async function tryAll(options: BrokerCheckOptions, name: string): Promise<BrokerFindings> {
  const topic = `${CHECK_TOPICS}/${name}`;
  const said = await introduce(options, name);
  await subscribe(options, name, topic);
  await publish(
    options,
    topic,
    Array.from({ length: options.messages }, (_, number) => String(number)),
  );
  return { sent: options.messages, ...said, ...(await whatIsKept(options, name, topic)) };
}

/** What the broker says of itself to a session like the service's, of which nothing is left. */
async function introduce(options: BrokerCheckOptions, clientId: string): Promise<Pick<BrokerFindings, 'sessionSeconds' | 'maximumPacketBytes'>> {
  const isFive = options.protocolVersion === 5;
  const properties = isFive ? { properties: { sessionExpiryInterval: ASKED_SESSION_SECONDS } } : {};
  const { client, connack } = await connected(options, { clientId, clean: true, ...properties });
  await endClient(client, isFive ? { properties: { sessionExpiryInterval: 0 } } : {});
  const seconds = connack.properties?.sessionExpiryInterval ?? ASKED_SESSION_SECONDS;
  return { sessionSeconds: seconds < ASKED_SESSION_SECONDS ? seconds : null, maximumPacketBytes: connack.properties?.maximumPacketSize ?? null };
}

/** A clean session of the same name takes the place of the one that was kept, with all that it holds. */
async function giveBack(options: BrokerCheckOptions, clientId: string): Promise<void> {
  const { client } = await connected({ ...options, signal: AbortSignal.timeout(answerWithin(options) / 2) }, { clientId, clean: true });
  await endClient(client);
}

/** Makes the session, and hears one message in it: Mosquitto grants subscriptions that its list lets nothing come of. */
async function subscribe(options: BrokerCheckOptions, name: string, topic: string): Promise<void> {
  const hearWithin = answerWithin(options) / 2;
  let hear = () => {};
  const isHeard = new Promise<void>((resolve) => {
    hear = resolve;
  });
  const before = subscriber(options, name, topic, (_payload, done) => {
    done();
    hear();
  });
  try {
    await unlessStopped(options, before.online(answerWithin(options)));
    await publish(options, topic, [ECHO]);
    await unlessStopped(options, inTime(isHeard, hearWithin, deafness(options))).catch(async (error: unknown) => {
      // One that does not answer any more has been told nothing of rights.
      await answers(options);
      throw error;
    });
  } finally {
    await before.stop(1000);
  }
}

function deafness({ username = '(none)', protocolVersion }: BrokerCheckOptions): GreenparkError {
  const what =
    protocolVersion === 5
      ? `user ${username} may publish below ${CHECK_TOPICS}/ but hears nothing there; give it the right to read`
      : // MQTT 3.1.1 has no answer that refuses a message.
        `nothing comes back of what user ${username} publishes below ${CHECK_TOPICS}/: it lacks the right to read or to write, or ${PAYLOAD_BYTES} bytes are too many; give it both rights`;
  return new GreenparkError('BROKER_UNREACHABLE', `${what}, in Mosquitto's list: topic readwrite ${CHECK_TOPICS}/#`);
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
    ...{ receiveMaximum: MOST_CHECK_MESSAGES, sessionExpirySeconds: CHECK_SESSION_SECONDS, clock: Date.now },
    // As the service remembers its subscription, so that the subscriber notices where the session is gone.
    memory: { read: async () => [topic], write: async () => {} },
    pipeline: { full: false, onPressure: () => () => {}, accept: ({ payload }, done) => take(Buffer.from(payload).toString('latin1'), done) },
  });
}

/** What goes wrong is thrown; that the session is lost, and the rest, is in the findings. */
const quietly = (logger: Logger): Logger => logger.child({}, { level: 'silent' });

/** Resolves when the broker has acknowledged all of them. */
async function publish(options: BrokerCheckOptions, topic: string, payloads: readonly string[]): Promise<void> {
  const { client: publisher } = await connected(options, { clean: true });
  const end: PublisherEnd = { isSeen: false, reasonCode: undefined };
  publisher.once('disconnect', ({ reasonCode }) => {
    end.reasonCode = reasonCode;
  });
  const broken = new Promise<never>((_resolve, reject) => {
    publisher.once('close', () => {
      end.isSeen = true;
      reject(new Error('it ended the connection'));
    });
    // The socket's own errors, which have a name for a code, end it as well.
    publisher.on('error', (error) => {
      if (typeof (error as { code?: unknown }).code !== 'string') reject(error);
    });
  });
  const acknowledged = (window: Promise<unknown>) =>
    unlessStopped(options, inTime(Promise.race([window, broken]), answerWithin(options), new GreenparkError('BROKER_UNREACHABLE', unanswered(options))));
  try {
    // Always two windows under way: waiting for each by itself is 40 ms of Nagle's algorithm and delayed acknowledgement every time.
    let former: Promise<unknown> = Promise.resolve();
    for (let at = 0; at < payloads.length; at += WINDOW) {
      const window = Promise.all(payloads.slice(at, at + WINDOW).map((payload) => publisher.publishAsync(topic, payload.padEnd(PAYLOAD_BYTES), { qos: 1 })));
      // Its failure is told when its turn comes, or that of the one before it was.
      window.catch(() => {});
      await acknowledged(former);
      former = window;
    }
    await acknowledged(former);
  } catch (error) {
    if (error instanceof GreenparkError) throw error;
    throw new GreenparkError('BROKER_UNREACHABLE', refusal(options, error as Error, end), { cause: error });
  } finally {
    await publisher.endAsync(true);
  }
}

/** How the broker ended the publisher's connection, if it did. */
interface PublisherEnd {
  isSeen: boolean;
  /** Of MQTT 5, where it gave one. */
  reasonCode: number | undefined;
}

/** Why a message was not taken: the answer to it says so, or the connection ended, which may mean several things. */
function refusal({ username = '(none)' }: BrokerCheckOptions, error: Error | ErrorWithReasonCode, end: PublisherEnd): string {
  const right = `in Mosquitto's list: topic readwrite ${CHECK_TOPICS}/#`;
  const message = `message of ${PAYLOAD_BYTES} bytes below ${CHECK_TOPICS}/`;
  const code = 'code' in error && typeof error.code === 'number' ? error.code : 0;
  if (code === NOT_AUTHORIZED) {
    return `the broker does not let user ${username} publish below ${CHECK_TOPICS}/ (${reason(code)}); give the right for the check, ${right}`;
  }
  if (code >= REFUSED) return `the broker refuses user ${username} a ${message}: ${reason(code)}`;
  const maybe = `a limit on size or memory may be why, or a right that user ${username} lacks (${right})`;
  // Mosquitto 2.0 refuses what is beyond message_size_limit with a code that MQTT does not have there.
  if (!end.isSeen) return `the broker's answer to a ${message} is none of MQTT's (${error.message}); ${maybe}`;
  const why = end.reasonCode === undefined ? '' : `: ${reason(end.reasonCode)}`;
  return `the broker ended the connection of the publisher (${message})${why}; ${maybe}`;
}

const reason = (code: number): string => `${(ReasonCodes as Readonly<Record<number, string>>)[code] ?? 'no reason known'}, reason code ${code}`;

async function whatIsKept(options: BrokerCheckOptions, name: string, topic: string): Promise<Pick<BrokerFindings, 'sessionKept' | 'kept' | 'gone' | 'ahead'>> {
  const numbers = new Set<number>();
  const held: Done[] = [];
  let isHolding = true;
  let taken = 0;
  let connection = 0;
  // Of this connection alone: after a break the broker hands over the same messages again.
  let handed = new Set<number>();
  let ahead = 0;
  const client = subscriber(options, name, topic, (payload, done) => {
    taken++;
    const number = Number(payload);
    if (Number.isInteger(number)) numbers.add(number);
    if (!isHolding || !Number.isInteger(number)) return done();
    if (connection !== client.connects) handed = new Set();
    connection = client.connects;
    handed.add(number);
    ahead = Math.max(ahead, handed.size);
    held.push(done);
  });
  const quiet = async () => {
    const deadline = Date.now() + PATIENCE_MS;
    let before: number;
    do {
      if (Date.now() > deadline) {
        throw new GreenparkError('BROKER_UNREACHABLE', `the broker still hands over messages after ${PATIENCE_MS / 1000} s; check with fewer (--messages)`);
      }
      await unlessStopped(options, client.online(answerWithin(options)));
      before = taken;
      await unlessStopped(options, sleep(QUIET_MS));
      // One that is frozen is quiet as well.
      if (taken === before) await answers(options);
    } while (taken !== before || client.state.state !== 'online');
  };
  try {
    await quiet();
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

const answerWithin = ({ answerWithinMs = ANSWER_WITHIN_MS }: BrokerCheckOptions): number => answerWithinMs;

const unanswered = (options: BrokerCheckOptions): string => `${plainAddress(options.url)} has not answered for ${answerWithin(options)} ms`;

const unlessStopped = <T>({ signal }: BrokerCheckOptions, work: Promise<T>): Promise<T> =>
  orAborted(work, signal, () => new GreenparkError('CONFLICT', 'stopped before the check was done'));

/** Rejects where the broker does not let anybody connect. */
async function answers(options: BrokerCheckOptions): Promise<void> {
  const { client } = await connected(options, { clean: true });
  await endClient(client);
}

interface Opened {
  readonly client: MqttClient;
  readonly connack: IConnackPacket;
}

/** A plain connection that is not tried again. */
async function connected(options: BrokerCheckOptions, more: IClientOptions): Promise<Opened> {
  const { url, username, password, tls, protocolVersion } = options;
  const credentials = { ...(username === undefined ? {} : { username }), ...(password === undefined ? {} : { password }) };
  const client = connect(url, { ...tls, ...credentials, ...more, protocolVersion, reconnectPeriod: 0, connectTimeout: answerWithin(options) });
  const opened = new Promise<Opened>((resolve, reject) => {
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
  try {
    return await unlessStopped(options, opened);
  } catch (error) {
    client.end(true);
    throw error;
  }
}
