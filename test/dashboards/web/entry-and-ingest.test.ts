import { expect } from 'chai';
import { textIn, wordFor } from '../../../dashboards/web/i18n/text.ts';
import type { Assessment } from '../../../dashboards/web/rest.ts';
import { criterionRows, judgedRows } from '../../../dashboards/web/views/entry.ts';
import { counterName, countersOf, payloadText } from '../../../dashboards/web/views/ingest.ts';
import { REASONS } from '../../../ingest/reject-reasons.ts';
import type { ParkId } from '../../../model/ids.ts';
import type { EntryProfile } from '../../../model/rules.ts';
import { readerFor } from './reader-for.ts';

describe('an application criterion by criterion', () => {
  it('shows thresholds and declarations unrounded, and what was not declared', () => {
    const common = { name: '能耗', unit: 'tce', side: 'at-most', threshold: 0.123456, mandatory: true } as const;
    const assessment: Assessment = {
      outcome: 'refused',
      profile: 'std',
      version: 1,
      criteria: [
        { ...common, criterion: 'a', declared: 0.1234567, met: false },
        { ...common, criterion: 'b', declared: null, met: false },
      ],
    };
    const rows = judgedRows(assessment, undefined, readerFor('en', 0));
    expect(rows.map((row) => [row.required, row.declared, row.result])).to.deep.equal([
      ['at most 0.123456\u00a0tce', '0.1234567\u00a0tce', 'not met'],
      ['at most 0.123456\u00a0tce', 'not declared', 'not met'],
    ]);
  });
});

describe('where a threshold comes from', () => {
  it('is told in words, with what that is worth', () => {
    const criterion = { id: 'a', name: '能耗', unit: '%', side: 'at-least', threshold: 40, mandatory: true } as const;
    const profile = { id: 'std', name: '标准', version: 1, criteria: [{ ...criterion, source: { text: 'HJ 274-2015', confidence: 'from memory' } }] };
    const sources = (['zh-CN', 'en'] as const).map((language) => criterionRows({ ...profile, park: 'p' as ParkId } as EntryProfile, readerFor(language, 0))[0]);
    expect(sources.map((row) => [row?.required, row?.source])).to.deep.equal([
      ['不低于 40%', 'HJ 274-2015（凭记忆，未核对原文）'],
      ['at least 40%', 'HJ 274-2015 (from memory, not checked)'],
    ]);
  });
});

describe('the state of ingest', () => {
  it('reads the service’s own counters out of its metrics', () => {
    const metrics =
      '# HELP greenpark_x\ngreenpark_messages_total{outcome="ok",transport="mqtt"} 12\nnodejs_heap 5\ngreenpark_wait_bucket{le="1"} 3\ngreenpark_pending 0\n';
    expect(countersOf(metrics)).to.deep.equal([
      { name: 'greenpark_messages_total', labels: 'outcome=ok, transport=mqtt', value: 12 },
      { name: 'greenpark_pending', labels: '', value: 0 },
    ]);
  });

  it('names counters in words, and by their own name where there is none', () => {
    const counter = { name: 'greenpark_ingest_rejects_total', labels: 'reason=not-json', value: 1 };
    expect(counterName(counter, textIn('zh-CN'))).to.equal('拒收 · 不是 JSON');
    expect(counterName(counter, textIn('en'))).to.equal('Refused · not JSON');
    expect(counterName({ ...counter, name: 'greenpark_new_thing', labels: 'kind=x' }, textIn('zh-CN'))).to.equal('new_thing · x');
  });

  it('has a Chinese word for every reason to refuse', () => {
    const text = textIn('zh-CN');
    expect(REASONS.filter((reason) => wordFor(text, 'ingest.reason', reason) === reason)).to.deep.equal([]);
  });

  it('takes no name for a word that only every object has', () => {
    expect(wordFor(textIn('en'), 'ingest.part', 'constructor')).to.equal('constructor');
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
});
