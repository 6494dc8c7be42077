import type { Role, Scope } from '../../model/access.ts';
import type { Alert } from '../../model/alert.ts';
import type { EnterpriseId, EpochMs, GatewayId, MeterId, ParkId } from '../../model/ids.ts';
import type { Mapping } from '../../model/mapping.ts';
import type { NotedRegisterChange } from '../../model/register-change.ts';
import type { Enterprise, Gateway, Meter, Park, RegisteredMeter } from '../../model/registry.ts';
import type { Application, Cap, EntryProfile, Rule } from '../../model/rules.ts';

/**
 * The relational side: parks and what belongs to them, people, rules, alerts, dead letters, audit trail.
 * Input was checked at the door; a broken reference (a meter of a park that does not exist, a circle of parents, a parent in
 * another park) is refused here with `INPUT_INVALID`, deleting what others still name with `CONFLICT`.
 * Lists come in order of id, at most `limit` after the cursor.
 */
export interface RegistryRecords {
  readonly parks: ParkRecords;
  readonly enterprises: ParkOwned<Enterprise, EnterpriseId>;
  readonly meters: MeterRecords;
  readonly gateways: GatewayRecords;
  readonly rules: ParkOwned<Rule, string>;
  readonly caps: ParkOwned<Cap, string>;
  readonly entryProfiles: ParkOwned<EntryProfile, string>;
  readonly applications: ParkOwned<Application, string>;
  readonly mappings: ParkOwned<Mapping, string>;
  readonly users: UserRecords;
  readonly sessions: SessionRecords;
  readonly tokens: TokenRecords;
  readonly alerts: AlertRecords;
  readonly deadLetters: DeadLetterRecords;
  readonly audit: AuditRecords;
  readonly registerChanges: RegisterChangeRecords;
  readonly imports: ImportRecords;
}

export interface Registry extends RegistryRecords {
  /**
   * All that `work` reads and writes through the records handed to it is one durable transaction: a change and its audit entry are
   * made together or not at all. When `work` rejects, nothing was changed. Inside, use those records alone and wait for nothing else:
   * the registry itself waits until `work` has ended, and a call of it from there would wait for ever.
   */
  change<T>(work: (records: RegistryRecords) => Promise<T>): Promise<T>;
  /**
   * A number that changes whenever this process changed what people set up of parks (not people and their tokens and sessions,
   * and not alerts, dead letters and audit, which a running service writes all the time), or another process on the same file changed anything (`greenpark user add` beside a
   * running service). Cheap: meant to be asked once a second.
   */
  version(): number;
  close(): void;
}

export interface Page {
  readonly limit: number;
  /** Id of the last item of the page before. */
  readonly after: string | null;
}

export interface ParkRecords {
  list(): Promise<readonly Park[]>;
  get(id: ParkId): Promise<Park | null>;
  put(park: Park): Promise<'created' | 'replaced' | 'unchanged'>;
  delete(id: ParkId): Promise<boolean>;
}

export interface ParkOwned<T, Id> {
  list(park: ParkId, page: Page): Promise<readonly T[]>;
  /** All of them over all parks, for the parts that hold them in memory. */
  all(): Promise<readonly T[]>;
  get(park: ParkId, id: Id): Promise<T | null>;
  put(record: T): Promise<'created' | 'replaced' | 'unchanged'>;
  delete(park: ParkId, id: Id): Promise<boolean>;
}

/** What a deleted meter was known by. */
export type FormerMeter = Pick<RegisteredMeter, 'id' | 'park' | 'ordinal'>;

export interface MeterRecords {
  list(park: ParkId, page: Page & { readonly enterprise?: EnterpriseId }): Promise<readonly RegisteredMeter[]>;
  /** Of all parks, or of those named. */
  all(parks?: readonly string[]): Promise<readonly RegisteredMeter[]>;
  get(id: MeterId): Promise<RegisteredMeter | null>;
  /** Meters that were deleted and are not registered again, of all parks or of those named. */
  former(parks?: readonly string[]): Promise<readonly FormerMeter[]>;
  /**
   * A new meter gets the next ordinal; one that is replaced keeps its own. That of a deleted one is kept for it: registered under its id again
   * it goes on with its readings. In another park its id cannot be registered, or that park's people would see them.
   */
  put(meter: Meter): Promise<'created' | 'replaced' | 'unchanged'>;
  delete(park: ParkId, id: MeterId): Promise<boolean>;
}

export interface GatewayRecords extends ParkOwned<Gateway, GatewayId> {
  setSecret(id: GatewayId, secretHash: string): Promise<void>;
  /** null for an unknown gateway or one without a secret. */
  secretHash(id: GatewayId): Promise<string | null>;
  /**
   * The same for signing in at a broker or over HTTP, where the password of an HJ 212 logger is good for nothing: it may have six digits,
   * and everybody on its way can read it.
   */
  signInHash(id: GatewayId): Promise<string | null>;
  /** Of a logger that encrypts what it sends: 16 bytes, kept as they are since they have to be used; null takes it away. */
  setKey(id: GatewayId, key: Uint8Array | null): Promise<void>;
  key(id: GatewayId): Promise<Uint8Array | null>;
}

export interface User {
  readonly username: string;
  readonly role: Role;
  readonly scope: Scope;
  readonly passwordHash: string;
  readonly createdAt: EpochMs;
}

export interface UserRecords {
  list(): Promise<readonly User[]>;
  get(username: string): Promise<User | null>;
  put(user: User): Promise<void>;
  delete(username: string): Promise<boolean>;
  count(): Promise<number>;
}

export interface SessionRecords {
  /** `idHash` is the SHA-256 of the cookie's secret, in hex: the database never holds what signs in. */
  create(session: { readonly idHash: string; readonly username: string; readonly createdAt: EpochMs; readonly expiresAt: EpochMs }): Promise<void>;
  /** The user behind a session that has not expired. */
  user(idHash: string, now: EpochMs): Promise<User | null>;
  delete(idHash: string): Promise<void>;
  deleteExpired(now: EpochMs): Promise<number>;
}

export interface Token {
  readonly name: string;
  readonly role: Role;
  readonly scope: Scope;
  readonly secretHash: string;
  readonly createdAt: EpochMs;
  readonly expiresAt: EpochMs | null;
}

export interface TokenRecords {
  list(): Promise<readonly Token[]>;
  put(token: Token): Promise<void>;
  /** By SHA-256 of the bearer secret, in hex; null when expired. */
  bySecretHash(secretHash: string, now: EpochMs): Promise<Token | null>;
  delete(name: string): Promise<boolean>;
}

export interface AlertFilter {
  readonly parks: readonly ParkId[];
  readonly enterprise?: EnterpriseId;
  readonly state?: Alert['state'];
  readonly meter?: MeterId;
  readonly from?: EpochMs;
  readonly to?: EpochMs;
}

/** State of one rule instance, so that nothing fires twice and nothing is forgotten after a restart. `state` is JSON of the rule type's own. */
export interface RuleState {
  /** `rule/meter` or the like: unique per instance. */
  readonly instance: string;
  readonly state: string;
}

export interface AlertRecords {
  /** Newest `since` first. `after` is the cursor of the page before (opaque to callers). */
  list(filter: AlertFilter, page: Page): Promise<{ readonly items: readonly Alert[]; readonly next: string | null }>;
  get(id: string): Promise<Alert | null>;
  /** Firing and acknowledged ones. */
  open(): Promise<readonly Alert[]>;
  /** Alerts (inserted or replaced by id), rule states, and the audit entries of what people did to the alerts, in one durable transaction. */
  save(alerts: readonly Alert[], states: readonly RuleState[], entries?: readonly NewAuditEntry[]): Promise<void>;
  states(): Promise<readonly RuleState[]>;
  deleteStates(instances: readonly string[]): Promise<void>;
}

/** A message, or a part of one, that was refused. Its bytes are asked for by themselves: a list of letters may stand for hundreds of MB. */
export interface DeadLetter {
  readonly id: number;
  readonly receivedAt: EpochMs;
  readonly transport: string;
  readonly topic: string;
  /** The broker had kept the message: without a time of its own nobody knows how old its values are. */
  readonly isRetained: boolean;
  readonly gateway: string | null;
  /**
   * The park and meter that the message is about, where they are registered; the park else of the mapping or link that takes it, or of the
   * gateway that sent it. It decides who may see the letter.
   */
  readonly park: ParkId | null;
  readonly meter: MeterId | null;
  readonly reason: string;
  readonly detail: string;
  /** Bytes that came, and those of them that were kept: fewer where the message was cut. */
  readonly payloadLength: number;
  readonly keptLength: number;
  /** Shared by the letters of one message, of which there is one for each reason. */
  readonly message: number;
  /** How often it was tried again in vain; `reason` and `detail` are those of the last time. */
  readonly attempts: number;
  /** When it was tried again and nothing was refused for its reason; it stays as a record until newer letters push it out. */
  readonly replayedAt: EpochMs | null;
}

/** With the original bytes, as far as they were kept. */
export interface WholeDeadLetter extends DeadLetter {
  readonly payload: Uint8Array;
}

/** Letters of one message follow each other and hold the same `payload`, as one object: it is stored once. */
export type NewDeadLetter = Omit<WholeDeadLetter, 'id' | 'attempts' | 'replayedAt' | 'keptLength' | 'message'>;

/** What is kept at most; beyond either the oldest letters go. */
export interface LetterCapacity {
  readonly letters: number;
  /** Of payloads. */
  readonly bytes: number;
}

export interface DeadLetterFilter {
  readonly parks: readonly ParkId[] | 'all';
  readonly ids?: readonly number[];
  readonly reason?: string;
  readonly transport?: string;
  readonly gateway?: string;
  /** About this meter; where it is none that was registered, by a native topic or the detail, which names the first few of a message. */
  readonly meter?: string;
  readonly topicPrefix?: string;
  /** Anywhere in the detail; of ASCII letters the case does not count. */
  readonly text?: string;
  /** Received in [from, to). */
  readonly from?: EpochMs;
  readonly to?: EpochMs;
  /** true: only those that wait to be tried again; false: only those that were replayed. */
  readonly waiting?: boolean;
}

/** What became of one letter that was tried again; null: nothing was refused for it any more. */
export interface TriedLetter {
  readonly id: number;
  readonly refusal: { readonly reason: string; readonly detail: string } | null;
}

export interface DeadLetterRecords {
  /** Durable when resolved. Beyond `capacity` the oldest go; answers how many went. */
  add(letters: readonly NewDeadLetter[], capacity: LetterCapacity): Promise<number>;
  /** Newest first unless said otherwise; `after` is the id of the last letter of the page before. */
  list(
    filter: DeadLetterFilter,
    page: { readonly limit: number; readonly after: number | null; readonly order?: 'newest' | 'oldest' },
  ): Promise<readonly DeadLetter[]>;
  get(id: number): Promise<WholeDeadLetter | null>;
  /** Their bytes by number, all at once in memory; one that has gone meanwhile is missing. */
  payloads(ids: readonly number[]): Promise<ReadonlyMap<number, Uint8Array>>;
  /** Notes what came of trying letters again, in one durable transaction. One that has gone meanwhile is passed over. */
  tried(letters: readonly TriedLetter[], at: EpochMs): Promise<void>;
  countByReason(): Promise<ReadonlyMap<string, number>>;
}

/** Who changed what. Append-only: the database itself refuses an update or delete. */
export interface AuditEntry {
  readonly id: number;
  readonly at: EpochMs;
  readonly actor: string;
  readonly action: string;
  readonly park: ParkId | null;
  /** Kind and id of what was changed, e.g. `meter`, `m-017`. */
  readonly subject: string;
  readonly subjectId: string;
  /** JSON before and after; null where there was or is nothing. Secrets never stand here. */
  readonly before: string | null;
  readonly after: string | null;
}

export type NewAuditEntry = Omit<AuditEntry, 'id'>;

export interface AuditRecords {
  append(entry: NewAuditEntry): Promise<void>;
  /** Newest first. */
  list(
    filter: { readonly parks: readonly ParkId[] | 'all'; readonly subject?: string; readonly actor?: string },
    page: { readonly limit: number; readonly after: number | null },
  ): Promise<readonly AuditEntry[]>;
}

/** Append-only, as the audit trail: a change that was noted wrongly is followed by another for the same meter, quantity and time. */
export interface RegisterChangeRecords {
  /** Durable when resolved; answers their numbers, in order. */
  add(changes: readonly Unnumbered[]): Promise<readonly number[]>;
  /** In the order of noting. */
  all(): Promise<readonly NotedRegisterChange[]>;
}

/** As it is handed in: `Omit` over each of the variants. */
export type Unnumbered = NotedRegisterChange extends infer T ? (T extends NotedRegisterChange ? Omit<T, 'number'> : never) : never;

/** A recording and the mapping that it is read by, as paths. */
export interface ImportSource {
  readonly file: string;
  readonly mapping: string;
}

/** How far the import of each recording has come. `progress` is JSON of the import's own. */
export interface ImportRecords {
  get(source: ImportSource): Promise<string | null>;
  /** Durable when resolved. */
  put(source: ImportSource, progress: string): Promise<void>;
  delete(source: ImportSource): Promise<boolean>;
}
