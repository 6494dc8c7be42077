import Type from 'typebox';
import type { Principal } from '../../model/access.ts';
import type { Alert } from '../../model/alert.ts';
import { isoIn } from '../../model/period.ts';
import { entryOf } from '../audit.ts';
import type { AlertEntry, ApiDeps } from '../deps.ts';
import { decodeCursor, encodeCursor, limitOf, listOf, PAGING } from '../paging.ts';
import { faulty, notFound } from '../problem.ts';
import { ok, READERS, type Route, route, STEWARDS, type View } from '../route.ts';
import { PARAMS, SCHEMAS, shape } from '../schemas.ts';
import { instantOf, TimeSchema } from '../times.ts';
import { narrowed } from '../views.ts';

const tag = 'alerts';
const one = '/api/v1/alerts/{alert}';
const params = shape({ alert: Type.String({ minLength: 1, maxLength: 300 }) });
/** An alert that is put aside for longer is a rule that should be changed. */
const LONGEST_SHELF_DAYS = 90;

export const alertRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/parks/{park}/alerts',
    tag,
    summary: 'Alerts, newest first',
    access: { kind: 'roles', roles: READERS, place: 'park' },
    params: shape({ park: PARAMS.park }),
    query: shape({
      ...PAGING,
      state: Type.Optional(Type.Enum(['firing', 'acknowledged', 'resolved'])),
      enterprise: Type.Optional(PARAMS.enterprise),
      meter: Type.Optional(PARAMS.meter),
      from: Type.Optional(TimeSchema),
      to: Type.Optional(TimeSchema),
    }),
    answers: { 200: listOf(SCHEMAS.Alert) },
    async handle({ view: whole, query }, deps) {
      const view = narrowed(whole, query.enterprise, deps);
      const time = (key: 'from' | 'to') => {
        const text = query[key];
        return text === undefined ? {} : { [key]: instantOf(text, `query.${key}`) };
      };
      const { items, next } = await deps.registry.alerts.list(
        {
          parks: [view.park.id],
          ...(view.enterprise === null ? {} : { enterprise: view.enterprise }),
          ...(query.state === undefined ? {} : { state: query.state as Alert['state'] }),
          ...(query.meter === undefined ? {} : { meter: query.meter }),
          ...time('from'),
          ...time('to'),
        },
        { limit: limitOf(query), after: decodeCursor(query.cursor) },
      );
      return ok({ items: items.map((alert) => presentAlert(alert, view)), next: next === null ? null : encodeCursor(next) });
    },
  }),
  route({
    method: 'get',
    path: one,
    tag,
    summary: 'One alert',
    access: { kind: 'roles', roles: READERS, place: 'alert' },
    params,
    answers: { 200: SCHEMAS.Alert },
    async handle({ view, params: { alert: id } }, { registry }) {
      const alert = await registry.alerts.get(id);
      if (alert === null) throw notFound(`alert "${id}"`);
      return ok(presentAlert(alert, view));
    },
  }),
  route({
    method: 'post',
    path: `${one}/acknowledge`,
    tag,
    summary: 'Somebody has seen it and takes it on',
    access: { kind: 'roles', roles: STEWARDS, place: 'alert' },
    params,
    answers: { 200: SCHEMAS.Alert },
    async handle({ principal, view, params: { alert: id } }, deps) {
      const alert = await deps.alerts.acknowledge(id, principal.name, entryMaker('acknowledge', principal, deps));
      return ok(presentAlert(alert, view));
    },
  }),
  route({
    method: 'post',
    path: `${one}/shelve`,
    tag,
    summary: 'Puts it aside until a time, for a reason',
    access: { kind: 'roles', roles: STEWARDS, place: 'alert' },
    params,
    body: shape({ until: TimeSchema, reason: Type.String({ minLength: 2, maxLength: 500 }) }),
    answers: { 200: SCHEMAS.Alert },
    async handle({ principal, view, params: { alert: id }, body, now }, deps) {
      const until = instantOf(body.until, 'body.until');
      if (until <= now || until - now > LONGEST_SHELF_DAYS * 86_400_000) throw faulty('body.until', `must lie ahead, by at most ${LONGEST_SHELF_DAYS} days`);
      const alert = await deps.alerts.shelve(id, principal.name, until, body.reason, entryMaker('shelve', principal, deps));
      return ok(presentAlert(alert, view));
    },
  }),
];

/** What people did about an alert: the part of it that the audit trail follows. */
const handling = (alert: Alert) => ({
  state: alert.state,
  acknowledgedBy: alert.acknowledgedBy,
  shelvedUntil: alert.shelvedUntil,
  shelvedBy: alert.shelvedBy,
  shelvedReason: alert.shelvedReason,
});

const entryMaker =
  (action: 'acknowledge' | 'shelve', principal: Principal, { clock }: ApiDeps): AlertEntry =>
  (before, after) =>
    entryOf(principal, { action, park: after.park, subject: 'alert', id: after.id, before: handling(before), after: handling(after) }, clock());

function presentAlert(alert: Alert, { park: { timeZone } }: View) {
  const time = (ts: number | null) => (ts === null ? null : isoIn(ts, timeZone));
  return {
    ...alert,
    since: time(alert.since),
    until: time(alert.until),
    raisedAt: time(alert.raisedAt),
    periodStart: time(alert.periodStart),
    acknowledgedAt: time(alert.acknowledgedAt),
    shelvedUntil: time(alert.shelvedUntil),
  };
}
