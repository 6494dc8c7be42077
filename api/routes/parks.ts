import { covers } from '../../model/access.ts';
import type { Park } from '../../model/registry.ts';
import { audited } from '../audit.ts';
import { inputSchema, recordOf } from '../input.ts';
import { listOf, PAGING, pageOf } from '../paging.ts';
import { notFound } from '../problem.ts';
import { created, nothing, OPERATOR, ok, READERS, type Route, route } from '../route.ts';
import { PARAMS, SCHEMAS, shape } from '../schemas.ts';
import { inBody } from './records.ts';

const tag = 'parks';
const one = '/api/v1/parks/{park}';
const params = shape({ park: PARAMS.park });
const byId = (a: Park, b: Park): number => (a.id < b.id ? -1 : 1);

export const parkRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/parks',
    tag,
    summary: 'Parks in scope, by id',
    access: { kind: 'roles', roles: READERS, place: 'scope' },
    query: shape(PAGING),
    answers: { 200: listOf(SCHEMAS.Park) },
    async handle({ principal: { scope }, query }, deps) {
      const mine = [...deps.directory.current.parks.values()]
        .filter((park) => covers(scope, { park: park.id, region: park.region, enterprise: null }) || ('park' in scope && scope.park === park.id))
        .sort(byId);
      const page = await pageOf(
        query,
        async ({ limit, after }) => mine.filter(({ id }) => after === null || id > after).slice(0, limit),
        ({ id }) => id,
      );
      return ok(page);
    },
  }),
  route({
    method: 'get',
    path: one,
    tag,
    summary: 'One park',
    access: { kind: 'roles', roles: READERS, place: 'park' },
    params,
    answers: { 200: SCHEMAS.Park },
    handle: ({ view }) => ok(view.park),
  }),
  route({
    method: 'put',
    path: one,
    tag,
    summary: 'Creates the park or replaces it',
    access: { kind: 'roles', roles: OPERATOR, place: 'new-park' },
    params,
    body: inputSchema(SCHEMAS.Park, ['id']),
    answers: { 200: SCHEMAS.Park, 201: SCHEMAS.Park },
    async handle({ principal, params: { park: id }, body }, deps) {
      const park = recordOf(SCHEMAS.Park, { id })(body);
      const before = await deps.registry.parks.get(id);
      const outcome = await inBody(deps.registry.parks.put(park));
      if (outcome === 'unchanged') return ok(park);
      await audited(deps, principal, { action: outcome === 'created' ? 'create' : 'replace', park: id, subject: 'park', id, before, after: park });
      return outcome === 'created' ? created(park) : ok(park);
    },
  }),
  route({
    method: 'delete',
    path: one,
    tag,
    summary: 'Deletes a park to which nothing belongs any more',
    access: { kind: 'roles', roles: OPERATOR, place: 'park' },
    params,
    answers: { 204: null },
    async handle({ principal, params: { park: id } }, deps) {
      const before = await deps.registry.parks.get(id);
      if (before === null || !(await deps.registry.parks.delete(id))) throw notFound(`park "${id}"`);
      await audited(deps, principal, { action: 'delete', park: id, subject: 'park', id, before, after: null });
      return nothing;
    },
  }),
];
