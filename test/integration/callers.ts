import { io, type Socket } from 'socket.io-client';
import type { AlertChange } from '../../model/alert.ts';
import type { ClientToServer, LiveReading, ParkSnapshot, ServerToClient } from '../../model/live.ts';

export interface Answer<T> {
  readonly status: number;
  /** Of the form that the caller expects; what is not there fails its comparison. */
  readonly body: T;
}

/** Somebody who is signed in at the API, as a program with a cookie or a token. */
export class Caller {
  /** Where the service is; another address after a restart. */
  url: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(url: string, headers: Readonly<Record<string, string>>) {
    this.url = url;
    this.#headers = headers;
  }

  /** Rejects when user name or password are refused. */
  static async signIn(url: string, username: string, password: string): Promise<Caller> {
    const answer = await new Caller(url, {}).#ask('POST', '/api/v1/session', { username, password });
    if (!answer.ok) throw new Error(`${username} cannot sign in: ${answer.status}`);
    return new Caller(url, { cookie: (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '' });
  }

  static withToken(url: string, token: string): Caller {
    return new Caller(url, { authorization: `Bearer ${token}` });
  }

  get = <T>(path: string): Promise<Answer<T>> => this.#answer('GET', path);
  put = <T>(path: string, body: object): Promise<Answer<T>> => this.#answer('PUT', path, body);
  post = <T>(path: string, body?: object): Promise<Answer<T>> => this.#answer('POST', path, body);
  delete = <T>(path: string): Promise<Answer<T>> => this.#answer('DELETE', path);

  /** The items of a list. */
  async items<T>(path: string): Promise<readonly T[]> {
    const { status, body } = await this.get<{ readonly items: readonly T[] }>(path);
    if (status !== 200) throw new Error(`GET ${path} answered ${status}: ${JSON.stringify(body)}`);
    return body.items;
  }

  /** Opens the live view. */
  live(): Promise<Viewer> {
    return Viewer.connect(this.url, this.#headers);
  }

  async #answer<T>(method: string, path: string, body?: object): Promise<Answer<T>> {
    const answer = await this.#ask(method, path, body);
    const text = await answer.text();
    const isJson = /json/.test(answer.headers.get('content-type') ?? '');
    return { status: answer.status, body: (isJson ? JSON.parse(text) : text) as T };
  }

  #ask(method: string, path: string, body?: object): Promise<Response> {
    const json: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    return fetch(`${this.url}${path}`, { method, headers: { ...this.#headers, ...json }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  }
}

/** A dashboard without a screen: all that its socket was told. */
export class Viewer {
  readonly #socket: Socket<ServerToClient, ClientToServer>;
  readonly snapshots: ParkSnapshot[] = [];
  readonly readings: LiveReading[] = [];
  readonly alerts: AlertChange[] = [];

  private constructor(socket: Socket<ServerToClient, ClientToServer>) {
    this.#socket = socket;
    socket.on('snapshot', (state) => this.snapshots.push(state));
    socket.on('readings', (batch) => this.readings.push(...batch.readings));
    socket.on('alert', (change) => this.alerts.push(change));
  }

  static connect(url: string, extraHeaders: Readonly<Record<string, string>>): Promise<Viewer> {
    const socket: Socket<ServerToClient, ClientToServer> = io(`${url}/live`, { extraHeaders: { ...extraHeaders }, transports: ['websocket'], forceNew: true });
    return new Promise((resolve, reject) => {
      socket.once('connect', () => resolve(new Viewer(socket)));
      socket.once('connect_error', (error) => {
        socket.close();
        reject(error);
      });
    });
  }

  /** Null when watched, else the code of the refusal. */
  async watch(park: string, enterprise?: string): Promise<string | null> {
    const refused = await new Promise<{ code: string } | null>((resolve) =>
      this.#socket.emit('watch', { park, ...(enterprise === undefined ? {} : { enterprise }) }, resolve),
    );
    return refused?.code ?? null;
  }

  /** Meters of which it was told anything, in a snapshot or after it. */
  get metersSeen(): string[] {
    const seen = new Set<string>(this.readings.map(([meter]) => meter));
    for (const { meters } of this.snapshots) for (const { id } of meters) seen.add(id);
    return [...seen].sort();
  }

  close(): void {
    this.#socket.close();
  }
}

/** Asks until there is an answer other than undefined or false; rejects when there is none within the time. */
export async function eventually<T>(ask: () => Promise<T | undefined | false> | T | undefined | false, what: string, withinMs = 10_000): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadline) throw new Error(`${what} did not come within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
