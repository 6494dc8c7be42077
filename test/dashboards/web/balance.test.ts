import { expect } from 'chai';
import type { LiveModel } from '../../../dashboards/web/live/live-model.ts';
import type { BalanceJson } from '../../../dashboards/web/rest.ts';
import { balanceViews, hasBelow } from '../../../dashboards/web/views/balance.ts';
import type { MeterId } from '../../../model/ids.ts';
import { readerFor } from './reader-for.ts';

const NOW = Date.parse('2026-05-11T10:00:00+08:00');
const model = {
  meters: new Map([
    ['top', { id: 'top', name: '总表', nameEn: 'Main', parent: null }],
    ['load', { id: 'load', name: '车间', nameEn: 'Workshop', parent: 'top' }],
  ]),
} as unknown as LiveModel;
const part = (meter: string, side: 'in' | 'out', amount: number) => ({ meter: meter as MeterId, flow: 'consumption', side, amount, estimated: false }) as const;
const exceeded: BalanceJson = {
  ...{ carrier: 'electricity', unit: 'kWh', from: '2026-05-11T00:00:00+08:00', to: '2026-05-11T09:59:00+08:00', tolerance: 0.02 },
  ...{ in: 12_000, out: 15_000, remainder: -3000, is: 'exceeded', parts: [part('top', 'in', 12_000), part('load', 'out', 15_000)], unread: ['gone'] },
};

describe('a balance as a person reads it', () => {
  it('has one unit throughout, names for meters, and says what is wrong in the reader’s words', () => {
    const [view] = balanceViews([exceeded], model, readerFor('zh-CN', NOW));
    expect(view).to.deep.include({ carrier: '电力', span: '2026/05/11 00:00:00 至 2026/05/11 09:59:00', unread: [{ id: 'gone', name: 'gone' }] });
    expect(
      view?.sides.map(({ name, total, parts }) => [name, total.text, total.unit, parts.map((one) => `${one.name} ${one.amount.text} ${one.amount.unit}`)]),
    ).to.deep.equal([
      ['流入合计', '12.00', 'MWh', ['总表 12.00 MWh']],
      ['流出合计', '15.00', 'MWh', ['车间 15.00 MWh']],
    ]);
    expect(view?.remainder).to.deep.include({ is: 'exceeded', name: '分表之和超过总表', share: '-20.0%', amount: { text: '-3.00', unit: 'MWh' } });
    expect(view?.remainder.meaning).to.contain('2%').and.contain('倍率');
  });

  it('has no share where nothing flowed', () => {
    const [view] = balanceViews([{ ...exceeded, in: 0, out: 0, remainder: 0, is: 'balanced', parts: [] }], model, readerFor('en', NOW));
    expect(view?.remainder).to.deep.include({ share: '', name: 'balanced' });
  });

  it('is shown for meters that have others under them', () => {
    const of = (id: string) => hasBelow(model.meters.get(id as MeterId) as NonNullable<ReturnType<typeof model.meters.get>>, model);
    expect([of('top'), of('load')]).to.deep.equal([true, false]);
  });
});
