import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import type { TSchema } from 'typebox';
import { type Fault, GreenparkError } from './errors.ts';

// ajv-formats is CommonJS: under NodeNext its callable is the module's own default.
const addFormats = addFormatsModule as unknown as (ajv: Ajv2020) => void;

const ajv = new Ajv2020({ allErrors: true, strict: true, discriminator: true, allowUnionTypes: true, verbose: true });
addFormats(ajv);
ajv.addVocabulary(['x-secret', 'x-form']);

/** A schema's runtime check. Returns the faults found, none when the value fits. */
export type Check = (value: unknown) => readonly Fault[];

/** Compiles `schema` once; the check lists every fault with its path and what was expected. */
export function checkOf(schema: TSchema): Check {
  const validate = ajv.compile(schema);
  return (value) => (validate(value) ? [] : (validate.errors ?? []).map(faultOf));
}

export function invalid(what: string, faults: readonly Fault[]): GreenparkError {
  const list = faults.map((fault) => (fault.path === '' ? fault.message : `${fault.path}: ${fault.message}`)).join('; ');
  return new GreenparkError('INPUT_INVALID', `${what} is not valid: ${list}`, { faults });
}

function faultOf(error: ErrorObject): Fault {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((whole, part) => (/^\d+$/.test(part) ? `${whole}[${part}]` : whole === '' ? part : `${whole}.${part}`), '');
  switch (error.keyword) {
    case 'additionalProperties':
      return { path, message: `unknown key "${String(error.params['additionalProperty'])}"` };
    case 'required':
      return { path, message: `key "${String(error.params['missingProperty'])}" is missing` };
    case 'enum':
      return { path, message: `must be one of ${(error.params['allowedValues'] as readonly unknown[]).join(', ')}` };
    case 'const':
      return { path, message: `must be ${JSON.stringify(error.params['allowedValue'])}` };
    case 'pattern': {
      // `x-form` beside a pattern says it in words.
      const form: unknown = (error.parentSchema as Readonly<Record<string, unknown>> | undefined)?.['x-form'];
      return { path, message: typeof form === 'string' ? `must be ${form}` : (error.message ?? 'breaks its pattern') };
    }
    default:
      return { path, message: error.message ?? `breaks "${error.keyword}"` };
  }
}
