import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { type Namespace, Server, type Socket } from 'socket.io';
import { covers, type Principal } from '../model/access.ts';
import type { AlertChange } from '../model/alert.ts';
import type { Clock } from '../model/clock.ts';
import type { ErrorCode } from '../model/errors.ts';
import type { ClientToServer, ServerToClient } from '../model/live.ts';
import { type BacklogLimits, DEFAULT_BACKLOG, watchBacklog } from './backlog.ts';
import type { LiveState, Room } from './live-state.ts';
import type { Authenticate, LiveAlerts } from './port.ts';

export interface LiveGatewayDeps {
  readonly server: HttpServer;
  readonly live: LiveState;
  readonly alerts: Pick<LiveAlerts, 'onChange'>;
  readonly authenticate: Authenticate;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly timing?: Partial<LiveTiming>;
  readonly backlog?: BacklogLimits;
}

/** All in milliseconds. */
export interface LiveTiming {
  /** Shortest time between two `readings` events of a room. Default 100. */
  readonly readingsMs: number;
  /** How often figures are computed and, when changed, sent. Default 2000. */
  readonly figuresMs: number;
  /** How often every connection must prove again who it is. Default 30000. */
  readonly recheckMs: number;
  /** How often the server asks a silent client whether it is there. Default 10000. */
  readonly pingMs: number;
}

export const DEFAULT_TIMING: LiveTiming = { readingsMs: 100, figuresMs: 2000, recheckMs: 30_000, pingMs: 10_000 };

/** Largest message a client may send, in bytes: `watch` is all there is. */
const MAX_MESSAGE_BYTES = 16_384;
/** How many `watch` a connection may ask within `WATCH_WINDOW_MS`; each costs a snapshot. */
const WATCHES = 20;
const WATCH_WINDOW_MS = 10_000;

/** How long a client may take to close its side when the gateway stops, in milliseconds. */
const GOODBYE_MS = 1000;

interface SocketData {
  principal: Principal;
  room: Room | null;
  watches: number;
  watchesSince: number;
}

type WatchReply = { readonly code: ErrorCode; readonly message: string } | null;
type LiveSocket = Socket<ClientToServer, ServerToClient, Record<string, never>, SocketData>;
type LiveNamespace = Namespace<ClientToServer, ServerToClient, Record<string, never>, SocketData>;

/**
 * Namespace `/live`: who is let in and what each room hears. Nobody is let in whom `authenticate` does not name, or to any other
 * namespace; nobody joins a room that the principal's scope does not cover, and both are asked again while the connection lasts.
 */
export class LiveGateway {
  readonly #io: Server<ClientToServer, ServerToClient, Record<string, never>, SocketData>;
  readonly #live: LiveState;
  readonly #authenticate: Authenticate;
  readonly #clock: Clock;
  readonly #logger: LiveGatewayDeps['logger'];
  readonly #timing: LiveTiming;
  readonly #namespace: LiveNamespace;
  readonly #stopListening: () => void;
  readonly #figuresTimer: NodeJS.Timeout;
  readonly #recheckTimer: NodeJS.Timeout;
  readonly #lastFigures = new WeakMap<Room, string>();
  readonly #layouts = new WeakMap<Room, string>();
  #readingsTimer: NodeJS.Timeout;
  #stopped = false;

  constructor(deps: LiveGatewayDeps) {
    this.#live = deps.live;
    this.#authenticate = deps.authenticate;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#timing = { ...DEFAULT_TIMING, ...deps.timing };
    this.#io = new Server<ClientToServer, ServerToClient, Record<string, never>, SocketData>(deps.server, {
      serveClient: false,
      maxHttpBufferSize: MAX_MESSAGE_BYTES,
      pingInterval: this.#timing.pingMs,
      pingTimeout: this.#timing.pingMs,
    });
    // A client may join it on its own; nothing is there for anybody, and whoever could join would hold a connection that nobody checks.
    this.#io.use((_socket, next) => next(new Refusal('NOT_FOUND', 'there is nothing here; the live view is in the namespace /live')));
    this.#namespace = this.#io.of('/live');
    this.#namespace.use((socket, next) => {
      this.#admit(socket).then(
        () => next(),
        (error: unknown) => next(error instanceof Refusal ? error : this.#fault(error)),
      );
    });
    const backlog = deps.backlog ?? DEFAULT_BACKLOG;
    this.#namespace.on('connection', (socket) => this.#welcome(socket, backlog));
    this.#stopListening = deps.alerts.onChange((change) => this.#tell(change));
    this.#readingsTimer = this.#schedule(this.#timing.readingsMs);
    this.#figuresTimer = setInterval(() => this.#sendFigures(), this.#timing.figuresMs).unref();
    this.#recheckTimer = setInterval(() => this.#recheckAll(), this.#timing.recheckMs).unref();
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#namespace.sockets.size;
  }

  /**
   * The registry may have changed: watched rooms whose park, enterprises or meters did start again from a snapshot, rooms that
   * are gone are closed. Cheap enough for every write to the registry; most (alerts, sessions, dead letters) change no room.
   */
  refresh(): void {
    for (const room of [...this.#live.rooms()]) {
      const place = this.#live.placeOf(room.park, room.enterprise);
      if (place === null) {
        this.#namespace.in(room.name).disconnectSockets(true);
        continue;
      }
      const layout = this.#live.layout(room.park, room.enterprise);
      if (this.#layouts.get(room) === layout) continue;
      this.#layouts.set(room, layout);
      this.#namespace.to(room.name).emit('snapshot', this.#live.snapshot(room.park, room.enterprise));
    }
  }

  /** Says goodbye to every client and sends nothing more. The HTTP server stays its owner's to close. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#readingsTimer);
    clearInterval(this.#figuresTimer);
    clearInterval(this.#recheckTimer);
    this.#stopListening();
    const sockets = [...this.#namespace.sockets.values()].map((socket) => socket.request.socket);
    this.#io.disconnectSockets(true);
    this.#io.engine.close();
    // Whoever does not answer the goodbye must not hold the server open.
    setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, GOODBYE_MS).unref();
  }

  async #admit(socket: LiveSocket): Promise<void> {
    const principal = await this.#identify(socket);
    if (principal === null) throw new Refusal('UNAUTHENTICATED', 'sign in first: no valid session cookie or token came with the connection');
    socket.data.principal = principal;
    socket.data.room = null;
    socket.data.watches = 0;
    socket.data.watchesSince = 0;
  }

  async #identify(socket: LiveSocket): Promise<Principal | null> {
    const { headers } = socket.request;
    const token: unknown = socket.handshake.auth['token'];
    const authorization = typeof token === 'string' && token !== '' ? `Bearer ${token}` : headers.authorization;
    // A page of another site can open a socket here and the browser adds the cookie: then only the token counts.
    const cookie = isOwnOrigin(socket.request) ? headers.cookie : undefined;
    return cookie === undefined && authorization === undefined ? null : this.#authenticate(cookie, authorization);
  }

  #welcome(socket: LiveSocket, backlog: BacklogLimits): void {
    watchBacklog(socket.conn, backlog, (waiting) => {
      this.#logger.warn({ principal: socket.data.principal.name, ...waiting }, 'live client does not read: dropped');
      // Not from inside the send that noticed it.
      setImmediate(() => {
        socket.conn.close(true);
        // A goodbye would only join the queue that nobody reads.
        socket.request.socket.destroy();
      });
    });
    socket.on('watch', (what, reply: unknown) => {
      let answer: WatchReply;
      try {
        answer = this.#watch(socket, what);
      } catch (error) {
        answer = { code: 'INTERNAL', message: this.#fault(error).message };
      }
      if (typeof reply === 'function') reply(answer);
    });
    socket.on('disconnect', () => this.#unwatch(socket));
    socket.on('error', (error) => this.#logger.warn({ err: error, principal: socket.data.principal.name }, 'live client sent what cannot be read'));
  }

  /** Joins the room asked for and sends its snapshot; answers why not otherwise, and then what was watched before stays. */
  #watch(socket: LiveSocket, what: unknown): WatchReply {
    const now = this.#clock();
    // A clock that is set back begins a new window too.
    if (now - socket.data.watchesSince > WATCH_WINDOW_MS || now < socket.data.watchesSince) {
      socket.data.watchesSince = now;
      socket.data.watches = 0;
    }
    if (++socket.data.watches > WATCHES) return { code: 'RATE_LIMITED', message: `at most ${WATCHES} watch in ${WATCH_WINDOW_MS / 1000} s` };
    const wish = parseWish(what);
    if (wish === null) return { code: 'INPUT_INVALID', message: 'watch takes {"park": id} or {"park": id, "enterprise": id}' };
    const place = this.#live.placeOf(wish.park, wish.enterprise);
    // The same words for what is hidden and what does not exist, so that nobody learns names by asking.
    if (place === null || !covers(socket.data.principal.scope, place))
      return { code: 'FORBIDDEN', message: 'there is no such park or enterprise in your scope' };
    this.#unwatch(socket);
    const room = this.#live.join(place.park, place.enterprise);
    socket.data.room = room;
    if (!this.#layouts.has(room)) this.#layouts.set(room, this.#live.layout(place.park, place.enterprise));
    const state = this.#live.snapshot(place.park, place.enterprise);
    const joined = socket.join(room.name);
    if (joined instanceof Promise) joined.catch((error: unknown) => this.#fault(error));
    socket.emit('snapshot', state);
    return null;
  }

  #unwatch(socket: LiveSocket): void {
    const room = socket.data.room;
    if (room === null) return;
    socket.data.room = null;
    const left = socket.leave(room.name);
    if (left instanceof Promise) left.catch((error: unknown) => this.#fault(error));
    this.#live.leave(room);
  }

  #schedule(delay: number): NodeJS.Timeout {
    return setTimeout(() => {
      const began = performance.now();
      try {
        for (const [room, batch] of this.#live.take()) this.#namespace.to(room.name).emit('readings', batch);
      } catch (error) {
        this.#fault(error);
      }
      // With very many meters a batch takes long: the live view then slows down instead of the ingest beside it.
      if (!this.#stopped) this.#readingsTimer = this.#schedule(Math.max(this.#timing.readingsMs, 4 * (performance.now() - began)));
    }, delay).unref();
  }

  #sendFigures(): void {
    const now = this.#clock();
    for (const room of this.#live.rooms()) {
      try {
        const figures = this.#live.figures(room.park, room.enterprise, now);
        const told = JSON.stringify({ ...figures, at: 0 });
        if (this.#lastFigures.get(room) === told) continue;
        this.#lastFigures.set(room, told);
        this.#namespace.to(room.name).emit('usage', figures);
      } catch (error) {
        this.#fault(error);
      }
    }
  }

  #tell(change: AlertChange): void {
    for (const room of this.#live.roomsFor(change.alert.park, change.alert.enterprise)) this.#namespace.to(room.name).emit('alert', change);
  }

  #recheckAll(): void {
    for (const socket of this.#namespace.sockets.values()) {
      this.#recheck(socket).catch((error: unknown) => {
        this.#fault(error);
        // Who cannot be checked is not trusted; the client connects again and is asked from the start.
        socket.disconnect(true);
      });
    }
  }

  async #recheck(socket: LiveSocket): Promise<void> {
    const principal = await this.#identify(socket);
    const room = socket.data.room;
    const place = room === null ? null : this.#live.placeOf(room.park, room.enterprise);
    if (principal !== null && (room === null || (place !== null && covers(principal.scope, place)))) {
      socket.data.principal = principal;
      return;
    }
    this.#logger.info({ principal: socket.data.principal.name }, 'live connection ended: its session or its right to watch has ended');
    socket.disconnect(true);
  }

  #fault(error: unknown): Error {
    this.#logger.error({ err: error }, 'live gateway');
    return new Refusal('INTERNAL', 'the live view failed; see the log of the service');
  }
}

/** Why a connection was refused; socket.io hands `data` to the client's `connect_error`. */
class Refusal extends Error {
  readonly data: { readonly code: ErrorCode };

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.data = { code };
  }
}

function parseWish(what: unknown): { park: string; enterprise: string | null } | null {
  if (typeof what !== 'object' || what === null) return null;
  const { park, enterprise } = what as { park?: unknown; enterprise?: unknown };
  if (typeof park !== 'string') return null;
  if (enterprise === undefined || enterprise === null) return { park, enterprise: null };
  return typeof enterprise === 'string' ? { park, enterprise } : null;
}

/** Does the page that opened this connection come from this server? Programs send no Origin and are their own. */
function isOwnOrigin(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return true;
  const forwarded = request.headers['x-forwarded-host'];
  const hosts = [host, ...(typeof forwarded === 'string' ? forwarded.split(',').map((each) => each.trim()) : [])];
  return URL.canParse(origin) && hosts.includes(new URL(origin).host);
}
