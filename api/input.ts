import Type, { type Static, type TSchema } from 'typebox';
import { type Fault, GreenparkError } from '../model/errors.ts';
import { checkOf } from '../model/schema.ts';

type Json = { [key: string]: unknown };

/**
 * What may be sent for a record of this schema: the keys in `known` (they stand in the path) and all keys with a default may be left out,
 * at every depth. A union of records that have a `type` is told apart by it, so that faults are those of the one that was meant.
 */
export function inputSchema(schema: TSchema, known: readonly string[]): TSchema {
  return Type.Unsafe<Json>(relaxed(JSON.parse(JSON.stringify(schema)) as Json, known));
}

function relaxed(schema: Json, known: readonly string[]): Json {
  if (Array.isArray(schema['anyOf']) && schema['anyOf'].every((branch: Json) => typeOf(branch) !== undefined)) {
    const { anyOf, ...rest } = schema;
    const oneOf = (anyOf as Json[]).map((branch) => relaxed(branch, known));
    const properties = { type: { enum: (anyOf as Json[]).map(typeOf) } };
    return { ...rest, type: 'object', properties, required: ['type'], discriminator: { propertyName: 'type' }, oneOf };
  }
  const made: Json = { ...schema };
  if (Array.isArray(made['anyOf'])) made['anyOf'] = (made['anyOf'] as Json[]).map((branch) => relaxed(branch, []));
  if (isObject(made['items'])) made['items'] = relaxed(made['items'], []);
  if (isObject(made['properties'])) {
    const properties = made['properties'] as Record<string, Json>;
    made['properties'] = Object.fromEntries(Object.entries(properties).map(([key, property]) => [key, relaxed(property, [])]));
    const required = ((made['required'] ?? []) as string[]).filter((key) => !known.includes(key) && properties[key]?.['default'] === undefined);
    if (required.length > 0) made['required'] = required;
    else delete made['required'];
  }
  return made;
}

/** The record that a checked input stands for: defaults filled in, ids from the path. A differing id in the body is a fault. */
export function recordOf<S extends TSchema>(schema: S, ids: Readonly<Record<string, string>>): (input: unknown) => Static<S> {
  const check = checkOf(schema);
  return (input) => {
    const record = withDefaults(schema as unknown as Json, input) as Json;
    const faults: Fault[] = [];
    for (const [key, id] of Object.entries(ids)) {
      if (record[key] !== undefined && record[key] !== id) faults.push({ path: `body.${key}`, message: `must be "${id}", as in the path, or be left out` });
      record[key] = id;
    }
    if (faults.length === 0) faults.push(...check(record).map(({ path, message }) => ({ path: path === '' ? 'body' : `body.${path}`, message })));
    if (faults.length > 0) throw invalidRequest(faults);
    return record as Static<S>;
  };
}

function withDefaults(schema: Json, value: unknown): unknown {
  if (Array.isArray(value)) return isObject(schema['items']) ? value.map((item) => withDefaults(schema['items'] as Json, item)) : value;
  if (!isObject(value)) return value;
  const branch = Array.isArray(schema['anyOf'])
    ? (schema['anyOf'] as Json[]).find((one) => typeOf(one) !== undefined && typeOf(one) === value['type'])
    : schema;
  const properties = branch?.['properties'];
  if (!isObject(properties)) return value;
  const made: Json = { ...value };
  for (const [key, property] of Object.entries(properties as Record<string, Json>)) {
    if (made[key] === undefined && property['default'] !== undefined) made[key] = structuredClone(property['default']);
    else if (made[key] !== undefined) made[key] = withDefaults(property, made[key]);
  }
  return made;
}

/** The constant that a branch of a union wants under `type`. */
function typeOf(branch: Json): unknown {
  const properties = branch['properties'];
  return isObject(properties) && isObject(properties['type']) ? properties['type']['const'] : undefined;
}

/** Query values are text: those that the schema wants as numbers are made numbers, where they are. A name that stands twice is a fault. */
export function queryOf(schema: TSchema, search: URLSearchParams): { readonly value: Json; readonly faults: readonly Fault[] } {
  const properties = ((schema as unknown as Json)['properties'] ?? {}) as Record<string, Json | undefined>;
  const value: Json = {};
  const faults: Fault[] = [];
  for (const key of new Set(search.keys())) {
    const [text = '', ...more] = search.getAll(key);
    if (more.length > 0) faults.push({ path: `query.${key}`, message: 'may stand only once' });
    const wanted = properties[key]?.['type'];
    value[key] = (wanted === 'integer' || wanted === 'number') && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  }
  return { value, faults };
}

/** A request with all its faults; each path begins with `path`, `query` or `body`. */
export function invalidRequest(faults: readonly Fault[]): GreenparkError {
  const list = faults.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return new GreenparkError('INPUT_INVALID', `the request is not valid: ${list}`, { faults });
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
