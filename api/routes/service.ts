import Type from 'typebox';
import { docsPage, docsStyle } from '../docs-page.ts';
import { type OpenApiDocument, openApi } from '../openapi.ts';
import { ok, type Reply, type Route, route } from '../route.ts';
import { SCHEMAS } from '../schemas.ts';

const tag = 'service';

/** What machines ask about the service itself, and the API's own description. `table` gives the whole route table, these included. */
export function serviceRoutes(table: () => readonly Route[]): readonly Route[] {
  // The table never changes while the service runs.
  let made: OpenApiDocument | undefined;
  const document = (): OpenApiDocument => {
    made ??= openApi(table());
    return made;
  };
  return [
    route({
      method: 'get',
      path: '/healthz',
      tag,
      summary: 'Alive',
      access: { kind: 'public', why: 'asked by what starts and restarts the service; tells nothing' },
      answers: { 200: { text: 'text/plain' } },
      handle: () => ok('ok\n'),
    }),
    route({
      method: 'get',
      path: '/readyz',
      tag,
      summary: 'Able to serve and store; 503 where not, with the part that is not',
      access: { kind: 'public', why: 'asked by load balancers; names parts, no addresses' },
      answers: { 200: SCHEMAS.Readiness, 503: SCHEMAS.Readiness },
      async handle(_context, deps): Promise<Reply> {
        const parts = await deps.readiness();
        const ready = parts.every((part) => part.ready);
        return { status: ready ? 200 : 503, body: { ready, parts } };
      },
    }),
    route({
      method: 'get',
      path: '/metrics',
      tag,
      summary: "Metrics in Prometheus' text format",
      access: { kind: 'operator-or-loopback', why: 'figures of the whole installation; a scraper on the same machine needs no token' },
      answers: { 200: { text: 'text/plain' } },
      handle: async (_context, deps) => ({ ...ok(await deps.metrics()), headers: { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' } }),
    }),
    route({
      method: 'get',
      path: '/openapi.json',
      tag,
      summary: 'This description, for programs',
      access: { kind: 'public', why: 'the same in every installation; holds nothing of any' },
      answers: { 200: Type.Object({}) },
      handle: () => ok(document()),
    }),
    route({
      method: 'get',
      path: '/docs',
      tag,
      summary: 'This description, for people',
      access: { kind: 'public', why: 'as /openapi.json' },
      answers: { 200: { text: 'text/html' } },
      handle: () => ok(docsPage(document())),
    }),
    route({
      method: 'get',
      path: '/docs/style.css',
      tag,
      summary: 'How the page for people looks',
      access: { kind: 'public', why: 'as /docs' },
      answers: { 200: { text: 'text/css' } },
      handle: () => ok(docsStyle),
    }),
  ];
}
