import Type from 'typebox';
import { covers, type Principal } from '../../model/access.ts';
import type { ParkId } from '../../model/ids.ts';
import { isoIn } from '../../model/period.ts';
import type { AuditEntry } from '../../store/registry/port.ts';
import type { ApiDeps } from '../deps.ts';
import { decodeNumber, encodeCursor, limitOf, listOf, PAGING } from '../paging.ts';
import { notFound } from '../problem.ts';
import { OVERSEERS, ok, type Route, route } from '../route.ts';
import { PARAMS, SCHEMAS, shape } from '../schemas.ts';

const access = { kind: 'roles', roles: OVERSEERS, place: 'scope' } as const;
/** Zone of what belongs to no park. */
const ELSEWHERE = 'UTC';

export const oversightRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/audit',
    tag: 'audit',
    summary: 'Who changed what, newest first',
    access,
    query: shape({
      ...PAGING,
      park: Type.Optional(PARAMS.park),
      subject: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'kind of thing that was changed, e.g. meter' })),
      actor: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    }),
    answers: { 200: listOf(SCHEMAS.AuditEntry) },
    async handle({ principal, query }, deps) {
      const filter = {
        parks: parksOf(principal, query.park, deps),
        ...(query.subject === undefined ? {} : { subject: query.subject }),
        ...(query.actor === undefined ? {} : { actor: query.actor }),
      };
      const limit = limitOf(query);
      const entries = await deps.registry.audit.list(filter, { limit: limit + 1, after: decodeNumber(query.cursor) });
      return ok(pageByNumber(entries, limit, (entry) => presentEntry(entry, deps)));
    },
  }),
];

/** The parks that a list may speak of; a park that is asked for and lies outside the scope does not exist. */
export function parksOf(principal: Principal, asked: ParkId | undefined, { directory }: ApiDeps): readonly ParkId[] | 'all' {
  if (asked === undefined && principal.scope.kind === 'installation') return 'all';
  const parks = [...directory.current.parks.values()]
    .filter(({ id, region }) => covers(principal.scope, { park: id, region, enterprise: null }))
    .map(({ id }) => id);
  if (asked === undefined) return parks;
  if (!parks.includes(asked)) throw notFound(`park "${asked}"`);
  return [asked];
}

export function pageByNumber<T extends { readonly id: number }>(rows: readonly T[], limit: number, present: (row: T) => unknown) {
  const shown = rows.slice(0, limit);
  return { items: shown.map(present), next: rows.length > limit ? encodeCursor(String(shown.at(-1)?.id)) : null };
}

export const zoneOf = (park: ParkId | null, { directory }: ApiDeps): string =>
  (park === null ? undefined : directory.current.park(park)?.timeZone) ?? ELSEWHERE;

const presentEntry = (entry: AuditEntry, deps: ApiDeps) => ({
  ...entry,
  at: isoIn(entry.at, zoneOf(entry.park, deps)),
  before: entry.before === null ? null : (JSON.parse(entry.before) as unknown),
  after: entry.after === null ? null : (JSON.parse(entry.after) as unknown),
});
