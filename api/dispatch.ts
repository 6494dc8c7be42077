import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { json, type Request, type RequestHandler, type Response } from 'express';
import type { TSchema } from 'typebox';
import type { Fault } from '../model/errors.ts';
import { type Check, checkOf } from '../model/schema.ts';
import type { ApiDeps } from './deps.ts';
import { guard } from './guard.ts';
import { invalidRequest, queryOf } from './input.ts';
import { HttpError } from './problem.ts';
import type { Answer, Context, Reply, Route } from './route.ts';
import { shape } from './schemas.ts';

/** Largest body taken, in bytes. */
export const LARGEST_BODY = 1_000_000;

const parseBody = json({ limit: LARGEST_BODY, strict: false });

/** express' handler for one row of the table: who, where, what; then the row's own handler, then its answer. */
export function dispatcher(route: Route, deps: ApiDeps): RequestHandler {
  const nothing = shape({});
  const query = route.query ?? nothing;
  const checkParams = checkOf(route.params ?? nothing);
  const checkQuery = checkOf(query);
  const checkBody = route.body === undefined ? null : checkOf(route.body);
  const answers = new Map(Object.entries(route.answers).map(([status, answer]) => [Number(status), answerOf(answer, deps.options?.checkAnswers === true)]));

  return async (request, response) => {
    const identity = await deps.auth.identify(request.headers.cookie, request.headers.authorization);
    response.locals['principal'] = identity?.principal.name ?? null;
    const params = request.params as Readonly<Record<string, string>>;
    const badParams = prefixed('path', checkParams(params));
    // Who is not signed in learns nothing, not even what an id may look like.
    if (badParams.length > 0 && (identity !== null || route.access.kind === 'public')) throw invalidRequest(badParams);
    const { principal, view, gateway = null } = await guard(route, request, identity, params, deps);

    if (gateway !== null) response.locals['principal'] = `gateway:${gateway}`;
    const asked = queryOf(query, new URL(request.originalUrl, 'http://localhost').searchParams);
    const faults = [...asked.faults, ...prefixed('query', checkQuery(asked.value))];
    if (checkBody !== null) {
      const body = await bodyOf(request, response);
      faults.push(...(body === undefined ? [{ path: 'body', message: 'is missing' }] : prefixed('body', checkBody(body))));
    }
    if (faults.length > 0) throw invalidRequest(faults);

    const context = { principal, view, gateway, params, query: asked.value, body: request.body as unknown, now: deps.clock(), request };
    const reply = await route.handle(context as Context<Route['access'], unknown, unknown, unknown>, deps);
    const send = answers.get(reply.status);
    if (send === undefined) throw new Error(`${route.method} ${route.path} does not declare the answer ${reply.status}`);
    if (reply.headers !== undefined) response.set(reply.headers);
    await send(reply, response.status(reply.status));
  };
}

/** Only after the guard: nobody without a right makes the service read a megabyte. */
async function bodyOf(request: Request, response: Response): Promise<unknown> {
  const empty =
    request.headers['content-length'] === '0' || (request.headers['content-length'] === undefined && request.headers['transfer-encoding'] === undefined);
  if (empty) return undefined;
  // A form on another site can send text and forms, never JSON.
  if (!request.is('application/json')) throw new HttpError('UNSUPPORTED_MEDIA_TYPE', 'the body must be application/json');
  await new Promise<void>((resolve, reject) => {
    parseBody(request, response, (error?: unknown) => (error === undefined ? resolve() : reject(error as Error)));
  });
  return request.body as unknown;
}

type Send = (reply: Reply, response: Response) => Promise<void> | void;

const isStream = (body: unknown): body is AsyncIterable<string> => typeof body === 'object' && body !== null && Symbol.asyncIterator in body;

function answerOf(answer: Answer, checked: boolean): Send {
  if (answer === null) return (_reply, response) => void response.end();
  if ('text' in answer && typeof answer.text === 'string') {
    const type = answer.text;
    return async (reply, response) => {
      if (response.get('Content-Type') === undefined) response.type(type);
      if (isStream(reply.body)) await pipeline(Readable.from(reply.body), response);
      else response.send(String(reply.body));
    };
  }
  const check: Check | null = checked ? checkOf(answer as TSchema) : null;
  return (reply, response) => {
    const faults = check?.(JSON.parse(JSON.stringify(reply.body))) ?? [];
    if (faults.length > 0) throw new Error(`the answer breaks its declaration: ${faults.map(({ path, message }) => `${path}: ${message}`).join('; ')}`);
    response.json(reply.body);
  };
}

/** Faults with the part of the request they stand in. */
const prefixed = (part: string, faults: readonly Fault[]): Fault[] =>
  faults.map(({ path, message }) => ({ path: path === '' ? part : path.startsWith('[') ? `${part}${path}` : `${part}.${path}`, message }));
