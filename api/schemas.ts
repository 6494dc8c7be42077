import Type, { type TSchema } from 'typebox';
import { REMAINDERS } from '../accounting/balance.ts';
import { ROLES } from '../model/access.ts';
import { EnterpriseIdSchema, GatewayIdSchema, MeterIdSchema, ParkIdSchema, RecordIdSchema } from '../model/ids.ts';
import { GATEWAY_STATES, LEFT_OUT_KINDS, STAGES } from '../model/ingest.ts';
import { MappingSchema, ShippedMappingSchema, TriedSchema } from '../model/mapping.ts';
import { QUALITY } from '../model/quality.ts';
import { QUANTITY_NAMES } from '../model/quantities.ts';
import { REGISTER_CHANGES } from '../model/register-change.ts';
import { EnterpriseSchema, GatewaySchema, MeterSchema, ParkSchema } from '../model/registry.ts';
import { ApplicationSchema, CARRIERS, CapSchema, EntryProfileSchema, FLOWS, LEVELS, RuleSchema } from '../model/rules.ts';
import { AnsweredTime } from './times.ts';

const closed = { additionalProperties: false } as const;
const object = (properties: Record<string, TSchema>, description?: string): TSchema =>
  Type.Object(properties, description === undefined ? closed : { ...closed, description });
const nullable = (schema: TSchema): TSchema => Type.Union([schema, Type.Null()]);
const text = Type.String();

export const QualitySchema = Type.Enum(Object.keys(QUALITY));
export const QuantitySchema = Type.Enum([...QUANTITY_NAMES]);

const Scope = Type.Union([
  object({ kind: Type.Literal('installation') }),
  object({ kind: Type.Literal('park'), park: ParkIdSchema }),
  object({ kind: Type.Literal('region'), region: text }),
  object({ kind: Type.Literal('enterprise'), park: ParkIdSchema, enterprise: EnterpriseIdSchema }),
]);

const Session = object({
  name: text,
  role: Type.Enum(ROLES),
  scope: Scope,
  parks: Type.Array(object({ id: ParkIdSchema, name: text, nameEn: nullable(text), region: text, timeZone: text }), { description: 'parks in scope' }),
  expiresAt: Type.Optional(AnsweredTime),
});

const GatewaySecret = object({
  ...(GatewaySchema.properties as Record<string, TSchema>),
  secret: Type.Optional(
    Type.String({ description: 'for the sign-in at the broker or over HTTP; of an HJ 212 logger its password (PW) and nothing else. Shown this once' }),
  ),
});

const CatalogueEntry = object({
  name: QuantitySchema,
  zh: text,
  en: text,
  unit: Type.String({ description: 'in which its readings are stored and answered' }),
  units: Type.Array(text, { description: 'units that a meter’s record may name for it; they are converted' }),
  kind: Type.Enum(['gauge', 'counter'], { description: 'a momentary value, or a register that only rises' }),
  range: object({ min: Type.Number(), max: Type.Number() }, 'what is physically possible; outside it a reading is flagged'),
  hj212: Type.Union([Type.String(), Type.Null()], { description: 'factor code of HJ 212-2017' }),
  dlt645: Type.Union([Type.String(), Type.Null()], { description: 'data identifier of DL/T 645-2007' }),
  obis: Type.Union([Type.String(), Type.Null()], { description: 'of IEC 62056-6-1' }),
});

const LatestValue = object({ quantity: QuantitySchema, unit: text, ts: AnsweredTime, value: Type.Number(), quality: QualitySchema });

const Point = object({
  ts: AnsweredTime,
  value: Type.Optional(Type.Number()),
  quality: Type.Optional(QualitySchema),
  count: Type.Optional(Type.Integer()),
  mean: Type.Optional(Type.Number()),
  min: Type.Optional(Type.Number()),
  max: Type.Optional(Type.Number()),
  last: Type.Optional(Type.Number()),
});

const Series = object({
  meter: MeterIdSchema,
  quantity: QuantitySchema,
  unit: text,
  from: AnsweredTime,
  to: AnsweredTime,
  step: Type.Union([Type.Literal('raw'), Type.Integer()], { description: 'raw, or the step in seconds; ts is then its first instant' }),
  aggregate: nullable(text),
  items: Type.Array(Point),
  next: Type.Union([Type.String(), Type.Null()], { description: '`from` of the next page of raw readings' }),
});

const Alert = object({
  id: text,
  park: ParkIdSchema,
  enterprise: nullable(EnterpriseIdSchema),
  meter: nullable(MeterIdSchema),
  rule: text,
  ruleType: Type.Enum(['limit', 'entry', 'cap']),
  name: text,
  nameEn: Type.Optional(text),
  level: Type.Enum(LEVELS),
  state: Type.Enum(['firing', 'acknowledged', 'resolved']),
  since: AnsweredTime,
  until: nullable(AnsweredTime),
  raisedAt: AnsweredTime,
  quantity: Type.Optional(QuantitySchema),
  value: Type.Number({ description: 'what was judged when it fired' }),
  bound: Type.Number(),
  peak: Type.Number({ description: 'the worst value so far' }),
  unit: text,
  stage: nullable(Type.Number()),
  periodStart: nullable(AnsweredTime),
  acknowledgedBy: nullable(text),
  acknowledgedAt: nullable(AnsweredTime),
  shelvedUntil: nullable(AnsweredTime),
  shelvedBy: nullable(text),
  shelvedReason: nullable(text),
});

const UsageFigure = object({
  from: AnsweredTime,
  to: AnsweredTime,
  carrier: Type.Enum(CARRIERS),
  flow: Type.Enum(FLOWS),
  enterprise: nullable(EnterpriseIdSchema),
  meter: nullable(MeterIdSchema),
  amount: Type.Number(),
  unit: text,
  estimated: Type.Boolean({ description: 'a gap was shared out, a register fell, or the period still runs' }),
});

const BalanceFigure = object({
  carrier: Type.Enum(CARRIERS),
  unit: text,
  from: AnsweredTime,
  to: AnsweredTime,
  in: Type.Number({ description: 'what the meter took in, with what was made below it' }),
  out: Type.Number({ description: 'what the meters right below it took, with what it gave back' }),
  remainder: Type.Number({ description: 'in - out' }),
  is: Type.Enum([...REMAINDERS], {
    description:
      'what the remainder is. unmetered: losses, and what has no meter of its own; balanced: within the tolerance; exceeded: the meters below show more than came in, which cannot be; unknown: a meter was not read, or the one above only once',
  }),
  tolerance: Type.Number({ description: 'a share, 0 to 1, of what came in or went out' }),
  parts: Type.Array(
    object({
      meter: MeterIdSchema,
      flow: Type.Enum(FLOWS),
      side: Type.Enum(['in', 'out']),
      amount: Type.Number(),
      estimated: Type.Boolean({ description: 'a gap was shared out, a register fell, or the meter was not read over the whole span' }),
    }),
  ),
  unread: Type.Array(MeterIdSchema, { description: 'meters that belong to it and have no reading from `from` to `to`' }),
});

const Factor = object({ name: text, value: Type.Number(), unit: text, source: text, year: Type.Integer(), confidence: text });

const CarbonFigure = object({
  from: AnsweredTime,
  to: AnsweredTime,
  enterprise: nullable(EnterpriseIdSchema),
  meter: nullable(MeterIdSchema),
  kg: Type.Union([Type.Number(), Type.Null()], { description: 'kilograms of CO₂; null where nothing that was consumed has a factor' }),
  estimated: Type.Boolean(),
  factors: Type.Array(Factor),
  without: Type.Array(Type.Enum(CARRIERS), { description: 'carriers consumed that have no factor: missing from the figure' }),
});

const AirReport = object({
  meter: MeterIdSchema,
  at: AnsweredTime,
  standard: text,
  aqi: nullable(Type.Number()),
  level: nullable(Type.Integer({ minimum: 1, maximum: 6 })),
  primary: Type.Array(QuantitySchema),
  items: Type.Array(object({ quantity: QuantitySchema, unit: text, mean: Type.Number(), iaqi: nullable(Type.Number()) })),
});

const HourlyMean = object({
  meter: MeterIdSchema,
  quantity: QuantitySchema,
  unit: text,
  from: AnsweredTime,
  to: AnsweredTime,
  mean: nullable(Type.Number()),
  minutes: Type.Integer({ minimum: 0, maximum: 60 }),
  valid: Type.Boolean(),
});

const Environment = object({
  air: Type.Array(AirReport, { description: 'real-time report of each ambient station' }),
  items: Type.Array(HourlyMean, { description: 'hourly means, in order of time' }),
  next: Type.Null(),
});

const Assessment = object({
  application: RecordIdSchema,
  profile: RecordIdSchema,
  version: Type.Integer(),
  outcome: Type.Enum(['met', 'conditional', 'refused']),
  criteria: Type.Array(
    object({
      criterion: RecordIdSchema,
      name: text,
      unit: text,
      side: Type.Enum(['at-most', 'at-least']),
      threshold: Type.Number(),
      mandatory: Type.Boolean(),
      declared: nullable(Type.Number()),
      met: Type.Boolean(),
    }),
  ),
});

const Revision = object({
  value: Type.Number(),
  quality: QualitySchema,
  correction: nullable(object({ author: text, reason: text, at: AnsweredTime })),
});

const RegisterChange = object({
  number: Type.Integer(),
  quantity: QuantitySchema,
  at: AnsweredTime,
  kind: Type.Enum(REGISTER_CHANGES),
  width: Type.Optional(Type.Number()),
  closing: Type.Optional(Type.Number()),
  opening: Type.Optional(Type.Number()),
  unit: text,
  author: text,
  reason: text,
  notedAt: AnsweredTime,
});

const AuditEntry = object({
  id: Type.Integer(),
  at: AnsweredTime,
  actor: text,
  action: text,
  park: nullable(ParkIdSchema),
  subject: text,
  subjectId: text,
  before: Type.Unknown(),
  after: Type.Unknown(),
});

const letter = {
  id: Type.Integer(),
  receivedAt: AnsweredTime,
  transport: text,
  topic: text,
  isRetained: Type.Boolean({ description: 'the broker had kept the message: without a time of its own nobody knows how old its values are' }),
  gateway: nullable(text),
  park: nullable(ParkIdSchema),
  meter: nullable(MeterIdSchema),
  reason: text,
  detail: text,
  payloadLength: Type.Integer({ description: 'bytes that came' }),
  keptLength: Type.Integer({ description: 'bytes of them that were kept; fewer where the message was cut, which then cannot be tried again' }),
  attempts: Type.Integer({ description: 'how often it was tried again in vain; reason and detail are those of the last time' }),
  replayedAt: Type.Union([AnsweredTime, Type.Null()], { description: 'when it was tried again with success; null while it waits' }),
};
const DeadLetter = object(letter);
const DeadLetterWhole = object({ ...letter, payload: Type.String({ description: 'the original bytes in base64, as far as they were kept' }) });

const count = Type.Integer({ minimum: 0 });
const Pushed = object({
  items: Type.Array(
    object({
      index: Type.Integer({ description: 'place in what was sent' }),
      meter: nullable(text),
      outcome: Type.Enum(['accepted', 'partly', 'refused', 'duplicate']),
      refusals: Type.Array(object({ reason: text, detail: text, count })),
    }),
  ),
  accepted: Type.Integer({ minimum: 0, description: 'items of which something was kept' }),
  refused: Type.Integer({ minimum: 0, description: 'items of which nothing was kept' }),
  duplicates: Type.Integer({ minimum: 0, description: 'items that were stored before' }),
});
const report = {
  letters: Type.Integer({ description: 'letters that were asked for' }),
  messages: Type.Integer({ description: 'one message may have made several letters: it is tried once' }),
  accepted: Type.Integer({ description: 'messages in which nothing is refused any more' }),
  partly: count,
  refused: count,
  leftOut: Type.Integer({
    description: 'messages of which nothing would be kept, as a mapping leaves out all that is in them; their letters stay as they are',
  }),
  cut: Type.Integer({ description: 'letters that cannot be tried: their payload was cut when it was kept' }),
  notOriginal: Type.Integer({ description: 'letters that cannot be tried: they are not the message that came' }),
  already: Type.Integer({ description: 'letters that had been replayed before' }),
  failed: Type.Integer({ description: 'messages that ingest could not take now' }),
};
const Replay = object(report);
const Replayed = object({ ...report, next: Type.Union([Type.String(), Type.Null()], { description: 'cursor of the letters after these; null at the end' }) });
const UnknownMeter = object({
  kind: Type.Enum(['meter', 'device', 'logger'], {
    description:
      'a meter reports under an id; a device under a name that is none, which a mapping found; a logger of HJ 212 under a number (MN) that no gateway has',
  }),
  meter: Type.String({ description: 'the id, the name as sent, or the number' }),
  mapping: Type.Optional(Type.String({ description: 'of a device: the mapping that would say which meter it is' })),
  suggestedId: Type.Optional(Type.String({ description: 'of a device that of its meter, of a logger that of its gateway' })),
  park: nullable(text),
  firstSeen: AnsweredTime,
  lastSeen: AnsweredTime,
  count: Type.Integer(),
  topics: Type.Array(text),
  transport: text,
  gateway: nullable(text),
  payload: Type.String({ description: 'the last message in base64, as far as it was kept' }),
  payloadText: Type.Union([text, Type.Null()], { description: 'the same as text, where it is whole and UTF-8' }),
  payloadLength: count,
  suggested: Type.Array(object({ name: text, quantity: Type.Union([QuantitySchema, Type.Null()]) })),
  suggestedKind: nullable(text),
});
const RegisteredUnknown = object({ meter: MeterSchema, replay: Replay });
const RegisteredLogger = object({ gateway: GatewaySchema, meter: MeterSchema, replay: Replay });

const perMinute = Type.Number({ description: 'over the last five minutes' });
const IngestState = object({
  full: Type.Boolean({ description: 'senders wait, as too much is not committed or neither the store nor the spool takes anything' }),
  messages: object(
    { accepted: count, partly: count, refused: count, duplicate: count, leftOut: count, failed: count },
    'ended since the start; leftOut: understood, and nothing of it kept, as a mapping leaves out all that is in it',
  ),
  readings: object({ fresh: count, late: count, duplicate: count }),
  flagged: Type.Record(text, count, { description: 'readings stored with a flag, by quality' }),
  rejects: Type.Record(text, count, { description: 'values or messages refused, by reason' }),
  retries: object({ store: count, deadLetters: count }),
  messagesPerMinute: perMinute,
  pending: object({ messages: count, readings: count, decoding: count, deadLetters: count, deadLetterBytes: count }, 'not committed, by where it waits'),
  bounds: object({ messages: count, readings: count, deadLetterBytes: count }, 'at which of it senders are held back'),
  oldestUnacknowledgedSeconds: Type.Number({ description: 'how long the oldest message has waited for its acknowledgement; 0 when none waits' }),
  lastCommitAt: nullable(AnsweredTime),
  stages: Type.Array(
    object({
      stage: Type.Enum(STAGES),
      seconds: Type.Number({ description: 'time that it has worked since the start' }),
      items: Type.Integer({ minimum: 0, description: 'messages (decode, validate) or readings since the start' }),
      itemsPerMinute: perMinute,
      busy: Type.Number({ description: 'share of the last five minutes in which it worked' }),
    }),
  ),
  spool: nullable(
    object({
      readings: count,
      bytes: count,
      limitBytes: count,
      oldestTs: Type.Union([AnsweredTime, Type.Null()], { description: 'time of measurement of the oldest that waits' }),
      refusal: Type.Union([text, Type.Null()], { description: 'why it takes no more' }),
    }),
  ),
});
const GatewayStanding = object({
  gateway: Type.Union([text, Type.Null()], { description: 'null: everything that no registered gateway has vouched for' }),
  park: nullable(ParkIdSchema),
  name: nullable(text),
  state: Type.Enum(GATEWAY_STATES, {
    description:
      'worst first. silent: nothing came for three of its meters’ shortest interval; held: made to wait within a minute; refused: something of it was within five; offline: its connection is gone; unused: nothing came and no meter names it',
  }),
  transport: nullable(text),
  connected: Type.Union([Type.Boolean(), Type.Null()], { description: 'null where nobody knows' }),
  lastSeen: nullable(AnsweredTime),
  silentAfterSeconds: Type.Union([Type.Integer(), Type.Null()], { description: 'null where no meter says how often a message is due' }),
  messages: count,
  readings: count,
  bytes: count,
  refused: Type.Integer({ minimum: 0, description: 'values, or messages where it never came to values' }),
  leftOut: Type.Integer({ minimum: 0, description: 'messages of which nothing was kept, as the mapping leaves out all that is in them' }),
  held: Type.Integer({ minimum: 0, description: 'times that it was made to wait' }),
  tolerated: Type.Integer({ minimum: 0, description: 'HJ 212 frames with a wrong CRC or length that were taken, as its link says' }),
  messagesPerMinute: perMinute,
  refusedLately: Type.Integer({ minimum: 0, description: 'in the last five minutes' }),
  heldLately: Type.Integer({ minimum: 0, description: 'in the last minute' }),
});
const LeftOut = object({
  park: Type.Union([ParkIdSchema, Type.Null()], { description: 'null where several parks map the topic, and nobody knows whose the message is' }),
  mapping: RecordIdSchema,
  kind: Type.Enum(LEFT_OUT_KINDS, {
    description:
      'nothing-mapped: a meter’s values at one time, of which the mapping knows not one name; not-taken: a message of its topics for which no `when` is true; not-mapped: a name that it does not know; nothing-measured: a meter’s values at one time, of which those with a known name are all null or missing; no-value: a known name whose value is',
  }),
  name: Type.Union([text, Type.Null()], { description: 'as the message writes it; null where the kind is of all that a meter or a topic sent' }),
  meter: Type.Union([text, Type.Null()], { description: 'the last one, as the mapping found it; null where it did not come to that' }),
  topic: Type.String({ description: 'the last one' }),
  count,
  firstSeen: AnsweredTime,
  lastSeen: AnsweredTime,
  sample: Type.String({ description: 'the beginning of a value of the last ten seconds in which it was seen' }),
  suggested: Type.Union([QuantitySchema, Type.Null()], { description: 'the quantity that is probably meant, by its name' }),
  isRegistered: Type.Union([Type.Boolean(), Type.Null()], { description: 'is the meter; null where there is none' }),
  lastReading: Type.Union([AnsweredTime, Type.Null()], {
    description: 'time of measurement of the newest reading of the meter; null: nothing of it is stored',
  }),
});

// The parts of a snapshot are described once for everybody in model/live.ts; here only what it is made of.
const ParkState = Type.Object(
  {
    seq: Type.Integer(),
    at: Type.Integer(),
    park: Type.Object({ id: ParkIdSchema }),
    enterprise: nullable(EnterpriseIdSchema),
    enterprises: Type.Array(Type.Object({ id: EnterpriseIdSchema })),
    meters: Type.Array(Type.Object({ id: MeterIdSchema })),
    alerts: Type.Array(Type.Object({ id: text })),
    figures: Type.Object({}),
  },
  { description: 'The live snapshot, the same that the socket sends; its times are milliseconds since 1970 UTC' },
);

const Readiness = object({ ready: Type.Boolean(), parts: Type.Array(object({ part: text, ready: Type.Boolean(), detail: Type.Optional(text) })) });

const Problem = object({
  type: text,
  title: text,
  status: Type.Integer(),
  detail: text,
  code: Type.String({ description: 'stable; what programs should look at' }),
  retryable: Type.Boolean(),
  faults: Type.Array(object({ path: text, message: text })),
  requestId: text,
});

/** What the document names once and refers to. */
export const SCHEMAS = {
  Park: ParkSchema,
  Enterprise: EnterpriseSchema,
  Meter: MeterSchema,
  Gateway: GatewaySchema,
  GatewaySecret,
  Rule: RuleSchema,
  Cap: CapSchema,
  EntryProfile: EntryProfileSchema,
  Application: ApplicationSchema,
  Mapping: MappingSchema,
  ShippedMapping: ShippedMappingSchema,
  TriedMapping: TriedSchema,
  Assessment,
  Session,
  CatalogueEntry,
  LatestValue,
  Series,
  Alert,
  UsageFigure,
  BalanceFigure,
  CarbonFigure,
  Environment,
  Revision,
  RegisterChange,
  AuditEntry,
  DeadLetter,
  DeadLetterWhole,
  Pushed,
  Replayed,
  UnknownMeter,
  RegisteredUnknown,
  RegisteredLogger,
  IngestState,
  GatewayStanding,
  LeftOut,
  ParkState,
  Readiness,
  Problem,
} as const satisfies Readonly<Record<string, TSchema>>;

export const PARAMS = {
  park: ParkIdSchema,
  enterprise: EnterpriseIdSchema,
  meter: MeterIdSchema,
  gateway: GatewayIdSchema,
  record: RecordIdSchema,
} as const;

/** A data logger leaves no choice of a longer one. */
export const LoggerPassword = Type.String({
  pattern: '^[A-Za-z0-9]{6,32}$',
  'x-form': '6 to 32 letters and digits',
  description: 'PW of the logger: 6 to 32 letters and digits',
});

/** A closed object of path parameters or of a query. */
export const shape = <P extends Record<string, TSchema>>(properties: P) => Type.Object(properties, closed);
