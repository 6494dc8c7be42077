import { expect } from 'chai';
import request from 'supertest';
import { SHIPPED_MAPPINGS } from '../../ingest/mappings/shipped/index.ts';
import { bearer, TestService } from './service.ts';

const PARK = '/api/v1/parks/north/mappings';
const BODY = { name: '网关', topics: ['x/{meter}'], meter: '$topic.meter', values: { active_power: { from: 'w', unit: 'W' } } };

describe('mappings in the API', () => {
  let service: TestService;
  before(async () => {
    service = await TestService.open();
  });
  after(() => service.close());

  const as = (method: 'get' | 'put' | 'post' | 'delete', path: string) => request(service.app)[method](path).set('authorization', bearer('operator'));

  it('are kept with their defaults, listed, audited and deleted', async () => {
    const made = await as('put', `${PARK}/mine`).send(BODY);
    expect([made.status, made.body.enabled, made.body.payload, made.body.park]).to.deep.equal([201, true, 'json', 'north']);
    expect((await as('get', PARK)).body.items.map(({ id }: { id: string }) => id)).to.deep.equal(['mine', 'mp-1']);
    expect((await service.registry.mappings.all()).map(({ id }) => id)).to.include('mine');
    expect((await as('delete', `${PARK}/mine`)).status).to.equal(204);
    const entries = await service.registry.audit.list({ parks: 'all', subject: 'mapping' }, { limit: 10, after: null });
    expect(entries.slice(0, 2).map(({ action, subjectId }) => [action, subjectId])).to.deep.equal([
      ['delete', 'mine'],
      ['create', 'mine'],
    ]);
  });

  it('are refused with every fault and its place when they cannot work', async () => {
    const { status, body } = await as('put', `${PARK}/bad`).send({ ...BODY, topics: ['#'], meter: '((', values: { power: 'w' } });
    expect(status).to.equal(400);
    expect(body.faults.map(({ path }: { path: string }) => path)).to.have.members(['body.topics[0]', 'body.meter', 'body.values.power']);
    expect((await as('put', `${PARK}/bad`).send({ ...BODY, values: { active_power: { unit: 'W' } } })).body.faults[0].path).to.equal(
      'body.values.active_power',
    );
  });

  it('are tried without being stored: one that is given, one of the park, one that is shipped', async () => {
    const tries = [
      { mapping: BODY, topic: 'x/m-1', payload: '{"w":1500}' },
      { id: 'mp-1', topic: 'gw/m-1/json', payload: '{"kw":1.5}' },
      { shipped: 'zigbee2mqtt', topic: 'zigbee2mqtt/m-1', payload: Buffer.from('{"power":1500}').toString('base64'), encoding: 'base64' },
    ];
    for (const given of tries) {
      const { status, body } = await as('post', `${PARK}/try`).send(given);
      expect(status, JSON.stringify(body)).to.equal(200);
      expect(body.outcome).to.equal('taken');
      expect(body.frames).to.deep.equal([
        { where: '', meter: 'm-1', ts: null, backfill: false, values: [{ quantity: 'active_power', value: 1.5, unit: 'kW', flag: 'good' }] },
      ]);
    }
  });

  it('show where a message fails', async () => {
    const { body } = await as('post', `${PARK}/try`).send({
      mapping: { ...BODY, values: { active_power: 'w + "x"' } },
      topic: 'x/m-1',
      payload: '{"w":1500}',
    });
    expect(body.outcome).to.equal('refused');
    expect(body.failures[0]).to.include({ at: 'values.active_power', expression: 'w + "x"', position: 3, reason: 'mapping-failed' });
  });

  it('show that a time is one at which no reading is taken', async () => {
    const mapping = { ...BODY, time: { from: 't', as: 'milliseconds' } };
    const { status, body } = await as('post', `${PARK}/try`).send({ mapping, topic: 'x/m-1', payload: '{"w":1500,"t":1768449600}' });
    expect([status, body.outcome, body.frames]).to.deep.equal([200, 'refused', []]);
    expect(body.failures[0]).to.include({ at: 'time', expression: 't', reason: 'time-too-old' });
  });

  it('say which mapping is meant, once', async () => {
    expect((await as('post', `${PARK}/try`).send({ topic: 'x', payload: '' })).status).to.equal(400);
    expect((await as('post', `${PARK}/try`).send({ id: 'mp-1', shipped: 'openems', topic: 'x', payload: '' })).status).to.equal(400);
    expect((await as('post', `${PARK}/try`).send({ id: 'nobody', topic: 'x', payload: '' })).status).to.equal(404);
    const unknown = await as('post', `${PARK}/try`).send({ shipped: 'nobody', topic: 'x', payload: '' });
    expect([unknown.status, unknown.body.detail]).to.deep.equal([
      404,
      `there is no shipped mapping "nobody"; there are ${SHIPPED_MAPPINGS.map(({ id }) => id).join(', ')}`,
    ]);
  });

  it('that are shipped can be put into a park as they are', async () => {
    const { items } = (await as('get', '/api/v1/mappings')).body;
    for (const { id, ...body } of items) expect((await as('put', `${PARK}/${id}`).send(body)).status, id).to.equal(201);
  });

  it('are in the document of the whole registry, and come back from it', async () => {
    const document = await service.registry.export();
    expect(document.mappings?.map(({ id }) => id)).to.include('mp-1');
    expect(await service.registry.import(document, { actor: 'test', at: 0 })).to.include({ created: 0, replaced: 0 });
  });
});
