import type { Generated } from 'kysely';
import type { Role } from '../../model/access.ts';
import type { Alert } from '../../model/alert.ts';
import type { EnterpriseId, EpochMs, GatewayId, MeterId, ParkId } from '../../model/ids.ts';
import type { MeterKind } from '../../model/meter-kinds.ts';
import type { QuantityName } from '../../model/quantities.ts';
import type { Stage } from '../../model/registry.ts';

/** The tables as the newest migration leaves them. Columns that hold JSON end in `_json`. */
export interface Tables {
  parks: ParkRow;
  enterprises: EnterpriseRow;
  gateways: GatewayRow;
  meters: MeterRow;
  former_meters: FormerMeterRow;
  documents: DocumentRow;
  users: UserRow;
  sessions: SessionRow;
  tokens: TokenRow;
  alerts: AlertRow;
  rule_states: RuleStateRow;
  dead_letters: DeadLetterRow;
  letter_payloads: LetterPayloadRow;
  audit: AuditRow;
  register_changes: RegisterChangeRow;
  counters: CounterRow;
  imports: ImportRow;
}

export interface ParkRow {
  id: ParkId;
  name: string;
  name_en: string | null;
  region: string;
  time_zone: string;
}

export interface EnterpriseRow {
  park: ParkId;
  id: EnterpriseId;
  name: string;
  name_en: string | null;
  trade: string;
  trade_en: string | null;
  stage: Stage;
}

export interface GatewayRow {
  id: GatewayId;
  park: ParkId;
  name: string;
  secret_hash: string | null;
  cipher_key: Uint8Array | null;
  link_json: string | null;
}

export interface MeterRow {
  id: MeterId;
  ordinal: number;
  park: ParkId;
  enterprise: EnterpriseId | null;
  name: string;
  name_en: string | null;
  kind: MeterKind;
  parent: MeterId | null;
  multiplier: number;
  gateway: GatewayId | null;
  units_json: string | null;
  checks_json: string | null;
  interval_seconds: number;
}

/** A meter that was deleted. */
export interface FormerMeterRow {
  id: MeterId;
  park: ParkId;
  ordinal: number;
}

export type DocumentKind = 'rule' | 'cap' | 'entry-profile' | 'application' | 'mapping';

export interface DocumentRow {
  kind: DocumentKind;
  park: ParkId;
  id: string;
  body_json: string;
}

export interface UserRow {
  username: string;
  role: Role;
  scope_json: string;
  password_hash: string;
  created_at: EpochMs;
}

export interface SessionRow {
  id_hash: string;
  username: string;
  created_at: EpochMs;
  expires_at: EpochMs;
}

export interface TokenRow {
  name: string;
  role: Role;
  scope_json: string;
  secret_hash: string;
  created_at: EpochMs;
  expires_at: EpochMs | null;
}

export interface AlertRow {
  id: string;
  park: ParkId;
  enterprise: EnterpriseId | null;
  meter: MeterId | null;
  state: Alert['state'];
  since: EpochMs;
  until: EpochMs | null;
  body_json: string;
}

export interface RuleStateRow {
  instance: string;
  state: string;
}

export interface DeadLetterRow {
  id: number;
  received_at: EpochMs;
  transport: string;
  topic: string;
  /** 1 where the broker had kept the message. */
  retained: number;
  gateway: string | null;
  park: ParkId | null;
  meter: MeterId | null;
  reason: string;
  detail: string;
  payload_length: number;
  attempts: Generated<number>;
  replayed_at: EpochMs | null;
  /** Of the first letter of the message, which is that of its payload; never falls from one letter to the next. */
  payload_id: number;
  kept_length: number;
  /** Bytes of all payloads ever kept, up to the end of this one. */
  bytes_through: number;
}

/** Apart from the letters, so that going through them reads none of it. */
export interface LetterPayloadRow {
  id: number;
  bytes: Uint8Array;
}

export interface AuditRow {
  id: Generated<number>;
  at: EpochMs;
  actor: string;
  action: string;
  park: ParkId | null;
  subject: string;
  subject_id: string;
  before_json: string | null;
  after_json: string | null;
}

export interface RegisterChangeRow {
  id: Generated<number>;
  meter: MeterId;
  quantity: QuantityName;
  at: EpochMs;
  move_json: string;
  author: string;
  reason: string;
  noted_at: EpochMs;
}

export interface ImportRow {
  file: string;
  mapping: string;
  progress_json: string;
}

/** Numbers given out in order and never twice, whatever is deleted meanwhile. */
export interface CounterRow {
  name: 'meter-ordinal' | 'dead-letter' | 'dead-letter-bytes';
  last: number;
}
