import { expect } from 'chai';
import { GatewayBook } from '../../../ingest/gateways/book.ts';
import { GatewayStandings } from '../../../ingest/gateways/standing.ts';
import type { GatewayTraffic } from '../../../ingest/gateways/traffic.ts';
import { SAMPLE_EVERY_MS } from '../../../ingest/recent-counts.ts';
import type { ParkId } from '../../../model/ids.ts';
import type { GatewayStanding } from '../../../model/ingest.ts';
import type { Gateway } from '../../../model/registry.ts';
import { aMeter, NOW } from '../harness.ts';

const MINUTE = 60_000;
const PARK = 'p-1' as ParkId;

describe('how gateways stand', () => {
  let now: number;
  let mono: number;
  let book: GatewayBook;
  let standings: GatewayStandings;
  let nodes: { readonly gateway: string | null; readonly online: boolean }[];

  /** Gateways with the intervals of their meters, in seconds. */
  function open(gateways: Readonly<Record<string, readonly number[]>>, links: Readonly<Record<string, Gateway['link']>> = {}): void {
    now = NOW;
    mono = 5000;
    nodes = [];
    const registered = new Map(
      Object.keys(gateways).map((id) => [id, { id, park: PARK, name: `Name of ${id}`, ...(links[id] === undefined ? {} : { link: links[id] }) } as Gateway]),
    );
    const meters = Object.entries(gateways).flatMap(([gateway, intervals]) =>
      intervals.map((intervalSeconds, at) => aMeter(at, { id: `${gateway}-${at}`, gateway, intervalSeconds })),
    );
    const current = { gateways: [...registered.values()], gateway: (id: string) => registered.get(id), parks: new Map([[PARK, {}]]), metersOf: () => meters };
    book = new GatewayBook({ current }, () => nodes);
    standings = new GatewayStandings({ book, directory: { current }, startedAt: NOW }, mono);
  }
  function pass(ms: number, then: () => void = () => {}): void {
    for (const end = now + ms; now < end; ) {
      then();
      now += SAMPLE_EVERY_MS;
      mono += SAMPLE_EVERY_MS;
      standings.sample(mono);
    }
  }
  function sends(gateway: string | null, change: (traffic: GatewayTraffic) => void = () => {}): void {
    const traffic = book.of(gateway);
    traffic.messages++;
    traffic.lastSeen = now;
    traffic.transport = 'embedded';
    change(traffic);
  }
  const told = <K extends keyof GatewayStanding>(...keys: K[]) => standings.list(now, mono).map((one) => keys.map((key) => one[key]));

  it('is silent after three of its meters’ shortest interval, and not before', () => {
    open({ 'g-1': [300, 60] });
    sends('g-1');
    pass(3 * MINUTE);
    expect(told('state', 'silentAfterSeconds', 'lastSeen')).to.deep.equal([['ok', 180, NOW]]);
    pass(SAMPLE_EVERY_MS);
    expect(told('state')).to.deep.equal([['silent']]);
    sends('g-1');
    expect(told('state')).to.deep.equal([['ok']]);
  });

  it('is silent where nothing has come since the start, once something was due', () => {
    open({ 'g-1': [60] });
    expect(told('state', 'lastSeen')).to.deep.equal([['ok', null]]);
    pass(4 * MINUTE);
    expect(told('state', 'lastSeen')).to.deep.equal([['silent', null]]);
  });

  it('is held while it is made to wait, refused while something of it is, and both pass', () => {
    open({ 'g-1': [] });
    sends('g-1', (traffic) => {
      traffic.held++;
      traffic.refused += 3;
    });
    pass(30_000);
    expect(told('state', 'heldLately', 'refusedLately')).to.deep.equal([['held', 1, 3]]);
    pass(MINUTE);
    expect(told('state', 'heldLately', 'refusedLately')).to.deep.equal([['refused', 0, 3]]);
    pass(5 * MINUTE);
    expect(told('state', 'held', 'refused', 'refusedLately')).to.deep.equal([['ok', 1, 3, 0]]);
  });

  it('tells of the connection what is known: its own, its status topics, its births, or nothing', () => {
    const link = { type: 'sparkplug', group: 'g', node: 'n' } as const;
    open({ own: [], said: [], node: [], unknown: [] }, { node: link });
    for (const id of ['own', 'said', 'node', 'unknown']) sends(id);
    book.of('own').connect();
    book.of('said').said = true;
    nodes = [
      { gateway: 'node', online: false },
      { gateway: null, online: true },
    ];
    const connected = () => Object.fromEntries(told('gateway', 'connected'));
    expect(connected()).to.deep.equal({ own: true, said: true, node: false, unknown: null });
    book.of('own').disconnect();
    expect(connected()).to.deep.equal({ own: false, said: true, node: false, unknown: null });
    expect(told('gateway', 'state')).to.deep.equal([
      ['node', 'offline'],
      ['own', 'offline'],
      ['said', 'ok'],
      ['unknown', 'ok'],
    ]);
  });

  it('stands in a list with trouble on top', () => {
    open({ fine: [3600], new: [], silent: [10], slow: [3600], wrong: [3600] });
    sends('silent');
    pass(MINUTE);
    sends('fine');
    sends('slow', (traffic) => traffic.held++);
    sends('wrong', (traffic) => traffic.refused++);
    expect(told('gateway', 'state')).to.deep.equal([
      ['silent', 'silent'],
      ['slow', 'held'],
      ['wrong', 'refused'],
      ['fine', 'ok'],
      ['new', 'unused'],
    ]);
  });

  it('tells messages per minute of the last five', () => {
    open({ 'g-1': [60] });
    pass(10 * MINUTE, () => sends('g-1'));
    expect(told('messages', 'messagesPerMinute')).to.deep.equal([[60, 6]]);
  });

  it('has one entry for all that nobody registered has vouched for, once there is anything', () => {
    open({ 'g-1': [] });
    sends('g-1');
    expect(told('gateway')).to.deep.equal([['g-1']]);
    sends(null, (traffic) => traffic.refused++);
    sends('invented', (traffic) => traffic.refused++);
    expect(told('gateway', 'name', 'park', 'state', 'messages')).to.deep.equal([
      [null, null, null, 'refused', 2],
      ['g-1', 'Name of g-1', PARK, 'ok', 1],
    ]);
  });

  it('says how a gateway is registered to report before it has', () => {
    open({ 'g-1': [], 'g-2': [] }, { 'g-2': { type: 'hj212', mn: 'x' } as Gateway['link'] });
    expect(told('transport', 'state')).to.deep.equal([
      [null, 'unused'],
      ['hj212', 'unused'],
    ]);
  });
});
