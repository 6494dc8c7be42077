import { expect } from 'chai';
import request from 'supertest';
import type { Figures } from '../../api/deps.ts';
import type { EnterpriseId, MeterId } from '../../model/ids.ts';
import { bearer, type Person, TestService } from './service.ts';

const DAY = { from: Date.UTC(2026, 0, 13, 16), to: Date.UTC(2026, 0, 14, 16) };
const WRITTEN = { from: '2026-01-14T00:00:00.000+08:00', to: '2026-01-15T00:00:00.000+08:00' };

describe('figures', () => {
  let service: TestService;
  const asked: Parameters<Figures['usage']>[0][] = [];
  const balances: object[] = [];
  const figures: Figures = {
    async usage(question) {
      asked.push(question);
      return [
        { ...DAY, carrier: 'electricity', flow: 'consumption', enterprise: 'alpha' as EnterpriseId, meter: null, amount: 12.5, unit: 'kWh', estimated: true },
      ];
    },
    async balance({ meter, enterprise, span, tolerance }) {
      balances.push({ meter: meter.id, enterprise, tolerance, ...span });
      const parts = [{ meter: meter.id, flow: 'consumption', side: 'in', amount: 100, estimated: false }] as const;
      return [{ ...DAY, carrier: 'electricity', unit: 'kWh', in: 100, out: 130, remainder: -30, is: 'exceeded', tolerance, parts, unread: [] }];
    },
    async carbon() {
      const factor = { name: 'grid', value: 0.5, unit: 'kg/kWh', source: 'x', year: 2024, confidence: 'read' };
      return [{ ...DAY, enterprise: null, meter: null, kg: 6.25, estimated: false, factors: [factor], without: ['steam'] }];
    },
    async air() {
      return ['m-alpha-2', 'm-beta'].map((meter) => ({
        meter: meter as MeterId,
        at: DAY.to,
        standard: 'HJ 633',
        aqi: 40,
        level: 1,
        primary: [],
        items: [{ quantity: 'pm2_5', mean: 20, iaqi: 40 }],
      }));
    },
    async hourlyMeans() {
      return [{ ...DAY, meter: 'm-alpha-2' as MeterId, quantity: 'pm2_5', mean: null, minutes: 30, valid: false }];
    },
  };
  before(async () => {
    service = await TestService.open(() => ({ figures }));
  });
  after(() => service.close());
  const get = async (path: string, person: Person = 'committee') =>
    (await request(service.app).get(`/api/v1/parks/north/${path}`).set('Authorization', bearer(person))).body;

  it('are asked for by carrier, period and group, and answered in the time of the park', async () => {
    const { items } = await get('usage?carrier=electricity&period=day&by=enterprise&from=2026-01-14T00:00:00+08:00&to=2026-01-15T00:00:00+08:00');
    expect(asked.at(-1)).to.deep.equal({ park: 'north', enterprise: null, carrier: 'electricity', period: 'day', by: 'enterprise', ...DAY });
    expect(items).to.deep.equal([
      { ...WRITTEN, carrier: 'electricity', flow: 'consumption', enterprise: 'alpha', meter: null, amount: 12.5, unit: 'kWh', estimated: true },
    ]);
  });

  it('are those of the running day of the whole park when nothing else is said', async () => {
    await get('usage');
    expect(asked.at(-1)).to.deep.equal({
      park: 'north',
      enterprise: null,
      carrier: null,
      period: 'day',
      by: 'park',
      from: Date.UTC(2026, 0, 14, 16),
      to: service.now + 1,
    });
  });

  it('hold a meter against those below it, in the running month or another period, and an enterprise against its own alone', async () => {
    const balanceOf = async (query: string, person: Person) =>
      (await request(service.app).get(`/api/v1/meters/m-alpha/balance${query}`).set('Authorization', bearer(person))).body;
    const [item] = (await balanceOf('', 'committee')).items;
    expect(item).to.deep.include({ ...WRITTEN, in: 100, out: 130, remainder: -30, is: 'exceeded', unit: 'kWh', tolerance: 0.02 });
    expect(balances.at(-1)).to.deep.equal({
      meter: 'm-alpha',
      enterprise: null,
      tolerance: 0.02,
      from: Date.UTC(2025, 11, 31, 16),
      to: Date.UTC(2026, 0, 31, 16),
    });
    await balanceOf('?period=day&at=2026-01-14T12:00:00%2B08:00&tolerance=0.1', 'enterprise');
    expect(balances.at(-1)).to.deep.equal({ meter: 'm-alpha', enterprise: 'alpha', tolerance: 0.1, ...DAY });
    expect((await balanceOf('?at=2026-02-30T00:00:00Z', 'committee')).code).to.equal('INPUT_INVALID');
  });

  it('name the factors that were used, and what had none', async () => {
    const [item] = (await get('carbon')).items;
    expect(item).to.deep.include({ ...WRITTEN, kg: 6.25, without: ['steam'] });
    expect(item.factors[0]).to.include({ source: 'x', year: 2024, confidence: 'read' });
  });

  it('show the air at each station in scope, with the hours that are not valid', async () => {
    const all = await get('environment');
    expect(all.air.map(({ meter }: { meter: string }) => meter)).to.deep.equal(['m-alpha-2', 'm-beta']);
    expect(all.air[0].items).to.deep.equal([{ quantity: 'pm2_5', unit: 'µg/m³', mean: 20, iaqi: 40 }]);
    expect(all.items).to.deep.equal([{ ...WRITTEN, meter: 'm-alpha-2', quantity: 'pm2_5', unit: 'µg/m³', mean: null, minutes: 30, valid: false }]);
    expect((await get('environment', 'neighbour')).air.map(({ meter }: { meter: string }) => meter)).to.deep.equal(['m-beta']);
    expect((await get('environment', 'neighbour')).items).to.deep.equal([]);
  });
});
