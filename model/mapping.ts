import Type, { type Static } from 'typebox';
import { ID_PATTERN, MeterIdSchema, ParkIdSchema, RecordIdSchema } from './ids.ts';
import { QUALITY } from './quality.ts';

const closed = { additionalProperties: false } as const;
const EXPRESSION = { minLength: 1, maxLength: 4000 } as const;
const Quantity = '^[a-z0-9_]{1,64}$';

/** Languages in which a payload can be written. */
export const PAYLOADS = ['json', 'text', 'hex', 'base64', 'bytes'] as const;
/** Flags that a device may give a value; `corrected` is a person's alone. */
export const DEVICE_FLAGS = Object.keys(QUALITY).filter((name) => name !== 'corrected');

export interface FlagRule {
  /** JSONata; answers what the device says of a value. */
  readonly from: string;
  /** What that means, by what it says as text; `*` stands for everything else. */
  readonly map?: Readonly<Record<string, string>>;
}

export interface ValueRule {
  /** JSONata; left out where the value has its name from the message. */
  readonly from?: string;
  /** Unit that the device means; one that stands in the value itself goes before it. Left out: that of the meter's record. */
  readonly unit?: string;
  /** value × scale + offset, before the unit is converted. Defaults 1 and 0. */
  readonly scale?: number;
  readonly offset?: number;
  /** Numbers for what the device says in words. */
  readonly map?: Readonly<Record<string, number>>;
  /** What means that there is no value, beside null and the empty text. */
  readonly missing?: readonly (string | number)[];
  readonly flag?: string | FlagRule;
}

// A text or an object in one schema without a union: the faults told are then those of the form that was written.
const expressionOr = <T>(properties: object, required: readonly string[], description: string) =>
  Type.Unsafe<string | T>({ type: ['string', 'object'], ...EXPRESSION, properties, required, additionalProperties: false, description });

const Expression = (description: string) => Type.String({ ...EXPRESSION, description: `JSONata: ${description}` });
const FlagFields = {
  from: Expression('what the device says of its value'),
  map: Type.Optional(Type.Record(Type.String({ maxLength: 64 }), Type.Enum(DEVICE_FLAGS), { description: 'its meaning, by text; * for all else' })),
};
const Flag = expressionOr<FlagRule>(FlagFields, ['from'], 'what the device says of its values; answers the name of a flag, or by `map`');
const ValueFields = {
  unit: Type.Optional(Type.String({ minLength: 1, maxLength: 16, description: 'as the device means it; left out: that of the meter’s record' })),
  scale: Type.Optional(Type.Number({ default: 1 })),
  offset: Type.Optional(Type.Number({ default: 0 })),
  map: Type.Optional(Type.Record(Type.String({ maxLength: 64 }), Type.Number())),
  missing: Type.Optional(Type.Array(Type.Unsafe<string | number>({ type: ['string', 'number'] }), { maxItems: 20 })),
  flag: Type.Optional(Flag),
};
const Value = expressionOr<ValueRule>({ from: Expression('the value'), ...ValueFields }, ['from'], 'where the value is, and what it means');
const NamedValue = expressionOr<ValueRule & { readonly quantity: string }>(
  { quantity: Type.String({ pattern: Quantity }), ...ValueFields },
  ['quantity'],
  'the quantity that a name stands for',
);

export interface TimeRule {
  readonly from: string;
  /** How it is written: `auto`, `seconds`, `milliseconds`, `microseconds`, `nanoseconds`, `iso` or a pattern such as `YYYY-MM-DD HH:mm:ss`. */
  readonly as?: string;
  /** A message without it is refused; otherwise the time of arrival is taken. Default false. */
  readonly required?: boolean;
}

const BODY = {
  name: Type.String({ minLength: 1, maxLength: 120 }),
  enabled: Type.Boolean({ default: true, description: 'false: kept and tried, but no message is taken by it' }),
  source: Type.Optional(Type.String({ maxLength: 2000, description: 'where the form is described, and what of it was not confirmed' })),
  topics: Type.Array(Type.String({ minLength: 1, maxLength: 256, description: 'MQTT filter; {name} is one level, or a part of one, under $topic.name' }), {
    minItems: 1,
    maxItems: 16,
  }),
  except: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { maxItems: 16, description: 'MQTT filters of topics that are left alone although they fit' }),
  ),
  payload: Type.Optional(Type.Enum([...PAYLOADS], { default: 'json', description: 'how the bytes are read before anything else' })),
  zone: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'IANA zone or offset of times that carry none' })),
  decimal: Type.Optional(Type.Enum(['.', ','], { description: 'decimal sign of numbers in texts; left out: told from the text where it is certain' })),
  missing: Type.Optional(
    Type.Array(Type.Unsafe<string | number>({ type: ['string', 'number'] }), { maxItems: 20, description: 'what means that there is no value' }),
  ),
  when: Type.Optional(Expression('messages for which it is not true are left alone')),
  each: Type.Optional(Expression('the items of the message, a meter at a time each; left out: the message itself')),
  meter: Expression("the meter's id or the device's name"),
  meters: Type.Optional(
    Type.Record(Type.String({ minLength: 1, maxLength: 256 }), MeterIdSchema, { description: 'meters by name of device, where the name is not the id' }),
  ),
  time: Type.Optional(
    expressionOr<TimeRule>(
      {
        from: Expression('the time of measurement'),
        as: Type.Optional(Type.String({ minLength: 1, maxLength: 64, default: 'auto' })),
        required: Type.Optional(Type.Boolean({ default: false })),
      },
      ['from'],
      'the time of measurement; left out: time of arrival',
    ),
  ),
  backfill: Type.Optional(Expression('true for history that is delivered late on purpose')),
  flag: Type.Optional(Flag),
  values: Type.Optional(Type.Record(Type.String({ pattern: Quantity }), Value, { description: 'by quantity of the catalogue' })),
  named: Type.Optional(
    Type.Object(
      {
        from: Expression('an object of values by name'),
        names: Type.Optional(
          Type.Record(Type.String({ minLength: 1, maxLength: 128 }), NamedValue, { description: 'what the names mean; quantities of the catalogue need none' }),
        ),
        others: Type.Optional(
          Type.Enum(['refuse', 'ignore', 'refuse-whole'], {
            default: 'refuse',
            description: 'what becomes of values with other names; refuse-whole: they are ignored beside others, and an item that has no other name is refused',
          }),
        ),
      },
      { ...closed, description: 'values that have their names from the message' },
    ),
  ),
};

/** What a mapping says, without whose it is: as it is shipped, tried and written in files. */
export const MappingBodySchema = Type.Object(BODY, closed);
export type MappingBody = Static<typeof MappingBodySchema>;

/** How the payloads of some topics become readings, by configuration. */
export const MappingSchema = Type.Object({ id: RecordIdSchema, park: ParkIdSchema, ...BODY }, closed);
export type Mapping = Static<typeof MappingSchema>;

/** A mapping that comes with Greenpark. */
export const ShippedMappingSchema = Type.Object({ id: Type.String({ pattern: ID_PATTERN }), ...BODY }, closed);
export type ShippedMapping = Static<typeof ShippedMappingSchema>;

/** One thing that a mapping could not make of a message. */
export const MappingFailureSchema = Type.Object(
  {
    /** The item, e.g. `[3]`; empty for the message as a whole. */
    where: Type.String(),
    /** The mapping's key, e.g. `values.active_power`. */
    at: Type.String(),
    expression: Type.Union([Type.String(), Type.Null()]),
    /** Character of the expression, from 1; null where it has none. */
    position: Type.Union([Type.Integer(), Type.Null()]),
    /** As in dead letters. */
    reason: Type.String(),
    found: Type.String(),
    expected: Type.String(),
  },
  closed,
);
export type MappingFailure = Static<typeof MappingFailureSchema>;

/** What a mapping makes of one message, step by step. */
export const TriedSchema = Type.Object(
  {
    outcome: Type.Enum(['taken', 'partly', 'refused', 'left-out', 'left-alone', 'not-its-topic'], {
      description: 'left-out: nothing of it is kept, as the mapping knows none of the names in it',
    }),
    steps: Type.Array(Type.Object({ at: Type.String(), where: Type.String(), found: Type.String() }, closed)),
    frames: Type.Array(
      Type.Object(
        {
          where: Type.String(),
          meter: Type.String(),
          ts: Type.Union([Type.String(), Type.Null()], { description: 'UTC; null: the time of arrival' }),
          backfill: Type.Boolean(),
          values: Type.Array(
            Type.Object(
              {
                quantity: Type.String(),
                value: Type.Number(),
                unit: Type.Union([Type.String(), Type.Null()], { description: "null: the unit of the meter's record" }),
                flag: Type.String(),
              },
              closed,
            ),
          ),
        },
        closed,
      ),
    ),
    failures: Type.Array(MappingFailureSchema),
  },
  closed,
);
export type Tried = Static<typeof TriedSchema>;
