/** One fault in an input: where it stands, what was found and what would be right. */
export interface Fault {
  /** Dotted path inside the input, `` for the whole of it; e.g. `rules[2].deadband`. */
  readonly path: string;
  readonly message: string;
}

/**
 * Every error that crosses a part's border. `code` is stable and part of the public contract (docs/errors.md);
 * `retryable` says whether the same call may succeed later without a change of input.
 */
export class GreenparkError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly faults: readonly Fault[];

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; retryable?: boolean; faults?: readonly Fault[] } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GreenparkError';
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.faults = options.faults ?? [];
  }
}

/** The closed list of codes; never reuse one for another meaning. */
export type ErrorCode =
  | 'CONFIG_INVALID'
  | 'INPUT_INVALID'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'RATE_LIMITED'
  | 'PORT_IN_USE'
  | 'DATA_DIR_UNWRITABLE'
  | 'DATA_DIR_IN_USE'
  | 'STORE_UNREACHABLE'
  | 'STORE_REFUSED'
  | 'STORE_CLOSED'
  | 'BROKER_UNREACHABLE'
  | 'INTERNAL';
