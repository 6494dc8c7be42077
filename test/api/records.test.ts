import { expect } from 'chai';
import request from 'supertest';
import { hashSecret } from '../../api/auth/secrets.ts';
import type { Scope } from '../../model/access.ts';
import type { GatewayId, ParkId } from '../../model/ids.ts';
import { verifyGatewaySecret } from '../../store/registry/gateway-secret.ts';
import { bearer, NOW, type Person, TestService } from './service.ts';

describe('what people set', () => {
  let service: TestService;
  beforeEach(async () => {
    service = await TestService.open();
  });
  afterEach(() => service.close());

  const as = (person: Person) => ({
    get: (path: string) => request(service.app).get(path).set('Authorization', bearer(person)),
    put: (path: string, body: object) => request(service.app).put(path).set('Authorization', bearer(person)).send(body),
    post: (path: string, body?: object) => request(service.app).post(path).set('Authorization', bearer(person)).send(body),
    delete: (path: string) => request(service.app).delete(path).set('Authorization', bearer(person)),
  });
  const trail = async (subject: string) => (await as('operator').get(`/api/v1/audit?subject=${subject}&actor=token:operator`)).body.items;

  it('creates, replaces and deletes, and says who did it, with what was there before', async () => {
    const meter = { enterprise: 'alpha', name: '新表', kind: 'water', parent: null, gateway: 'gw-1' };
    const path = '/api/v1/parks/north/meters/m-new';
    const made = await as('operator').put(path, meter);
    expect([made.status, made.body]).to.deep.equal([201, { ...meter, id: 'm-new', park: 'north', multiplier: 1, intervalSeconds: 60 }]);
    expect((await as('operator').get('/api/v1/meters/m-new/latest')).status).to.equal(200);
    expect((await as('operator').put(path, meter)).status).to.equal(200);
    expect((await as('operator').put(path, { ...meter, name: '水表' })).body.name).to.equal('水表');
    expect((await as('operator').delete(path)).status).to.equal(204);
    expect((await as('operator').delete(path)).status).to.equal(404);
    const entries = await trail('meter');
    expect(
      entries.map(({ action, before, after }: { action: string; before: { name: string } | null; after: { name: string } | null }) => [
        action,
        before?.name,
        after?.name,
      ]),
    ).to.deep.equal([
      ['delete', '水表', undefined],
      ['replace', '新表', '水表'],
      ['create', undefined, '新表'],
    ]);
    expect(entries[0]).to.deep.include({ park: 'north', subjectId: 'm-new', actor: 'token:operator', at: '2026-01-15T12:00:00.000+08:00' });
  });

  it('lets only operators of the whole installation change the region of a park, as it decides which auditors see it', async () => {
    const scopes: readonly (readonly [string, Scope])[] = [
      ['of-north', { kind: 'park', park: 'north' as ParkId }],
      ['of-sichuan', { kind: 'region', region: '51' }],
    ];
    for (const [name, scope] of scopes)
      await service.registry.tokens.put({ name, role: 'operator', scope, secretHash: hashSecret(`secret-${name}`), createdAt: NOW, expiresAt: null });
    const put = (by: string, body: object) => request(service.app).put('/api/v1/parks/north').set('Authorization', by).send(body);
    for (const [name] of scopes) {
      for (const region of ['320500', '510100']) {
        const { status, body } = await put(`Bearer secret-${name}`, { name: '北园', nameEn: 'North', region });
        expect([status, body.code], `${name} ${region}`).to.deep.equal([403, 'FORBIDDEN']);
        expect(body.detail).to.match(/^the region decides which auditors see the park: only an operator of the whole installation may change it$/);
      }
      expect((await put(`Bearer secret-${name}`, { name, region: '510112' })).status).to.equal(200);
    }
    expect((await as('auditor').get('/api/v1/parks/north')).body.region).to.equal('510112');
    expect((await put(bearer('operator'), { name: '北园', region: '320500' })).status).to.equal(200);
    expect((await as('auditor').get('/api/v1/parks/north')).status).to.equal(404);
  });

  for (const [scope, deleted, made] of [
    [{ kind: 'park', park: 'empty' as ParkId }, 409, 403],
    [{ kind: 'region', region: '51' }, 204, 404],
  ] as readonly (readonly [Scope, number, number])[]) {
    it(`lets an operator of one ${scope.kind} not take a park away and make it again in another region`, async () => {
      await service.registry.parks.put({ id: 'empty' as ParkId, name: 'E', region: '510100', timeZone: 'UTC' });
      await service.registry.tokens.put({ name: 'bound', role: 'operator', scope, secretHash: hashSecret('bound'), createdAt: NOW, expiresAt: null });
      await service.watch.refresh();
      const mine = (method: 'delete' | 'put') => request(service.app)[method]('/api/v1/parks/empty').set('Authorization', 'Bearer bound');
      expect((await mine('delete')).status).to.equal(deleted);
      for (const region of ['320500', '510600']) expect((await mine('put').send({ name: 'Again', region })).status, region).to.equal(made);
    });
  }

  it('shows the secret of a gateway once and keeps its hash alone', async () => {
    const fits = async (secret: string) => verifyGatewaySecret((await service.registry.gateways.secretHash('gw-new' as GatewayId)) ?? '', secret);
    const made = await as('operator').put('/api/v1/parks/north/gateways/gw-new', { name: 'New' });
    expect([made.status, made.body.secret.length]).to.deep.equal([201, 43]);
    expect(await fits(made.body.secret)).to.equal(true);
    expect((await as('operator').put('/api/v1/parks/north/gateways/gw-new', { name: 'Newer' })).body).to.deep.equal({
      id: 'gw-new',
      park: 'north',
      name: 'Newer',
    });
    expect((await as('operator').get('/api/v1/parks/north/gateways/gw-new')).body).not.to.have.property('secret');
    const again = await as('operator').post('/api/v1/parks/north/gateways/gw-new/secret');
    expect(again.body.secret).not.to.equal(made.body.secret);
    expect([await fits(again.body.secret), await fits(made.body.secret)]).to.deep.equal([true, false]);
    const told = JSON.stringify(await trail('gateway'));
    expect(told).to.contain('"secret"').and.not.to.contain(made.body.secret).and.not.to.contain(again.body.secret);
  });

  it('takes the password of a logger from 6 letters and digits on, and says so in words', async () => {
    const link = { type: 'hj212', mn: 'MN1', meter: 'm-alpha-2' };
    await as('operator').put('/api/v1/parks/north/gateways/logger', { name: 'Logger', link });
    const choose = (secret: string) => as('operator').put('/api/v1/parks/north/gateways/logger/secret', { secret });
    for (const secret of ['1', '12345', '12 456', 'x'.repeat(33)]) {
      const { status, body } = await choose(secret);
      expect([status, body.faults]).to.deep.equal([400, [{ path: 'body.secret', message: 'must be 6 to 32 letters and digits' }]]);
    }
    expect((await choose('123456')).status).to.equal(200);
    const { body } = await as('operator').put('/api/v1/parks/north/gateways/-x', { name: 'X' });
    expect(body.detail).to.contain('must be 1 to 64 letters, digits and . _ : -, of which the first is a letter or digit');
  });

  it('gives lists in pages that a bounded view sees full', async () => {
    for (let index = 10; index < 35; index++) {
      await service.registry.caps.put({
        id: `c-${index}`,
        park: 'north' as ParkId,
        name: 'x',
        enabled: true,
        enterprise: (index % 5 === 0 ? 'alpha' : 'beta') as never,
        carrier: 'water',
        flow: 'consumption',
        period: 'day',
        amount: 1,
        stages: [{ percent: 90, level: 'blue' }],
      });
    }
    const read = async (person: Person, limit: number): Promise<string[]> => {
      const ids: string[] = [];
      for (let cursor: string | null = null, pages = 0; pages === 0 || cursor !== null; pages++) {
        const { body } = await as(person).get(`/api/v1/parks/north/caps?limit=${limit}${cursor === null ? '' : `&cursor=${cursor}`}`);
        expect(body.items.length).to.be.within(1, limit);
        if (body.next !== null) expect(body.items.length).to.equal(limit);
        ids.push(...body.items.map(({ id }: { id: string }) => id));
        cursor = body.next;
      }
      return ids;
    };
    expect(await read('enterprise', 2)).to.deep.equal(['c-10', 'c-15', 'c-20', 'c-25', 'c-30', 'c-alpha']);
    expect((await read('committee', 7)).length).to.equal(28);
    expect((await read('committee', 28)).length).to.equal(28);
  });

  it('refuses to delete what something else still names', async () => {
    const { status, body } = await as('committee').delete('/api/v1/parks/north/entry-profiles/p-1');
    expect([status, body.code]).to.deep.equal([409, 'CONFLICT']);
    expect(body.detail).to.contain('a-alpha');
  });

  it('wants the stages of a cap to rise', async () => {
    const cap = { name: 'x', enterprise: null, carrier: 'water', flow: 'consumption', period: 'day', amount: 1 };
    const stages = [90, 80].map((percent) => ({ percent, level: 'blue' }));
    const { status, body } = await as('committee').put('/api/v1/parks/north/caps/c-x', { ...cap, stages });
    expect([status, body.faults[0].path]).to.deep.equal([400, 'body.stages[1].percent']);
  });

  it('wants an entry rule to watch something that is measured', async () => {
    const rule = { name: 'x', type: 'entry', level: 'blue', enterprise: 'alpha', application: 'a-alpha', criterion: 'water' };
    const { status, body } = await as('committee').put('/api/v1/parks/north/rules/r-x', rule);
    expect([status, body.faults]).to.deep.equal([400, [{ path: 'body.criterion', message: '"water" names no "actual" that could be watched' }]]);
  });

  it('judges an application criterion by criterion', async () => {
    const { body } = await as('enterprise').get('/api/v1/parks/north/applications/a-alpha/assessment');
    expect(body).to.deep.include({ application: 'a-alpha', profile: 'p-1', version: 1, outcome: 'met' });
    expect(body.criteria).to.deep.equal([
      { criterion: 'water', name: '水耗', unit: 'm3/t', side: 'at-most', threshold: 3, mandatory: true, declared: 2.5, met: true },
    ]);
  });

  it('acknowledges and shelves in the name of the person, and says so in the trail', async () => {
    expect((await as('committee').post('/api/v1/alerts/al-park/acknowledge', {})).body).to.include({
      state: 'acknowledged',
      acknowledgedBy: 'token:committee',
    });
    const shelved = await as('operator').post('/api/v1/alerts/al-park/shelve', { until: '2026-01-16T08:00:00+08:00', reason: 'under repair' });
    expect(shelved.body).to.include({ shelvedUntil: '2026-01-16T08:00:00.000+08:00', shelvedBy: 'token:operator', shelvedReason: 'under repair' });
    expect((await as('operator').post('/api/v1/alerts/al-park/shelve', { until: '2025-01-16T08:00:00+08:00', reason: 'in the past' })).status).to.equal(400);
    expect((await trail('alert'))[0]).to.deep.include({ action: 'shelve', subjectId: 'al-park', park: 'north' });
  });
});
