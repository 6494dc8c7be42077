import Type, { type Static } from 'typebox';
import { covers, type Principal } from '../../model/access.ts';
import { GreenparkError } from '../../model/errors.ts';
import type { MeterIdSchema, ParkId } from '../../model/ids.ts';
import type { Mapping } from '../../model/mapping.ts';
import { isoIn } from '../../model/period.ts';
import { type Gateway, GatewaySchema, type Meter } from '../../model/registry.ts';
import type { UnknownMeter } from '../../model/unknown-meter.ts';
import { hashGatewaySecret } from '../../store/registry/gateway-secret.ts';
import type { DeadLetter } from '../../store/registry/port.ts';
import { audited, type Change } from '../audit.ts';
import type { ApiDeps, PushOutcome, ReplayReport } from '../deps.ts';
import { inputSchema, recordOf } from '../input.ts';
import { listOf } from '../paging.ts';
import { payloadOf } from '../payload.ts';
import { HttpError, notFound } from '../problem.ts';
import { created, nothing, OPERATOR, ok, type Route, route } from '../route.ts';
import { LoggerPassword, PARAMS, SCHEMAS, shape } from '../schemas.ts';
import { letterRoutes } from './dead-letters.ts';
import { parksOf, zoneOf } from './oversight.ts';
import { inBody } from './records.ts';

/** Items of one push. */
const MOST_ITEMS = 1000;

const Item = Type.Object(
  {
    meter: PARAMS.meter,
    ts: Type.Optional(Type.Integer({ description: 'milliseconds since 1970 UTC; left out: the time of arrival' })),
    values: Type.Record(Type.String(), Type.Number()),
  },
  { description: 'values by quantity, in the units of the meter’s record' },
);
// Described as it should be, judged item by item: one bad item does not spoil the others.
const PushBody = Type.Unsafe<unknown>({ anyOf: [Item, { type: 'array', items: Item }, {}] });

const DeviceName = Type.String({ minLength: 1, maxLength: 256, description: 'the name of a device as it sends it' });
const DeviceBody = Type.Object(
  { park: PARAMS.park, mapping: PARAMS.record, device: DeviceName, meter: inputSchema(SCHEMAS.Meter, ['park']) },
  { additionalProperties: false, description: 'a device of the list, and the meter that it is' },
);

const LoggerNumber = Type.String({ pattern: '^[A-Za-z0-9_-]{1,27}$', description: "a data logger's number (MN)" });
const LoggerBody = Type.Object(
  {
    ...{ mn: LoggerNumber, park: PARAMS.park },
    gateway: Type.Object({ id: PARAMS.gateway, name: GatewaySchema.properties.name }, { additionalProperties: false }),
    password: LoggerPassword,
    crc: Type.Optional(Type.Enum(['refuse', 'take'], { description: 'what becomes of its frames with a wrong CRC; refuse unless said otherwise' })),
    meter: inputSchema(SCHEMAS.Meter, ['park', 'gateway']),
  },
  { additionalProperties: false, description: 'a logger of the list, the gateway that it is, and its meter' },
);

export const ingestRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/api/v1/readings',
    tag: 'ingest',
    summary: 'Takes readings, one or many; answered when they are stored, and the same again is no harm',
    access: { kind: 'gateway-or-roles', roles: OPERATOR, why: 'a gateway publishes for the meters that name it' },
    body: PushBody,
    answers: { 200: SCHEMAS.Pushed },
    async handle({ principal, gateway, body, now }, deps) {
      const items: readonly unknown[] = Array.isArray(body) ? body : [body];
      if (items.length > MOST_ITEMS) throw new HttpError('TOO_LARGE', `${items.length} items; at most ${MOST_ITEMS} are taken at once`);
      if (!items.some(isOfForm)) {
        throw new HttpError('NOT_UNDERSTOOD', 'expected {"meter": id, "ts": milliseconds, "values": {quantity: number}} or an array of these');
      }
      const mine = items.map((item) => principal === null || mayPushFor(principal, meterIn(item), deps));
      const pushed = await deps.ingest.push(
        items.filter((_, index) => mine[index]),
        gateway,
        now,
      );
      let next = 0;
      const told = items.map((item, index) => {
        const outcome = mine[index] === true ? (pushed[next++] as PushOutcome) : unseen(meterIn(item));
        return { index, meter: meterIn(item), outcome: outcome.outcome, refusals: outcome.refusals };
      });
      const count = (...wanted: readonly PushOutcome['outcome'][]) => told.filter(({ outcome }) => wanted.includes(outcome)).length;
      return ok({ items: told, accepted: count('accepted', 'partly'), refused: count('refused'), duplicates: count('duplicate') });
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/unknown-meters',
    tag: 'ingest',
    summary: 'Meters that report and are not registered, last seen first',
    access: { kind: 'roles', roles: OPERATOR, place: 'scope' },
    query: shape({ park: Type.Optional(PARAMS.park) }),
    answers: { 200: listOf(SCHEMAS.UnknownMeter) },
    handle({ principal, query }, deps) {
      const parks = parksOf(principal, query.park, deps);
      return ok({
        items: deps.ingest.unknown
          .list()
          .filter((one) => isIn(parks, one))
          .map((one) => presentUnknown(one, deps)),
        next: null,
      });
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/unknown-meters/{meter}/register',
    tag: 'ingest',
    summary: 'Registers the meter and stores what was kept of its messages',
    access: { kind: 'roles', roles: OPERATOR, place: 'scope' },
    params: shape({ meter: PARAMS.meter }),
    body: inputSchema(SCHEMAS.Meter, ['id']),
    answers: { 201: SCHEMAS.RegisteredUnknown },
    async handle({ principal, params: { meter: id }, body }, deps) {
      const parks = parksOf(principal, undefined, deps);
      const listed = unknownIn(parks, id, deps);
      const meter = recordOf(SCHEMAS.Meter, { id })(body) as Meter;
      if (parks !== 'all' && !parks.includes(meter.park)) throw notFound(`park "${meter.park}"`);
      await audited(deps, principal, async ({ registry: { meters } }) => {
        // Whoever registered it meanwhile described it; this must not replace that.
        if ((await meters.get(id)) !== null) throw notFound(`unknown meter "${id}"`);
        await inBody(meters.put(meter));
        return { result: null, entry: { action: 'create', park: meter.park, subject: 'meter', id, before: null, after: meter } };
      });
      const replay = await storeKept(await deps.ingest.lettersOfUnknown(id, meter.park), { park: meter.park, subject: 'meter', id }, principal, deps);
      for (const one of listed) deps.ingest.unknown.forget(one);
      return created({ meter, replay });
    },
  }),
  route({
    method: 'delete',
    path: '/api/v1/unknown-meters/{meter}',
    tag: 'ingest',
    summary: 'Takes the meter off the list until it reports again',
    access: { kind: 'roles', roles: OPERATOR, place: 'scope' },
    params: shape({ meter: PARAMS.meter }),
    answers: { 204: null },
    async handle({ principal, params: { meter: id } }, deps) {
      for (const one of unknownIn(parksOf(principal, undefined, deps), id, deps)) {
        const park = deps.directory.current.park(one.park ?? '')?.id ?? null;
        await audited(deps, principal, async () => ({
          result: null,
          entry: { action: 'dismiss', park, subject: 'unknown-meter', id, before: null, after: null },
        }));
        deps.ingest.unknown.forget(one);
      }
      return nothing;
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/unknown-devices/register',
    tag: 'ingest',
    summary: 'Registers the meter that a device is, names it in the mapping that found the device, and stores what was kept of its messages',
    access: { kind: 'roles', roles: OPERATOR, place: 'scope' },
    body: DeviceBody,
    answers: { 201: SCHEMAS.RegisteredUnknown },
    async handle({ principal, body }, deps) {
      const parks = parksOf(principal, undefined, deps);
      const device = deviceIn(parks, body, deps);
      const meter = recordOf(SCHEMAS.Meter, { park: body.park })(body.meter) as Meter;
      const { id, park } = meter;
      // Before the mapping says whose they are: only now they are told from those of other devices.
      const letters = await deps.ingest.lettersOfDevice({ meter: body.device, mapping: body.mapping, park });
      await audited(deps, principal, async ({ registry: { meters, mappings } }) => {
        if ((await meters.get(id)) !== null) throw new GreenparkError('CONFLICT', `meter "${id}" is registered already; choose another id`);
        const before = await mappings.get(park, body.mapping);
        if (before === null) throw notFound(`mapping "${body.mapping}" in the park "${park}"`);
        // Whoever registered it meanwhile said which meter it is; this must not replace that.
        if (Object.hasOwn(before.meters ?? {}, body.device)) throw noDevice(body);
        const after: Mapping = { ...before, meters: { ...before.meters, [body.device]: id } };
        await inBody(meters.put(meter));
        await inBody(mappings.put(after));
        return {
          result: null,
          entry: [
            { action: 'create', park, subject: 'meter', id, before: null, after: meter },
            { action: 'replace', park, subject: 'mapping', id: body.mapping, before, after },
          ],
        };
      });
      const replay = await storeKept(letters, { park, subject: 'meter', id }, principal, deps);
      deps.ingest.unknown.forget(device);
      return created({ meter, replay });
    },
  }),
  route({
    method: 'delete',
    path: '/api/v1/unknown-devices',
    tag: 'ingest',
    summary: 'Takes the device off the list until it reports again',
    access: { kind: 'roles', roles: OPERATOR, place: 'scope' },
    query: shape({ park: Type.Optional(PARAMS.park), mapping: PARAMS.record, device: DeviceName }),
    answers: { 204: null },
    async handle({ principal, query }, deps) {
      const device = deviceIn(parksOf(principal, undefined, deps), { park: null, ...query }, deps);
      const park = deps.directory.current.park(device.park ?? '')?.id ?? null;
      await audited(deps, principal, async () => ({
        result: null,
        entry: { action: 'dismiss', park, subject: 'unknown-device', id: device.meter, before: null, after: null },
      }));
      deps.ingest.unknown.forget(device);
      return nothing;
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/unknown-loggers/register',
    tag: 'ingest',
    summary: 'Registers a data logger of HJ 212 as a gateway with the meter that it reports for, and stores what was kept of its messages',
    access: { kind: 'roles', roles: OPERATOR, place: 'scope' },
    body: LoggerBody,
    answers: { 201: SCHEMAS.RegisteredLogger },
    async handle({ principal, body }, deps) {
      const logger = loggerIn(parksOf(principal, undefined, deps), body.mn, deps);
      const { park, mn } = body;
      const { id } = body.gateway;
      const meter = recordOf(SCHEMAS.Meter, { park, gateway: id })(body.meter) as Meter;
      const gateway: Gateway = { ...body.gateway, park, link: { type: 'hj212', mn, meter: meter.id, crc: body.crc ?? 'refuse' } };
      const hash = await hashGatewaySecret(body.password, 'chosen');
      await audited(deps, principal, async ({ registry: { meters, gateways } }) => {
        if ((await meters.get(meter.id)) !== null) throw new GreenparkError('CONFLICT', `meter "${meter.id}" is registered already; choose another id`);
        if ((await gateways.get(park, id)) !== null) throw new GreenparkError('CONFLICT', `gateway "${id}" is registered already; choose another id`);
        // Each names the other, so one of them is put twice.
        await inBody(meters.put({ ...meter, gateway: null }));
        await inBody(gateways.put(gateway));
        await gateways.setSecret(id, hash);
        await inBody(meters.put(meter));
        return {
          result: null,
          entry: [
            { action: 'create', park, subject: 'gateway', id, before: null, after: gateway },
            { action: 'create', park, subject: 'meter', id: meter.id, before: null, after: meter },
          ],
        };
      });
      const replay = await storeKept(await deps.ingest.lettersOfLogger(mn, body.password), { park, subject: 'gateway', id }, principal, deps);
      deps.ingest.unknown.forget(logger);
      return created({ gateway, meter, replay });
    },
  }),
  route({
    method: 'delete',
    path: '/api/v1/unknown-loggers/{mn}',
    tag: 'ingest',
    summary: 'Takes the data logger off the list until it reports again',
    access: { kind: 'roles', roles: OPERATOR, place: 'scope' },
    params: shape({ mn: LoggerNumber }),
    answers: { 204: null },
    async handle({ principal, params: { mn } }, deps) {
      const logger = loggerIn(parksOf(principal, undefined, deps), mn, deps);
      await audited(deps, principal, async () => ({
        result: null,
        entry: { action: 'dismiss', park: null, subject: 'unknown-logger', id: mn, before: null, after: null },
      }));
      deps.ingest.unknown.forget(logger);
      return nothing;
    },
  }),
  ...letterRoutes,
];

function isOfForm(item: unknown): boolean {
  const { meter, values } = (item ?? {}) as { readonly meter?: unknown; readonly values?: unknown };
  return typeof meter === 'string' && typeof values === 'object' && values !== null;
}

function meterIn(item: unknown): string | null {
  const meter = (item as { readonly meter?: unknown } | null)?.meter;
  return typeof meter === 'string' ? meter.slice(0, 64) : null;
}

/** Those of a whole installation may name a meter that nobody knows, so that it is listed; others push for meters in their scope alone. */
function mayPushFor({ scope }: Principal, id: string | null, { directory: { current } }: ApiDeps): boolean {
  if (scope.kind === 'installation') return true;
  const meter = current.meter(id ?? '');
  const park = meter && current.park(meter.park);
  return park !== undefined && covers(scope, { park: park.id, region: park.region, enterprise: null });
}

const unseen = (meter: string | null): PushOutcome => ({
  outcome: 'refused',
  refusals: [{ reason: 'unknown-meter', detail: `meter ${JSON.stringify(meter)} is not registered; register it or correct its id`, count: 1 }],
});

/** Tries again what was kept of something that is registered now, and says in the trail what came of it. */
async function storeKept(
  letters: readonly DeadLetter[],
  what: Pick<Change, 'park' | 'subject' | 'id'>,
  principal: Principal,
  deps: ApiDeps,
): Promise<ReplayReport> {
  const replay = await deps.ingest.replay(letters);
  await audited(deps, principal, async () => ({ result: null, entry: { ...what, action: 'replayed', before: null, after: replay } }));
  return replay;
}

const isIn = (parks: readonly ParkId[] | 'all', { park }: UnknownMeter): boolean => parks === 'all' || parks.some((one) => one === park);

/** What reports under the id in the parks: of those of several, more than one. */
function unknownIn(parks: readonly ParkId[] | 'all', id: Static<typeof MeterIdSchema>, { ingest }: ApiDeps): readonly UnknownMeter[] {
  const unknown = ingest.unknown.list().filter((one) => one.kind === 'meter' && one.meter === id && isIn(parks, one));
  if (unknown.length === 0) throw notFound(`unknown meter "${id}"`);
  return unknown;
}

function deviceIn(
  parks: readonly ParkId[] | 'all',
  { park, mapping, device }: { readonly park: string | null; readonly mapping: string; readonly device: string },
  { ingest }: ApiDeps,
): UnknownMeter & { readonly kind: 'device' } {
  for (const one of ingest.unknown.list()) {
    if (one.kind === 'device' && one.meter === device && one.mapping === mapping && one.park === park && isIn(parks, one)) return one;
  }
  throw noDevice({ device, mapping });
}

const noDevice = ({ device, mapping }: { readonly device: string; readonly mapping: string }): GreenparkError =>
  notFound(`unknown device "${device}" of the mapping "${mapping}"`);

function loggerIn(parks: readonly ParkId[] | 'all', mn: string, { ingest }: ApiDeps): UnknownMeter & { readonly kind: 'logger' } {
  for (const one of ingest.unknown.list()) if (one.kind === 'logger' && one.meter === mn && isIn(parks, one)) return one;
  throw notFound(`unknown logger "${mn}"`);
}

function presentUnknown({ payload, ...unknown }: UnknownMeter, deps: ApiDeps) {
  const zone = zoneOf(deps.directory.current.park(unknown.park ?? '')?.id ?? null, deps);
  return {
    ...unknown,
    firstSeen: isoIn(unknown.firstSeen, zone),
    lastSeen: isoIn(unknown.lastSeen, zone),
    ...payloadOf(payload, unknown.payloadLength),
  };
}
