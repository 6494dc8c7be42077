import { expect } from 'chai';
import request from 'supertest';
import { hashPassword, hashSecret, verifyPassword } from '../../api/auth/secrets.ts';
import { bearer, NOW, PASSWORD, PEOPLE, TestService } from './service.ts';

describe('signing in', () => {
  let service: TestService;
  beforeEach(async () => {
    service = await TestService.open();
  });
  afterEach(() => service.close());

  const signIn = (password = PASSWORD, username = 'chen') => request(service.app).post('/api/v1/session').send({ username, password });
  const cookieOf = (response: { readonly headers: Readonly<Record<string, unknown>> }): string =>
    String((response.headers['set-cookie'] as string[] | undefined)?.[0] ?? '');

  it('gives a cookie that scripts and other sites cannot use, and answers who one is', async () => {
    const answer = await signIn();
    expect(answer.status).to.equal(200);
    expect(answer.body).to.deep.include({ name: 'chen', role: 'committee', scope: PEOPLE.committee.scope });
    expect(answer.body.parks.map(({ id }: { id: string }) => id)).to.deep.equal(['north']);
    expect(cookieOf(answer)).to.match(/^greenpark_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=604800$/);
    const who = await request(service.app).get('/api/v1/session').set('Cookie', cookieOf(answer));
    expect(who.body.name).to.equal('chen');
  });

  it('keeps nothing that signs in: the registry knows the cookie by its hash alone', async () => {
    const secret = /=([\w-]+)/.exec(cookieOf(await signIn()))?.[1] ?? '';
    expect(await service.registry.sessions.user(secret, NOW)).to.equal(null);
    expect((await service.registry.sessions.user(hashSecret(secret), NOW))?.username).to.equal('chen');
  });

  it('ends a session when told to, and by itself after a week', async () => {
    const [first, second] = [cookieOf(await signIn()), cookieOf(await signIn())];
    const gone = await request(service.app).delete('/api/v1/session').set('Cookie', first);
    expect([gone.status, cookieOf(gone)]).to.deep.equal([204, 'greenpark_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0']);
    expect((await request(service.app).get('/api/v1/session').set('Cookie', first)).status).to.equal(401);
    expect((await request(service.app).get('/api/v1/session').set('Cookie', second)).status).to.equal(200);
    service.now += 7 * 86_400_000 + 1;
    expect((await request(service.app).get('/api/v1/session').set('Cookie', second)).status).to.equal(401);
  });

  it('marks the cookie Secure when a trusted proxy says that the browser came by TLS, and believes nobody else', async () => {
    const trusting = await TestService.open(() => ({ options: { trustProxy: true } }));
    try {
      const viaProxy = await request(trusting.app).post('/api/v1/session').set('X-Forwarded-Proto', 'https').send({ username: 'chen', password: PASSWORD });
      expect(cookieOf(viaProxy)).to.match(/; Secure$/);
      expect(viaProxy.headers['strict-transport-security']).to.be.a('string');
    } finally {
      trusting.close();
    }
    expect(cookieOf(await signIn().set('X-Forwarded-Proto', 'https'))).not.to.contain('Secure');
  });

  it('answers a wrong password and an unknown name alike, after the same work', async () => {
    const [wrong, unknown] = [await signIn('not the password'), await signIn(PASSWORD, 'nobody')];
    expect([wrong.status, unknown.status]).to.deep.equal([401, 401]);
    expect(wrong.body.detail).to.equal(unknown.body.detail);
    const timed = async (work: () => Promise<boolean>): Promise<number> => {
      const took: number[] = [];
      for (let round = 0; round < 5; round++) {
        const began = performance.now();
        expect(await work()).to.equal(false);
        took.push(performance.now() - began);
      }
      return Math.min(...took);
    };
    const hash = (await service.registry.users.get('chen'))?.passwordHash ?? '';
    const known = await timed(() => verifyPassword(hash, 'not the password'));
    expect((await timed(() => verifyPassword(null, 'not the password'))) / known).to.be.within(0.4, 2.5);
  });

  it('makes an address wait that fails too often, and counts no success', async () => {
    const strict = await TestService.open(() => ({ options: { signInFailures: 3 } }));
    try {
      const attempt = async (password: string) => (await request(strict.app).post('/api/v1/session').send({ username: 'chen', password })).status;
      expect([await attempt(PASSWORD), await attempt(PASSWORD), await attempt(PASSWORD), await attempt(PASSWORD)]).to.deep.equal([200, 200, 200, 200]);
      expect([await attempt('x'), await attempt('x'), await attempt('x')]).to.deep.equal([401, 401, 401]);
      const refused = await request(strict.app).post('/api/v1/session').send({ username: 'chen', password: PASSWORD });
      expect([refused.status, refused.body.code, refused.body.retryable]).to.deep.equal([429, 'RATE_LIMITED', true]);
      expect(refused.headers['retry-after']).to.be.a('string');
    } finally {
      strict.close();
    }
  });

  describe('from many addresses', () => {
    let many: TestService;
    let address = 0;
    beforeEach(async () => {
      many = await TestService.open(() => ({ options: { trustProxy: true } }));
    });
    afterEach(() => many.close());

    /** Each time from another address. */
    const attempt = (password: string, username = 'chen', cookie = '') =>
      request(many.app)
        .post('/api/v1/session')
        .set('X-Forwarded-For', `10.${++address >> 16}.${(address >> 8) & 255}.${address & 255}`)
        .set('Cookie', cookie)
        .send({ username, password });
    const guess = async (times: number, username = 'chen') => {
      const told = new Map<number, number>();
      for (const { status } of await Promise.all(Array.from({ length: times }, () => attempt('guess', username))))
        told.set(status, (told.get(status) ?? 0) + 1);
      return [...told].sort();
    };

    it('makes a name wait that fails too often, also when all come at once, known or not, and no other name', async () => {
      expect(await guess(50)).to.deep.equal([
        [401, 40],
        [429, 10],
      ]);
      expect(await guess(41, 'nobody')).to.deep.equal([
        [401, 40],
        [429, 1],
      ]);
      const refused = await attempt(PASSWORD);
      expect([refused.status, refused.body.code, refused.headers['retry-after']]).to.deep.equal([429, 'RATE_LIMITED', '30']);
      expect(refused.body.detail).to.contain('try again in 23 seconds');
      expect((await attempt('x', 'somebody')).status).to.equal(401);
    }).timeout(20_000);

    it('lets the name try again at a slower pace, and fully after a while', async () => {
      await guess(41);
      many.now += 22_499;
      expect((await attempt(PASSWORD)).status).to.equal(429);
      many.now += 1;
      expect((await attempt(PASSWORD)).status).to.equal(200);
      // A success is no failure: the one that came back is still there.
      expect(await guess(2)).to.deep.equal([
        [401, 1],
        [429, 1],
      ]);
      many.now += 15 * 60_000;
      expect(await guess(41)).to.deep.equal([
        [401, 40],
        [429, 1],
      ]);
    }).timeout(20_000);

    it('lets a browser in at once from which the name has signed in before, until its password is another', async () => {
      const device = ((await attempt(PASSWORD)).headers['set-cookie'] as unknown as string[])[1] ?? '';
      expect(device).to.match(/^greenpark_device=[\w-]{43}; Path=\/api\/v1\/session; HttpOnly; SameSite=Strict; Max-Age=\d+$/);
      const cookie = device.split(';')[0] ?? '';
      await guess(41);
      expect((await attempt(PASSWORD)).status).to.equal(429);
      expect((await attempt(PASSWORD, 'chen', 'greenpark_device=made-up')).status).to.equal(429);
      expect((await attempt('guess', 'chen', cookie)).status).to.equal(401);
      expect((await attempt(PASSWORD, 'chen', cookie)).status).to.equal(200);
      expect(await many.auth.authenticate(cookie, undefined)).to.equal(null);
      await many.registry.users.put({ username: 'chen', ...PEOPLE.committee, passwordHash: await hashPassword(PASSWORD), createdAt: NOW });
      expect((await attempt(PASSWORD, 'chen', cookie)).status).to.equal(429);
    }).timeout(20_000);
  });

  const origins: readonly { readonly name: string; readonly headers: Readonly<Record<string, string>>; readonly status: number }[] = [
    { name: 'the same site, as a browser on https says it', headers: { 'Sec-Fetch-Site': 'same-origin', Origin: 'http://behind.a.proxy' }, status: 200 },
    { name: 'another site, as a browser on https says it', headers: { 'Sec-Fetch-Site': 'cross-site' }, status: 403 },
    { name: 'a sibling host', headers: { 'Sec-Fetch-Site': 'same-site' }, status: 403 },
    { name: 'the same origin', headers: { Host: 'park.example:8080', Origin: 'http://park.example:8080' }, status: 200 },
    { name: 'another origin', headers: { Host: 'park.example:8080', Origin: 'http://evil.example' }, status: 403 },
    { name: 'another port', headers: { Host: 'park.example:8080', Origin: 'http://park.example:9090' }, status: 403 },
    { name: 'an origin that is withheld', headers: { Origin: 'null' }, status: 403 },
    { name: 'a program that says nothing', headers: {}, status: 200 },
  ];
  it('lets a cookie change things only from its own site; a token is asked for no origin', async () => {
    const cookie = cookieOf(await signIn());
    for (const { name, headers, status } of origins) {
      await service.seed();
      const answer = await request(service.app).post('/api/v1/alerts/al-alpha/acknowledge').set('Cookie', cookie).set(headers);
      expect([name, answer.status]).to.deep.equal([name, status]);
      const withToken = await request(service.app).post('/api/v1/alerts/al-alpha/acknowledge').set('Authorization', bearer('committee')).set(headers);
      expect([name, withToken.status]).to.deep.equal([name, 200]);
    }
  });

  it('takes the Authorization header alone where there is one', async () => {
    const cookie = cookieOf(await signIn());
    for (const header of ['Bearer wrong', 'Basic Y2hlbjp4', 'Bearer', '']) {
      expect(await service.auth.authenticate(cookie, header), header).to.equal(null);
    }
    expect(await service.auth.authenticate(cookie, bearer('auditor'))).to.deep.equal({ name: 'token:auditor', ...PEOPLE.auditor });
    expect(await service.auth.authenticate(cookie, undefined)).to.deep.equal({ name: 'chen', ...PEOPLE.committee });
    expect(await service.auth.authenticate(undefined, undefined)).to.equal(null);
  });

  it('takes a token until it expires, and none that was taken back', async () => {
    await service.registry.tokens.put({ name: 'brief', ...PEOPLE.operator, secretHash: hashSecret('brief-secret'), createdAt: NOW, expiresAt: NOW + 1000 });
    expect((await service.auth.authenticate(undefined, 'Bearer brief-secret'))?.name).to.equal('token:brief');
    service.now += 1001;
    expect(await service.auth.authenticate(undefined, 'Bearer brief-secret')).to.equal(null);
    await service.registry.tokens.delete('auditor');
    expect(await service.auth.authenticate(undefined, bearer('auditor'))).to.equal(null);
  });

  it('writes no password, cookie or token into the log', async () => {
    const cookie = cookieOf(await signIn());
    await request(service.app).get('/api/v1/parks?limit=1').set('Cookie', cookie);
    await request(service.app).get('/api/v1/parks').set('Authorization', bearer('operator'));
    const log = service.log.join('');
    expect(log).to.contain('/api/v1/session').and.to.contain('"by":"chen"');
    for (const secret of [PASSWORD, /=([\w-]{43})/.exec(cookie)?.[1] ?? 'none', bearer('operator').slice(7)]) expect(log).not.to.contain(secret);
  });
});
