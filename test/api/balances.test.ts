import { expect } from 'chai';
import { RegisterChanges } from '../../accounting/register-changes.ts';
import { balancesOf } from '../../api/balances.ts';
import type { BalanceFigure } from '../../api/deps.ts';
import type { EnterpriseId, MeterId, ParkId } from '../../model/ids.ts';
import type { Enterprise, Park, RegisteredMeter } from '../../model/registry.ts';
import { Directory } from '../../store/registry/directory.ts';
import { type Point, StoredReadings } from '../accounting/stored-readings.ts';

const HOUR = 3_600_000;
const DAY = { from: Date.UTC(2026, 0, 13, 16), to: Date.UTC(2026, 0, 14, 16) };
const at = (hour: number): number => DAY.from + hour * HOUR;

describe('api/balances, from what is stored', () => {
  const PARK = 'p1' as ParkId;
  let stored: StoredReadings;
  beforeEach(async () => {
    stored = await StoredReadings.open();
  });
  afterEach(() => stored.close());

  const meter = (id: string, ordinal: number, parent: string | null, more: Partial<RegisteredMeter> = {}): RegisteredMeter => ({
    ...{ id: id as MeterId, ordinal, park: PARK, enterprise: null, name: id, kind: 'electricity', parent: parent as MeterId | null, multiplier: 1 },
    ...{ gateway: null, intervalSeconds: 60, ...more },
  });
  const rising = (from: number, to: number, kwhAnHour: number, start = 1000): Point[] =>
    Array.from({ length: to - from + 1 }, (_, hour) => ({ ts: at(from + hour), value: start + hour * kwhAnHour }));

  async function balance(meters: readonly RegisteredMeter[], enterprise: string | null = null): Promise<BalanceFigure | undefined> {
    const park: Park = { id: PARK, name: '园区', region: '510112', timeZone: 'Asia/Shanghai' };
    const owner: Enterprise = { id: 'e1', park: PARK, name: '甲', stage: 'admitted' } as unknown as Enterprise;
    const directory = new Directory([park], [owner], [], meters);
    const changes = await RegisterChanges.open({ all: async () => [], add: async () => [] }, { current: directory });
    const question = { meter: meters[0] as RegisteredMeter, enterprise: enterprise as EnterpriseId | null, span: DAY, tolerance: 0.02 };
    const [figure, ...others] = await balancesOf(changes.over(stored.store), directory, question);
    expect(others).to.deep.equal([]);
    return figure;
  }

  it('sub-meters that show more than their parent are told as such, never as negative usage of nobody', async () => {
    const [top, a, b] = [meter('top', 1, null), meter('a', 2, 'top'), meter('b', 3, 'top', { enterprise: 'e1' as EnterpriseId })] as const;
    await stored.write(top.ordinal, rising(-1, 25, 100));
    await stored.write(a.ordinal, rising(-1, 25, 70));
    await stored.write(b.ordinal, rising(-1, 25, 60));
    const figure = await balance([top, a, b]);
    expect(figure).to.deep.include({ ...DAY, carrier: 'electricity', unit: 'kWh', in: 2400, out: 3120, remainder: -720, is: 'exceeded', unread: [] });
    expect(figure?.parts.map((part) => [part.meter, part.side, part.amount, part.estimated])).to.deep.equal([
      ['top', 'in', 2400, false],
      ['a', 'out', 1680, false],
      ['b', 'out', 1440, false],
    ]);
  });

  it('an enterprise sees what its own meters below leave of its meter', async () => {
    const owned = { enterprise: 'e1' as EnterpriseId };
    const [top, mine, other] = [meter('top', 1, null, owned), meter('a', 2, 'top', owned), meter('b', 3, 'top')] as const;
    for (const [one, kwh] of [
      [top, 100],
      [mine, 30],
      [other, 60],
    ] as const) {
      await stored.write(one.ordinal, rising(-1, 25, kwh));
    }
    const figure = await balance([top, mine, other], 'e1');
    expect(figure).to.deep.include({ in: 2400, out: 720, remainder: 1680, is: 'unmetered' });
    expect(figure?.parts.map((part) => part.meter)).to.deep.equal(['top', 'a']);
  });

  it('power that is made below and used there is no excess of the sub-meters', async () => {
    const [top, load, roof] = [meter('top', 1, null), meter('load', 2, 'top'), meter('roof', 3, 'top', { kind: 'pv' })] as const;
    await stored.write(top.ordinal, rising(-1, 25, 20));
    await stored.write(load.ordinal, rising(-1, 25, 60));
    await stored.write(roof.ordinal, rising(-1, 25, 45), 'active_energy_export');
    expect(await balance([top, load, roof])).to.deep.include({ in: 1560, out: 1440, remainder: 120, is: 'unmetered' });
  });

  it('a running period goes as far as the meter above was read, though those below were read later', async () => {
    const [top, load] = [meter('top', 1, null), meter('load', 2, 'top')] as const;
    await stored.write(top.ordinal, rising(-1, 10, 60));
    await stored.write(load.ordinal, rising(-1, 14, 60));
    expect(await balance([top, load])).to.deep.include({ from: DAY.from, to: at(10), in: 600, out: 600, remainder: 0, is: 'balanced' });
  });

  it('a running period ends where all were read, but waits for none that is silent', async () => {
    const [top, slow, away] = [meter('top', 1, null), meter('slow', 2, 'top', { intervalSeconds: 3600 }), meter('away', 3, 'top')] as const;
    await stored.write(top.ordinal, rising(-1, 10, 60));
    await stored.write(slow.ordinal, rising(-1, 9, 30));
    await stored.write(away.ordinal, rising(-1, 5, 30));
    const figure = await balance([top, slow, away]);
    expect(figure).to.deep.include({ from: DAY.from, to: at(9), in: 540, out: 420, is: 'unmetered' });
    expect(figure?.parts.map((part) => [part.meter, part.estimated])).to.deep.equal([
      ['top', false],
      ['slow', false],
      ['away', true],
    ]);
  });

  it('begins with the first reading of the meter above', async () => {
    const [top, load] = [meter('top', 1, null), meter('load', 2, 'top')] as const;
    await stored.write(top.ordinal, rising(6, 25, 60));
    await stored.write(load.ordinal, rising(-1, 25, 60));
    expect(await balance([top, load])).to.deep.include({ from: at(6), to: DAY.to, in: 1080, out: 1080, is: 'balanced' });
  });

  it('is no shorter for a counter of the meter above that began later, or tells only of changes', async () => {
    const [top, load] = [meter('top', 1, null), meter('load', 2, 'top')] as const;
    await stored.write(top.ordinal, rising(-1, 25, 60));
    await stored.write(load.ordinal, rising(-1, 25, 50));
    await stored.write(top.ordinal, rising(12, 15, 10, 0), 'active_energy_export');
    const figure = await balance([top, load]);
    expect(figure).to.deep.include({ ...DAY, in: 1440, out: 1230, is: 'unmetered' });
    expect(figure?.parts.map((part) => [part.meter, part.flow, part.amount, part.estimated])).to.deep.equal([
      ['top', 'consumption', 1440, false],
      ['top', 'export', 30, true],
      ['load', 'consumption', 1200, false],
    ]);
  });

  it('meters without a reading are named, and nothing is concluded', async () => {
    const [top, load] = [meter('top', 1, null), meter('load', 2, 'top')] as const;
    await stored.write(top.ordinal, rising(-1, 25, 60));
    expect(await balance([top, load])).to.deep.include({ in: 1440, out: 0, is: 'unknown', unread: ['load'] });
    expect(await balance([meter('never', 9, null), meter('x', 1, 'never')])).to.deep.include({ ...DAY, is: 'unknown', parts: [], unread: ['never'] });
  });

  for (const [when, readings] of [
    ['long before', rising(-48, -24, 60)],
    ['only after', rising(30, 40, 60)],
  ] as const) {
    it(`a meter that was read ${when} the period was not read in it: what it used is nobody's to name`, async () => {
      const [top, load] = [meter('top', 1, null), meter('load', 2, 'top')] as const;
      await stored.write(top.ordinal, rising(-1, 25, 60));
      await stored.write(load.ordinal, readings);
      expect(await balance([top, load])).to.deep.include({ in: 1440, out: 0, is: 'unknown', unread: ['load'] });
    });
  }

  it('a meter that was read on both sides of the period alone used in it what is shared out', async () => {
    const [top, load] = [meter('top', 1, null), meter('load', 2, 'top')] as const;
    await stored.write(top.ordinal, rising(-1, 25, 60));
    await stored.write(load.ordinal, [
      { ts: at(-12), value: 0 },
      { ts: at(36), value: 2880 },
    ]);
    expect(await balance([top, load])).to.deep.include({ in: 1440, out: 1440, is: 'balanced', unread: [] });
  });

  it('a meter above that has just begun leaves nothing to be held against, and nobody is called unread', async () => {
    const [top, load] = [meter('top', 1, null), meter('load', 2, 'top')] as const;
    await stored.write(top.ordinal, rising(0, 0, 60));
    await stored.write(load.ordinal, rising(-1, 5, 60));
    expect(await balance([top, load])).to.deep.include({ ...DAY, is: 'unknown', parts: [], unread: [] });
  });

  it('a meter with none below has no balance', async () => {
    expect(await balance([meter('alone', 1, null), meter('other', 2, null)])).to.equal(undefined);
  });
});
