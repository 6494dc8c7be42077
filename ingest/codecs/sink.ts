import type { RejectReason } from '../reject-reasons.ts';

/** What a codec hands its findings to: frames of values with their time, and refusals. */
export interface Sink {
  /**
   * Values of the message's meter at one time, as the sender wrote them; each is judged on its own.
   * `ts` null stands for the time of arrival. `index` is the frame's place in the message, -1 where it is alone. `backfill`: the sender
   * marks it as history that it delivers late on purpose.
   */
  frame(ts: number | null, values: Readonly<Record<string, unknown>>, index: number, backfill: boolean): void;
  /** A part that never came to values. `count` says how many values went with it, at least 1. */
  refuse(reason: RejectReason, detail: string, count?: number): void;
}
