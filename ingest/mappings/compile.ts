import type { Fault } from '../../model/errors.ts';
import { type FlagRule, type MappingBody, MappingBodySchema, type TimeRule, type ValueRule } from '../../model/mapping.ts';
import { ZONE_HELP } from '../../model/period.ts';
import { QUALITY, type QualityName } from '../../model/quality.ts';
import { findQuantity, type Quantity } from '../../model/quantities.ts';
import { checkOf, invalid } from '../../model/schema.ts';
import { type Conversion, conversion, unitsFor } from '../../model/units.ts';
import { isZone, WallClock } from '../recordings/zone.ts';
import { compileExpression, type Expression, ExpressionFault } from './expression.ts';
import { compileTime, type TimeReader } from './times.ts';
import { compileTopicFilter, type TopicFilter } from './topic-filter.ts';

export interface CompiledFlag {
  readonly from: Expression;
  readonly map: ReadonlyMap<string, number>;
}

export interface CompiledValue {
  readonly quantity: Quantity;
  /** Key in the mapping, for people. */
  readonly at: string;
  /** null where the value has its name from the message. */
  readonly from: Expression | null;
  /** To the catalogue's unit; null where the mapping names no unit. */
  readonly unit: Conversion | null;
  readonly scale: number;
  readonly offset: number;
  readonly map: ReadonlyMap<string, number> | null;
  readonly missing: ReadonlySet<string | number>;
  readonly flag: CompiledFlag | null;
}

/** A mapping with all its expressions ready to run. */
export interface CompiledMapping {
  readonly topics: readonly TopicFilter[];
  readonly except: readonly TopicFilter[];
  readonly payload: NonNullable<MappingBody['payload']>;
  readonly decimal: '.' | ',' | undefined;
  readonly when: Expression | null;
  readonly each: Expression | null;
  readonly meter: Expression;
  readonly meters: ReadonlyMap<string, string>;
  readonly time: { readonly from: Expression; readonly read: TimeReader; readonly required: boolean } | null;
  readonly backfill: Expression | null;
  readonly flag: CompiledFlag | null;
  readonly values: readonly CompiledValue[];
  readonly named: {
    readonly from: Expression;
    readonly names: ReadonlyMap<string, CompiledValue>;
    /** What a quantity of the catalogue means that has no name of its own. */
    readonly own: (name: string) => CompiledValue | undefined;
    readonly others: 'refuse' | 'ignore' | 'refuse-whole';
  } | null;
}

const check = checkOf(MappingBodySchema);
const NO_VALUE: ReadonlySet<string | number> = new Set(['']);

/** Faults of a mapping: those of its shape, then those of its expressions, topics, units, names and zone. None: it can be compiled. */
export function mappingFaults(body: unknown): readonly Fault[] {
  const shape = check(body);
  if (shape.length > 0) return shape;
  const faults: Fault[] = [];
  compiled(body as MappingBody, faults);
  return faults;
}

/** Throws INPUT_INVALID with every fault. */
export function compileMapping(body: MappingBody): CompiledMapping {
  const shape = check(body);
  if (shape.length > 0) throw invalid('mapping', shape);
  const faults: Fault[] = [];
  const made = compiled(body, faults);
  if (made === null || faults.length > 0) throw invalid('mapping', faults);
  return made;
}

function compiled(body: MappingBody, faults: Fault[]): CompiledMapping | null {
  const filters = (key: 'topics' | 'except'): TopicFilter[] =>
    (body[key] ?? []).flatMap((text, index) => {
      const filter = compileTopicFilter(text);
      if (typeof filter !== 'string') return filter;
      faults.push({ path: `${key}[${index}]`, message: filter });
      return [];
    });
  const [topics, except] = [filters('topics'), filters('except')];
  const zoned = body.zone === undefined || isZone(body.zone);
  if (!zoned) faults.push({ path: 'zone', message: `"${body.zone ?? ''}" is not a zone; expected an offset such as +08:00, or an IANA name, ${ZONE_HELP}` });
  const clock = body.zone !== undefined && zoned ? new WallClock(body.zone) : null;
  if (body.values === undefined && body.named === undefined) faults.push({ path: '', message: 'there is neither "values" nor "named": nothing would be read' });

  const expression = (text: string | undefined, path: string): Expression | null => {
    if (text === undefined) return null;
    try {
      return compileExpression(text);
    } catch (error) {
      if (!(error instanceof ExpressionFault)) throw error;
      faults.push({ path, message: `${error.message}${error.position === null ? '' : ` (at character ${error.position})`}` });
      return null;
    }
  };
  const flag = (rule: string | FlagRule | undefined, path: string): CompiledFlag | null => {
    if (rule === undefined) return null;
    const from = expression(typeof rule === 'string' ? rule : rule.from, typeof rule === 'string' ? path : `${path}.from`);
    const map = typeof rule === 'string' ? {} : (rule.map ?? {});
    return from === null ? null : { from, map: new Map(Object.entries(map).map(([key, name]) => [key, QUALITY[name as QualityName]])) };
  };
  const valueRule = (name: string, rule: Partial<ValueRule>, from: Expression | null, path: string): CompiledValue | null => {
    const quantity = findQuantity(name);
    if (quantity === undefined) {
      faults.push({ path, message: `"${name}" is not a quantity of the catalogue` });
      return null;
    }
    const unit = rule.unit === undefined ? null : conversion(rule.unit, quantity.unit);
    if (rule.unit !== undefined && unit === null) {
      const known = unitsFor(quantity.unit).join(', ');
      faults.push({ path: `${path}.unit`, message: `"${rule.unit}" cannot be converted to ${quantity.unit}; known are ${known}` });
    }
    return {
      ...{ quantity, at: path, from, unit, scale: rule.scale ?? 1, offset: rule.offset ?? 0 },
      map: rule.map === undefined ? null : new Map(Object.entries(rule.map)),
      missing: body.missing === undefined && rule.missing === undefined ? NO_VALUE : new Set(['', ...(body.missing ?? []), ...(rule.missing ?? [])]),
      flag: flag(rule.flag, `${path}.flag`),
    };
  };

  const meter = expression(body.meter, 'meter');
  const values: CompiledValue[] = [];
  for (const [name, rule] of Object.entries(body.values ?? {})) {
    const path = `values.${name}`;
    const given: ValueRule = typeof rule === 'string' ? { from: rule } : rule;
    const from = expression(given.from, typeof rule === 'string' ? path : `${path}.from`);
    const made = valueRule(name, given, from, path);
    if (made !== null) values.push(made);
  }
  const time = body.time === undefined ? null : timeOf(body.time, clock, expression, faults);
  const when = expression(body.when, 'when');
  const each = expression(body.each, 'each');
  const backfill = expression(body.backfill, 'backfill');
  const overall = flag(body.flag, 'flag');

  let named: CompiledMapping['named'] = null;
  if (body.named !== undefined) {
    const from = expression(body.named.from, 'named.from');
    const names = new Map<string, CompiledValue>();
    for (const [name, rule] of Object.entries(body.named.names ?? {})) {
      const given = typeof rule === 'string' ? { quantity: rule } : rule;
      const made = valueRule(given.quantity, given, null, `named.names.${name}`);
      if (made !== null) names.set(name, made);
    }
    const kept = new Map<string, CompiledValue | undefined>();
    const own = (name: string): CompiledValue | undefined => {
      if (findQuantity(name) === undefined) return undefined;
      if (!kept.has(name)) kept.set(name, valueRule(name, {}, null, `named.from.${name}`) ?? undefined);
      return kept.get(name);
    };
    if (from !== null) named = { from, names, own, others: body.named.others ?? 'refuse' };
  }
  if (meter === null) return null;
  return {
    ...{ topics, except, payload: body.payload ?? 'json', decimal: body.decimal, when, each, meter, time, backfill, flag: overall, values, named },
    meters: new Map(Object.entries(body.meters ?? {})),
  };
}

function timeOf(
  rule: string | TimeRule,
  clock: WallClock | null,
  expression: (text: string | undefined, path: string) => Expression | null,
  faults: Fault[],
): CompiledMapping['time'] {
  const given: TimeRule = typeof rule === 'string' ? { from: rule } : rule;
  const from = expression(given.from, typeof rule === 'string' ? 'time' : 'time.from');
  const read = compileTime(given.as ?? 'auto', clock);
  if (typeof read === 'string') {
    faults.push({ path: 'time.as', message: read });
    return null;
  }
  return from === null ? null : { from, read, required: given.required ?? false };
}
