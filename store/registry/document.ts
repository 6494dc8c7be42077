import Type, { type Static } from 'typebox';
import { LineCounter, parseDocument, stringify } from 'yaml';
import { GreenparkError } from '../../model/errors.ts';
import type { EpochMs } from '../../model/ids.ts';
import { MappingSchema } from '../../model/mapping.ts';
import { EnterpriseSchema, GatewaySchema, MeterSchema, ParkSchema } from '../../model/registry.ts';
import { ApplicationSchema, CapSchema, EntryProfileSchema, RuleSchema } from '../../model/rules.ts';
import { checkOf, invalid } from '../../model/schema.ts';

/** The whole registry as one document: what `greenpark registry import` takes and `registry export` gives. */
export const RegistryDocumentSchema = Type.Object(
  {
    parks: Type.Optional(Type.Array(ParkSchema)),
    enterprises: Type.Optional(Type.Array(EnterpriseSchema)),
    gateways: Type.Optional(Type.Array(GatewaySchema)),
    meters: Type.Optional(Type.Array(MeterSchema)),
    rules: Type.Optional(Type.Array(RuleSchema)),
    caps: Type.Optional(Type.Array(CapSchema)),
    entryProfiles: Type.Optional(Type.Array(EntryProfileSchema)),
    applications: Type.Optional(Type.Array(ApplicationSchema)),
    mappings: Type.Optional(Type.Array(MappingSchema)),
  },
  { additionalProperties: false },
);
export type RegistryDocument = Static<typeof RegistryDocumentSchema>;

export interface ImportResult {
  readonly created: number;
  readonly replaced: number;
  readonly unchanged: number;
}

const check = checkOf(RegistryDocumentSchema);

/**
 * Reads a document from YAML or JSON text (JSON is YAML); keys with a default may be left out.
 * Throws INPUT_INVALID that lists every fault with its path, or the line where the text is not YAML.
 */
export function parseRegistryDocument(text: string): RegistryDocument {
  return checkRegistryDocument(readText(text) ?? {});
}

/** The same for a value that was read already; defaults are written into it. */
export function checkRegistryDocument(value: unknown): RegistryDocument {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) fillDefaults(value as Record<string, unknown>);
  const faults = check(value);
  if (faults.length > 0) throw invalid('registry document', faults);
  return value as RegistryDocument;
}

/** Checks `value` as a document and imports it into `registry`, all or nothing; see OpenRegistry.import. */
export function importDocument(
  registry: { import(document: RegistryDocument, by: { readonly actor: string; readonly at: EpochMs }): Promise<ImportResult> },
  value: unknown,
  by: { readonly actor: string; readonly at: EpochMs } = { actor: 'registry import', at: Date.now() },
): Promise<ImportResult> {
  return registry.import(checkRegistryDocument(value), by);
}

/** The document as YAML, in the order in which it is read best. */
export const formatRegistryDocument = (document: RegistryDocument): string => stringify(document, { lineWidth: 0, aliasDuplicateObjects: false });

function readText(text: string): unknown {
  // A large export in JSON is read forty times faster by the parser made for it.
  if (/^\s*\{/.test(text)) {
    try {
      return JSON.parse(text);
    } catch {
      // Flow-style YAML begins the same way; what is neither is told by the YAML parser with its line.
    }
  }
  const lines = new LineCounter();
  const parsed = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  if (parsed.errors.length === 0) return parsed.toJS({ maxAliasCount: 100 });
  throw new GreenparkError('INPUT_INVALID', `registry document is not YAML or JSON: ${parsed.errors.map((error) => error.message).join('; ')}`, {
    faults: parsed.errors.map((error) => ({ path: `line ${lines.linePos(error.pos[0]).line}`, message: error.message })),
  });
}

/** Keys whose schema has a default, per list: filled in before the check, as a person leaves them out. */
const DEFAULTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  parks: { timeZone: 'Asia/Shanghai' },
  meters: { enterprise: null, parent: null, gateway: null, multiplier: 1, intervalSeconds: 60 },
  rules: { enabled: true },
  caps: { enabled: true, enterprise: null },
  entryProfiles: { version: 1 },
  mappings: { enabled: true },
};
const RULE_DEFAULTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  limit: { deadband: 0, onDelaySeconds: 0, offDelaySeconds: 0 },
  entry: { tolerancePercent: 0 },
};

function fillDefaults(document: Record<string, unknown>): void {
  for (const [list, defaults] of Object.entries(DEFAULTS)) {
    for (const item of recordsIn(document[list])) {
      fill(item, defaults);
      if (list === 'rules') fill(item, RULE_DEFAULTS[String(item['type'])] ?? {});
      if (list === 'entryProfiles') for (const criterion of recordsIn(item['criteria'])) fill(criterion, { mandatory: true });
    }
  }
}

function fill(item: Record<string, unknown>, defaults: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(defaults)) if (!Object.hasOwn(item, key)) item[key] = value;
}

const recordsIn = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter((item): item is Record<string, unknown> => typeof item === 'object' && item !== null && !Array.isArray(item)) : [];
