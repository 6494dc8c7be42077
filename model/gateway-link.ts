import Type, { type Static } from 'typebox';
import { MeterIdSchema } from './ids.ts';

const closed = { additionalProperties: false } as const;
const QuantityName = Type.String({ pattern: '^[a-z0-9_]{1,64}$', description: 'a quantity of the catalogue' });
/** A value becomes value × scale + offset, in the unit of the meter's record. */
const Taken = Type.Object(
  {
    meter: Type.Optional(MeterIdSchema),
    quantity: Type.Optional(QuantityName),
    scale: Type.Optional(Type.Number({ default: 1 })),
    offset: Type.Optional(Type.Number({ default: 0 })),
  },
  closed,
);

/** A gateway that signs in at the broker and publishes the native form or one that a mapping describes. */
export const MqttLinkSchema = Type.Object({ type: Type.Literal('mqtt') }, closed);

/** A data logger that reports by HJ 212 over TCP. */
export const Hj212LinkSchema = Type.Object(
  {
    type: Type.Literal('hj212'),
    mn: Type.String({ pattern: '^[A-Za-z0-9]{1,27}$', description: "the logger's own number (MN), unique in the installation" }),
    password: Type.Optional(
      Type.Enum(['check', 'ignore'], { default: 'check', description: "check: the frames' PW must be the gateway's secret; ignore takes any" }),
    ),
    /** Meter for factors that are not named below. */
    meter: MeterIdSchema,
    crc: Type.Optional(Type.Enum(['refuse', 'take'], { default: 'refuse', description: 'what becomes of a frame with a wrong CRC; counted either way' })),
    factors: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z0-9]{1,16}$' }), Taken, { description: 'by factor code, where the catalogue is not meant' }),
    ),
  },
  closed,
);

/** An edge node that speaks Sparkplug B. */
export const SparkplugLinkSchema = Type.Object(
  {
    type: Type.Literal('sparkplug'),
    group: Type.String({ pattern: '^[^+/#]{1,128}$' }),
    node: Type.String({ pattern: '^[^+/#]{1,128}$' }),
    /** Meter of the metrics that the node reports for itself. */
    meter: Type.Optional(MeterIdSchema),
    /** Meter of each device; one that is not named here is the meter of the same id. */
    devices: Type.Optional(Type.Record(Type.String({ pattern: '^[^+/#]{1,128}$' }), MeterIdSchema)),
    /** By metric name; one that is not named here is the quantity of the same name. */
    metrics: Type.Optional(Type.Record(Type.String({ minLength: 1, maxLength: 256 }), Taken)),
  },
  closed,
);

/** How a gateway reports. */
export const GatewayLinkSchema = Type.Unsafe<GatewayLink>({
  type: 'object',
  // With a discriminator the faults told are those of the variant that was meant.
  discriminator: { propertyName: 'type' },
  properties: { type: { enum: ['mqtt', 'hj212', 'sparkplug'] } },
  required: ['type'],
  oneOf: [MqttLinkSchema, Hj212LinkSchema, SparkplugLinkSchema],
});
export type Hj212Link = Static<typeof Hj212LinkSchema>;
export type SparkplugLink = Static<typeof SparkplugLinkSchema>;
export type GatewayLink = Static<typeof MqttLinkSchema> | Hj212Link | SparkplugLink;
