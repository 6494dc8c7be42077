import { expect } from 'chai';
import fc from 'fast-check';
import { MappingCodec, type MappingSurroundings } from '../../../ingest/mappings/codec.ts';
import { SHIPPED_MAPPINGS } from '../../../ingest/mappings/shipped/index.ts';
import type { ParkId } from '../../../model/ids.ts';
import { findQuantity } from '../../../model/quantities.ts';
import { fuzzRuns } from '../../fuzz-runs.ts';
import { heapInUse } from '../../garbage.ts';
import { bytesOfSample, SAMPLES } from './samples.ts';

const NOW = Date.UTC(2026, 0, 15, 4);
const SURROUNDINGS: MappingSurroundings = { meter: () => undefined, gateway: () => undefined };
const NOTHING = new Uint8Array(0);
const RUNS = fuzzRuns(4000);

function aCodec(): MappingCodec {
  const codec = new MappingCodec({
    surroundings: () => SURROUNDINGS,
    onFault: (_mapping, error) => {
      throw error;
    },
  });
  codec.load(SHIPPED_MAPPINGS.map((shipped) => ({ ...shipped, park: 'p-1' as ParkId })));
  return codec;
}

/** Samples of every mapping, where one part of the JSON is replaced by something else. */
const bentSample = fc.tuple(fc.constantFrom(...SAMPLES), fc.array(fc.nat(), { maxLength: 6 }), fc.jsonValue({ maxDepth: 3 })).map(([sample, way, value]) => {
  const text = Buffer.from(bytesOfSample(sample)).toString('utf8');
  try {
    return { topic: sample.topic, payload: Buffer.from(JSON.stringify(bent(JSON.parse(text), way, value))) };
  } catch {
    // A sample that is no JSON: its bytes are bent by the property for bytes.
    return { topic: sample.topic, payload: Buffer.from(bytesOfSample(sample)) };
  }
});

function bent(at: unknown, [step, ...way]: readonly number[], value: unknown): unknown {
  if (step === undefined || typeof at !== 'object' || at === null) return value;
  const keys = Object.keys(at);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return value;
  const inner = bent((at as Record<string, unknown>)[key], way, value);
  return Array.isArray(at) ? at.with(Number(key), inner) : { ...at, [key]: inner };
}

const bentBytes = fc.tuple(fc.constantFrom(...SAMPLES), fc.nat(), fc.uint8Array({ maxLength: 6 }), fc.nat(8)).map(([sample, from, put, cut]) => {
  const bytes = Buffer.from(bytesOfSample(sample));
  const at = from % (bytes.length + 1);
  return { topic: sample.topic, payload: Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)]) };
});

const TOPICS = SAMPLES.map(({ topic }) => topic);
const anything = fc.record({
  topic: fc.oneof(
    fc.constantFrom(...TOPICS),
    fc.string(),
    fc.array(fc.constantFrom('tele', 'SENSOR', 'a', '', '+', '#', 'v1', 'up', '{x}'), { maxLength: 6 }).map((parts) => parts.join('/')),
  ),
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json({ maxDepth: 5 }).map((text) => Buffer.from(text)),
  ),
});

describe('ingest/mappings, whatever comes', function () {
  this.timeout(Math.max(60_000, RUNS * 20));

  const sources = [
    { name: 'samples with a part replaced', arbitrary: bentSample },
    { name: 'samples with bytes replaced, added or lost', arbitrary: bentBytes },
    { name: 'random topics, JSON and bytes', arbitrary: anything },
  ];
  for (const { name, arbitrary } of sources) {
    it(`${name}: every answer is frames of the catalogue or a reason, and none takes long`, async () => {
      const codec = aCodec();
      let longest = 0;
      await fc.assert(
        fc.asyncProperty(arbitrary, fc.option(fc.string()), async ({ topic, payload }, gateway) => {
          const from = performance.now();
          const decoded = await codec.decode({ topic, payload, receivedAt: NOW, gateway });
          longest = Math.max(longest, performance.now() - from);
          if (decoded === null) return;
          expect(decoded.frames.length + decoded.refusals.length > 0 || decoded.understood === true).to.equal(true);
          for (const { meter, ts, values } of decoded.frames) {
            expect(meter).to.match(/^[A-Za-z0-9]/);
            expect(ts === null || Number.isInteger(ts)).to.equal(true);
            expect(Object.keys(values)).not.to.have.length(0);
            for (const [quantity, value] of Object.entries(values)) {
              expect(findQuantity(quantity), quantity).not.to.equal(undefined);
              expect(Number.isFinite(value), `${quantity} = ${String(value)}`).to.equal(true);
            }
          }
          for (const { detail, count } of decoded.refusals) {
            expect(detail.length).to.be.below(1500);
            expect(count).to.be.at.least(1);
          }
        }),
        { numRuns: RUNS },
      );
      // Shared machines pause; what never ends would take for ever.
      expect(longest).to.be.below(2000);
    });
  }

  it('messages as large and as deep as the service takes them are answered', async () => {
    const codec = aCodec();
    const deep = `${'['.repeat(500_000)}${']'.repeat(500_000)}`;
    const wide = JSON.stringify(Object.fromEntries(Array.from({ length: 40_000 }, (_, index) => [`key-${index}`, [{ ts: index, values: { a: 1 } }]])));
    const long = JSON.stringify({ power: '9'.repeat(1_000_000), object: { x: 'y' }, method: 'NotifyStatus' });
    for (const topic of new Set(TOPICS)) {
      for (const payload of [deep, wide, long]) {
        const decoded = await codec.decode({ topic, payload: Buffer.from(payload), receivedAt: NOW, gateway: 'g-1' });
        expect(decoded).not.to.equal(null);
      }
    }
  });

  it('keeps nothing of the topics that it saw, beyond a bound', () => {
    const codec = aCodec();
    const see = (from: number, count: number): number => {
      for (let index = from; index < from + count; index++) void codec.decode({ topic: `nobody/${index}`, payload: NOTHING, receivedAt: NOW, gateway: null });
      return heapInUse();
    };
    const before = see(0, 100_000);
    expect(see(100_000, 400_000) - before).to.be.below(10 << 20);
  });
});
