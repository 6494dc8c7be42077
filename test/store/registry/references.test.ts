import { expect } from 'chai';
import type { EnterpriseId, GatewayId, MeterId, ParkId } from '../../../model/ids.ts';
import type { Gateway } from '../../../model/registry.ts';
import type { OpenRegistry } from '../../../store/registry/open.ts';
import { aDocument, BY, errorOf, OTHER, PARK, TestRegistry } from './park.ts';

describe('registry: references', () => {
  let files: TestRegistry;
  let registry: OpenRegistry;

  beforeEach(async () => {
    files = new TestRegistry();
    registry = await files.open();
    await registry.import(aDocument(), BY);
  });
  afterEach(() => files.clean());

  const meter = async (id = 'm-steel') => {
    const { ordinal: _, ...found } =
      (await registry.meters.get(id as MeterId)) ??
      (() => {
        throw new Error(id);
      })();
    return found;
  };
  const first = <T>(items: readonly T[] | undefined): T => {
    const [item] = items ?? [];
    if (item === undefined) throw new Error('the document holds none');
    return item;
  };
  const rule = (type: string) => first(aDocument().rules?.filter((one) => one.type === type));

  const gateway = (id: string, link: unknown) => ({ id, park: PARK, name: id, link }) as unknown as Gateway;
  const logger = (id: string, link: object = {}) => gateway(id, { type: 'hj212', mn: '88880001', meter: 'm-main', ...link });
  const edge = (id: string, link: object = {}) => gateway(id, { type: 'sparkplug', group: 'g', node: 'n', ...link });

  const refused: { name: string; put: () => Promise<unknown>; code?: string; path?: string; says: RegExp }[] = [
    {
      name: 'a park in an unknown time zone',
      put: () => registry.parks.put({ ...first(aDocument().parks), timeZone: 'Mars/Base' }),
      path: 'timeZone',
      says: /Mars\/Base/,
    },
    {
      name: 'a park in a time zone that is several',
      put: () => registry.parks.put({ ...first(aDocument().parks), timeZone: 'CST' }),
      path: 'timeZone',
      says: /Asia\/Shanghai; a short name such as CST stands for several zones/,
    },
    {
      name: 'an enterprise in an unknown park',
      put: () => registry.enterprises.put({ ...first(aDocument().enterprises), park: 'x' as ParkId }),
      path: 'park',
      says: /park "x" is not registered/,
    },
    {
      name: 'a gateway in an unknown park',
      put: () => registry.gateways.put({ id: 'g' as GatewayId, park: 'x' as ParkId, name: 'g' }),
      path: 'park',
      says: /"x"/,
    },
    {
      name: 'a gateway id that another park has',
      put: () => registry.gateways.put({ id: 'gw-1' as GatewayId, park: OTHER, name: 'g' }),
      code: 'CONFLICT',
      says: /another park/,
    },
    { name: 'a link to a meter that is not there', put: () => registry.gateways.put(logger('g', { meter: 'nothing' })), path: 'link.meter', says: /"nothing"/ },
    { name: 'a link to a meter of another park', put: () => registry.gateways.put(logger('g', { meter: 'm-south' })), path: 'link.meter', says: /"north"/ },
    {
      name: 'a factor with a quantity that is not in the catalogue',
      put: () => registry.gateways.put(logger('g', { factors: { a21026: { quantity: 'sulphur' } } })),
      path: 'link.factors.a21026.quantity',
      says: /"sulphur" is not a quantity/,
    },
    {
      name: 'a device whose meter is not there',
      put: () => registry.gateways.put(edge('g', { devices: { 'Meter 1': 'nothing' } })),
      path: 'link.devices.Meter 1',
      says: /"nothing"/,
    },
    {
      name: 'a metric with a meter that is not there',
      put: () => registry.gateways.put(edge('g', { metrics: { P: { meter: 'nothing' } } })),
      path: 'link.metrics.P.meter',
      says: /"nothing"/,
    },
    { name: 'a meter in an unknown park', put: async () => registry.meters.put({ ...(await meter()), park: 'x' as ParkId }), path: 'park', says: /"x"/ },
    {
      name: 'a meter id that another park has',
      put: async () => registry.meters.put({ ...(await meter('m-south')), park: PARK }),
      code: 'CONFLICT',
      says: /another park/,
    },
    {
      name: 'a meter of an enterprise in another park',
      put: async () => registry.meters.put({ ...(await meter('m-south')), enterprise: 'steel' as EnterpriseId }),
      path: 'enterprise',
      says: /not registered in park "south"/,
    },
    {
      name: 'a meter behind a gateway of another park',
      put: async () => registry.meters.put({ ...(await meter()), gateway: 'gw-south' as GatewayId }),
      path: 'gateway',
      says: /gw-south/,
    },
    {
      name: 'a parent in another park',
      put: async () => registry.meters.put({ ...(await meter()), parent: 'm-south' as MeterId }),
      path: 'parent',
      says: /m-south/,
    },
    {
      name: 'a meter that is its own parent',
      put: async () => registry.meters.put({ ...(await meter()), parent: 'm-steel' as MeterId }),
      path: 'parent',
      says: /own parent/,
    },
    {
      name: 'a circle of parents',
      put: async () => registry.meters.put({ ...(await meter('m-main')), parent: 'm-steel' as MeterId }),
      path: 'parent',
      says: /circle: m-main → m-steel → m-main/,
    },
    {
      name: 'a unit for an unknown quantity',
      put: async () => registry.meters.put({ ...(await meter()), units: { magic: 'kW' } }),
      path: 'units.magic',
      says: /not a quantity/,
    },
    {
      name: 'a unit that cannot be converted',
      put: async () => registry.meters.put({ ...(await meter()), units: { active_power: 'furlong' } }),
      path: 'units.active_power',
      says: /known are kW, W, MW/,
    },
    {
      name: 'checks of an unknown quantity',
      put: async () => registry.meters.put({ ...(await meter()), checks: { heat: { stuckAfterSeconds: 60 } } }),
      path: 'checks.heat',
      says: /not a quantity/,
    },
    {
      name: 'a register width of a gauge',
      put: async () => registry.meters.put({ ...(await meter()), checks: { active_power: { registerWidth: 100 } } }),
      path: 'checks.active_power.registerWidth',
      says: /only a counter/,
    },
    {
      name: 'a daily reset of a gauge',
      put: async () => registry.meters.put({ ...(await meter()), checks: { active_power: { resetsDailyIn: 'Asia/Shanghai' } } }),
      path: 'checks.active_power.resetsDailyIn',
      says: /only a counter/,
    },
    {
      name: 'a daily reset in no time zone',
      put: async () => registry.meters.put({ ...(await meter()), checks: { active_energy_import: { resetsDailyIn: 'CST' } } }),
      path: 'checks.active_energy_import.resetsDailyIn',
      says: /Asia\/Shanghai/,
    },
    {
      name: 'a place to rest at without a bound for being stuck',
      put: async () => registry.meters.put({ ...(await meter()), checks: { active_power: { restsAt: [0] } } }),
      path: 'checks.active_power.restsAt',
      says: /stuckAfterSeconds/,
    },
    {
      name: 'a limit on an unknown meter',
      put: () => registry.rules.put({ ...rule('limit'), subject: { meter: 'm-x' } } as never),
      path: 'subject.meter',
      says: /m-x/,
    },
    {
      name: 'a limit on a meter of another park',
      put: () => registry.rules.put({ ...rule('limit'), subject: { meter: 'm-south' } } as never),
      path: 'subject.meter',
      says: /m-south/,
    },
    {
      name: 'an entry rule on an unknown application',
      put: () => registry.rules.put({ ...rule('entry'), application: 'a-x' } as never),
      path: 'application',
      says: /a-x/,
    },
    {
      name: "an entry rule on another enterprise's application",
      put: () => registry.rules.put({ ...rule('entry'), enterprise: 'glass' } as never),
      path: 'application',
      says: /of enterprise "steel"/,
    },
    {
      name: 'an entry rule on an unknown criterion',
      put: () => registry.rules.put({ ...rule('entry'), criterion: 'noise' } as never),
      path: 'criterion',
      says: /noise/,
    },
    {
      name: 'an entry rule on a criterion without a declared value',
      put: () => registry.rules.put({ ...rule('entry'), criterion: 'coal' } as never),
      path: 'criterion',
      says: /declares no value/,
    },
    {
      name: 'a cap on an unknown enterprise',
      put: () => registry.caps.put({ ...first(aDocument().caps), enterprise: 'x' as EnterpriseId }),
      path: 'enterprise',
      says: /"x"/,
    },
    {
      name: 'an entry profile with a criterion twice',
      put: () => {
        const profile = first(aDocument().entryProfiles);
        return registry.entryProfiles.put({ ...profile, criteria: [...profile.criteria, ...profile.criteria] });
      },
      path: 'criteria[2].id',
      says: /twice/,
    },
    {
      name: 'an application by an unknown enterprise',
      put: () => registry.applications.put({ ...first(aDocument().applications), id: 'n', enterprise: 'x' as EnterpriseId }),
      path: 'enterprise',
      says: /"x"/,
    },
    {
      name: 'an application to an unknown profile',
      put: () => registry.applications.put({ ...first(aDocument().applications), id: 'n', profile: 'x' }),
      path: 'profile',
      says: /"x"/,
    },
    {
      name: 'an application that declares an unknown criterion',
      put: () => registry.applications.put({ ...first(aDocument().applications), id: 'n', declared: { odour: 1 } }),
      path: 'declared.odour',
      says: /odour/,
    },
    {
      name: 'an application that takes the bound from under a rule',
      put: () => registry.applications.put({ ...first(aDocument().applications), declared: {} }),
      code: 'CONFLICT',
      says: /rule "r-entry".*declares no value/,
    },
    {
      name: 'an entry profile that drops a criterion in use',
      put: () => {
        const profile = first(aDocument().entryProfiles);
        return registry.entryProfiles.put({ ...profile, criteria: profile.criteria.slice(1) });
      },
      code: 'CONFLICT',
      says: /application "a-1".*rule "r-entry"/,
    },
    {
      name: 'a user scoped to an unknown enterprise',
      put: () =>
        registry.users.put({
          username: 'u',
          role: 'enterprise',
          scope: { kind: 'enterprise', park: PARK, enterprise: 'x' as EnterpriseId },
          passwordHash: 'h',
          createdAt: 0,
        }),
      path: 'scope.enterprise',
      says: /"x"/,
    },
    {
      name: 'a token scoped to an unknown park',
      put: () =>
        registry.tokens.put({ name: 't', role: 'committee', scope: { kind: 'park', park: 'x' as ParkId }, secretHash: 'h', createdAt: 0, expiresAt: null }),
      path: 'scope.park',
      says: /"x"/,
    },
  ];
  for (const c of refused) {
    it(`refuses ${c.name}, and changes nothing`, async () => {
      const [before, version] = [await registry.export(), registry.version()];
      const error = await errorOf(c.put());
      expect(error.message).to.match(c.says);
      expect(error.code).to.equal(c.code ?? 'INPUT_INVALID');
      if (c.path !== undefined) expect(error.faults.map((fault) => fault.path)).to.include(c.path);
      expect(await registry.export()).to.deep.equal(before);
      expect(registry.version()).to.equal(version);
    });
  }

  describe('of the device that a gateway is', () => {
    const second: { name: string; one: Gateway; two: Gateway; path: string; says: RegExp }[] = [
      {
        ...{ name: 'a logger', one: logger('one'), two: logger('two'), path: 'link.mn' },
        says: /the number 88880001 is that of gateway "one"; each logger is one gateway's/,
      },
      {
        ...{ name: 'a Sparkplug node', one: edge('one'), two: edge('two'), path: 'link.node' },
        says: /the node g\/n is that of gateway "one"/,
      },
      {
        ...{ name: 'a logger of another park, of which no more is told', one: { ...logger('far', { meter: 'm-south' }), park: OTHER } },
        ...{ two: logger('two'), path: 'link.mn', says: /is that of a gateway of another park/ },
      },
    ];
    for (const { name, one, two, path, says } of second) {
      it(`refuse a second one for ${name}, put or imported`, async () => {
        await registry.gateways.put(one);
        const put = await errorOf(registry.gateways.put(two));
        expect([put.code, put.faults.map((fault) => fault.path)]).to.deep.equal(['INPUT_INVALID', [path]]);
        expect(put.message).to.match(says);
        const imported = await errorOf(registry.import({ gateways: [two] }, BY));
        expect(imported.faults.map((fault) => fault.path)).to.deep.equal([`gateways[0].${path}`]);
        expect((await errorOf(registry.import({ gateways: [{ ...one, name: 'again' }, two] }, BY))).faults).to.have.length(2);
        expect(await registry.gateways.get(PARK, two.id)).to.equal(null);
      });
    }

    it('lets it be replaced, and given to another gateway once its own has let it go', async () => {
      await registry.gateways.put(logger('one'));
      expect(await registry.gateways.put({ ...logger('one'), name: 'New name' })).to.equal('replaced');
      await registry.import({ gateways: [{ ...gateway('one', { type: 'mqtt' }) }, logger('two')] }, BY);
      expect((await registry.gateways.get(PARK, 'two' as GatewayId))?.link).to.deep.include({ mn: '88880001' });
    });

    it('keep a meter as long as a link names it', async () => {
      await registry.import(
        { meters: [{ ...(await meter()), id: 'm-linked' as MeterId }], gateways: [edge('one', { devices: { 'Meter 1': 'm-linked' } })] },
        BY,
      );
      const error = await errorOf(registry.meters.delete(PARK, 'm-linked' as MeterId));
      expect([error.code, error.message]).to.deep.equal(['CONFLICT', 'meter "m-linked" cannot be deleted: it is named by the link of gateway one']);
      await registry.gateways.put(edge('one'));
      expect(await registry.meters.delete(PARK, 'm-linked' as MeterId)).to.equal(true);
    });
  });

  const held: { name: string; remove: () => Promise<boolean>; says: RegExp }[] = [
    {
      name: 'a park with contents',
      remove: () => registry.parks.delete(PARK),
      says: /enterprise glass, steel; gateway gw-1; meter m-main, m-steel; application a-1; cap c-1; entry-profile p-1; rule r-entry, r-limit; user eve/,
    },
    {
      name: 'an enterprise',
      remove: () => registry.enterprises.delete(PARK, 'steel' as EnterpriseId),
      says: /meter m-steel; cap c-1; rule r-entry; application a-1; user eve/,
    },
    { name: 'a gateway', remove: () => registry.gateways.delete(PARK, 'gw-1' as GatewayId), says: /meter m-main, m-steel/ },
    { name: 'a parent meter', remove: () => registry.meters.delete(PARK, 'm-main' as MeterId), says: /meter m-steel/ },
    { name: 'a meter with a rule', remove: () => registry.meters.delete(PARK, 'm-steel' as MeterId), says: /rule r-limit/ },
    { name: 'an entry profile', remove: () => registry.entryProfiles.delete(PARK, 'p-1'), says: /application a-1/ },
    { name: 'an application', remove: () => registry.applications.delete(PARK, 'a-1'), says: /rule r-entry/ },
  ];
  for (const c of held) {
    it(`refuses to delete ${c.name} that others name, and says which`, async () => {
      await registry.users.put({
        username: 'eve',
        role: 'enterprise',
        scope: { kind: 'enterprise', park: PARK, enterprise: 'steel' as EnterpriseId },
        passwordHash: 'h',
        createdAt: 0,
      });
      const error = await errorOf(c.remove());
      expect(error.code).to.equal('CONFLICT');
      expect(error.message).to.match(c.says);
    });
  }

  it('deletes everything once nothing names it any more, and nothing of another park', async () => {
    expect(await registry.meters.delete(OTHER, 'm-steel' as MeterId)).to.equal(false);
    expect(await registry.gateways.delete(OTHER, 'gw-1' as GatewayId)).to.equal(false);
    expect(await registry.rules.delete(OTHER, 'r-limit')).to.equal(false);
    expect(await registry.rules.delete(PARK, 'r-limit')).to.equal(true);
    expect(await registry.rules.delete(PARK, 'r-entry')).to.equal(true);
    expect(await registry.applications.delete(PARK, 'a-1')).to.equal(true);
    expect(await registry.entryProfiles.delete(PARK, 'p-1')).to.equal(true);
    expect(await registry.caps.delete(PARK, 'c-1')).to.equal(true);
    for (const id of ['m-steel', 'm-main']) expect(await registry.meters.delete(PARK, id as MeterId)).to.equal(true);
    expect(await registry.gateways.delete(PARK, 'gw-1' as GatewayId)).to.equal(true);
    for (const id of ['steel', 'glass']) expect(await registry.enterprises.delete(PARK, id as EnterpriseId)).to.equal(true);
    expect(await registry.parks.delete(PARK)).to.equal(true);
    expect(await registry.parks.delete(PARK)).to.equal(false);
    expect((await registry.parks.list()).map((park) => park.id)).to.deep.equal([OTHER]);
  });
});
