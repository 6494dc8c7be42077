import { expect } from 'chai';
import request from 'supertest';
import { hashSecret } from '../../api/auth/secrets.ts';
import type { Scope } from '../../model/access.ts';
import type { GatewayId, ParkId } from '../../model/ids.ts';
import type { LeftOutKind, LeftOutSeen } from '../../model/ingest.ts';
import { hashGatewaySecret } from '../../store/registry/gateway-secret.ts';
import { bearer, NOW, TestService } from './service.ts';

interface Shown {
  readonly gateway: string | null;
  readonly state: string;
  readonly messages: number;
  readonly lastSeen: string | null;
}

describe('what the operator sees of ingest', () => {
  let service: TestService;
  const get = (path: string, by = bearer('operator')) => request(service.app).get(`/api/v1/ingest/${path}`).set('Authorization', by);
  const names = ({ body }: { readonly body: { readonly items: readonly Shown[] } }) => body.items.map(({ gateway }) => gateway);

  beforeEach(async () => {
    service = await TestService.open();
    for (const [id, park] of [
      ['gw-2', 'north'],
      ['gw-south', 'south'],
    ] as const)
      await service.registry.gateways.put({ id: id as GatewayId, park: park as ParkId, name: `网关 ${id}` });
    const tokens: readonly (readonly [string, Scope])[] = [
      ['of-north', { kind: 'park', park: 'north' as ParkId }],
      ['of-jiangsu', { kind: 'region', region: '32' }],
    ];
    for (const [name, scope] of tokens)
      await service.registry.tokens.put({ name, role: 'operator', scope, secretHash: hashSecret(`secret-${name}`), createdAt: NOW, expiresAt: null });
    await service.watch.refresh();
  });
  afterEach(() => service.close());

  const send = (gateway: string | null, meter: string, value: unknown) =>
    new Promise<void>((resolve) => {
      const message = { payload: Buffer.from(JSON.stringify({ ts: NOW, values: { active_power: value } })), gateway, transport: 'embedded', receivedAt: NOW };
      service.pipeline.accept({ ...message, topic: `parks/north/meters/${meter}/readings` }, () => resolve());
    });

  it('is every gateway, those in trouble first, with times in the park’s zone', async () => {
    await send('gw-2', 'm-park', 1);
    const { status, body } = await get('gateways');
    expect(status).to.equal(200);
    expect(body.items.map(({ gateway, state, messages, lastSeen }: Shown) => [gateway, state, messages, lastSeen])).to.deep.equal([
      // It may not publish for that meter.
      ['gw-2', 'refused', 1, '2026-01-15T12:00:00.000+08:00'],
      ['gw-1', 'unused', 0, null],
      ['gw-south', 'unused', 0, null],
    ]);
    expect(body.next).to.equal(null);
  });

  it('is of an operator’s parks alone; what came of nobody is the whole installation’s', async () => {
    await send('somebody', 'm-park', 1);
    expect(names(await get('gateways'))).to.deep.equal([null, 'gw-1', 'gw-2', 'gw-south']);
    expect(names(await get('gateways', 'Bearer secret-of-north'))).to.deep.equal(['gw-1', 'gw-2']);
    expect(names(await get('gateways', 'Bearer secret-of-jiangsu'))).to.deep.equal(['gw-south']);
    expect(names(await get('gateways?park=south'))).to.deep.equal(['gw-south']);
    expect((await get('gateways?park=south', 'Bearer secret-of-north')).status).to.equal(404);
  });

  it('tells of a gateway that pushes over HTTP what is known: it has no connection', async () => {
    await service.registry.gateways.setSecret('gw-2' as GatewayId, await hashGatewaySecret('s3cret'));
    const meter = { meter: 'm-alpha', values: { active_power: 3 } };
    await request(service.app)
      .post('/api/v1/readings')
      .auth('gw-2', 's3cret')
      .send([meter, { ...meter, meter: 'm-none' }]);
    // A person's push says nothing of the gateway.
    await request(service.app).post('/api/v1/readings').set('Authorization', bearer('operator')).send(meter);
    const { body } = await get('gateways?text=gw-2');
    expect(body.items[0]).to.include({ gateway: 'gw-2', transport: 'http', connected: null, messages: 2, refused: 2, state: 'refused' });
  });

  it('comes in pages and is searched by id and name', async () => {
    const first = await get('gateways?limit=2');
    expect([names(first), first.body.next === null]).to.deep.equal([['gw-1', 'gw-2'], false]);
    const second = await get(`gateways?limit=2&cursor=${first.body.next}`);
    expect([names(second), second.body.next]).to.deep.equal([['gw-south'], null]);
    expect(names(await get(`gateways?text=${encodeURIComponent('网关')}`))).to.deep.equal(['gw-2', 'gw-south']);
    expect(names(await get('gateways?text=GW-1'))).to.deep.equal(['gw-1']);
    expect(names(await get('gateways?text=nothing'))).to.deep.equal([]);
    expect((await get('gateways?cursor=!')).status).to.equal(400);
  });

  describe('left out by mappings', () => {
    const leave = (park: string | null, mapping: string, kind: LeftOutKind, name: string | null, at = NOW, meter: string | null = 'm-alpha') =>
      service.leftOut.see({
        ...{ park: park as ParkId | null, topic: 'gw/1', at },
        leftOut: { mapping, notes: [{ kind, name, meter, count: 2, value: 7 }], unnoted: 1, isWhole: false },
      });
    const told = async (path = 'left-out', by = bearer('operator')) => {
      const { body } = await get(path, by);
      return body.items.map(({ park, mapping, name, meter }: LeftOutSeen) => [park, mapping, name ?? meter]);
    };

    it('is told with times in the park’s zone, the quantity that is probably meant, and what is stored of the meter', async () => {
      leave('north', 'mp-1', 'not-mapped', 'kWh');
      leave('north', 'mp-1', 'nothing-mapped', null, NOW, 'm-none');
      const seen = () => get('left-out?mapping=mp-1');
      const at = '2026-01-15T12:00:00.000+08:00';
      const shared = { park: 'north', mapping: 'mp-1', topic: 'gw/1', count: 2, firstSeen: at, lastSeen: at, sample: '7' };
      expect((await seen()).body).to.deep.equal({
        items: [
          { ...shared, kind: 'nothing-mapped', name: null, meter: 'm-none', suggested: null, isRegistered: false, lastReading: null },
          { ...shared, kind: 'not-mapped', name: 'kWh', meter: 'm-alpha', suggested: 'active_energy_import', isRegistered: true, lastReading: null },
        ],
        next: null,
        forgotten: 2,
      });
      await new Promise<void>((resolve) => {
        const topic = 'parks/north/meters/m-alpha/readings';
        const payload = Buffer.from(JSON.stringify({ ts: NOW - 1000, values: { active_power: 1 } }));
        service.pipeline.accept({ topic, payload, gateway: null, transport: 'embedded', receivedAt: NOW }, () => resolve());
      });
      expect((await seen()).body.items[1].lastReading).to.equal('2026-01-15T11:59:59.000+08:00');
    });

    it('is of the parks of the one who asks; what nobody can put to a park is the whole installation’s', async () => {
      leave('north', 'mp-1', 'not-mapped', 'n');
      leave('south', 'mp-1', 'not-mapped', 's');
      leave(null, 'mp-1', 'not-mapped', 'nobody');
      expect((await told()).length).to.equal(3);
      expect((await get('left-out')).body.forgotten).to.equal(3);
      expect(await told('left-out', bearer('committee'))).to.deep.equal([['north', 'mp-1', 'n']]);
      expect(await told('left-out', 'Bearer secret-of-jiangsu')).to.deep.equal([['south', 'mp-1', 's']]);
      expect((await get('left-out', 'Bearer secret-of-jiangsu')).body.forgotten).to.equal(1);
      expect((await get('left-out?park=south', bearer('committee'))).status).to.equal(404);
    });

    it('comes in pages, each line once', async () => {
      for (let n = 0; n < 9; n++) leave('north', `mp-${n % 3}`, n % 2 === 0 ? 'not-mapped' : 'no-value', `x${n}`, NOW + (n % 4));
      // What one message had in it is of one time.
      const path = 'ns=2;s=Objects.Plant.Line3.Machine7.Electrical.Measurement.Energy.Active';
      for (let n = 0; n < 4; n++) leave('north', 'mp-1', 'not-mapped', `${path}.${n}`);
      const all = await told();
      const paged: unknown[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const { body } = (await get(`left-out?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`)) as { body: { items: LeftOutSeen[]; next: string | null } };
        paged.push(...body.items.map(({ park, mapping, name }) => [park, mapping, name]));
        cursor = body.next;
      }
      expect(paged).to.deep.equal(all);
      expect(new Set(all.map(String)).size).to.equal(9 + 4);
    });
  });

  it('is the state of the whole installation, for those alone who look after all of it', async () => {
    await send('gw-1', 'm-alpha', 1);
    await send('gw-1', 'm-alpha', 'x');
    const { status, body } = await get('state');
    expect(status).to.equal(200);
    expect(body).to.deep.include({ full: false, rejects: { 'gateway-not-allowed': 2 }, spool: null, lastCommitAt: null });
    expect(body.messages.refused).to.equal(2);
    const answer = await get('state', 'Bearer secret-of-north');
    expect([answer.status, answer.body.code]).to.deep.equal([403, 'FORBIDDEN']);
  });
});
