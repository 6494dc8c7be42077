import { destination, pino } from 'pino';
import { readConfig } from '../config.ts';
import { plainAddress } from '../ingest/transports/broker-address.ts';
import { type BrokerFindings, checkBroker } from '../ingest/transports/broker-check.ts';
import { readTls } from '../ingest/transports/tls-files.ts';
import { GreenparkError } from '../model/errors.ts';
import { onInterrupt } from './interrupt.ts';

export interface CheckOptions {
  readonly messages: number;
  readonly json?: boolean;
}

/** Exit code 1 where something is to be set. */
export async function runCheck({ messages: count, json }: CheckOptions): Promise<void> {
  const { mqtt, logLevel } = readConfig(process.env);
  if (mqtt.url === undefined) {
    throw new GreenparkError('INPUT_INVALID', 'GREENPARK_MQTT_URL is not set: the service brings a broker of its own, which needs no check');
  }
  const logger = pino({ level: logLevel === 'info' ? 'warn' : logLevel, base: null }, destination({ dest: 2, sync: false }));
  const { url, username, password, protocolVersion } = mqtt;
  const tls = readTls(mqtt.tls, 'mqtt.tls', Date.now(), logger);
  const stop = onInterrupt();
  const findings = await checkBroker({ url, username, password, tls, protocolVersion, logger, messages: count, signal: stop.signal }).finally(stop.end);
  const verdicts = verdictsOn(findings);
  if (json === true) console.log(JSON.stringify({ ...findings, faults: verdicts.filter(({ advice }) => advice !== null).map(({ about }) => about) }));
  else {
    console.log(`${plainAddress(url)}, MQTT ${protocolVersion === 5 ? '5' : '3.1.1'}, user ${username ?? '(none)'}`);
    for (const { about, found, advice } of verdicts) {
      console.log(`${advice === null ? 'good' : 'BAD '}  ${about.padEnd(8)}  ${found}`);
      if (advice !== null) console.log(`                ${advice}`);
    }
  }
  if (verdicts.some(({ advice }) => advice !== null)) process.exitCode = 1;
}

export interface Verdict {
  readonly about: 'session' | 'queue' | 'window';
  readonly found: string;
  /** What to set, and where; null where nothing needs to be. */
  readonly advice: string | null;
}

/** A commit takes some 10 ms, and a broker hands over no more than its window for each: with this many it is no limit any longer. */
const ENOUGH_AHEAD = 2000;

export function verdictsOn({ sent, sessionKept, sessionSeconds, kept, gone, ahead, maximumPacketBytes }: BrokerFindings): readonly Verdict[] {
  const packets = maximumPacketBytes === null ? '' : `; gateways may send packets of ${number(maximumPacketBytes)} bytes`;
  const session: Verdict = !sessionKept
    ? {
        about: 'session',
        found: 'the broker did not know the session any more when the service came back',
        advice: 'EMQX ends sessions that hold much: force_shutdown.enable = false. Any: let it keep persistent sessions',
      }
    : sessionSeconds !== null
      ? {
          about: 'session',
          found: `kept for ${number(sessionSeconds)} s, where a week was asked for: what comes while the service is away for longer is lost`,
          advice: 'raise the longest session expiry that the broker grants',
        }
      : { about: 'session', found: `kept while the service is away${packets}`, advice: null };
  const queue: Verdict =
    gone === 'none'
      ? { about: 'queue', found: `all of ${number(sent)} messages were there when the service came back; whether more would be is not known`, advice: null }
      : {
          about: 'queue',
          found: `${number(kept)} of ${number(sent)} messages were there when the service came back; ${GONE[gone]} are lost, though their senders have a PUBACK`,
          advice: 'Mosquitto: max_queued_messages 2147483647, max_queued_bytes 0. EMQX: mqtt.max_mqueue_len = infinity',
        };
  const window: Verdict =
    ahead === kept || ahead >= ENOUGH_AHEAD
      ? { about: 'window', found: `${number(ahead)} messages handed over before the first is acknowledged`, advice: null }
      : {
          about: 'window',
          found: `no more than ${number(ahead)} messages handed over before the first is acknowledged: the service can take no more with each commit`,
          advice: 'Mosquitto: max_inflight_messages 0. EMQX: mqtt.max_inflight = 65535. Any: MQTT 5',
        };
  return kept === 0 ? [session, queue] : [session, queue, window];
}

const GONE: Readonly<Record<Exclude<BrokerFindings['gone'], 'none'>, string>> = { oldest: 'the oldest', newest: 'the newest', some: 'the others' };

const number = (value: number): string => value.toLocaleString('en');
