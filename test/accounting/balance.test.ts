import { expect } from 'chai';
import { type BalancePart, balanceOf, metersBelow, sideOf } from '../../accounting/balance.ts';
import { type MeterInTree, topMeters } from '../../accounting/flows.ts';
import type { MeterId } from '../../model/ids.ts';
import type { MeterKind } from '../../model/meter-kinds.ts';

describe('accounting/balance', () => {
  const part = (side: BalancePart['side'], amount: number): BalancePart => ({ meter: 'm' as MeterId, flow: 'consumption', side, amount, estimated: false });

  it('names what is left over: not metered, within the tolerance, or more below than came in', () => {
    const named = (into: number, out: number) => balanceOf([part('in', into), part('out', out / 2), part('out', out / 2)], 0.02, true);
    expect(named(100, 90)).to.deep.equal({ in: 100, out: 90, remainder: 10, is: 'unmetered' });
    expect(named(100, 98).is).to.equal('balanced');
    expect(named(100, 102).is).to.equal('balanced');
    expect(named(100, 103)).to.deep.equal({ in: 100, out: 103, remainder: -3, is: 'exceeded' });
    expect(named(0, 0).is).to.equal('balanced');
    expect(named(0, 1).is).to.equal('exceeded');
  });

  it('says nothing of it while a meter was not read', () => {
    expect(balanceOf([part('in', 100)], 0.02, false)).to.deep.equal({ in: 100, out: 0, remainder: 100, is: 'unknown' });
  });

  it('counts what is made below a meter, or comes back from there, as what comes in', () => {
    expect((['consumption', 'charge', 'generation', 'discharge', 'export'] as const).map((flow) => [sideOf(flow, true), sideOf(flow, false)])).to.deep.equal([
      ['in', 'out'],
      ['in', 'out'],
      ['out', 'in'],
      ['out', 'in'],
      ['out', 'in'],
    ]);
  });

  it('takes the meters right below, whatever stands between that does not count the carrier', () => {
    const tree = (id: string, parent: string | null, kind: MeterKind = 'electricity'): MeterInTree => ({
      ...{ id: id as MeterId, parent: parent as MeterId | null, kind },
    });
    const meters = [
      tree('top', null),
      tree('main', 'top'),
      tree('pump', 'main'),
      tree('room', 'top', 'weather'),
      tree('lamp', 'room'),
      tree('tap', 'top', 'water'),
    ];
    const of = (id: MeterId) => meters.find((meter) => meter.id === id);
    expect(metersBelow(meters, 'top' as MeterId, 'electricity', of).map(({ id }) => id)).to.deep.equal(['main', 'lamp']);
    expect(metersBelow(meters, 'main' as MeterId, 'electricity', of).map(({ id }) => id)).to.deep.equal(['pump']);
    expect(metersBelow(meters, 'pump' as MeterId, 'electricity', of)).to.deep.equal([]);
    expect(topMeters(meters, { carrier: 'electricity', flow: 'consumption' }, of).map(({ id }) => id)).to.deep.equal(['top']);
  });
});
