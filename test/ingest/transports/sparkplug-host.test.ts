import { expect } from 'chai';
import type { DecodedIntake } from '../../../ingest/port.ts';
import { SparkplugHost } from '../../../ingest/transports/sparkplug-host.ts';
import { NOW, quiet, until } from '../harness.ts';
import { type Conversation, FakeBroker, type Line } from './fake-broker.ts';

interface Said {
  readonly online: boolean;
  readonly timestamp: number;
}

const STATE = 'spBv1.0/STATE/greenpark';

/** When the broker brings what it keeps: milliseconds after the SUBACK, or after the first word of the host. */
type Lateness = number | 'after its word';

/**
 * A broker for one host that keeps its STATE and brings it some time after the SUBACK, or never, as EMQX may: a real one brings it when it
 * likes, and this is about when.
 */
class LateBroker extends FakeBroker {
  /** Every word on the STATE, wills among them. */
  readonly said: Said[] = [];
  /** Connections that end in place of a SUBACK, without a will, as those of a broker that is killed. */
  crashes = 0;
  #kept: string | null;
  readonly #late: Lateness;

  constructor(kept: Said | null, late: Lateness) {
    super((line) => this.#converse(line));
    this.#kept = kept === null ? null : JSON.stringify(kept);
    this.#late = late;
  }

  #converse({ answer, cut }: Line): Conversation {
    let will: string | null = null;
    let bring = () => {};
    return {
      heard: (packet) => {
        if (packet.cmd === 'connect') {
          will = String(packet.will?.payload);
          answer({ cmd: 'connack', reasonCode: 0, sessionPresent: false });
        } else if (packet.cmd === 'disconnect') will = null;
        else if (packet.cmd === 'pingreq') answer({ cmd: 'pingresp' });
        else if (packet.cmd === 'subscribe' && this.crashes > 0) {
          this.crashes--;
          will = null;
          cut();
        } else if (packet.cmd === 'subscribe') {
          answer({ cmd: 'suback', messageId: packet.messageId as number, granted: [1] });
          const kept = this.#kept;
          if (kept === null) return;
          bring = () => answer({ cmd: 'publish', topic: STATE, payload: Buffer.from(kept), qos: 1, messageId: 7, retain: true, dup: false });
          if (this.#late !== 'after its word') setTimeout(bring, this.#late);
        } else if (packet.cmd === 'publish') {
          answer({ cmd: 'puback', messageId: packet.messageId as number });
          if (packet.topic !== STATE) return;
          this.#keep(String(packet.payload));
          if (this.#late === 'after its word' && this.said.length === 1) bring();
        }
      },
      ended: () => {
        if (will !== null) this.#keep(will);
      },
    };
  }

  #keep(state: string): void {
    this.#kept = state;
    this.said.push(JSON.parse(state));
  }
}

describe('the Sparkplug host of a broker that brings what it keeps after its SUBACK', () => {
  const ended: (() => unknown)[] = [];

  afterEach(async () => {
    for (const end of ended.splice(0).reverse()) await end();
  });

  async function host(broker: LateBroker, keptStateMs: number): Promise<SparkplugHost> {
    const url = await broker.listen();
    const pipeline: DecodedIntake = { full: false, acceptDecoded: () => {}, onPressure: () => () => {} };
    const made = new SparkplugHost({
      ...{ url, hostId: 'greenpark', clientId: 'greenpark-sparkplug', pipeline, keptStateMs, clock: () => NOW, logger: quiet },
      directory: { current: { meter: () => undefined, gateways: [] } as never },
      reconnect: { firstMs: 1, longestMs: 10 },
    });
    ended.push(() => broker.close());
    ended.push(() => made.stop());
    return made;
  }

  it('says nothing before it knows the STATE kept in its name, and then a later one', async () => {
    const future = NOW + 3_600_000;
    const broker = new LateBroker({ online: true, timestamp: future }, 20);
    const made = await host(broker, 60_000);
    await until(() => made.state.announced && broker.said.length > 0, 'its STATE');
    expect([broker.said, made.connects]).to.deep.equal([[{ online: true, timestamp: future + 1 }], 2]);
  });

  it('says of a later STATE that it hears of too late nothing older, and not that it is there while it is not', async () => {
    const future = NOW + 3_600_000;
    const broker = new LateBroker({ online: true, timestamp: future }, 'after its word');
    const made = await host(broker, 1);
    await until(() => made.connects === 2 && made.state.announced && broker.said.length > 2, 'its last STATE');
    expect(broker.said).to.deep.equal([
      { online: true, timestamp: NOW },
      { online: false, timestamp: future },
      { online: true, timestamp: future + 1 },
    ]);
  });

  it('waits for the kept STATE again where the first connection broke before it was heard', async () => {
    const future = NOW + 3_600_000;
    const broker = new LateBroker({ online: true, timestamp: future }, 20);
    broker.crashes = 1;
    const made = await host(broker, 60_000);
    await until(() => made.state.announced && broker.said.length > 0, 'its STATE');
    expect([broker.said, made.connects]).to.deep.equal([[{ online: true, timestamp: future + 1 }], 3]);
  });

  it('waits no longer than it must for an old one, and not for ever for one that is not there', async () => {
    const broker = new LateBroker({ online: false, timestamp: NOW - 1 }, 20);
    const made = await host(broker, 60_000);
    await until(() => broker.said.length > 0, 'its STATE');
    expect([broker.said, made.connects]).to.deep.equal([[{ online: true, timestamp: NOW }], 1]);
    const empty = new LateBroker(null, 0);
    await host(empty, 1);
    await until(() => empty.said.length > 0, 'its STATE');
    expect(empty.said).to.deep.equal([{ online: true, timestamp: NOW }]);
  });
});
