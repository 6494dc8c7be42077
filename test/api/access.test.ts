import { expect } from 'chai';
import request from 'supertest';
import { ROUTES } from '../../api/routes.ts';
import type { ParkId } from '../../model/ids.ts';
import { EXPECTED, type Expectation, WHO } from './access-matrix.ts';
import { bearer, NOW, type Person, TestService } from './service.ts';

const nameOf = (route: { readonly method: string; readonly path: string }): string => `${route.method} ${route.path}`;

describe('who may do what', () => {
  let service: TestService;
  before(async () => {
    service = await TestService.open();
    const letter = {
      receivedAt: NOW,
      transport: 'mqtt',
      gateway: null,
      isRetained: false,
      meter: null,
      reason: 'malformed',
      detail: 'not JSON',
      payload: Buffer.from('{'),
      payloadLength: 1,
    };
    await service.registry.deadLetters.add(
      [
        { ...letter, topic: 'parks/north/meters/m/readings', park: 'north' as ParkId },
        { ...letter, topic: 'parks/south/meters/m/readings', park: 'south' as ParkId },
        { ...letter, topic: 'nowhere', park: null },
      ],
      { letters: 100, bytes: 1000 },
    );
  });
  after(() => service.close());

  const ask = (person: Person | 'nobody', { route, path, body }: Pick<Expectation, 'route' | 'path' | 'body'>) => {
    const method = route.split(' ')[0] as 'get' | 'put' | 'post' | 'delete';
    const asked = request(service.app)[method](path);
    if (person !== 'nobody') void asked.set('Authorization', bearer(person));
    return body === undefined ? asked : asked.send(body as object);
  };

  it('is decided for every route there is, and for no other', () => {
    expect(EXPECTED.map(({ route }) => route).sort()).to.deep.equal(ROUTES.map(nameOf).sort());
  });

  it('lets an auditor use no route that changes anything', () => {
    const changing = ROUTES.filter(({ method, access }) => method !== 'get' && access.kind === 'roles');
    expect(changing.length).to.be.greaterThan(10);
    for (const { access } of changing) expect(access.kind === 'roles' && access.roles).not.to.include('auditor');
  });

  for (const expected of EXPECTED) {
    it(`holds for ${expected.route}`, async () => {
      const answered: Record<string, number> = {};
      for (const who of WHO) {
        await service.seed();
        answered[who] = (await ask(who, expected)).status;
      }
      expect(answered).to.deep.equal(Object.fromEntries(WHO.map((who, index) => [who, expected.answers[index]])));
    });
  }

  const lists: readonly { readonly path: string; readonly seen: Readonly<Partial<Record<Person, readonly string[]>>> }[] = [
    {
      path: '/api/v1/parks',
      seen: {
        operator: ['north', 'south'],
        committee: ['north'],
        auditor: ['north'],
        'auditor elsewhere': ['south'],
        neighbour: ['north'],
        stranger: ['south'],
      },
    },
    { path: '/api/v1/parks/north/enterprises', seen: { committee: ['alpha', 'beta'], enterprise: ['alpha'], neighbour: ['beta'] } },
    {
      path: '/api/v1/parks/north/meters',
      seen: { auditor: ['m-alpha', 'm-alpha-2', 'm-beta', 'm-park'], enterprise: ['m-alpha', 'm-alpha-2'], neighbour: ['m-beta'] },
    },
    {
      path: '/api/v1/parks/north/rules',
      seen: { committee: ['r-alpha', 'r-beta', 'r-kind', 'r-park'], enterprise: ['r-alpha', 'r-kind'], neighbour: ['r-beta', 'r-kind'] },
    },
    { path: '/api/v1/parks/north/caps', seen: { committee: ['c-alpha', 'c-beta', 'c-park'], enterprise: ['c-alpha'], neighbour: ['c-beta'] } },
    { path: '/api/v1/parks/north/applications', seen: { committee: ['a-alpha', 'a-beta'], enterprise: ['a-alpha'], neighbour: ['a-beta'] } },
    { path: '/api/v1/parks/north/entry-profiles', seen: { committee: ['p-1', 'p-2'], enterprise: ['p-1', 'p-2'] } },
    { path: '/api/v1/parks/north/alerts', seen: { committee: ['al-beta', 'al-park', 'al-alpha'], enterprise: ['al-alpha'], neighbour: ['al-beta'] } },
  ];
  for (const { path, seen } of lists) {
    it(`shows of ${path} what lies in the scope and nothing else`, async () => {
      await service.seed();
      for (const [person, ids] of Object.entries(seen)) {
        const { body } = await ask(person as Person, { route: 'get', path });
        expect([person, ...body.items.map(({ id }: { id: string }) => id)]).to.deep.equal([person, ...ids]);
      }
    });
  }

  const hidden: readonly { readonly person: Person; readonly path: string }[] = [
    { person: 'enterprise', path: '/api/v1/parks/north/meters/m-park' },
    { person: 'enterprise', path: '/api/v1/meters/m-park/latest' },
    { person: 'enterprise', path: '/api/v1/parks/north/caps/c-park' },
    { person: 'enterprise', path: '/api/v1/parks/north/rules/r-park' },
    { person: 'enterprise', path: '/api/v1/alerts/al-park' },
    { person: 'enterprise', path: '/api/v1/parks/north/state?enterprise=beta' },
    { person: 'enterprise', path: '/api/v1/parks/north/usage?enterprise=beta' },
    { person: 'enterprise', path: '/api/v1/parks/north/alerts?enterprise=beta' },
    { person: 'committee', path: '/api/v1/audit?park=south' },
    { person: 'committee', path: '/api/v1/dead-letters/2' },
    { person: 'committee', path: '/api/v1/dead-letters/3' },
    { person: 'committee', path: '/api/v1/parks/south/meters/m-alpha' },
  ];
  for (const { person, path } of hidden) {
    it(`answers ${path} for ${person} as if it did not exist`, async () => {
      const { status, body } = await ask(person, { route: 'get', path });
      expect([status, body.code]).to.deep.equal([404, 'NOT_FOUND']);
    });
  }

  it('tells what is hidden in the very words for what does not exist', async () => {
    const hiddenOne = await ask('neighbour', { route: 'get', path: '/api/v1/parks/north/meters/m-alpha' });
    const missing = await ask('neighbour', { route: 'get', path: '/api/v1/parks/north/meters/m-ghost' });
    expect(hiddenOne.body.detail.replace('m-alpha', 'm-ghost')).to.equal(missing.body.detail);
  });

  it('bounds the figures of an enterprise to its own part, and refuses it the sum of the park', async () => {
    service.asked.length = 0;
    await ask('enterprise', { route: 'get', path: '/api/v1/parks/north/usage?by=meter' });
    await ask('enterprise', { route: 'get', path: '/api/v1/parks/north/carbon' });
    await ask('enterprise', { route: 'get', path: '/api/v1/parks/north/state' });
    expect(service.asked.map(({ given }) => (given as { enterprise: string }).enterprise)).to.deep.equal(['alpha', 'alpha', 'alpha']);
    expect((await ask('enterprise', { route: 'get', path: '/api/v1/parks/north/usage?by=park' })).status).to.equal(403);
  });

  it('shows an overseer the audit trail and the refused messages of its own parks alone', async () => {
    for (const path of ['/api/v1/audit', '/api/v1/dead-letters']) {
      const { body } = await ask('auditor elsewhere', { route: 'get', path });
      const parks: readonly string[] = body.items.map(({ park }: { park: string }) => park);
      expect(parks.length).to.be.greaterThan(0);
      expect(new Set(parks)).to.deep.equal(new Set(['south']));
    }
  });

  it('lets an enterprise file for itself alone, and change what it declared only while it is an applicant', async () => {
    await service.seed();
    const put = (person: Person, id: string, enterprise: string) =>
      ask(person, { route: 'put', path: `/api/v1/parks/north/applications/${id}`, body: { enterprise, profile: 'p-1', declared: { water: 1 } } });
    expect((await put('enterprise', 'a-new', 'alpha')).status).to.equal(201);
    expect((await put('enterprise', 'a-other', 'beta')).status).to.equal(403);
    expect((await put('enterprise', 'a-alpha', 'beta')).status).to.equal(403);
    expect((await put('enterprise', 'a-alpha', 'alpha')).status).to.equal(200);
    expect((await put('neighbour', 'a-beta', 'beta')).status).to.equal(403);
    expect((await put('committee', 'a-beta', 'beta')).status).to.equal(200);
  });

  it('gives the metrics to nobody who came through a proxy without a token', async () => {
    expect((await request(service.app).get('/metrics').set('X-Forwarded-For', '127.0.0.1')).status).to.equal(401);
  });
});
