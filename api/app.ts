import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import compression from 'compression';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import helmet from 'helmet';
import type { Logger } from 'pino';
import { GreenparkError } from '../model/errors.ts';
import type { ApiDeps } from './deps.ts';
import { dispatcher } from './dispatch.ts';
import { HttpError, notFound, problemOf } from './problem.ts';
import type { Method, Route } from './route.ts';
import { ROUTES } from './routes.ts';

/** The time over which failed sign-ins are counted. */
const SIGN_IN_WINDOW_MS = 15 * 60_000;

/** The HTTP side of the service as an express application; main.ts makes the server and listens. Opens nothing by itself. */
export function createApi(deps: ApiDeps): Express {
  const app = bare(deps.logger);
  // One hop: the address is what the proxy in front saw, whatever the client claims of others before it.
  app.set('trust proxy', deps.options?.trustProxy === true ? 1 : false);
  app.use(compression());
  app.use(['/api', '/metrics', '/healthz', '/readyz'], (_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  });
  mount(app, deps);
  app.use('/api', () => {
    throw notFound('such path in this API; /docs names those there are');
  });
  if (deps.webFolder !== null) serveWeb(app, deps.webFolder);
  app.use(() => {
    throw notFound('such page');
  });
  app.use(failed(deps.logger));
  return app;
}

/** Stands at the door while the service starts, which takes as long as its store is away: says that it lives, and what it waits for. */
export function createStarting(logger: Logger): Express {
  const app = bare(logger);
  const waiting = new GreenparkError('STORE_UNREACHABLE', 'the service is starting: it waits until the store answers', { retryable: true });
  app.use((request, response) => {
    response.set('Cache-Control', 'no-store');
    if (request.path === '/healthz') response.type('text/plain').send('ok\n');
    else if (request.path === '/readyz') response.status(503).json({ ready: false, parts: [{ part: 'store', ready: false, detail: waiting.message }] });
    else {
      const problem = problemOf(waiting, response.locals['requestId'] as string);
      response.status(problem.status).set('Retry-After', '5').type('application/problem+json').send(JSON.stringify(problem));
    }
  });
  return app;
}

function bare(logger: Logger): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.use(named, logged(logger), secured());
  return app;
}

/** Every row of the table at its path; another method there is 405 with those that are allowed. */
function mount(app: Express, deps: ApiDeps): void {
  const limits = { 'sign-in': signInLimit(deps.options?.signInFailures ?? 20) } as const;
  const byPath = new Map<string, Route[]>();
  for (const route of ROUTES) byPath.set(route.path, [...(byPath.get(route.path) ?? []), route]);
  for (const [path, routes] of byPath) {
    const at = app.route(path.replace(/\{(\w+)\}/g, ':$1'));
    for (const route of routes) {
      const handlers: RequestHandler[] = route.limited === undefined ? [] : [limits[route.limited]];
      handlers.push(dispatcher(route, deps));
      register(at, route.method, handlers);
    }
    const allowed = routes.map(({ method }) => method.toUpperCase());
    if (allowed.includes('GET')) allowed.push('HEAD');
    at.all((request, response) => {
      response.set('Allow', allowed.join(', '));
      throw new HttpError('METHOD_NOT_ALLOWED', `${request.method} is not possible here; ${allowed.join(', ')} is`);
    });
  }
}

function register(at: ReturnType<Express['route']>, method: Method, handlers: RequestHandler[]): void {
  switch (method) {
    case 'get':
      at.get(...handlers);
      return;
    case 'put':
      at.put(...handlers);
      return;
    case 'post':
      at.post(...handlers);
      return;
    case 'delete':
      at.delete(...handlers);
      return;
  }
}

const signInLimit = (failures: number): RequestHandler =>
  rateLimit({
    windowMs: SIGN_IN_WINDOW_MS,
    limit: failures,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    skipSuccessfulRequests: true,
    handler: (_request, _response, next) =>
      next(new GreenparkError('RATE_LIMITED', 'too many failed sign-ins from this address; wait a quarter of an hour', { retryable: true })),
  });

/** Every answer names its request, and so does every line of the log about it. */
const named: RequestHandler = (_request, response, next) => {
  const id = randomUUID();
  response.locals['requestId'] = id;
  response.set('X-Request-Id', id);
  next();
};

/** One line per answer: never a query, a header or a body, which may hold what is nobody's business. */
const logged =
  (logger: Logger): RequestHandler =>
  (request, response, next) => {
    const began = performance.now();
    const { method, path } = request;
    response.on('finish', () => {
      const { statusCode: status, locals } = response;
      const line = {
        requestId: locals['requestId'] as string,
        method,
        path,
        status,
        ms: Math.round(performance.now() - began),
        by: (locals['principal'] ?? null) as string | null,
      };
      // 503 tells the caller to come again: a store or broker that is away is no fault of the request.
      if (status === 503) logger.warn(line, 'request put off');
      else if (status >= 500) logger.error(line, 'request failed');
      else if (method === 'GET' || method === 'HEAD') logger.debug(line, 'request');
      else logger.info(line, 'request');
    });
    next();
  };

/**
 * Headers of a strict page: everything from this origin, nothing inline, never in a frame. `connect-src 'self'` covers the websocket.
 * What only means something over TLS is sent over TLS alone, as parks run this inside their own networks without.
 */
function secured(): RequestHandler {
  const policy = {
    useDefaults: false,
    directives: {
      defaultSrc: ["'self'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      fontSrc: ["'self'"],
      connectSrc: ["'self'"],
      objectSrc: ["'none'"],
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
    },
  };
  const common = { contentSecurityPolicy: policy, xFrameOptions: { action: 'deny' } } as const;
  const plain = helmet({ ...common, strictTransportSecurity: false, crossOriginOpenerPolicy: false, originAgentCluster: false });
  const tls = helmet({ ...common, strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: false } });
  return (request, response, next) => (request.secure ? tls : plain)(request, response, next);
}

/** The built web client. What has a hash in its name never changes; any other address is a page of the client, which finds it itself. */
function serveWeb(app: Express, folder: string): void {
  app.use(
    express.static(folder, {
      index: false,
      setHeaders: (response, path) => void response.setHeader('Cache-Control', path.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'),
    }),
  );
  const page = join(folder, 'index.html');
  app.use((request, response, next) => {
    const isPage = (request.method === 'GET' || request.method === 'HEAD') && !/\.[a-z0-9]+$/i.test(request.path) && request.accepts('html') !== false;
    if (!isPage || !existsSync(page)) return next();
    response.set('Cache-Control', 'no-cache').sendFile(page, { dotfiles: 'allow' }, (error) => (error ? next(error) : undefined));
  });
}

/** The one place where a failure becomes an answer. */
const failed =
  (logger: Logger): ErrorRequestHandler =>
  (error: unknown, request, response, next) => {
    const requestId = response.locals['requestId'] as string;
    if (response.headersSent) {
      logger.error({ err: error, requestId }, 'failed in the middle of an answer');
      next(error);
      return;
    }
    const problem = problemOf(error, requestId);
    if (problem.status >= 500) logger.error({ err: error, requestId, method: request.method, path: request.path }, 'a request failed inside');
    if (problem.status === 401) response.set('WWW-Authenticate', 'Bearer');
    if (problem.status === 503) response.set('Retry-After', '5');
    // The limit per address has said already how long.
    if (problem.status === 429 && response.get('Retry-After') === undefined) response.set('Retry-After', '30');
    response.removeHeader('Content-Type');
    response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  };
