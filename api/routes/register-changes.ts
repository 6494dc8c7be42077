import Type from 'typebox';
import type { EpochMs, MeterId } from '../../model/ids.ts';
import { isoIn } from '../../model/period.ts';
import { type QuantityName, quantityOf } from '../../model/quantities.ts';
import { type NotedRegisterChange, REGISTER_CHANGES, type RegisterMove } from '../../model/register-change.ts';
import { audited } from '../audit.ts';
import { listOf } from '../paging.ts';
import { faulty } from '../problem.ts';
import { created, ok, READERS, type Route, route, STEWARDS, type View } from '../route.ts';
import { PARAMS, QuantitySchema, SCHEMAS, shape } from '../schemas.ts';
import { parseTime, TimeSchema } from '../times.ts';
import { registeredMeter } from '../views.ts';

const tag = 'readings';
const params = shape({ meter: PARAMS.meter });
const register = (description: string) => Type.Optional(Type.Number({ minimum: 0, maximum: 1e15, description }));

const ChangeBody = shape({
  quantity: Type.Unsafe<QuantityName>(QuantitySchema),
  at: TimeSchema,
  kind: Type.Enum(REGISTER_CHANGES, { description: 'began again at zero, passed its width, or another instrument took over' }),
  width: register("rollover: where the register begins again, in the quantity's unit"),
  closing: register('exchange: what the old register showed at last, in the quantity’s unit and after the multiplier'),
  opening: register('exchange: what the new register showed at first, likewise'),
  reason: Type.String({ minLength: 2, maxLength: 500 }),
});

export const registerChangeRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/meters/{meter}/register-changes',
    tag,
    summary: 'Resets, rollovers and exchanges of the meter’s registers, as the service found or people declared them; of several for one time the last holds',
    access: { kind: 'roles', roles: READERS, place: 'meter' },
    params,
    answers: { 200: listOf(SCHEMAS.RegisterChange) },
    async handle({ view, params: { meter } }, deps) {
      return ok({ items: deps.registers.of(meter as MeterId).map((change) => present(change, view)), next: null });
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/meters/{meter}/register-changes',
    tag,
    summary: 'Declares that a register did not go on from where it stood: usage across the time is computed by it',
    access: { kind: 'roles', roles: STEWARDS, place: 'meter' },
    params,
    body: ChangeBody,
    answers: { 201: SCHEMAS.RegisterChange },
    async handle({ principal, view, params: { meter: id }, body, now }, deps) {
      const meter = registeredMeter(deps, id);
      if (quantityOf(body.quantity).kind !== 'counter') throw faulty('body.quantity', `${body.quantity} is a gauge; only a counter has a register`);
      const at = parseTime(body.at);
      if (at === null || at > now) throw faulty('body.at', `"${body.at}" is not an instant up to now`);
      const change = { ...moveOf(body), meter: meter.id, quantity: body.quantity, at, author: principal.name, reason: body.reason, notedAt: now };
      const noted = await audited(deps, principal, async ({ registry }) => {
        const [number] = await registry.registerChanges.add([change]);
        const result: NotedRegisterChange = { ...change, number: number as number };
        const entry = { action: 'declare', park: meter.park, subject: 'register', id: meter.id, before: null, after: present(result, view) } as const;
        return { result, entry };
      });
      await deps.registers.declared(noted);
      return created(present(noted, view));
    },
  }),
];

function moveOf({
  kind,
  width,
  closing,
  opening,
}: { readonly kind: RegisterMove['kind'] } & Partial<Record<'width' | 'closing' | 'opening', number>>): RegisterMove {
  switch (kind) {
    case 'reset':
      return { kind };
    case 'rollover':
      if (width === undefined || width <= 0) throw faulty('body.width', 'is missing: where does the register begin again?');
      return { kind, width };
    case 'exchange':
      if (closing === undefined) throw faulty('body.closing', 'is missing: what did the old register show at last?');
      if (opening === undefined) throw faulty('body.opening', 'is missing: what did the new register show at first?');
      return { kind, closing, opening };
  }
}

const present = ({ meter: _, at, notedAt, ...change }: NotedRegisterChange, { park }: View) => {
  const iso = (ts: EpochMs) => isoIn(ts, park.timeZone);
  return { ...change, at: iso(at), notedAt: iso(notedAt), unit: quantityOf(change.quantity).unit };
};
