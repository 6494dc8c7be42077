import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import Type, { type Static, type TSchema } from 'typebox';
import { LineCounter, parseDocument } from 'yaml';
import { type Fault, GreenparkError } from './model/errors.ts';
import { ParkIdSchema } from './model/ids.ts';
import { checkOf } from './model/schema.ts';

const closed = { additionalProperties: false } as const;
const Port = (description: string, fallback?: number) =>
  Type.Integer({ minimum: 0, maximum: 65535, description, ...(fallback === undefined ? {} : { default: fallback }) });
const Text = (description: string) => Type.String({ minLength: 1, maxLength: 2000, description });
/** Shown as `***` wherever a configuration is printed. */
const Secret = (description: string) => Type.String({ minLength: 1, maxLength: 2000, description, 'x-secret': true });

const TlsFiles = (what: string, ca: string) =>
  Type.Object(
    {
      cert: Type.Optional(Text(`${what}: file with the certificate and those between it and its authority, PEM`)),
      key: Type.Optional(Text(`${what}: file with the certificate's private key, PEM`)),
      ca: Type.Optional(Text(ca)),
    },
    { ...closed, default: {} },
  );

/** The whole configuration, as the file `greenpark.yaml` holds it. docs/configuration.md is written from this schema. */
export const ConfigSchema = Type.Object(
  {
    dataDir: Type.String({ minLength: 1, default: './data', description: 'everything embedded lives here' }),
    http: Type.Object(
      {
        port: Port('API, dashboard and socket; 0 takes a free port and prints it', 8080),
        host: Type.String({ minLength: 1, default: '0.0.0.0', description: 'address to listen on' }),
        trustProxy: Type.Boolean({ default: false, description: 'believe X-Forwarded-* of a reverse proxy in front' }),
        tls: TlsFiles('HTTPS', 'file with the authorities of client certificates, which HTTPS clients must then show, PEM'),
      },
      { ...closed, default: {} },
    ),
    mqtt: Type.Object(
      {
        url: Type.Optional(Type.String({ pattern: '^(mqtt|mqtts|tcp|ws|wss)://', description: 'external broker; unset starts the embedded one' })),
        username: Type.Optional(Text('user name at the external broker')),
        password: Type.Optional(Secret('password at the external broker')),
        clientId: Type.String({
          pattern: '^[A-Za-z0-9_.-]{1,64}$',
          default: 'greenpark-ingest',
          description: 'stable, as the broker keeps the session under it',
        }),
        protocolVersion: Type.Enum([4, 5], { default: 5, description: 'MQTT version spoken with the external broker: 4 is 3.1.1' }),
        port: Port('port of the embedded broker; 0 takes a free port and prints it', 1883),
        host: Type.String({ minLength: 1, default: '0.0.0.0', description: 'address the embedded broker listens on' }),
        maxPacketBytes: Type.Integer({ minimum: 1024, maximum: 268435455, default: 1_048_576, description: 'largest message taken, in bytes' }),
        messagesPerSecond: Type.Integer({
          minimum: 1,
          maximum: 1_000_000,
          default: 5000,
          description: 'what one gateway may send the embedded broker; faster ones wait',
        }),
        bytesPerSecond: Type.Integer({ minimum: 1024, maximum: 1_000_000_000, default: 10_000_000, description: 'the same in bytes of topic and payload' }),
        maxConnections: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 10_000, description: 'open connections of the embedded broker' }),
        tls: TlsFiles('MQTT', "file with the authorities that sign the external broker's certificate, PEM; unset: those of Node.js"),
      },
      { ...closed, default: {} },
    ),
    hj212: Type.Object(
      {
        port: Type.Optional(Port('HJ 212 data loggers report here over TCP; 0 takes a free port and prints it; unset: off')),
        host: Type.String({ minLength: 1, default: '0.0.0.0', description: 'address to listen on for HJ 212' }),
        maxConnections: Type.Integer({ minimum: 1, maximum: 100_000, default: 2000, description: 'HJ 212 connections at once' }),
        idleSeconds: Type.Integer({
          minimum: 10,
          maximum: 86_400,
          default: 3900,
          description: 'an HJ 212 connection without a frame for so long is closed, in seconds',
        }),
        tls: TlsFiles('HJ 212', 'file with the authorities of the loggers’ own certificates, which they must then show, PEM'),
      },
      { ...closed, default: {} },
    ),
    sparkplug: Type.Object(
      {
        hostId: Type.Optional(
          Type.String({
            pattern: '^[^+/#]{1,128}$',
            description: 'name of this host for Sparkplug B edge nodes, which they name as their primary host; unset: off',
          }),
        ),
        clientId: Type.String({
          pattern: '^[A-Za-z0-9_.-]{1,64}$',
          default: 'greenpark-sparkplug',
          description: "client id of the host's own connection to the external broker",
        }),
      },
      { ...closed, default: {} },
    ),
    influx: Type.Object(
      {
        url: Type.Optional(Type.String({ pattern: '^https?://', description: 'InfluxDB; unset uses the embedded store' })),
        token: Type.Optional(Secret('API token; for version 1 user:password')),
        org: Type.Optional(Text('organisation (version 2)')),
        bucket: Type.String({ minLength: 1, default: 'greenpark', description: 'bucket, or database for versions 1 and 3' }),
        version: Type.Enum([1, 2, 3], { default: 2, description: 'generation of the server; on 1 the database is created when it is missing' }),
      },
      { ...closed, default: {} },
    ),
    store: Type.Object(
      {
        memoryLimitMb: Type.Integer({ minimum: 128, maximum: 1_048_576, default: 512, description: 'memory the embedded store may use, in MB' }),
        threads: Type.Optional(Type.Integer({ minimum: 1, maximum: 64, description: 'threads of the embedded store; unset: half of the cores' })),
      },
      { ...closed, default: {} },
    ),
    ingest: Type.Object(
      {
        parks: Type.Optional(
          Type.Array(ParkIdSchema, {
            minItems: 1,
            uniqueItems: true,
            description: 'parks that this process takes, where several share one broker and one store; unset: every park of its registry',
          }),
        ),
        farPastDays: Type.Integer({
          minimum: 1,
          maximum: 36_500,
          default: 400,
          description: 'readings older than this on arrival, in days, are flagged `clock` unless they are marked as backfill',
        }),
        clockToleranceSeconds: Type.Integer({
          minimum: 0,
          maximum: 86_400,
          default: 300,
          description: 'readings further in the future than this, in seconds, are flagged `clock`',
        }),
        clockSkewSeconds: Type.Integer({
          minimum: 0,
          maximum: 86_400,
          default: 1800,
          description: 'how far in the future a reading may stand, in seconds; beyond it it is refused',
        }),
        maxPendingReadings: Type.Integer({
          minimum: 1000,
          maximum: 100_000_000,
          default: 1_000_000,
          description: 'readings not yet committed before the broker is held back',
        }),
        lingerMs: Type.Integer({
          minimum: 0,
          maximum: 10_000,
          default: 20,
          description: 'how long a write waits for company while messages keep coming, in ms',
        }),
        spoolLimitMb: Type.Integer({
          minimum: 0,
          maximum: 1_048_576,
          default: 1024,
          description: 'disk for readings that wait while the store is away, in MB; 0: none, and the senders wait',
        }),
        deadLetters: Type.Integer({ minimum: 100, maximum: 10_000_000, default: 100_000, description: 'refused messages kept; beyond it the oldest go' }),
        deadLetterMb: Type.Integer({
          minimum: 16,
          maximum: 1_048_576,
          default: 256,
          description: 'disk for their payloads, in MB; beyond it the oldest go',
        }),
      },
      { ...closed, default: {} },
    ),
    adminPassword: Type.Optional(
      Type.String({
        minLength: 10,
        maxLength: 200,
        description: "the first administrator's password; unset: made at first start and shown once",
        'x-secret': true,
      }),
    ),
    demo: Type.Boolean({ default: false, description: 'run the demonstration park with simulated meters' }),
    logLevel: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent'], { default: 'info', description: 'what is written to the log' }),
  },
  closed,
);

export type Config = Static<typeof ConfigSchema>;

/** Environment variables and the key each stands for; a variable wins over the file. */
export const ENVIRONMENT = {
  GREENPARK_DATA_DIR: ['dataDir'],
  GREENPARK_HTTP_PORT: ['http', 'port'],
  GREENPARK_HTTP_HOST: ['http', 'host'],
  GREENPARK_MQTT_URL: ['mqtt', 'url'],
  GREENPARK_MQTT_USERNAME: ['mqtt', 'username'],
  GREENPARK_MQTT_PASSWORD: ['mqtt', 'password'],
  GREENPARK_MQTT_CLIENT_ID: ['mqtt', 'clientId'],
  GREENPARK_MQTT_PORT: ['mqtt', 'port'],
  GREENPARK_MQTT_HOST: ['mqtt', 'host'],
  GREENPARK_HJ212_PORT: ['hj212', 'port'],
  GREENPARK_HJ212_HOST: ['hj212', 'host'],
  GREENPARK_SPARKPLUG_HOST_ID: ['sparkplug', 'hostId'],
  GREENPARK_INFLUX_URL: ['influx', 'url'],
  GREENPARK_INFLUX_TOKEN: ['influx', 'token'],
  GREENPARK_INFLUX_ORG: ['influx', 'org'],
  GREENPARK_INFLUX_BUCKET: ['influx', 'bucket'],
  GREENPARK_INFLUX_VERSION: ['influx', 'version'],
  GREENPARK_INGEST_PARKS: ['ingest', 'parks'],
  GREENPARK_ADMIN_PASSWORD: ['adminPassword'],
  GREENPARK_DEMO: ['demo'],
  GREENPARK_LOG_LEVEL: ['logLevel'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Read elsewhere than from the table above: where the configuration is, and what \`greenpark dead-letters\` takes from whoever calls it. */
const OTHER_VARIABLES: readonly string[] = ['GREENPARK_CONFIG', 'GREENPARK_URL', 'GREENPARK_TOKEN'];

type Tree = { [key: string]: unknown };

const checkConfig = checkOf(ConfigSchema);

/**
 * Reads the file named by GREENPARK_CONFIG (or `greenpark.yaml` in the working folder, where there is one) and the environment,
 * and checks the whole. Opens nothing else.
 *
 * @throws GreenparkError `CONFIG_INVALID` that lists every fault with its path (or variable) and what was expected.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const faults: Fault[] = [];
  const tree = readFile(env, faults);
  const variableOf = new Map<string, string>();
  for (const [variable, path] of Object.entries(ENVIRONMENT)) {
    const text = env[variable];
    if (text === undefined || text === '') continue;
    place(tree, path, coerce(text, schemaAt(path)));
    variableOf.set(path.join('.'), variable);
  }
  for (const name of Object.keys(env)) {
    if (name.startsWith('GREENPARK_') && !(name in ENVIRONMENT) && !OTHER_VARIABLES.includes(name)) {
      faults.push({ path: name, message: 'is not a variable that Greenpark knows' });
    }
  }
  const config = withDefaults(ConfigSchema, tree);
  faults.push(...sharedNameFaults(tree));
  for (const fault of checkConfig(config)) faults.push({ path: variableOf.get(fault.path) ?? fault.path, message: fault.message });
  if (faults.length > 0) {
    const list = faults.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
    throw new GreenparkError('CONFIG_INVALID', `configuration is not valid: ${list}`, { faults });
  }
  return freeze(config) as Config;
}

/** The configuration as text that may be printed: one `path = value` a line, secrets as `***`. */
export function describeConfig(config: Config): string {
  return lines(ConfigSchema, config as unknown as Tree, []).join('\n');
}

function readFile(env: Readonly<Record<string, string | undefined>>, faults: Fault[]): Tree {
  const named = env['GREENPARK_CONFIG'];
  const file = resolve(named ?? 'greenpark.yaml');
  if (!existsSync(file)) {
    if (named !== undefined) faults.push({ path: 'GREENPARK_CONFIG', message: `there is no file ${file}` });
    return {};
  }
  const lineCounter = new LineCounter();
  const document = parseDocument(readFileSync(file, 'utf8'), { lineCounter });
  for (const error of document.errors) {
    const at = lineCounter.linePos(error.pos[0]);
    faults.push({ path: `${file}:${at.line}:${at.col}`, message: error.message.split('\n')[0] ?? 'is not YAML' });
  }
  if (document.errors.length > 0) return {};
  const content: unknown = document.toJS() ?? {};
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content as Tree;
  faults.push({ path: file, message: 'must hold keys and values' });
  return {};
}

function schemaAt(path: readonly string[]): TSchema {
  let schema: TSchema = ConfigSchema;
  for (const key of path) schema = (schema as { properties: Record<string, TSchema> }).properties[key] as TSchema;
  return schema;
}

/** Two processes under one name would throw each other out of the broker: who takes some parks alone is told apart from the others. */
function sharedNameFaults(tree: Tree): Fault[] {
  const given = (path: readonly [string, string]) => (tree[path[0]] as Tree | undefined)?.[path[1]] !== undefined;
  if (!given(['ingest', 'parks']) || !given(['mqtt', 'url'])) return [];
  const missing = 'must be given where ingest.parks is: a name of its own for each process at the broker';
  return [
    ...(given(['mqtt', 'clientId']) ? [] : [{ path: 'mqtt.clientId', message: missing }]),
    ...(given(['sparkplug', 'hostId']) && !given(['sparkplug', 'clientId']) ? [{ path: 'sparkplug.clientId', message: missing }] : []),
  ];
}

/** A variable is text: read as the number, truth value or list (between commas) that its key wants; what does not read stays text for the check to name. */
function coerce(text: string, schema: TSchema): unknown {
  const { type, enum: list } = schema as { type?: string; enum?: readonly unknown[] };
  if (type === 'integer' || (list !== undefined && typeof list[0] === 'number')) return /^-?\d+$/.test(text) ? Number(text) : text;
  if (type === 'array') return text.split(',').map((item) => item.trim());
  if (type === 'boolean') return text === '1' || text === 'true' ? true : text === '0' || text === 'false' ? false : text;
  return text;
}

function place(tree: Tree, path: readonly string[], value: unknown): void {
  let at = tree;
  for (const key of path.slice(0, -1)) {
    const next = at[key];
    if (typeof next !== 'object' || next === null) at[key] = {};
    at = at[key] as Tree;
  }
  at[path.at(-1) as string] = value;
}

function withDefaults(schema: TSchema, value: unknown): unknown {
  const { properties } = schema as { properties?: Record<string, TSchema> };
  if (properties === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const filled: Tree = { ...(value as Tree) };
  for (const [key, child] of Object.entries(properties)) {
    const { default: fallback } = child as { default?: unknown };
    if (filled[key] === undefined || (filled[key] === null && 'properties' in child)) {
      if (fallback === undefined) delete filled[key];
      else filled[key] = fallback;
    }
    if (key in filled) filled[key] = withDefaults(child, filled[key]);
  }
  return filled;
}

function freeze(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) {
    for (const child of Object.values(value)) freeze(child);
    Object.freeze(value);
  }
  return value;
}

function lines(schema: TSchema, value: Tree, path: readonly string[]): string[] {
  const { properties } = schema as { properties: Record<string, TSchema> };
  return Object.entries(properties).flatMap(([key, child]) => {
    const here = [...path, key];
    if ('properties' in child) return lines(child, value[key] as Tree, here);
    const shown = value[key] === undefined ? '(unset)' : 'x-secret' in child ? '***' : String(value[key]);
    return [`${here.join('.')} = ${shown}`];
  });
}
