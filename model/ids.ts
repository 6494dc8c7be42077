import Type from 'typebox';

/** A value that only the parser which checked it may make; a mix-up of two ids then fails to compile. */
type Branded<T, Name extends string> = T & { readonly __brand: Name };

export type ParkId = Branded<string, 'ParkId'>;
export type EnterpriseId = Branded<string, 'EnterpriseId'>;
/** Globally unique, as meters are addressed without their park at `/api/v1/meters/{meter}`. */
export type MeterId = Branded<string, 'MeterId'>;
export type GatewayId = Branded<string, 'GatewayId'>;
/** UTC milliseconds since 1970. */
export type EpochMs = number;

/**
 * What an id may look like: 1 to 64 characters that need no escaping in an MQTT topic, a URL path or a file name.
 */
export const ID_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$';

const ID_FORM = '1 to 64 letters, digits and . _ : -, of which the first is a letter or digit';
const idSchema = (what: string) => Type.String({ pattern: ID_PATTERN, 'x-form': ID_FORM, description: `${what}: ${ID_FORM}` });

export const ParkIdSchema = Type.Unsafe<ParkId>(idSchema('park id'));
export const EnterpriseIdSchema = Type.Unsafe<EnterpriseId>(idSchema('enterprise id'));
export const MeterIdSchema = Type.Unsafe<MeterId>(idSchema('meter id'));
export const GatewayIdSchema = Type.Unsafe<GatewayId>(idSchema('gateway id'));
export const RecordIdSchema = idSchema('record id');
