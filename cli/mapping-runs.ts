import { existsSync, readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { compileMapping } from '../ingest/mappings/compile.ts';
import { createMappingDesk } from '../ingest/mappings/desk.ts';
import { shippedMapping } from '../ingest/mappings/shipped/index.ts';
import { GreenparkError } from '../model/errors.ts';
import type { MappingBody, Tried } from '../model/mapping.ts';

const DESK = createMappingDesk();

export interface TryOptions {
  readonly mapping: string;
  readonly topic: string;
  readonly gateway?: string;
  readonly json?: boolean;
}

export async function runTry(file: string, { mapping, topic, gateway, json }: TryOptions): Promise<void> {
  const body = mappingOf(mapping);
  const tried = await DESK.try(body, topic, bytesOf(file), Date.now(), gateway ?? null);
  if (json === true) console.log(JSON.stringify(tried, null, 2));
  else print(tried);
  const lost = tried.outcome !== 'taken' && tried.outcome !== 'left-alone';
  if (lost) throw new GreenparkError('INPUT_INVALID', `${file}: ${OUTCOMES[tried.outcome]}`);
}

export function listShipped(): void {
  const width = Math.max(...DESK.shipped.map(({ id }) => id.length));
  for (const { id, name, topics } of DESK.shipped) console.log(`${id.padEnd(width)}  ${name}  [${topics.join(', ')}]`);
}

export function showShipped(name: string): void {
  process.stdout.write(stringify(shippedMapping(name), { lineWidth: 0, aliasDuplicateObjects: false }));
}

const OUTCOMES: Readonly<Record<Tried['outcome'], string>> = {
  taken: 'everything was taken',
  partly: 'a part of it could not be used',
  refused: 'nothing of it could be used',
  'left-out': 'nothing of it is kept: the mapping knows none of the names in it',
  'left-alone': 'the mapping leaves this message alone, as its "when" is not true or its "except" names the topic',
  'not-its-topic': 'the topic is none of the mapping’s',
};

function print({ outcome, steps, frames, failures }: Tried): void {
  for (const { at, where, found } of steps) console.log(`${`${where} ${at}`.trim()}: ${found}`);
  for (const { where, meter, ts, backfill, values } of frames) {
    console.log(`${where === '' ? '' : `${where} `}meter ${meter}, ${ts ?? 'time of arrival'}${backfill ? ', backfill' : ''}`);
    for (const { quantity, value, unit, flag } of values) {
      console.log(`  ${quantity} = ${value} ${unit ?? '(unit of the meter’s record)'}${flag === 'good' ? '' : `, flagged ${flag}`}`);
    }
  }
  for (const { where, at, expression, position, reason, found, expected } of failures) {
    console.log(`refused as ${reason} at ${`${where} ${at}`.trim()}: found ${found}; expected ${expected}`);
    if (expression === null) continue;
    console.log(`  ${expression}`);
    if (position !== null) console.log(`  ${' '.repeat(Math.max(0, position - 1))}^`);
  }
  console.log(OUTCOMES[outcome]);
}

/** A file where there is one of that name, a shipped mapping otherwise. */
function mappingOf(name: string): MappingBody {
  if (!existsSync(name) && !/[/\\.]/.test(name)) {
    const { id: _id, ...body } = shippedMapping(name);
    return body;
  }
  let value: unknown;
  try {
    value = parse(bytesOf(name).toString('utf8'));
  } catch (error) {
    if (error instanceof GreenparkError) throw error;
    throw new GreenparkError('INPUT_INVALID', `mapping ${name} is not YAML or JSON: ${(error as Error).message}`, { cause: error });
  }
  // As it is put to the API or exported: whose it is does not matter here.
  const { id: _id, park: _park, ...body } = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const given = { enabled: true, ...body } as MappingBody;
  compileMapping(given);
  return given;
}

function bytesOf(file: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    throw new GreenparkError('INPUT_INVALID', `cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}
