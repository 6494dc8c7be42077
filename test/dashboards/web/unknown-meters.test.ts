import { expect } from 'chai';
import type { ReplayReport, UnknownMeter } from '../../../dashboards/web/rest.ts';
import { foundBy, lastMessage, loggerRecordOf, measured, recordOf, registeredTold, suggestion } from '../../../dashboards/web/views/unknown-meters.ts';
import type { GatewayId, MeterId } from '../../../model/ids.ts';
import { readerFor } from './reader-for.ts';

const [zh, en] = [readerFor('zh-CN', 0), readerFor('en', 0)];
type Meter = UnknownMeter & { readonly kind: 'meter' };
const seen = (seconds: number, count: number, more: Partial<Meter> = {}): Meter => ({
  ...{
    kind: 'meter',
    meter: 'm-9',
    park: 'p-1',
    topics: [],
    transport: 'mqtt',
    gateway: 'g-1',
    suggested: [],
    suggestedKind: 'water',
    payload: '',
    payloadLength: 0,
  },
  ...{ firstSeen: new Date(0).toISOString(), lastSeen: new Date(seconds * 1000).toISOString(), count },
  ...more,
});

describe('the registration of an unknown meter', () => {
  it('suggests the usual interval that is nearest to what was seen', () => {
    for (const [seconds, count, interval] of [
      [0, 1, 60],
      [0, 5, 1],
      [50, 11, 5],
      [620, 11, 60],
      [8000, 11, 900],
      [1e7, 2, 86_400],
    ] as const) {
      expect(suggestion(seen(seconds, count)).intervalSeconds, `${seconds} s, ${count} messages`).to.equal(interval);
    }
  });

  it('suggests the kind of what the meter measures, and electricity where nobody knows', () => {
    expect(suggestion(seen(0, 1)).kind).to.equal('water');
    expect(suggestion(seen(0, 1, { suggestedKind: null })).kind).to.equal('electricity');
  });

  it('names what is measured in the reader’s language, and as the message does where that differs', () => {
    expect(measured('zh-CN', 'active_power', 'active_power')).to.equal('有功功率');
    expect(measured('en', 'P_total', 'active_power')).to.equal('Active power (P_total)');
    expect(measured('en', 'P_total', null)).to.equal('P_total');
  });

  it('suggests an id for a device whose name is none', () => {
    const { kind: _, ...common } = seen(0, 1, { meter: '一号插座' });
    expect(suggestion({ ...common, kind: 'device', mapping: 'plugs', suggestedId: 'plugs-1a2b3c' as MeterId })).to.include({
      id: 'plugs-1a2b3c',
      name: '一号插座',
    });
  });

  it('of a data logger is that of a gateway with its password, and its meter', () => {
    const { kind: _, ...common } = seen(0, 1, { meter: '8888', park: null, suggestedKind: 'stack' });
    const filled = suggestion({ ...common, kind: 'logger', suggestedId: '8888' as GatewayId });
    expect(filled).to.include({ id: '8888-1', gateway: '8888', kind: 'stack', park: '', password: '' });
    const meter = { id: '8888-1', name: '8888', kind: 'stack', multiplier: 1, intervalSeconds: 60, parent: null, enterprise: null };
    const record = loggerRecordOf({ ...filled, park: 'p-1', password: 'abc123' });
    expect(record).to.deep.equal({ park: 'p-1', gateway: { id: '8888', name: '8888' }, password: 'abc123', meter });
  });

  it('becomes a record of the meter’s park and gateway, of the park itself where no enterprise was chosen', () => {
    const filled = suggestion(seen(0, 1));
    expect(recordOf(seen(0, 1), filled)).to.deep.equal({
      ...{ id: 'm-9', name: 'm-9', kind: 'water', multiplier: 1, intervalSeconds: 60 },
      ...{ park: 'p-1', gateway: 'g-1', parent: null, enterprise: null },
    });
    expect(recordOf(seen(0, 1), { ...filled, enterprise: 'e-1' }).enterprise).to.equal('e-1');
  });
});

describe('the list of unknown meters', () => {
  it('is searched by what ids and topics hold, in either case, and whole where nothing was typed', () => {
    const list = [seen(0, 1, { meter: 'Boiler-1', topics: ['plant/heat'] }), seen(0, 1, { meter: 'm-2', topics: ['plant/x', 'shed/BOILER'] }), seen(0, 1)];
    const found = (search: string) => foundBy(list, search).map(({ meter }) => meter);
    expect(found('  ')).to.deep.equal(['Boiler-1', 'm-2', 'm-9']);
    expect(found(' boiler ')).to.deep.equal(['Boiler-1', 'm-2']);
    expect(found('heat')).to.deep.equal(['Boiler-1']);
    expect(found('none')).to.deep.equal([]);
  });

  it('shows the last message as text, else as bytes, and says when that is its beginning only', () => {
    const message = (bytes: Buffer, payloadLength = bytes.length) => lastMessage(seen(0, 1, { payload: bytes.toString('base64'), payloadLength }), en);
    expect(message(Buffer.from('{"功率":1}'))).to.deep.equal({ shown: '{"功率":1}', cut: null });
    expect(message(Buffer.from([0xff, 0, 0x10]))).to.deep.equal({ shown: 'ff 00 10', cut: null });
    // Kept up to the middle of a character.
    const kept = Buffer.from('表'.repeat(2000)).subarray(0, 4096);
    const { shown, cut } = message(kept, 6000);
    expect([shown.slice(0, 2), shown.length < 4096, cut]).to.deep.equal(['表表', true, 'The message has 6,000 bytes; only its beginning is shown.']);
  });

  it('tells of a registration what was stored, and what was kept and cannot be', () => {
    const none: ReplayReport = { letters: 0, messages: 0, accepted: 0, partly: 0, refused: 0, leftOut: 0, cut: 0, notOriginal: 0, already: 0, failed: 0 };
    expect(registeredTold('m-9', { ...none, accepted: 2, partly: 1 }, zh)).to.equal('m-9 已登记，补录 3 条消息。');
    expect(registeredTold('m-9', { ...none, letters: 2, cut: 2 }, zh)).to.equal(
      'm-9 已登记，补录 0 条消息。另有 2 条保留的消息过长，未能完整保存，无法补录，请重新发送。',
    );
    expect(registeredTold('m-9', { ...none, leftOut: 2 }, zh)).to.equal(
      'm-9 已登记，补录 0 条消息。2 条的内容映射全部未采用，未入库：补全映射后，请在“被拒收的消息”中重放。',
    );
    expect(registeredTold('m-9', { ...none, accepted: 1, cut: 1, refused: 3, failed: 4 }, en)).to.equal(
      'm-9 is registered; 1 kept messages are stored. Kept messages too long to be kept whole: 1. They cannot be stored; send them again. ' +
        'Messages refused again: 3; “Refused messages” tells why. Messages that could not be taken now: 4; replay them later under “Refused messages”.',
    );
  });
});
