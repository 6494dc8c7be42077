import { expect } from 'chai';
import { connectAsync, type MqttClient } from 'mqtt';
import { EmbeddedBroker } from '../../ingest/transports/embedded-broker.ts';
import { MqttIngest } from '../../ingest/transports/mqtt-client.ts';
import { aMeter, aRig, NOW, quiet, type Rig, until } from '../ingest/harness.ts';
import { requireServer } from '../real-servers.ts';
import { Mosquitto } from '../servers/mosquitto.ts';

interface Bad {
  readonly kind: string;
  readonly topic?: string;
  readonly payload: string | Uint8Array;
}

const READINGS = 'parks/p-1/meters/m-1/readings';
const values = (inner: string, ts: string | number = NOW) => `{"ts":${ts},"values":${inner}}`;

/** Every one of these is refused as a whole. */
const KINDS: readonly Bad[] = [
  { kind: 'no bytes', payload: '' },
  { kind: 'not JSON', payload: 'temperature=21' },
  { kind: 'cut off', payload: '{"ts":1767225600000,"values":{"active_po' },
  { kind: 'NaN', payload: values('{"active_power":NaN}') },
  { kind: 'Infinity', payload: values('{"active_power":-Infinity}') },
  { kind: 'a huge number', payload: values('{"active_power":1e400}') },
  { kind: 'text for a number', payload: values('{"active_power":"12.5"}') },
  { kind: 'null', payload: values('{"active_power":null}') },
  { kind: 'true', payload: values('{"active_power":true}') },
  { kind: 'an array for a number', payload: values('{"active_power":[1]}') },
  { kind: 'an unknown quantity', payload: values('{"activePower":1}') },
  { kind: 'a prototype key', payload: values('{"__proto__":{"active_power":1}}') },
  { kind: 'a constructor key', payload: '{"constructor":{"prototype":{"ts":1}}}' },
  { kind: 'a time in the far future', payload: values('{"active_power":1}', NOW + 86_400_000 * 3650) },
  { kind: 'a time before 2000', payload: values('{"active_power":1}', 1) },
  { kind: 'a time in seconds', payload: values('{"active_power":1}', 1767225600) },
  { kind: 'a time as text', payload: values('{"active_power":1}', '"2026-01-01"') },
  { kind: 'a time with a fraction', payload: values('{"active_power":1}', NOW + 0.5) },
  { kind: 'a huge time', payload: values('{"active_power":1}', 1e300) },
  { kind: 'a time beyond all bounds', payload: values('{"active_power":1}', '1e999') },
  { kind: 'an empty array', payload: '[]' },
  { kind: 'an empty object', payload: '{}' },
  { kind: 'empty values', payload: values('{}') },
  { kind: 'a bare number', payload: '7' },
  { kind: 'an array of numbers', payload: '[1,2,3]' },
  { kind: 'the same key twice', payload: values('{"active_power":1,"active_power":2}') },
  { kind: 'deep nesting', payload: `${'['.repeat(50_000)}${']'.repeat(50_000)}` },
  { kind: 'binary', payload: Uint8Array.from({ length: 64 }, (_, at) => 255 - at) },
  { kind: 'UTF-16', payload: Buffer.from(values('{"active_power":1}'), 'utf16le') },
  { kind: 'a surrogate cut in two', payload: Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22) },
  { kind: 'an unknown meter', topic: 'parks/p-1/meters/m-404/readings', payload: values('{"active_power":1}') },
  { kind: 'another park', topic: 'parks/p-2/meters/m-1/readings', payload: values('{"active_power":1}') },
  { kind: 'a wrong leaf', topic: 'parks/p-1/meters/m-1/reading', payload: values('{"active_power":1}') },
  { kind: 'a topic with too few levels', topic: 'parks/p-1', payload: values('{"active_power":1}') },
  { kind: 'a topic with an empty meter', topic: 'parks/p-1/meters//readings', payload: values('{"active_power":1}') },
  { kind: 'a meter that climbs', topic: 'parks/p-1/meters/../readings', payload: values('{"active_power":1}') },
  { kind: 'a prototype’s name for a meter', topic: 'parks/p-1/meters/constructor/readings', payload: values('{"active_power":1}') },
  { kind: 'a status that is none', topic: 'parks/p-1/meters/m-1/status', payload: 'perhaps' },
];
const HUGE: Bad = { kind: '10 MB', payload: Buffer.alloc(10 << 20, 0x20) };

const TOTAL = 1000;

async function flood(client: MqttClient, rig: Rig): Promise<void> {
  const sent: Promise<unknown>[] = [];
  for (let at = 0; at < TOTAL; at++) {
    const bad = at === 300 || at === 700 ? HUGE : (KINDS[at % KINDS.length] as Bad);
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
    expect(letter.payload.length).to.be.at.most(16 << 10);
  }
}

describe('a thousand malformed messages of many kinds among good ones', () => {
  it('are of more than twenty kinds', () => expect(new Set(KINDS.map(({ kind }) => kind)).size).to.be.greaterThan(20));

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
