import type { Request } from 'express';
import type { Principal } from '../model/access.ts';
import { GreenparkError } from '../model/errors.ts';
import type { GatewayId } from '../model/ids.ts';
import type { Identity } from './auth/auth.ts';
import type { ApiDeps } from './deps.ts';
import { locate, sees } from './places.ts';
import { forbidden, notFound } from './problem.ts';
import type { Route, View } from './route.ts';

export interface Granted {
  readonly principal: Principal | null;
  readonly view: View | null;
  /** Set on a route for gateways alone. */
  readonly gateway?: GatewayId;
}

/**
 * Lets a request pass to the route's handler, or throws: `UNAUTHENTICATED` for nobody, `NOT_FOUND` for what the principal may not know of,
 * `FORBIDDEN` for what it may know of and may not do. Nothing passes that the route's declaration does not let pass.
 */
export async function guard(
  route: Route,
  request: Request,
  identity: Identity | null,
  params: Readonly<Record<string, string>>,
  deps: ApiDeps,
): Promise<Granted> {
  const { access } = route;
  const principal = identity?.principal ?? null;
  if (route.method !== 'get' && (identity?.via === 'session' || access.kind === 'public')) refuseOtherSites(request);
  if (access.kind === 'public') return { principal, view: null };
  if (access.kind === 'operator-or-loopback') {
    if (principal?.scope.kind === 'installation' || (principal === null && cameFromHere(request))) return { principal, view: null };
    throw principal === null ? unauthenticated() : forbidden('only the operator may');
  }
  if (principal === null && access.kind === 'gateway-or-roles') {
    const gateway = await deps.auth.gateway(request.headers.authorization);
    if (gateway === null) throw unauthenticated();
    return { principal: null, view: null, gateway };
  }
  if (principal === null) throw unauthenticated();
  if (access.kind === 'signed-in') return { principal, view: null };
  const mayNot = () => forbidden(`the role ${principal.role} may not ${route.method.toUpperCase()} here`);
  if (access.kind === 'gateway-or-roles' || access.place === 'scope') {
    if (!access.roles.includes(principal.role)) throw mayNot();
    return { principal, view: null };
  }
  const located = await locate(access.place, deps, params);
  if (located === null || !sees(principal, located))
    throw notFound(
      Object.entries(params)
        .map(([kind, id]) => `${kind} "${id}"`)
        .join(', '),
    );
  if (!access.roles.includes(principal.role)) throw mayNot();
  const { scope } = principal;
  return { principal, view: located.park && { park: located.park, enterprise: scope.kind === 'enterprise' ? scope.enterprise : null } };
}

const unauthenticated = (): GreenparkError => new GreenparkError('UNAUTHENTICATED', 'sign in at /api/v1/session, or send a valid API token');

/**
 * A browser says where a request began; one that began on another site must not act with the cookie of this one. SameSite=Strict keeps
 * the cookie home already; this holds where a sibling host counts as the same site. Other programs say nothing, and have no stray cookies.
 */
function refuseOtherSites(request: Request): void {
  const site = request.get('sec-fetch-site');
  const origin = request.get('origin');
  const own = site !== undefined ? site === 'same-origin' || site === 'none' : origin === undefined || hostOf(origin) === request.host;
  if (!own) throw forbidden('the request began on another site');
}

function hostOf(origin: string): string | null {
  try {
    return new URL(origin).host;
  } catch {
    return null;
  }
}

/** From this machine, and handed on by no proxy: behind one on the same machine everybody would seem to come from here. */
function cameFromHere(request: Request): boolean {
  const address = request.socket.remoteAddress ?? '';
  const handedOn = request.headers['x-forwarded-for'] !== undefined || request.headers['forwarded'] !== undefined || request.headers['via'] !== undefined;
  return !handedOn && /^(::1|(::ffff:)?127\.)/.test(address);
}
