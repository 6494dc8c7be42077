import { expect } from 'chai';
import type { IConnectPacket, IDisconnectPacket } from 'mqtt-packet';
import { checkBroker } from '../../../ingest/transports/broker-check.ts';
import { quiet } from '../harness.ts';
import { type Conversation, FakeBroker, type Line } from './fake-broker.ts';

const WEEK = 7 * 86_400;
const HOUR = 3600;
const QUOTA_EXCEEDED = 151;

/** Refuses every message, and remembers for how long it was asked to keep which session. */
class RefusingBroker extends FakeBroker {
  readonly asked: string[] = [];

  constructor() {
    super((line) => this.#converse(line));
  }

  #converse({ answer }: Line): Conversation {
    let isOfCheck = false;
    const note = ({ cmd, properties }: IConnectPacket | IDisconnectPacket) => {
      if (isOfCheck) this.asked.push(`${cmd} ${properties?.sessionExpiryInterval ?? '-'}`);
    };
    return {
      heard: (packet) => {
        if (packet.cmd === 'connect') {
          isOfCheck = packet.clientId.startsWith('greenpark-check-');
          note(packet);
          answer({ cmd: 'connack', reasonCode: 0, sessionPresent: false });
        } else if (packet.cmd === 'subscribe') answer({ cmd: 'suback', messageId: packet.messageId as number, granted: [1] });
        else if (packet.cmd === 'publish') answer({ cmd: 'puback', messageId: packet.messageId as number, reasonCode: QUOTA_EXCEEDED });
        else if (packet.cmd === 'disconnect') note(packet);
      },
    };
  }
}

describe('the check of a broker', () => {
  let broker: RefusingBroker;

  beforeEach(() => {
    broker = new RefusingBroker();
  });

  afterEach(() => broker.close());

  async function failure(): Promise<string> {
    const url = await broker.listen();
    const check = checkBroker({ url, protocolVersion: 5, messages: 10, logger: quiet, signal: new AbortController().signal, answerWithinMs: 1000 });
    return check.then(
      () => 'none',
      (error: Error) => error.message,
    );
  }

  it('gives the reason of a broker that refuses a message, and does not take a quota for a right', async () => {
    expect(await failure()).to.equal('the broker refuses user (none) a message of 200 bytes below greenpark/check/: Quota exceeded, reason code 151');
  });

  it('asks for the session of the service and gives that back, and has its own kept for an hour at most', async () => {
    await failure();
    expect(broker.asked).to.deep.equal([
      ...[`connect ${WEEK}`, 'disconnect 0'],
      // The subscriber, whose session stays while it is away.
      ...[`connect ${HOUR}`, 'disconnect -'],
      // A clean one in its place.
      ...['connect -', 'disconnect -'],
    ]);
  });
});
