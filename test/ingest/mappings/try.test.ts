import { expect } from 'chai';
import { createMappingDesk } from '../../../ingest/mappings/desk.ts';
import type { MappingBody, Tried } from '../../../model/mapping.ts';

const NOW = Date.UTC(2026, 0, 15, 4);
const TOLERANCE = 20_000;
const SKEW = 60_000;
const FAR_PAST = 400 * 86_400_000;

const aMapping = (change: Partial<MappingBody> = {}): MappingBody => ({
  ...{ name: 'tried', enabled: true, topics: ['x/{meter}'], meter: '$topic.meter', time: { from: 't', as: 'milliseconds' } },
  values: { active_power: { from: 'w', unit: 'W' } },
  ...change,
});

const told = (message: unknown, change: Partial<MappingBody> = {}): Promise<Tried> =>
  createMappingDesk({ clockToleranceMs: TOLERANCE, clockSkewMs: SKEW, farPastMs: FAR_PAST }).try(
    aMapping(change),
    'x/m-1',
    Buffer.from(JSON.stringify(message)),
    NOW,
    null,
  );

describe('ingest/mappings, tried', () => {
  const times = [
    { name: 'seconds that the mapping takes for milliseconds', t: NOW / 1000, reason: 'time-too-old', found: /before the year 2000/, expected: String(NOW) },
    { name: 'a clock that was never set', t: 0, reason: 'time-too-old', found: /before the year 2000/, expected: 'UTC milliseconds' },
    { name: 'a clock that is ahead', t: NOW + SKEW + 1000, reason: 'time-in-future', found: /61 s ahead/, expected: 'at most 60 s' },
  ];
  for (const { name, t, reason, found, expected } of times) {
    it(`${name}: refused, as the service would refuse the message`, async () => {
      const { outcome, frames, failures } = await told({ t, w: 1500 });
      expect([outcome, frames]).to.deep.equal(['refused', []]);
      expect(failures).to.have.length(1);
      expect(failures[0]).to.include({ at: 'time', expression: 't', reason });
      expect(failures[0]?.found).to.match(found);
      expect(failures[0]?.expected).to.contain(expected).and.to.contain('time.as');
    });
  }

  it('exactly at the allowed clock skew, and without a time, everything is taken', async () => {
    expect((await told({ t: NOW + SKEW, w: 1500 })).outcome).to.equal('taken');
    expect((await told({ w: 1500 })).outcome).to.equal('taken');
  });

  it('what lies far back is marked as of a wrong clock, unless it is marked as history', async () => {
    const flag = async (t: number, change: Partial<MappingBody> = {}) => (await told({ t, w: 1500 }, change)).frames[0]?.values[0]?.flag;
    expect(await flag(NOW - FAR_PAST)).to.equal('good');
    expect(await flag(NOW - FAR_PAST - 1)).to.equal('clock');
    expect(await flag(NOW - FAR_PAST - 1, { backfill: 'true' })).to.equal('good');
    expect(await flag(NOW - FAR_PAST - 1, { flag: '"estimated"' })).to.equal('clock');
    expect(await flag(NOW - FAR_PAST - 1, { flag: '"fault"' })).to.equal('fault');
  });

  it('what is ahead by more than clocks differ is marked as of a wrong clock, whatever else is said of it', async () => {
    const flag = async (t: number, change: Partial<MappingBody> = {}) => (await told({ t, w: 1500 }, change)).frames[0]?.values[0]?.flag;
    expect(await flag(NOW + TOLERANCE)).to.equal('good');
    expect(await flag(NOW + TOLERANCE + 1)).to.equal('clock');
    expect(await flag(NOW + TOLERANCE + 1, { backfill: 'true' })).to.equal('clock');
    expect(await flag(NOW + TOLERANCE + 1, { flag: '"fault"' })).to.equal('clock');
  });

  it('names that nobody mapped are told, and a message of nothing else is not taken', async () => {
    const named = { from: 'v', others: 'ignore' } as const;
    const all = async (v: unknown) => {
      const { outcome, steps } = await told({ t: NOW, v }, { named });
      return [outcome, steps.filter(({ at }) => at === 'not mapped' || at === 'no value').map(({ at, found }) => [at, found])];
    };
    expect(await all({ kWh: 3 })).to.deep.equal(['left-out', [['not mapped', '{"kWh":3}']]]);
    expect(await all({ kWh: 3, frequency: 50 })).to.deep.equal(['taken', [['not mapped', '{"kWh":3}']]]);
    expect(await all({ frequency: null })).to.deep.equal(['taken', [['no value', '{"frequency":null}']]]);
  });

  it('an item at such a time costs only itself', async () => {
    const { outcome, frames, failures } = await told({ items: [1, NOW].map((t) => ({ t, w: 1500 })) }, { each: 'items' });
    expect([outcome, frames.map(({ where }) => where), failures.map(({ where }) => where)]).to.deep.equal(['partly', ['[1]'], ['[0]']]);
  });

  it('a backlog that is wrong throughout is told in a few', async () => {
    const { outcome, failures } = await told({ items: Array.from({ length: 1000 }, () => ({ t: 1, w: 1500 })) }, { each: 'items' });
    expect([outcome, failures.length]).to.deep.equal(['refused', 50]);
  });

  it('values that are not physically possible are marked as the service flags them', async () => {
    const flagged = async (values: NonNullable<MappingBody['values']>, h: number) => (await told({ h }, { values })).frames[0]?.values[0]?.flag;
    expect(await flagged({ air_humidity: { from: 'h', unit: '%' } }, 55)).to.equal('good');
    expect(await flagged({ air_humidity: { from: 'h', unit: '%' } }, 5500)).to.equal('range');
    expect(await flagged({ air_humidity: { from: 'h', unit: '%', flag: '"fault"' } }, 5500)).to.equal('fault');
    // In the unit of a record that is not asked here.
    expect(await flagged({ air_humidity: 'h' }, 5500)).to.equal('good');
  });
});
