import type { EpochMs, MeterId, ParkId } from '../model/ids.ts';
import type { RegisteredMeter } from '../model/registry.ts';

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
}

/**
 * Called once, when everything in the message is durable: readings in the store, refusals in the dead letters.
 * With an error the message was not kept and must not be acknowledged; its sender has to send it again.
 */
export type Done = (error?: Error) => void;

/** What a transport needs of the pipeline. */
export interface Intake {
  accept(message: IngestMessage, done: Done): void;
  /** True while the pipeline holds as much unacknowledged work as it may: take nothing from the sender until it is false again. */
  readonly full: boolean;
  /** Calls back whenever `full` changes. Answers how to stop listening. */
  onPressure(listener: (full: boolean) => void): () => void;
}

/** What the pipeline needs of the registry's in-memory view. A new object stands for a changed registry. */
export interface MeterDirectory {
  meter(id: string): RegisteredMeter | undefined;
  meterOf(ordinal: number): RegisteredMeter | undefined;
}

/** What a status topic said of a meter. */
export interface MeterStatus {
  readonly park: ParkId;
  readonly meter: MeterId;
  readonly gateway: string | null;
  readonly online: boolean;
  readonly at: EpochMs;
}
