import type { Role, Scope } from '../model/access.ts';
import { GreenparkError } from '../model/errors.ts';
import type { EnterpriseId, ParkId } from '../model/ids.ts';
import type { Registry } from '../store/registry/port.ts';

/** Whom a user or token is made for, as the command line says it. */
export interface ScopeOptions {
  readonly role: Role;
  readonly park?: string;
  readonly enterprise?: string;
  readonly region?: string;
}

/** The options that say how far a role sees; one that a role does not take would promise a bound that nobody keeps. */
const TAKES: Readonly<Record<Role, readonly ('park' | 'enterprise' | 'region')[]>> = {
  operator: ['park', 'region'],
  committee: ['park'],
  auditor: ['region'],
  enterprise: ['park', 'enterprise'],
};

/** The scope that belongs to a role; what is missing, does not belong to the role or does not exist is named. */
export async function scopeOf(options: ScopeOptions, registry: Pick<Registry, 'parks' | 'enterprises'>): Promise<Scope> {
  const { role, park, enterprise, region } = options;
  for (const name of ['park', 'enterprise', 'region'] as const) {
    if (options[name] === undefined || TAKES[role].includes(name)) continue;
    throw refused(`the role ${role} takes no --${name}, only ${TAKES[role].map((one) => `--${one}`).join(' and ')}`);
  }
  const knownPark = async (): Promise<ParkId> => {
    if (park === undefined) throw refused(`--park is needed for the role ${role}`);
    if ((await registry.parks.get(park as ParkId)) === null) throw refused(`there is no park ${park}`);
    return park as ParkId;
  };
  const checkedRegion = (): string => {
    if (region === undefined || !/^([1-9]\d)(\d\d){0,2}$/.test(region)) throw refused(`--region with 2, 4 or 6 digits is needed for the role ${role}`);
    return region;
  };
  switch (role) {
    case 'operator':
      if (park !== undefined && region !== undefined)
        throw refused('an operator looks after one park or one region: give --park or --region, or neither for all');
      if (park !== undefined) return { kind: 'park', park: await knownPark() };
      return region === undefined ? { kind: 'installation' } : { kind: 'region', region: checkedRegion() };
    case 'committee':
      return { kind: 'park', park: await knownPark() };
    case 'auditor':
      return { kind: 'region', region: checkedRegion() };
    case 'enterprise': {
      const id = await knownPark();
      if (enterprise === undefined) throw refused('--enterprise is needed for the role enterprise');
      if ((await registry.enterprises.get(id, enterprise as EnterpriseId)) === null) throw refused(`there is no enterprise ${enterprise} in the park ${id}`);
      return { kind: 'enterprise', park: id, enterprise: enterprise as EnterpriseId };
    }
  }
}

const refused = (message: string): GreenparkError => new GreenparkError('INPUT_INVALID', message);
