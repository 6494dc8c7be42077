import Type from 'typebox';
import type { EpochMs, ParkId } from '../../model/ids.ts';
import { GATEWAY_STATES, type GatewayStanding } from '../../model/ingest.ts';
import { isoIn } from '../../model/period.ts';
import type { ApiDeps } from '../deps.ts';
import { decodeCursor, encodeCursor, limitOf, listOf, PAGING } from '../paging.ts';
import { forbidden } from '../problem.ts';
import { OPERATOR, ok, type Route, route } from '../route.ts';
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
      const after = decodeCursor(query.cursor);
      const rest = after === null ? found : found.filter((one) => placeOf(one) > after);
      const limit = limitOf(query);
      const shown = rest.slice(0, limit);
      const last = shown.at(-1);
      return ok({ items: shown.map((one) => present(one, deps)), next: rest.length > limit && last !== undefined ? encodeCursor(placeOf(last)) : null });
    },
  }),
];

/** What nobody has vouched for is the whole installation's. */
const isIn = (parks: readonly ParkId[] | 'all', { park }: GatewayStanding): boolean => parks === 'all' || (park !== null && parks.includes(park));

const speaksOf = (text: string | undefined, { gateway, name }: GatewayStanding): boolean =>
  text === undefined || [gateway, name].some((each) => each?.toLowerCase().includes(text.toLowerCase()) === true);

/** Grows along the list. One that got better or worse between two pages may be shown twice or not at all. */
const placeOf = ({ state, gateway }: GatewayStanding): string => `${GATEWAY_STATES.indexOf(state)} ${gateway ?? ''}`;

const present = (standing: GatewayStanding, deps: ApiDeps) => ({
  ...standing,
  lastSeen: standing.lastSeen === null ? null : isoIn(standing.lastSeen, zoneOf(standing.park, deps)),
});
