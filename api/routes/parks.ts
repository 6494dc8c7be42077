import { covers } from '../../model/access.ts';
import type { Park } from '../../model/registry.ts';
import { audited } from '../audit.ts';
import { inputSchema, recordOf } from '../input.ts';
import { listOf, PAGING, pageOf } from '../paging.ts';
import { forbidden, notFound } from '../problem.ts';
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
      return audited(deps, principal, async ({ registry: { parks } }) => {
        const before = await parks.get(id);
        // It would take the park out of its auditors' sight.
        if (before !== null && before.region !== park.region && principal.scope.kind !== 'installation')
          throw forbidden('the region decides which auditors see the park: only an operator of the whole installation may change it');
        const outcome = await inBody(parks.put(park));
        if (outcome === 'unchanged') return { result: ok(park), entry: null };
        const action = outcome === 'created' ? 'create' : 'replace';
        return { result: outcome === 'created' ? created(park) : ok(park), entry: { action, park: id, subject: 'park', id, before, after: park } };
      });
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
      return audited(deps, principal, async ({ registry: { parks } }) => {
        const before = await parks.get(id);
        if (before === null || !(await parks.delete(id))) throw notFound(`park "${id}"`);
        return { result: nothing, entry: { action: 'delete', park: id, subject: 'park', id, before, after: null } };
      });
    },
  }),
];
