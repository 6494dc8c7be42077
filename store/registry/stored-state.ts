import type { GatewayLink } from '../../model/gateway-link.ts';
import type { EnterpriseId, GatewayId, MeterId, ParkId } from '../../model/ids.ts';
import type { Application, EntryProfile } from '../../model/rules.ts';
import type { Queryable } from './database.ts';
import { deviceOf } from './gateway-links.ts';
import type { Registered } from './references.ts';
import type { DocumentKind } from './tables.ts';

/** What is registered, asked of the database itself. */
export function storedState(db: Queryable): Registered {
  const document = async (kind: DocumentKind, park: string, id: string): Promise<unknown> => {
    const row = await db
      .selectFrom('documents')
      .select('body_json')
      .where('kind', '=', kind)
      .where('park', '=', park as ParkId)
      .where('id', '=', id)
      .executeTakeFirst();
    return row === undefined ? undefined : JSON.parse(row.body_json);
  };
  return {
    park: (id) =>
      db
        .selectFrom('parks')
        .select('id')
        .where('id', '=', id as ParkId)
        .executeTakeFirst(),
    enterprise: (park, id) =>
      db
        .selectFrom('enterprises')
        .select('id')
        .where('park', '=', park as ParkId)
        .where('id', '=', id as EnterpriseId)
        .executeTakeFirst(),
    gateway: (id) =>
      db
        .selectFrom('gateways')
        .select('park')
        .where('id', '=', id as GatewayId)
        .executeTakeFirst(),
    gatewayOfDevice: async (device, otherThan) => {
      const rows = await db
        .selectFrom('gateways')
        .select(['id', 'park', 'link_json'])
        .where('link_json', 'is not', null)
        .where('id', '!=', otherThan as GatewayId)
        .execute();
      // Written by writeGateways alone, whose input was checked.
      return rows.find(({ link_json }) => deviceOf(JSON.parse(link_json as string) as GatewayLink) === device);
    },
    meter: (id) =>
      db
        .selectFrom('meters')
        .select(['park', 'parent'])
        .where('id', '=', id as MeterId)
        .executeTakeFirst(),
    formerMeter: (id) =>
      db
        .selectFrom('former_meters')
        .select('park')
        .where('id', '=', id as MeterId)
        .executeTakeFirst(),
    // Written by putDocument alone, after its schema's check.
    entryProfile: async (park, id) => (await document('entry-profile', park, id)) as EntryProfile | undefined,
    application: async (park, id) => (await document('application', park, id)) as Application | undefined,
  };
}
