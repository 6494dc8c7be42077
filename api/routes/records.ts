import type { TObject, TSchema } from 'typebox';
import type { Principal, Role } from '../../model/access.ts';
import { type Fault, GreenparkError } from '../../model/errors.ts';
import type { ParkId } from '../../model/ids.ts';
import { audited } from '../audit.ts';
import type { ApiDeps } from '../deps.ts';
import { inputSchema, invalidRequest, recordOf } from '../input.ts';
import { listOf, PAGING, pageOf } from '../paging.ts';
import { notFound } from '../problem.ts';
import { created, nothing, ok, type PlaceKind, type Reply, type Route, route, type View } from '../route.ts';
import { PARAMS, shape } from '../schemas.ts';

interface Owned {
  readonly id: string;
  readonly park: ParkId;
}

interface Records<T> {
  list(park: ParkId, page: { readonly limit: number; readonly after: string | null }): Promise<readonly T[]>;
  get(park: ParkId, id: string): Promise<T | null>;
  put(record: T): Promise<'created' | 'replaced' | 'unchanged'>;
  delete(park: ParkId, id: string): Promise<boolean>;
}

/** One kind of thing that a park has by id; its four routes are made from this. */
export interface RecordKind<T extends Owned> {
  /** As in the audit trail and in messages. */
  readonly noun: string;
  /** As in the path. */
  readonly plural: string;
  /** Name of the path parameter, where it is not the noun. */
  readonly param: string;
  readonly place: Exclude<PlaceKind, 'new-park'>;
  readonly schema: TSchema;
  readonly id: TSchema;
  readonly readers: readonly Role[];
  readonly writers: readonly Role[];
  readonly deleters?: readonly Role[];
  readonly records: (deps: ApiDeps) => Records<T>;
  /** What of a park's list an enterprise's view holds; left out: everything. */
  readonly visible?: (record: T, view: View, deps: ApiDeps) => boolean;
  /** What no schema can say. Faults are told, or something is thrown. Runs inside the change, like onCreated: `deps.registry` is its transaction. */
  readonly judge?: (record: T, before: T | null, principal: Principal, deps: ApiDeps) => Promise<readonly Fault[]> | readonly Fault[];
  readonly present?: (record: T) => unknown;
  /** Answer to a PUT that created, for what is shown once. */
  readonly onCreated?: (record: T, deps: ApiDeps) => Promise<unknown>;
  readonly createdSchema?: TSchema;
}

/** The registry's faults name the record's keys; in a request they stand in its body. */
export async function inBody<T>(put: Promise<T>): Promise<T> {
  try {
    return await put;
  } catch (error) {
    if (!(error instanceof GreenparkError) || error.code !== 'INPUT_INVALID' || error.faults.length === 0) throw error;
    throw invalidRequest(error.faults.map(({ path, message }) => ({ path: path === '' ? 'body' : `body.${path}`, message })));
  }
}

export function recordRoutes<T extends Owned>(kind: RecordKind<T>): readonly Route[] {
  const { noun, plural, param, records, schema } = kind;
  const base = `/api/v1/parks/{park}/${plural}` as const;
  const one = `${base}/{${param}}` as const;
  const params: TObject = shape({ park: PARAMS.park, [param]: kind.id });
  const idIn = (given: unknown): string => (given as Readonly<Record<string, string>>)[param] ?? '';
  const present = kind.present ?? ((record: T) => record);
  const body = inputSchema(schema, ['id', 'park']);
  const common = { tag: plural };

  return [
    route({
      ...common,
      method: 'get',
      path: base,
      summary: `The park's ${plural}, by id`,
      access: { kind: 'roles', roles: kind.readers, place: 'park' },
      params: shape({ park: PARAMS.park }),
      query: shape(PAGING),
      answers: { 200: listOf(schema) },
      async handle({ view, query }, deps) {
        const page = await pageOf(
          query,
          (wanted) => records(deps).list(view.park.id, wanted),
          (record) => record.id,
          view.enterprise === null || kind.visible === undefined ? undefined : (record) => kind.visible?.(record, view, deps) !== false,
        );
        return ok({ items: page.items.map(present), next: page.next });
      },
    }),
    route({
      ...common,
      method: 'get',
      path: one,
      summary: `One ${noun}`,
      access: { kind: 'roles', roles: kind.readers, place: kind.place },
      params,
      answers: { 200: schema },
      async handle({ view, params: given }, deps) {
        const record = await records(deps).get(view.park.id, idIn(given));
        if (record === null) throw notFound(`${noun} "${idIn(given)}" in the park "${view.park.id}"`);
        return ok(present(record));
      },
    }),
    route({
      ...common,
      method: 'put',
      path: one,
      summary: `Creates the ${noun} or replaces it`,
      access: { kind: 'roles', roles: kind.writers, place: kind.place },
      params,
      body,
      answers: { 200: schema, 201: kind.createdSchema ?? schema },
      async handle({ principal, view, params: given, body: input }, deps): Promise<Reply> {
        const id = idIn(given);
        const record = recordOf(schema, { id, park: view.park.id })(input) as T;
        return audited(deps, principal, async (within) => {
          const before = await records(within).get(view.park.id, id);
          const faults = (await kind.judge?.(record, before, principal, within)) ?? [];
          if (faults.length > 0) throw invalidRequest(faults);
          const outcome = await inBody(records(within).put(record));
          const after = present((await records(within).get(view.park.id, id)) ?? record);
          if (outcome === 'unchanged') return { result: ok(after), entry: null };
          const shown = outcome === 'created' && kind.onCreated ? await kind.onCreated(record, within) : after;
          const action = outcome === 'created' ? 'create' : 'replace';
          const entry = { action, park: view.park.id, subject: noun, id, before: before && present(before), after } as const;
          return { result: outcome === 'created' ? created(shown) : ok(shown), entry };
        });
      },
    }),
    route({
      ...common,
      method: 'delete',
      path: one,
      summary: `Deletes the ${noun}`,
      access: { kind: 'roles', roles: kind.deleters ?? kind.writers, place: kind.place },
      params,
      answers: { 204: null },
      async handle({ principal, view, params: given }, deps): Promise<Reply> {
        const id = idIn(given);
        return audited(deps, principal, async (within) => {
          const before = await records(within).get(view.park.id, id);
          if (before === null || !(await records(within).delete(view.park.id, id))) throw notFound(`${noun} "${id}" in the park "${view.park.id}"`);
          return { result: nothing, entry: { action: 'delete', park: view.park.id, subject: noun, id, before: present(before), after: null } };
        });
      },
    }),
  ];
}
