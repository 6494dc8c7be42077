export interface PipelineLimits {
  /** Longest payload taken, in bytes. */
  readonly maxPayloadBytes: number;
  /** How far a time of measurement may lie in the future and count, in milliseconds: clocks differ. Beyond it a reading is flagged ... */
  readonly clockToleranceMs: number;
  /** ... and beyond this refused. */
  readonly clockSkewMs: number;
  /** Readings older than this on arrival that are not marked as backfill are flagged, in milliseconds. */
  readonly farPastMs: number;
  /** Rows written in one block, give or take one message. */
  readonly maxBlockRows: number;
  /** Blocks that may be on their way to the store at the same time. */
  readonly writesAtOnce: number;
  /** How long a message waits for company while others keep coming, in milliseconds; a lone one never waits. */
  readonly lingerMs: number;
  /** How long the store may take for a block before it goes to the spool, in milliseconds. */
  readonly storePatienceMs: number;
  /** What may be unacknowledged at once; beyond any of them the senders wait until half of it is left. */
  readonly maxPendingReadings: number;
  readonly maxPendingMessages: number;
  readonly maxPendingLetterBytes: number;
  readonly maxPendingDecodeBytes: number;
  /** Dead letters kept in all, and the bytes of their payloads; beyond either the oldest go. */
  readonly deadLetterCapacity: number;
  readonly deadLetterBytes: number;
  /** Letters kept per sender, reason and minute; and bytes per sender and minute: an eighth of all at most, half of it for long messages. */
  readonly deadLettersPerSenderAndMinute: number;
  readonly deadLetterBytesPerSenderAndMinute: number;
  /** Bytes that are kept of a payload that is too large to be taken, and so to be tried again; any other is kept whole. */
  readonly deadLetterPayloadBytes: number;
}

export const DEFAULT_LIMITS: PipelineLimits = {
  maxPayloadBytes: 1 << 20,
  clockToleranceMs: 5 * 60_000,
  clockSkewMs: 30 * 60_000,
  farPastMs: 400 * 86_400_000,
  // Three of them fill a row group of the embedded store (ROW_GROUP_FRAMES), and as many come together while those are written.
  maxBlockRows: 100_000,
  writesAtOnce: 6,
  lingerMs: 0,
  storePatienceMs: 10_000,
  maxPendingReadings: 500_000,
  maxPendingMessages: 100_000,
  maxPendingLetterBytes: 32 << 20,
  maxPendingDecodeBytes: 64 << 20,
  deadLetterCapacity: 10_000,
  deadLetterBytes: 256 << 20,
  deadLettersPerSenderAndMinute: 2_000,
  // Long ones are half of what may be unacknowledged: one flooding sender does not hold the others.
  deadLetterBytesPerSenderAndMinute: 32 << 20,
  deadLetterPayloadBytes: 16 << 10,
};
