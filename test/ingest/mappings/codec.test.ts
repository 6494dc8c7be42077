import { expect } from 'chai';
import type { Decoded } from '../../../ingest/codecs/decoded.ts';
import { MappingCodec, type MappingSurroundings } from '../../../ingest/mappings/codec.ts';
import { shippedMapping } from '../../../ingest/mappings/shipped/index.ts';
import type { ParkId } from '../../../model/ids.ts';
import type { Mapping } from '../../../model/mapping.ts';
import { QUALITY } from '../../../model/quality.ts';

const NOW = Date.UTC(2026, 0, 15, 4);

const aMapping = (id: string, change: Partial<Mapping> = {}): Mapping => ({
  ...{ id, park: 'p-1' as ParkId, name: id, enabled: true, topics: ['gw/{meter}'], meter: '$topic.meter' },
  values: { active_power: { from: 'w', unit: 'W' } },
  ...change,
});

const SURROUNDINGS: MappingSurroundings = {
  meter: (id) => (/^m-[12]$/.test(id) ? { park: (id === 'm-1' ? 'p-1' : 'p-2') as ParkId, units: id === 'm-1' ? { active_power: 'MW' } : {} } : undefined),
  gateway: (id) => (id === 'g-2' ? { park: 'p-2' as ParkId } : undefined),
};

function aCodec(...mappings: readonly Mapping[]): MappingCodec & { readonly faults: string[] } {
  const faults: string[] = [];
  const codec = new MappingCodec({ surroundings: () => SURROUNDINGS, onFault: ({ id }) => void faults.push(id) });
  codec.load(mappings);
  return Object.assign(codec, { faults });
}

const tell = (codec: MappingCodec, topic: string, payload: unknown, gateway: string | null = null): Promise<Decoded> | null =>
  codec.decode({ topic, payload: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)), receivedAt: NOW, gateway });

async function told(codec: MappingCodec, topic: string, payload: unknown, gateway: string | null = null): Promise<Decoded> {
  const answer = tell(codec, topic, payload, gateway);
  if (answer === null) throw new Error('the topic was not taken');
  return answer;
}

describe('ingest/mappings, as a codec', () => {
  it('leaves topics alone that no enabled mapping takes', () => {
    const codec = aCodec(aMapping('a'), aMapping('b', { topics: ['other/{meter}'], enabled: false }));
    expect(tell(codec, 'elsewhere/x', {})).to.equal(null);
    expect(tell(codec, 'other/x', {})).to.equal(null);
    expect(codec.topics).to.deep.equal(['gw/+']);
  });

  it('gives values in the unit of the meter’s record, and the park for which they may be', async () => {
    const codec = aCodec(aMapping('a'));
    const decoded = await told(codec, 'gw/m-1', { w: 1500 });
    expect(decoded.park).to.equal('p-1');
    expect(decoded.frames).to.deep.equal([{ meter: 'm-1', ts: null, values: { active_power: 0.0015 }, where: '' }]);
    expect((await told(codec, 'gw/m-9', { w: 1500 })).frames[0]?.values).to.deep.equal({ active_power: 1.5 });
  });

  it('gives what a DL/T 645 frame says in the standard’s units, whatever the meter’s record says', async () => {
    const mapping = { ...shippedMapping('dlt645-frame'), park: 'p-1' as ParkId };
    const surroundings: MappingSurroundings = { ...SURROUNDINGS, meter: () => ({ park: 'p-1' as ParkId, units: { active_energy_import: 'Wh' } }) };
    const codec = new MappingCodec({ surroundings: () => surroundings, onFault: () => {} });
    codec.load([mapping]);
    const payload = Buffer.from('fefefe6812345678901268910833333433ab896745cc16', 'hex');
    const decoded = await codec.decode({ topic: 'dlt645/dtu-1/frame', payload, receivedAt: NOW, gateway: null });
    // 123456.78 kWh.
    expect(decoded?.frames[0]?.values).to.deep.equal({ active_energy_import: 123_456_780 });
  });

  it('passes on flags and backfill', async () => {
    const codec = aCodec(aMapping('a', { flag: { from: 'q', map: { bad: 'fault' } }, backfill: 'late', time: 'ts' }));
    const decoded = await told(codec, 'gw/m-9', { w: 1, q: 'bad', late: true, ts: NOW - 5 });
    expect(decoded.frames).to.deep.equal([
      { meter: 'm-9', ts: NOW - 5, values: { active_power: 0.001 }, flags: { active_power: QUALITY.fault }, backfill: true, where: '' },
    ]);
  });

  it('says in a sentence which expression failed, where, and what would be right; the rest of the message is kept', async () => {
    const codec = aCodec(aMapping('a', { each: 'items', meter: 'id', values: { active_power: { from: 'w', unit: 'W' }, frequency: 'f * 2' } }));
    const decoded = await told(codec, 'gw/x', { items: [{ id: 'm-9', w: 'much', f: 25 }, { id: 'm-8', w: 5, f: 'x' }, { w: 1 }] });
    expect(decoded.frames.map(({ meter, values, where }) => [meter, values, where])).to.deep.equal([
      ['m-9', { frequency: 50 }, '[0]'],
      ['m-8', { active_power: 0.005 }, '[1]'],
    ]);
    expect(decoded.refusals.map(({ reason, count }) => [reason, count])).to.deep.equal([
      ['not-a-number', 1],
      ['mapping-failed', 1],
      ['no-meter', 1],
    ]);
    expect(decoded.refusals[0]?.detail).to.equal(
      'mapping a, values.active_power of item [0] (w): found the text "much"; expected a number, with its unit behind it if it has one, e.g. 12.4 kW',
    );
    expect(decoded.refusals[1]?.detail).to.match(/^mapping a, values\.frequency of item \[1\] \(f \* 2, character 3\): found .*; expected /);
  });

  it('keeps the order of messages, whatever their expressions take', async () => {
    const codec = aCodec(aMapping('slow', { topics: ['slow/{meter}'], when: '$count([1..20000]) > 0' }), aMapping('fast'));
    const order: string[] = [];
    await Promise.all(['slow/a', 'gw/b', 'slow/c', 'gw/d'].map((topic) => tell(codec, topic, { w: 1 })?.then(() => order.push(topic))));
    expect(order).to.deep.equal(['slow/a', 'gw/b', 'slow/c', 'gw/d']);
  });

  it('asks the next mapping of the topic where `when` is not true, and understands what none of them wants', async () => {
    const codec = aCodec(aMapping('a', { when: 'kind = "a"' }), aMapping('b', { when: 'kind = "b"', values: { frequency: 'w' } }));
    expect((await told(codec, 'gw/m-9', { kind: 'b', w: 50 })).frames[0]?.values).to.deep.equal({ frequency: 50 });
    expect(await told(codec, 'gw/m-9', { kind: 'c' })).to.deep.equal({
      ...{ frames: [], refusals: [], statuses: [], understood: true, park: 'p-1' },
      leftOut: { mapping: 'a', notes: [{ kind: 'not-taken', name: null, meter: null, count: 1, value: { kind: 'c' } }], unnoted: 0, isWhole: true },
    });
  });

  it('understands a message of which it ignores everything on purpose, and refuses one in which there is nothing', async () => {
    const codec = aCodec(aMapping('a', { named: { from: '$', others: 'ignore' } }));
    for (const payload of [{ battery: 3 }, { active_power: null }]) {
      expect(await told(codec, 'gw/m-9', payload)).to.deep.include({ frames: [], refusals: [], understood: true });
    }
    expect((await told(codec, 'gw/m-9', {})).refusals.map(({ reason }) => reason)).to.deep.equal(['empty']);
    const spoilt = await told(codec, 'gw/m-9', { battery: 3, active_power: 'much' });
    expect([spoilt.refusals.map(({ reason }) => reason), spoilt.understood]).to.deep.equal([['not-a-number'], undefined]);
  });

  it('tells what it leaves out, names that nobody mapped apart from known ones without a value', async () => {
    const codec = aCodec(aMapping('a', { named: { from: 'v', others: 'ignore', names: { kw: 'active_power' } }, missing: [9999] }));
    const notes = async (payload: object) => {
      const { leftOut } = await told(codec, 'gw/m-9', payload);
      return leftOut && [leftOut.isWhole, leftOut.notes.map(({ kind, name, meter, value }) => [kind, name, meter, value])];
    };
    expect(await notes({ v: { kw: 3 } })).to.equal(undefined);
    expect(await notes({ v: { kw: 3, rssi: -7 } })).to.deep.equal([false, [['not-mapped', 'rssi', 'm-9', -7]]]);
    expect(await notes({ v: { rssi: -7 } })).to.deep.equal([
      true,
      [
        ['not-mapped', 'rssi', 'm-9', -7],
        ['nothing-mapped', null, 'm-9', { rssi: -7 }],
      ],
    ]);
    expect(await notes({ v: { kw: 9999, rssi: -7 } })).to.deep.equal([
      false,
      [
        ['no-value', 'kw', 'm-9', 9999],
        ['not-mapped', 'rssi', 'm-9', -7],
        ['nothing-measured', null, 'm-9', { kw: 9999, rssi: -7 }],
      ],
    ]);
    expect(await notes({ w: null, v: {} })).to.deep.equal([
      false,
      [
        ['no-value', 'active_power', 'm-9', null],
        ['nothing-measured', null, 'm-9', {}],
      ],
    ]);
    // Few devices have every value that a mapping knows.
    expect(await notes({ v: { kw: 3 }, w: 5 })).to.equal(undefined);
    expect((await told(codec, 'gw/m-9', { v: null })).leftOut?.isWhole).to.equal(false);
  });

  it('refuses an item of which it does not know one name where `others` is refuse-whole, so that it can be replayed', async () => {
    const codec = aCodec(aMapping('a', { each: 'items', meter: 'id', named: { from: 'v', others: 'refuse-whole' } }));
    const items = [{ v: { rssi: 1, kWh: 2 } }, { v: { rssi: 1, active_power: 5 } }, { v: { rssi: 1, active_power: null } }];
    const decoded = await told(codec, 'gw/x', { items: items.map((item) => ({ id: 'm-9', ...item })) });
    expect(decoded.refusals).to.deep.equal([
      {
        reason: 'unknown-quantity',
        detail:
          'mapping a, named.from of item [0] (v): found only the names "rssi", "kWh"; expected a quantity of the catalogue, or what the name means under "named.names"',
        count: 2,
      },
    ]);
    expect(decoded.frames.map(({ where }) => where)).to.deep.equal(['[1]']);
    expect(decoded.leftOut?.notes.map(({ kind, name, count }) => [kind, name, count])).to.deep.equal([
      ['not-mapped', 'rssi', 3],
      ['not-mapped', 'kWh', 1],
      ['no-value', 'active_power', 1],
      ['nothing-measured', null, 1],
    ]);
  });

  it('tells each name once a message, and no more than a hundred of them', async () => {
    const codec = aCodec(aMapping('a', { each: 'items', meter: 'id', named: { from: 'v', others: 'ignore' } }));
    const items = Array.from({ length: 150 }, (_, at) => ({ id: at < 149 ? 'm-8' : 'm-9', v: { rssi: at, [`x${at}`]: 1 } }));
    const { leftOut } = await told(codec, 'gw/x', { items });
    const [first] = leftOut?.notes ?? [];
    expect(first).to.deep.equal({ kind: 'not-mapped', name: 'rssi', meter: 'm-9', count: 150, value: 149 });
    expect([leftOut?.notes.filter(({ kind }) => kind === 'not-mapped').length, leftOut?.unnoted]).to.deep.equal([100, 51]);
    expect(leftOut?.notes.filter(({ kind }) => kind === 'nothing-mapped').map(({ meter, count }) => [meter, count])).to.deep.equal([
      ['m-8', 149],
      ['m-9', 1],
    ]);
  });

  it('knows whose a message is of which nothing is kept, by its meter', async () => {
    const change: Partial<Mapping> = { named: { from: '$', others: 'ignore' } };
    const codec = aCodec(aMapping('a', change), aMapping('a', { ...change, park: 'p-2' as ParkId }));
    expect(await told(codec, 'gw/m-2', { rssi: 1 }))
      .to.include({ park: 'p-2' })
      .and.not.to.have.property('shared');
    expect(await told(codec, 'gw/m-9', { rssi: 1 })).to.include({ park: 'p-1', shared: true });
    const declined = aCodec(aMapping('a', { when: 'false' }), aMapping('a', { when: 'false', park: 'p-2' as ParkId }));
    expect(await told(declined, 'gw/m-2', { w: 1 })).to.include({ shared: true });
    expect(await told(declined, 'gw/m-2', { w: 1 }, 'g-2'))
      .to.include({ park: 'p-2' })
      .and.not.to.have.property('shared');
  });

  it('tells of mappings that were changed or are gone, and of no others', () => {
    const told: string[] = [];
    const codec = new MappingCodec({ surroundings: () => SURROUNDINGS, onFault: () => {}, onChange: ({ id }, isGone) => void told.push(`${id} ${isGone}`) });
    codec.load([aMapping('a'), aMapping('b'), aMapping('c')]);
    codec.load([aMapping('a'), aMapping('b', { when: 'true' }), aMapping('d')]);
    expect(told).to.deep.equal(['b false', 'c true']);
  });

  it('leaves the topics of `except` alone, whatever their payload', async () => {
    const codec = aCodec(aMapping('a', { topics: ['gw/#'], except: ['gw/+/set', 'gw/bridge/#'], meter: '$topic.rest' }));
    for (const topic of ['gw/m-9/set', 'gw/bridge', 'gw/bridge/a/b']) {
      expect(await told(codec, topic, 'not json')).to.deep.equal({ frames: [], refusals: [], statuses: [], understood: true });
    }
    expect((await told(codec, 'gw/m-9', { w: 1 })).frames).to.have.length(1);
    expect(codec.topics).to.deep.equal(['gw/#']);
  });

  it('takes, of two parks that map the same topics, the one that the gateway or the meter belongs to', async () => {
    const codec = aCodec(aMapping('a'), aMapping('a', { park: 'p-2' as ParkId }));
    expect((await told(codec, 'gw/m-1', { w: 1 })).park).to.equal('p-1');
    expect((await told(codec, 'gw/m-2', { w: 1 })).park).to.equal('p-2');
    expect((await told(codec, 'gw/m-1', { w: 1 }, 'g-2')).park).to.equal('p-2');
  });

  it('says that nobody knows whose a message is where several parks map its topic and it names a meter of none of them', async () => {
    const elsewhere = { park: 'p-2' as ParkId };
    const codec = aCodec(aMapping('a'), aMapping('a', elsewhere));
    for (const [topic, payload] of [
      ['gw/m-9', { w: 1 }],
      ['gw/m-1', 'not json'],
    ] as const)
      expect((await told(codec, topic, payload)).shared, topic).to.equal(true);
    expect((await told(codec, 'gw/m-2', { w: 1 })).shared).to.equal(undefined);
    expect((await told(codec, 'gw/m-9', { w: 1 }, 'g-2')).shared).to.equal(undefined);
    // One that leaves the topic alone does not take it, nor do two of one park differ about whose it is.
    const alone = aCodec(aMapping('a', { topics: ['gw/#'], except: ['gw/+'] }), aMapping('a', elsewhere), aMapping('b', elsewhere));
    expect(await told(alone, 'gw/m-9', { w: 1 }))
      .to.include({ park: 'p-2' })
      .and.not.to.have.property('shared');
  });

  it('rests a mapping that does not end, refuses its messages meanwhile, and goes on with the others', async () => {
    const codec = aCodec(aMapping('endless', { topics: ['e/{meter}'], when: '($f := function($n) { $f($n + 1) }; $f(0))' }), aMapping('good'));
    const first = await told(codec, 'e/m-9', { w: 1 });
    expect(first.refusals[0]).to.include({ reason: 'mapping-failed' });
    const from = performance.now();
    const rest = await Promise.all(Array.from({ length: 500 }, () => told(codec, 'e/m-9', { w: 1 })));
    expect(performance.now() - from).to.be.below(1000);
    for (const { refusals } of rest) expect(refusals[0]?.detail).to.match(/ran too long/);
    expect((await told(codec, 'gw/m-9', { w: 1 })).frames).to.have.length(1);
  });

  it('tells of a stored mapping that cannot be compiled, and works with the others', async () => {
    const codec = aCodec(aMapping('broken', { meter: '((' }), aMapping('good'));
    expect(codec.faults).to.deep.equal(['broken']);
    expect((await told(codec, 'gw/m-9', { w: 1 })).frames).to.have.length(1);
  });

  it('takes what the registry holds now, and says when the filters changed', async () => {
    const codec = aCodec(aMapping('a'));
    expect(codec.load([aMapping('a', { values: { frequency: 'w' } })])).to.equal(false);
    expect((await told(codec, 'gw/m-9', { w: 50 })).frames[0]?.values).to.deep.equal({ frequency: 50 });
    expect(codec.load([aMapping('a', { topics: ['new/{meter}'] })])).to.equal(true);
    expect(tell(codec, 'gw/m-9', { w: 50 })).to.equal(null);
    expect(codec.load([])).to.equal(true);
    expect(codec.topics).to.deep.equal([]);
  });

  it('reads the payload before the call ends, as it may be a view on a buffer that is used again', async () => {
    const codec = aCodec(aMapping('a'));
    const payload = Buffer.from('{"w":1500}');
    const answer = codec.decode({ topic: 'gw/m-9', payload, receivedAt: NOW, gateway: null });
    payload.fill(0);
    expect((await answer)?.frames[0]?.values).to.deep.equal({ active_power: 1.5 });
  });

  it('counts the values that are in an item of which the meter or the time is not found, not those that the mapping knows', async () => {
    const named = { from: 'more', names: { U: 'voltage_a' }, others: 'refuse' as const };
    const values = { active_power: { from: 'w', missing: [-9999] }, frequency: 'f', power_factor: 'pf', current_a: '$number(i)' };
    const codec = aCodec(aMapping('a', { each: 'items', meter: 'id', time: { from: 't', as: 'seconds' }, values, named }));
    const counts = async (...items: object[]) => (await told(codec, 'gw/x', { items })).refusals.map(({ reason, count }) => [reason, count]);
    expect(await counts({ w: 1 })).to.deep.equal([['no-meter', 1]]);
    expect(await counts({ w: 1, f: 50, pf: null })).to.deep.equal([['no-meter', 2]]);
    expect(await counts({ w: -9999, f: 'x', more: { U: 230, strange: 1, I: null } })).to.deep.equal([['no-meter', 4]]);
    expect(await counts({ id: 'm-9', t: 'noon', w: 1, more: { U: 230 } })).to.deep.equal([['bad-time', 2]]);
    expect(await counts({})).to.deep.equal([['no-meter', 1]]);
    // What an expression fails on is not counted, nor told beside what stopped the item.
    expect(await counts({ w: 1, i: 'x' })).to.deep.equal([['no-meter', 1]]);
    const many = (await told(codec, 'gw/x', { items: Array.from({ length: 100 }, () => ({ w: 1, f: 50 })) })).refusals;
    expect(many.reduce((sum, { count }) => sum + count, 0)).to.equal(200);
  });

  it('names no more than fifty failures of a message, and counts all of them', async () => {
    const codec = aCodec(aMapping('a', { each: 'items', meter: 'id' }));
    const decoded = await told(codec, 'gw/x', { items: Array.from({ length: 12_000 }, () => ({ id: 'm', w: 'x' })) });
    expect(decoded.refusals.length).to.be.at.most(52);
    expect(decoded.refusals.reduce((sum, { count }) => sum + count, 0)).to.equal(12_000);
  });
});
