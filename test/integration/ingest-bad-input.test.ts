import { expect } from 'chai';
import { connectAsync, type MqttClient } from 'mqtt';
import { EmbeddedBroker } from '../../ingest/transports/embedded-broker.ts';
import { MqttIngest } from '../../ingest/transports/mqtt-client.ts';
import { aMeter, aRig, NOW, quiet, type Rig, until } from '../ingest/harness.ts';
import { MALFORMED, type Malformed, values } from '../ingest/malformed.ts';
import { requireServer } from '../real-servers.ts';
import { Mosquitto } from '../servers/mosquitto.ts';

const READINGS = 'parks/p-1/meters/m-1/readings';
const HUGE: Malformed = { kind: '10 MB', payload: Buffer.alloc(10 << 20, 0x20) };

const TOTAL = 1000;

async function flood(client: MqttClient, rig: Rig): Promise<void> {
  const sent: Promise<unknown>[] = [];
  for (let at = 0; at < TOTAL; at++) {
    const bad = at === 300 || at === 700 ? HUGE : (MALFORMED[at % MALFORMED.length] as Malformed);
    sent.push(client.publishAsync(bad.topic ?? READINGS, Buffer.from(bad.payload), { qos: 1 }));
    sent.push(client.publishAsync(READINGS, values(`{"active_power":${at},"voltage_a":230}`, NOW - TOTAL + at), { qos: 1 }));
  }
  await Promise.all(sent);
  const { stats } = rig.pipeline;
  await until(() => stats.messages === TOTAL * 2 && stats.pendingMessages === 0, 'every outcome', 20_000);
}

function expectEverythingCounted(rig: Rig): void {
  const { stats } = rig.pipeline;
  expect(stats).to.include({ messages: TOTAL * 2, accepted: TOTAL, refused: TOTAL, partly: 0, duplicate: 0, failed: 0 });
  expect(rig.store.size).to.equal(TOTAL * 2);
  expect(stats.lettersKept).to.equal(TOTAL);
  expect(rig.letters.letters).to.have.length(TOTAL);
  expect(stats.rejects['internal-error']).to.equal(0);
  expect(stats.rejects['too-large']).to.equal(2);
  for (const letter of rig.letters.letters) {
    expect(letter.detail, letter.reason).to.match(/\S{2}/);
    // Whole, or where more came than is taken its beginning.
    expect(letter.payload.length).to.equal(letter.payloadLength > 1 << 20 ? 16 << 10 : letter.payloadLength);
  }
}

describe('a thousand malformed messages of many kinds among good ones', () => {
  it('are of more than twenty kinds', () => expect(new Set(MALFORMED.map(({ kind }) => kind)).size).to.be.greaterThan(20));

  it('each end in a counted outcome at the embedded broker; every good reading is stored and the connection stays', async function () {
    this.timeout(40_000);
    const rig = aRig({ meters: [aMeter(1)] });
    const broker = await EmbeddedBroker.start({
      port: 0,
      host: '127.0.0.1',
      pipeline: rig.pipeline,
      authenticateGateway: async () => true,
      clock: () => NOW,
      logger: quiet,
    });
    const client = await connectAsync(`mqtt://127.0.0.1:${broker.address.port}`, { username: 'g-1', password: 'x', reconnectPeriod: 0, protocolVersion: 4 });
    try {
      await flood(client, rig);
      expect(client.connected).to.equal(true);
      expect(broker.stats).to.include({ connections: 1, brokenConnections: 0 });
      expectEverythingCounted(rig);
    } finally {
      await client.endAsync(true);
      await broker.stop();
      await rig.pipeline.stop();
    }
  });

  it('each end in a counted outcome through a real Mosquitto; every good reading is stored and the connection stays', async function () {
    this.timeout(40_000);
    const mosquitto = await Mosquitto.start(requireServer(this, 'mosquitto'));
    const rig = aRig({ meters: [aMeter(1)] });
    const ingest = new MqttIngest({ url: mosquitto.url, clientId: 'greenpark-test', pipeline: rig.pipeline, clock: () => NOW, logger: quiet });
    const client = await connectAsync(mosquitto.url, { reconnectPeriod: 0 });
    try {
      await ingest.online(5000);
      await flood(client, rig);
      expect(ingest).to.include({ connects: 1 });
      expectEverythingCounted(rig);
    } finally {
      await client.endAsync(true);
      await ingest.stop();
      await rig.pipeline.stop();
      await mosquitto.remove();
    }
  });
});
