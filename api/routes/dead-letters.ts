import Type, { type Static } from 'typebox';
import type { Principal } from '../../model/access.ts';
import { isoIn } from '../../model/period.ts';
import { wholeLetters } from '../../store/registry/letter-payloads.ts';
import type { DeadLetter, DeadLetterFilter } from '../../store/registry/port.ts';
import { audited } from '../audit.ts';
import type { ApiDeps } from '../deps.ts';
import { decodeNumber, encodeCursor, limitOf, listOf, PAGING } from '../paging.ts';
import { payloadOf } from '../payload.ts';
import { faulty, notFound } from '../problem.ts';
import { OPERATOR, OVERSEERS, ok, type Route, route } from '../route.ts';
import { PARAMS, SCHEMAS, shape } from '../schemas.ts';
import { parseTime, TimeSchema } from '../times.ts';
import { pageByNumber, parksOf, zoneOf } from './oversight.ts';

/** Letters that one call tries again at most, and those of one page of an export. */
const MOST_REPLAYED = 10_000;
const EXPORT_PAGE = 200;

const tag = 'dead letters';
const access = { kind: 'roles', roles: OVERSEERS, place: 'scope' } as const;
const word = Type.Optional(Type.String({ minLength: 1, maxLength: 64 }));

const SEARCH = {
  park: Type.Optional(PARAMS.park),
  reason: word,
  transport: word,
  gateway: word,
  meter: word,
  topic: Type.Optional(Type.String({ minLength: 1, maxLength: 300, description: 'how the topic begins' })),
  text: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'somewhere in the detail' })),
  from: Type.Optional(TimeSchema),
  to: Type.Optional(TimeSchema),
  state: Type.Optional(Type.Enum(['waiting', 'replayed'], { description: 'left out: both' })),
};
const Search = shape(SEARCH);
const ReplayBody = shape({
  ids: Type.Optional(Type.Array(Type.Integer({ minimum: 1 }), { minItems: 1, maxItems: MOST_REPLAYED })),
  filter: Type.Optional(Search),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_REPLAYED })),
  cursor: Type.Optional(Type.String({ maxLength: 500, description: '`next` of the answer before' })),
});

export const letterRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/dead-letters',
    tag,
    summary: 'Messages that were refused, newest first',
    access,
    query: shape({ ...PAGING, ...SEARCH }),
    answers: { 200: listOf(SCHEMAS.DeadLetter) },
    async handle({ principal, query }, deps) {
      const limit = limitOf(query);
      const letters = await deps.registry.deadLetters.list(filterOf(query, 'query', principal, deps), { limit: limit + 1, after: decodeNumber(query.cursor) });
      return ok(pageByNumber(letters, limit, (letter) => presentLetter(letter, deps)));
    },
  }),
  // Before the route of one letter, whose path it would fit.
  route({
    method: 'get',
    path: '/api/v1/dead-letters/export',
    tag,
    summary: 'The same with their bytes, one JSON object a line, oldest first',
    access,
    query: Search,
    answers: { 200: { text: 'application/x-ndjson' } },
    handle({ principal, query }, deps) {
      const filter = filterOf(query, 'query', principal, deps);
      return { ...ok(linesOf(filter, deps)), headers: { 'Content-Disposition': 'attachment; filename="dead-letters.ndjson"' } };
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/dead-letters/replay',
    tag,
    summary: `Tries letters again, by their ids or by a filter, at most ${MOST_REPLAYED} at once, oldest first`,
    access: { kind: 'roles', roles: OPERATOR, place: 'scope' },
    body: ReplayBody,
    answers: { 200: SCHEMAS.Replayed },
    async handle({ principal, body: { ids, filter, limit = MOST_REPLAYED, cursor } }, deps) {
      if ((ids === undefined) === (filter === undefined)) throw faulty('body', 'must have either "ids" or "filter"; an empty filter stands for all that wait');
      const chosen =
        ids === undefined ? { ...filterOf(filter ?? {}, 'body.filter', principal, deps), waiting: true } : { parks: parksOf(principal, undefined, deps), ids };
      const letters = await deps.registry.deadLetters.list(chosen, { limit: limit + 1, after: decodeNumber(cursor), order: 'oldest' });
      const some = letters.slice(0, limit);
      const asked = { ...(ids === undefined ? { filter } : { ids: ids.slice(0, 100) }), letters: some.length };
      // Written before, so that nothing comes into the store by a hand that nobody knows, and after, with what came of it.
      await noted(deps, principal, 'replay', asked);
      const report = await deps.ingest.replay(some);
      await noted(deps, principal, 'replayed', { ...asked, ...report });
      return ok({ ...report, next: letters.length > limit ? encodeCursor(String(some.at(-1)?.id)) : null });
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/dead-letters/{letter}',
    tag,
    summary: 'One refused message with its original bytes',
    access,
    params: shape({ letter: Type.String({ pattern: '^[0-9]{1,15}$' }) }),
    answers: { 200: SCHEMAS.DeadLetterWhole },
    async handle({ principal, params }, deps) {
      const letter = await deps.registry.deadLetters.get(Number(params.letter));
      const parks = parksOf(principal, undefined, deps);
      const mine = letter !== null && (parks === 'all' || (letter.park !== null && parks.includes(letter.park)));
      if (!mine) throw notFound(`dead letter "${params.letter}"`);
      const { payload, ...rest } = letter;
      return ok({ ...presentLetter(rest, deps), payload: Buffer.from(payload).toString('base64') });
    },
  }),
];

function filterOf(search: Static<typeof Search>, where: string, principal: Principal, deps: ApiDeps): DeadLetterFilter {
  const { park, topic, from, to, state, reason, transport, gateway, meter, text } = search;
  const instant = (key: 'from' | 'to', asked: string | undefined) => {
    const ts = asked === undefined ? undefined : parseTime(asked);
    if (ts === null) throw faulty(`${where}.${key}`, `"${asked}" is not an instant`);
    return ts;
  };
  const found = {
    ...{ reason, transport, gateway, meter, text, topicPrefix: topic, from: instant('from', from), to: instant('to', to) },
    waiting: state === undefined ? undefined : state === 'waiting',
  };
  const given = Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
  return { ...given, parks: parksOf(principal, park, deps) };
}

async function* linesOf(filter: DeadLetterFilter, deps: ApiDeps): AsyncGenerator<string> {
  for (let after: number | null = null; ; ) {
    const page: readonly DeadLetter[] = await deps.registry.deadLetters.list(filter, { limit: EXPORT_PAGE, after, order: 'oldest' });
    for await (const { payload, ...letter } of wholeLetters(deps.registry.deadLetters, page))
      yield `${JSON.stringify({ ...presentLetter(letter, deps), ...payloadOf(payload, letter.payloadLength) })}\n`;
    const last = page.at(-1);
    if (last === undefined || page.length < EXPORT_PAGE) return;
    after = last.id;
  }
}

const noted = (deps: ApiDeps, principal: Principal, action: 'replay' | 'replayed', after: unknown): Promise<null> =>
  audited(deps, principal, async () => ({ result: null, entry: { action, park: null, subject: 'dead-letter', id: 'many', before: null, after } }));

function presentLetter({ message: _message, ...letter }: DeadLetter, deps: ApiDeps) {
  const zone = zoneOf(letter.park, deps);
  return { ...letter, receivedAt: isoIn(letter.receivedAt, zone), replayedAt: letter.replayedAt === null ? null : isoIn(letter.replayedAt, zone) };
}
