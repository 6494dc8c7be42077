import { expect } from 'chai';
import type { LeftOutJson } from '../../../dashboards/web/rest.ts';
import { leftOutGroups } from '../../../dashboards/web/views/left-out.ts';
import { LEFT_OUT_KINDS } from '../../../model/ingest.ts';
import { readerFor } from './reader-for.ts';

const [zh, en] = [readerFor('zh-CN', 0), readerFor('en', 0)];

const one = (change: Partial<LeftOutJson> = {}): LeftOutJson => ({
  ...{ park: 'north' as never, mapping: 'lora', kind: 'not-mapped', name: 'kWh', meter: 'm-1', topic: 'up/m-1', count: 1200, sample: '12.5' },
  ...{ firstSeen: '2026-01-15T12:00:00+08:00', lastSeen: '2026-01-15T12:00:05+08:00', suggested: null, isRegistered: true, lastReading: null },
  ...change,
});

describe('what mappings leave out, on the operator’s page', () => {
  it('is told by kind, that which needs somebody first and open, each with what is to be done', () => {
    const items = [...LEFT_OUT_KINDS].reverse().map((kind) => one({ kind }));
    for (const reader of [zh, en]) {
      const groups = leftOutGroups(items, reader);
      expect(groups.map(({ kind, isOpen }) => [kind, isOpen])).to.deep.equal([
        ['nothing-mapped', true],
        ['not-taken', true],
        ['not-mapped', true],
        ['nothing-measured', false],
        ['no-value', false],
      ]);
      for (const { title, advice } of groups) expect([title.length > 3, advice.length > 20], title).to.deep.equal([true, true]);
      expect(groups[2]?.advice).to.include('named.names');
    }
    expect(leftOutGroups([one()], en).map(({ kind }) => kind)).to.deep.equal(['not-mapped']);
  });

  const row = (change: Partial<LeftOutJson> = {}, reader = en) => leftOutGroups([one(change)], reader)[0]?.rows[0];

  it('names the quantity that a name probably means, and where it was seen', () => {
    const { subject, suggested, source, standing, count, seen, sample } = row({ suggested: 'active_energy_import' }) ?? {};
    expect({ subject, suggested, source, standing, count, seen, sample }).to.deep.equal({
      ...{ subject: 'kWh', suggested: 'probably Active energy, import (active_energy_import)', source: 'm-1', standing: null },
      ...{ count: '1,200', seen: '15/01/2026, 12:00:05', sample: '12.5' },
    });
    expect(row({ park: null })?.park).to.equal('several parks map the topic');
  });

  it('says of a meter whether anything of it was ever stored', () => {
    const whole = { kind: 'nothing-mapped', name: null } as const;
    const told = (change: Partial<LeftOutJson>) => [
      row({ ...whole, ...change })?.subject,
      row({ ...whole, ...change })?.standing,
      row({ ...whole, ...change })?.isLost,
    ];
    expect(told({})).to.deep.equal(['m-1', 'registered, nothing stored yet', true]);
    expect(told({ lastReading: '2026-01-15T11:00:00+08:00' })).to.deep.equal(['m-1', 'newest stored reading 15/01/2026, 11:00:00', false]);
    expect(told({ isRegistered: false })).to.deep.equal(['m-1', 'not registered', false]);
    const items = [one({ ...whole, meter: 'm-2', isRegistered: false }), one(whole)];
    expect(leftOutGroups(items, en)[0]?.rows.map(({ subject }) => subject)).to.deep.equal(['m-1', 'm-2']);
    expect(told({ kind: 'not-taken', meter: null, isRegistered: null })).to.deep.equal(['up/m-1', null, false]);
  });
});
