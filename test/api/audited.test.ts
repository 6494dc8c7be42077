import { join } from 'node:path';
import { expect } from 'chai';
import Database from 'libsql';
import request from 'supertest';
import type { ApiDeps } from '../../api/deps.ts';
import { GreenparkError } from '../../model/errors.ts';
import { bearer, PASSWORD, type Person, TestService } from './service.ts';

interface Entry {
  readonly action: string;
  readonly subjectId: string;
}

describe('a change and its entry in the audit trail', () => {
  let service: TestService;
  let corrections: unknown[];
  let refuseCorrections: boolean;

  beforeEach(async () => {
    corrections = [];
    refuseCorrections = false;
    service = await TestService.open(({ store }: ApiDeps) => ({
      store: {
        ...store,
        correct: async (correction) => {
          if (refuseCorrections) throw new GreenparkError('STORE_UNREACHABLE', 'the store is away', { retryable: true });
          corrections.push(correction);
        },
      },
    }));
  });
  afterEach(() => service.close());

  const send = (method: 'put' | 'post' | 'delete', path: string, body?: object, person: Person = 'operator') =>
    request(service.app)[method](path).set('Authorization', bearer(person)).send(body);
  const trail = async (): Promise<readonly Entry[]> => service.registry.audit.list({ parks: 'all' }, { limit: 200, after: null });

  /** From now on the database refuses every new entry, as a full disk might. */
  const refuseEntries = (): void => {
    const other = new Database(join(service.folder, 'registry.db'));
    other.exec("create trigger refuse_entries before insert on audit begin select raise(abort, 'no entry today'); end");
    other.close();
  };

  const correction = { quantity: 'active_power', ts: '2026-01-15T00:00:00Z', value: 3, reason: 'misread' };
  const attempts: readonly { readonly name: string; readonly make: () => ReturnType<typeof send> }[] = [
    { name: 'a new park', make: () => send('put', '/api/v1/parks/west', { name: 'W', region: '510100' }) },
    { name: 'a park that is deleted', make: () => send('delete', '/api/v1/parks/empty') },
    {
      name: 'a new meter',
      make: () => send('put', '/api/v1/parks/north/meters/m-new', { enterprise: null, name: 'n', kind: 'water', parent: null, gateway: null }),
    },
    { name: 'a replaced enterprise', make: () => send('put', '/api/v1/parks/north/enterprises/alpha', { name: '新名', trade: 'steel', stage: 'admitted' }) },
    { name: 'a deleted rule', make: () => send('delete', '/api/v1/parks/north/rules/r-alpha') },
    { name: 'a new gateway with its secret', make: () => send('put', '/api/v1/parks/north/gateways/gw-new', { name: 'New' }) },
    { name: "a gateway's new secret", make: () => send('post', '/api/v1/parks/north/gateways/gw-1/secret') },
    { name: 'an acknowledgement', make: () => send('post', '/api/v1/alerts/al-alpha/acknowledge') },
    { name: 'a shelved alert', make: () => send('post', '/api/v1/alerts/al-park/shelve', { until: '2026-01-16T00:00:00Z', reason: 'works on the line' }) },
    { name: 'a sign-in', make: () => send('post', '/api/v1/session', { username: 'chen', password: PASSWORD }) },
    {
      name: 'a declared exchange of a meter',
      make: () =>
        send('post', '/api/v1/meters/m-alpha/register-changes', {
          ...{ quantity: 'active_energy_import', at: '2026-01-15T00:00:00Z', kind: 'exchange' },
          ...{ closing: 100, opening: 0, reason: 'meter exchanged' },
        }),
    },
    { name: 'a correction', make: () => send('post', '/api/v1/meters/m-alpha/corrections', correction) },
  ];

  /** Everything that a change could have changed. */
  const state = async () => {
    const { registry } = service;
    const sessions = new Database(join(service.folder, 'registry.db'));
    try {
      return {
        document: await registry.export(),
        secrets: [await registry.gateways.secretHash('gw-1' as never), await registry.gateways.secretHash('gw-new' as never)],
        alerts: await registry.alerts.open(),
        sessions: sessions.prepare('select count(*) as n from sessions').all([]),
        corrections: [...corrections],
        registerChanges: await registry.registerChanges.all(),
        trail: await trail(),
      };
    } finally {
      sessions.close();
    }
  };

  for (const { name, make } of attempts) {
    it(`are made together or not at all: ${name}`, async () => {
      await service.registry.parks.put({ id: 'empty' as never, name: 'E', region: '510100', timeZone: 'UTC' });
      await service.watch.refresh();
      const before = await state();
      const made = await make();
      expect(made.status, JSON.stringify(made.body)).to.be.within(200, 204);
      expect((await trail()).length - before.trail.length).to.equal(1);
    });

    it(`leaves nothing changed when the entry cannot be written: ${name}`, async () => {
      await service.registry.parks.put({ id: 'empty' as never, name: 'E', region: '510100', timeZone: 'UTC' });
      await service.watch.refresh();
      const before = await state();
      refuseEntries();
      expect((await make()).status).to.be.at.least(400);
      expect(await state()).to.deep.equal(before);
    });
  }

  it('says of a correction that the store refused that it failed', async () => {
    refuseCorrections = true;
    expect((await send('post', '/api/v1/meters/m-alpha/corrections', correction)).status).to.equal(503);
    expect((await trail()).slice(0, 2).map(({ action, subjectId }) => `${action} ${subjectId}`)).to.deep.equal(['correct-failed m-alpha', 'correct m-alpha']);
  });

  it('writes no entry where nothing was changed', async () => {
    const before = (await trail()).length;
    const enterprise = { name: '甲厂', trade: 'steel', stage: 'applicant' };
    expect((await send('put', '/api/v1/parks/north/enterprises/alpha', enterprise)).status).to.equal(200);
    expect((await send('delete', '/api/v1/parks/north/rules/none')).status).to.equal(404);
    expect((await send('delete', '/api/v1/parks/north/gateways/none')).status).to.equal(404);
    expect((await trail()).length).to.equal(before);
  });
});
