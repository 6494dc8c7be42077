import { expect } from 'chai';
import type { MqttClient } from 'mqtt';
import type { AlertChange } from '../../model/alert.ts';
import type { ParkSnapshot } from '../../model/live.ts';
import { Caller, eventually, type Viewer } from './callers.ts';
import { greenpark } from './greenpark-process.ts';
import { ADMIN_PASSWORD, Service, SURROUNDINGS, type Surroundings } from './service.ts';

const PASSWORD = 'one password for all';
/** In the middle of a day and an hour, so that no period ends while the test runs; from there on time goes by as usual. */
const MORNING = Date.parse('2026-05-11T10:30:00+08:00');
const at = (time: string): number => Date.parse(`2026-05-11T${time}:00+08:00`);

const PARK = {
  '/api/v1/parks/north': { name: '北园', region: '510112' },
  '/api/v1/parks/north/enterprises/steel': { name: '钢铁公司', trade: 'steel', stage: 'admitted' },
  '/api/v1/parks/north/enterprises/glass': { name: '玻璃公司', trade: 'glass', stage: 'admitted' },
  '/api/v1/parks/north/gateways/g-1': { name: '网关' },
  // Through transformers of 10 : 1: what the meter shows counts ten times.
  '/api/v1/parks/north/meters/steel-main': { enterprise: 'steel', name: '总表', kind: 'electricity', parent: null, gateway: 'g-1', multiplier: 10 },
  '/api/v1/parks/north/meters/glass-main': { enterprise: 'glass', name: '总表', kind: 'electricity', parent: null, gateway: 'g-1' },
  '/api/v1/parks/north/rules/power-high': {
    ...{ type: 'limit', name: '功率过高', subject: { kind: 'electricity' }, quantity: 'active_power' },
    ...{ side: 'above', value: 500, deadband: 20, judged: { by: 'instant' }, level: 'orange' },
  },
  '/api/v1/parks/north/caps/steel-day': {
    ...{ name: '日用电上限', enterprise: 'steel', carrier: 'electricity', flow: 'consumption', period: 'day', amount: 1000 },
    stages: [80, 90, 100].map((percent, index) => ({ percent, level: ['yellow', 'orange', 'red'][index] })),
  },
};

const PEOPLE: readonly (readonly string[])[] = [
  ['committee', '--role', 'committee', '--park', 'north'],
  ['steelworker', '--role', 'enterprise', '--park', 'north', '--enterprise', 'steel'],
  ['province', '--role', 'auditor', '--region', '51'],
];

interface ShownAlert {
  readonly id: string;
  readonly rule: string;
  readonly meter: string | null;
  readonly state: string;
  readonly stage: number | null;
}

const told = ({ kind, alert }: AlertChange): string =>
  [kind, alert.rule, alert.meter ?? alert.enterprise, ...(alert.stage === null ? [] : [`${alert.stage} %`])].join(' ');

for (const { name, prepare } of SURROUNDINGS) {
  describe(`the main job, with ${name}`, function () {
    this.timeout(30_000);
    let surroundings: Surroundings;
    let service: Service;
    let gateway: MqttClient;
    let admin: Caller;
    let committee: Caller;
    let steel: Caller;
    let auditor: Caller;
    let secret = '';
    /** Dashboards that stay open: the committee's on the whole park, the steel works' on its own view. */
    const screens = {} as Record<'park' | 'steel', Viewer>;

    before(async function () {
      surroundings = await prepare(this);
      const began = Date.now();
      service = await Service.start(surroundings, () => MORNING + Date.now() - began);
    });

    after(async () => {
      for (const screen of Object.values(screens)) screen.close();
      await gateway?.endAsync(true);
      await service?.remove();
      await surroundings?.remove();
    });

    /** Each reading is a time of day and the values that the meter itself shows. */
    const publish = (meter: string, time: string, values: object): Promise<unknown> =>
      gateway.publishAsync(`parks/north/meters/${meter}/readings`, JSON.stringify({ ts: at(time), values }), { qos: 1 });

    const alerts = (who: Caller = committee) => who.items<ShownAlert>('/api/v1/parks/north/alerts');

    async function openScreens(): Promise<void> {
      screens.park = await committee.live();
      screens.steel = await steel.live();
      expect(await screens.park.watch('north')).to.equal(null);
      expect(await screens.steel.watch('north', 'steel')).to.equal(null);
    }

    it('takes a park, its enterprises, meters, gateway and terms through the API', async () => {
      admin = await Caller.signIn(service.url, 'admin', ADMIN_PASSWORD);
      for (const [path, body] of Object.entries(PARK)) {
        const { status, body: answer } = await admin.put<{ readonly secret?: string }>(path, body);
        expect(status, JSON.stringify(answer)).to.equal(201);
        secret = answer.secret ?? secret;
      }
      expect(secret).to.have.length.above(30);
    });

    it('lets in people that were given a place beside the running service', async () => {
      const added = await Promise.all(
        PEOPLE.map((person) => greenpark(['user', 'add', ...person, '--password', PASSWORD], { GREENPARK_DATA_DIR: service.folder })),
      );
      for (const [index, { code, err }] of added.entries()) expect({ code, err }, PEOPLE[index]?.[0]).to.deep.equal({ code: 0, err: '' });
      [committee, steel, auditor] = (await Promise.all(PEOPLE.map(([username = '']) => Caller.signIn(service.url, username, PASSWORD)))) as [
        Caller,
        Caller,
        Caller,
      ];
      await openScreens();
    });

    it('shows what a gateway publishes: the latest, raw, in steps and on the socket', async () => {
      gateway = await service.gateway('g-1', secret);
      await publish('steel-main', '10:00', { active_power: 40, active_energy_import: 1000 });
      await publish('steel-main', '10:05', { active_power: 42, active_energy_import: 1003.5 });

      const latest = await eventually(async () => {
        const items = await committee.items<object>('/api/v1/meters/steel-main/latest');
        return JSON.stringify(items).includes('10:05') && items;
      }, 'the second reading');
      const shown = { ts: '2026-05-11T10:05:00.000+08:00', quality: 'good' };
      expect(latest).to.deep.equal([
        { ...shown, quantity: 'active_energy_import', unit: 'kWh', value: 10_035 },
        { ...shown, quantity: 'active_power', unit: 'kW', value: 420 },
      ]);
      const series = '/api/v1/meters/steel-main/series?quantity=active_power&from=2026-05-11T10:00:00%2B08:00&to=2026-05-11T10:30:00%2B08:00';
      const raw = await eventually(async () => {
        const items = await committee.items<{ value: number }>(series);
        return items.length === 2 && items;
      }, 'the stored readings');
      expect(raw.map(({ value }) => value)).to.deep.equal([400, 420]);
      expect(await committee.items(`${series}&step=PT15M`)).to.deep.equal([{ ts: '2026-05-11T10:00:00.000+08:00', value: 410, count: 2 }]);
      await eventually(
        () =>
          screens.park.readings.some(([meter, quantity, ts, value]) => `${meter} ${quantity} ${ts} ${value}` === `steel-main active_power ${at('10:05')} 420`),
        'the change on the socket',
      );
    });

    it('tells of a broken limit once, at the API and on the socket, within a second of the reading', async () => {
      const sent = Date.now();
      await publish('steel-main', '10:06', { active_power: 55 });
      await eventually(() => screens.park.alerts.length > 0, 'the alert on the socket', 1000);
      const [alert] = await eventually(
        async () => {
          const items = await alerts();
          return items.length > 0 && items;
        },
        'the alert at the API',
        1000 - (Date.now() - sent),
      );
      expect(alert).to.include({
        rule: 'power-high',
        meter: 'steel-main',
        enterprise: 'steel',
        state: 'firing',
        value: 550,
        bound: 500,
        unit: 'kW',
        since: '2026-05-11T10:06:00.000+08:00',
      });

      await publish('steel-main', '10:07', { active_power: 60 });
      await publish('steel-main', '10:08', { active_power: 49 });
      await eventually(
        async () =>
          (await committee.get<ParkSnapshot>('/api/v1/parks/north/state')).body.meters.some(({ latest }) => latest.some(([, , value]) => value === 490)),
        'the third reading',
      );
      expect(screens.park.alerts.map(told)).to.deep.equal(['fired power-high steel-main']);
      expect(await alerts()).to.have.length(1);
    });

    it('tells each stage of a day’s cap once', async () => {
      // 850 kWh since the first reading of the day, then 880: the same stage.
      await publish('steel-main', '10:10', { active_energy_import: 1085 });
      await eventually(() => screens.park.alerts.length > 1, 'the first stage');
      await publish('steel-main', '10:11', { active_energy_import: 1088 });
      await publish('steel-main', '10:12', { active_energy_import: 1095 });
      await eventually(() => screens.park.alerts.length > 2, 'the second stage');
      expect(screens.park.alerts.map(told).slice(1)).to.deep.equal(['fired steel-day steel 80 %', 'fired steel-day steel 90 %']);
      const { body } = await steel.get<ParkSnapshot>('/api/v1/parks/north/state');
      expect(body.figures.caps.map(({ id, used, stages }) => [id, used, stages.map(({ reached }) => reached)])).to.deep.equal([
        ['steel-day', 950, [true, true, false]],
      ]);
    });

    it('keeps what it refuses, with the reason and the bytes', async () => {
      await gateway.publishAsync('parks/north/meters/steel-main/readings', 'not a reading', { qos: 1 });
      const [letter] = await eventually(async () => {
        const items = await admin.items<{ id: number }>('/api/v1/dead-letters');
        return items.length > 0 && items;
      }, 'the dead letter');
      expect(letter).to.include({ reason: 'not-json', meter: 'steel-main', park: 'north' });
      const { body } = await admin.get<{ payload: string }>(`/api/v1/dead-letters/${letter?.id}`);
      expect(Buffer.from(body.payload, 'base64').toString()).to.equal('not a reading');
    });

    it('shows an enterprise its own and nothing else, at every door, while others report', async () => {
      await publish('glass-main', '10:20', { active_power: 999, active_energy_import: 5 });
      await publish('steel-main', '10:20', { active_power: 50 });
      await eventually(() => screens.steel.readings.some(([, , ts]) => ts === at('10:20')), 'the enterprise’s own reading');
      await eventually(() => screens.park.alerts.some(({ alert }) => alert.meter === 'glass-main'), 'the other’s alert');

      expect(screens.park.metersSeen).to.deep.equal(['glass-main', 'steel-main']);
      expect(screens.steel.metersSeen).to.deep.equal(['steel-main']);
      expect(screens.steel.alerts.map(({ alert }) => alert.enterprise)).to.deep.equal(['steel', 'steel', 'steel']);
      expect(new Set((await alerts(steel)).map(({ meter }) => meter))).to.deep.equal(new Set(['steel-main', null]));
      expect((await steel.items<{ id: string }>('/api/v1/parks/north/meters')).map(({ id }) => id)).to.deep.equal(['steel-main']);
      expect((await steel.items<{ id: string }>('/api/v1/parks/north/enterprises')).map(({ id }) => id)).to.deep.equal(['steel']);
      const { body: state } = await steel.get('/api/v1/parks/north/state');
      expect(JSON.stringify(state)).to.not.match(/glass|999/);
      for (const path of [
        '/api/v1/meters/glass-main/latest',
        '/api/v1/meters/glass-main/series?quantity=active_power',
        '/api/v1/parks/north/state?enterprise=glass',
      ]) {
        expect((await steel.get(path)).status, path).to.be.oneOf([403, 404]);
      }
      expect(await screens.steel.watch('north', 'glass')).to.equal('FORBIDDEN');
      expect(await screens.steel.watch('north')).to.equal('FORBIDDEN');
    });

    it('lets an auditor read everything in its region and change nothing', async () => {
      const [alert] = await alerts(auditor);
      expect(await auditor.items('/api/v1/meters/glass-main/latest')).to.have.length(2);
      const { '/api/v1/parks/north/meters/steel-main': meter, '/api/v1/parks/north/caps/steel-day': cap } = PARK;
      const attempts = {
        'PUT a meter': () => auditor.put('/api/v1/parks/north/meters/steel-main', { ...meter, multiplier: 1 }),
        'PUT a cap': () => auditor.put('/api/v1/parks/north/caps/steel-day', { ...cap, amount: 9e9 }),
        'PUT a park': () => auditor.put('/api/v1/parks/north', { name: 'mine', region: '510112' }),
        'POST an acknowledgement': () => auditor.post(`/api/v1/alerts/${encodeURIComponent(alert?.id ?? '')}/acknowledge`),
        'POST a correction': () =>
          auditor.post('/api/v1/meters/steel-main/corrections', { quantity: 'active_power', ts: '2026-05-11T10:06:00+08:00', value: 1, reason: 'to please' }),
        'POST for a secret': () => auditor.post('/api/v1/parks/north/gateways/g-1/secret'),
        'DELETE a rule': () => auditor.delete('/api/v1/parks/north/rules/power-high'),
        'DELETE a meter': () => auditor.delete('/api/v1/parks/north/meters/steel-main'),
      };
      for (const [what, attempt] of Object.entries(attempts)) expect((await attempt()).status, what).to.equal(403);
    });

    it('finds everything again after a restart and fires nothing twice', async () => {
      const questions = [
        ...[
          '/api/v1/parks/north/alerts',
          '/api/v1/meters/steel-main/latest',
          '/api/v1/parks/north/meters',
          '/api/v1/parks/north/rules',
          '/api/v1/parks/north/caps',
        ],
        '/api/v1/meters/steel-main/series?quantity=active_energy_import&from=2026-05-11T00:00Z&to=2026-05-12T00:00Z',
      ];
      const asked = async () => Object.fromEntries(await Promise.all(questions.map(async (path) => [path, await committee.items(path)])));
      const before = await asked();
      await gateway.endAsync();
      await service.stop();
      await service.start();
      for (const caller of [admin, committee, steel, auditor]) caller.url = service.url;
      // With the cookies and the secret of before.
      expect(await asked()).to.deep.equal(before);
      await openScreens();
      gateway = await service.gateway('g-1', secret);

      // What was acknowledged comes again, what was broken is still broken, and the third stage is reached.
      await publish('steel-main', '10:06', { active_power: 55 });
      await publish('steel-main', '10:21', { active_power: 61 });
      await publish('steel-main', '10:22', { active_energy_import: 1101 });
      await eventually(() => screens.park.alerts.length > 0, 'the third stage');
      await publish('steel-main', '10:23', { active_power: 10 });
      await eventually(() => screens.park.alerts.length > 1, 'the end of the alert');
      expect(screens.park.alerts.map(told)).to.deep.equal(['fired steel-day steel 100 %', 'resolved power-high steel-main']);
      const standing = await eventually(async () => {
        const items = await alerts();
        return items.some(({ state }) => state === 'resolved') && items;
      }, 'the resolved alert at the API');
      expect(standing.map(({ rule, meter, stage }) => [rule, meter ?? stage].join(' ')).sort()).to.deep.equal([
        ...['power-high glass-main', 'power-high steel-main', 'steel-day 100', 'steel-day 80', 'steel-day 90'],
      ]);
    });

    it('judges the very next reading by a rule that was just put, and by one that was just changed', async () => {
      const path = '/api/v1/parks/north/rules/voltage-high';
      const rule = {
        type: 'limit',
        name: '电压过高',
        subject: { meter: 'glass-main' },
        quantity: 'voltage_a',
        side: 'above',
        judged: { by: 'instant' },
        level: 'blue',
      };
      const fired = () => screens.park.alerts.filter(({ alert }) => alert.rule === 'voltage-high').map(told);
      let minute = 24;
      for (const value of [250, 230]) {
        expect((await admin.put(path, { ...rule, value })).status).to.be.oneOf([200, 201]);
        await publish('glass-main', `10:${minute++}`, { voltage_a: value + 1 });
        await eventually(() => fired().length > 0, 'the alert');
        expect(fired().at(-1)).to.equal('fired voltage-high glass-main');
        await publish('glass-main', `10:${minute++}`, { voltage_a: 220 });
        await eventually(() => fired().at(-1)?.startsWith('resolved'), 'its end');
        screens.park.alerts.splice(0);
      }
      expect((await admin.delete(path)).status).to.equal(204);
    });

    it('had nothing to complain about', () => {
      expect(service.faults).to.deep.equal([]);
    });
  });
}
