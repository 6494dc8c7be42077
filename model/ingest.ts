import type { EpochMs, ParkId } from './ids.ts';

/**
 * What a reading passes, in this order. `decode`: from the message's topic and bytes to values; `validate`: unit, range, time, place in its
 * series; `judge`: alerts, running usage, live view; `neighbours`: of late readings, asking the store for those around them; `store`: writes of
 * the store; `spool`: writes to the disk while the store is away; `drain`: writes of what waited there into the store.
 */
export const STAGES = ['decode', 'validate', 'judge', 'neighbours', 'store', 'spool', 'drain'] as const;
export type Stage = (typeof STAGES)[number];

/** One stage; what it did lately is over the last five minutes. */
export interface StageTold {
  readonly stage: Stage;
  /** Since the start: time that it worked, in seconds, and messages (`decode`, `validate`) or readings. */
  readonly seconds: number;
  readonly items: number;
  readonly itemsPerMinute: number;
  /** Share of the time in which it worked. */
  readonly busy: number;
}

/** How ingest stands. Counters are since the start of the service. */
export interface IngestState {
  /** Senders wait, as too much is not committed or neither the store nor the spool takes anything. */
  readonly full: boolean;
  readonly messages: Readonly<Record<'accepted' | 'partly' | 'refused' | 'duplicate' | 'leftOut' | 'failed', number>>;
  readonly readings: Readonly<Record<'fresh' | 'late' | 'duplicate', number>>;
  /** By quality; those that never came are left out. */
  readonly flagged: Readonly<Record<string, number>>;
  /** By reason; those that never were are left out. */
  readonly rejects: Readonly<Record<string, number>>;
  readonly retries: Readonly<Record<'store' | 'deadLetters', number>>;
  /** Over the last five minutes. */
  readonly messagesPerMinute: number;
  /** What is not committed, by where it waits. */
  readonly pending: Readonly<Record<'messages' | 'readings' | 'decoding' | 'deadLetters' | 'deadLetterBytes', number>>;
  /** At which of it senders are held back. */
  readonly bounds: Readonly<Record<'messages' | 'readings' | 'deadLetterBytes', number>>;
  /** For how long the oldest message has waited for its acknowledgement; 0 when none waits. */
  readonly oldestUnacknowledgedSeconds: number;
  readonly lastCommitAt: EpochMs | null;
  readonly stages: readonly StageTold[];
  /** Null where it is switched off. */
  readonly spool: {
    readonly readings: number;
    readonly bytes: number;
    readonly limitBytes: number;
    /** Time of measurement. */
    readonly oldestTs: EpochMs | null;
    /** Why it takes no more; null while it does. */
    readonly refusal: string | null;
  } | null;
}

/**
 * How a gateway stands, worst first. `silent`: nothing came for three of its meters' shortest interval; `held`: it was made to wait within
 * the last minute; `refused`: something of it was refused within the last five; `offline`: its connection is known to be gone; `unused`:
 * nothing came and no meter names it.
 */
export const GATEWAY_STATES = ['silent', 'held', 'refused', 'offline', 'ok', 'unused'] as const;
export type GatewayState = (typeof GATEWAY_STATES)[number];

/** One gateway as people are shown it; counters are since the start of the service. */
export interface GatewayStanding {
  /** null: everything that no registered gateway has vouched for. */
  readonly gateway: string | null;
  readonly park: ParkId | null;
  readonly name: string | null;
  readonly state: GatewayState;
  /** How its last message came; before that how it is registered to report, as far as that is said. */
  readonly transport: string | null;
  /** Null where nobody knows. */
  readonly connected: boolean | null;
  readonly lastSeen: EpochMs | null;
  /** Without a message for so long it is silent; null where no meter says how often one is due. */
  readonly silentAfterSeconds: number | null;
  readonly messages: number;
  readonly readings: number;
  readonly bytes: number;
  readonly refused: number;
  /** Messages of which nothing was kept, as the mapping leaves out everything in them. */
  readonly leftOut: number;
  /** Times that it was made to wait. */
  readonly held: number;
  /** Frames with a wrong CRC or length that were taken, as the gateway's link says. */
  readonly tolerated: number;
  /** Over the last five minutes. */
  readonly messagesPerMinute: number;
  readonly refusedLately: number;
  /** In the last minute. */
  readonly heldLately: number;
}

/**
 * What a mapping leaves out, what somebody should look at first. `nothing-mapped`: a meter's values at one time, of which the mapping knows not
 * one name; `not-taken`: a message of the mapping's topics for which its `when` is not true, nor that of any other; `not-mapped`: a name that
 * it does not know; `nothing-measured`: a meter's values at one time, of which those with a known name are all null or missing; `no-value`: a
 * known name whose value is.
 */
export const LEFT_OUT_KINDS = ['nothing-mapped', 'not-taken', 'not-mapped', 'nothing-measured', 'no-value'] as const;
export type LeftOutKind = (typeof LEFT_OUT_KINDS)[number];

/** Something that a mapping leaves out, as people are shown it; counted since the start of the service, or the mapping's last change. */
export interface LeftOutSeen {
  /** Null where several parks map the topic, and nobody knows whose the message is. */
  readonly park: ParkId | null;
  readonly mapping: string;
  readonly kind: LeftOutKind;
  /** The name in the message; null where the kind is of all that a meter or a topic sent. */
  readonly name: string | null;
  /** The last meter, as the mapping found it; null where it did not come to that. */
  readonly meter: string | null;
  /** The last topic. */
  readonly topic: string;
  readonly count: number;
  readonly firstSeen: EpochMs;
  readonly lastSeen: EpochMs;
  /** The last value, or the beginning of one that is at most ten seconds older. */
  readonly sample: string;
  /** Quantity of the catalogue that the name probably means. */
  readonly suggested: string | null;
}
