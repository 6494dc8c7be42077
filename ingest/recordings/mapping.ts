import { createHash } from 'node:crypto';
import Type, { type Static } from 'typebox';
import { LineCounter, parseDocument } from 'yaml';
import { type Fault, GreenparkError } from '../../model/errors.ts';
import { MeterIdSchema, ParkIdSchema } from '../../model/ids.ts';
import { ZONE_HELP } from '../../model/period.ts';
import { findQuantity, QUANTITY_NAMES, type QuantityName } from '../../model/quantities.ts';
import { checkOf, invalid } from '../../model/schema.ts';
import { conversion, unitsFor } from '../../model/units.ts';
import { compileTimeFormat, FORMAT_HELP } from './time-format.ts';
import type { TimePlan } from './timeline.ts';
import { isZone } from './zone.ts';

const closed = { additionalProperties: false } as const;
const Column = Type.String({ maxLength: 200 });
const Missing = Type.Array(Type.Union([Type.String(), Type.Number()]), {
  description: 'cells that stand for "no value": a text is compared as it is written, a number as a number',
});

const UseSchema = Type.Object(
  {
    quantity: Type.Enum([...QUANTITY_NAMES], { description: 'name in the catalogue' }),
    unit: Type.Optional(Type.String({ description: 'unit in the file, converted to the catalogue’s; left out: the value passes as the meter sends it' })),
    meter: Type.Optional(MeterIdSchema),
    scale: Type.Optional(Type.Number({ description: 'cell × scale + offset is in `unit`; default 1' })),
    offset: Type.Optional(Type.Number()),
    missing: Type.Optional(Missing),
    words: Type.Optional(Type.Record(Type.String(), Type.Number(), { description: 'cells that are words, and the number each stands for in `unit`' })),
    accumulate: Type.Optional(
      Type.Boolean({ description: 'the values belong to intervals; their sum, from 0 at the beginning of the recording, is the register of a counter' }),
    ),
  },
  closed,
);

/** A mapping file: how a CSV recording becomes readings. docs/recordings.md tells it to people. */
export const MappingSchema = Type.Object(
  {
    about: Type.Optional(Type.String({ description: 'where the recording comes from and what to know of it' })),
    park: Type.Optional(ParkIdSchema),
    file: Type.Optional(
      Type.Object(
        {
          delimiter: Type.Optional(Type.String({ minLength: 1, maxLength: 4, description: 'default a comma' })),
          encoding: Type.Optional(
            Type.Enum(['utf-8', 'utf-16le', 'windows-1252', 'gb18030'], { description: 'default utf-8; a byte-order mark wins over it' }),
          ),
          quote: Type.Optional(Type.String({ minLength: 1, maxLength: 1 })),
          comment: Type.Optional(Type.String({ minLength: 1, maxLength: 8, description: 'lines that begin so are left out' })),
          decimal: Type.Optional(Type.Enum(['.', ','])),
          skipLines: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000, description: 'lines before the header' })),
          header: Type.Optional(Type.Boolean({ description: 'default true: the first row names the columns; false: they are named "1", "2" …' })),
        },
        closed,
      ),
    ),
    time: Type.Object(
      {
        columns: Type.Optional(Type.Array(Column, { minItems: 1, maxItems: 8, description: 'one name or several; several are joined by a space' })),
        format: Type.Optional(Type.String({ minLength: 1, description: FORMAT_HELP })),
        zone: Type.Optional(Type.String({ description: 'IANA name or fixed offset such as +08:00; only left out where the text carries its offset' })),
        midnight: Type.Optional(Type.Enum(['opens-day', 'closes-day'], { description: 'which end of its date a 00:00 stands for; default opens-day' })),
        shiftSeconds: Type.Optional(Type.Number({ description: 'added to every time, e.g. to move a stamp from an interval’s start to its end' })),
        intervalSeconds: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'length of the interval that a value belongs to' })),
        stamped: Type.Optional(Type.Enum(['end', 'start', 'instant', 'unknown'], { description: 'a note: where in its interval the file’s stamp lies' })),
        start: Type.Optional(Type.String({ description: 'without a time column: the first row’s time, ISO 8601 with offset' })),
        stepSeconds: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
      },
      closed,
    ),
    meter: Type.Optional(MeterIdSchema),
    meterColumn: Type.Optional(
      Type.Object(
        { column: Column, ids: Type.Optional(Type.Record(Type.String(), MeterIdSchema, { description: 'cell to meter id; left out: the cell is the id' })) },
        closed,
      ),
    ),
    missing: Type.Optional(Missing),
    columns: Type.Record(Column, Type.Array(UseSchema, { minItems: 1 }), { minProperties: 1, description: 'column to one quantity, or to a list of them' }),
    ignored: Type.Optional(Type.Array(Column, { description: 'columns that are left out on purpose; every other one must be used' })),
  },
  closed,
);
type MappingDocument = Static<typeof MappingSchema>;

/** What one column gives to one series. */
export interface ColumnUse {
  readonly column: string;
  readonly quantity: QuantityName;
  /** null: the meter that the row's meter column names. */
  readonly meter: string | null;
  /** The file's unit, or null where the value passes unconverted. */
  readonly unit: string | null;
  readonly scale: number;
  readonly offset: number;
  /** From `unit` to the catalogue's. */
  readonly factor: number;
  readonly shift: number;
  readonly missing: MissingCells;
  readonly words: ReadonlyMap<string, number> | null;
  readonly accumulate: boolean;
}

/** A mapping that was checked, with everything resolved that does not need the file. */
export interface Mapping {
  readonly name: string;
  /** SHA-256 of its text, in hex: another text is another mapping. */
  readonly sha256: string;
  readonly park: string | null;
  readonly file: {
    readonly delimiter: string;
    readonly encoding: string;
    readonly quote: string;
    readonly comment: string | null;
    readonly decimal: '.' | ',';
    readonly skipLines: number;
    readonly header: boolean;
  };
  readonly time: TimePlan;
  readonly intervalMs: number | null;
  readonly meterColumn: { readonly column: string; readonly ids: ReadonlyMap<string, string> | null } | null;
  readonly uses: readonly ColumnUse[];
  readonly ignored: readonly string[];
}

export class MissingCells {
  readonly #texts: ReadonlySet<string>;
  readonly #numbers: readonly number[];

  constructor(list: readonly (string | number)[]) {
    this.#texts = new Set(list.filter((one) => typeof one === 'string'));
    this.#numbers = list.filter((one) => typeof one === 'number');
  }

  text(cell: string): boolean {
    return this.#texts.has(cell);
  }

  number(value: number): boolean {
    return this.#numbers.includes(value);
  }
}

const check = checkOf(MappingSchema);

/**
 * Reads a mapping from YAML text; `name` stands in messages. Throws INPUT_INVALID with every fault and its path,
 * or its line where the text is not YAML.
 */
export function parseMapping(text: string, name: string): Mapping {
  const lines = new LineCounter();
  const parsed = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  if (parsed.errors.length > 0) {
    const faults = parsed.errors.map((error) => ({ path: `line ${lines.linePos(error.pos[0]).line}`, message: error.message.split('\n')[0] ?? '' }));
    throw new GreenparkError('INPUT_INVALID', `mapping ${name} is not YAML: ${faults.map(({ path, message }) => `${path}: ${message}`).join('; ')}`, {
      faults,
    });
  }
  const value: unknown = parsed.toJS({ maxAliasCount: 100 });
  widen(value);
  const faults = [...check(value)];
  if (faults.length > 0) throw invalid(`mapping ${name}`, faults);
  const document = value as MappingDocument;
  const time = timePlan(document, faults);
  const uses = usesOf(document, faults);
  columnFaults(document, faults);
  if (faults.length > 0 || time === null) throw invalid(`mapping ${name}`, faults);
  const { file = {}, meterColumn } = document;
  return {
    name,
    sha256: createHash('sha256').update(text).digest('hex'),
    park: document.park ?? null,
    file: {
      delimiter: file.delimiter ?? ',',
      encoding: file.encoding ?? 'utf-8',
      quote: file.quote ?? '"',
      comment: file.comment ?? null,
      decimal: file.decimal ?? '.',
      skipLines: file.skipLines ?? 0,
      header: file.header ?? true,
    },
    time,
    intervalMs: document.time.intervalSeconds === undefined ? null : document.time.intervalSeconds * 1000,
    meterColumn:
      meterColumn === undefined ? null : { column: meterColumn.column, ids: meterColumn.ids === undefined ? null : new Map(Object.entries(meterColumn.ids)) },
    uses,
    ignored: document.ignored ?? [],
  };
}

/** One where a list may stand is taken as a list of one. */
function widen(value: unknown): void {
  if (!isRecord(value)) return;
  const { time, columns } = value;
  if (isRecord(time) && typeof time['columns'] === 'string') time['columns'] = [time['columns']];
  if (isRecord(columns)) for (const [key, use] of Object.entries(columns)) if (isRecord(use)) columns[key] = [use];
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function timePlan({ time }: MappingDocument, faults: Fault[]): TimePlan | null {
  const { columns, format, zone, start, stepSeconds } = time;
  if ((columns === undefined) === (start === undefined)) {
    faults.push({ path: 'time', message: 'needs either "columns" with "format", or "start" with "stepSeconds"' });
    return null;
  }
  if (columns === undefined || start !== undefined) {
    for (const key of ['format', 'zone', 'midnight', 'shiftSeconds'] as const) {
      if (time[key] !== undefined) faults.push({ path: `time.${key}`, message: 'has no meaning without time columns' });
    }
    const written = typeof start === 'string' && /T.*(Z|[+-]\d\d:\d\d)$/.test(start) ? Date.parse(start) : Number.NaN;
    if (Number.isNaN(written))
      faults.push({ path: 'time.start', message: `"${start}" is not a time with its offset; expected e.g. 2011-01-01T00:00:00+03:00` });
    if (stepSeconds === undefined) faults.push({ path: 'time.stepSeconds', message: 'is needed beside "start"' });
    return { from: 'rows', start: written, stepMs: (stepSeconds ?? 0) * 1000 };
  }
  if (stepSeconds !== undefined)
    faults.push({ path: 'time.stepSeconds', message: 'has no meaning beside time columns; "intervalSeconds" says how long an interval is' });
  if (format === undefined) {
    faults.push({ path: 'time.format', message: `is needed beside "columns"; expected ${FORMAT_HELP}` });
    return null;
  }
  const compiled = compileTimeFormat(format);
  if (typeof compiled === 'string') {
    faults.push({ path: 'time.format', message: compiled });
    return null;
  }
  if (zone !== undefined && !isZone(zone))
    faults.push({ path: 'time.zone', message: `"${zone}" is not a zone; expected an offset such as +08:00, or an IANA name, ${ZONE_HELP}` });
  if (zone !== undefined && compiled.carriesZone === 'always') faults.push({ path: 'time.zone', message: `the format ${format} carries its own offset` });
  if (zone === undefined && compiled.carriesZone === 'never')
    faults.push({ path: 'time.zone', message: `is needed, as the format ${format} carries no offset` });
  return {
    from: 'columns',
    columns,
    format: compiled,
    formatText: format,
    zone: zone ?? null,
    midnight: time.midnight ?? 'opens-day',
    shiftMs: (time.shiftSeconds ?? 0) * 1000,
  };
}

function usesOf(document: MappingDocument, faults: Fault[]): ColumnUse[] {
  const uses: ColumnUse[] = [];
  const taken = new Map<string, string>();
  for (const [column, list] of Object.entries(document.columns)) {
    for (const [index, use] of list.entries()) {
      const path = `columns.${column}[${index}]`;
      const quantity = findQuantity(use.quantity);
      if (quantity === undefined) continue;
      const known = conversion(use.unit ?? quantity.unit, quantity.unit);
      if (known === null)
        faults.push({
          path: `${path}.unit`,
          message: `"${use.unit}" cannot be brought to ${quantity.unit}; expected one of ${unitsFor(quantity.unit).join(', ')}`,
        });
      const meter = use.meter ?? (document.meterColumn === undefined ? document.meter : undefined) ?? null;
      if (meter === null && document.meterColumn === undefined)
        faults.push({ path: `${path}.meter`, message: 'no meter: name one here, or one for the file as "meter", or a "meterColumn"' });
      const accumulate = use.accumulate ?? false;
      if (accumulate && quantity.kind !== 'counter') faults.push({ path: `${path}.accumulate`, message: `${quantity.name} is not a counter` });
      if (accumulate && document.time.intervalSeconds === undefined)
        faults.push({ path: `${path}.accumulate`, message: 'needs time.intervalSeconds: the register stands at 0 that long before the first row' });
      const key = `${meter ?? ''} ${use.quantity}`;
      const other = taken.get(key);
      if (other !== undefined) faults.push({ path, message: `gives ${use.quantity} of the same meter as column "${other}"` });
      taken.set(key, column);
      uses.push({
        column,
        quantity: quantity.name,
        meter,
        unit: use.unit ?? null,
        scale: use.scale ?? 1,
        offset: use.offset ?? 0,
        factor: known?.factor ?? 1,
        shift: known?.offset ?? 0,
        missing: new MissingCells(['', ...(document.missing ?? []), ...(use.missing ?? [])]),
        words: use.words === undefined ? null : new Map(Object.entries(use.words)),
        accumulate,
      });
    }
  }
  return uses;
}

function columnFaults(document: MappingDocument, faults: Fault[]): void {
  if (document.meter !== undefined && document.meterColumn !== undefined)
    faults.push({ path: 'meter', message: 'stands beside "meterColumn"; name one of the two' });
  for (const [index, column] of (document.ignored ?? []).entries()) {
    if (Object.hasOwn(document.columns, column)) faults.push({ path: `ignored[${index}]`, message: `column "${column}" is used under "columns"` });
  }
}
