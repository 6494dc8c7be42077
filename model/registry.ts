import Type, { type Static } from 'typebox';
import { ChecksSchema } from './checks.ts';
import { GatewayLinkSchema } from './gateway-link.ts';
import { EnterpriseIdSchema, GatewayIdSchema, MeterIdSchema, ParkIdSchema } from './ids.ts';
import { METER_KINDS } from './meter-kinds.ts';

const closed = { additionalProperties: false } as const;
const Name = Type.String({ minLength: 1, maxLength: 120 });
/** GB/T 2260: six digits, a county's code starts with its city's and its city's with its province's. */
export const RegionSchema = Type.String({
  pattern: '^[1-9][0-9]{5}$',
  'x-form': 'a six-digit code of GB/T 2260, such as 510112',
  description: 'six-digit GB/T 2260 code',
});

export const ParkSchema = Type.Object(
  {
    id: ParkIdSchema,
    name: Name,
    nameEn: Type.Optional(Name),
    region: RegionSchema,
    timeZone: Type.String({ minLength: 1, maxLength: 64, default: 'Asia/Shanghai', description: 'IANA zone in which its days and months begin' }),
  },
  closed,
);
export type Park = Static<typeof ParkSchema>;

export const STAGES = ['applicant', 'conditional', 'admitted', 'on-notice', 'restricted', 'exited'] as const;
export type Stage = (typeof STAGES)[number];

export const EnterpriseSchema = Type.Object(
  {
    id: EnterpriseIdSchema,
    park: ParkIdSchema,
    name: Name,
    nameEn: Type.Optional(Name),
    trade: Name,
    tradeEn: Type.Optional(Name),
    stage: Type.Enum(STAGES),
  },
  closed,
);
export type Enterprise = Static<typeof EnterpriseSchema>;

export const MeterSchema = Type.Object(
  {
    id: MeterIdSchema,
    park: ParkIdSchema,
    enterprise: Type.Union([EnterpriseIdSchema, Type.Null()], { description: 'null: the park itself' }),
    name: Name,
    nameEn: Type.Optional(Name),
    kind: Type.Enum(METER_KINDS),
    parent: Type.Union([MeterIdSchema, Type.Null()], { description: 'the meter above it, for sub-metering' }),
    multiplier: Type.Number({
      exclusiveMinimum: 0,
      maximum: 1e6,
      default: 1,
      description: 'CT × PT ratio; applies to energy, power and current counters of electricity meters',
    }),
    gateway: Type.Union([GatewayIdSchema, Type.Null()], { description: 'the gateway that may publish for it' }),
    /** Units other than the catalogue's, per quantity; converted at the door. */
    units: Type.Optional(Type.Record(Type.String({ pattern: '^[a-z0-9_]+$' }), Type.String({ minLength: 1, maxLength: 16 }))),
    /** What readings are checked against beside the physical range, per quantity. */
    checks: Type.Optional(Type.Record(Type.String({ pattern: '^[a-z0-9_]+$' }), ChecksSchema)),
    /** A reading is due at least this often; the dashboard calls the meter stale after three times as long. */
    intervalSeconds: Type.Integer({ minimum: 1, maximum: 86400, default: 60 }),
  },
  closed,
);
export type Meter = Static<typeof MeterSchema>;

/** A meter with the dense number that stores its readings; given by the registry once and never reused. */
export type RegisteredMeter = Meter & { readonly ordinal: number };

export const GatewaySchema = Type.Object(
  {
    id: GatewayIdSchema,
    park: ParkIdSchema,
    name: Name,
    /** How it reports; absent: by MQTT, in the native form or one that a mapping describes. */
    link: Type.Optional(GatewayLinkSchema),
  },
  closed,
);
export type Gateway = Static<typeof GatewaySchema>;
