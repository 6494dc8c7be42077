import { expect } from 'chai';
import request from 'supertest';
import { hashSecret } from '../../api/auth/secrets.ts';
import { ROUTES } from '../../api/routes.ts';
import type { GatewayId, ParkId } from '../../model/ids.ts';
import { isoIn } from '../../model/period.ts';
import { hashGatewaySecret } from '../../store/registry/gateway-secret.ts';
import { bearer, NOW, type Person, TestService } from './service.ts';

const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

describe('ingest over HTTP', () => {
  let service: TestService;
  const north = 'north' as ParkId;
  const gw1 = 'gw-1' as GatewayId;
  const post = (path: string, body: unknown, by: string = bearer('operator')) =>
    request(service.app).post(path).set('Authorization', by).set('Content-Type', 'application/json').send(JSON.stringify(body));
  const get = (path: string, person: Person = 'operator') => request(service.app).get(path).set('Authorization', bearer(person));
  const del = (path: string) => request(service.app).delete(path).set('Authorization', bearer('operator'));
  const native = (meter: string, payload: unknown, at: number, park = 'north', more: { readonly retained?: boolean; readonly transport?: string } = {}) =>
    new Promise<void>((resolve, reject) => {
      const bytes = Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload));
      const message = { topic: `parks/${park}/meters/${meter}/readings`, payload: bytes, gateway: null, transport: 'mqtt', receivedAt: at, ...more };
      service.pipeline.accept(message, (error) => (error === undefined ? resolve() : reject(error)));
    });

  beforeEach(async () => {
    service = await TestService.open();
    await service.registry.gateways.setSecret(gw1, await hashGatewaySecret('s3cret'));
    const mine = await service.registry.meters.get('m-park' as never);
    const { ordinal: _, ...meter } = mine as NonNullable<typeof mine>;
    await service.registry.meters.put({ ...meter, gateway: gw1 });
    await service.watch.refresh();
  });
  afterEach(() => service.close());

  describe('a push', () => {
    const reading = { meter: 'm-alpha', ts: NOW, values: { active_power: 3 } };

    it('is answered item by item when it is stored, and the same again is a duplicate', async () => {
      const batch = [reading, { ...reading, ts: NOW + 1, values: { active_power: 4, nonsense: 1 } }, { meter: 'm-ghost', values: { active_power: 1 } }, 7];
      const first = await post('/api/v1/readings', batch);
      expect(first.status).to.equal(200);
      expect(first.body.items.map(({ outcome }: { outcome: string }) => outcome)).to.deep.equal(['accepted', 'partly', 'refused', 'refused']);
      expect(first.body.items.map(({ refusals }: { refusals: { reason: string }[] }) => refusals.map(({ reason }) => reason))).to.deep.equal([
        [],
        ['unknown-quantity'],
        ['unknown-meter'],
        ['wrong-shape'],
      ]);
      expect([first.body.accepted, first.body.refused, first.body.duplicates]).to.deep.equal([2, 2, 0]);
      expect(service.stored.size).to.equal(2);
      const again = await post('/api/v1/readings', reading);
      expect(again.body.items[0].outcome).to.equal('duplicate');
      expect(service.stored.size).to.equal(2);
    });

    it('takes the time of arrival where none is given', async () => {
      expect((await post('/api/v1/readings', { meter: 'm-alpha', values: { active_power: 3 } })).body.accepted).to.equal(1);
      expect(service.latest.ts[service.latest.ofMeter(service.watch.current.meter('m-alpha')?.ordinal ?? -1)[0] ?? -1]).to.equal(NOW);
    });

    const refused: readonly { readonly what: string; readonly body: unknown; readonly status: number; readonly code: string }[] = [
      { what: 'a number', body: 5, status: 422, code: 'NOT_UNDERSTOOD' },
      { what: 'an empty array', body: [], status: 422, code: 'NOT_UNDERSTOOD' },
      { what: 'an object of another form', body: { a: 1 }, status: 422, code: 'NOT_UNDERSTOOD' },
      { what: 'too many items', body: Array(1001).fill(reading), status: 413, code: 'TOO_LARGE' },
      { what: 'too many bytes', body: 'x'.repeat(1_000_001), status: 413, code: 'TOO_LARGE' },
    ];
    for (const { what, body, status, code } of refused) {
      it(`of ${what} is a problem with status ${status}`, async () => {
        const answer = await post('/api/v1/readings', body);
        expect([answer.status, answer.body.code]).to.deep.equal([status, code]);
      });
    }

    it('is put off with 503 and Retry-After once ingest is stopping', async () => {
      await service.pipeline.stop();
      const answer = await post('/api/v1/readings', reading);
      expect([answer.status, answer.headers['retry-after']]).to.deep.equal([503, '5']);
    });
  });

  describe('a gateway', () => {
    it('pushes for its own meters and for no others', async () => {
      const batch = ['m-park', 'm-alpha', 'm-gamma'].map((meter) => ({ meter, ts: NOW, values: { active_power: 3 } }));
      const { status, body } = await post('/api/v1/readings', batch, basic('gw-1', 's3cret'));
      expect(status).to.equal(200);
      expect(body.items.map(({ outcome }: { outcome: string }) => outcome)).to.deep.equal(['accepted', 'refused', 'refused']);
      expect(body.items[1].refusals[0].reason).to.equal('gateway-not-allowed');
      expect(service.stored.size).to.equal(1);
    });

    it('is nobody with a wrong secret, a wrong name, none or another form', async () => {
      const headers = [basic('gw-1', 'wrong'), basic('gw-2', 's3cret'), basic('gw-1', ''), 'Basic !!', 'Bearer s3cret'];
      for (const by of headers) expect([by, (await post('/api/v1/readings', { meter: 'm-park', values: {} }, by)).status]).to.deep.equal([by, 401]);
    });

    it('is nobody on every other route', async () => {
      const open = ROUTES.filter(({ access }) => access.kind === 'public').map(({ path }) => path);
      const others = ROUTES.filter(({ path }) => path !== '/api/v1/readings' && path !== '/metrics' && !open.includes(path));
      expect(others.length).to.be.greaterThan(50);
      for (const { method, path } of others) {
        const at = path.replace(/\{(\w+)\}/g, (_, name: string) => ({ park: 'north', meter: 'm-park', gateway: 'gw-1', letter: '1' })[name] ?? 'x');
        const { status } = await request(service.app)[method](at).set('Authorization', basic('gw-1', 's3cret'));
        expect([method, path, status]).to.deep.equal([method, path, 401]);
      }
    });
  });

  describe('a gateway that is a logger', () => {
    const key = '0123456789ABCDEFFEDCBA9876543210';
    const path = '/api/v1/parks/north/gateways/gw-logger';
    const put = (to: string, body: object) => request(service.app).put(to).set('Authorization', bearer('operator')).send(body);

    it('has the key by which the logger encrypts: taken, shown nowhere, kept when it is replaced, taken away', async () => {
      await put(path, { name: 'Logger', link: { type: 'hj212', mn: '88880001', meter: 'm-park' } }).expect(201);
      const kept = () => service.registry.gateways.key('gw-logger' as GatewayId);
      expect(await kept()).to.equal(null);
      await put(`${path}/key`, { key }).expect(200);
      await put(path, { name: 'New name', link: { type: 'hj212', mn: '88880001', meter: 'm-park' } }).expect(200);
      expect(
        Buffer.from((await kept()) ?? [])
          .toString('hex')
          .toUpperCase(),
      ).to.equal(key);
      const shown = [await get(path), await get('/api/v1/parks/north/gateways'), await get('/api/v1/audit')].map(({ text }) => text);
      shown.push(JSON.stringify(await service.registry.export()));
      for (const text of shown) expect(text.toUpperCase()).to.not.include(key);
      expect((await get('/api/v1/audit?subject=gateway&limit=3')).body.items.map(({ action }: { action: string }) => action)).to.deep.equal([
        'replace',
        'key',
        'create',
      ]);
      await put(`${path}/key`, { key: null }).expect(200);
      expect(await kept()).to.equal(null);
      const trail = (await get('/api/v1/audit?subject=gateway&limit=4')).body.items as { action: string; after: unknown }[];
      expect(trail.filter(({ action }) => action === 'key').map(({ after }) => after)).to.deep.equal([{ hasKey: false }, { hasKey: true }]);
    });

    it('has its number for itself: a second gateway with it is refused with the name of the first', async () => {
      const link = { type: 'hj212', mn: '88880001', meter: 'm-park' };
      await put(path, { name: 'Logger', link }).expect(201);
      const second = await put('/api/v1/parks/north/gateways/gw-second', { name: 'Second', link });
      expect([second.status, second.body.code, second.body.faults[0].path]).to.deep.equal([400, 'INPUT_INVALID', 'body.link.mn']);
      expect(second.text).to.match(/is that of gateway \\"gw-logger\\"/);
    });

    it('signs in nowhere else: its password may have six digits, and whoever listens can read it', async () => {
      await put(path, { name: 'Logger', link: { type: 'hj212', mn: '88880001', meter: 'm-park' } }).expect(201);
      await put(`${path}/secret`, { secret: '123456' }).expect(200);
      const push = (by: string) => post('/api/v1/readings', { meter: 'm-park', values: { active_power: 1 } }, by).then(({ status }) => status);
      expect(await push(basic('gw-logger', '123456'))).to.equal(401);
      // Nor when it becomes a gateway that does.
      await put(path, { name: 'Logger', link: { type: 'mqtt' } }).expect(200);
      expect(await push(basic('gw-logger', '123456'))).to.equal(401);
      const { body } = await post(`${path}/secret`, {});
      expect(await push(basic('gw-logger', body.secret))).to.equal(200);
    });

    it('has a key of 16 bytes', async () => {
      for (const wrong of ['', 'secret', key.slice(2), `${key}00`, 7]) expect((await put(`${path}/key`, { key: wrong })).status, String(wrong)).to.equal(400);
    });
  });

  describe('a meter that is not registered', () => {
    const record = { park: 'north', enterprise: null, name: '新表', kind: 'electricity', parent: null, gateway: null };

    it('is listed with what it sends, and registered in one step with all that was kept', async () => {
      for (let n = 0; n < 5; n++) await native('m-new', { ts: NOW - 5000 + n, values: { active_power: n, kWh: 1 } }, NOW - 5000 + n);
      const backlog = Array.from({ length: 1000 }, (_, n) => ({ ts: NOW - 3_600_000 + n, values: { active_power: n } }));
      expect(JSON.stringify(backlog).length).to.be.above(50_000);
      await native('m-new', backlog, NOW - 20);
      await native('m-new', { x: 'y'.repeat(1 << 20) }, NOW - 10);
      const { body: list } = await get('/api/v1/unknown-meters?park=north');
      expect(list.items[0]).to.include({ meter: 'm-new', park: 'north', count: 7, transport: 'mqtt' });
      const { status, body } = await post('/api/v1/unknown-meters/m-new/register', record);
      expect(status).to.equal(201);
      // The value named kWh is refused again, and one that is larger than is taken was cut.
      expect(body.replay).to.deep.include({ letters: 7, messages: 6, accepted: 1, partly: 5, refused: 0, cut: 1 });
      expect(service.stored.size).to.equal(1005);
      const { items: letters } = (await get('/api/v1/dead-letters?meter=m-new&state=waiting&limit=1')).body;
      expect(letters[0]).to.deep.include({ payloadLength: (1 << 20) + 8, keptLength: 16 << 10 });
      expect((await get('/api/v1/unknown-meters')).body.items).to.deep.equal([]);
      expect((await get('/api/v1/parks/north/meters/m-new')).body.name).to.equal('新表');
      const { body: trail } = await get('/api/v1/audit?subject=meter&park=north');
      expect(trail.items.slice(0, 2).map(({ action, subjectId }: { action: string; subjectId: string }) => [action, subjectId])).to.deep.equal([
        ['replayed', 'm-new'],
        ['create', 'm-new'],
      ]);
      expect((await post('/api/v1/unknown-meters/m-new/register', record)).status).to.equal(404);
    });

    it('is not registered over a meter that there is, nor with a record that is not valid', async () => {
      await native('m-new', { ts: NOW, values: { active_power: 1 } }, NOW);
      expect((await post('/api/v1/unknown-meters/m-alpha/register', record)).status).to.equal(404);
      expect((await post('/api/v1/unknown-meters/m-new/register', { ...record, kind: 'toaster' })).status).to.equal(400);
      expect((await post('/api/v1/unknown-meters/m-new/register', { ...record, gateway: 'gw-none' })).status).to.equal(400);
      expect((await get('/api/v1/unknown-meters')).body.items.length).to.equal(1);
    });

    it('is taken off the list until it reports again', async () => {
      await native('m-new', { ts: NOW, values: { active_power: 1 } }, NOW);
      expect((await del('/api/v1/unknown-meters/m-new')).status).to.equal(204);
      expect((await get('/api/v1/unknown-meters')).body.items).to.deep.equal([]);
      await native('m-new', { ts: NOW, values: { active_power: 1 } }, NOW);
      expect((await get('/api/v1/unknown-meters')).body.items.length).to.equal(1);
    });
  });

  describe('dead letters', () => {
    beforeEach(async () => {
      await native('m-alpha', '{"a"', NOW - 3000);
      await native('m-alpha', { ts: NOW, values: { nonsense: 1 } }, NOW - 2000);
      await native('m-gamma', { ts: NOW, values: { Nonsense: 1 } }, NOW - 1000, 'south');
    });

    const searches: readonly { readonly query: string; readonly found: readonly number[] }[] = [
      { query: '', found: [3, 2, 1] },
      { query: 'reason=not-json', found: [1] },
      { query: 'meter=m-alpha', found: [2, 1] },
      { query: 'topic=parks/south/', found: [3] },
      { query: 'text=NONSENSE', found: [3, 2] },
      { query: `from=${NOW - 2000}&to=${NOW - 1000}`, found: [2] },
      { query: 'transport=http', found: [] },
      { query: 'gateway=gw-1', found: [] },
      { query: 'state=replayed', found: [] },
      { query: 'park=south', found: [3] },
    ];
    for (const { query, found } of searches) {
      it(`are searched by "${query}"`, async () => {
        const { body } = await get(`/api/v1/dead-letters?${query}`);
        expect(body.items.map(({ id }: { id: number }) => id)).to.deep.equal(found);
      });
    }

    it('are searched by a meter that is not registered: by the topic, else by what the detail names', async () => {
      const found = async (meter: string) =>
        (await get(`/api/v1/dead-letters?meter=${encodeURIComponent(meter)}`)).body.items.map(({ id }: { id: number }) => id);
      await native('m-1', { ts: NOW, values: { active_power: 1 } }, NOW);
      await native('m-10', { ts: NOW, values: { active_power: 1 } }, NOW);
      await post('/api/v1/readings', { meter: 'm-1', ts: NOW, values: { active_power: 1 } });
      expect(await found('m-1')).to.deep.equal([6, 4]);
      expect(await found('m-10')).to.deep.equal([5]);
      for (const none of ['m-', 'm%', '*', '"', 'm-11']) expect(await found(none), none).to.deep.equal([]);
    });

    it('of a gateway without a meter that is known are seen by its park, at times of the park’s zone', async () => {
      const message = { topic: 'elsewhere', payload: Buffer.from('x'), gateway: 'gw-1', transport: 'embedded', receivedAt: NOW };
      await new Promise<void>((resolve, reject) => service.pipeline.accept(message, (error) => (error === undefined ? resolve() : reject(error))));
      for (const person of ['operator', 'committee'] as const) {
        const { body } = await get('/api/v1/dead-letters?park=north&reason=wrong-topic', person);
        expect(
          body.items.map(({ park, gateway, meter }: Record<string, unknown>) => [park, gateway, meter]),
          person,
        ).to.deep.equal([['north', 'gw-1', null]]);
        expect(body.items[0].receivedAt, person).to.equal(isoIn(NOW, 'Asia/Shanghai'));
      }
      expect((await get('/api/v1/dead-letters/4', 'committee')).body.receivedAt).to.equal(isoIn(NOW, 'Asia/Shanghai'));
    });

    it('are exported with their bytes, bounded by filter and scope', async () => {
      const answer = await get('/api/v1/dead-letters/export', 'committee')
        .buffer(true)
        .parse((response, done) => {
          let text = '';
          response.on('data', (chunk: Buffer) => {
            text += chunk.toString();
          });
          response.on('end', () => done(null, text));
        });
      expect(answer.headers['content-type']).to.match(/^application\/x-ndjson/);
      const lines = (answer.body as string)
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(lines.map(({ id, payloadText }) => [id, payloadText])).to.deep.equal([
        [1, '{"a"'],
        [2, `{"ts":${NOW},"values":{"nonsense":1}}`],
      ]);
      expect(Buffer.from(lines[0].payload, 'base64').toString()).to.equal('{"a"');
    });

    it('that fail again keep their place, with the new attempt counted and no second letter', async () => {
      const { body } = await post('/api/v1/dead-letters/replay', { filter: {}, limit: 2 });
      expect(body).to.include({ letters: 2, messages: 2, refused: 2 });
      expect((await post('/api/v1/dead-letters/replay', { filter: {}, limit: 2, cursor: body.next })).body).to.include({ letters: 1, refused: 1, next: null });
      const { body: list } = await get('/api/v1/dead-letters');
      expect(list.items.map(({ id, attempts }: { id: number; attempts: number }) => [id, attempts])).to.deep.equal([
        [3, 1],
        [2, 1],
        [1, 1],
      ]);
      expect((await get('/api/v1/audit?subject=dead-letter')).body.items.length).to.equal(4);
    });

    it('are replayed by ids or by a filter, not by both nor by nothing', async () => {
      for (const body of [{}, { ids: [1], filter: {} }]) expect((await post('/api/v1/dead-letters/replay', body)).status).to.equal(400);
    });

    it('of what the broker had kept, and of history, are replayed as what they were', async () => {
      await native('m-new', { active_power: 1 }, NOW, 'north', { retained: true });
      await native('m-new', { ts: NOW - 500 * 86_400_000, values: { active_power: 2 } }, NOW, 'north', { transport: 'import' });
      await native('m-new', { ts: NOW - 499 * 86_400_000, values: { active_power: 3 }, backfill: true }, NOW);
      const put = request(service.app).put('/api/v1/parks/north/meters/m-new').set('Authorization', bearer('operator'));
      await put.send({ enterprise: null, name: '新', kind: 'electricity', parent: null, gateway: null });
      const { body } = await post('/api/v1/dead-letters/replay', { filter: { topic: 'parks/north/meters/m-new/' } });
      expect(body).to.include({ letters: 3, accepted: 2, refused: 1 });
      expect(service.stored.rows.map((row) => row.slice(3)).sort()).to.deep.equal([
        [2, 'good'],
        [3, 'good'],
      ]);
      const { items } = (await get('/api/v1/dead-letters?state=waiting&topic=parks/north/meters/m-new/')).body;
      expect(items.map(({ reason, isRetained }: { reason: string; isRetained: boolean }) => [reason, isRetained])).to.deep.equal([
        ['retained-without-time', true],
      ]);
    });

    it('of a pushed item are replayed once its meter is registered', async () => {
      await post('/api/v1/readings', { meter: 'm-new', values: { active_power: 9 } });
      await request(service.app)
        .put('/api/v1/parks/north/meters/m-new')
        .set('Authorization', bearer('operator'))
        .send({ enterprise: null, name: '新', kind: 'electricity', parent: null, gateway: null });
      const { body } = await post('/api/v1/dead-letters/replay', { filter: { transport: 'http' } });
      expect(body).to.include({ letters: 1, accepted: 1 });
      expect(service.stored.rows.length).to.equal(1);
      expect((await get('/api/v1/dead-letters?state=replayed')).body.items.map(({ id }: { id: number }) => id)).to.deep.equal([4]);
      expect((await post('/api/v1/dead-letters/replay', { ids: [4] })).body).to.include({ already: 1, messages: 0 });
    });
  });

  it('bounds what a park’s own operator pushes and sees to its park', async () => {
    await service.registry.tokens.put({
      name: 'northern',
      role: 'operator',
      scope: { kind: 'park', park: north },
      secretHash: hashSecret('northern-token'),
      createdAt: NOW,
      expiresAt: null,
    });
    const by = 'Bearer northern-token';
    const batch = ['m-alpha', 'm-gamma', 'm-none'].map((meter) => ({ meter, ts: NOW, values: { active_power: 3 } }));
    const { body } = await post('/api/v1/readings', batch, by);
    expect(body.items.map(({ outcome }: { outcome: string }) => outcome)).to.deep.equal(['accepted', 'refused', 'refused']);
    // In the very words for what does not exist.
    expect(body.items[1].refusals[0].detail.replace('m-gamma', 'm-none')).to.equal(body.items[2].refusals[0].detail);
    await native('m-south', { ts: NOW, values: { water_flow: 1 } }, NOW, 'south');
    expect((await request(service.app).get('/api/v1/unknown-meters').set('Authorization', by)).body.items).to.deep.equal([]);
    const record = { park: 'north', enterprise: null, name: '表', kind: 'water', parent: null, gateway: null };
    expect((await post('/api/v1/unknown-meters/m-south/register', record, by)).status).to.equal(404);
  });
});
