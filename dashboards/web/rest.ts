import type { Balance, BalancePart } from '../../accounting/balance.ts';
import type { EntryAssessment } from '../../accounting/entry-assessment.ts';
import type { Principal, Role, Scope } from '../../model/access.ts';
import type { Alert } from '../../model/alert.ts';
import type { Fault } from '../../model/errors.ts';
import type { EpochMs } from '../../model/ids.ts';
import type { GatewayStanding, IngestState, LeftOutSeen } from '../../model/ingest.ts';
import type { QualityName } from '../../model/quality.ts';
import type { QuantityName } from '../../model/quantities.ts';
import type { NotedRegisterChange, RegisterMove } from '../../model/register-change.ts';
import type { Enterprise, Park } from '../../model/registry.ts';
import type { Application, CalendarPeriod, Carrier, EntryProfile } from '../../model/rules.ts';
import type { UnknownMeter as UnknownMeterSeen } from '../../model/unknown-meter.ts';
import type { SeriesPoint } from './chart/series-window.ts';

export interface Session {
  readonly name: Principal['name'];
  readonly role: Role;
  readonly scope: Scope;
  readonly parks: readonly (Pick<Park, 'id' | 'name' | 'region' | 'timeZone'> & { readonly nameEn: string | null })[];
}

interface Listed<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** The API's alert: as the model's, with times as text. */
type AlertJson = { readonly [K in keyof Alert]: K extends TimeKey ? string | null : Alert[K] };
const TIMES = ['since', 'until', 'raisedAt', 'periodStart', 'acknowledgedAt', 'shelvedUntil'] as const;
type TimeKey = (typeof TIMES)[number];

interface SeriesJson {
  readonly items: readonly {
    readonly ts: string;
    readonly value?: number;
    readonly quality?: QualityName;
    readonly mean?: number;
    readonly min?: number;
    readonly max?: number;
    readonly count?: number;
  }[];
  readonly next: string | null;
}

/** What the API answers: the assessment and what it was held against. */
export type Assessment = EntryAssessment & { readonly profile: string; readonly version: number };

export interface DeadLetterSummary {
  readonly id: number;
  readonly receivedAt: string;
  readonly transport: string;
  readonly topic: string;
  readonly gateway: string | null;
  readonly park: string | null;
  readonly meter: string | null;
  readonly reason: string;
  readonly detail: string;
  readonly payloadLength: number;
  readonly keptLength: number;
  readonly attempts: number;
  readonly replayedAt: string | null;
}

/** What dead letters are searched by, as the API's query takes it. */
export type LetterFilter = Readonly<Partial<Record<'reason' | 'gateway' | 'meter' | 'topic' | 'text' | 'from' | 'to' | 'state', string>>>;

/** What became of letters that were tried again; messages where nothing else is said. */
export type ReplayReport = Readonly<
  Record<'letters' | 'messages' | 'accepted' | 'partly' | 'refused' | 'leftOut' | 'cut' | 'notOriginal' | 'already' | 'failed', number>
>;

type TimesAsText<T, K extends keyof T> = { readonly [P in keyof T]: P extends K ? string | null : T[P] };
export type GatewayJson = TimesAsText<GatewayStanding, 'lastSeen'>;
export type IngestStateJson = Omit<TimesAsText<IngestState, 'lastCommitAt'>, 'spool'> & {
  readonly spool: TimesAsText<NonNullable<IngestState['spool']>, 'oldestTs'> | null;
};

/** What a mapping leaves out; `lastReading`: the newest that is stored of its meter. */
export type LeftOutJson = Omit<LeftOutSeen, 'firstSeen' | 'lastSeen' | 'suggested'> & {
  readonly firstSeen: string;
  readonly lastSeen: string;
  readonly suggested: QuantityName | null;
  readonly isRegistered: boolean | null;
  readonly lastReading: string | null;
};

type SeenAsJson<T> = T extends unknown
  ? Omit<T, 'firstSeen' | 'lastSeen' | 'payload'> & {
      readonly firstSeen: string;
      readonly lastSeen: string;
      /** In base64, as far as it was kept. */
      readonly payload: string;
    }
  : never;
/** A meter or device that reports and is not registered. */
export type UnknownMeter = SeenAsJson<UnknownMeterSeen>;
export type UnknownDevice = UnknownMeter & { readonly kind: 'device' };
export type UnknownLogger = UnknownMeter & { readonly kind: 'logger' };

/** The gateway that a data logger is, and its meter. */
export interface LoggerRecord {
  readonly park: string;
  readonly gateway: { readonly id: string; readonly name: string };
  readonly password: string;
  readonly meter: object;
}

/** A carrier between a meter and those right below it, with times as text. */
export type BalanceJson = Balance & {
  readonly carrier: Carrier;
  readonly unit: string;
  readonly from: string;
  readonly to: string;
  readonly tolerance: number;
  readonly parts: readonly BalancePart[];
  readonly unread: readonly string[];
};

export type EnterpriseName = Pick<Enterprise, 'id' | 'name' | 'nameEn'>;

/** The API's register change: as the model's, with times as text and with its unit. */
export type RegisterChangeJson = Pick<NotedRegisterChange, 'number' | 'quantity' | 'author' | 'reason'> &
  RegisterMove & { readonly at: string; readonly notedAt: string; readonly unit: string };

/** Another instrument took over: what both registers showed, after the multiplier. */
export interface ExchangeDeclaration {
  readonly quantity: QuantityName;
  readonly at: string;
  readonly closing: number;
  readonly opening: number;
  readonly reason: string;
}

export interface Readiness {
  readonly ready: boolean;
  readonly parts: readonly { readonly part: string; readonly ready: boolean; readonly detail?: string }[];
}

/** A request that the service refused, or that never reached it (status 0). */
export class RestError extends Error {
  readonly status: number;
  readonly code: string;
  /** What is wrong with the request, place by place. */
  readonly faults: readonly Fault[];

  constructor(status: number, code: string, message: string, faults: readonly Fault[] = []) {
    super(message);
    this.name = 'RestError';
    this.status = status;
    this.code = code;
    this.faults = faults;
  }
}

/** Why a request failed, for people. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const DAY = 86_400_000;
/** Longest wait for an answer, in milliseconds. */
const TIMEOUT_MS = 30_000;

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: 'same-origin', ...init, signal: init.signal ?? AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new RestError(0, 'UNREACHABLE', reasonOf(error));
  }
  return response;
}

async function json<T>(path: string, init?: RequestInit): Promise<T> {
  return (await (await taken(path, init)).json()) as T;
}

async function nothing(path: string, init: RequestInit): Promise<void> {
  await taken(path, init);
}

/** The answer of a request that was not refused. */
async function taken(path: string, init?: RequestInit): Promise<Response> {
  return accepted(await ask(path, init));
}

async function accepted(response: Response): Promise<Response> {
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as Partial<Record<'code' | 'detail' | 'title', string>> & { faults?: Fault[] };
  const said = problem.detail ?? problem.title ?? `${response.status} ${response.statusText}`;
  throw new RestError(response.status, problem.code ?? 'INTERNAL', said, problem.faults);
}

const post = (body: unknown): RequestInit => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const id = encodeURIComponent;
const query = (values: Readonly<Record<string, string | undefined>>): string => {
  const set = Object.entries(values).filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== '');
  return set.length === 0 ? '' : `?${new URLSearchParams(set).toString()}`;
};

export const whoAmI = (): Promise<Session> => json('/api/v1/session');
export const signIn = (username: string, password: string): Promise<Session> => json('/api/v1/session', post({ username, password }));
export async function signOut(): Promise<void> {
  await ask('/api/v1/session', { method: 'DELETE' });
}

/** `step` in ms, null for raw readings. `cut` tells that there are more raw readings than one answer holds. */
export async function series(
  meter: string,
  quantity: string,
  window: { readonly from: EpochMs; readonly to: EpochMs },
  step: number | null,
  signal: AbortSignal,
): Promise<{ readonly points: SeriesPoint[]; readonly cut: boolean }> {
  const asked = query({
    quantity,
    from: String(Math.floor(window.from)),
    to: String(Math.ceil(window.to)),
    // A day is the calendar's, also where the clock changes in it.
    ...(step === null ? { step: 'raw' } : { step: step % DAY === 0 ? `P${step / DAY}D` : String(step / 1000), aggregate: 'all' }),
  });
  const answer = await json<SeriesJson>(`/api/v1/meters/${id(meter)}/series${asked}`, { signal });
  const points = answer.items.flatMap((item): SeriesPoint[] => {
    const value = item.mean ?? item.value;
    if (value === undefined) return [];
    return [{ ts: Date.parse(item.ts), value, min: item.min ?? value, max: item.max ?? value, count: item.count ?? 1, quality: item.quality ?? 'good' }];
  });
  return { points, cut: answer.next !== null };
}

export async function alerts(
  park: string,
  filter: { readonly state?: string; readonly enterprise?: string },
  cursor: string | null,
): Promise<{ items: Alert[]; next: string | null }> {
  const answer = await json<Listed<AlertJson>>(`/api/v1/parks/${id(park)}/alerts${query({ ...filter, limit: '100', cursor: cursor ?? undefined })}`);
  return { items: answer.items.map(alertOf), next: answer.next };
}

export const acknowledge = async (alert: string): Promise<Alert> => alertOf(await json<AlertJson>(`/api/v1/alerts/${id(alert)}/acknowledge`, post({})));

export const entryProfiles = (park: string): Promise<Listed<EntryProfile>> => json(`/api/v1/parks/${id(park)}/entry-profiles?limit=100`);
export const applications = (park: string): Promise<Listed<Application>> => json(`/api/v1/parks/${id(park)}/applications?limit=100`);
export const assessment = (park: string, application: string): Promise<Assessment> =>
  json(`/api/v1/parks/${id(park)}/applications/${id(application)}/assessment`);

export const deadLetters = (filter: LetterFilter, cursor: string | null): Promise<Listed<DeadLetterSummary>> =>
  json(`/api/v1/dead-letters${query({ ...filter, limit: '50', cursor: cursor ?? undefined })}`);
export const exportOf = (filter: LetterFilter): string => `/api/v1/dead-letters/export${query(filter)}`;
export const replayLetters = (
  which: { readonly ids: readonly number[] } | { readonly filter: LetterFilter },
  cursor: string | null,
): Promise<ReplayReport & { readonly next: string | null }> => json('/api/v1/dead-letters/replay', post({ ...which, ...(cursor === null ? {} : { cursor }) }));
export const deadLetter = (letter: number): Promise<DeadLetterSummary & { readonly payload: string }> => json(`/api/v1/dead-letters/${letter}`);

export const unknownMeters = (): Promise<Listed<UnknownMeter>> => json('/api/v1/unknown-meters');
export const registerUnknown = (meter: string, record: object): Promise<{ readonly replay: ReplayReport }> =>
  json(`/api/v1/unknown-meters/${id(meter)}/register`, post(record));
export const registerDevice = ({ park, mapping, meter: device }: UnknownDevice, meter: object): Promise<{ readonly replay: ReplayReport }> =>
  json('/api/v1/unknown-devices/register', post({ park, mapping, device, meter }));
export const dismissDevice = ({ park, mapping, meter: device }: UnknownDevice): Promise<void> =>
  nothing(`/api/v1/unknown-devices?${new URLSearchParams({ ...(park === null ? {} : { park }), mapping, device })}`, { method: 'DELETE' });
export const registerLogger = ({ meter: mn }: UnknownLogger, record: LoggerRecord): Promise<{ readonly replay: ReplayReport }> =>
  json('/api/v1/unknown-loggers/register', post({ mn, ...record }));
export const dismissLogger = ({ meter: mn }: UnknownLogger): Promise<void> => nothing(`/api/v1/unknown-loggers/${id(mn)}`, { method: 'DELETE' });
export const dismissUnknown = (meter: string): Promise<void> => nothing(`/api/v1/unknown-meters/${id(meter)}`, { method: 'DELETE' });
export const enterprisesOf = (park: string): Promise<Listed<EnterpriseName>> => json(`/api/v1/parks/${id(park)}/enterprises?limit=1000`);

export const registerChanges = (meter: string): Promise<Listed<RegisterChangeJson>> => json(`/api/v1/meters/${id(meter)}/register-changes`);
export const declareExchange = (meter: string, declaration: ExchangeDeclaration): Promise<RegisterChangeJson> =>
  json(`/api/v1/meters/${id(meter)}/register-changes`, post({ kind: 'exchange', ...declaration }));

export const balanceOf = (meter: string, period: CalendarPeriod): Promise<Listed<BalanceJson>> => json(`/api/v1/meters/${id(meter)}/balance?period=${period}`);

/** What the service says of its parts; it answers 503 with the same body while one is not ready. */
export async function readiness(): Promise<Readiness> {
  const response = await ask('/readyz');
  return (await response.json()) as Readiness;
}

/** The state of the whole installation's ingest; null where this user looks after a part of it alone. */
export async function ingestState(): Promise<IngestStateJson | null> {
  const response = await ask('/api/v1/ingest/state');
  return response.status === 403 ? null : ((await (await accepted(response)).json()) as IngestStateJson);
}

/** Those that need somebody first. */
export const leftOut = (limit: number): Promise<Listed<LeftOutJson> & { readonly forgotten: number }> =>
  json(`/api/v1/ingest/left-out${query({ limit: String(limit) })}`);

/** Those in trouble first. `at`: the service's time of the answer. */
export async function gateways(text: string, limit: number): Promise<Listed<GatewayJson> & { readonly at: EpochMs }> {
  const response = await taken(`/api/v1/ingest/gateways${query({ text, limit: String(limit) })}`);
  return { ...((await response.json()) as Listed<GatewayJson>), at: Date.parse(response.headers.get('date') ?? '') || Date.now() };
}

function alertOf(from: AlertJson): Alert {
  const times = Object.fromEntries(TIMES.map((key) => [key, from[key] === null ? null : Date.parse(from[key])]));
  return { ...from, ...times } as unknown as Alert;
}
