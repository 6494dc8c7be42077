import { expect } from 'chai';
import fc from 'fast-check';
import { invalidRequest } from '../../../api/input.ts';
import { inChinese, sentenceIn } from '../../../dashboards/web/i18n/sentences.ts';
import { type DeviceContext, decodeSegment } from '../../../ingest/codecs/hj212/decode.ts';
import { parseSegment } from '../../../ingest/codecs/hj212/segment.ts';
import { MappingCodec } from '../../../ingest/mappings/codec.ts';
import { SparkplugSessions } from '../../../ingest/sparkplug/sessions.ts';
import type { EnterpriseId, GatewayId, MeterId, ParkId } from '../../../model/ids.ts';
import type { Mapping } from '../../../model/mapping.ts';
import type { Gateway, Meter } from '../../../model/registry.ts';
import { gatewayFaults, meterFaults, type Registered } from '../../../store/registry/references.ts';
import { fuzzRuns } from '../../fuzz-runs.ts';
import { double, encode } from '../../ingest/codecs/sparkplug/payloads.ts';
import { aMeter, aRig, NOW } from '../../ingest/harness.ts';
import { MALFORMED } from '../../ingest/malformed.ts';

/** English words of a sentence that nobody has put into Chinese: what is quoted, in braces or in brackets are names and values. */
const leftOver = (chinese: string): string[] =>
  chinese.replaceAll(/"(?:[^"\\]|\\.)*"|\{[^}]*\}|（[^）]*）|\([^)]*\)/g, '').match(/[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}/g) ?? [];

describe('what the service says of what it refused, in Chinese', () => {
  it('keeps names and values as they are', () => {
    expect(inChinese('meter m-9 is not registered; register it in park north or correct the topic')).to.equal(
      '计量点 m-9 未登记；请在园区 north 登记，或更正主题',
    );
  });

  it('tells several sentences apart, though some have a semicolon inside', () => {
    const text = '"ts" 1767225600 is before the year 2000; expected UTC milliseconds; it looks like seconds, in milliseconds it would be 1767225600000';
    const other = 'at [3]: active_power is the text "much; more"; expected a JSON number';
    expect(inChinese(`${text}; ${other}; 14 in all`)).to.equal(
      '"ts" 1767225600 早于 2000 年；应为 UTC 毫秒；看起来是秒，换成毫秒为 1767225600000；[3] 处：active_power 为文本 "much; more"；应为 JSON 数值；共 14 处',
    );
  });

  it('puts what was found, where and what would be right into Chinese, too', () => {
    const found = 'mapping z2m, meter of item [2] ($topic.name, character 4): found the text "一号插座"';
    const expected = 'expected an id of letters, digits and . _ : -; name the meter of this device under "meters"';
    expect(inChinese(`${found}; ${expected}`)).to.equal(
      '映射 z2m，第 [2] 项的 meter（$topic.name，第 4 个字符）：得到文本 "一号插座"；应为由字母、数字和 . _ : - 组成的编号；请在映射的 "meters" 中指定此设备的计量点',
    );
  });

  it('leaves alone what it does not know, and everything for a reader of English', () => {
    expect(inChinese('something quite new; really')).to.equal('something quite new；really');
    expect(sentenceIn('en', 'starting')).to.equal('starting');
    expect(sentenceIn('zh-CN', 'starting')).to.equal('正在启动');
  });

  it('never throws and never hangs, whatever is refused', function () {
    this.timeout(60_000);
    const words = fc.constantFrom('; ', 'expected ', 'found ', '"', '\\', 'mapping ', ': ', 'at [1]: ', 'is ', 'the text ', '3 in all', 'x');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(words, { maxLength: 40 }).map((all) => all.join('')),
        ),
        (text) => {
          expect(inChinese(text)).to.be.a('string');
        },
      ),
      { numRuns: fuzzRuns(2000) },
    );
  });

  describe('knows the sentences', () => {
    const expectChinese = (details: readonly string[]): void => {
      expect(details).to.have.length.greaterThan(0);
      for (const detail of details) expect(leftOver(inChinese(detail)), `${detail} → ${inChinese(detail)}`).to.deep.equal([]);
    };

    for (const { kind, topic = 'parks/p-1/meters/m-1/readings', payload } of MALFORMED) {
      it(`of the native form: ${kind}`, async () => {
        const rig = aRig({ meters: [aMeter(1)] });
        await rig.send(payload, { topic });
        expectChinese(rig.letters.letters.map(({ detail }) => detail));
      });
    }

    for (const broken of [
      '{"a":1',
      '{a:1}',
      '{"a" 1}',
      '[1 2]',
      '{"a":1,}',
      '"abc',
      '"\\x"',
      '-x',
      '1.',
      '1e',
      '"\u0001"',
      '"\\u12"',
      '[',
      '{} x',
      '[NaN]',
      '[01]',
    ]) {
      it(`of what is no JSON: ${JSON.stringify(broken)}`, async () => {
        const rig = aRig({ meters: [aMeter(1)] });
        await rig.send(broken);
        const [letter] = rig.letters.letters;
        expect(letter?.reason).to.equal('not-json');
        expect(inChinese(letter?.detail ?? '')).to.not.match(/[a-z]+ [a-z]+ [a-z]+/);
      });
    }

    for (const ts of [20260115, 202601151200, 20260115120000]) {
      it(`of the native form: the date ${ts} for a time`, async () => {
        const rig = aRig({ meters: [aMeter(1)] });
        await rig.send({ ts, values: { active_power: 1 } });
        expectChinese(rig.letters.letters.map(({ detail }) => detail));
        expect(inChinese(rig.letters.letters[0]?.detail ?? '')).to.match(/看起来是 YYYYMMDD/);
      });
    }

    it('of what is not registered as it was filled in', async () => {
      const [park, id] = ['p-1' as ParkId, 'm-1' as MeterId];
      const nothing = async () => undefined;
      const registered: Registered = {
        ...{ park: async (named) => (named === park ? {} : undefined), enterprise: nothing, gateway: nothing, meter: async () => ({ park, parent: null }) },
        ...{ formerMeter: async () => ({ park: 'p-2' }), entryProfile: nothing, application: nothing },
        gatewayOfDevice: async (device) => (device.includes('MINE') ? { id: 'gw-1', park } : { id: 'gw-2', park: 'p-2' }),
      };
      const logger = (mn: string): Gateway => ({ id: 'gw-9' as GatewayId, park, name: 'L', link: { type: 'hj212', mn, meter: id } });
      const meter: Meter = {
        ...{ id, park, enterprise: 'e-1' as EnterpriseId, name: 'm', kind: 'electricity', parent: null, multiplier: 1 },
        ...{ gateway: 'gw-1' as GatewayId, intervalSeconds: 60 },
      };
      const refusals = await Promise.all([
        meterFaults(registered, meter),
        meterFaults(registered, { ...meter, park: 'p-3' as ParkId }),
        gatewayFaults(registered, logger('MINE')),
        gatewayFaults(registered, logger('OTHERS')),
      ]);
      for (const faults of refusals) expect(faults).to.not.deep.equal([]);
      expectChinese(refusals.map((faults) => invalidRequest(faults.map(({ path, message }) => ({ path: `body.${path}`, message }))).message));
      for (const detail of [
        'meter "m-1" is registered already; choose another id',
        'gateway "g-1" is registered already; choose another id',
        'there is no unknown meter "m-1"',
        'there is no unknown device "Device A" of the mapping "plugs"',
        'there is no unknown logger "8888"',
        'there is no mapping "plugs" in the park "north"',
      ]) {
        expect(inChinese(detail))
          .to.not.equal(detail)
          .and.to.not.match(/[a-z]{3,} [a-z]{3,}/);
      }
    });

    const mapping = (change: Partial<Mapping>): Mapping => ({
      ...{ id: 'a', park: 'p-1' as ParkId, name: 'a', enabled: true, topics: ['gw/{meter}'], meter: '$topic.meter' },
      values: { active_power: { from: 'w', unit: 'kW' } },
      ...change,
    });
    const mapped: readonly (readonly [string, Partial<Mapping>, unknown])[] = [
      ['not JSON', {}, 'w=1'],
      ['no bytes', {}, ''],
      ['no meter', { meter: 'id' }, { w: 1 }],
      ['a name for a meter', { meter: 'id' }, { id: '一号插座', w: 1 }],
      ['an object for a meter', { meter: 'id' }, { id: {}, w: 1 }],
      ['no value', {}, { v: 1 }],
      ['no items', { each: 'items' }, { v: 1 }],
      ['empty items', { each: 'items' }, { items: [] }],
      ['a text for a number', {}, { w: 'much' }],
      ['a truth value', {}, { w: true }],
      ['an uncertain comma', {}, { w: '1,234' }],
      ['groups of digits', {}, { w: '1,23,4.5' }],
      ['a strange unit', {}, { w: '12 furlongs' }],
      ['an unknown word', { values: { active_power: { from: 'w', map: { on: 1, off: 0 } } } }, { w: 'dim' }],
      ['an unknown flag', { flag: { from: 'f', map: { ok: 'good' } } }, { w: 1, f: 'odd' }],
      ['a time that is none', { time: 't' }, { w: 1, t: 'yesterday' }],
      ['no time', { time: { from: 't', required: true } }, { w: 1 }],
      ['a time without a zone', { time: 't' }, { w: 1, t: '2026-01-15 12:00:00' }],
      ['a compact time', { time: 't' }, { w: 1, t: 20260115120000 }],
      ['a time of another form', { time: { from: 't', as: 'YYYY-MM-DD HH:mm:ss' }, zone: 'Asia/Shanghai' }, { w: 1, t: '15.01.2026' }],
      ['a name that nothing is', { values: {}, named: { from: 'v', others: 'refuse' } }, { v: { colour: 1 } }],
      ['no object of names', { values: {}, named: { from: 'v' } }, { v: 5 }],
    ];
    for (const [kind, change, message] of mapped) {
      it(`of a mapping: ${kind}`, async () => {
        const codec = new MappingCodec({
          surroundings: () => ({ meter: () => undefined, gateway: () => undefined }),
          onFault: (_, error) => expect.fail(String(error)),
        });
        codec.load([mapping(change)]);
        const payload = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
        const decoded = await codec.decode({ topic: 'gw/m-1', payload, receivedAt: NOW, gateway: null });
        expectChinese(decoded?.refusals.map(({ detail }) => detail) ?? []);
      });
    }

    const device: DeviceContext = {
      ...{ park: 'p-1' as ParkId, link: { type: 'hj212', mn: 'L1', meter: 'm-1' as MeterId } },
      ...{ meter: () => ({ kind: 'stack' }), instant: (wall) => wall },
    };
    for (const cp of [
      'CN=2011;CP=&&DataTime=20261301080000;a01012-Rtd=1&&',
      'CN=2011;CP=&&DataTime=20260101080000&&',
      'CN=2051;CP=&&a01012-Avg=1&&',
      'CN=2021;CP=&&DataTime=20260101080000&&',
      'CN=1072;CP=&&&&',
      'CN=3015;CP=&&&&',
      'CN=9998;CP=&&&&',
      'CN=2011;CP=&&DataTime=20260101080000;zz9999-Rtd=1&&',
      'CN=2011;CP=&&DataTime=20260101080000;a21028-Rtd=1&&',
      'CN=2011;CP=&&DataTime=20260101080000;-Rtd=5&&',
      'CN=2011;CP=&&DataTime=20260101080000;a01012-Rtd 121&&',
      'CN=2011;CP=&&DataTime=20260101080000;a01012-Rtd=much&&',
      'CN=2011;CP=&&DataTime=20260101080000;a01012-Xyz=1&&',
      'CN=2011;CP=&&DataTime=20260101080000;a01012-Rtd=1,a01012-Rtd=2&&',
    ]) {
      it(`of HJ 212: ${cp}`, () => {
        const decoded = decodeSegment(parseSegment(`QN=20260101080000000;ST=31;PW=x;MN=L1;Flag=5;${cp}`), device);
        expectChinese(decoded.refusals.map(({ detail }) => detail));
      });
    }

    it('of HJ 212: what a command is, whichever it is', () => {
      for (let cn = 1000; cn < 10_000; cn++) {
        const { refusals } = decodeSegment(parseSegment(`QN=20260101080000000;ST=31;PW=x;MN=L1;Flag=5;CN=${cn};CP=&&&&`), device);
        for (const { detail } of refusals) expect(inChinese(detail), detail).to.not.match(/[（(][^）)]*[a-z]{3,}/);
      }
    });

    it('of Sparkplug B', () => {
      const sessions = new SparkplugSessions({ current: { gateways: [], meter: () => undefined } }, { reorderMs: 1000, rebirthEveryMs: 10_000 });
      const take = (topic: string, payload: Uint8Array, retained = false) =>
        sessions.take({ topic, payload, receivedAt: NOW, gateway: null, retained }).decoded.refusals.map(({ detail }) => detail);
      expectChinese(take('spBv1.0/park/DDATA/node-1/', encode({ timestamp: NOW, metrics: [], seq: 0 })));
      expectChinese(take('spBv1.0/park/NBIRTH/node-1', encode({ timestamp: NOW, metrics: [], seq: 0 }), true));
      expectChinese(take('spBv1.0/park/DDATA/node-1/d 1', encode({ timestamp: NOW, metrics: [double('active_power', 1)], seq: 0 })));
      expectChinese(take('spBv1.0/park/DDATA/node-1/d-1', encode({ timestamp: NOW, metrics: [{ alias: 7, doubleValue: 1 }], seq: 1 })));
    });
  });
});
