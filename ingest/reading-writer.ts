import type { Logger } from 'pino';
import { type ReadingBlock, ReadingBlockBuilder } from '../model/reading.ts';
import type { WriteResult } from '../store/port.ts';
import type { IngestStats } from './stats.ts';

export type Arrival = 'fresh' | 'late';

/** Rows that a group has room for at first. */
const SMALLEST = 64;
/** Groups that wait to be filled again: as many as are under way at once when the store is slower than what comes. Memory that is new costs more than filling it. */
const MOST_FREE = 16;
/** And as many as are enough where groups are small, below this share of a full one. */
const CALM_FREE = 2;
const CALM_SHARE = 0.25;
/** Nobody has come for so much of the time that a group waits: nobody will. */
const QUIET_SHARE = 0.25;

/** Rows that are committed together, and who waits for them. */
class Group {
  readonly fresh = new ReadingBlockBuilder(SMALLEST);
  /** Made for its first row: most groups have none. */
  #late: ReadingBlockBuilder | null = null;
  waiting: Settled[] = [];
  /** Its fresh rows may be stored already, against all appearance. */
  isDoubtful = false;
  /** Fresh rows before this one have been judged. */
  judgedTo = 0;

  get late(): ReadingBlockBuilder {
    this.#late ??= new ReadingBlockBuilder(SMALLEST);
    return this.#late;
  }

  get lateRows(): number {
    return this.#late?.length ?? 0;
  }

  /** Ready to be filled again. */
  clear(): void {
    this.fresh.clear();
    this.#late?.clear();
    this.waiting = [];
    this.isDoubtful = false;
    this.judgedTo = 0;
  }
}

/** Told when the group is durable, with the repeats among its late rows. */
export type Settled = (error: Error | undefined, repeats: Repeats) => void;

/**
 * Late rows of a group that were there already. The store answers for the block as a whole: all or none of it is the usual case.
 * In a mixed one repeats are given to the first messages that they can fill, so that counts of messages and of readings agree.
 */
class Repeats {
  #left: number;

  constructor(duplicates: number) {
    this.#left = duplicates;
  }

  /** Was a message of so many late rows a repeat? */
  take(rows: number): boolean {
    if (this.#left < rows) return false;
    this.#left -= rows;
    return true;
  }
}

/**
 * Group commit: what arrives while a write runs goes into the next one, which begins when none is running and has waited for company while
 * messages kept coming: a write costs a store far more than a row. A group that is full need not wait where the store takes several at
 * once, nor does one while the late rows of others are looked up. Writes begin in order: a group's fresh rows, then its late ones; the next
 * group's fresh rows may be on their way by then.
 */
export class ReadingWriter {
  readonly #parts: WriterParts;
  #open: Group;
  readonly #closed: Group[] = [];
  /** Writes under way. */
  #running = 0;
  /** Those of them that write late rows, for which the store has to look first: the others do not wait for it. */
  #late = 0;
  /** What the fresh rows that are not judged yet are. */
  #isHistory = false;
  #turnAhead = false;
  #lingering = false;
  // On the monotonic clock: when the first and the last message of the open group came.
  #firstCame = 0;
  #lastCame = 0;
  /** And when the last one of the group before came. */
  #cameBefore = Number.NEGATIVE_INFINITY;
  /** Messages in the group written last. */
  #lastMessages = 0;
  readonly #free: Group[] = [];

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#open = new Group();
  }

  /** Where the next message's rows go. Call `settle` after them, before another message. */
  get fresh(): ReadingBlockBuilder {
    return this.#open.fresh;
  }

  get late(): ReadingBlockBuilder {
    return this.#open.late;
  }

  /** The fresh rows from here on are history, or are not. */
  historyIs(isHistory: boolean): void {
    if (isHistory === this.#isHistory) return;
    this.#judge(this.#open);
    this.#isHistory = isHistory;
  }

  /** The store has to look whether it has the fresh rows of this group. */
  doubtFresh(): void {
    this.#open.isDoubtful = true;
  }

  /** Ends a message whose rows were pushed. */
  settle(settled: Settled): void {
    this.#lastCame = performance.now();
    if (this.#open.waiting.length === 0) this.#firstCame = this.#lastCame;
    this.#open.waiting.push(settled);
    if (this.#open.fresh.length + this.#open.lateRows >= this.#parts.mostRows) this.#close();
    this.#turn();
  }

  /** The messages of one receive buffer are taken in one turn of the event loop: judge and write them together. */
  #turn(): void {
    if (this.#turnAhead) return;
    this.#turnAhead = true;
    setImmediate(this.#onTurn);
  }

  readonly #onTurn = (): void => {
    this.#turnAhead = false;
    this.#judge(this.#open);
    while (this.#closed.length > 0 && this.#running < this.#parts.writesAtOnce) void this.#run();
    if (this.#mayGo && !this.#lingering) this.#goOrLinger();
  };

  /** May a group go that is not full? */
  get #mayGo(): boolean {
    return this.#running === this.#late && this.#running < this.#parts.writesAtOnce;
  }

  #goOrLinger(): void {
    if (this.#open.waiting.length === 0) return;
    const leftMs = this.#patienceMs();
    if (leftMs <= 0) {
      void this.#run();
      return;
    }
    this.#lingering = true;
    setTimeout(this.#afterLinger, leftMs);
  }

  readonly #afterLinger = (): void => {
    this.#lingering = false;
    // A group that was full may have begun meanwhile, and goes on with what has come since.
    if (this.#mayGo) this.#goOrLinger();
  };

  /**
   * For how long the open group may still wait before it is looked at again, in milliseconds. Company comes where messages keep coming from
   * many. Nobody comes where all senders wait for their acknowledgements; one that sends one at a time is known by the group before.
   */
  #patienceMs(): number {
    const { lingerMs } = this.#parts;
    if (this.#lastMessages <= 1 || this.#firstCame - this.#cameBefore > lingerMs) return 0;
    const now = performance.now();
    return Math.min(lingerMs - (now - this.#firstCame), lingerMs * QUIET_SHARE - (now - this.#lastCame));
  }

  #judge(group: Group): void {
    if (group.judgedTo === group.fresh.length) return;
    const block = group.fresh.view(group.judgedTo);
    group.judgedTo = group.fresh.length;
    this.#tell('judge', () => this.#parts.judge(block, this.#isHistory));
  }

  #close(): void {
    const group = this.#open;
    this.#judge(group);
    this.#closed.push(group);
    this.#cameBefore = this.#lastCame;
    this.#open = this.#free.pop() ?? new Group();
  }

  async #run(): Promise<void> {
    this.#running++;
    for (;;) {
      if (this.#closed.length === 0) {
        // What is not full yet goes when nothing else is under way.
        if (this.#running - this.#late > 1 || this.#lingering || this.#open.waiting.length === 0) break;
        if (this.#patienceMs() > 0) {
          // Once this write no longer counts as running.
          this.#turn();
          break;
        }
        this.#close();
      }
      const group = this.#closed.shift();
      if (group === undefined) continue;
      this.#lastMessages = group.waiting.length;
      await this.#commit(group);
    }
    this.#running--;
  }

  async #commit(group: Group): Promise<void> {
    const stats = this.#parts.stats;
    let failure: Error | undefined;
    let duplicates = 0;
    let lent = false;
    try {
      if (group.fresh.length > 0) {
        const block = group.fresh.view();
        const result = await this.#parts.write(block, group.isDoubtful ? 'late' : 'fresh');
        lent = result.lent === true;
        stats.readingsFresh += result.stored;
        stats.readingsDuplicate += result.duplicates;
        if (group.isDoubtful) this.#tell('late', () => this.#parts.late?.(block));
        this.#tell('committed', () => this.#parts.onCommitted?.(block, 'fresh'));
      }
      if (group.lateRows > 0) {
        const block = group.late.view();
        const result = await this.#writeLate(block);
        lent ||= result.lent === true;
        duplicates = result.duplicates;
        stats.readingsLate += result.stored;
        stats.readingsDuplicate += duplicates;
        this.#tell('late', () => this.#parts.late?.(block));
        this.#tell('committed', () => this.#parts.onCommitted?.(block, 'late'));
      }
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
    }
    const repeats = new Repeats(duplicates);
    for (const settled of group.waiting) settled(failure, repeats);
    const isCalm = group.fresh.length + group.lateRows < this.#parts.mostRows * CALM_SHARE;
    if (isCalm && this.#free.length > CALM_FREE) this.#free.pop();
    // After a failure somebody may still read the rows.
    if (lent || failure !== undefined || this.#free.length >= MOST_FREE) return;
    group.clear();
    this.#free.push(group);
  }

  async #writeLate(block: ReadingBlock): Promise<Written> {
    this.#late++;
    if (this.#open.waiting.length > 0) this.#turn();
    let stored = () => {};
    try {
      stored = await this.#parts.judgeLate(block);
    } catch (error) {
      this.#failed('late', error);
    }
    try {
      return await this.#parts.write(block, 'late');
    } finally {
      stored();
      this.#late--;
    }
  }

  /** A listener's fault is its own: readings are stored whatever becomes of it. */
  #tell(what: string, tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#failed(what, error);
    }
  }

  #failed(what: string, error: unknown): void {
    this.#parts.stats.listenerErrors++;
    this.#parts.logger.error({ err: error }, `a listener for ${what} readings failed`);
  }
}

/** `lent`: the block is durable, and yet its memory is still being read. */
export type Written = WriteResult & { readonly lent?: boolean };

export interface WriterParts {
  /** Resolves when the block is durable; its memory is the caller's again then. */
  write(block: ReadingBlock, arrival: Arrival): Promise<Written>;
  /** Rows of one group at most, give or take one message. */
  readonly mostRows: number;
  /** Groups that may be written at the same time. */
  readonly writesAtOnce: number;
  /** How long the first message of a group waits for company while messages keep coming, in milliseconds. */
  readonly lingerMs: number;
  readonly logger: Logger;
  readonly stats: IngestStats;
  /** Fresh rows in order of arrival, in the turn in which they arrived, before they are stored. */
  judge(block: ReadingBlock, isHistory: boolean): void;
  /** Late rows before they are stored: puts their quality into them. Answers what is called when they are, or will not be. */
  judgeLate(block: ReadingBlock): Promise<() => void>;
  /** Late rows after they were stored; those among them that were there already are in it too. */
  readonly late?: ((block: ReadingBlock) => void) | undefined;
  readonly onCommitted?: ((block: ReadingBlock, arrival: Arrival) => void) | undefined;
}
