import Type from 'typebox';
import { isLogger } from '../../model/gateway-link.ts';
import type { EnterpriseId, GatewayId, MeterId } from '../../model/ids.ts';
import type { Enterprise, Gateway, Meter } from '../../model/registry.ts';
import { hashGatewaySecret } from '../../store/registry/gateway-secret.ts';
import { audited } from '../audit.ts';
import { newSecret } from '../auth/secrets.ts';
import { faulty, notFound } from '../problem.ts';
import { OPERATOR, OVERSEERS, ok, READERS, type Route, route } from '../route.ts';
import { LoggerPassword, PARAMS, SCHEMAS, shape } from '../schemas.ts';
import { recordRoutes } from './records.ts';

/** A meter without the number that stores its readings, which is the store's own affair. */
function withoutOrdinal(meter: Meter & { readonly ordinal?: number }): Meter {
  const { ordinal: _ordinal, ...shown } = meter;
  return shown;
}

export const registryRoutes: readonly Route[] = [
  ...recordRoutes<Enterprise>({
    noun: 'enterprise',
    plural: 'enterprises',
    param: 'enterprise',
    place: 'enterprise',
    schema: SCHEMAS.Enterprise,
    id: PARAMS.enterprise,
    readers: READERS,
    writers: OPERATOR,
    visible: (enterprise, view) => enterprise.id === view.enterprise,
    records: ({ registry: { enterprises } }) => ({
      list: (park, page) => enterprises.list(park, page),
      get: (park, id) => enterprises.get(park, id as EnterpriseId),
      put: (enterprise) => enterprises.put(enterprise),
      delete: (park, id) => enterprises.delete(park, id as EnterpriseId),
    }),
  }),
  ...recordRoutes<Meter>({
    noun: 'meter',
    plural: 'meters',
    param: 'meter',
    place: 'park-meter',
    schema: SCHEMAS.Meter,
    id: PARAMS.meter,
    readers: READERS,
    writers: OPERATOR,
    visible: (meter, view) => meter.enterprise === view.enterprise,
    present: withoutOrdinal,
    records: ({ registry: { meters } }) => ({
      list: (park, page) => meters.list(park, page),
      async get(park, id) {
        const meter = await meters.get(id as MeterId);
        return meter?.park === park ? meter : null;
      },
      put: (meter) => meters.put(meter),
      delete: (park, id) => meters.delete(park, id as MeterId),
    }),
  }),
  ...recordRoutes<Gateway>({
    noun: 'gateway',
    plural: 'gateways',
    param: 'gateway',
    place: 'park',
    schema: SCHEMAS.Gateway,
    createdSchema: SCHEMAS.GatewaySecret,
    id: PARAMS.gateway,
    readers: OVERSEERS,
    writers: OPERATOR,
    async onCreated(gateway, { registry }) {
      const secret = newSecret();
      await registry.gateways.setSecret(gateway.id, await hashGatewaySecret(secret));
      return { ...gateway, secret };
    },
    records: ({ registry: { gateways } }) => ({
      list: (park, page) => gateways.list(park, page),
      get: (park, id) => gateways.get(park, id as GatewayId),
      put: (gateway) => gateways.put(gateway),
      delete: (park, id) => gateways.delete(park, id as GatewayId),
    }),
  }),
  route({
    method: 'post',
    path: '/api/v1/parks/{park}/gateways/{gateway}/secret',
    tag: 'gateways',
    summary: 'Gives the gateway a new secret, shown this once; the old one ends',
    access: { kind: 'roles', roles: OPERATOR, place: 'park' },
    params: shape({ park: PARAMS.park, gateway: PARAMS.gateway }),
    answers: { 200: SCHEMAS.GatewaySecret },
    async handle({ principal, view, params: { gateway: id } }, deps) {
      const secret = newSecret();
      const hash = await hashGatewaySecret(secret);
      return audited(deps, principal, async ({ registry: { gateways } }) => {
        const gateway = await gateways.get(view.park.id, id);
        if (gateway === null) throw notFound(`gateway "${id}" in the park "${view.park.id}"`);
        await gateways.setSecret(id, hash);
        return { result: ok({ ...gateway, secret }), entry: { action: 'secret', park: view.park.id, subject: 'gateway', id, before: null, after: null } };
      });
    },
  }),
  route({
    method: 'put',
    path: '/api/v1/parks/{park}/gateways/{gateway}/secret',
    tag: 'gateways',
    summary: 'Takes the password that an HJ 212 logger was given as the gateway’s secret; the old one ends',
    access: { kind: 'roles', roles: OPERATOR, place: 'park' },
    params: shape({ park: PARAMS.park, gateway: PARAMS.gateway }),
    body: shape({
      secret: LoggerPassword,
    }),
    answers: { 200: SCHEMAS.Gateway },
    async handle({ principal, view, params: { gateway: id }, body: { secret } }, deps) {
      const hash = await hashGatewaySecret(secret, 'chosen');
      return audited(deps, principal, async ({ registry: { gateways } }) => {
        const gateway = await gateways.get(view.park.id, id);
        if (gateway === null) throw notFound(`gateway "${id}" in the park "${view.park.id}"`);
        // Short passwords are safe nowhere; only these devices leave no choice.
        if (!isLogger(gateway)) throw faulty('params.gateway', 'only the secret of a gateway with an hj212 link is chosen by others');
        await gateways.setSecret(id, hash);
        return { result: ok(gateway), entry: { action: 'secret', park: view.park.id, subject: 'gateway', id, before: null, after: null } };
      });
    },
  }),
  route({
    method: 'put',
    path: '/api/v1/parks/{park}/gateways/{gateway}/key',
    tag: 'gateways',
    summary: 'Takes the SM4 key with which an HJ 212 logger encrypts, never shown again; null takes it away',
    access: { kind: 'roles', roles: OPERATOR, place: 'park' },
    params: shape({ park: PARAMS.park, gateway: PARAMS.gateway }),
    body: shape({ key: Type.Unsafe<string | null>({ type: ['string', 'null'], pattern: '^[0-9A-Fa-f]{32}$', description: '16 bytes in hexadecimal' }) }),
    answers: { 200: SCHEMAS.Gateway },
    async handle({ principal, view, params: { gateway: id }, body: { key } }, deps) {
      return audited(deps, principal, async ({ registry: { gateways } }) => {
        const gateway = await gateways.get(view.park.id, id);
        if (gateway === null) throw notFound(`gateway "${id}" in the park "${view.park.id}"`);
        if (!isLogger(gateway)) throw faulty('params.gateway', 'only a gateway with an hj212 link has a key');
        await gateways.setKey(id, key === null ? null : Buffer.from(key, 'hex'));
        return { result: ok(gateway), entry: { action: 'key', park: view.park.id, subject: 'gateway', id, before: null, after: { hasKey: key !== null } } };
      });
    },
  }),
];
