import { covers, type Place, type Principal } from '../model/access.ts';
import type { EnterpriseId, ParkId } from '../model/ids.ts';
import type { Park } from '../model/registry.ts';
import type { Rule } from '../model/rules.ts';
import type { ApiDeps } from './deps.ts';
import type { PlaceKind } from './route.ts';

/** Where a route's subject lies. */
export interface Located {
  readonly place: Place;
  /** null only for a park that does not exist yet. */
  readonly park: Park | null;
  /** Belongs to the park as a whole, yet everybody in the park may know of it: the park's name, its terms of entry. */
  readonly shared: boolean;
}

type Params = Readonly<Record<string, string>>;
type Locator = (deps: ApiDeps, params: Params) => Promise<Located | null> | Located | null;

/** May the principal know that this exists? */
export function sees(principal: Principal, { place, shared }: Located): boolean {
  const { scope } = principal;
  return covers(scope, place) || (shared && scope.kind === 'enterprise' && scope.park === place.park);
}

/** null: there is no such place, for nobody. What is not there yet lies where it would come to lie. */
export const locate = (kind: PlaceKind, deps: ApiDeps, params: Params): Promise<Located | null> | Located | null => LOCATORS[kind](deps, params);

const inPark = (park: Park, enterprise: EnterpriseId | null, shared = false): Located => ({
  place: { park: park.id, region: park.region, enterprise },
  park,
  shared,
});

/** The park named in the path first; without it there is nothing. */
const within =
  (find: (deps: ApiDeps, park: Park, params: Params) => Promise<Located> | Located): Locator =>
  (deps, params) => {
    const park = deps.directory.current.park(params['park'] ?? '');
    return park === undefined ? null : find(deps, park, params);
  };

const LOCATORS: Readonly<Record<PlaceKind, Locator>> = {
  park: within((_deps, park) => inPark(park, null, true)),
  'new-park': ({ directory }, params) => {
    const park = directory.current.park(params['park'] ?? '');
    if (park !== undefined) return inPark(park, null, true);
    return { place: { park: params['park'] as ParkId, region: '', enterprise: null }, park: null, shared: false };
  },
  enterprise: within(({ directory }, park, params) => inPark(park, directory.current.enterprise(park.id, params['enterprise'] ?? '')?.id ?? null)),
  'park-meter': within(({ directory }, park, params) => {
    const meter = directory.current.meter(params['meter'] ?? '');
    return inPark(park, meter?.park === park.id ? meter.enterprise : null);
  }),
  meter: ({ directory }, params) => {
    const meter = directory.current.meter(params['meter'] ?? '');
    const park = meter && directory.current.park(meter.park);
    return park === undefined ? null : inPark(park, meter?.enterprise ?? null);
  },
  rule: within(async ({ registry, directory }, park, params) => {
    const rule = await registry.rules.get(park.id, params['rule'] ?? '');
    if (rule === null) return inPark(park, null);
    const enterprise = enterpriseOfRule(rule, (id) => directory.current.meter(id)?.enterprise ?? null);
    return inPark(park, enterprise === 'all' ? null : enterprise, enterprise === 'all');
  }),
  cap: within(async ({ registry }, park, params) => inPark(park, (await registry.caps.get(park.id, params['cap'] ?? ''))?.enterprise ?? null)),
  // One that is not there may be filed by an enterprise of the park; whose it may be is judged with its body.
  application: within(async ({ registry }, park, params) => {
    const application = await registry.applications.get(park.id, params['application'] ?? '');
    return application === null ? inPark(park, null, true) : inPark(park, application.enterprise);
  }),
  alert: async ({ registry, directory }, params) => {
    const alert = await registry.alerts.get(params['alert'] ?? '');
    const park = alert && directory.current.park(alert.park);
    return park ? inPark(park, alert?.enterprise ?? null) : null;
  },
};

/** Whose business a rule is: one enterprise's, the park's alone (null), or that of everybody with a meter of its kind. */
export function enterpriseOfRule(rule: Rule, ownerOf: (meter: string) => EnterpriseId | null): EnterpriseId | null | 'all' {
  if (rule.type === 'entry') return rule.enterprise;
  return 'kind' in rule.subject ? 'all' : ownerOf(rule.subject.meter);
}
