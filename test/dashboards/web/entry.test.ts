import { expect } from 'chai';
import type { Assessment } from '../../../dashboards/web/rest.ts';
import { criterionRows, judgedRows } from '../../../dashboards/web/views/entry.ts';
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
