import { expect } from 'chai';
import { textIn, wordFor } from '../../../dashboards/web/i18n/text.ts';
import type { GatewayJson, IngestStateJson, ReplayReport } from '../../../dashboards/web/rest.ts';
import { emptySearch, filterOf, lengthTold, payloadText, replayTold, together, REASONS as WORDED } from '../../../dashboards/web/views/dead-letters.ts';
import { gatewayRow } from '../../../dashboards/web/views/gateways.ts';
import { countRows, oldestWait, queueRows, stageRows } from '../../../dashboards/web/views/ingest.ts';
import { REASONS } from '../../../ingest/reject-reasons.ts';
import { GATEWAY_STATES, STAGES } from '../../../model/ingest.ts';
import { readerFor } from './reader-for.ts';

const [zh, en] = [readerFor('zh-CN', 0), readerFor('en', 0)];
const AT = Date.UTC(2026, 0, 15, 4);

describe('a gateway in the operator’s list', () => {
  const gateway: GatewayJson = {
    ...{ gateway: 'gw-1', park: null, name: '北区网关', state: 'ok', transport: 'embedded', connected: true, silentAfterSeconds: 15 },
    ...{ lastSeen: new Date(AT - 65_000).toISOString(), messages: 1200, readings: 4800, bytes: 1, refused: 0, leftOut: 0, held: 0, tolerated: 0 },
    ...{ messagesPerMinute: 6.04, refusedLately: 0, heldLately: 0 },
  };
  const row = (over: Partial<GatewayJson> = {}, reader = en) => gatewayRow({ ...gateway, ...over }, AT, reader);

  it('is told with when it was seen by the service’s clock and in the park’s zone', () => {
    const { name, id, transport, state, connection, seen, seenAt, rate } = row();
    expect({ name, id, transport, state, connection, seen, seenAt, rate }).to.deep.equal({
      ...{ name: '北区网关', id: 'gw-1', transport: 'built-in broker', state: 'working', connection: 'connected', rate: '6.0' },
      ...{ seen: '65 s ago', seenAt: '15/01/2026, 11:58:55' },
    });
    expect(row({}, zh).seen).to.equal('65 秒前');
  });

  it('is never only a colour: each state has a word in both languages', () => {
    for (const state of GATEWAY_STATES)
      expect(
        [row({ state }).state, row({ state }, zh).state].every((word) => word.length > 1),
        state,
      ).to.equal(true);
    expect(GATEWAY_STATES.map((state) => row({ state }).weight)).to.deep.equal(['bad', 'warn', 'warn', 'warn', 'good', 'none']);
  });

  it('says for how long nothing may come before it is silent, and nothing twice', () => {
    expect(row({ state: 'silent' }).connection).to.equal('nothing for 15 s');
    expect(row({ state: 'offline', connected: false }).connection).to.equal(null);
    expect(row({ state: 'refused', connected: false }).connection).to.equal('offline');
    expect(row({ connected: null }).connection).to.equal(null);
  });

  it('says what happened lately beside what has happened since the start', () => {
    const told = row({ refused: 12_345, refusedLately: 3, held: 40, heldLately: 2 });
    expect([told.refused, told.refusedLately, told.held, told.heldLately]).to.deep.equal(['12,345', '3 in 5 min', '40', '2 in 1 min']);
  });

  it('says how many of its messages were left out, where some were', () => {
    expect([row().leftOut, row({ leftOut: 1200 }).leftOut, row({ leftOut: 5 }, zh).leftOut]).to.deep.equal([null, '1,200 left out', '另有 5 条未采用']);
  });

  it('was never seen, or is everybody else', () => {
    expect(row({ lastSeen: null, transport: null, messagesPerMinute: 0 })).to.include({
      seen: 'none since the start',
      seenAt: null,
      transport: '–',
      rate: '0',
    });
    expect(row({ gateway: null, name: null }, zh)).to.include({ name: '其他来源', id: '未登记或无法确认身份' });
  });
});

describe('the state of ingest', () => {
  const state: IngestStateJson = {
    full: false,
    messages: { accepted: 1000, partly: 0, refused: 2, duplicate: 0, leftOut: 3, failed: 0 },
    readings: { fresh: 4000, late: 0, duplicate: 0 },
    flagged: { range: 1, stuck: 2 },
    rejects: { 'not-json': 2 },
    retries: { store: 0, deadLetters: 5 },
    messagesPerMinute: 60,
    pending: { messages: 3, readings: 12, decoding: 1, deadLetters: 2, deadLetterBytes: 100 },
    bounds: { messages: 100_000, readings: 500_000, deadLetterBytes: 1 << 20 },
    oldestUnacknowledgedSeconds: 0,
    lastCommitAt: null,
    stages: STAGES.map((stage) => ({ stage, seconds: 1, items: 10, itemsPerMinute: 0, busy: 0 })),
    spool: { readings: 7, bytes: 3 << 20, limitBytes: 1024 << 20, oldestTs: null, refusal: null },
  };

  it('shows every queue with what waits and at how much senders are held back', () => {
    expect(queueRows(state, en).map(({ name, waiting, bound }) => [name, waiting, bound])).to.deep.equal([
      ['Messages that wait for a mapping', '1', null],
      ['Messages not committed', '3', 'at most 100,000'],
      ['Readings not committed', '12', 'at most 500,000'],
      ['Dead letters not written', '2', null],
      ['Readings in the spool', '7', '3.00\u00a0MB of 1,024\u00a0MB'],
    ]);
    expect(queueRows({ ...state, spool: null }, zh)).to.have.length(4);
  });

  it('shows what one message or reading took at each stage, in a unit that can be read', () => {
    const of = (itemsPerMinute: number, busy: number) =>
      stageRows({ ...state, stages: [{ stage: 'store', seconds: 1, items: 1, itemsPerMinute, busy }] }, en).map(({ name, perMinute, each, busy: share }) => [
        name,
        perMinute,
        each,
        share,
      ])[0];
    expect(of(0, 0)).to.deep.equal(['Store', '0', '–', '0.0%']);
    expect(of(6_000_000, 0.5)).to.deep.equal(['Store', '6,000,000', '5.00\u00a0µs', '50.0%']);
    expect(of(2.5, 0.01)).to.deep.equal(['Store', '2.5', '240.0\u00a0ms', '1.0%']);
    expect(stageRows(state, zh).map(({ name }) => name)).to.deep.equal(['解码', '校验', '告警与实况', '核对迟到读数', '写入存储', '写入磁盘缓冲', '缓冲回填']);
  });

  it('says for how long the oldest message waits, and when that is long', () => {
    expect(oldestWait(state, en)).to.deep.equal({ text: 'no message waits for its acknowledgement', isLong: false });
    expect(oldestWait({ ...state, oldestUnacknowledgedSeconds: 0.05 }, zh)).to.deep.equal({ text: '最久的消息已等待确认 50.00\u00a0ms', isLong: false });
    expect(oldestWait({ ...state, oldestUnacknowledgedSeconds: 600 }, zh)).to.deep.equal({ text: '最久的消息已等待确认 10.00\u00a0min', isLong: true });
  });

  it('counts what happened, in words, and passes over what never did', () => {
    expect(countRows(state, zh).map(({ name, count }) => [name, count])).to.deep.equal([
      ['消息 · 全部接收', '1,000'],
      ['消息 · 拒收', '2'],
      ['消息 · 未采用', '3'],
      ['读数 · 最新', '4,000'],
      ['带质量标记 · 超量程', '1'],
      ['带质量标记 · 数值不变', '2'],
      ['拒收 · 不是 JSON', '2'],
      ['重试写入 · 死信库', '5'],
    ]);
  });
});

describe('refused messages', () => {
  it('have a Chinese word for every reason, and are searched by each', () => {
    const text = textIn('zh-CN');
    for (const group of ['ingest.reason', 'ingest.advice'] as const) {
      expect(REASONS.filter((reason) => wordFor(text, group, reason) === reason)).to.deep.equal([]);
    }
    expect([...WORDED].sort()).to.deep.equal([...REASONS].sort());
  });

  it('take no name for a word that only every object has', () => {
    expect(wordFor(textIn('en'), 'ingest.part', 'constructor')).to.equal('constructor');
  });

  it('are searched by what was filled in, with times as the zone’s clock shows them', () => {
    const search = { ...emptySearch(), gateway: ' gw-1 ', topic: 'zigbee2mqtt/', from: '2026-01-15T12:00', to: '2026-01-15T13:00:30' };
    expect(filterOf(search, 'Asia/Shanghai')).to.deep.equal({
      ...{ gateway: 'gw-1', topic: 'zigbee2mqtt/', state: 'waiting' },
      ...{ from: String(AT), to: String(AT + 3_630_000) },
    });
    expect(filterOf({ ...emptySearch(), state: '' }, 'Asia/Shanghai')).to.deep.equal({});
  });

  it('are searched by the right instant also beside a change of the clock', () => {
    // Berlin sets its clock from 2:00 to 3:00 on 29 March 2026 at 1:00 UTC, and back from 3:00 to 2:00 on 25 October at 1:00 UTC.
    for (const [wall, utc] of [
      ['2026-03-29T01:59', '2026-03-29T00:59:00Z'],
      ['2026-03-29T03:00', '2026-03-29T01:00:00Z'],
      ['2026-10-25T03:00', '2026-10-25T02:00:00Z'],
      ['2026-10-25T01:30', '2026-10-24T23:30:00Z'],
    ] as const)
      expect(filterOf({ ...emptySearch(), from: wall }, 'Europe/Berlin')?.from, wall).to.equal(String(Date.parse(utc)));
    // No clock shows it: a search without it would find more than was asked for.
    for (const field of ['from', 'to'] as const) expect(filterOf({ ...emptySearch(), [field]: '2026-03-29T02:30' }, 'Europe/Berlin'), field).to.equal(null);
  });

  const report: ReplayReport = { letters: 5, messages: 4, accepted: 1200, partly: 0, refused: 2, leftOut: 0, cut: 1, notOriginal: 0, already: 0, failed: 0 };

  it('are replayed with the outcome told, and what did not happen left out', () => {
    expect(replayTold(report, en)).to.equal('Letters tried again: 5; messages: 4; 1,200 accepted, 2 refused again, 1 cut and not tried.');
    expect(replayTold(report, zh)).to.equal('已重放 5 条记录（4 条消息）：全部接收 1,200，仍被拒收 2，报文不完整、无法重放 1。');
    expect(replayTold({ ...report, refused: 0, leftOut: 2 }, zh)).to.include('映射全部未采用 2');
    expect(replayTold({ ...report, letters: 0 }, en)).to.equal('There is nothing to replay.');
  });

  it('that are replayed in several parts are told as one', () => {
    expect(together([report, report])).to.deep.include({ letters: 10, accepted: 2400, refused: 4 });
    expect(together([])).to.deep.include({ letters: 0, messages: 0 });
  });

  for (const [name, bytes, expected] of [
    ['text as text', Buffer.from('{"温度": 1}'), '{"温度": 1}'],
    ['binary as hex', Buffer.from([0, 255, 16]), '00 ff 10'],
    ['text with control characters as hex', Buffer.from('a\u0001'), '61 01'],
    ['nothing as nothing', Buffer.alloc(0), ''],
  ] as const) {
    it(`shows a refused payload: ${name}`, () => expect(payloadText(bytes.toString('base64'))).to.equal(expected));
  }

  it('cuts a very long payload', () => {
    expect(payloadText(Buffer.from('好'.repeat(9000)).toString('base64')).length).to.be.at.most(4000);
  });

  it('says that a refused message was cut when it was kept, or is longer than what is shown', () => {
    const told = (payloadLength: number, keptLength = payloadLength) => lengthTold({ payloadLength, keptLength }, readerFor('en', 0));
    expect([told(4000), told(4001), told(20_000, 16_384), told(3000, 10)]).to.deep.equal([
      null,
      'The message has 4,001 bytes; only its beginning is shown. The export has all of it.',
      'Of the message’s 20,000 bytes only the first 16,384 were kept. It cannot be replayed; send it again.',
      'Of the message’s 3,000 bytes only the first 10 were kept. It cannot be replayed; send it again.',
    ]);
  });
});
