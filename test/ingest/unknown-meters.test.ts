import { expect } from 'chai';
import type { TopicCodec } from '../../ingest/codecs/decoded.ts';
import { triedBy } from '../../ingest/replay.ts';
import { suggestedQuantity } from '../../ingest/suggested-quantity.ts';
import { lettersOfUnknown, metersIn, UnknownMeters } from '../../ingest/unknown-meters.ts';
import type { ParkId } from '../../model/ids.ts';
import type { DeadLetter, WholeDeadLetter } from '../../store/registry/port.ts';
import { NOW } from './harness.ts';

const sighting = (meter: string, change: object = {}) => ({
  ...{ meter, park: null, topic: 't', transport: 'mqtt', gateway: null, at: NOW, quantities: [], payload: Buffer.from('{}') },
  ...change,
});
const unknownMeters = (most?: number) =>
  new UnknownMeters({ isRegistered: (id) => id === 'known', parkOfGateway: (id) => (id === 'g-1' ? 'p-1' : null), ...(most === undefined ? {} : { most }) });

const lettersOf = (...letters: WholeDeadLetter[]) => ({
  list: async () => letters.map((letter) => ({ ...letter, keptLength: letter.payload.length })),
  payloads: async (ids: readonly number[]) => new Map(letters.filter(({ id }) => ids.includes(id)).map(({ id, payload }) => [id, payload])),
});

describe('unknown meters', () => {
  it('hold at most so many, and the one not seen for longest leaves', () => {
    const unknown = unknownMeters(3);
    for (const meter of ['a', 'b', 'c', 'a', 'd']) unknown.see(sighting(meter));
    expect(unknown.list().map(({ meter, count }) => [meter, count])).to.deep.equal([
      ['d', 1],
      ['a', 2],
      ['c', 1],
    ]);
  });

  it('keep at most five topics and 4 KiB of the last payload, copied', () => {
    const unknown = unknownMeters();
    const payload = Buffer.alloc(9000, 'x');
    for (let n = 0; n < 9; n++) unknown.see(sighting('a', { topic: `t/${n}`, payload }));
    payload.fill('y');
    const [seen] = unknown.list();
    expect([seen?.topics.length, seen?.payload.length, seen?.payloadLength, seen?.payload[0]]).to.deep.equal([5, 4096, 9000, 'x'.charCodeAt(0)]);
  });

  it('pass over ids that nothing could be registered by, and those that are registered', () => {
    const unknown = unknownMeters();
    for (const meter of ['', 'a b', '<img>', 'x'.repeat(65), 'known']) unknown.see(sighting(meter));
    expect(unknown.list()).to.deep.equal([]);
  });

  it('belong to the park of their gateway where no topic says one', () => {
    const unknown = unknownMeters();
    unknown.see(sighting('a', { gateway: 'g-1' }));
    expect(unknown.list().map(({ park }) => park)).to.deep.equal(['p-1']);
  });

  it('of one id in several parks, or in none that is known, are told apart, so that nobody sees what another park sends', () => {
    const unknown = unknownMeters();
    for (const [park, name] of [
      ['p-1', 'one'],
      ['p-2', 'two'],
      [null, 'none'],
    ] as const)
      unknown.see(sighting('a', { park, gateway: null, topic: `t/${name}`, quantities: [name] }));
    const listed = unknown.list();
    expect(listed.map(({ park, count, topics, suggested }) => [park, count, topics, suggested.map(({ name }) => name)])).to.deep.equal([
      [null, 1, ['t/none'], ['none']],
      ['p-2', 1, ['t/two'], ['two']],
      ['p-1', 1, ['t/one'], ['one']],
    ]);
    unknown.forget({ kind: 'meter', park: 'p-2', meter: 'a' });
    expect(unknown.list().map(({ park }) => park)).to.deep.equal([null, 'p-1']);
  });

  it('are devices by the mapping that finds their names, which need be no ids', () => {
    const unknown = new UnknownMeters({ isRegistered: (id) => id === 'Device-A', parkOfGateway: () => null, namesDevice: (_, mapping) => mapping === 'told' });
    for (const mapping of ['one', 'two', 'told']) unknown.see(sighting('Device A', { kind: 'device', mapping, park: 'p-1' }));
    unknown.see(sighting('Device A'));
    const shown = unknown.list().map((one) => (one.kind === 'device' ? [one.mapping, one.suggestedId] : one.meter));
    expect(shown).to.deep.equal([
      ['two', 'Device-A-2'],
      ['one', 'Device-A-2'],
    ]);
    unknown.forget({ kind: 'device', park: 'p-1', meter: 'Device A', mapping: 'two' });
    expect(unknown.list()).to.have.length(1);
  });

  it('are loggers by their numbers, of which strangers may show a hundred and push out nothing else', () => {
    const unknown = unknownMeters(200);
    unknown.see(sighting('a'));
    for (let n = 0; n < 150; n++)
      unknown.see(sighting(`MN${n}`, { kind: 'logger', meterKind: 'stack', payload: Buffer.from('##0001QN=1;PW=secret1;MN=2;CP=&&&&') }));
    const [newest, ...others] = unknown.list();
    expect(newest).to.deep.include({ kind: 'logger', meter: 'MN149', suggestedId: 'MN149', suggestedKind: 'stack' });
    expect(Buffer.from(newest?.payload ?? []).toString()).to.equal('##0001QN=1;PW=***;MN=2;CP=&&&&');
    expect([others.length, others.at(-1)?.meter, others.at(-2)?.meter]).to.deep.equal([100, 'a', 'MN50']);
  });

  for (const sent of ['##0021PW=secret1;MN=2;CP=&&&&0000', 'QN=1; PW =secret1;MN=2;CP=&&&&', 'QN=1;MN=2;pw=secret1&x;CP=&&&&', 'MN=2;PW=secret1CP=&&&&']) {
    it(`are shown without their password: ${sent}`, () => {
      const unknown = unknownMeters();
      unknown.see(sighting('2', { kind: 'logger', payload: Buffer.from(sent) }));
      const shown = Buffer.from(unknown.list()[0]?.payload ?? []).toString();
      expect(shown)
        .to.contain('PW=***')
        .and.contain('MN=2')
        .and.contain('CP=&&&&')
        .and.not.match(/secret1|&x/);
    });
  }

  it('are seen again as what they are, whatever their frame begins with', async () => {
    const letter = { transport: 'hj212', gateway: null, park: null, receivedAt: 5, detail: '' };
    const sent = ['##0040ST=31;MN=A;CP=&&a21026-Rtd=1&&0000\r\n', '##0040MN=B;ST=32;CP=&&w01018-Rtd=1&&0000\r\n', 'MN=C;ST=23;CP=&&LA-Rtd=1&&'];
    const letters = sent.map((text, id) => ({ ...letter, id, topic: `hj212/${id}`, payload: Buffer.from(text), payloadLength: text.length }));
    const unknown = unknownMeters();
    await unknown.seed(lettersOf(...(letters as unknown as WholeDeadLetter[])), []);
    expect(unknown.list().map(({ kind, meter, suggestedKind }) => [kind, meter, suggestedKind])).to.deep.equal([
      ['logger', 'A', 'stack'],
      ['logger', 'B', 'outfall'],
      ['logger', 'C', 'noise'],
    ]);
  });

  it('are seen again after a restart by the letters that were kept', async () => {
    const letter = { transport: 'mqtt', gateway: null, park: null, detail: '', payload: Buffer.from('{"values":{"kWh":1}}'), payloadLength: 20 };
    const pages = [
      [
        { ...letter, id: 1, receivedAt: 5, topic: 'parks/p-9/meters/m-1/readings' },
        { ...letter, id: 2, receivedAt: 7, topic: 'gw/1', detail: 'at [0]: meter "m-1" is not registered; x; meter "known" is not registered' },
      ],
    ] as unknown as WholeDeadLetter[][];
    const unknown = unknownMeters();
    await unknown.seed(lettersOf(...pages.flat()), []);
    expect(unknown.list().map(({ meter, park, firstSeen, lastSeen, count }) => [meter, park, firstSeen, lastSeen, count])).to.deep.equal([
      ['m-1', null, 7, 7, 1],
      ['m-1', 'p-9', 5, 5, 1],
    ]);
    expect(unknown.list()[1]).to.deep.include({ suggested: [{ name: 'kWh', quantity: 'active_energy_import' }], suggestedKind: 'electricity' });
  });

  describe('of a message that speaks of more than its letter names', () => {
    const ids = Array.from({ length: 20 }, (_, index) => `m-${index + 1}`);
    const frame = (meter: string) => ({ meter, ts: null, values: { kWh: 1 }, where: '' });
    // The ids stand nowhere in the bytes, as when a mapping puts them together.
    const codec: TopicCodec = {
      decode: ({ topic }) => (topic === 'gw/1' ? { frames: [...ids.map(frame), frame('known')], refusals: [], statuses: [] } : null),
    };
    const broken: TopicCodec = {
      decode: () => {
        throw new Error('no');
      },
    };
    const named = ids.slice(0, 5);
    const detail = `${named.map((meter) => `meter "${meter}" is not registered; register it or correct its id`).join('; ')}; 20 in all`;
    const letter = (change: object = {}) =>
      ({
        ...{ id: 1, receivedAt: 5, transport: 'mqtt', topic: 'gw/1', gateway: null, park: null, detail, payload: Buffer.from('1..20'), payloadLength: 5 },
        ...change,
      }) as unknown as WholeDeadLetter;
    const seeded = async (codecs: readonly TopicCodec[], kept: WholeDeadLetter) => {
      const unknown = unknownMeters();
      await unknown.seed(lettersOf(kept), codecs);
      return unknown.list();
    };

    it('are all seen again after a restart, with what they measure', async () => {
      const listed = await seeded([codec], letter());
      expect(listed.map(({ meter }) => meter).sort()).to.deep.equal([...ids].sort());
      expect(listed.find(({ meter }) => meter === 'm-20')).to.deep.include({ count: 1, suggested: [{ name: 'kWh', quantity: 'active_energy_import' }] });
    });

    it('are those named where it was cut, or where nothing can decode it any more', async () => {
      for (const [codecs, kept] of [
        [[codec], letter({ payloadLength: 20_000 })],
        [[], letter()],
        [[broken], letter()],
      ] as const) {
        expect((await seeded(codecs, kept)).map(({ meter }) => meter).sort()).to.deep.equal(named);
      }
    });

    it('are those named where several values of one meter are counted, without decoding anything', async () => {
      const one = letter({ detail: 'meter "m-1" is not registered; register it or correct its id; 20 in all' });
      expect((await seeded([codec], one)).map(({ meter }) => meter)).to.deep.equal(['m-1']);
    });

    it('have the letter when they are registered: the meters that are in it, and no others', async () => {
      const found = async (kept: WholeDeadLetter, meter: string) => (await lettersOfUnknown(lettersOf(kept), [codec], meter, 'p-1' as ParkId)).length;
      expect([await found(letter(), 'm-20'), await found(letter(), 'm-1'), await found(letter(), 'm-21')]).to.deep.equal([1, 1, 0]);
      const cut = { payload: Buffer.from('{"m-17":1,'), payloadLength: 20_000 };
      expect([await found(letter(cut), 'm-17'), await found(letter(cut), 'm-18')]).to.deep.equal([1, 0]);
    });
  });

  for (const [name, quantity] of [
    ['active_power', 'active_power'],
    ['Active Power', 'active_power'],
    ['P_total', 'active_power'],
    ['kWh', 'active_energy_import'],
    ['SO2', 'so2'],
    ['__proto__', null],
    ['constructor', null],
    ['banana', null],
  ] as const) {
    it(`suggest ${quantity} for ${name}`, () => expect(suggestedQuantity(name)).to.equal(quantity));
  }

  it('have their letters given to the park in which they are registered, but for those that speak of another', async () => {
    const letter = { transport: 'mqtt', gateway: null, park: null, detail: 'meter "m-1" is not registered; x', payload: Buffer.from('{}'), payloadLength: 2 };
    const page = [
      { ...letter, id: 1, topic: 'parks/p-1/meters/m-1/readings' },
      { ...letter, id: 2, topic: 'parks/p-2/meters/m-1/readings' },
      { ...letter, id: 3, topic: 'gw/1', park: 'p-1' },
      { ...letter, id: 4, topic: 'gw/2', park: 'p-2' },
      { ...letter, id: 5, topic: 'gw/3' },
    ] as unknown as WholeDeadLetter[];
    const found = await lettersOfUnknown(lettersOf(...page), [], 'm-1', 'p-1' as ParkId);
    expect(found.map(({ id }) => id)).to.deep.equal([1, 3, 5]);
  });

  it('are found in what a letter says', () => {
    expect(
      metersIn({ topic: 'hj212/1', detail: 'meter "a:1" is not registered; register it; meter b is not registered; meter "a:1" is not registered' }),
    ).to.deep.equal(['a:1', 'b']);
  });
});

describe('letters that were tried again', () => {
  const letters = (...reasons: string[]) => reasons.map((reason, index) => ({ id: index + 1, reason }) as DeadLetter);
  const outcome = (...reasons: string[]) =>
    ({ outcome: 'partly', refusals: reasons.map((reason) => ({ reason, detail: `d-${reason}`, count: 1 })) }) as unknown as Parameters<typeof triedBy>[1];

  const cases: readonly { readonly had: string[]; readonly now: string[]; readonly kept: (string | null)[]; readonly what: string }[] = [
    { what: 'nothing is refused any more', had: ['a', 'b'], now: [], kept: [null, null] },
    { what: 'one reason is gone', had: ['a', 'b'], now: ['b'], kept: [null, 'b: d-b'] },
    { what: 'a new reason stands in the place of an old one', had: ['a', 'b'], now: ['b', 'c'], kept: ['c: d-c', 'b: d-b'] },
    { what: 'there are more reasons than letters', had: ['a'], now: ['a', 'b'], kept: ['a: d-a; b: d-b'] },
  ];
  for (const { what, had, now, kept } of cases) {
    it(`lose no refusal when ${what}`, () => {
      const told = triedBy(letters(...had), outcome(...now)).map(({ refusal }) => refusal && `${refusal.reason}: ${refusal.detail}`);
      expect(told).to.deep.equal(kept);
    });
  }
});
