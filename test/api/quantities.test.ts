import { expect } from 'chai';
import request from 'supertest';
import { QUANTITY_NAMES } from '../../model/quantities.ts';
import { bearer, TestService } from './service.ts';

describe('the catalogue of quantities', () => {
  let service: TestService;
  before(async () => {
    service = await TestService.open();
  });
  after(() => service.close());
  const get = (query = '') => request(service.app).get(`/api/v1/quantities${query}`).set('Authorization', bearer('enterprise'));

  it('tells of each quantity what somebody who connects an instrument has to know', async () => {
    const { body } = await get();
    expect(body.items[0]).to.deep.equal({
      ...{ name: 'active_energy_import', zh: '正向有功总电能', en: 'Active energy, import', unit: 'kWh', kind: 'counter' },
      units: ['kWh', 'Wh', 'MWh', 'GWh', 'kJ', 'MJ', 'GJ'],
      range: { min: 0, max: 1e12 },
      ...{ hj212: null, dlt645: '00010000', obis: '1-0:1.8.0*255' },
    });
    expect(body.items.find(({ name }: { name: string }) => name === 'so2')).to.include({ unit: 'µg/m³', kind: 'gauge', hj212: 'a21026' });
  });

  it('is a list in pages, in which every quantity stands once', async () => {
    const names: string[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await get(`?limit=70${cursor}`);
      names.push(...body.items.map(({ name }: { name: string }) => name));
      if (body.next === null) break;
      cursor = `&cursor=${body.next}`;
    }
    expect(names).to.deep.equal(QUANTITY_NAMES);
  });
});
