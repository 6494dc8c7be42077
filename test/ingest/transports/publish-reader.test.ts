import { Writable } from 'node:stream';
import { expect } from 'chai';
import fc from 'fast-check';
import { generate, type Packet, parser as packetParser } from 'mqtt-packet';
import { PublishReader } from '../../../ingest/transports/publish-reader.ts';
import { fuzzRuns } from '../../fuzz-runs.ts';

const RUNS = fuzzRuns();

/** What was seen of a packet, whoever read it. */
type Seen = readonly [kind: string, topic: string, payload: string, packetId: number, isRetained: boolean];

function seenOf(packet: Packet): Seen {
  if (packet.cmd !== 'publish') return [packet.cmd, '', '', packet.messageId ?? 0, false];
  return ['publish', packet.topic, packet.payload.toString('hex'), packet.messageId ?? 0, packet.retain];
}

/** A reader, and beside it the general parser of mqtt-packet, as slow as `delay` says. */
function aReader({ version = 5 as 4 | 5, refuse = () => false, delay = () => false }: { version?: 4 | 5; refuse?: () => boolean; delay?: () => boolean } = {}) {
  const seen: Seen[] = [];
  const plain: Seen[] = [];
  const errors: Error[] = [];
  let isReady = true;
  let isBroken = false;
  let holds = false;
  const general = packetParser({ protocolVersion: version });
  general.on('packet', (packet) => seen.push(seenOf(packet)));
  general.on('error', (error) => errors.push(error));
  const parser = new Writable({
    write: (bytes: Buffer, _encoding, done) => {
      const parse = () => {
        general.parse(bytes);
        done();
      };
      if (delay()) setImmediate(parse);
      else parse();
    },
  });
  const reader = new PublishReader({
    protocolVersion: version,
    take: (topic, payload, packetId, isRetained) => {
      if (refuse()) {
        holds = true;
        return false;
      }
      const one: Seen = ['publish', topic, payload.toString('hex'), packetId, isRetained];
      seen.push(one);
      plain.push(one);
      return true;
    },
    parser,
    onReady: () => {
      isReady = true;
    },
    onBroken: () => {
      isBroken = true;
    },
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  /** As the socket does: into one buffer, which is written over as soon as the reader is done with it. */
  const receive = async (pieces: readonly Uint8Array[]) => {
    const buffer = Buffer.alloc(Math.max(1, ...pieces.map(({ length }) => length)));
    for (const piece of pieces) {
      buffer.set(piece);
      isReady = reader.read(buffer.subarray(0, piece.length));
      while (!isReady && !isBroken) {
        if (holds) {
          holds = false;
          reader.goOn();
        } else await turn();
      }
      buffer.fill(0xff);
    }
    await turn();
  };
  return { reader, seen, plain, errors, receive, isBroken: () => isBroken };
}

const publish = (over: Partial<{ topic: string; payload: Buffer; qos: 0 | 1 | 2; retain: boolean; messageId: number; properties: object }> = {}): Packet =>
  ({
    ...{ cmd: 'publish', topic: 'parks/p/meters/m/readings', payload: Buffer.from('{}'), qos: 1, retain: false, dup: false, messageId: 7 },
    ...over,
  }) as Packet;

const cut = (bytes: Uint8Array, at: readonly number[]): Uint8Array[] => {
  const places = [0, ...[...at].map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((place, index) => bytes.subarray(places[index], place));
};

const anyPublish = fc
  .record({
    topic: fc.oneof(fc.constant('parks/p/meters/m/readings'), fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' })),
    payload: fc.oneof(fc.uint8Array({ maxLength: 30 }), fc.uint8Array({ minLength: 100, maxLength: 400 })).map((bytes) => Buffer.from(bytes)),
    qos: fc.constantFrom(0 as const, 1 as const, 1 as const, 2 as const),
    retain: fc.boolean(),
    messageId: fc.integer({ min: 1, max: 65535 }),
    hasProperties: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  })
  .map(({ hasProperties, ...rest }) => ({ ...rest, properties: hasProperties ? { contentType: 'text' } : undefined }));
const anyOther = fc.constantFrom<Packet[]>(
  { cmd: 'pingresp' },
  { cmd: 'suback', messageId: 3, granted: [1] },
  { cmd: 'connack', sessionPresent: false, returnCode: 0, reasonCode: 0 },
);

describe('reading of PUBLISH from the receive buffer', () => {
  for (const version of [4, 5] as const) {
    it(`finds what the general parser finds, in order, however it is cut, in MQTT ${version}`, () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.oneof({ weight: 4, arbitrary: anyPublish }, { weight: 1, arbitrary: anyOther }), { maxLength: 12 }),
          fc.array(fc.nat(), { maxLength: 8 }),
          fc.infiniteStream(fc.boolean()),
          async (sent, cuts, whims) => {
            const packets = sent.map((one) =>
              'cmd' in one ? one : publish({ ...one, ...(version === 5 && one.properties ? {} : { properties: undefined }) } as never),
            );
            const bytes = Buffer.concat(packets.map((packet) => generate(packet, { protocolVersion: version } as never)));
            const whim = () => whims.next().value as boolean;
            const rig = aReader({ version, refuse: whim, delay: whim });
            await rig.receive(cut(bytes, cuts));
            expect(rig.errors).to.deep.equal([]);
            expect(rig.seen).to.deep.equal(
              packets.map((packet) => seenOf({ ...packet, messageId: (packet as { qos?: number }).qos === 0 ? 0 : packet.messageId } as Packet)),
            );
          },
        ),
        { numRuns: Math.min(RUNS, 20_000) },
      )).timeout(240_000);
  }

  it('crashes and hangs on no bytes', () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(), { maxLength: 6 }), async (bytes, cuts) => {
        await aReader().receive(cut(bytes, cuts));
      }),
      { numRuns: Math.min(RUNS, 20_000) },
    )).timeout(240_000);

  it('reads by itself what gateways send nearly always', async () => {
    const rig = aReader();
    await rig.receive([generate(publish(), { protocolVersion: 5 }), generate(publish({ qos: 0, retain: true }), { protocolVersion: 5 })]);
    expect(rig.plain).to.deep.equal([
      ['publish', 'parks/p/meters/m/readings', '7b7d', 7, false],
      ['publish', 'parks/p/meters/m/readings', '7b7d', 0, true],
    ]);
  });

  for (const [what, packet] of Object.entries({
    'QoS 2': publish({ qos: 2 }),
    properties: publish({ properties: { messageExpiryInterval: 60 } }),
    'no topic, as with an alias': publish({ topic: '', properties: { topicAlias: 1 } }),
  })) {
    it(`leaves a PUBLISH with ${what} to the general parser`, async () => {
      const rig = aReader();
      await rig.receive([generate(packet, { protocolVersion: 5 })]);
      expect(rig.plain).to.deep.equal([]);
      expect(rig.seen).to.have.length(1);
    });
  }

  it('leaves a broken length to the general parser, which says so, and reads nothing more', async () => {
    const rig = aReader();
    await rig.receive([Buffer.from([0x32, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 1, 97, 0, 7, 0])]);
    expect(rig.plain).to.deep.equal([]);
    expect(rig.errors.map(({ message }) => message)).to.deep.equal(['Invalid variable byte integer']);
    expect(rig.isBroken()).to.equal(true);
  });

  it('offers again what could not be taken, and nothing behind it before', async () => {
    let isFull = true;
    const rig = aReader({ refuse: () => isFull });
    const both = Buffer.concat([1, 2].map((messageId) => generate(publish({ messageId }), { protocolVersion: 5 })));
    expect(rig.reader.read(both)).to.equal(false);
    rig.reader.goOn();
    expect(rig.seen).to.deep.equal([]);
    isFull = false;
    rig.reader.goOn();
    expect(rig.seen.map(([, , , packetId]) => packetId)).to.deep.equal([1, 2]);
  });

  it('takes nothing more of a connection that is gone', () => {
    const rig = aReader({ refuse: () => true });
    expect(rig.reader.read(generate(publish(), { protocolVersion: 5 }))).to.equal(false);
    rig.reader.close();
    rig.reader.goOn();
    expect(rig.seen).to.deep.equal([]);
  });
});
