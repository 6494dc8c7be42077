import { io, type Socket } from 'socket.io-client';
import { ref, shallowRef, triggerRef } from 'vue';
import type { Alert } from '../../../model/alert.ts';
import type { ClientToServer, ServerToClient } from '../../../model/live.ts';
import { LiveModel } from './live-model.ts';

export interface Wish {
  readonly park: string;
  readonly enterprise?: string;
}

/** `away`: it was live and is being connected again. */
export const status = ref<'connecting' | 'live' | 'away'>('connecting');
/** When the connection was lost, by the service's clock; null while it stands. */
export const awaySince = ref<number | null>(null);
/** Why the service refused to show what was asked; null when it shows it. */
export const refusal = ref<string | null>(null);
/** What the watched room told so far. The same object is told anew at every change. */
export const model = shallowRef<LiveModel | null>(null);
/** Raised at every snapshot: what was missed before it must be read from the API. */
export const snapshots = ref(0);
/** The service's time now, in ms, ticking each second: ages do not depend on this screen's clock. */
export const now = ref(Date.now());
/** The last alert that fired while this page was open, to be read out. */
export const fired = shallowRef<Alert | null>(null);
/** Raised when the service no longer knows the session. */
export const signedOut = ref(0);

/** Wait before a lost room is asked for again, in ms: a flood of gaps must not become a flood of snapshots. */
const REWATCH_MS = 2000;
const RETRY_MS = 5000;

let offset = 0;
let socket: Socket<ServerToClient, ClientToServer> | null = null;
let wish: Wish | null = null;
let rewatching: ReturnType<typeof setTimeout> | null = null;
let retrying: ReturnType<typeof setTimeout> | null = null;

setInterval(() => {
  now.value = Date.now() + offset;
}, 1000);

/** Watches a room from now on, over all reconnects, in place of the one before. */
export function watchRoom(next: Wish): void {
  if (wish !== null && wish.park === next.park && wish.enterprise === next.enterprise && refusal.value === null) return;
  wish = next;
  model.value = null;
  refusal.value = null;
  socket ??= open();
  if (socket.connected) ask();
}

/** Lets the connection go, with all that it told. */
export function forget(): void {
  socket?.disconnect();
  socket = null;
  wish = null;
  model.value = null;
  refusal.value = null;
  awaySince.value = null;
  status.value = 'connecting';
  if (rewatching !== null) clearTimeout(rewatching);
  if (retrying !== null) clearTimeout(retrying);
  rewatching = null;
  retrying = null;
}

function open(): Socket<ServerToClient, ClientToServer> {
  const made: Socket<ServerToClient, ClientToServer> = io('/live', {
    transports: ['websocket', 'polling'],
    reconnectionDelay: 500,
    reconnectionDelayMax: 10_000,
  });
  made.on('connect', ask);
  made.on('disconnect', (reason) => {
    lost();
    // When the service itself ends a connection, socket.io does not try again: it may be the session that ended.
    if (reason === 'io server disconnect') retry(made, 500);
  });
  made.on('connect_error', (error) => {
    if ((error as Error & { data?: { code?: string } }).data?.code === 'UNAUTHENTICATED') {
      forget();
      signedOut.value++;
      return;
    }
    lost();
    if (!made.active) retry(made, RETRY_MS);
  });
  made.on('snapshot', (state) => {
    if (wish === null || state.park.id !== wish.park || (state.enterprise ?? undefined) !== wish.enterprise) return;
    model.value = new LiveModel(state);
    snapshots.value++;
    status.value = 'live';
    awaySince.value = null;
    heard(state.at);
  });
  made.on('readings', (batch) => {
    const held = model.value;
    if (held === null) return;
    if (!held.readings(batch)) return again();
    heard(batch.at);
    triggerRef(model);
  });
  made.on('usage', (figures) => {
    if (model.value === null) return;
    model.value.usage(figures);
    heard(figures.at);
    triggerRef(model);
  });
  made.on('alert', (change) => {
    if (model.value === null) return;
    model.value.alert(change);
    if (change.kind === 'fired') fired.value = change.alert;
    triggerRef(model);
  });
  return made;
}

function ask(): void {
  if (socket === null || wish === null) return;
  const asked = wish;
  socket.emit('watch', asked, (refused) => {
    if (refused === null || asked !== wish) return;
    if (refused.code === 'RATE_LIMITED') return again();
    refusal.value = refused.message;
    status.value = 'live';
  });
}

function again(): void {
  rewatching ??= setTimeout(() => {
    rewatching = null;
    ask();
  }, REWATCH_MS);
}

function retry(made: Socket, delay: number): void {
  retrying ??= setTimeout(() => {
    retrying = null;
    if (socket === made) made.connect();
  }, delay);
}

function lost(): void {
  if (model.value === null) {
    status.value = 'connecting';
    return;
  }
  status.value = 'away';
  awaySince.value ??= Date.now() + offset;
}

function heard(at: number): void {
  offset = at - Date.now();
  now.value = at;
}
