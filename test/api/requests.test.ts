import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import request from 'supertest';
import { ROUTES } from '../../api/routes.ts';
import { bearer, TestService } from './service.ts';

describe('requests and what is wrong with them', () => {
  let service: TestService;
  before(async () => {
    service = await TestService.open(({ options }) => ({
      ...(options === undefined ? {} : { options }),
      metrics: async () => {
        throw new Error('the database at 10.0.0.7 said: secret');
      },
    }));
    mkdirSync(join(service.folder, 'web', 'assets'), { recursive: true });
  });
  after(() => service.close());

  const put = (path: string) => request(service.app).put(path).set('Authorization', bearer('operator'));
  const get = (path: string) => request(service.app).get(path).set('Authorization', bearer('operator'));
  const cap = '/api/v1/parks/north/caps/c-new';

  it('lists every fault with where it stands', async () => {
    const { status, body, headers } = await put(`${cap}?colour=green`).send({
      id: 7,
      enterprise: null,
      carrier: 'coal',
      flow: 'consumption',
      period: 'month',
      amount: -1,
      stages: [{ percent: 80 }],
    });
    expect(status).to.equal(400);
    expect(headers['content-type']).to.match(/^application\/problem\+json/);
    expect(body).to.include({
      type: 'urn:greenpark:error:INPUT_INVALID',
      status: 400,
      code: 'INPUT_INVALID',
      retryable: false,
      requestId: headers['x-request-id'],
    });
    expect(body.faults.map(({ path }: { path: string }) => path)).to.have.members([
      'query',
      'body',
      'body.id',
      'body.carrier',
      'body.amount',
      'body.stages[0]',
    ]);
  });

  const faults: readonly {
    readonly name: string;
    readonly send: () => request.Test;
    readonly status: number;
    readonly code: string;
    readonly path?: string;
  }[] = [
    { name: 'a body that is no JSON', send: () => put(cap).type('json').send('{"name":'), status: 400, code: 'INPUT_INVALID', path: 'body' },
    { name: 'a body that is missing', send: () => put(cap), status: 400, code: 'INPUT_INVALID', path: 'body' },
    { name: 'a body that is a list', send: () => put(cap).send([]), status: 400, code: 'INPUT_INVALID', path: 'body' },
    { name: 'a body of another type', send: () => put(cap).type('form').send('name=x'), status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' },
    { name: 'a body that is too large', send: () => put(cap).send({ name: 'x'.repeat(1_100_000) }), status: 413, code: 'TOO_LARGE' },
    { name: 'an id that is none', send: () => put('/api/v1/parks/north/caps/%20').send({}), status: 400, code: 'INPUT_INVALID', path: 'path.cap' },
    { name: 'a path that cannot be decoded', send: () => get('/api/v1/parks/%E0%A4%A'), status: 400, code: 'INPUT_INVALID' },
    {
      name: 'an id in the body that is not that of the path',
      send: () => put('/api/v1/parks/north').send({ id: 'south', name: 'x', region: '510112' }),
      status: 400,
      code: 'INPUT_INVALID',
      path: 'body.id',
    },
    {
      name: 'a rule of an unknown type',
      send: () => put('/api/v1/parks/north/rules/r').send({ type: 'magic' }),
      status: 400,
      code: 'INPUT_INVALID',
      path: 'body.type',
    },
    {
      name: 'a meter whose parent is not there',
      send: () => put('/api/v1/parks/north/meters/m-new').send({ enterprise: null, name: 'x', kind: 'water', parent: 'm-ghost', gateway: null }),
      status: 400,
      code: 'INPUT_INVALID',
      path: 'body.parent',
    },
    {
      name: 'a meter id that another park has',
      send: () => put('/api/v1/parks/south/meters/m-alpha').send({ enterprise: null, name: 'x', kind: 'water', parent: null, gateway: null }),
      status: 409,
      code: 'CONFLICT',
    },
    { name: 'a page that was never given out', send: () => get('/api/v1/parks?cursor=%21'), status: 400, code: 'INPUT_INVALID', path: 'query.cursor' },
    { name: 'a page of nothing', send: () => get('/api/v1/parks?limit=0'), status: 400, code: 'INPUT_INVALID', path: 'query.limit' },
    { name: 'a query that says a thing twice', send: () => get('/api/v1/parks?limit=1&limit=2'), status: 400, code: 'INPUT_INVALID', path: 'query.limit' },
    {
      name: 'a day that is in no calendar',
      send: () => get('/api/v1/parks/north/usage?from=2026-02-30T00:00:00Z'),
      status: 400,
      code: 'INPUT_INVALID',
      path: 'query.from',
    },
    {
      name: 'more figures than one answer holds',
      send: () => get('/api/v1/parks/north/usage?from=1996-01-01T00:00:00Z&period=hour'),
      status: 400,
      code: 'INPUT_INVALID',
      path: 'query.period',
    },
    { name: 'a path that the API does not have', send: () => get('/api/v1/nothing'), status: 404, code: 'NOT_FOUND' },
    { name: 'a page that is not there', send: () => get('/nothing'), status: 404, code: 'NOT_FOUND' },
  ];
  for (const { name, send, status, code, path } of faults) {
    it(`refuses ${name} with ${status} ${code}`, async () => {
      const { body, ...answer } = await send();
      expect([answer.status, body.code]).to.deep.equal([status, code]);
      if (path !== undefined) expect(body.faults.map((fault: { path: string }) => fault.path)).to.include(path);
    });
  }

  it('names the methods of a path when another one is tried', async () => {
    const paths = new Map<string, string[]>();
    for (const { path, method } of ROUTES) paths.set(path, [...(paths.get(path) ?? []), method.toUpperCase()]);
    for (const [path, methods] of paths) {
      const { status, headers, body } = await request(service.app).patch(path.replace(/\{\w+\}/g, 'x'));
      expect([path, status, body.code]).to.deep.equal([path, 405, 'METHOD_NOT_ALLOWED']);
      expect((headers['allow'] ?? '').split(', ')).to.include.members(methods);
    }
  });

  it('tells of its own faults nothing but the request id, and writes them into the log under it', async () => {
    const { status, body, text } = await get('/metrics');
    expect([status, body.code]).to.deep.equal([500, 'INTERNAL']);
    expect(text).not.to.contain('10.0.0.7');
    expect(service.log.find((line) => line.includes('10.0.0.7'))).to.contain(body.requestId);
  });

  it('reads no body of those who may not', async () => {
    const { status } = await request(service.app).put(cap).type('json').send('{"name":');
    expect(status).to.equal(401);
  });

  it('serves the web client, and its page for every address that is not the API', async () => {
    const webFolder = join(service.folder, 'web');
    writeFileSync(join(webFolder, 'index.html'), '<!doctype html><title>Greenpark</title>');
    writeFileSync(join(webFolder, 'assets', 'app-1a2b.js'), 'export {};');
    const web = await TestService.open(() => ({ webFolder }));
    try {
      for (const path of ['/', '/parks/north/meters/m-1']) {
        const page = await request(web.app).get(path).set('Accept', 'text/html');
        expect([page.status, page.headers['cache-control']]).to.deep.equal([200, 'no-cache']);
        expect(page.text).to.contain('<title>Greenpark');
        expect(page.headers['content-security-policy']).to.contain("script-src 'self'").and.to.contain("frame-ancestors 'none'").and.not.to.contain('unsafe');
        expect(page.headers['content-security-policy']).not.to.contain('upgrade-insecure-requests');
      }
      const asset = await request(web.app).get('/assets/app-1a2b.js');
      expect([asset.status, asset.headers['cache-control']]).to.deep.equal([200, 'public, max-age=31536000, immutable']);
      const missing = await request(web.app).get('/assets/app-old.js');
      expect([missing.status, missing.body.code]).to.deep.equal([404, 'NOT_FOUND']);
      expect((await request(web.app).get('/api/nothing').set('Accept', 'text/html')).body.code).to.equal('NOT_FOUND');
      expect((await request(web.app).get('/%2e%2e%2f%2e%2e%2fetc%2fpasswd')).text).not.to.contain('root:');
    } finally {
      web.close();
    }
  });
});
