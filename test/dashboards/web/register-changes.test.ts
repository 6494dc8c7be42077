import { expect } from 'chai';
import type { ModelMeter } from '../../../dashboards/web/live/live-model.ts';
import { instantOf, localTime } from '../../../dashboards/web/local-time.ts';
import type { RegisterChangeJson } from '../../../dashboards/web/rest.ts';
import { atFields, blank, type Declaration, declarationOf, mayDeclare, registerRows, registersOf } from '../../../dashboards/web/views/register-changes.ts';
import { SERVICE_AUTHOR } from '../../../model/service-author.ts';
import { readerFor } from './reader-for.ts';

const AT = '2026-05-11T08:20:00.000+08:00';
const NOW = Date.parse('2026-05-11T10:00:30.250+08:00');

const found = { number: 1, quantity: 'active_energy_import', at: AT, unit: 'kWh', author: SERVICE_AUTHOR, reason: 'in English', notedAt: AT } as const;
const exchange = { ...found, kind: 'exchange', closing: 60_010, opening: 30_000 } as const satisfies RegisterChangeJson;

describe('register changes as a person reads them', () => {
  const rows = (changes: readonly RegisterChangeJson[], language: 'zh-CN' | 'en' = 'en') => registerRows(changes, readerFor(language, NOW));

  it('says in the reader’s words what the service found, in the park’s time and without rounding', () => {
    const [row] = rows([{ ...exchange, closing: 60_010.1234 }], 'zh-CN');
    expect(row).to.deep.include({ time: '2026/05/11 08:20:00', quantity: '正向有功总电能', kindName: '换表', author: '系统自动识别', overruled: false });
    expect(row?.figures).to.deep.equal(['旧表止码 60,010.1234\u00a0kWh', '新表起码 30,000\u00a0kWh']);
    for (const kind of ['reset', 'rollover', 'exchange'] as const) {
      const [told] = rows([kind === 'rollover' ? { ...found, kind, width: 1e6 } : kind === 'reset' ? { ...found, kind } : exchange], 'zh-CN');
      expect(told?.reason, kind).to.match(/^\p{Script=Han}/u);
    }
  });

  it('names the person and gives the reason as the person wrote it', () => {
    const [row] = rows([{ ...found, kind: 'rollover', width: 1e6, author: '王工', reason: '厂家确认' }]);
    expect(row).to.deep.include({ author: '王工', reason: '厂家确认', figures: ['begins again at 1,000,000\u00a0kWh'], open: null });
  });

  it('puts the newest first, and lets the last one noted of a quantity and time overrule those before', () => {
    const others: RegisterChangeJson[] = [
      { ...exchange, number: 4, at: '2026-05-11T00:20:00Z', author: '王工' },
      { ...found, kind: 'reset', number: 3, quantity: 'active_energy_export' },
      { ...found, kind: 'reset', number: 2, at: '2026-05-12T08:20:00.000+08:00' },
    ];
    expect(rows([exchange, ...others]).map(({ number, overruled }) => [number, overruled])).to.deep.equal([
      [2, false],
      [4, false],
      [3, false],
      [1, true],
    ]);
  });

  it('asks for figures where only the service saw an exchange that nobody has explained, at the very instant it noted', () => {
    const at = '2026-05-11T08:20:00.125+08:00';
    const [open] = rows([{ ...exchange, at }]);
    expect(open?.open).to.deep.equal({ quantity: 'active_energy_import', at: '2026-05-11T08:20:00.125' });
    expect(rows([exchange, { ...exchange, number: 2, author: '王工' }]).map((row) => row.open)).to.deep.equal([null, null]);
    expect(rows([{ ...found, kind: 'reset' }])[0]?.open).to.equal(null);
  });
});

describe('the registers of a meter', () => {
  it('are the counters it reports, in the catalogue’s order', () => {
    const names = ['active_energy_export', 'active_power', 'active_energy_import'] as const;
    const meter = {
      ...{ id: 'm-1', name: '一号表', nameEn: null, kind: 'electricity', enterprise: null, parent: null, intervalSeconds: 60, newest: NOW },
      values: new Map(names.map((name) => [name, [name, NOW, 1, 'good']])),
    } as unknown as ModelMeter;
    expect(registersOf(meter)).to.deep.equal(['active_energy_import', 'active_energy_export']);
  });
});

describe('the declaration of an exchange', () => {
  const reader = readerFor('en', NOW);
  const filled = (more: Partial<Declaration> = {}): Declaration => ({
    ...{ quantity: 'active_energy_import', at: '2026-05-11T08:20', closing: 60_007, opening: 0, reason: ' 换表 ' },
    ...more,
  });

  it('is open to those who set a park’s terms', () => {
    expect((['operator', 'committee', 'auditor', 'enterprise'] as const).map(mayDeclare)).to.deep.equal([true, true, false, false]);
  });

  it('begins with this minute in the park’s zone and no figures', () => {
    expect(blank('water_volume', reader)).to.deep.equal({ quantity: 'water_volume', at: '2026-05-11T10:00:00', closing: '', opening: '', reason: '' });
  });

  it('is sent with the instant that the park’s clocks showed', () => {
    const sent = { quantity: 'active_energy_import', at: '2026-05-11T00:20:00.000Z', closing: 60_007, opening: 0, reason: '换表' };
    expect(declarationOf(filled(), reader)).to.deep.equal(sent);
  });

  for (const [name, more, field, said] of [
    ['no time', { at: '' }, 'at', 'Give a time that exists.'],
    ['a time in the future', { at: '2026-05-11T10:00:31' }, 'at', 'The time must not be in the future.'],
    ['no closing register', { closing: '' }, 'closing', 'Give a number, zero or more.'],
    ['a negative opening register', { opening: -1 }, 'opening', 'Give a number, zero or more.'],
    ['a register that no meter has', { opening: 1e16 }, 'opening', 'Give a number, zero or more.'],
    ['a reason of blanks', { reason: '   ' }, 'reason', 'Say why, in two characters or more.'],
  ] as const) {
    it(`is held back with ${name}`, () => expect(declarationOf(filled(more), reader)).to.deep.equal({ faults: { [field]: said } }));
  }

  it('shows what the service refuses at the field it is about', () => {
    const fault = (path: string) => ({ path, message: `not ${path}` });
    expect(atFields([fault('body.at'), fault('body'), fault('query.x')])).to.deep.equal({ at: 'not body.at' });
  });
});

describe('a time on the park’s clocks', () => {
  it('is the same instant there and back, to the millisecond', () => {
    for (const zone of ['Asia/Shanghai', 'Europe/Berlin', 'America/St_Johns', 'UTC'])
      for (const ts of [0, NOW, NOW + 0.5 * 366 * 86_400_000, Date.UTC(2026, 2, 29, 0, 59, 59, 7), Date.UTC(2026, 2, 29, 1, 0)])
        expect(instantOf(localTime(ts, zone), zone), `${zone} ${ts}`).to.equal(ts);
  });

  for (const [name, local, expected] of [
    ['does not exist when the clock is put forward', '2026-03-29T02:30', null],
    ['is the first of two when it is put back', '2026-10-25T02:30', '2026-10-25T00:30:00.000Z'],
    ['is none when nothing was filled in', '', null],
  ] as const) {
    it(name, () => {
      const ts = instantOf(local, 'Europe/Berlin');
      expect(ts === null ? null : new Date(ts).toISOString()).to.equal(expected);
    });
  }
});
