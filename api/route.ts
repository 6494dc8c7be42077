import type { Request } from 'express';
import type { Static, TSchema } from 'typebox';
import type { Principal, Role } from '../model/access.ts';
import type { EnterpriseId, EpochMs, GatewayId } from '../model/ids.ts';
import type { Park } from '../model/registry.ts';
import type { ApiDeps } from './deps.ts';

/**
 * How the place is found that a route is about; scope is judged against it (see places.ts).
 * `new-park` may be a park that does not exist yet; all others exist or the answer is 404.
 */
export const PLACE_KINDS = ['park', 'new-park', 'enterprise', 'park-meter', 'meter', 'rule', 'cap', 'application', 'alert'] as const;
export type PlaceKind = (typeof PLACE_KINDS)[number];

/** Who may use a route. There is no default: a route without this does not compile. */
export type Access =
  /** Everybody, signed in or not. */
  | { readonly kind: 'public'; readonly why: string }
  /** Everybody who is signed in; the answer is about nobody else. */
  | { readonly kind: 'signed-in'; readonly why: string }
  /** A principal of the whole installation, or a caller on the same machine who came by no proxy. */
  | { readonly kind: 'operator-or-loopback'; readonly why: string }
  /** A gateway by its own credentials, or these roles; the handler bounds what they may do. No other route knows a gateway. */
  | { readonly kind: 'gateway-or-roles'; readonly roles: readonly Role[]; readonly why: string }
  /** These roles; the handler itself bounds a list by the principal's scope. */
  | { readonly kind: 'roles'; readonly roles: readonly Role[]; readonly place: 'scope' }
  /** These roles, where the place is in their scope: outside it the answer is 404, inside it for another role 403. */
  | { readonly kind: 'roles'; readonly roles: readonly Role[]; readonly place: PlaceKind };

export type Method = 'get' | 'put' | 'post' | 'delete';

/** What the viewer sees of a park: all of it, or one enterprise's part alone. */
export interface View {
  readonly park: Park;
  /** The enterprise that bounds the view; null for the whole park. */
  readonly enterprise: EnterpriseId | null;
}

export interface Context<A extends Access, P, Q, B> {
  readonly principal: A extends { kind: 'roles' | 'signed-in' } ? Principal : Principal | null;
  readonly view: A extends { place: Exclude<PlaceKind, 'new-park'> } ? View : null;
  /** Who came by a gateway's credentials; null on every route that is not for gateways. */
  readonly gateway: GatewayId | null;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly now: EpochMs;
  readonly request: Request;
}

export interface Reply {
  readonly status: number;
  /** Of a text it may be an AsyncIterable of its parts, which is then sent as it comes. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string | string[]>>;
}

/** What stands in an answer: JSON by schema, text of a type, or nothing. */
export type Answer = TSchema | { readonly text: 'text/plain' | 'text/html' | 'text/css' | 'application/x-ndjson' } | null;

export interface Definition<A extends Access, P extends TSchema, Q extends TSchema, B extends TSchema> {
  readonly method: Method;
  /** As in OpenAPI: `/api/v1/parks/{park}`. */
  readonly path: `/${string}`;
  readonly tag: string;
  readonly summary: string;
  readonly access: A;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Counted per address when it fails. */
  readonly limited?: 'sign-in';
  handle(context: Context<A, Static<P>, Static<Q>, Static<B>>, deps: ApiDeps): Promise<Reply> | Reply;
}

export type Route = Definition<Access, TSchema, TSchema, TSchema>;

type Empty = TSchema & { readonly static: Readonly<Record<string, never>> };

/** One row of the route table. */
export const route = <const A extends Access, P extends TSchema = Empty, Q extends TSchema = Empty, B extends TSchema = Empty>(
  definition: Definition<A, P, Q, B>,
): Route => definition as unknown as Route;

export const ok = (body: unknown): Reply => ({ status: 200, body });
export const created = (body: unknown): Reply => ({ status: 201, body });
export const nothing: Reply = { status: 204 };

/** Everybody who may look at what lies in their scope. */
export const READERS: readonly Role[] = ['operator', 'committee', 'auditor', 'enterprise'];
/** Those who look after whole parks. */
export const OVERSEERS: readonly Role[] = ['operator', 'committee', 'auditor'];
/** Those who set a park's terms. */
export const STEWARDS: readonly Role[] = ['operator', 'committee'];
export const OPERATOR: readonly Role[] = ['operator'];
