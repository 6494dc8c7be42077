import { expect } from 'chai';
import Database from 'libsql';
import type { Alert } from '../../../model/alert.ts';
import type { EnterpriseId, MeterId, ParkId } from '../../../model/ids.ts';
import type { OpenRegistry } from '../../../store/registry/open.ts';
import type { NewDeadLetter, User } from '../../../store/registry/port.ts';
import { aDocument, BY, errorOf, OTHER, PARK, TestRegistry } from './park.ts';

const aUser = (over: Partial<User> = {}): User => ({
  username: 'li',
  role: 'operator',
  scope: { kind: 'installation' },
  passwordHash: 'h1',
  createdAt: 5,
  ...over,
});

const aLetter = (over: Partial<NewDeadLetter> = {}): NewDeadLetter => ({
  receivedAt: 1767225600000,
  transport: 'mqtt',
  topic: 'parks/north/meters/m-x/readings',
  gateway: null,
  isRetained: false,
  park: PARK,
  meter: null,
  reason: 'unknown-meter',
  detail: '',
  payload: new Uint8Array([0, 255, 10]),
  payloadLength: 3,
  ...over,
});

const anAlert = (id: string, over: Partial<Alert> = {}): Alert => ({
  id,
  park: PARK,
  enterprise: null,
  meter: 'm-main' as MeterId,
  rule: 'r-limit',
  ruleType: 'limit',
  name: '功率',
  level: 'red',
  state: 'firing',
  since: 1000,
  until: null,
  raisedAt: 1001,
  value: 6,
  bound: 5,
  peak: 6,
  unit: 'kW',
  stage: null,
  periodStart: null,
  acknowledgedBy: null,
  acknowledgedAt: null,
  shelvedUntil: null,
  shelvedBy: null,
  shelvedReason: null,
  ...over,
});

describe('registry: records', () => {
  let files: TestRegistry;
  let registry: OpenRegistry;

  beforeEach(async () => {
    files = new TestRegistry();
    registry = await files.open();
    await registry.import(aDocument(), BY);
  });
  afterEach(() => files.clean());

  describe('meters', () => {
    const put = (id: string) =>
      registry.meters.put({
        id: id as MeterId,
        park: OTHER,
        enterprise: null,
        name: id,
        kind: 'water',
        parent: null,
        multiplier: 1,
        gateway: null,
        intervalSeconds: 60,
      });
    const ordinal = async (id: string) => (await registry.meters.get(id as MeterId))?.ordinal;

    it('keep their ordinal when they are deleted and registered again, and nobody else gets it', async () => {
      expect(await put('w-1')).to.equal('created');
      expect(await ordinal('w-1')).to.equal(4);
      expect(await registry.meters.delete(OTHER, 'w-1' as MeterId)).to.equal(true);
      expect(await registry.meters.former()).to.deep.equal([{ id: 'w-1', park: OTHER, ordinal: 4 }]);
      expect([await registry.meters.former([PARK]), (await registry.meters.former([OTHER])).length]).to.deep.equal([[], 1]);
      registry.close();
      registry = await files.open();
      expect(await put('w-2')).to.equal('created');
      expect(await ordinal('w-2')).to.equal(5);
      expect(await put('w-1')).to.equal('created');
      expect(await ordinal('w-1')).to.equal(4);
      expect(await registry.meters.former()).to.deep.equal([]);
    });

    it('that were deleted cannot be registered in another park, whose people would see their readings', async () => {
      await put('w-1');
      await registry.meters.delete(OTHER, 'w-1' as MeterId);
      const elsewhere = { id: 'w-1' as MeterId, park: PARK, enterprise: null, name: 'w', kind: 'water' as const, parent: null, multiplier: 1 };
      const meter = { ...elsewhere, gateway: null, intervalSeconds: 60 };
      for (const registering of [() => registry.meters.put(meter), () => registry.import({ meters: [meter] }, BY)]) {
        const error = await errorOf(registering());
        expect(error.message).to.match(/meter "w-1" was registered in another park, where its readings are; choose another id/);
      }
      expect(await registry.import({ meters: [{ ...meter, park: OTHER }] }, BY)).to.be.an('object');
      expect(await ordinal('w-1')).to.equal(4);
    });

    it('keep their ordinal when replaced, and say when nothing changed', async () => {
      const found = await registry.meters.get('m-steel' as MeterId);
      if (found === null) throw new Error('m-steel is registered');
      const { ordinal: kept, ...meter } = found;
      expect(await registry.meters.put(meter)).to.equal('unchanged');
      expect(await registry.meters.put({ ...meter, units: { active_power: 'W' }, nameEn: 'Steel' })).to.equal('replaced');
      expect(await registry.meters.get(meter.id)).to.deep.equal({ ...found, ordinal: kept, units: { active_power: 'W' }, nameEn: 'Steel' });
    });

    it('come in order of id, page by page, also of one enterprise', async () => {
      const first = await registry.meters.list(PARK, { limit: 1, after: null });
      expect(first.map((meter) => meter.id)).to.deep.equal(['m-main']);
      expect((await registry.meters.list(PARK, { limit: 9, after: 'm-main' })).map((meter) => meter.id)).to.deep.equal(['m-steel']);
      expect((await registry.meters.list(PARK, { limit: 9, after: null, enterprise: 'steel' as EnterpriseId })).map((meter) => meter.id)).to.deep.equal([
        'm-steel',
      ]);
    });

    it('come all in order of park and id, however many there are', async () => {
      const of = (park: ParkId, count: number) =>
        Array.from({ length: count }, (_, n) => ({
          ...{ id: `${park}-${n}` as MeterId, park, enterprise: null, name: 'n', kind: 'water' as const, parent: null, multiplier: 1, gateway: null },
          intervalSeconds: 60,
        }));
      await registry.import({ meters: [...of(OTHER, 1500), ...of(PARK, 2600)] }, BY);
      const found = (await registry.meters.all()).map(({ park, id }) => `${park}/${id}`);
      expect(found.length).to.equal(3 + 4100);
      expect(found).to.deep.equal([...new Set(found)].sort());
    });
  });

  describe('progress of imports', () => {
    const source = { file: '/data/a.csv', mapping: '/data/a.yaml' };

    it('is kept by file and mapping over a restart, and only the last of it', async () => {
      expect(await registry.imports.get(source)).to.equal(null);
      const version = registry.version();
      await registry.imports.put(source, '{"rows":1}');
      await registry.imports.put(source, '{"rows":2}');
      await registry.imports.put({ ...source, mapping: '/data/b.yaml' }, '{"rows":3}');
      expect(registry.version(), 'nothing that people set up').to.equal(version);
      registry.close();
      registry = await files.open();
      expect(await registry.imports.get(source)).to.equal('{"rows":2}');
      expect(await registry.imports.get({ ...source, mapping: '/data/b.yaml' })).to.equal('{"rows":3}');
    });

    it('is forgotten', async () => {
      await registry.imports.put(source, '{}');
      expect(await registry.imports.delete(source)).to.equal(true);
      expect(await registry.imports.delete(source)).to.equal(false);
      expect(await registry.imports.get(source)).to.equal(null);
    });
  });

  describe('park-owned documents', () => {
    it('are created, unchanged, replaced, listed in pages and kept apart by park', async () => {
      const [cap] = aDocument().caps ?? [];
      if (cap === undefined) throw new Error('the document has a cap');
      expect(await registry.caps.put(cap)).to.equal('unchanged');
      expect(await registry.caps.put({ ...cap, amount: 7 })).to.equal('replaced');
      expect(await registry.caps.put({ ...cap, id: 'c-2' })).to.equal('created');
      expect(await registry.caps.put({ ...cap, park: OTHER, enterprise: null })).to.equal('created');
      expect((await registry.caps.get(PARK, 'c-1'))?.amount).to.equal(7);
      expect((await registry.caps.list(PARK, { limit: 5, after: 'c-1' })).map((one) => one.id)).to.deep.equal(['c-2']);
      expect((await registry.caps.all()).map((one) => `${one.park}/${one.id}`)).to.deep.equal(['north/c-1', 'north/c-2', 'south/c-1']);
      expect(await registry.caps.get('x' as ParkId, 'c-1')).to.equal(null);
    });
  });

  describe('people', () => {
    it('sign in by a session until it ends, by a token until it expires', async () => {
      await registry.users.put(aUser());
      await registry.sessions.create({ idHash: 's', username: 'li', createdAt: 0, expiresAt: 100 });
      expect(await registry.sessions.user('s', 99)).to.deep.equal(aUser());
      expect(await registry.sessions.user('s', 100)).to.equal(null);
      expect(await registry.sessions.deleteExpired(100)).to.equal(1);
      const token = { name: 't', role: 'auditor', scope: { kind: 'region', region: '51' }, secretHash: 'x', createdAt: 1, expiresAt: 50 } as const;
      await registry.tokens.put(token);
      expect(await registry.tokens.bySecretHash('x', 49)).to.deep.equal(token);
      expect(await registry.tokens.bySecretHash('x', 50)).to.equal(null);
      expect(await registry.tokens.delete('t')).to.equal(true);
    });

    const signIn = () => registry.sessions.create({ idHash: 's', username: 'li', createdAt: 0, expiresAt: 100 });

    const changes: readonly { readonly name: string; readonly change: Partial<User>; readonly ends: boolean }[] = [
      { name: 'a new password', change: { passwordHash: 'h2' }, ends: true },
      { name: 'a new role', change: { role: 'auditor' }, ends: true },
      { name: 'a new scope', change: { scope: { kind: 'park', park: OTHER } }, ends: true },
      { name: 'nothing new', change: {}, ends: false },
    ];
    for (const { name, change, ends } of changes) {
      it(`${ends ? 'lose' : 'keep'} their sessions with ${name}`, async () => {
        await registry.users.put(aUser());
        await signIn();
        await registry.users.put(aUser(change));
        expect((await registry.sessions.user('s', 1)) === null).to.equal(ends);
      });
    }

    it('lose a token when it is made anew', async () => {
      const token = { name: 't', role: 'auditor', scope: { kind: 'region', region: '51' }, secretHash: 'x', createdAt: 1, expiresAt: null } as const;
      await registry.tokens.put(token);
      await registry.tokens.put({ ...token, secretHash: 'y' });
      expect(await registry.tokens.bySecretHash('x', 2)).to.equal(null);
      expect(await registry.tokens.bySecretHash('y', 2)).to.not.equal(null);
    });

    it('lose their sessions with their account', async () => {
      await registry.users.put(aUser());
      await signIn();
      expect(await registry.users.delete('li')).to.equal(true);
      expect(await registry.sessions.user('s', 1)).to.equal(null);
      expect(await registry.users.count()).to.equal(0);
    });
  });

  describe('alerts', () => {
    it('are saved with their rule states, replaced by id, and read again after a restart', async () => {
      await registry.alerts.save([anAlert('a'), anAlert('b', { since: 2000 })], [{ instance: 'r/1', state: '{"n":1}' }]);
      await registry.alerts.save(
        [anAlert('a', { state: 'resolved', until: 1500 })],
        [
          { instance: 'r/1', state: '{"n":2}' },
          { instance: 'r/2', state: '{}' },
        ],
      );
      registry.close();
      registry = await files.open();
      expect(await registry.alerts.get('a')).to.deep.equal(anAlert('a', { state: 'resolved', until: 1500 }));
      expect((await registry.alerts.open()).map((alert) => alert.id)).to.deep.equal(['b']);
      await registry.alerts.deleteStates(['r/2']);
      expect(await registry.alerts.states()).to.deep.equal([{ instance: 'r/1', state: '{"n":2}' }]);
    });

    it('are saved whole or not at all', async () => {
      const broken = { instance: 'r', state: null } as unknown as { instance: string; state: string };
      expect((await errorOf(registry.alerts.save([anAlert('a')], [broken]))).code).to.equal('CONFLICT');
      expect(await registry.alerts.get('a')).to.equal(null);
    });

    it('come newest first, page by page, also where many began at once', async () => {
      await registry.alerts.save(['a', 'b', 'c', 'd'].map((id) => anAlert(id)).concat(anAlert('e', { since: 5 })), []);
      const seen: string[] = [];
      let after: string | null = null;
      do {
        const page = await registry.alerts.list({ parks: [PARK] }, { limit: 2, after });
        seen.push(...page.items.map((alert) => alert.id));
        after = page.next;
      } while (after !== null);
      expect(seen).to.deep.equal(['d', 'c', 'b', 'a', 'e']);
      expect((await errorOf(registry.alerts.list({ parks: [PARK] }, { limit: 2, after: 'nonsense' }))).code).to.equal('INPUT_INVALID');
    });

    const filters = [
      { name: 'no park', filter: { parks: [] }, ids: [] },
      { name: 'a park', filter: { parks: [OTHER] }, ids: ['s'] },
      { name: 'an enterprise', filter: { parks: [PARK], enterprise: 'steel' as EnterpriseId }, ids: ['b'] },
      { name: 'a state', filter: { parks: [PARK], state: 'resolved' as const }, ids: ['a'] },
      { name: 'a meter', filter: { parks: [PARK], meter: 'm-steel' as MeterId }, ids: ['b'] },
      { name: 'a time after one ended', filter: { parks: [PARK], from: 200 }, ids: ['b'] },
      { name: 'a time before one began', filter: { parks: [PARK], to: 150 }, ids: ['a'] },
    ];
    for (const c of filters) {
      it(`are found by ${c.name}`, async () => {
        await registry.alerts.save(
          [
            anAlert('a', { since: 100, until: 200, state: 'resolved' }),
            anAlert('b', { since: 150, enterprise: 'steel' as EnterpriseId, meter: 'm-steel' as MeterId }),
            anAlert('s', { park: OTHER }),
          ],
          [],
        );
        expect((await registry.alerts.list(c.filter, { limit: 9, after: null })).items.map((alert) => alert.id)).to.deep.equal(c.ids);
      });
    }
  });

  describe('dead letters', () => {
    const ids = async (parks: readonly ParkId[] | 'all' = 'all') =>
      (await registry.deadLetters.list({ parks }, { limit: 99, after: null })).map((letter) => letter.id);

    const payloadsHeld = (): readonly number[] => {
      const raw = new Database(files.file);
      const held = raw.prepare('select id from letter_payloads order by id').all([]) as { id: number }[];
      raw.close();
      return held.map(({ id }) => id);
    };
    const upTo = (letters: number, bytes = Number.MAX_SAFE_INTEGER) => ({ letters, bytes });

    it('keep the original bytes, and a text with a NUL as a whole', async () => {
      await registry.deadLetters.add([aLetter({ detail: 'a\0b' }), aLetter({ payload: new Uint8Array(0) })], upTo(10));
      const found = await registry.deadLetters.get(1);
      expect([...(found?.payload ?? [])]).to.deep.equal([0, 255, 10]);
      expect(found?.detail).to.equal('a\uFFFDb');
      expect((await registry.deadLetters.get(2))?.payload.length).to.equal(0);
    });

    it('let the oldest go beyond the capacity, and count them', async () => {
      expect(await registry.deadLetters.add([aLetter(), aLetter(), aLetter()], upTo(4))).to.equal(0);
      expect(await registry.deadLetters.add([aLetter(), aLetter()], upTo(4))).to.equal(1);
      expect(await ids()).to.deep.equal([5, 4, 3, 2]);
      expect(
        await registry.deadLetters.add(
          Array.from({ length: 10 }, () => aLetter()),
          upTo(4),
        ),
      ).to.equal(10);
      expect(await ids()).to.deep.equal([15, 14, 13, 12]);
      expect(await registry.deadLetters.add([], upTo(4))).to.equal(0);
    });

    it('let the oldest go beyond the bytes of their payloads, over a restart too', async () => {
      const of = (bytes: number) => aLetter({ payload: new Uint8Array(bytes), payloadLength: bytes });
      expect(await registry.deadLetters.add([of(40), of(0), of(30)], upTo(9, 100))).to.equal(0);
      expect(await registry.deadLetters.add([of(30)], upTo(9, 100))).to.equal(0);
      expect(await ids()).to.deep.equal([4, 3, 2, 1]);
      registry.close();
      registry = await files.open();
      expect(await registry.deadLetters.add([of(1)], upTo(9, 100))).to.equal(1);
      expect(await ids()).to.deep.equal([5, 4, 3, 2]);
      expect(await registry.deadLetters.add([of(90)], upTo(9, 100))).to.equal(3);
      expect(await ids()).to.deep.equal([6, 5]);
      expect((await registry.deadLetters.get(5))?.payload.length).to.equal(1);
      expect(await registry.deadLetters.add([of(60), of(50)], upTo(9, 100))).to.equal(3);
      expect(await ids()).to.deep.equal([8]);
      expect(await registry.deadLetters.add([of(101)], upTo(9, 100))).to.equal(2);
      expect(await ids()).to.deep.equal([]);
      expect(payloadsHeld()).to.deep.equal([]);
    });

    it('of one message keep its bytes once, until the last of them has gone', async () => {
      const payload = Buffer.from('x'.repeat(40));
      const letters = ['a', 'b', 'c'].map((reason) => aLetter({ reason, payload, payloadLength: 40 }));
      await registry.deadLetters.add([aLetter(), ...letters], upTo(9, 100));
      expect(payloadsHeld()).to.deep.equal([1, 2]);
      const found = await registry.deadLetters.list({ parks: 'all' }, { limit: 9, after: null });
      expect(found.map(({ id, message, keptLength }) => [id, message, keptLength])).to.deep.equal([
        [4, 2, 40],
        [3, 2, 40],
        [2, 2, 40],
        [1, 1, 3],
      ]);
      await registry.deadLetters.add([aLetter()], upTo(3));
      expect(await ids()).to.deep.equal([5, 4, 3]);
      expect([...(await registry.deadLetters.payloads([3, 4]))].map(([id, bytes]) => [id, bytes.length])).to.deep.equal([
        [3, 40],
        [4, 40],
      ]);
      await registry.deadLetters.add([aLetter()], upTo(2));
      expect(payloadsHeld()).to.deep.equal([5, 6]);
    });

    it('are seen by park, filtered by reason, paged newest first and counted', async () => {
      await registry.deadLetters.add([aLetter(), aLetter({ park: null, reason: 'not-json' }), aLetter({ park: OTHER })], upTo(10));
      expect(await ids([PARK])).to.deep.equal([1]);
      expect(await ids([])).to.deep.equal([]);
      expect((await registry.deadLetters.list({ parks: 'all', reason: 'not-json' }, { limit: 9, after: null })).map((letter) => letter.id)).to.deep.equal([2]);
      expect((await registry.deadLetters.list({ parks: 'all' }, { limit: 1, after: 3 })).map((letter) => letter.id)).to.deep.equal([2]);
      expect([...(await registry.deadLetters.countByReason())]).to.deep.equal([
        ['not-json', 1],
        ['unknown-meter', 2],
      ]);
    });
  });

  describe('a change of several things', () => {
    const west = { id: 'west' as ParkId, name: 'W', region: '510100', timeZone: 'UTC' };
    const entry = { at: 9, actor: 'li', action: 'create', park: null, subject: 'park', subjectId: 'west', before: null, after: '{}' };

    it('is made as a whole, read by itself meanwhile, and counted as one new version', async () => {
      const version = registry.version();
      const seen = await registry.change(async ({ parks, audit }) => {
        await parks.put(west);
        await audit.append(entry);
        return await parks.get(west.id);
      });
      expect(seen).to.deep.equal(west);
      expect(await registry.parks.get(west.id)).to.deep.equal(west);
      expect((await registry.audit.list({ parks: 'all', actor: 'li' }, { limit: 9, after: null })).length).to.equal(1);
      expect(registry.version()).to.equal(version + 1);
    });

    it('leaves nothing behind when a part of it fails, and the registry goes on', async () => {
      const version = registry.version();
      const fault = await errorOf(
        registry.change(async ({ parks, audit }) => {
          await parks.put(west);
          await audit.append(entry);
          throw new Error('the power went');
        }),
      );
      expect(fault.message).to.contain('the power went');
      expect(await registry.parks.get(west.id)).to.equal(null);
      expect(await registry.audit.list({ parks: 'all', actor: 'li' }, { limit: 9, after: null })).to.deep.equal([]);
      expect(registry.version()).to.equal(version);
      expect(await registry.parks.put(west)).to.equal('created');
    });

    it('is no new version when nothing was set up', async () => {
      const version = registry.version();
      await registry.change(({ audit }) => audit.append(entry));
      expect(registry.version()).to.equal(version);
    });
  });

  describe('the audit trail', () => {
    const attempts = [
      "update audit set actor = 'nobody'",
      'delete from audit',
      "insert or replace into audit (id, at, actor, action, subject, subject_id) values (1, 0, 'x', 'x', 'x', 'x')",
    ];
    for (const statement of attempts) {
      it(`refuses "${statement.slice(0, 26)}…" even from another program`, async () => {
        const before = await registry.audit.list({ parks: 'all' }, { limit: 99, after: null });
        expect(before).to.have.length(14);
        const raw = new Database(files.file);
        try {
          expect(() => raw.exec(statement)).to.throw(/append-only/);
        } finally {
          raw.close();
        }
        expect(await registry.audit.list({ parks: 'all' }, { limit: 99, after: null })).to.deep.equal(before);
      });
    }

    it('is read newest first by park, subject and actor', async () => {
      await registry.audit.append({ at: 9, actor: 'li', action: 'create', park: null, subject: 'user', subjectId: 'zhao', before: null, after: '{}' });
      const [entry] = await registry.audit.list({ parks: 'all', actor: 'li' }, { limit: 9, after: null });
      expect(entry).to.deep.equal({ id: 15, at: 9, actor: 'li', action: 'create', park: null, subject: 'user', subjectId: 'zhao', before: null, after: '{}' });
      expect((await registry.audit.list({ parks: [OTHER], subject: 'meter' }, { limit: 9, after: null })).map((one) => one.subjectId)).to.deep.equal([
        'm-south',
      ]);
      expect(await registry.audit.list({ parks: 'all' }, { limit: 9, after: 3 })).to.have.length(2);
    });
  });
});
