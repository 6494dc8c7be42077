import type { Principal } from '../../model/access.ts';
import type { Fault } from '../../model/errors.ts';
import type { Application, Cap, EntryProfile, Rule } from '../../model/rules.ts';
import type { ApiDeps } from '../deps.ts';
import { enterpriseOfRule } from '../places.ts';
import { forbidden, notFound } from '../problem.ts';
import { ok, READERS, type Route, route, STEWARDS } from '../route.ts';
import { PARAMS, SCHEMAS, shape } from '../schemas.ts';
import { recordRoutes } from './records.ts';

const common = { id: PARAMS.record, readers: READERS, writers: STEWARDS } as const;

/** An entry rule whose criterion names nothing that is measured can never judge: refused where it is written. */
async function ruleFaults(rule: Rule, { registry }: ApiDeps): Promise<readonly Fault[]> {
  if (rule.type !== 'entry') return [];
  const application = await registry.applications.get(rule.park, rule.application);
  const profile = application && (await registry.entryProfiles.get(rule.park, application.profile));
  const criterion = profile?.criteria.find(({ id }) => id === rule.criterion);
  if (criterion === undefined || criterion.actual !== undefined) return [];
  return [{ path: 'body.criterion', message: `"${rule.criterion}" names no "actual" that could be watched` }];
}

/** Stages in any order are one mistake away from firing the wrong level: they rise. */
function capFaults(cap: Cap): readonly Fault[] {
  return cap.stages.flatMap((stage, index) => {
    const before = cap.stages[index - 1];
    return before !== undefined && before.percent >= stage.percent
      ? [{ path: `body.stages[${index}].percent`, message: 'must be higher than that of the stage before' }]
      : [];
  });
}

/**
 * An enterprise files for itself alone, and changes what it declared only as long as it is an applicant: afterwards the declared values
 * bind it, and rules watch it by them.
 */
function mayFile(application: Application, before: Application | null, { scope }: Principal, { directory }: ApiDeps): readonly Fault[] {
  if (scope.kind !== 'enterprise') return [];
  if (application.enterprise !== scope.enterprise) throw forbidden('an enterprise may file an application for itself alone');
  const stage = directory.current.enterprise(application.park, application.enterprise)?.stage;
  if (before !== null && stage !== 'applicant') throw forbidden(`what an enterprise declared binds it once it is ${stage}; the committee may change it`);
  return [];
}

/** Rules, caps and the terms of entry: what the committee sets. */
export const termRoutes: readonly Route[] = [
  ...recordRoutes<Rule>({
    ...common,
    noun: 'rule',
    plural: 'rules',
    param: 'rule',
    place: 'rule',
    schema: SCHEMAS.Rule,
    records: ({ registry }) => registry.rules,
    visible(rule, view, { directory }) {
      const enterprise = enterpriseOfRule(rule, (id) => directory.current.meter(id)?.enterprise ?? null);
      return enterprise === 'all' || enterprise === view.enterprise;
    },
    judge: (rule, _before, _principal, deps) => ruleFaults(rule, deps),
  }),
  ...recordRoutes<Cap>({
    ...common,
    noun: 'cap',
    plural: 'caps',
    param: 'cap',
    place: 'cap',
    schema: SCHEMAS.Cap,
    records: ({ registry }) => registry.caps,
    visible: (cap, view) => cap.enterprise === view.enterprise,
    judge: capFaults,
  }),
  ...recordRoutes<EntryProfile>({
    ...common,
    noun: 'entry-profile',
    plural: 'entry-profiles',
    param: 'profile',
    place: 'park',
    schema: SCHEMAS.EntryProfile,
    records: ({ registry }) => registry.entryProfiles,
  }),
  ...recordRoutes<Application>({
    ...common,
    writers: ['operator', 'committee', 'enterprise'],
    deleters: STEWARDS,
    noun: 'application',
    plural: 'applications',
    param: 'application',
    place: 'application',
    schema: SCHEMAS.Application,
    records: ({ registry }) => registry.applications,
    visible: (application, view) => application.enterprise === view.enterprise,
    judge: mayFile,
  }),
  route({
    method: 'get',
    path: '/api/v1/parks/{park}/applications/{application}/assessment',
    tag: 'applications',
    summary: 'The declared values against the thresholds of entry, criterion by criterion',
    access: { kind: 'roles', roles: READERS, place: 'application' },
    params: shape({ park: PARAMS.park, application: PARAMS.record }),
    answers: { 200: SCHEMAS.Assessment },
    async handle({ view, params }, { registry, assess }) {
      const application = await registry.applications.get(view.park.id, params.application);
      if (application === null) throw notFound(`application "${params.application}" in the park "${view.park.id}"`);
      const profile = await registry.entryProfiles.get(view.park.id, application.profile);
      if (profile === null) throw notFound(`entry profile "${application.profile}" in the park "${view.park.id}"`);
      return ok({ application: application.id, profile: profile.id, version: profile.version, ...assess(profile, application) });
    },
  }),
];
