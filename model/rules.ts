import Type, { type Static } from 'typebox';
import { EnterpriseIdSchema, MeterIdSchema, ParkIdSchema, RecordIdSchema } from './ids.ts';
import { METER_KINDS } from './meter-kinds.ts';
import { QUANTITY_NAMES } from './quantities.ts';

const closed = { additionalProperties: false } as const;
const Name = Type.String({ minLength: 1, maxLength: 120 });

/** The four levels of emergency practice: blue IV, yellow III, orange II, red I. */
export const LEVELS = ['blue', 'yellow', 'orange', 'red'] as const;
export type Level = (typeof LEVELS)[number];
const LevelSchema = Type.Enum(LEVELS);
const QuantitySchema = Type.Enum([...QUANTITY_NAMES]);

export const CARRIERS = ['electricity', 'water', 'natural_gas', 'heat', 'steam', 'hydrogen'] as const;
export type Carrier = (typeof CARRIERS)[number];
/** What a counter counts: taken from the network, made here, given back, put into or taken out of storage. */
export const FLOWS = ['consumption', 'generation', 'export', 'charge', 'discharge'] as const;
export type Flow = (typeof FLOWS)[number];

export const CALENDAR_PERIODS = ['hour', 'day', 'month', 'year'] as const;
export type CalendarPeriod = (typeof CALENDAR_PERIODS)[number];

/** Where a bound was taken from; shown with every alert. `confidence` other than "read" is shown as such. */
const Source = Type.Object(
  { text: Type.String({ minLength: 1, maxLength: 300 }), confidence: Type.Enum(['read', 'from memory', 'own']) },
  { ...closed, description: 'clause, permit or decision that the figure comes from' },
);

const common = {
  id: RecordIdSchema,
  park: ParkIdSchema,
  name: Name,
  nameEn: Type.Optional(Name),
  enabled: Type.Boolean({ default: true }),
  source: Type.Optional(Source),
};

export const LimitRuleSchema = Type.Object(
  {
    ...common,
    type: Type.Literal('limit'),
    /** One meter, or every meter of a kind in the park. */
    subject: Type.Union([Type.Object({ meter: MeterIdSchema }, closed), Type.Object({ kind: Type.Enum(METER_KINDS) }, closed)]),
    quantity: QuantitySchema,
    level: LevelSchema,
    /** Firing when the judged value is beyond `value` on this side; unit is the quantity's. */
    side: Type.Enum(['above', 'below']),
    value: Type.Number(),
    judged: Type.Union([
      Type.Object({ by: Type.Literal('instant') }, closed),
      Type.Object({ by: Type.Literal('rolling-mean'), windowSeconds: Type.Integer({ minimum: 1, maximum: 86400 }) }, closed),
    ]),
    /** On the return side only: for an upper limit L it clears at value <= L - deadband. */
    deadband: Type.Number({ minimum: 0, default: 0 }),
    onDelaySeconds: Type.Integer({ minimum: 0, maximum: 86400, default: 0 }),
    offDelaySeconds: Type.Integer({ minimum: 0, maximum: 86400, default: 0 }),
  },
  closed,
);
export type LimitRule = Static<typeof LimitRuleSchema>;

export const EntryRuleSchema = Type.Object(
  {
    ...common,
    type: Type.Literal('entry'),
    level: LevelSchema,
    enterprise: EnterpriseIdSchema,
    /** The application whose declared value of `criterion` is the bound. */
    application: RecordIdSchema,
    criterion: RecordIdSchema,
    /** Actual may exceed the declared value by this much before it fires. */
    tolerancePercent: Type.Number({ minimum: 0, maximum: 1000, default: 0 }),
  },
  closed,
);
export type EntryRule = Static<typeof EntryRuleSchema>;

/** Rules are data: a discriminated union on `type`; further types join here. */
export const RuleSchema = Type.Union([LimitRuleSchema, EntryRuleSchema]);
export type Rule = LimitRule | EntryRule;

export const CapSchema = Type.Object(
  {
    id: RecordIdSchema,
    park: ParkIdSchema,
    name: Name,
    nameEn: Type.Optional(Name),
    enabled: Type.Boolean({ default: true }),
    source: Type.Optional(Source),
    enterprise: Type.Union([EnterpriseIdSchema, Type.Null()], { description: 'null: the park as a whole' }),
    carrier: Type.Enum(CARRIERS),
    flow: Type.Enum(FLOWS),
    period: Type.Enum(['day', 'month', 'year']),
    /** In the carrier's unit: kWh, m³, GJ, t, kg. */
    amount: Type.Number({ exclusiveMinimum: 0 }),
    stages: Type.Array(Type.Object({ percent: Type.Number({ exclusiveMinimum: 0, maximum: 1000 }), level: LevelSchema }, closed), { minItems: 1, maxItems: 8 }),
  },
  closed,
);
export type Cap = Static<typeof CapSchema>;

/** What is compared once an enterprise is in: a usage over a calendar period, or a quantity of its meters. */
const ActualSchema = Type.Union([
  Type.Object({ of: Type.Literal('usage'), carrier: Type.Enum(CARRIERS), flow: Type.Enum(FLOWS), period: Type.Enum(['day', 'month', 'year']) }, closed),
  Type.Object({ of: Type.Literal('reading'), quantity: QuantitySchema }, closed),
]);

export const CriterionSchema = Type.Object(
  {
    id: RecordIdSchema,
    name: Name,
    nameEn: Type.Optional(Name),
    unit: Type.String({ minLength: 1, maxLength: 32 }),
    /** The declared value must be at most, or at least, `threshold`. */
    side: Type.Enum(['at-most', 'at-least']),
    threshold: Type.Number(),
    /** Failing a mandatory criterion refuses; failing another one admits on conditions. */
    mandatory: Type.Boolean({ default: true }),
    source: Type.Optional(Source),
    actual: Type.Optional(ActualSchema),
  },
  closed,
);
export type Criterion = Static<typeof CriterionSchema>;

export const EntryProfileSchema = Type.Object(
  {
    id: RecordIdSchema,
    park: ParkIdSchema,
    name: Name,
    nameEn: Type.Optional(Name),
    version: Type.Integer({ minimum: 1, default: 1 }),
    criteria: Type.Array(CriterionSchema, { minItems: 1, maxItems: 100 }),
  },
  closed,
);
export type EntryProfile = Static<typeof EntryProfileSchema>;

export const ApplicationSchema = Type.Object(
  {
    id: RecordIdSchema,
    park: ParkIdSchema,
    enterprise: EnterpriseIdSchema,
    profile: RecordIdSchema,
    /** Criterion id to declared value, in the criterion's unit. A criterion left out counts as not declared. */
    declared: Type.Record(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$' }), Type.Number()),
  },
  closed,
);
export type Application = Static<typeof ApplicationSchema>;
