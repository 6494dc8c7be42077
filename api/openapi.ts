import type { TSchema } from 'typebox';
import type { Access, Answer, Route } from './route.ts';
import { SCHEMAS } from './schemas.ts';

type Json = { [key: string]: unknown };

export interface Operation {
  readonly tags: readonly string[];
  readonly summary: string;
  readonly operationId: string;
  readonly description: string;
  readonly security: readonly Json[];
  readonly parameters: readonly {
    readonly name: string;
    readonly in: 'path' | 'query';
    readonly required: boolean;
    readonly description?: string;
    readonly schema: Json;
  }[];
  readonly requestBody?: Json;
  readonly responses: Readonly<Record<string, Json>>;
}

export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>>; readonly securitySchemes: Json };
}

const NAME_OF = new Map<unknown, string>(Object.entries(SCHEMAS).map(([name, schema]) => [schema, name]));

/** OpenAPI 3.1 of the route table. Paths, schemas and roles come from nowhere else, so that they cannot disagree with what is served. */
export function openApi(routes: readonly Route[]): OpenApiDocument {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Greenpark',
      version: '1',
      description:
        'Monitoring of green, low-carbon industrial parks. Times are ISO 8601 with offset, every value stands in the unit that is named with it, ' +
        'lists answer `items` and the cursor `next`, and every failure is a problem by RFC 9457 with a stable `code`. ' +
        'What lies outside your scope is answered as if it did not exist (404); what you may see and may not change is 403. ' +
        'Sign in at `/api/v1/session`, or send an API token as `Authorization: Bearer`.',
    },
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(SCHEMAS).map(([name, schema]) => [name, plain(schema, schema)])),
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: 'greenpark_session' },
        token: { type: 'http', scheme: 'bearer' },
        gateway: { type: 'http', scheme: 'basic' },
      },
    },
  };
}

function operationOf(route: Route): Operation {
  const { method, path, tag, summary, access } = route;
  return {
    tags: [tag],
    summary,
    operationId: `${method}${path.replace('/api/v1', '').replace(/[^A-Za-z0-9]+(.)?/g, (_all, next: string | undefined) => (next ?? '').toUpperCase())}`,
    description: accessInWords(access),
    security:
      access.kind === 'public'
        ? []
        : [
            { session: [] },
            { token: [] },
            ...(access.kind === 'gateway-or-roles' ? [{ gateway: [] }] : []),
            ...(access.kind === 'operator-or-loopback' ? [{}] : []),
          ],
    parameters: [...parametersOf(route.params, 'path'), ...parametersOf(route.query, 'query')],
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: { 'application/json': { schema: plain(route.body) } } } }),
    responses: {
      ...Object.fromEntries(Object.entries(route.answers).map(([status, answer]) => [status, responseOf(Number(status), answer)])),
      default: { description: 'A problem by RFC 9457', content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } },
    },
  };
}

/** Who may, as the description says it. */
export function accessInWords(access: Access): string {
  switch (access.kind) {
    case 'public':
      return `Everybody: ${access.why}.`;
    case 'signed-in':
      return `Everybody who is signed in: ${access.why}.`;
    case 'operator-or-loopback':
      return `The operator, or a caller on the same machine: ${access.why}.`;
    case 'gateway-or-roles':
      return `A gateway by its own id and secret, or ${access.roles.join(', ')}, each in its scope: ${access.why}.`;
    case 'roles':
      return `For ${access.roles.join(', ')}, each in its scope.`;
  }
}

function parametersOf(schema: TSchema | undefined, where: 'path' | 'query'): Operation['parameters'] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schema as unknown as { properties?: Record<string, Json>; required?: readonly string[] };
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...rest } = plain(property);
    return { name, in: where, required: required.includes(name), ...(typeof description === 'string' ? { description } : {}), schema: rest };
  });
}

function responseOf(status: number, answer: Answer): Json {
  const description = MEANING[status] ?? 'Answer';
  if (answer === null) return { description };
  if ('text' in answer && typeof answer.text === 'string') return { description, content: { [answer.text]: { schema: { type: 'string' } } } };
  return { description, content: { 'application/json': { schema: plain(answer) } } };
}

const MEANING: Readonly<Record<number, string>> = { 200: 'Done', 201: 'Created', 204: 'Done; nothing to tell', 503: 'Not able to serve' };

/** The schema as JSON, with what has a name of its own referred to; `self` is the one being described. */
function plain(schema: unknown, self?: unknown): Json {
  return walk(schema, self) as Json;
}

function walk(value: unknown, self: unknown): unknown {
  const name = value === self ? undefined : NAME_OF.get(value);
  if (name !== undefined) return { $ref: `#/components/schemas/${name}` };
  if (Array.isArray(value)) return value.map((item) => walk(item, self));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner, self)]));
}
