import { expect } from 'chai';
import type { MqttClient } from 'mqtt';
import { Caller, eventually } from './callers.ts';
import { ADMIN_PASSWORD, Service, SURROUNDINGS, type Surroundings } from './service.ts';

/** In the middle of a day, so that no period ends while the test runs; from there on time goes by as usual. */
const NOON = Date.parse('2026-05-11T12:00:00+08:00');
const at = (time: string): number => Date.parse(`2026-05-11T${time}:00+08:00`);
const ENERGY = 'active_energy_import';

const PARK = {
  '/api/v1/parks/north': { name: '北园', region: '510112' },
  '/api/v1/parks/north/gateways/g-1': { name: '网关' },
};
const METERS: readonly (readonly [string, object])[] = [
  ['reset', {}],
  ['rollover', { checks: { [ENERGY]: { registerWidth: 1_000_000 } } }],
  ['exchange', {}],
  ['declared', {}],
  ['slip', {}],
  ['shifts', {}],
  ['silent', {}],
  ['mixed', {}],
  ['told-late', {}],
  ['corrected', {}],
  ['corrected-newest', {}],
  // A step of one, so that nothing rises with the number of meters in the park's figure.
  ['leap', { checks: { [ENERGY]: { jump: { change: 100, perSeconds: 3600 } } } }],
  ['higher', { checks: { [ENERGY]: { jump: { change: 100, perSeconds: 3600 } } } }],
];

interface Noted {
  readonly kind: string;
  readonly at: string;
  readonly author: string;
  readonly closing?: number;
  readonly opening?: number;
  readonly width?: number;
}

for (const { name, prepare } of SURROUNDINGS) {
  describe(`registers that do not go on from where they stood, with ${name}`, function () {
    this.timeout(30_000);
    let surroundings: Surroundings;
    let service: Service;
    let gateway: MqttClient;
    let admin: Caller;
    let secret = '';

    before(async function () {
      surroundings = await prepare(this);
      const began = Date.now();
      service = await Service.start(surroundings, () => NOON + Date.now() - began);
      admin = await Caller.signIn(service.url, 'admin', ADMIN_PASSWORD);
      const places = { ...PARK, ...Object.fromEntries(METERS.map(([id, more]) => [`/api/v1/parks/north/meters/${id}`, meter(id, more)])) };
      for (const [path, body] of Object.entries(places)) {
        const { status, body: answer } = await admin.put<{ readonly secret?: string }>(path, body);
        expect(status, JSON.stringify(answer)).to.equal(201);
        secret = answer.secret ?? secret;
      }
      gateway = await service.gateway('g-1', secret);
    });

    after(async () => {
      await gateway?.endAsync(true);
      await service?.remove();
      await surroundings?.remove();
    });

    const meter = (id: string, more: object) => ({ enterprise: null, name: id, kind: 'electricity', parent: null, gateway: 'g-1', ...more });
    const publish = (id: string, time: string, value: number): Promise<unknown> =>
      gateway.publishAsync(`parks/north/meters/${id}/readings`, JSON.stringify({ ts: at(time), values: { [ENERGY]: value } }), { qos: 1 });
    /** Published and stored: a broker of its own acknowledges before. */
    const row = async (id: string, ...readings: readonly (readonly [string, number])[]) => {
      const before = (await qualities(id)).length;
      for (const [time, value] of readings) await publish(id, time, value);
      await eventually(async () => (await qualities(id)).length === before + readings.length, `${readings.length} readings of ${id}`);
    };
    const changes = (id: string) => admin.items<Noted>(`/api/v1/meters/${id}/register-changes`);
    const qualities = async (id: string) => {
      const path = `/api/v1/meters/${id}/series?quantity=${ENERGY}&from=2026-05-10T16:00:00Z&to=2026-05-11T16:00:00Z`;
      const { status, body } = await admin.get<{ readonly items: readonly { readonly quality: string }[] }>(path);
      expect(status, JSON.stringify(body)).to.equal(200);
      return body.items.map(({ quality }) => quality);
    };
    /** Usage of the day as it is computed from what is stored. */
    const usage = async (id: string): Promise<number | undefined> => {
      const figures = await admin.items<{ readonly meter: string; readonly amount: number }>(
        '/api/v1/parks/north/usage?carrier=electricity&period=day&from=2026-05-10T16:00:00Z&to=2026-05-11T16:00:00Z&by=meter',
      );
      return figures.find((figure) => figure.meter === id)?.amount;
    };
    /** The same as it runs along in memory. */
    const running = async () => {
      const { body } = await admin.get<{ readonly figures: { readonly today: readonly { readonly carrier: string; readonly amount: number }[] } }>(
        '/api/v1/parks/north/state',
      );
      return body.figures.today.find(({ carrier }) => carrier === 'electricity')?.amount ?? 0;
    };

    it('tells a momentary zero from a reset, and counts nothing for it', async () => {
      await row('slip', ['08:00', 53_700], ['08:15', 0], ['08:30', 53_701]);
      expect(await qualities('slip')).to.deep.equal(['good', 'backwards', 'good']);
      expect(await changes('slip')).to.deep.equal([]);
      expect([await usage('slip'), await running()]).to.deep.equal([1, 1]);
    });

    it('notes a reset, and counts what the register shows since', async () => {
      await row('reset', ['08:00', 1000], ['08:15', 3], ['08:30', 5]);
      expect((await changes('reset')).map(({ kind, author }) => [kind, author])).to.deep.equal([['reset', 'greenpark']]);
      expect([await usage('reset'), await running()]).to.deep.equal([5, 1 + 5]);
    });

    it('notes a rollover where the width is known, and counts up to it and on', async () => {
      await row('rollover', ['08:00', 999_990], ['08:15', 2], ['08:30', 4]);
      expect((await changes('rollover')).map(({ kind, width }) => [kind, width])).to.deep.equal([['rollover', 1_000_000]]);
      expect([await usage('rollover'), await running()]).to.deep.equal([14, 6 + 14]);
    });

    it('takes a register that goes on from elsewhere for another instrument’s, and makes nothing up', async () => {
      await row('exchange', ['08:00', 60_000], ['08:15', 50_000], ['08:30', 50_002]);
      expect((await changes('exchange')).map(({ kind, closing, opening }) => [kind, closing, opening])).to.deep.equal([['exchange', 60_000, 50_000]]);
      expect([await usage('exchange'), await running()]).to.deep.equal([2, 20 + 2]);
    });

    it('takes a leap beyond the bound for another instrument’s too, and a wrong register for none, however often it is sent', async () => {
      const before = await running();
      await row('leap', ['08:00', 5000], ['08:15', 900_000], ['08:30', 900_000], ['08:45', 90_000], ['09:00', 90_003]);
      expect(await qualities('leap')).to.deep.equal(['good', 'jump', 'jump', 'jump', 'good']);
      expect((await changes('leap')).map(({ kind, closing, opening }) => [kind, closing, opening])).to.deep.equal([['exchange', 5000, 90_000]]);
      expect([await usage('leap'), (await running()) - before]).to.deep.equal([3, 3]);
      // It comes late, and stood on the new register already.
      await row('leap', ['08:40', 89_999]);
      expect([(await qualities('leap')).at(3), await usage('leap')]).to.deep.equal(['good', 4]);
    });

    it('computes usage by what people read off the registers, from the declaration on', async () => {
      await row('declared', ['08:00', 60_000], ['08:30', 62_000], ['09:00', 62_010]);
      expect(await usage('declared')).to.equal(2010);
      const declaration = { quantity: ENERGY, at: '2026-05-11T08:20:00+08:00', kind: 'exchange', closing: 60_007, opening: 61_990, reason: '换表' };
      const { status, body } = await admin.post('/api/v1/meters/declared/register-changes', declaration);
      expect(status, JSON.stringify(body)).to.equal(201);
      // 7 on the old one, 10 and then 10 on the new one.
      expect(await usage('declared')).to.equal(7 + 10 + 10);
      const trail = await admin.items<{ readonly action: string; readonly subjectId: string }>('/api/v1/audit?subject=register');
      expect(trail.map(({ action, subjectId }) => [action, subjectId])).to.deep.equal([['declare', 'declared']]);
    });

    it('lets a declaration stand above what the service found', async () => {
      const declaration = { quantity: ENERGY, at: '2026-05-11T08:10:00+08:00', kind: 'exchange', closing: 60_004, opening: 49_999, reason: '换表' };
      expect((await admin.post('/api/v1/meters/exchange/register-changes', declaration)).status).to.equal(201);
      expect(await usage('exchange')).to.equal(4 + 3);
    });

    it('takes the first reading after a declared exchange as it is, however far it leaps', async () => {
      await row('higher', ['08:00', 100]);
      const declaration = { quantity: ENERGY, at: '2026-05-11T08:10:00+08:00', kind: 'exchange', closing: 110, opening: 70_000, reason: '换表' };
      expect((await admin.post('/api/v1/meters/higher/register-changes', declaration)).status).to.equal(201);
      await row('higher', ['08:30', 70_005]);
      expect(await qualities('higher')).to.deep.equal(['good', 'good']);
      expect(await usage('higher')).to.equal(10 + 5);
    });

    it('takes a declaration that comes after the first reading of the new instrument, in what runs along as in what is stored', async () => {
      await row('told-late', ['08:00', 60_000], ['08:15', 0.5]);
      const before = await running();
      const declaration = { quantity: ENERGY, at: '2026-05-11T08:10:00+08:00', kind: 'exchange', closing: 60_007, opening: 0, reason: '换表' };
      expect((await admin.post('/api/v1/meters/told-late/register-changes', declaration)).status).to.equal(201);
      await row('told-late', ['08:30', 1.5], ['08:45', 2.5]);
      expect(await qualities('told-late')).to.deep.equal(['good', 'backwards', 'good', 'good']);
      expect([await usage('told-late'), (await running()) - before]).to.deep.equal([9.5, 9.5]);
    });

    it('counts nothing for a slip that was taken for another instrument, once it is corrected', async () => {
      await row('corrected', ['08:00', 1000], ['08:15', 5000], ['08:30', 1001], ['08:45', 1002]);
      expect((await changes('corrected')).map(({ kind }) => kind)).to.deep.equal(['exchange']);
      const correction = { quantity: ENERGY, ts: '2026-05-11T08:15:00+08:00', value: 1000.5, reason: '抄表错误' };
      expect((await admin.post('/api/v1/meters/corrected/corrections', correction)).status).to.equal(201);
      expect(await usage('corrected')).to.equal(2);
    });

    it('judges by a corrected newest reading', async () => {
      await row('corrected-newest', ['08:00', 1000], ['08:15', 5000]);
      const correction = { quantity: ENERGY, ts: '2026-05-11T08:15:00+08:00', value: 1000.5, reason: '抄表错误' };
      expect((await admin.post('/api/v1/meters/corrected-newest/corrections', correction)).status).to.equal(201);
      await row('corrected-newest', ['08:30', 1001], ['08:45', 1002]);
      expect(await qualities('corrected-newest')).to.deep.equal(['good', 'corrected', 'good', 'good']);
      expect(await usage('corrected-newest')).to.equal(2);
    });

    it('counts each rise of a register that somebody sets back at every shift', async () => {
      await row('shifts', ['08:00', 100], ['08:15', 180], ['08:30', 0.5], ['08:45', 40], ['09:00', 0.2], ['09:15', 30]);
      expect((await changes('shifts')).map(({ kind }) => kind)).to.deep.equal(['reset', 'reset']);
      expect(await usage('shifts')).to.equal(80 + 40 + 30);
    });

    it('counts what a register shows that was reset during a long silence, and never less than nothing', async () => {
      await row('silent', ['00:30', 5000], ['09:00', 12], ['09:15', 13]);
      expect(await usage('silent')).to.equal(13);
    });

    it('counts in order of measurement what arrives in another, in one message and in several', async () => {
      const frames = [['09:00', 30] as const, ['08:00', 10] as const, ['08:30', 20] as const];
      const payload = frames.map(([time, value]) => ({ ts: at(time), values: { [ENERGY]: value } }));
      await gateway.publishAsync('parks/north/meters/mixed/readings', JSON.stringify(payload), { qos: 1 });
      await eventually(async () => (await qualities('mixed')).length === frames.length, 'the array');
      await row('mixed', ['09:15', 31], ['08:15', 14]);
      expect(await qualities('mixed')).to.deep.equal(Array(5).fill('good'));
      expect(await changes('mixed')).to.deep.equal([]);
      expect(await usage('mixed')).to.equal(21);
    });

    it('refuses a declaration that cannot be, and says why', async () => {
      const declare = (over: object) =>
        admin.post<{ readonly detail: string; readonly errors?: readonly { readonly detail: string; readonly path: string }[] }>(
          '/api/v1/meters/reset/register-changes',
          {
            ...{ quantity: ENERGY, at: '2026-05-11T08:00:00+08:00', kind: 'exchange', closing: 1, opening: 0, reason: '换表' },
            ...over,
          },
        );
      for (const [over, says] of [
        [{ quantity: 'active_power' }, /gauge/],
        [{ at: '2026-05-12T08:00:00+08:00' }, /up to now/],
        [{ closing: undefined }, /closing/],
        [{ kind: 'rollover' }, /width/],
        [{ closing: -1 }, /closing/],
      ] as const) {
        const { status, body } = await declare(over);
        expect(status, JSON.stringify(body)).to.equal(400);
        expect(JSON.stringify(body)).to.match(says);
      }
    });

    it('keeps all of it over a restart that comes between a low register and the one that decides', async () => {
      await row('reset', ['09:00', 0.25], ['09:15', 2.5]);
      await row('slip', ['09:00', 0]);
      const before = { reset: await usage('reset'), rollover: await usage('rollover'), exchange: await usage('exchange'), declared: await usage('declared') };
      await gateway.endAsync();
      await service.stop();
      await service.start();
      admin = await Caller.signIn(service.url, 'admin', ADMIN_PASSWORD);
      gateway = await service.gateway('g-1', secret);
      expect({
        reset: await usage('reset'),
        rollover: await usage('rollover'),
        exchange: await usage('exchange'),
        declared: await usage('declared'),
      }).to.deep.equal(before);
      await row('slip', ['09:15', 53_702]);
      expect(await qualities('slip')).to.deep.equal(['good', 'backwards', 'good', 'backwards', 'good']);
      expect(await changes('slip')).to.deep.equal([]);
      expect(await usage('slip')).to.equal(2);
      // 5 until the second reset, 2.5 since; the running figure has all of the day.
      expect(await usage('reset')).to.equal(5 + 2.5);
      expect(service.faults).to.deep.equal([]);
    });
  });
}
