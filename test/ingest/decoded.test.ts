import { expect } from 'chai';
import type { Decoded, DecodedFrame, TopicCodec } from '../../ingest/codecs/decoded.ts';
import type { MessageOutcome, UnknownMeterSighting } from '../../ingest/port.ts';
import { UnknownMeters } from '../../ingest/unknown-meters.ts';
import type { ParkId } from '../../model/ids.ts';
import { QUALITY } from '../../model/quality.ts';
import { aMeter, aRig, NOW, type Rig, until } from './harness.ts';

const BYTES = Buffer.from('what the device sent');

const holding = (frames: readonly DecodedFrame[], more: Partial<Decoded> = {}): Decoded => ({ frames, refusals: [], statuses: [], ...more });
const frame = (meter: string, values: Record<string, unknown>, more: Partial<DecodedFrame> = {}): DecodedFrame => ({
  ...{ meter, ts: NOW, values, where: '' },
  ...more,
});

function tell(rig: Rig, decoded: Decoded, override: { readonly gateway?: string | null; readonly replayed?: boolean } = {}): Promise<MessageOutcome> {
  const message = { topic: 'hj212/8800', payload: BYTES, gateway: null, transport: 'hj212', receivedAt: NOW, ...override };
  return new Promise((resolve, reject) => {
    rig.pipeline.acceptDecoded(message, decoded, (error, outcome) => (error === undefined ? resolve(outcome) : reject(error)));
  });
}

describe('ingest/pipeline, messages that a codec decoded', () => {
  it('become readings of several meters, each at its own time', async () => {
    const rig = aRig();
    const outcome = await tell(rig, holding([frame('m-1', { active_power: 5 }), frame('m-2', { active_power: 7 }, { ts: NOW - 60_000 })]));
    expect(outcome).to.deep.equal({ outcome: 'accepted', refusals: [] });
    expect(rig.store.rows).to.deep.equal([
      [1, 'active_power', 0, 5, 'good'],
      [2, 'active_power', -60_000, 7, 'good'],
    ]);
  });

  it('keep the flag that the instrument gave a value, which is then no measure for the next one', async () => {
    const rig = aRig();
    await tell(rig, holding([frame('m-1', { active_energy_import: 900 }, { flags: { active_energy_import: QUALITY.calibration } })]));
    await tell(rig, holding([frame('m-1', { active_energy_import: 100 }, { ts: NOW + 1 })]));
    expect(rig.store.rows.map((row) => row[4])).to.deep.equal(['calibration', 'good']);
    expect(rig.pipeline.stats.flagged[QUALITY.calibration]).to.equal(1);
  });

  it('are of a wrong clock far back, whatever the instrument vouches for; what it says is wrong stays what it says', async () => {
    const rig = aRig();
    const old = NOW - 401 * 86_400_000;
    const flags = { active_power: QUALITY.estimated, voltage_a: QUALITY.fault };
    await tell(rig, holding([frame('m-1', { active_power: 5, voltage_a: 230, current_a: 1 }, { ts: old, flags })]));
    expect(rig.store.rows.map((row) => row[4])).to.deep.equal(['clock', 'fault', 'clock']);
  });

  it('take the time of arrival where they have none', async () => {
    const rig = aRig();
    await tell(rig, holding([frame('m-1', { active_power: 5 }, { ts: null })]));
    expect(rig.store.rows[0]?.[2]).to.equal(0);
  });

  it('lose what does not fit, and say where; the rest is kept', async () => {
    const rig = aRig();
    const frames = [frame('m-1', { active_power: 'much' }, { where: 'data[0]' }), frame('m-2', { active_power: 1 }, { where: 'data[1]' })];
    const refusals = [{ reason: 'wrong-shape', detail: 'at data[2]: found null', count: 1 }] as const;
    const outcome = await tell(rig, holding(frames, { refusals }));
    expect(outcome.outcome).to.equal('partly');
    expect(outcome.refusals.map(({ reason, count }) => [reason, count])).to.deep.equal([
      ['wrong-shape', 1],
      ['not-a-number', 1],
    ]);
    expect(outcome.refusals[1]?.detail).to.match(/^at data\[0\]: active_power is the text "much"/);
    expect(rig.letters.letters.map(({ reason, payload, topic }) => [reason, Buffer.from(payload).toString(), topic])).to.deep.equal([
      ['wrong-shape', String(BYTES), 'hj212/8800'],
      ['not-a-number', String(BYTES), 'hj212/8800'],
    ]);
    expect(rig.store.rows).to.have.length(1);
  });

  it('are refused for a meter of another park than they are taken for', async () => {
    const rig = aRig({ meters: [aMeter(1), aMeter(2, { park: 'p-2' })] });
    const outcome = await tell(rig, holding([frame('m-1', { active_power: 1 }), frame('m-2', { active_power: 2, voltage_a: 230 })], { park: 'p-1' as ParkId }));
    expect(outcome.refusals).to.have.length(1);
    expect(outcome.refusals[0]).to.include({ reason: 'wrong-park', count: 2 });
    expect(rig.store.rows.map(([meter]) => meter)).to.deep.equal([1]);
  });

  it('are refused for a meter of another gateway than the one that signed in', async () => {
    const rig = aRig({ meters: [aMeter(1), aMeter(2, { gateway: 'g-2' }), aMeter(3, { gateway: null })] });
    const frames = ['m-1', 'm-2', 'm-3'].map((meter) => frame(meter, { active_power: 1 }));
    const outcome = await tell(rig, holding(frames), { gateway: 'g-1' });
    expect(outcome.refusals[0]).to.include({ reason: 'gateway-not-allowed', count: 2 });
    expect(rig.store.rows.map(([meter]) => meter)).to.deep.equal([1]);
  });

  it('tell of a meter that is not registered, with the names of its values', async () => {
    const sightings: UnknownMeterSighting[] = [];
    const rig = aRig({ onUnknownMeter: (sighting) => sightings.push(sighting) });
    await tell(rig, holding([frame('m-9', { active_power: 1, odd: 2 })]), { gateway: 'g-1' });
    expect(sightings).to.have.length(1);
    expect(sightings[0]).to.deep.include({ meter: 'm-9', park: null, gateway: 'g-1', transport: 'hj212', at: NOW, quantities: ['active_power', 'odd'] });
    expect(rig.letters.letters[0]).to.include({ reason: 'unknown-meter', meter: null });
  });

  it('counts a message once for each meter in it that is not registered, however many readings it has', async () => {
    const unknown = new UnknownMeters({ isRegistered: () => false, parkOfGateway: () => null });
    const rig = aRig({ onUnknownMeter: (sighting) => void unknown.see(sighting) });
    const several = holding([frame('m-9', { a: 1 }), frame('m-8', { a: 1 }), frame('m-9', { b: 1 }, { ts: NOW - 1 })]);
    for (let n = 0; n < 3; n++) await tell(rig, several);
    expect(unknown.list().map(({ meter, count, suggested }) => [meter, count, suggested.map(({ name }) => name)])).to.deep.equal([
      ['m-9', 3, ['a', 'b']],
      ['m-8', 3, ['a']],
    ]);
  });

  it('a letter names the meter when the message is about one alone', async () => {
    const rig = aRig();
    await tell(rig, holding([frame('m-1', { odd: 1 })]));
    await tell(rig, holding([frame('m-1', { odd: 1 }), frame('m-2', { odd: 1 })]));
    expect(rig.letters.letters.map(({ park, meter }) => [park, meter])).to.deep.equal([
      ['p-1', 'm-1'],
      ['p-1', null],
    ]);
  });

  it('a letter without a registered meter is of the park of the gateway that sent it, else of whoever takes the message alone', async () => {
    const elsewhere = aMeter(3, { park: 'p-2', gateway: 'g-2' });
    const rig = aRig({ meters: [aMeter(1), elsewhere] });
    const refusals = [{ reason: 'not-a-number', detail: 'the value is "much"', count: 1 }] as const;
    await tell(rig, holding([], { refusals }), { gateway: 'g-1' });
    await tell(rig, holding([frame('m-9', { active_power: 1 })]), { gateway: 'g-1' });
    await tell(rig, holding([], { refusals, park: 'p-2' as ParkId }));
    await tell(rig, holding([], { refusals }), { gateway: 'nobody' });
    await tell(rig, holding([], { refusals, park: 'p-2' as ParkId, shared: true }));
    for (const gateway of ['g-1', 'nobody']) await tell(rig, holding([], { refusals, park: 'p-2' as ParkId }), { gateway });
    await tell(rig, holding([frame('m-1', { odd: 1 }), frame('m-3', { odd: 1 })]));
    expect(rig.letters.letters.map(({ reason, park }) => [reason, park])).to.deep.equal([
      ['not-a-number', 'p-1'],
      ['unknown-meter', 'p-1'],
      ['not-a-number', 'p-2'],
      ['not-a-number', null],
      ['not-a-number', null],
      ['not-a-number', 'p-1'],
      ['not-a-number', null],
      // Of two parks, none of which may read what is the other's.
      ['unknown-quantity', null],
    ]);
  });

  it('are not understood when what was refused of them is only counted, since it rests nowhere', async () => {
    const rig = aRig({ limits: { deadLettersPerSenderAndMinute: 1 } });
    const unused = holding([], { understood: true, refusals: [{ reason: 'unknown-command', detail: 'CN=2021 is not used', count: 1 }] });
    expect((await tell(rig, unused)).outcome).to.equal('partly');
    expect((await tell(rig, unused)).outcome).to.equal('refused');
    expect(rig.letters.letters).to.have.length(1);
  });

  it('are done although there is nothing to store when their codec understood them', async () => {
    const rig = aRig();
    expect((await tell(rig, holding([], { understood: true }))).outcome).to.equal('accepted');
    expect(rig.letters.letters).to.have.length(0);
  });

  it('pass on the state of a meter', async () => {
    const told: unknown[] = [];
    const rig = aRig({ onStatus: (status) => told.push(status) });
    await tell(rig, holding([], { statuses: [{ meter: 'm-1', online: false }] }));
    expect(told).to.deep.equal([{ park: 'p-1', meter: 'm-1', gateway: 'g-1', online: false, at: NOW }]);
  });

  it('the same again is a duplicate', async () => {
    const rig = aRig();
    const decoded = holding([frame('m-1', { active_power: 5 })]);
    await tell(rig, decoded);
    expect((await tell(rig, decoded)).outcome).to.equal('duplicate');
  });

  it('make no new letter when a letter is tried again', async () => {
    const rig = aRig();
    const outcome = await tell(rig, holding([frame('m-1', { odd: 1 })]), { replayed: true });
    expect(outcome.refusals[0]).to.include({ reason: 'unknown-quantity' });
    expect(rig.letters.letters).to.have.length(0);
    expect(rig.pipeline.stats.rejects['unknown-quantity']).to.equal(0);
  });
});

describe('ingest/pipeline, topics outside the native contract', () => {
  const codecFor = (prefix: string, decode: (text: string) => Decoded | Promise<Decoded>): TopicCodec => ({
    decode: ({ topic, payload }) => (topic.startsWith(prefix) ? decode(Buffer.from(payload).toString()) : null),
  });

  it('go to the first codec that knows them', async () => {
    const codecs = [codecFor('a/', () => holding([frame('m-1', { active_power: 1 })])), codecFor('', () => holding([frame('m-2', { active_power: 2 })]))];
    const rig = aRig({ codecs });
    await rig.send('x', { topic: 'a/b' });
    await rig.send('x', { topic: 'b/b' });
    expect(rig.store.rows.map(([meter]) => meter)).to.deep.equal([1, 2]);
  });

  it('are wrong where no codec knows them', async () => {
    const rig = aRig();
    await rig.send('x', { topic: 'tele/plug/SENSOR' });
    expect(rig.letters.letters[0]).to.include({ reason: 'wrong-topic' });
  });

  it('keep the order of arrival when an earlier answer comes later', async () => {
    let release: (decoded: Decoded) => void = () => {};
    const slow = new Promise<Decoded>((resolve) => {
      release = resolve;
    });
    const rig = aRig({ codecs: [codecFor('a/', (text) => (text === 'first' ? slow : holding([frame('m-1', { active_power: 2 }, { ts: NOW + 1 })])))] });
    const both = [rig.send('first', { topic: 'a/x' }), rig.send('second', { topic: 'a/x' })];
    release(holding([frame('m-1', { active_power: 1 })]));
    await Promise.all(both);
    expect(rig.judged.map((row) => row[3])).to.deep.equal([1, 2]);
  });

  it('reach the letters with the bytes that came, although the answer came after the call', async () => {
    const rig = aRig({ codecs: [codecFor('a/', async () => holding([frame('m-1', { odd: 1 })]))] });
    const bytes = Buffer.from('original');
    const sent = rig.send(bytes, { topic: 'a/x' });
    bytes.fill('#');
    await sent;
    expect(rig.letters.letters.map(({ payload }) => Buffer.from(payload).toString())).to.deep.equal(['original']);
  });

  it('are refused, not lost, when their codec fails', async () => {
    const rig = aRig({ codecs: [codecFor('a/', () => Promise.reject(new Error('out of luck'))), codecFor('b/', () => raise('worse luck'))] });
    await rig.send('x', { topic: 'a/x' });
    await rig.send('x', { topic: 'b/x' });
    expect(rig.letters.letters.map(({ reason, detail }) => [reason, detail])).to.deep.equal([
      ['internal-error', 'out of luck'],
      ['internal-error', 'worse luck'],
    ]);
  });

  it('hold the senders back while too many wait to be decoded', async () => {
    const waiting: ((decoded: Decoded) => void)[] = [];
    const rig = aRig({
      codecs: [codecFor('a/', () => new Promise((resolve) => waiting.push(resolve)))],
      limits: { maxPendingMessages: 4 },
    });
    const sent = Array.from({ length: 4 }, () => rig.send('x', { topic: 'a/x' }));
    expect(rig.pipeline.full).to.equal(true);
    for (const answer of waiting) answer(holding([], { understood: true }));
    await Promise.all(sent);
    await until(() => !rig.pipeline.full, 'room');
  });
});

function raise(message: string): never {
  throw new Error(message);
}
