import { createHash } from 'node:crypto';
import Type from 'typebox';
import type { EpochMs, ParkId } from '../../model/ids.ts';
import { GATEWAY_STATES, type GatewayStanding, LEFT_OUT_KINDS, type LeftOutSeen } from '../../model/ingest.ts';
import { isoIn } from '../../model/period.ts';
import type { ApiDeps } from '../deps.ts';
import { decodeCursor, encodeCursor, limitOf, listOf, PAGING } from '../paging.ts';
import { forbidden } from '../problem.ts';
import { OPERATOR, ok, type Route, route, STEWARDS } from '../route.ts';
import { PARAMS, SCHEMAS, shape } from '../schemas.ts';
import { parksOf, zoneOf } from './oversight.ts';

const tag = 'ingest';
const access = { kind: 'roles', roles: OPERATOR, place: 'scope' } as const;

/** What the operator watches ingest by; /metrics tells programs the same. */
export const ingestOverviewRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/ingest/state',
    tag,
    summary: 'Outcomes, queues, stages and the spool, over the whole installation',
    access,
    answers: { 200: SCHEMAS.IngestState },
    handle({ principal }, deps) {
      if (principal.scope.kind !== 'installation') throw forbidden('the state of ingest is that of the whole installation');
      const { lastCommitAt, spool, ...state } = deps.ingest.state();
      const at = (ts: EpochMs | null) => (ts === null ? null : isoIn(ts, zoneOf(null, deps)));
      return ok({ ...state, lastCommitAt: at(lastCommitAt), spool: spool === null ? null : { ...spool, oldestTs: at(spool.oldestTs) } });
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/ingest/gateways',
    tag,
    summary: 'How the gateways stand and what they send, those in trouble first; what came of nobody registered is one entry',
    access,
    query: shape({
      ...PAGING,
      park: Type.Optional(PARAMS.park),
      text: Type.Optional(Type.String({ minLength: 1, maxLength: 120, description: 'somewhere in the id or the name' })),
    }),
    answers: { 200: listOf(SCHEMAS.GatewayStanding) },
    handle({ principal, query }, deps) {
      const parks = parksOf(principal, query.park, deps);
      const found = deps.ingest.gateways().filter((one) => isIn(parks, one) && speaksOf(query.text, one));
      return ok(pageBy(placeOf, found, query, (one) => present(one, deps)));
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/ingest/left-out',
    tag,
    summary: 'What mappings leave out of the messages that come, by meter or topic and by name, that which needs somebody first',
    access: { kind: 'roles', roles: STEWARDS, place: 'scope' },
    query: shape({ ...PAGING, park: Type.Optional(PARAMS.park), mapping: Type.Optional(PARAMS.record) }),
    answers: {
      200: listOf(SCHEMAS.LeftOut, {
        forgotten: Type.Integer({ minimum: 0, description: 'meters, topics and names that had to leave the list for others, of all mappings of the parks' }),
      }),
    },
    handle({ principal, query }, deps) {
      const parks = parksOf(principal, query.park, deps);
      const { leftOut } = deps.ingest;
      const found = leftOut.list().filter((one) => isIn(parks, one) && (query.mapping === undefined || one.mapping === query.mapping));
      const ranked = found.map((one) => ({ ...one, rank: rankOf(one) })).sort((a, b) => (a.rank < b.rank ? -1 : 1));
      const named = parks === 'all' ? [...deps.directory.current.parks.keys(), null] : parks;
      const forgotten = named.reduce((sum, park) => sum + leftOut.forgottenOf(park), 0);
      return ok({
        ...pageBy(
          ({ rank }) => rank,
          ranked,
          query,
          ({ rank: _rank, ...one }) => presentLeftOut(one, deps),
        ),
        forgotten,
      });
    },
  }),
];

/** A page of a list in memory, whose `placeOf` grows along it. */
function pageBy<T>(
  placeOf: (item: T) => string,
  found: readonly T[],
  query: { readonly limit?: number; readonly cursor?: string },
  present: (item: T) => unknown,
) {
  const after = decodeCursor(query.cursor);
  const rest = after === null ? found : found.filter((one) => placeOf(one) > after);
  const limit = limitOf(query);
  const shown = rest.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown.map(present), next: rest.length > limit && last !== undefined ? encodeCursor(placeOf(last)) : null };
}

/** What nobody has vouched for is the whole installation's. */
const isIn = (parks: readonly ParkId[] | 'all', { park }: { readonly park: ParkId | null }): boolean =>
  parks === 'all' || (park !== null && parks.includes(park));

const speaksOf = (text: string | undefined, { gateway, name }: GatewayStanding): boolean =>
  text === undefined || [gateway, name].some((each) => each?.toLowerCase().includes(text.toLowerCase()) === true);

/** Grows along the list. One that got better or worse between two pages may be shown twice or not at all. */
const placeOf = ({ state, gateway }: GatewayStanding): string => `${GATEWAY_STATES.indexOf(state)} ${gateway ?? ''}`;

/** Those that need somebody first, of these those seen last. What is seen again between two pages may be missing on the second. */
const rankOf = ({ kind, lastSeen, park, mapping, name, meter, topic }: LeftOutSeen): string =>
  [LEFT_OUT_KINDS.indexOf(kind), String(Number.MAX_SAFE_INTEGER - lastSeen).padStart(16, '0'), park ?? '', mapping, shortOf(name ?? meter ?? topic)].join(' ');

/** As a cursor has room for it: the beginning, and what tells it from others of the same beginning, which stand in one message and so are of one time. */
const shortOf = (text: string): string => `${Buffer.from(text.slice(0, 48)).toString()} ${createHash('sha256').update(text).digest('hex').slice(0, 12)}`;

const presentLeftOut = (seen: LeftOutSeen, deps: ApiDeps) => {
  const zone = zoneOf(seen.park, deps);
  const meter = deps.directory.current.meter(seen.meter ?? '');
  const { latest } = deps;
  const read = meter === undefined ? [] : latest.ofMeter(meter.ordinal).flatMap((at) => (Number.isFinite(latest.ts[at]) ? [latest.ts[at] as number] : []));
  return {
    ...seen,
    firstSeen: isoIn(seen.firstSeen, zone),
    lastSeen: isoIn(seen.lastSeen, zone),
    isRegistered: seen.meter === null ? null : meter !== undefined,
    lastReading: read.length === 0 ? null : isoIn(Math.max(...read), zone),
  };
};

const present = (standing: GatewayStanding, deps: ApiDeps) => ({
  ...standing,
  lastSeen: standing.lastSeen === null ? null : isoIn(standing.lastSeen, zoneOf(standing.park, deps)),
});
