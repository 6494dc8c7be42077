import type { Fault } from '../model/errors.ts';
import { type ErrorCode, GreenparkError } from '../model/errors.ts';

/** Codes that only HTTP knows, beside those of model/errors.ts. Stable like them. */
export type HttpCode = 'METHOD_NOT_ALLOWED' | 'NOT_UNDERSTOOD' | 'TOO_LARGE' | 'UNSUPPORTED_MEDIA_TYPE';

/** RFC 9457 problem details, as every failure is answered (`application/problem+json`). */
export interface Problem {
  /** `urn:greenpark:error:<code>`: names the kind of problem, is no address. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** What programs should look at. */
  readonly code: ErrorCode | HttpCode;
  /** May the same request succeed later, unchanged? */
  readonly retryable: boolean;
  readonly faults: readonly Fault[];
  /** Stands in the service's log with everything that is not told outside. */
  readonly requestId: string;
}

/** What becomes of each code at the door. */
const KINDS: Readonly<Record<ErrorCode | HttpCode, { readonly status: number; readonly title: string }>> = {
  INPUT_INVALID: { status: 400, title: 'The request is not valid' },
  UNAUTHENTICATED: { status: 401, title: 'Not signed in' },
  FORBIDDEN: { status: 403, title: 'Not allowed' },
  NOT_FOUND: { status: 404, title: 'There is no such thing' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'Method not allowed' },
  CONFLICT: { status: 409, title: 'In conflict with what is there' },
  TOO_LARGE: { status: 413, title: 'Too large' },
  NOT_UNDERSTOOD: { status: 422, title: 'Nothing in it was understood' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'Body of another type' },
  RATE_LIMITED: { status: 429, title: 'Too many attempts' },
  STORE_REFUSED: { status: 422, title: 'The store refuses it' },
  STORE_UNREACHABLE: { status: 503, title: 'The store is away' },
  STORE_CLOSED: { status: 503, title: 'The service is stopping' },
  BROKER_UNREACHABLE: { status: 503, title: 'The broker is away' },
  CONFIG_INVALID: { status: 500, title: 'A fault of the service' },
  PORT_IN_USE: { status: 500, title: 'A fault of the service' },
  DATA_DIR_UNWRITABLE: { status: 500, title: 'A fault of the service' },
  DATA_DIR_IN_USE: { status: 500, title: 'A fault of the service' },
  INTERNAL: { status: 500, title: 'A fault of the service' },
};

export const PROBLEM_CODES = Object.keys(KINDS) as readonly (ErrorCode | HttpCode)[];

/** A failure that only HTTP has a word for. */
export class HttpError extends Error {
  readonly code: HttpCode;

  constructor(code: HttpCode, message: string) {
    super(message);
    this.name = 'HttpError';
    this.code = code;
  }
}

export const notFound = (what: string): GreenparkError => new GreenparkError('NOT_FOUND', `there is no ${what}`);
export const forbidden = (why: string): GreenparkError => new GreenparkError('FORBIDDEN', why);

/** One fault in one place of a request, e.g. `query.from`. */
export const faulty = (path: string, message: string): GreenparkError =>
  new GreenparkError('INPUT_INVALID', `the request is not valid: ${path}: ${message}`, { faults: [{ path, message }] });

/** Whatever was thrown, as it is told outside. What nobody foresaw shows nothing but its request id. */
export function problemOf(error: unknown, requestId: string): Problem {
  const known = error instanceof GreenparkError || error instanceof HttpError ? error : fromLibrary(error);
  const code = known?.code ?? 'INTERNAL';
  const { status, title } = KINDS[code];
  return {
    type: `urn:greenpark:error:${code}`,
    title,
    status,
    detail: known === null || status === 500 ? 'something went wrong inside; the log names it under this request id' : known.message,
    code,
    retryable: known instanceof GreenparkError ? known.retryable || code === 'RATE_LIMITED' : false,
    faults: known instanceof GreenparkError ? known.faults : [],
    requestId,
  };
}

/** express and its body parser name what they refuse by `type` and `status`. */
function fromLibrary(error: unknown): GreenparkError | HttpError | null {
  if (!(error instanceof Error)) return null;
  const { type, status } = error as Error & { readonly type?: unknown; readonly status?: unknown };
  if (type === 'entity.too.large') return new HttpError('TOO_LARGE', 'the body is larger than 1 MB');
  if (type === 'entity.parse.failed') return faulty('body', `is not JSON: ${error.message}`);
  if (type === 'encoding.unsupported' || type === 'charset.unsupported') return new HttpError('UNSUPPORTED_MEDIA_TYPE', error.message);
  if (error instanceof URIError || (typeof status === 'number' && status >= 400 && status < 500)) {
    return new GreenparkError('INPUT_INVALID', `the request is not valid: ${error.message}`);
  }
  return null;
}
