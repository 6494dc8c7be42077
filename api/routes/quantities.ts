import { QUANTITIES } from '../../model/quantities.ts';
import { unitsFor } from '../../model/units.ts';
import { decodeNumber, encodeCursor, limitOf, listOf, PAGING } from '../paging.ts';
import { ok, type Route, route } from '../route.ts';
import { SCHEMAS, shape } from '../schemas.ts';

/** The catalogue never changes while the service runs. */
const ENTRIES = QUANTITIES.map(({ code, name, zh, en, unit, kind, range: [min, max], hj212, dlt645, obis }) => ({
  code,
  entry: { name, zh, en, unit, units: unitsFor(unit), kind, range: { min, max }, hj212, dlt645, obis },
}));

export const quantityRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/quantities',
    tag: 'readings',
    summary: 'What can be measured: the names that readings, rules and mappings use; what instruments compute themselves comes last',
    access: { kind: 'signed-in', why: 'the same for everybody; holds nothing of any park' },
    query: shape(PAGING),
    answers: { 200: listOf(SCHEMAS.CatalogueEntry) },
    handle({ query }) {
      const after = decodeNumber(query.cursor) ?? 0;
      const rest = ENTRIES.filter(({ code }) => code > after);
      const shown = rest.slice(0, limitOf(query));
      return ok({ items: shown.map(({ entry }) => entry), next: rest.length > shown.length ? encodeCursor(String(shown.at(-1)?.code)) : null });
    },
  }),
];
