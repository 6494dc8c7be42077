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

const TakenMetric = Type.Object(
  { ...Taken.properties, ignore: Type.Optional(Type.Boolean({ default: false, description: 'not a reading: passed over without a refusal' })) },
  closed,
);

/** A gateway that signs in at the broker and publishes the native form or one that a mapping describes. */
export const MqttLinkSchema = Type.Object({ type: Type.Literal('mqtt') }, closed);

const Fault = (description: string) => Type.Optional(Type.Enum(['refuse', 'take'], { default: 'refuse', description: `${description}; counted either way` }));

/** A data logger that reports by HJ 212 over TCP. */
export const Hj212LinkSchema = Type.Object(
  {
    type: Type.Literal('hj212'),
    mn: Type.String({
      pattern: '^[A-Za-z0-9_-]{1,27}$',
      'x-form': '1 to 27 letters, digits and _ -',
      description: "the logger's own number (MN), unique in the installation",
    }),
    password: Type.Optional(
      Type.Enum(['check', 'ignore'], { default: 'check', description: "check: the frames' PW must be the gateway's secret; ignore takes any" }),
    ),
    /** Meter for factors that are not named below. */
    meter: MeterIdSchema,
    crc: Fault('what becomes of a frame with a wrong CRC or none'),
    crcKind: Type.Optional(
      Type.Enum(['standard', 'modbus'], { default: 'standard', description: "the standard's own CRC, or CRC-16/MODBUS as some loggers send it" }),
    ),
    length: Fault('what becomes of a frame with a wrong length or none'),
    split: Type.Optional(
      Type.Enum(['join', 'single'], {
        default: 'join',
        description: 'packets of one message (PNUM): joined and answered once, or each taken and answered by itself',
      }),
    ),
    factors: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[A-Za-z0-9]{1,16}$' }),
        Type.Object(
          { ...Taken.properties, ignore: Type.Optional(Type.Boolean({ default: false, description: 'the factor is left out, without a refusal' })) },
          closed,
        ),
        { description: 'by factor code, where the catalogue is not meant' },
      ),
    ),
  },
  closed,
);

/** An edge node that speaks Sparkplug B. */
export const SparkplugLinkSchema = Type.Object(
  {
    type: Type.Literal('sparkplug'),
    group: Type.String({ pattern: '^[^+/#]{1,128}$', 'x-form': '1 to 128 characters other than + / #' }),
    node: Type.String({ pattern: '^[^+/#]{1,128}$', 'x-form': '1 to 128 characters other than + / #' }),
    /** Meter of the metrics that the node reports for itself. */
    meter: Type.Optional(MeterIdSchema),
    /** Meter of each device; one that is not named here is the meter of the same id. */
    devices: Type.Optional(Type.Record(Type.String({ pattern: '^[^+/#]{1,128}$', 'x-form': '1 to 128 characters other than + / #' }), MeterIdSchema)),
    /**
     * By metric name, or by `device/metric` where devices differ, which is looked for first; one that is not named here is the
     * quantity of the same name.
     */
    metrics: Type.Optional(Type.Record(Type.String({ minLength: 1, maxLength: 400 }), TakenMetric)),
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

/** A logger reports over TCP: its secret is a password that may have six digits and that everybody on its way can read. */
export const isLogger = ({ link }: { readonly link?: GatewayLink }): boolean => link?.type === 'hj212';
