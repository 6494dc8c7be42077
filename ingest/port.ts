import type { EpochMs, MeterId, ParkId } from '../model/ids.ts';
import type { MeterKind } from '../model/meter-kinds.ts';
import type { RegisteredMeter } from '../model/registry.ts';
import type { UnknownMeter } from '../model/unknown-meter.ts';
import type { Decoded } from './codecs/decoded.ts';
import type { RejectReason } from './reject-reasons.ts';

/** One message as a transport received it. */
export interface IngestMessage {
  readonly topic: string;
  /** May be a view on the transport's receive buffer: whoever keeps it beyond the call of `accept` copies it. */
  readonly payload: Uint8Array;
  /** The gateway that signed in, or null where somebody else (an external broker) decides who may publish. */
  readonly gateway: string | null;
  /** Name of the transport, for the dead letters and counters: `mqtt`, `embedded`, `http` … */
  readonly transport: string;
  readonly receivedAt: EpochMs;
  /** An MQTT broker kept this message and sent it because of a new subscription: it is not from now. Default false. */
  readonly retained?: boolean;
  /** A recording, not something that reports: old times are meant. Default false. */
  readonly history?: boolean;
  /** A dead letter that is tried again: what is refused this time makes no new letter and is not counted again. Default false. */
  readonly replayed?: boolean;
}

/** What became of a message: all of it kept, some, nothing, or all of it there already. */
export type Outcome = 'accepted' | 'partly' | 'refused' | 'duplicate';

export interface RefusalTold {
  readonly reason: RejectReason;
  /** What, where and what would be right. */
  readonly detail: string;
  /** Values, or 1 where it never came to values. */
  readonly count: number;
}

export interface MessageOutcome {
  readonly outcome: Outcome;
  /** One per reason. */
  readonly refusals: readonly RefusalTold[];
  /** Understood, and nothing of it is kept: its mapping does not know a single name in it, or no mapping takes it. */
  readonly isLeftOut?: true;
}

/**
 * Called once, when everything in the message is durable: readings in the store, refusals in the dead letters.
 * With an error the message was not kept and must not be acknowledged; its sender has to send it again.
 */
export type Done = (error?: Error) => void;

/** The same for whoever has to answer what became of the message. With an error the outcome means nothing. */
export type DoneTelling = (error: Error | undefined, outcome: MessageOutcome) => void;

/** What a transport needs of the pipeline. */
export interface Intake {
  accept(message: IngestMessage, done: Done): void;
  /** True while the pipeline holds as much unacknowledged work as it may: take nothing from the sender until it is false again. */
  readonly full: boolean;
  /** Calls back whenever `full` changes. Answers how to stop listening. */
  onPressure(listener: (full: boolean) => void): () => void;
}

/** What a transport needs that decodes its messages itself. */
export interface DecodedIntake extends Pick<Intake, 'full' | 'onPressure'> {
  /** `message.topic` is the source as people know it, `message.payload` the original bytes. */
  acceptDecoded(message: IngestMessage, decoded: Decoded, done: DoneTelling): void;
}

/** A meter that reports and is not registered. */
export interface UnknownMeterSighting {
  /** What reports: a meter under its id (unless said otherwise), a device under a name that is none, a logger of HJ 212 under its number (MN). */
  readonly kind?: UnknownMeter['kind'];
  readonly meter: string;
  /** Of a device: the mapping that found it. */
  readonly mapping?: string | null;
  /** What its message says that it is, beside its values. */
  readonly meterKind?: MeterKind | null;
  /** As the topic or the codec says; it need not exist. */
  readonly park: string | null;
  readonly topic: string;
  readonly transport: string;
  readonly gateway: string | null;
  readonly at: EpochMs;
  /** Names that its values have; empty where the payload was not looked into. */
  readonly quantities: readonly string[];
  /** The message has spoken of the meter before. Default false. */
  readonly again?: boolean;
  /** A view that ends with the call. */
  readonly payload: Uint8Array;
}

/** What the pipeline needs of the registry's in-memory view. A new object stands for a changed registry. */
export interface MeterDirectory {
  meter(id: string): RegisteredMeter | undefined;
  meterOf(ordinal: number): RegisteredMeter | undefined;
  gateway(id: string): { readonly park: ParkId } | undefined;
}

/** What a status topic said of a meter. */
export interface MeterStatus {
  readonly park: ParkId;
  readonly meter: MeterId;
  readonly gateway: string | null;
  readonly online: boolean;
  readonly at: EpochMs;
}
