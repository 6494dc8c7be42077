import Type from 'typebox';
import type { UsageFigure } from '../../accounting/port.ts';
import type { EnterpriseId, EpochMs } from '../../model/ids.ts';
import { isoIn, periodOf, periodsBetween } from '../../model/period.ts';
import { quantityOf } from '../../model/quantities.ts';
import { CALENDAR_PERIODS, CARRIERS, type CalendarPeriod, type Carrier } from '../../model/rules.ts';
import type { ApiDeps, BalanceFigure, CarbonFigure, HourlyMean, UsageQuestion } from '../deps.ts';
import { listOf } from '../paging.ts';
import { faulty, forbidden } from '../problem.ts';
import { ok, READERS, type Route, route, type View } from '../route.ts';
import { PARAMS, SCHEMAS, shape } from '../schemas.ts';
import { instantOf, rangeOf, TimeSchema } from '../times.ts';
import { narrowed, registeredMeter } from '../views.ts';

/** Figures in one answer, counted before they are computed. */
const MOST_FIGURES = 50_000;
const DAY = 86_400_000;
const LONGEST_RANGE = 50 * 366 * DAY;
const LONGEST_HOURLY = 32 * DAY;
/** Of a balance: chosen here, no standard's figure. */
const TOLERANCE = 0.02;

const tag = 'figures';
const access = { kind: 'roles', roles: READERS, place: 'park' } as const;
const params = shape({ park: PARAMS.park });
const GROUPS = ['park', 'enterprise', 'meter'] as const;

const range = { from: Type.Optional(TimeSchema), to: Type.Optional(TimeSchema) };
const enterprise = Type.Optional(PARAMS.enterprise);
const grouped = {
  ...range,
  enterprise,
  period: Type.Optional(Type.Enum(CALENDAR_PERIODS, { description: 'day unless said otherwise; begins at the midnight of the park' })),
  by: Type.Optional(
    Type.Enum(GROUPS, {
      description: 'one figure for all (park; the default), for each enterprise or for each meter. An enterprise has figures by enterprise and by meter',
    }),
  ),
};

interface GroupedQuery {
  readonly from?: string;
  readonly to?: string;
  readonly enterprise?: EnterpriseId;
  readonly period?: CalendarPeriod;
  readonly by?: (typeof GROUPS)[number];
}

export const figureRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/parks/{park}/state',
    tag,
    summary: 'The park as it is now: latest values, firing alerts, usage so far',
    access,
    params,
    query: shape({ enterprise }),
    answers: { 200: SCHEMAS.ParkState },
    handle({ view, query }, deps) {
      const { park, enterprise: bound } = narrowed(view, query.enterprise, deps);
      return ok(deps.state(park.id, bound));
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/parks/{park}/usage',
    tag,
    summary: 'Consumption, generation and storage per period, from counters; this period unless said otherwise',
    access,
    params,
    query: shape({ ...grouped, carrier: Type.Optional(Type.Enum(CARRIERS)) }),
    answers: { 200: listOf(SCHEMAS.UsageFigure) },
    async handle({ view, query, now }, deps) {
      const carrier: Carrier | null = query.carrier ?? null;
      const figures = await deps.figures.usage({ ...questionOf(query, view, now, deps), carrier });
      return ok({ items: figures.map((figure) => presentSpan<UsageFigure>(figure, view)), next: null });
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/meters/{meter}/balance',
    tag,
    summary: 'What a meter took in against the meters right below it, with a name for the remainder, in one period; those of your scope alone',
    access: { kind: 'roles', roles: READERS, place: 'meter' },
    params: shape({ meter: PARAMS.meter }),
    query: shape({
      period: Type.Optional(Type.Enum(CALENDAR_PERIODS, { description: 'month unless said otherwise; begins at the midnight of the park' })),
      at: Type.Optional(TimeSchema),
      tolerance: Type.Optional(
        Type.Number({ minimum: 0, maximum: 1, description: 'a share of what came in or went out; 0.02 unless said otherwise, which no standard states' }),
      ),
    }),
    answers: { 200: listOf(SCHEMAS.BalanceFigure) },
    async handle({ view, params: { meter: id }, query, now }, deps) {
      const meter = registeredMeter(deps, id);
      const at = query.at === undefined ? now : instantOf(query.at, 'query.at');
      const span = periodOf(at, query.period ?? 'month', view.park.timeZone);
      const figures = await deps.figures.balance({ meter, enterprise: view.enterprise, span, tolerance: query.tolerance ?? TOLERANCE });
      return ok({ items: figures.map((figure) => presentSpan<BalanceFigure>(figure, view)), next: null });
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/parks/{park}/carbon',
    tag,
    summary: 'Emissions per period with the factors used; this period unless said otherwise',
    access,
    params,
    query: shape(grouped),
    answers: { 200: listOf(SCHEMAS.CarbonFigure) },
    async handle({ view, query, now }, deps) {
      const figures = await deps.figures.carbon(questionOf(query, view, now, deps));
      return ok({ items: figures.map((figure) => presentSpan<CarbonFigure>(figure, view)), next: null });
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/parks/{park}/environment',
    tag,
    summary: 'Air quality of each ambient station now, and hourly means with their validity; the last day unless said otherwise',
    access,
    params,
    query: shape(range),
    answers: { 200: SCHEMAS.Environment },
    async handle({ view, query, now }, deps) {
      const { park } = view;
      const { from, to } = rangeOf(query, { from: now - DAY, to: now }, LONGEST_HOURLY);
      const [air, means] = await Promise.all([deps.figures.air(park.id), deps.figures.hourlyMeans(park.id, from, to)]);
      const mine = ({ meter }: { readonly meter: string }): boolean =>
        view.enterprise === null || deps.directory.current.meter(meter)?.enterprise === view.enterprise;
      return ok({
        air: air.filter(mine).map((report) => ({
          ...report,
          at: isoIn(report.at, park.timeZone),
          items: report.items.map((item) => ({ ...item, unit: quantityOf(item.quantity).unit })),
        })),
        items: means.filter(mine).map((mean) => ({ ...presentSpan<HourlyMean>(mean, view), unit: quantityOf(mean.quantity).unit })),
        next: null,
      });
    },
  }),
];

/** The question that a query asks, bounded by the view and by how many figures it would answer. */
function questionOf(query: GroupedQuery, whole: View, now: EpochMs, deps: ApiDeps): Omit<UsageQuestion, 'carrier'> {
  const view = narrowed(whole, query.enterprise, deps);
  const zone = view.park.timeZone;
  const period = query.period ?? 'day';
  const by = query.by ?? (whole.enterprise === null ? 'park' : 'enterprise');
  if (by === 'park' && whole.enterprise !== null) throw forbidden('the park as a whole is not in your scope; ask by enterprise or by meter');
  const { from, to } = rangeOf(query, { from: periodOf(now, period, zone).from, to: now + 1 }, LONGEST_RANGE);
  const groups =
    by === 'meter'
      ? deps.directory.current.metersOf(view.park.id, view.enterprise ?? undefined).length
      : by === 'enterprise'
        ? deps.directory.current.enterprisesOf(view.park.id).length + 1
        : 1;
  // Counted from the length first: a year of hours need not be laid out to be refused.
  const most = MOST_FIGURES / Math.max(1, groups);
  const length = periodOf(from, period, zone);
  if ((to - from) / (length.to - length.from) > most * 1.1 || periodsBetween(from, to, period, zone).length > most) {
    throw faulty('query.period', `would answer more than ${MOST_FIGURES} figures; ask for longer periods, a shorter range or fewer groups`);
  }
  return { park: view.park.id, enterprise: view.enterprise, period, from, to, by };
}

const presentSpan = <T extends { readonly from: EpochMs; readonly to: EpochMs }>(figure: T, { park }: View) => ({
  ...figure,
  from: isoIn(figure.from, park.timeZone),
  to: isoIn(figure.to, park.timeZone),
});
