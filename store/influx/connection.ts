import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { HttpError, InfluxDB } from '@influxdata/influxdb-client';
import { GreenparkError } from '../../model/errors.ts';

export interface InfluxAddress {
  /** e.g. `http://influxdb:8086`. */
  readonly url: string;
  readonly version: 1 | 2 | 3;
  /** Versions 2 and 3. */
  readonly token?: string;
  /** Version 1, when its authentication is on. */
  readonly username?: string;
  readonly password?: string;
  /** Version 2. */
  readonly org?: string;
  /** Bucket; on versions 1 and 3 the database. */
  readonly bucket: string;
}

/** One series of an InfluxQL answer. */
export interface InfluxSeries {
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values: readonly (readonly (string | number | null)[])[];
}

interface QueryAnswer {
  readonly error?: string;
  readonly results?: readonly { readonly error?: string; readonly series?: readonly InfluxSeries[] }[];
}

/** A request that takes longer than this counts as unreachable, ms. */
const TIMEOUT_MS = 60_000;

/** Not compressed: that would cost both ends more than the way between them. */
const WRITE_OPTIONS = { method: 'POST', headers: { 'content-type': 'text/plain; charset=utf-8' } };

/** Writes by the official client, questions in InfluxQL over `/query`, which every generation answers. */
export class InfluxConnection {
  readonly #address: InfluxAddress;
  readonly #client: InfluxDB;
  readonly #writePath: string;
  readonly #headers: Readonly<Record<string, string>>;
  /** The sockets of writes. */
  readonly #agent: Agent;
  readonly #over = new AbortController();

  constructor(address: InfluxAddress) {
    this.#address = address;
    this.#headers = authorization(address);
    this.#agent = new URL(address.url).protocol === 'https:' ? new SecureAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
    this.#writePath = writePath(address);
    // Version 1 refuses the client's own "Token" header with 401, so the header is always made here.
    this.#client = new InfluxDB({ url: address.url, headers: this.#headers, timeout: TIMEOUT_MS, transportOptions: { agent: this.#agent } });
  }

  /** Cuts off what is under way, which rejects, and everything that is asked later: a silent server would keep the process for minutes. */
  end(): void {
    this.#over.abort(new Error('the connection was closed'));
    this.#agent.destroy();
  }

  /**
   * Sends lines of UTF-8 in one request; resolved means that the server acknowledged them. They are not to change before that: they are sent
   * from where they stand. Whoever acknowledges a body has read all of it.
   */
  async write(lines: ArrayBuffer): Promise<void> {
    const { url } = this.#address;
    if (this.#over.signal.aborted) throw translated(this.#over.signal.reason, url);
    let status: number | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        // The client's write API takes strings alone. Made anew for every body, they are what the garbage collector then works on most.
        // Its transport calls Buffer.from(body, 'utf-8') on whatever it is given: of an ArrayBuffer that is a view on all of it, as the second
        // argument is no offset. Only the transport's declaration asks for a string.
        this.#client.transport.send(this.#writePath, lines as unknown as string, WRITE_OPTIONS, {
          responseStarted: (_headers, code) => {
            status = code;
          },
          error: reject,
          complete: resolve,
        });
      });
    } catch (error) {
      throw translated(error, url);
    }
    // Who answers otherwise is not InfluxDB (a proxy that wants a login), and has stored nothing. Version 3 answers 201 at times.
    if (status !== 204 && status !== 201) throw statusError(status ?? 0, 'not what a write is acknowledged with', url);
  }

  /** Runs one or more statements; the series of each, times in ms. `params` are bound as `$name`. */
  async query(statements: string, params: Readonly<Record<string, string | number>> = {}): Promise<readonly (readonly InfluxSeries[])[]> {
    const form = new URLSearchParams({ db: this.#address.bucket, epoch: 'ms', q: statements, params: JSON.stringify(params) });
    const answer = await this.#post('/query', form);
    return (answer.results ?? []).map(({ error, series = [] }) => {
      if (error !== undefined) throw questionError(error);
      return series;
    });
  }

  /** Makes the database on version 1; nothing happens when it is there, nor for a user who may not: then it has to be, and questions tell if not. */
  async createDatabase(): Promise<void> {
    if (this.#address.version !== 1) return;
    try {
      await this.#post('/query', new URLSearchParams({ q: `CREATE DATABASE ${quotedName(this.#address.bucket)}` }));
    } catch (error) {
      if (!(error instanceof StatusError) || error.status !== FORBIDDEN) throw error;
    }
  }

  /** Deletes the points of a measurement that are older than `before`. */
  async deleteBefore(measurement: string, before: number): Promise<void> {
    switch (this.#address.version) {
      case 1:
        await this.query(`DELETE FROM ${quotedName(measurement)} WHERE time < ${before}ms`);
        return;
      case 2: {
        const { org = '', bucket } = this.#address;
        const body = JSON.stringify({ start: '1678-01-01T00:00:00Z', stop: new Date(before).toISOString(), predicate: `_measurement="${measurement}"` });
        await this.#send(`/api/v2/delete?${new URLSearchParams({ org, bucket })}`, {
          method: 'POST',
          body,
          headers: { ...this.#headers, 'content-type': 'application/json' },
        });
        return;
      }
      case 3:
        throw new GreenparkError('STORE_REFUSED', 'InfluxDB 3 does not delete by time; set a retention period on its database');
    }
  }

  async ping(): Promise<void> {
    const { version } = this.#address;
    await this.#send(version === 1 ? '/ping' : '/health', { headers: this.#headers });
  }

  async #post(path: string, form: URLSearchParams): Promise<QueryAnswer> {
    const text = await this.#send(path, { method: 'POST', body: form, headers: { ...this.#headers, accept: 'application/json' } });
    const answer = JSON.parse(text) as QueryAnswer;
    if (answer.error !== undefined) throw questionError(answer.error);
    return answer;
  }

  async #send(path: string, init: RequestInit): Promise<string> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(new URL(path, this.#address.url), { ...init, signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), this.#over.signal]) });
      text = await response.text();
    } catch (error) {
      throw translated(error, this.#address.url);
    }
    if (!response.ok) throw statusError(response.status, text, this.#address.url);
    return text;
  }
}

function writePath({ version, org = '', bucket }: InfluxAddress): string {
  if (version === 1) return `/write?${new URLSearchParams({ db: bucket, precision: 'ms' })}`;
  return `/api/v2/write?${new URLSearchParams({ org, bucket, precision: 'ms' })}`;
}

function authorization({ version, token, username, password }: InfluxAddress): Record<string, string> {
  if (version !== 1 && token !== undefined) return { authorization: `Token ${token}` };
  if (username !== undefined) return { authorization: `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}` };
  return {};
}

/** A name between double quotes, as InfluxQL writes measurements, tags and databases. */
export const quotedName = (name: string): string => `"${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

function translated(error: unknown, url: string): GreenparkError {
  if (error instanceof GreenparkError) return error;
  if (error instanceof HttpError) return statusError(error.statusCode, error.body ?? error.message, url, error);
  const why = error instanceof Error ? [error.message, error.cause instanceof Error ? error.cause.message : ''].filter(Boolean).join(': ') : String(error);
  return new GreenparkError('STORE_UNREACHABLE', `InfluxDB at ${url} does not answer: ${why}`, { cause: error, retryable: true });
}

/** HTTP status for somebody who is known and may not. */
const FORBIDDEN = 403;

/** Limits of the server's configuration, which a question for less may keep. */
const TOO_MUCH_ASKED = /^max-select-/;

/**
 * What a server says of a question that it has understood, with status 200: mostly of its own state, as that the database is missing or that
 * too many ask at once. Readings for which it was asked have to wait for it.
 */
function questionError(message: string): GreenparkError {
  if (TOO_MUCH_ASKED.test(message)) return new GreenparkError('STORE_REFUSED', `InfluxDB refused a question: ${message}`);
  return new GreenparkError('STORE_UNREACHABLE', `InfluxDB cannot answer a question: ${message}`, { retryable: true });
}

/** An answer with another HTTP status than was to be. */
class StatusError extends GreenparkError {
  readonly status: number;

  constructor(status: number, code: 'STORE_REFUSED' | 'STORE_UNREACHABLE', message: string, cause: unknown) {
    super(code, message, { cause, retryable: code === 'STORE_UNREACHABLE' });
    this.status = status;
  }
}

/**
 * Input that the server will never take is 400, 413 or 422. Everything else may pass: a server that is starting or too busy,
 * credentials that somebody has to mend, a database that is missing. Rows that wait for those are not lost.
 */
function statusError(status: number, body: string, url: string, cause?: unknown): StatusError {
  const message = `InfluxDB at ${url} answered ${status}: ${body.trim().slice(0, 300)}`;
  const isFinal = status === 400 || status === 413 || status === 422;
  return new StatusError(status, isFinal ? 'STORE_REFUSED' : 'STORE_UNREACHABLE', message, cause);
}
