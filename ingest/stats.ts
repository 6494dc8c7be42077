import { QUALITY, QUALITY_NAMES, type QualityName } from '../model/quality.ts';
import { REASONS, type RejectReason } from './reject-reasons.ts';

/**
 * Plain numbers, for whoever exports them. Messages: `accepted + partly + refused + duplicate + leftOut + failed` is what has ended,
 * the rest of `messages` is in flight.
 */
export class IngestStats {
  messages = 0;
  bytes = 0;
  /** Every part of the message was kept. */
  accepted = 0;
  /** Something was kept and something refused. */
  partly = 0;
  /** Nothing was kept; the dead letter says why. */
  refused = 0;
  /** Every reading was there already. */
  duplicate = 0;
  /** Understood, acknowledged, and nothing of it kept: its mapping does not know a single name in it, or no mapping takes it. */
  leftOut = 0;
  /** Handed back unacknowledged because the service stopped: the sender still has it. Not an outcome of its own. */
  failed = 0;

  /**
   * Rows made durable, by arrival, and those of the late ones that were there already. While the store is away, durable is in the spool,
   * where nobody can tell what the store has: all of them count as fresh or late there.
   */
  readingsFresh = 0;
  readingsLate = 0;
  readingsDuplicate = 0;
  /** Rows that came from the spool into the store, and those that it had already: sent twice, or written by an attempt whose answer was lost. */
  drainedStored = 0;
  drainedDuplicate = 0;
  /** Readings that are not good, by number of quality. Stored like the others. */
  readonly flagged = new Float64Array(QUALITY_NAMES.length);

  /** Values, or whole messages where it never came to values, refused per reason. */
  readonly rejects: Record<RejectReason, number> = Object.fromEntries(REASONS.map((reason) => [reason, 0])) as Record<RejectReason, number>;
  lettersKept = 0;
  /** Counted and not kept, since the same sender had the same fault too often in this minute. */
  lettersSkipped = 0;

  blocksWritten = 0;
  storeRetries = 0;
  letterRetries = 0;
  /** A listener for judged or committed blocks threw; ingest went on. */
  listenerErrors = 0;

  /** Not committed yet. */
  pendingMessages = 0;
  pendingReadings = 0;
  pendingLetters = 0;
  pendingLetterBytes = 0;
  /** Of messages that wait for a codec, or for one before them that does. */
  pendingDecodeBytes = 0;
  /** How often the bound was reached and the senders had to wait. */
  pressures = 0;

  /** Counts a reading that is not good. */
  flag(quality: number): void {
    this.flagged[quality] = (this.flagged[quality] as number) + 1;
  }
}

/** How many readings were stored with each flag. */
export const flagsOf = ({ flagged }: Pick<IngestStats, 'flagged'>): readonly (readonly [flag: QualityName, count: number])[] =>
  QUALITY_NAMES.flatMap((name, quality) => (quality === QUALITY.good ? [] : [[name, flagged[quality] as number] as const]));
