import Type, { type Static } from 'typebox';
import type { Principal } from '../../model/access.ts';
import type { EpochMs, MeterIdSchema } from '../../model/ids.ts';
import { isoIn } from '../../model/period.ts';
import { QUALITY, type QualityName, qualityName } from '../../model/quality.ts';
import type { QuantityName } from '../../model/quantities.ts';
import { quantityOf, quantityOfCode } from '../../model/quantities.ts';
import type { Correction, RawSeries, Revision, Step } from '../../store/port.ts';
import { type Change, entryOf } from '../audit.ts';
import type { ApiDeps } from '../deps.ts';
import { listOf } from '../paging.ts';
import { faulty, notFound } from '../problem.ts';
import { created, ok, READERS, type Route, route, STEWARDS, type View } from '../route.ts';
import { PARAMS, QuantitySchema, SCHEMAS, shape } from '../schemas.ts';
import { stretchesOf } from '../steps-in-zone.ts';
import { instantOf, parseStep, rangeOf, TimeSchema } from '../times.ts';
import { registeredMeter } from '../views.ts';

/** Points in one answer. A chart shows fewer, a page of raw readings goes on with `next`. */
const MOST_POINTS = 10_000;
const DAY = 86_400_000;
const LONGEST_RANGE = 20 * 366 * DAY;

const tag = 'readings';
const params = shape({ meter: PARAMS.meter });
const Quantity = Type.Unsafe<QuantityName>(QuantitySchema);

const AGGREGATES = ['mean', 'min', 'max', 'last', 'count', 'all'] as const;

const SeriesQuery = shape({
  quantity: Quantity,
  from: Type.Optional(TimeSchema),
  to: Type.Optional(TimeSchema),
  step: Type.Optional(
    Type.String({
      maxLength: 32,
      description:
        'raw (the default), seconds, or an ISO 8601 duration such as PT15M or P1D; steps begin at the midnight of the park, and days are its calendar days',
    }),
  ),
  aggregate: Type.Optional(Type.Enum(AGGREGATES, { description: 'of a step, mean unless said otherwise; `all` answers the five side by side' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_POINTS })),
});

/** What a correction may make of a reading: another value, or one that counts no more for a named cause. */
const CORRECTED_AS = ['corrected', 'calibration', 'maintenance', 'fault'] as const satisfies readonly QualityName[];

const CorrectionBody = shape({
  quantity: Quantity,
  ts: TimeSchema,
  value: Type.Number({ description: "in the quantity's unit" }),
  quality: Type.Optional(Type.Enum(CORRECTED_AS, { description: 'corrected unless said otherwise; the others take the reading out of averages and usage' })),
  reason: Type.String({ minLength: 2, maxLength: 500 }),
});

export const readingRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/meters/{meter}/latest',
    tag,
    summary: 'The newest reading of each quantity, by time of measurement',
    access: { kind: 'roles', roles: READERS, place: 'meter' },
    params,
    answers: { 200: listOf(SCHEMAS.LatestValue) },
    handle({ view, params: { meter: id } }, deps) {
      const { latest } = deps;
      const items = latest
        .ofMeter(registeredMeter(deps, id).ordinal)
        .filter((at) => Number.isFinite(latest.ts[at]))
        .map((at) => {
          const { name, unit } = quantityOfCode(latest.quantity[at] ?? 0);
          return {
            quantity: name,
            unit,
            ts: isoIn(latest.ts[at] ?? 0, view.park.timeZone),
            value: latest.value[at],
            quality: qualityName(latest.quality[at] ?? 0),
          };
        })
        .sort((a, b) => quantityOf(a.quantity).code - quantityOf(b.quantity).code);
      return ok({ items, next: null });
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/meters/{meter}/series',
    tag,
    summary: 'A quantity between two times, raw or in steps; the last day unless said otherwise',
    access: { kind: 'roles', roles: READERS, place: 'meter' },
    params,
    query: SeriesQuery,
    answers: { 200: SCHEMAS.Series },
    async handle({ view, params: { meter: id }, query, now }, deps) {
      const range = rangeOf(query, { from: now - DAY, to: now }, LONGEST_RANGE);
      const quantity = quantityOf(query.quantity);
      const asked = { meter: registeredMeter(deps, id).ordinal, quantity: quantity.code, ...range };
      const head = {
        meter: id,
        quantity: quantity.name,
        unit: quantity.unit,
        from: isoIn(range.from, view.park.timeZone),
        to: isoIn(range.to, view.park.timeZone),
      };
      if (query.step === undefined || query.step === 'raw') {
        if (query.aggregate !== undefined) throw faulty('query.aggregate', 'needs a step');
        const limit = query.limit ?? MOST_POINTS;
        const { items, next } = rawPage(await deps.store.raw({ ...asked, limit: limit + 1 }), limit, view);
        return ok({ ...head, step: 'raw', aggregate: null, items, next });
      }
      const step = parseStep(query.step);
      if (step === null)
        throw faulty('query.step', `"${query.step}" is neither raw, seconds nor a duration of weeks, days, hours, minutes and seconds such as PT15M`);
      if ((range.to - range.from) / step > MOST_POINTS) {
        const shortest = Math.ceil((range.to - range.from) / MOST_POINTS / 1000);
        throw faulty('query.step', `would answer more than ${MOST_POINTS} points; for this range it must be at least ${shortest} seconds`);
      }
      const aggregate = query.aggregate ?? 'mean';
      const steps: Step[] = [];
      for (const stretch of stretchesOf(range, step, view.park.timeZone)) steps.push(...(await deps.store.steps({ ...asked, ...stretch })));
      return ok({ ...head, step: step / 1000, aggregate, items: steps.map((one) => pointOf(one, aggregate, view)), next: null });
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/meters/{meter}/revisions',
    tag,
    summary: 'Every value ever held for one reading: what the instrument sent first, then its corrections',
    access: { kind: 'roles', roles: READERS, place: 'meter' },
    params,
    query: shape({ quantity: Quantity, ts: TimeSchema }),
    answers: { 200: listOf(SCHEMAS.Revision) },
    async handle({ view, params: { meter: id }, query }, deps) {
      const revisions = await revisionsOf(deps, id, query.quantity, instantOf(query.ts, 'query.ts'), view);
      return ok({ items: revisions.map((revision) => presentRevision(revision, view)), next: null });
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/meters/{meter}/corrections',
    tag,
    summary: 'Puts a corrected value beside the original, which stays in the revisions',
    access: { kind: 'roles', roles: STEWARDS, place: 'meter' },
    params,
    body: CorrectionBody,
    answers: { 201: listOf(SCHEMAS.Revision) },
    async handle({ principal, view, params: { meter: id }, body, now }, deps) {
      const quantity = quantityOf(body.quantity);
      const ts = instantOf(body.ts, 'body.ts');
      const [min, max] = quantity.range;
      if (body.value < min || body.value > max)
        throw faulty('body.value', `must be from ${min} to ${max} ${quantity.unit}, what is physically possible for ${quantity.name}`);
      const before = (await revisionsOf(deps, id, body.quantity, ts, view)).at(-1);
      const correction: Correction = {
        meter: registeredMeter(deps, id).ordinal,
        quantity: quantity.code,
        ts,
        value: body.value,
        quality: QUALITY[body.quality ?? 'corrected'],
        author: principal.name,
        reason: body.reason,
        at: now,
      };
      const told = { quantity: quantity.name, ts: isoIn(ts, view.park.timeZone) };
      await correct(deps, correction, principal, {
        action: 'correct',
        park: view.park.id,
        subject: 'reading',
        id,
        before: { ...told, value: before?.value, quality: qualityName(before?.quality ?? 0) },
        after: { ...told, value: body.value, quality: body.quality ?? 'corrected', reason: body.reason },
      });
      const revisions = await revisionsOf(deps, id, body.quantity, ts, view);
      return created({ items: revisions.map((revision) => presentRevision(revision, view)), next: null });
    },
  }),
];

/**
 * Readings rest in another store than the audit trail, so that the two cannot be one transaction. The entry is written first: no reading
 * is ever changed without one. When the store then refuses, a second entry, `correct-failed`, says so; only a crash between the two can
 * leave an entry `correct` alone, and the reading's revisions, which bear author, time and reason too, show that nothing came of it.
 */
async function correct(deps: ApiDeps, correction: Correction, principal: Principal, change: Change): Promise<void> {
  await deps.registry.audit.append(entryOf(principal, change, correction.at));
  try {
    await deps.store.correct(correction);
  } catch (error) {
    await deps.registry.audit.append(entryOf(principal, { ...change, action: 'correct-failed' }, deps.clock()));
    throw error;
  }
  deps.corrected?.(correction);
}

async function revisionsOf(deps: ApiDeps, id: Static<typeof MeterIdSchema>, quantity: QuantityName, ts: EpochMs, view: View): Promise<readonly Revision[]> {
  const revisions = await deps.store.revisions(registeredMeter(deps, id).ordinal, quantityOf(quantity).code, ts);
  if (revisions.length === 0) throw notFound(`reading of ${quantity} by the meter "${id}" at ${isoIn(ts, view.park.timeZone)}`);
  return revisions;
}

const presentRevision = ({ value, quality, correction }: Revision, { park }: View) => ({
  value,
  quality: qualityName(quality),
  correction: correction && { ...correction, at: isoIn(correction.at, park.timeZone) },
});

function rawPage(raw: RawSeries, limit: number, { park }: View) {
  const length = Math.min(raw.length, limit);
  const items = Array.from({ length }, (_, row) => ({
    ts: isoIn(raw.ts[row] ?? 0, park.timeZone),
    value: raw.value[row],
    quality: qualityName(raw.quality[row] ?? 0),
  }));
  return { items, next: raw.length > limit ? isoIn(raw.ts[limit] ?? 0, park.timeZone) : null };
}

function pointOf(step: Step, aggregate: (typeof AGGREGATES)[number], { park }: View) {
  const { at, ...values } = step;
  const ts = isoIn(at, park.timeZone);
  return aggregate === 'all' ? { ts, ...values } : { ts, value: step[aggregate], count: step.count };
}
