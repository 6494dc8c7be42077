import { expect } from 'chai';
import fc from 'fast-check';
import type { DecodedFrame } from '../../../ingest/codecs/decoded.ts';
import type { MessageType } from '../../../ingest/codecs/sparkplug/topics.ts';
import { sparkplugReplay } from '../../../ingest/sparkplug/replay.ts';
import { SparkplugSessions, type Taken } from '../../../ingest/sparkplug/sessions.ts';
import type { SparkplugLink } from '../../../model/gateway-link.ts';
import { QUALITY } from '../../../model/quality.ts';
import type { Gateway } from '../../../model/registry.ts';
import { fuzzRuns } from '../../fuzz-runs.ts';
import { bdSeq, double, encode, type MetricIn, quality } from '../codecs/sparkplug/payloads.ts';
import { NOW } from '../harness.ts';

const REBIRTH = 'spBv1.0/park/NCMD/node-1';

function directoryOf(link: Partial<SparkplugLink> | null, meters: readonly string[] = []) {
  const gateway = { id: 'g-1', park: 'p-1', name: 'Node', link: { type: 'sparkplug', group: 'park', node: 'node-1', ...link } } as unknown as Gateway;
  return { gateways: link === null ? [] : [gateway], meter: (id: string) => (meters.includes(id) ? {} : undefined) };
}

interface Sent {
  readonly device?: string;
  readonly seq?: number;
  readonly metrics?: readonly MetricIn[];
  readonly at?: number;
  readonly timestamp?: number;
  readonly gateway?: string;
  readonly retained?: boolean;
  readonly node?: string;
}

/** Sessions, and an edge node that numbers its messages itself. */
function aNode(link: Partial<SparkplugLink> | null = {}, meters: readonly string[] = ['d-1', 'd-2', 'own']) {
  const directory = { current: directoryOf(link, meters) };
  const sessions = new SparkplugSessions(directory, { reorderMs: 1000, rebirthEveryMs: 10_000 });
  let next = 0;
  const send = (type: MessageType, { device, seq, metrics = [], at = 0, timestamp = NOW, gateway, retained, node = 'node-1' }: Sent = {}): Taken => {
    if (type === 'NBIRTH') next = 0;
    const number = type === 'NDEATH' ? undefined : (seq ?? next++ & 255);
    const payload = encode({ timestamp, metrics, ...(number === undefined ? {} : { seq: number }) });
    const topic = `spBv1.0/park/${type}/${node}${device === undefined ? '' : `/${device}`}`;
    return sessions.take({ topic, payload, receivedAt: NOW + at, gateway: gateway ?? null, ...(retained === undefined ? {} : { retained }) });
  };
  return {
    directory,
    sessions,
    send,
    /** Its next message never arrives. */
    lose: () => void next++,
    nodeBirth: (more: Sent = {}) => send('NBIRTH', { ...more, metrics: more.metrics ?? [bdSeq(0)] }),
    deviceBirth: (device: string, metrics: readonly MetricIn[] = [double('active_power', 1, { alias: 1 })], more: Sent = {}) =>
      send('DBIRTH', { ...more, device, metrics }),
  };
}

const framesOf = ({ decoded }: Taken) =>
  decoded.frames.map(({ meter, ts, values, flags, backfill }: DecodedFrame) => ({ meter, ts, values: { ...values }, flags: { ...flags }, backfill }));
const reasons = ({ decoded }: Taken) => decoded.refusals.map(({ reason, count }) => [reason, count]);
const asked = ({ commands }: Taken) => commands.map(({ topic }) => topic);

describe('ingest/sparkplug, one of several hosts on a broker', () => {
  it('passes over the nodes that no gateway of its parks is, and asks nothing of them', () => {
    const node = { timestamp: NOW, metrics: [double('active_power', 5)], seq: 7 };
    const say = (sessions: SparkplugSessions, group: string, gateway: string | null = null) =>
      sessions.take({ topic: `spBv1.0/${group}/NDATA/node-1`, payload: encode(node), receivedAt: NOW, gateway });
    const shared = new SparkplugSessions({ current: directoryOf({}, ['node-1']) }, {}, true);
    const foreign = say(shared, 'elsewhere');
    expect([foreign.isReport, foreign.decoded.refusals, foreign.commands]).to.deep.equal([false, [], []]);
    expect(shared.nodes()).to.deep.equal([]);
    expect(say(shared, 'park').isReport).to.equal(true);
    expect(say(shared, 'elsewhere', 'g-1').isReport, 'a gateway that signed in here').to.equal(true);
    expect(say(new SparkplugSessions({ current: directoryOf({}, ['node-1']) }), 'elsewhere').isReport, 'the only host').to.equal(true);
  });
});

describe('ingest/sparkplug, births and data', () => {
  it('a birth carries values; data name them by alias and take their datatype from it', () => {
    const node = aNode();
    node.nodeBirth();
    const birth = node.deviceBirth('d-1', [{ name: 'temperature', alias: 3, datatype: 3, intValue: 0xfffffffb }]);
    expect(framesOf(birth)).to.deep.equal([{ meter: 'd-1', ts: NOW, values: { temperature: -5 }, flags: {}, backfill: false }]);
    expect(birth).to.deep.include({ gateway: 'g-1', commands: [] });
    expect(birth.decoded.park).to.equal('p-1');
    expect(birth.decoded.statuses).to.deep.equal([{ meter: 'd-1', online: true }]);
    const data = node.send('DDATA', { device: 'd-1', metrics: [{ alias: 3, intValue: 0xfffffffa, timestamp: NOW + 7 }] });
    expect(framesOf(data)).to.deep.equal([{ meter: 'd-1', ts: NOW + 7, values: { temperature: -6 }, flags: {}, backfill: false }]);
  });

  it('metrics of one message are grouped by their time, history apart', () => {
    const node = aNode();
    node.nodeBirth();
    node.deviceBirth('d-1');
    const metrics = [
      double('active_power', 1, { timestamp: NOW }),
      double('voltage_a', 2, { timestamp: NOW }),
      double('active_power', 3, { timestamp: NOW - 1000, isHistorical: true }),
      double('voltage_a', 4, { timestamp: NOW - 1000, isHistorical: true }),
      double('current_a', 5),
    ];
    expect(framesOf(node.send('DDATA', { device: 'd-1', metrics, timestamp: NOW })).map(({ ts, values, backfill }) => [ts, values, backfill])).to.deep.equal([
      [NOW, { active_power: 1, voltage_a: 2, current_a: 5 }, false],
      [NOW - 1000, { active_power: 3, voltage_a: 4 }, true],
    ]);
    expect(node.sessions.stats.historical).to.equal(2);
  });

  it('null and stale values are no readings and no faults; a bad one is stored with its flag', () => {
    const node = aNode();
    node.nodeBirth();
    node.deviceBirth('d-1');
    const metrics = [
      { name: 'active_power', datatype: 10, isNull: true },
      double('voltage_a', 230, quality(500)),
      double('voltage_b', 231, quality(0)),
      double('voltage_c', 232, quality(192)),
      double('current_a', 5, quality(64)),
    ];
    const taken = node.send('DDATA', { device: 'd-1', metrics });
    expect(framesOf(taken)[0]).to.deep.include({
      values: { voltage_b: 231, voltage_c: 232, current_a: 5 },
      flags: { voltage_b: QUALITY.fault, current_a: QUALITY.fault },
    });
    expect(reasons(taken)).to.deep.equal([]);
    expect(node.sessions.stats).to.include({ nulls: 1, stale: 1 });
  });

  it('controls, texts and truth values that nobody asked for are passed over; a text for a quantity is refused', () => {
    const node = aNode();
    node.nodeBirth({ metrics: [bdSeq(0), { name: 'Node Control/Rebirth', datatype: 11, booleanValue: false }] });
    const metrics = [
      { name: 'Properties/Make', datatype: 12, stringValue: 'ACME' },
      { name: 'Breaker', datatype: 11, booleanValue: true },
      { name: 'voltage_a', datatype: 12, stringValue: '230' },
    ];
    const birth = node.deviceBirth('d-1', metrics);
    expect(reasons(birth)).to.deep.equal([['not-a-number', 1]]);
    expect(birth.decoded.refusals[0]?.detail).to.match(/^metric "voltage_a" is of datatype String \("230"\)/);
    expect(node.sessions.stats.passedOver).to.equal(4);
  });

  it('a second value for the same time is refused, as nobody knows which one holds', () => {
    const node = aNode({ metrics: { P: { quantity: 'active_power' } } });
    node.nodeBirth();
    const taken = node.deviceBirth('d-1', [double('P', 1), double('active_power', 2)]);
    expect(reasons(taken)).to.deep.equal([['repeated-key', 1]]);
    expect(framesOf(taken)[0]?.values).to.deep.equal({ active_power: 1 });
  });

  it('an alias that a birth gives to two metrics stands for neither', () => {
    const node = aNode();
    node.nodeBirth();
    node.deviceBirth('d-1', [double('active_power', 1, { alias: 1 }), double('voltage_a', 2, { alias: 1 })]);
    const taken = node.send('DDATA', { device: 'd-1', metrics: [{ alias: 1, doubleValue: 3 }] });
    expect(taken.decoded.refusals[0]).to.deep.include({ reason: 'no-birth', count: 1 });
    expect(taken.decoded.refusals[0]?.detail).to.match(/stands for two metrics/);
  });

  it('a name like __proto__ is a name like any other', () => {
    const node = aNode(null);
    node.nodeBirth();
    const [frame] = node.deviceBirth('d-1', [double('__proto__', 1), double('constructor', 2)]).decoded.frames;
    expect(Object.keys(frame?.values ?? {})).to.deep.equal(['__proto__', 'constructor']);
  });
});

describe('ingest/sparkplug, links', () => {
  const cases: readonly { readonly name: string; readonly link: Partial<SparkplugLink>; readonly metric: string; readonly expected: unknown }[] = [
    { name: 'the quantity of its name in the meter of the device’s id', link: {}, metric: 'active_power', expected: ['d-1', { active_power: 10 }] },
    { name: 'the device’s meter', link: { devices: { 'd-1': 'm-7' } as never }, metric: 'active_power', expected: ['m-7', { active_power: 10 }] },
    { name: 'another quantity', link: { metrics: { 'P/total': { quantity: 'active_power' } } }, metric: 'P/total', expected: ['d-1', { active_power: 10 }] },
    {
      name: 'scale and offset',
      link: { metrics: { P: { quantity: 'active_power', scale: 0.5, offset: 3 } } },
      metric: 'P',
      expected: ['d-1', { active_power: 8 }],
    },
    {
      name: 'a meter of its own',
      link: { metrics: { P: { quantity: 'active_power', meter: 'm-9' as never } } },
      metric: 'P',
      expected: ['m-9', { active_power: 10 }],
    },
    {
      name: 'what is said for this device before what is said for all',
      link: { metrics: { P: { quantity: 'voltage_a' }, 'd-1/P': { quantity: 'active_power' } } },
      metric: 'P',
      expected: ['d-1', { active_power: 10 }],
    },
    { name: 'nowhere when it is to be ignored', link: { metrics: { active_power: { ignore: true } } }, metric: 'active_power', expected: undefined },
    { name: 'on under its own name, to be refused by the pipeline, when nobody knows it', link: {}, metric: 'Pges', expected: ['d-1', { Pges: 10 }] },
  ];
  for (const { name, link, metric, expected } of cases) {
    it(`a metric goes to ${name}`, () => {
      const node = aNode(link);
      node.nodeBirth();
      const [frame] = framesOf(node.deviceBirth('d-1', [double(metric, 10)]));
      expect(frame === undefined ? undefined : [frame.meter, frame.values]).to.deep.equal(expected);
    });
  }

  it('metrics of the node itself go to the link’s meter; without one, a measured quantity is refused and the rest passed over', () => {
    const metrics = [bdSeq(0), double('active_power', 40), double('Uptime', 5)];
    const named = aNode({ meter: 'own' as never, metrics: { Uptime: { ignore: true } } });
    expect(framesOf(named.nodeBirth({ metrics }))[0]).to.deep.include({ meter: 'own', values: { active_power: 40 } });
    const unnamed = aNode();
    const taken = unnamed.nodeBirth({ metrics });
    expect(reasons(taken)).to.deep.equal([['unknown-meter', 1]]);
    expect(taken.decoded.refusals[0]?.detail).to.match(/set link\.meter/);
  });

  it('a changed link holds from the next message on', () => {
    const node = aNode({ metrics: { P: { quantity: 'active_power' } } });
    node.nodeBirth();
    node.deviceBirth('d-1', [double('P', 1, { alias: 1 })]);
    node.directory.current = directoryOf({ metrics: { P: { quantity: 'active_power', scale: 100 } }, devices: { 'd-1': 'm-2' } as never });
    const taken = node.send('DDATA', { device: 'd-1', metrics: [{ alias: 1, doubleValue: 2 }] });
    expect(framesOf(taken)[0]).to.deep.include({ meter: 'm-2', values: { active_power: 200 } });
  });

  it('a node that no gateway is linked with: its devices are meters of their own id, for whoever looks for unknown meters', () => {
    const node = aNode(null);
    const birth = node.nodeBirth({ metrics: [bdSeq(0), double('temperature', 1)] });
    expect(framesOf(birth)[0]).to.deep.include({ meter: 'node-1' });
    const device = node.deviceBirth('meter 7', [double('active_power', 1)]);
    expect(device).to.include({ gateway: null });
    expect(device.decoded.park).to.equal(undefined);
    expect(reasons(device)).to.deep.equal([['unknown-meter', 1]]);
    expect(framesOf(node.deviceBirth('m-7', [double('Pges', 1)]))[0]).to.deep.include({ meter: 'm-7', values: { Pges: 1 } });
  });

  it('a gateway that signed in may not speak for another’s node', () => {
    const node = aNode();
    const taken = node.nodeBirth({ gateway: 'g-2' });
    expect(reasons(taken)).to.deep.equal([['gateway-not-allowed', 1]]);
    expect(node.sessions.nodes()).to.deep.equal([]);
    expect(reasons(node.nodeBirth({ gateway: 'g-1' }))).to.deep.equal([]);
  });

  it('remembers strangers only so far', () => {
    const node = aNode(null);
    for (let at = 0; at < 400; at++) node.send('NBIRTH', { node: `n-${at}`, metrics: [bdSeq(0), ...Array.from({ length: 20 }, (_, i) => double(`m${i}`, i))] });
    const names = node.sessions.nodes().map((state) => state.node);
    expect(names).to.have.length(256);
    expect(names.at(-1)).to.equal('n-399');
    const many = Array.from({ length: 3000 }, (_, i) => double(`x${i}`, i));
    const taken = node.send('NBIRTH', { node: 'n-399', metrics: many });
    expect(reasons(taken)).to.deep.equal([['too-large', 1000]]);
    expect(Object.keys(taken.decoded.frames[0]?.values ?? {})).to.have.length(3000);
    for (let at = 0; at < 150; at++) node.send('DBIRTH', { node: 'n-399', device: `d${at}` });
    expect(node.sessions.nodes().at(-1)?.devices).to.have.length(100);
  });
});

describe('ingest/sparkplug, sequence and rebirth', () => {
  it('counts to 255 and then from 0 again', () => {
    const node = aNode();
    node.nodeBirth();
    for (let at = 0; at < 600; at++) expect(asked(node.send('NDATA', { at }))).to.deep.equal([]);
    expect(node.sessions.due(NOW + 1e6)).to.deep.equal([]);
    expect(node.sessions.stats).to.include({ gaps: 0, repeats: 0 });
  });

  it('asks for a rebirth when a missing message does not come in time, and not again at once', () => {
    const node = aNode();
    node.nodeBirth();
    node.deviceBirth('d-1');
    node.lose();
    const after = node.send('DDATA', { device: 'd-1', metrics: [{ alias: 1, doubleValue: 9 }] });
    expect(framesOf(after)[0]?.values, 'what did come is taken').to.deep.equal({ active_power: 9 });
    expect(node.sessions.due(NOW + 999)).to.deep.equal([]);
    expect(node.sessions.due(NOW + 1000).map(({ topic }) => topic)).to.deep.equal([REBIRTH]);
    expect(node.sessions.stats).to.include({ gaps: 1, messagesLost: 1, rebirthsAsked: 1 });
    expect(node.sessions.due(NOW + 2000)).to.deep.equal([]);
    node.send('NDATA', { at: 3000 });
    expect(node.sessions.due(NOW + 4000), 'too soon').to.deep.equal([]);
    expect(node.sessions.due(NOW + 11_000), 'still not answered').to.have.length(1);
    node.nodeBirth({ at: 12_000 });
    node.deviceBirth('d-1', undefined, { at: 12_000 });
    expect(node.sessions.due(NOW + 60_000)).to.deep.equal([]);
  });

  it('asks for a rebirth soon also when the clock is set back meanwhile', () => {
    const node = aNode();
    node.nodeBirth();
    node.lose();
    node.send('NDATA');
    const back = -7_200_000;
    expect(node.sessions.due(NOW + back)).to.have.length(1);
    node.send('NDATA', { at: back + 500 });
    node.lose();
    node.send('NDATA', { at: back + 1000 });
    expect(node.sessions.due(NOW + back + 20_000)).to.have.length(1);
  });

  it('is content when the missing message comes late', () => {
    const node = aNode();
    node.nodeBirth();
    node.send('NDATA', { seq: 3 });
    node.send('NDATA', { seq: 1, at: 10 });
    node.send('NDATA', { seq: 2, at: 20 });
    expect(asked(node.send('NDATA', { seq: 4, at: 30 }))).to.deep.equal([]);
    expect(node.sessions.due(NOW + 60_000)).to.deep.equal([]);
    expect(node.sessions.stats).to.include({ gaps: 1, messagesLost: 0, repeats: 0 });
  });

  it('a number that was there already means a node that began anew unheard', () => {
    const node = aNode();
    node.nodeBirth();
    for (let at = 0; at < 5; at++) node.send('NDATA');
    node.send('NDATA', { seq: 2 });
    expect(node.sessions.stats.repeats).to.equal(1);
    expect(node.sessions.due(NOW + 1000)).to.have.length(1);
  });

  it('takes a zero that protobuf 3 leaves out', () => {
    const { sessions } = aNode();
    const take = (type: string, seq?: number) =>
      sessions.take({
        topic: `spBv1.0/park/${type}/node-1`,
        payload: encode(seq === undefined ? { timestamp: NOW } : { timestamp: NOW, seq }),
        receivedAt: NOW,
        gateway: null,
      });
    take('NBIRTH');
    for (let seq = 1; seq < 256; seq++) take('NDATA', seq);
    take('NDATA');
    take('NDATA', 1);
    expect(sessions.stats).to.include({ gaps: 0 });
  });

  const early: readonly { readonly name: string; readonly run: (node: ReturnType<typeof aNode>) => Taken }[] = [
    { name: 'node data', run: (node) => node.send('NDATA', { metrics: [{ alias: 1, intValue: 1 }] }) },
    { name: 'device data', run: (node) => node.send('DDATA', { device: 'd-1', metrics: [{ alias: 1, intValue: 1 }] }) },
    {
      name: 'data of a device without its birth',
      run: (node) => {
        node.nodeBirth();
        return node.send('DDATA', { device: 'd-1', metrics: [{ alias: 1, intValue: 1 }] });
      },
    },
    {
      name: 'an alias that no birth named',
      run: (node) => {
        node.nodeBirth();
        node.deviceBirth('d-1');
        return node.send('DDATA', { device: 'd-1', metrics: [{ alias: 2, intValue: 1 }] });
      },
    },
    {
      name: 'data after the device’s death',
      run: (node) => {
        node.nodeBirth();
        node.deviceBirth('d-1');
        node.send('DDEATH', { device: 'd-1' });
        return node.send('DDATA', { device: 'd-1', metrics: [{ alias: 1, intValue: 1 }] });
      },
    },
  ];
  for (const { name, run } of early) {
    it(`${name}: refused, and the node is asked for its births`, () => {
      const node = aNode();
      const taken = run(node);
      expect(reasons(taken)).to.deep.equal([['no-birth', 1]]);
      expect(asked(taken)).to.deep.equal([REBIRTH]);
      expect(node.sessions.stats.rebirthsAsked).to.equal(1);
    });
  }

  it('data that name their metrics and datatypes are taken before the birth as well', () => {
    const node = aNode();
    const taken = node.send('DDATA', { device: 'd-1', metrics: [double('active_power', 4), { name: 'voltage_a', intValue: 4 }] });
    expect(framesOf(taken)[0]?.values).to.deep.equal({ active_power: 4 });
    expect(reasons(taken)).to.deep.equal([['no-birth', 1]]);
    expect(asked(taken)).to.deep.equal([REBIRTH]);
  });

  it('commands and the STATE of a host are not for it', () => {
    const node = aNode();
    expect(node.send('NCMD').isReport).to.equal(false);
    expect(node.sessions.take({ topic: 'spBv1.0/STATE/other', payload: Buffer.from('ONLINE'), receivedAt: NOW, gateway: null }).isReport).to.equal(false);
    expect(node.sessions.nodes()).to.deep.equal([]);
    expect(node.sessions.stats.messages.NCMD).to.equal(1);
  });

  it('a birth that the broker kept says nothing of now', () => {
    const node = aNode();
    expect(reasons(node.nodeBirth({ retained: true }))).to.deep.equal([['not-sparkplug', 1]]);
    expect(node.sessions.stats.retained).to.equal(1);
    expect(node.sessions.nodes()).to.deep.equal([]);
  });
});

describe('ingest/sparkplug, deaths', () => {
  const online = ({ sessions }: ReturnType<typeof aNode>) => {
    const [state] = sessions.nodes();
    return [state?.online, ...(state?.devices.map((device) => device.online) ?? [])];
  };

  it('the death of a node is that of its devices; a registered meter is told of', () => {
    const node = aNode({ meter: 'own' as never }, ['own', 'd-1']);
    node.nodeBirth({ metrics: [bdSeq(4), double('temperature', 1)] });
    node.deviceBirth('d-1');
    node.deviceBirth('d-2');
    expect(online(node)).to.deep.equal([true, true, true]);
    const death = node.send('NDEATH', { metrics: [bdSeq(4)], at: 500 });
    expect(death.decoded.statuses).to.deep.equal([
      { meter: 'own', online: false },
      { meter: 'd-1', online: false },
    ]);
    expect(online(node)).to.deep.equal([false, false, false]);
    expect(node.sessions.nodes()[0]?.since).to.equal(NOW + 500);
  });

  for (const [name, metrics] of [
    ['of an earlier session', [bdSeq(3)]],
    ['without its session', []],
  ] as const) {
    it(`a node’s death ${name} changes nothing`, () => {
      const node = aNode();
      node.nodeBirth({ metrics: [bdSeq(4)] });
      const death = node.send('NDEATH', { metrics });
      expect(death.decoded).to.deep.include({ statuses: [], understood: true });
      expect(online(node)).to.deep.equal([true]);
      expect(node.sessions.stats.lateDeaths).to.equal(1);
    });
  }

  it('a host that was away believes no alias and no state of before, and asks for the births', () => {
    const node = aNode();
    node.nodeBirth();
    node.deviceBirth('d-1');
    node.sessions.lostTouch(NOW + 5);
    expect(node.sessions.nodes().map(({ online, devices }) => [online, devices[0]?.online])).to.deep.equal([[false, false]]);
    expect(node.sessions.askAll(NOW + 6).map(({ topic }) => topic)).to.deep.equal([REBIRTH]);
    // The node began anew meanwhile, and the alias means something else.
    const data = node.send('DDATA', { device: 'd-1', metrics: [{ alias: 1, doubleValue: 232 }] });
    expect([framesOf(data), reasons(data)]).to.deep.equal([[], [['no-birth', 1]]]);
    node.nodeBirth();
    node.deviceBirth('d-1', [double('voltage_a', 230, { alias: 1 })]);
    expect(framesOf(node.send('DDATA', { device: 'd-1', metrics: [{ alias: 1, doubleValue: 232 }] }))[0]?.values).to.deep.equal({ voltage_a: 232 });
  });

  it('meters that are in no birth some time after the host is back are gone, and told to be once', () => {
    const node = aNode();
    node.nodeBirth();
    node.deviceBirth('d-1');
    node.deviceBirth('d-2');
    const gone = (at: number) => node.sessions.gone(NOW + at).map(({ meter, gateway, park, online, at: when }) => [meter, gateway, park, online, when - NOW]);
    expect(gone(100_000), 'while the host is there').to.deep.equal([]);
    node.sessions.lostTouch(NOW + 5);
    expect(gone(100_000), 'while the host is away').to.deep.equal([]);
    node.sessions.askAll(NOW + 100_000);
    // The node comes back, and one of its devices.
    node.nodeBirth({ at: 100_001 });
    node.deviceBirth('d-2', undefined, { at: 100_002 });
    expect(gone(129_999)).to.deep.equal([]);
    expect(gone(130_000)).to.deep.equal([['d-1', 'g-1', 'p-1', false, 130_000]]);
    expect(gone(131_000)).to.deep.equal([]);
  });

  it('of meters that another gateway has now, a node that stayed away says nothing', () => {
    const node = aNode();
    node.nodeBirth();
    node.deviceBirth('d-1');
    node.sessions.lostTouch(NOW + 5);
    node.sessions.askAll(NOW + 6);
    node.directory.current = directoryOf({ node: 'node-2' }, ['d-1']);
    expect(node.sessions.gone(NOW + 100_000)).to.deep.equal([]);
  });

  it('a node whose births never tell what it sends is asked no oftener for that', () => {
    const node = aNode();
    let asks = 0;
    for (let second = 0; second < 60; second++) {
      const at = second * 1000;
      if (second === 0) node.nodeBirth({ at });
      const taken = node.send('NDATA', { at, metrics: [double('not_in_any_birth', 1)] });
      asks += taken.commands.length;
      // It obeys at once.
      if (taken.commands.length > 0) node.nodeBirth({ at });
    }
    expect(asks).to.be.within(5, 6);
  });

  it('deaths put out all meters that births named, whatever else was registered since', () => {
    const link = { meter: 'own', metrics: { 'd-1/aux': { meter: 'd-2', quantity: 'active_power' } } } as unknown as Partial<SparkplugLink>;
    const node = aNode(link);
    node.nodeBirth({ metrics: [bdSeq(0), double('active_power', 1)] });
    node.deviceBirth('d-1', [double('active_power', 1), double('aux', 2)]);
    node.directory.current = directoryOf(link, ['d-1', 'd-2', 'own', 'another']);
    node.send('NDATA', { metrics: [double('active_power', 2)] });
    const death = node.send('NDEATH', { metrics: [bdSeq(0)] });
    expect(death.decoded.statuses).to.have.deep.members(['own', 'd-1', 'd-2'].map((meter) => ({ meter, online: false })));
  });

  it('a changed link tells of the meter that a device leaves and the one that it goes to', () => {
    const node = aNode();
    node.nodeBirth();
    node.deviceBirth('d-1');
    node.directory.current = directoryOf({ devices: { 'd-1': 'd-2' } } as unknown as Partial<SparkplugLink>, ['d-1', 'd-2', 'own']);
    expect(node.send('NDATA').decoded.statuses).to.deep.equal([
      { meter: 'd-1', online: false },
      { meter: 'd-2', online: true },
    ]);
    expect(node.send('NDATA').decoded.statuses).to.deep.equal([]);
  });

  it('a device that does not come back behind a rebirth of its node is away', () => {
    const node = aNode();
    node.nodeBirth();
    node.deviceBirth('d-1');
    node.deviceBirth('d-2');
    node.nodeBirth({ at: 100 });
    node.deviceBirth('d-2', undefined, { at: 200 });
    expect(node.send('NDATA', { at: 900 }).decoded.statuses).to.deep.equal([]);
    expect(node.send('NDATA', { at: 1200 }).decoded.statuses).to.deep.equal([{ meter: 'd-1', online: false }]);
  });

  it('a device that is born without its node is not online by that', () => {
    const node = aNode();
    const birth = node.deviceBirth('d-1');
    expect([birth.decoded.statuses, asked(birth)]).to.deep.equal([[], [REBIRTH]]);
  });

  it('a device dies alone', () => {
    const node = aNode();
    node.nodeBirth();
    node.deviceBirth('d-1');
    node.deviceBirth('d-2');
    expect(node.send('DDEATH', { device: 'd-1' }).decoded.statuses).to.deep.equal([{ meter: 'd-1', online: false }]);
    expect(online(node)).to.deep.equal([true, false, true]);
  });

  it('a rebirth in the same session does not put its devices out; a new session does, until their births', () => {
    const node = aNode();
    node.nodeBirth({ metrics: [bdSeq(1)] });
    node.deviceBirth('d-1');
    expect(node.nodeBirth({ metrics: [bdSeq(1)] }).decoded.statuses).to.deep.equal([]);
    expect(node.nodeBirth({ metrics: [bdSeq(2)] }).decoded.statuses).to.deep.equal([{ meter: 'd-1', online: false }]);
    expect(node.deviceBirth('d-1').decoded.statuses).to.deep.equal([{ meter: 'd-1', online: true }]);
  });
});

describe('ingest/sparkplug, dead letters tried again', () => {
  it('are read by the births of now and leave no trace', () => {
    const node = aNode();
    const codec = sparkplugReplay(node.sessions);
    node.nodeBirth();
    node.deviceBirth('d-1');
    const letter = {
      topic: 'spBv1.0/park/DDATA/node-1/d-1',
      payload: encode({ timestamp: NOW, seq: 99, metrics: [{ alias: 1, doubleValue: 4 }] }),
      gateway: 'g-1',
    };
    const before = JSON.stringify([node.sessions.nodes(), node.sessions.stats]);
    const decoded = codec.decode({ ...letter, receivedAt: NOW });
    if (decoded === null || decoded instanceof Promise) throw new Error('not decoded');
    expect({ ...decoded.frames[0]?.values }).to.deep.equal({ active_power: 4 });
    expect(decoded.park).to.equal('p-1');
    expect(JSON.stringify([node.sessions.nodes(), node.sessions.stats])).to.equal(before);
    expect(node.sessions.due(NOW + 1e6)).to.deep.equal([]);
    expect(codec.decode({ ...letter, topic: 'parks/p/x', receivedAt: NOW })).to.equal(null);
  });

  it('by alias from before the last birth stay refused: the alias may have meant something else', () => {
    const node = aNode();
    node.nodeBirth();
    node.deviceBirth('d-1');
    const payload = encode({ timestamp: NOW, metrics: [{ alias: 1, doubleValue: 4 }] });
    const decoded = node.sessions.again({ topic: 'spBv1.0/park/DDATA/node-1/d-1', payload, receivedAt: NOW - 1 });
    expect(decoded?.refusals[0]).to.include({ reason: 'no-birth', count: 1 });
  });
});

describe('ingest/sparkplug, anything at all', () => {
  it('never throws, and never remembers more than it may', function () {
    this.timeout(0);
    const node = aNode({}, ['d-1']);
    const metric = fc.record(
      {
        name: fc.constantFrom('bdSeq', 'active_power', 'x', '__proto__', 'Node Control/Rebirth'),
        alias: fc.nat(5),
        timestamp: fc.nat(),
        datatype: fc.nat(23),
        isHistorical: fc.boolean(),
        isNull: fc.boolean(),
        longValue: fc.nat(),
        doubleValue: fc.double(),
        stringValue: fc.string({ maxLength: 5 }),
      },
      { requiredKeys: [] },
    );
    const payload = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ timestamp: fc.nat(), seq: fc.nat(255), metrics: fc.array(metric, { maxLength: 6 }) }).map((fields) => encode(oneValue(fields))),
      },
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    );
    const part = fc.constantFrom('park', 'node-1', 'n-2', 'd-1', 'd-2', '', '中');
    const type = fc.constantFrom('NBIRTH', 'DBIRTH', 'NDATA', 'DDATA', 'NDEATH', 'DDEATH', 'NCMD', 'STATE', 'X');
    const topic = fc.oneof(
      { weight: 6, arbitrary: fc.tuple(fc.constantFrom('NBIRTH', 'NDATA', 'NDEATH'), part).map(([t, n]) => `spBv1.0/park/${t}/${n}`) },
      { weight: 6, arbitrary: fc.tuple(fc.constantFrom('DBIRTH', 'DDATA', 'DDEATH'), part).map(([t, d]) => `spBv1.0/park/${t}/node-1/${d}`) },
      fc.tuple(part, type, part, part).map((parts) => `spBv1.0/${parts.join('/')}`),
      fc.string({ maxLength: 30 }),
    );
    let at = NOW;
    fc.assert(
      fc.property(topic, payload, fc.constantFrom(null, 'g-1', 'g-2'), (text, bytes, gateway) => {
        at += 100;
        const { decoded, commands } = node.sessions.take({ topic: text, payload: bytes, receivedAt: at, gateway });
        node.sessions.due(at);
        expect(commands.length).to.be.at.most(1);
        expect(decoded.frames.length + decoded.refusals.length + decoded.statuses.length > 0 || decoded.understood === true).to.equal(true);
      }),
      { numRuns: fuzzRuns() },
    );
    expect(node.sessions.nodes().length).to.be.at.most(300);
  });
});

/** protobuf keeps one value of a metric; the encoder refuses more. */
function oneValue(fields: { readonly metrics: readonly MetricIn[] }) {
  const metrics = fields.metrics.map(({ longValue, doubleValue, stringValue, ...metric }) => ({
    ...metric,
    ...(longValue !== undefined ? { longValue } : doubleValue !== undefined ? { doubleValue } : stringValue !== undefined ? { stringValue } : {}),
  }));
  return { ...fields, metrics };
}
