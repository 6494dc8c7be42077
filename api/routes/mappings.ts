import Type from 'typebox';
import { type Mapping, type MappingBody, MappingSchema } from '../../model/mapping.ts';
import type { ApiDeps } from '../deps.ts';
import { inputSchema, invalidRequest, recordOf } from '../input.ts';
import { notFound } from '../problem.ts';
import { OPERATOR, OVERSEERS, ok, type Route, route } from '../route.ts';
import { PARAMS, SCHEMAS, shape } from '../schemas.ts';
import { recordRoutes } from './records.ts';

/** Longest payload that is tried, in characters; the service's own default limit for messages is a megabyte. */
const LONGEST_PAYLOAD = 1 << 20;

const TryBody = Type.Object(
  {
    mapping: Type.Optional(inputSchema(MappingSchema, ['id', 'park'])),
    id: Type.Optional(PARAMS.record),
    shipped: Type.Optional(PARAMS.record),
    topic: Type.String({ minLength: 1, maxLength: 1024 }),
    payload: Type.String({ maxLength: LONGEST_PAYLOAD, description: 'the message as text, or its bytes as base64 where `encoding` says so' }),
    encoding: Type.Optional(Type.Enum(['text', 'base64'], { default: 'text' })),
    gateway: Type.Optional(PARAMS.gateway),
  },
  { additionalProperties: false, description: 'one of `mapping` (as it would be put), `id` (one of the park) and `shipped` (one that comes with Greenpark)' },
);

function bodyOf({ id: _id, park: _park, ...body }: Mapping): MappingBody {
  return body;
}

/** The mapping that is meant: exactly one of the three ways to say so. */
async function meant(given: { mapping?: unknown; id?: string; shipped?: string }, park: string, deps: ApiDeps): Promise<MappingBody> {
  const said = [given.mapping, given.id, given.shipped].filter((one) => one !== undefined);
  if (said.length !== 1) throw invalidRequest([{ path: 'body', message: 'exactly one of "mapping", "id" and "shipped" says which mapping is tried' }]);
  if (given.mapping !== undefined) {
    const { id = 'tried' } = given.mapping as { readonly id?: string };
    const body = bodyOf(recordOf(MappingSchema, { id, park })(given.mapping) as Mapping);
    const faults = deps.mappings.check(body).map(({ path, message }) => ({ path: path === '' ? 'body.mapping' : `body.mapping.${path}`, message }));
    if (faults.length > 0) throw invalidRequest(faults);
    return body;
  }
  if (given.id !== undefined) {
    const stored = await deps.registry.mappings.get(park as Mapping['park'], given.id);
    if (stored === null) throw notFound(`mapping "${given.id}" in the park "${park}"`);
    return bodyOf(stored);
  }
  const found = deps.mappings.shipped.find(({ id }) => id === given.shipped);
  if (found === undefined) throw notFound(`shipped mapping "${given.shipped ?? ''}"; there are ${deps.mappings.shipped.map(({ id }) => id).join(', ')}`);
  const { id: _id, ...body } = found;
  return body;
}

/** How payloads that are not of the native form become readings. */
export const mappingRoutes: readonly Route[] = [
  // Before those of one mapping, whose path it would be otherwise.
  route({
    method: 'post',
    path: '/api/v1/parks/{park}/mappings/try',
    tag: 'mappings',
    summary: 'Shows what a mapping makes of a message, step by step; nothing is stored',
    access: { kind: 'roles', roles: OPERATOR, place: 'park' },
    params: shape({ park: PARAMS.park }),
    body: TryBody,
    answers: { 200: SCHEMAS.TriedMapping },
    async handle({ view, body, now }, deps) {
      const mapping = await meant(body, view.park.id, deps);
      const payload = Buffer.from(body.payload, body.encoding === 'base64' ? 'base64' : 'utf8');
      return ok(await deps.mappings.try(mapping, body.topic, payload, now, body.gateway ?? null));
    },
  }),
  ...recordRoutes<Mapping>({
    noun: 'mapping',
    plural: 'mappings',
    param: 'mapping',
    place: 'park',
    schema: SCHEMAS.Mapping,
    id: PARAMS.record,
    readers: OVERSEERS,
    writers: OPERATOR,
    records: ({ registry }) => registry.mappings,
    judge: (mapping, _before, _principal, { mappings }) =>
      mappings.check(bodyOf(mapping)).map(({ path, message }) => ({ path: path === '' ? 'body' : `body.${path}`, message })),
  }),
  route({
    method: 'get',
    path: '/api/v1/mappings',
    tag: 'mappings',
    summary: 'The mappings that come with Greenpark, to be put into a park as they are or changed',
    access: { kind: 'roles', roles: OVERSEERS, place: 'scope' },
    answers: { 200: Type.Object({ items: Type.Array(SCHEMAS.ShippedMapping) }, { additionalProperties: false }) },
    handle: (_context, { mappings }) => ok({ items: mappings.shipped }),
  }),
];
