import type { Scope } from '../../model/access.ts';
import type { Fault } from '../../model/errors.ts';
import type { Mapping } from '../../model/mapping.ts';
import { isTimeZone, ZONE_HELP } from '../../model/period.ts';
import { findQuantity } from '../../model/quantities.ts';
import type { Enterprise, Gateway, Meter, Park } from '../../model/registry.ts';
import type { Application, Cap, EntryProfile, Rule } from '../../model/rules.ts';
import { conversion, unitsFor } from '../../model/units.ts';
import { linkFaults } from './gateway-links.ts';

/** What is registered, as the checks ask it: the database's own state, or what it would be after an import. */
export interface Registered {
  park(id: string): Answer<unknown>;
  enterprise(park: string, id: string): Answer<unknown>;
  gateway(id: string): Answer<{ readonly park: string }>;
  /** Another gateway than `otherThan` whose link is to this device (`deviceOf`). */
  gatewayOfDevice(device: string, otherThan: string): Answer<{ readonly id: string; readonly park: string }>;
  meter(id: string): Answer<{ readonly park: string; readonly parent: string | null }>;
  /** One that was deleted. */
  formerMeter(id: string): Answer<{ readonly park: string }>;
  entryProfile(park: string, id: string): Answer<EntryProfile>;
  application(park: string, id: string): Answer<Application>;
}
type Answer<T> = T | undefined | Promise<T | undefined>;

export const parkFaults = (park: Park): Fault[] =>
  isTimeZone(park.timeZone)
    ? []
    : [{ path: 'timeZone', message: `"${park.timeZone}" is not a time zone that can be computed with; expected an IANA name, ${ZONE_HELP}` }];

export const enterpriseFaults = (registered: Registered, enterprise: Enterprise): Promise<Fault[]> => parkExists(registered, enterprise.park);

export async function gatewayFaults(registered: Registered, gateway: Gateway): Promise<Fault[]> {
  const faults = await parkExists(registered, gateway.park);
  return faults.length > 0 ? faults : linkFaults(registered, gateway);
}

/** `rooted` remembers, over many meters, whose chain of parents was seen to end: so that each link is walked once. */
export async function meterFaults(registered: Registered, meter: Meter, rooted: Set<string> = new Set()): Promise<Fault[]> {
  const faults = await parkExists(registered, meter.park);
  if (faults.length > 0) return faults;
  const former = await registered.formerMeter(meter.id);
  if (former !== undefined && former.park !== meter.park) {
    faults.push({ path: 'id', message: `meter "${meter.id}" was registered in another park, where its readings are; choose another id` });
  }
  if (meter.enterprise !== null) faults.push(...(await enterpriseExists(registered, meter.park, meter.enterprise)));
  if (meter.gateway !== null) {
    const gateway = await registered.gateway(meter.gateway);
    if (gateway?.park !== meter.park) faults.push({ path: 'gateway', message: `gateway "${meter.gateway}" is not registered in park "${meter.park}"` });
  }
  if (meter.parent !== null) faults.push(...(await parentFaults(registered, meter, meter.parent, rooted)));
  for (const [name, unit] of Object.entries(meter.units ?? {})) {
    const quantity = findQuantity(name);
    if (quantity === undefined) faults.push({ path: `units.${name}`, message: `"${name}" is not a quantity of the catalogue` });
    else if (conversion(unit, quantity.unit) === null) {
      faults.push({ path: `units.${name}`, message: `"${unit}" cannot be converted to ${quantity.unit}; known are ${unitsFor(quantity.unit).join(', ')}` });
    }
  }
  for (const [name, checks] of Object.entries(meter.checks ?? {})) {
    const kind = findQuantity(name)?.kind;
    const ofRegister = (['registerWidth', 'resetsDailyIn'] as const).find((check) => checks[check] !== undefined);
    if (kind === undefined) faults.push({ path: `checks.${name}`, message: `"${name}" is not a quantity of the catalogue` });
    else if (kind === 'gauge' && ofRegister !== undefined) {
      faults.push({ path: `checks.${name}.${ofRegister}`, message: `${name} is a gauge; only a counter has a register` });
    } else if (checks.resetsDailyIn !== undefined && !isTimeZone(checks.resetsDailyIn)) {
      faults.push({ path: `checks.${name}.resetsDailyIn`, message: `"${checks.resetsDailyIn}" is no time zone, ${ZONE_HELP}` });
    } else if (checks.restsAt !== undefined && checks.stuckAfterSeconds === undefined) {
      faults.push({ path: `checks.${name}.restsAt`, message: 'means nothing without stuckAfterSeconds' });
    }
  }
  return faults;
}

async function parentFaults(registered: Registered, meter: Meter, parent: string, rooted: Set<string>): Promise<Fault[]> {
  if (parent === meter.id) return [{ path: 'parent', message: 'a meter cannot be its own parent' }];
  if ((await registered.meter(parent))?.park !== meter.park) {
    return [{ path: 'parent', message: `meter "${parent}" is not registered in park "${meter.park}"` }];
  }
  const walked = new Set<string>();
  for (let at: string | null = parent; at !== null && !rooted.has(at); ) {
    if (at === meter.id) return [{ path: 'parent', message: `meters would form a circle: ${[meter.id, ...walked, meter.id].join(' → ')}` }];
    // A circle further up that this meter only hangs on is told for the meters that form it.
    if (walked.has(at)) return [];
    walked.add(at);
    const above: { readonly parent: string | null } | undefined = await registered.meter(at);
    at = above?.parent ?? null;
  }
  for (const id of walked) rooted.add(id);
  return [];
}

export async function ruleFaults(registered: Registered, rule: Rule): Promise<Fault[]> {
  const faults = await parkExists(registered, rule.park);
  if (faults.length > 0) return faults;
  if (rule.type === 'limit') {
    if (!('meter' in rule.subject)) return [];
    const meter = await registered.meter(rule.subject.meter);
    return meter?.park === rule.park ? [] : [{ path: 'subject.meter', message: `meter "${rule.subject.meter}" is not registered in park "${rule.park}"` }];
  }
  faults.push(...(await enterpriseExists(registered, rule.park, rule.enterprise)));
  const application = await registered.application(rule.park, rule.application);
  if (application === undefined) {
    faults.push({ path: 'application', message: `application "${rule.application}" is not registered in park "${rule.park}"` });
    return faults;
  }
  if (application.enterprise !== rule.enterprise) {
    faults.push({
      path: 'application',
      message: `application "${rule.application}" is of enterprise "${application.enterprise}", not of "${rule.enterprise}"`,
    });
  }
  const profile = await registered.entryProfile(rule.park, application.profile);
  if (!(profile?.criteria.some((criterion) => criterion.id === rule.criterion) ?? false)) {
    faults.push({ path: 'criterion', message: `"${rule.criterion}" is not a criterion of entry profile "${application.profile}"` });
  } else if (application.declared[rule.criterion] === undefined) {
    faults.push({ path: 'criterion', message: `application "${rule.application}" declares no value for "${rule.criterion}", so there is no bound` });
  }
  return faults;
}

export async function capFaults(registered: Registered, cap: Cap): Promise<Fault[]> {
  const faults = await parkExists(registered, cap.park);
  if (faults.length === 0 && cap.enterprise !== null) faults.push(...(await enterpriseExists(registered, cap.park, cap.enterprise)));
  return faults;
}

export async function entryProfileFaults(registered: Registered, profile: EntryProfile): Promise<Fault[]> {
  const faults = await parkExists(registered, profile.park);
  const seen = new Set<string>();
  for (const [index, criterion] of profile.criteria.entries()) {
    if (seen.has(criterion.id)) faults.push({ path: `criteria[${index}].id`, message: `criterion "${criterion.id}" is there twice` });
    seen.add(criterion.id);
  }
  return faults;
}

export async function applicationFaults(registered: Registered, application: Application): Promise<Fault[]> {
  const faults = await parkExists(registered, application.park);
  if (faults.length > 0) return faults;
  faults.push(...(await enterpriseExists(registered, application.park, application.enterprise)));
  const profile = await registered.entryProfile(application.park, application.profile);
  if (profile === undefined) {
    faults.push({ path: 'profile', message: `entry profile "${application.profile}" is not registered in park "${application.park}"` });
    return faults;
  }
  const criteria = new Set(profile.criteria.map((criterion) => criterion.id));
  for (const id of Object.keys(application.declared)) {
    if (!criteria.has(id)) faults.push({ path: `declared.${id}`, message: `"${id}" is not a criterion of entry profile "${profile.id}"` });
  }
  return faults;
}

/** What its expressions say is judged where they are compiled; here only that whose it is exists. Meters may be registered after it. */
export const mappingFaults = (registered: Registered, mapping: Mapping): Promise<Fault[]> => parkExists(registered, mapping.park);

/** A scope may only name what is registered, so that a park that comes later does not inherit somebody's access. */
export async function scopeFaults(registered: Registered, scope: Scope): Promise<Fault[]> {
  if (scope.kind !== 'park' && scope.kind !== 'enterprise') return [];
  const faults = await parkExists(registered, scope.park);
  if (faults.length === 0 && scope.kind === 'enterprise') faults.push(...(await enterpriseExists(registered, scope.park, scope.enterprise)));
  return faults.map((fault) => ({ ...fault, path: `scope.${fault.path}` }));
}

async function parkExists(registered: Registered, park: string): Promise<Fault[]> {
  return (await registered.park(park)) === undefined ? [{ path: 'park', message: `park "${park}" is not registered` }] : [];
}

async function enterpriseExists(registered: Registered, park: string, enterprise: string): Promise<Fault[]> {
  return (await registered.enterprise(park, enterprise)) === undefined
    ? [{ path: 'enterprise', message: `enterprise "${enterprise}" is not registered in park "${park}"` }]
    : [];
}
