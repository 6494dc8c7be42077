import { expect } from 'chai';
import type { EnterpriseId, GatewayId, MeterId, ParkId } from '../../../model/ids.ts';
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

  const refused: { name: string; put: () => Promise<unknown>; code?: string; path?: string; says: RegExp }[] = [
    {
      name: 'a park in an unknown time zone',
      put: () => registry.parks.put({ ...first(aDocument().parks), timeZone: 'Mars/Base' }),
      path: 'timeZone',
      says: /Mars\/Base/,
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
