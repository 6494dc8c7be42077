import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import { generate, type Packet, parser as packetParser } from 'mqtt-packet';
import type { DecodedIntake } from '../../../ingest/port.ts';
import { SparkplugHost } from '../../../ingest/transports/sparkplug-host.ts';
import { NOW, quiet, until } from '../harness.ts';

interface Said {
  readonly online: boolean;
  readonly timestamp: number;
}

const STATE = 'spBv1.0/STATE/greenpark';

/**
 * A broker for one host that keeps its STATE and brings it `lateMs` after the SUBACK, or never, as EMQX may: a real one brings it when it
 * likes, and this is about when.
 */
class LateBroker {
  readonly said: Said[] = [];
  readonly #server = createServer((socket) => this.#serve(socket));
  #kept: string | null;
  readonly #lateMs: number;

  constructor(kept: Said | null, lateMs: number) {
    this.#kept = kept === null ? null : JSON.stringify(kept);
    this.#lateMs = lateMs;
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `mqtt://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
  }

  #serve(socket: Socket): void {
    const parser = packetParser({ protocolVersion: 5 });
    const answer = (packet: Packet) => {
      if (!socket.destroyed) socket.write(generate(packet, { protocolVersion: 5 }));
    };
    parser.on('packet', (packet) => {
      if (packet.cmd === 'connect') answer({ cmd: 'connack', reasonCode: 0, sessionPresent: false });
      else if (packet.cmd === 'pingreq') answer({ cmd: 'pingresp' });
      else if (packet.cmd === 'subscribe') {
        answer({ cmd: 'suback', messageId: packet.messageId as number, granted: [1] });
        const bring = () => {
          if (this.#kept !== null) answer({ cmd: 'publish', topic: STATE, payload: Buffer.from(this.#kept), qos: 1, messageId: 7, retain: true, dup: false });
        };
        setTimeout(bring, this.#lateMs);
      } else if (packet.cmd === 'publish') {
        answer({ cmd: 'puback', messageId: packet.messageId as number });
        if (packet.topic !== STATE) return;
        this.#kept = String(packet.payload);
        this.said.push(JSON.parse(this.#kept));
      }
    });
    socket.on('data', (bytes) => parser.parse(bytes));
    socket.on('error', () => {});
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
