import type { EpochMs, GatewayId, ParkId } from '../../model/ids.ts';
import type { LeftOutKind } from '../../model/ingest.ts';
import type { MeterKind } from '../../model/meter-kinds.ts';
import type { RejectReason } from '../reject-reasons.ts';

/** One meter at one time, as a codec found it in a message. Nothing is checked yet: the pipeline does that, as for the native form. */
export interface DecodedFrame {
  /** Id as registered; whether it is, the pipeline looks up. */
  readonly meter: string;
  /** Time of measurement, UTC; null takes the time of arrival. */
  readonly ts: EpochMs | null;
  /** By quantity of the catalogue, in the unit of the meter's record, before its multiplier. */
  readonly values: Readonly<Record<string, unknown>>;
  /** What the instrument says of a value itself, by quantity: a code of model/quality.ts other than `good`. */
  readonly flags?: Readonly<Record<string, number>>;
  /** The sender marks it as history that it delivers late on purpose. */
  readonly backfill?: boolean;
  /** Where in the message, for people, e.g. `data[3]`; empty for the message as a whole. */
  readonly where: string;
}

export interface DecodedRefusal {
  readonly reason: RejectReason;
  /** What, where and what would be right. */
  readonly detail: string;
  /** Values that were lost by it, as far as they can be counted. */
  readonly count: number;
}

export interface DecodedStatus {
  readonly meter: string;
  readonly online: boolean;
}

/** Something that a mapping leaves out of one message, once however often it is there. */
export interface LeftOutNote {
  readonly kind: LeftOutKind;
  /** Null where the kind is of everything that a meter or a topic sent. */
  readonly name: string | null;
  /** The last meter that it is of; null where it did not come to one. */
  readonly meter: string | null;
  readonly count: number;
  /** The last of the values, or of the items. */
  readonly value: unknown;
}

/** What a mapping leaves out of one message. */
export interface LeftOut {
  readonly mapping: string;
  readonly notes: readonly LeftOutNote[];
  /** Names of the message that no note speaks of, as there were too many. */
  readonly unnoted: number;
  /** Nothing is left of the message, and the mapping does not know a single name in it. */
  readonly isWhole: boolean;
}

/** A device that reports under a name that is no id and stands for no meter. */
export interface DecodedDevice {
  readonly name: string;
  /** The mapping that found it. */
  readonly mapping: string;
  /** What it measures, as the mapping names it. */
  readonly quantities: readonly string[];
}

/** A data logger that reports by HJ 212 under a number that no gateway has. */
export interface DecodedLogger {
  readonly mn: string;
  /** By its system code; null where that tells nothing. */
  readonly kind: MeterKind | null;
  /** Quantities of the catalogue, and the codes of factors that are none. */
  readonly quantities: readonly string[];
}

/** All that a codec makes of one message. */
export interface Decoded {
  readonly frames: readonly DecodedFrame[];
  readonly refusals: readonly DecodedRefusal[];
  readonly statuses: readonly DecodedStatus[];
  /** Each once; a refusal speaks of them, too. */
  readonly devices?: readonly DecodedDevice[];
  readonly loggers?: readonly DecodedLogger[];
  /** Frames may only be for meters of this park. */
  readonly park?: ParkId;
  /** Other parks' mappings take the topic too and no meter of `park` is named: whose message it is, nobody knows. */
  readonly shared?: boolean;
  /** Of a letter that came without a gateway: the one for which it has proved itself now, whose rights it has. */
  readonly vouchedBy?: GatewayId;
  /** Kept although there is nothing in it to store: a heartbeat, a birth without values. Default false. */
  readonly understood?: boolean;
  /** Absent where nothing was. */
  readonly leftOut?: LeftOut;
}

/** A codec for messages by topic, beside the native one. */
export interface TopicCodec {
  /**
   * What the message holds, or null where the topic is not this codec's. An answer that comes later keeps its place: messages of one
   * codec are judged and stored in the order in which they arrived.
   */
  decode(message: {
    readonly topic: string;
    readonly payload: Uint8Array;
    readonly receivedAt: EpochMs;
    readonly gateway: string | null;
    readonly transport?: string;
  }): Decoded | Promise<Decoded> | null;
}
