import { pino } from 'pino';
import type { Letter } from '../../ingest/dead-letters.ts';
import type { PipelineLimits } from '../../ingest/limits.ts';
import { Pipeline, type PipelineParts } from '../../ingest/pipeline.ts';
import { GreenparkError } from '../../model/errors.ts';
import type { ParkId } from '../../model/ids.ts';
import { LatestReadings } from '../../model/latest.ts';
import { isUsable, QUALITY, type QualityName, qualityName } from '../../model/quality.ts';
import { quantityOfCode } from '../../model/quantities.ts';
import type { ReadingBlock } from '../../model/reading.ts';
import type { RegisteredMeter } from '../../model/registry.ts';
import type { NeighbourQuery, Neighbours } from '../../store/port.ts';

export const NOW = Date.UTC(2026, 0, 1, 0, 0, 0);
export const quiet = pino({ level: 'silent' });

export function aMeter(ordinal: number, override: Partial<Record<keyof RegisteredMeter, unknown>> = {}): RegisteredMeter {
  return {
    id: `m-${ordinal}`,
    park: 'p-1',
    enterprise: null,
    name: `Meter ${ordinal}`,
    kind: 'electricity',
    parent: null,
    multiplier: 1,
    gateway: 'g-1',
    intervalSeconds: 60,
    ordinal,
    ...override,
  } as RegisteredMeter;
}

export function directoryOf(...meters: RegisteredMeter[]) {
  return {
    meter: (id: string) => meters.find((meter) => meter.id === id),
    meterOf: (ordinal: number) => meters.find((meter) => meter.ordinal === ordinal),
    /** Of the park of the first meter that names it. */
    gateway: (id: string): { readonly park: ParkId } | undefined => meters.find((meter) => meter.gateway === id),
  };
}

/** One row as a test writes it: meter ordinal, quantity, ts relative to NOW, value, quality. */
export type Row = readonly [meter: number, quantity: string, sinceNow: number, value: number, quality: string];

export function rowsOf(block: ReadingBlock): Row[] {
  return Array.from({ length: block.length }, (_, row) => [
    block.meter[row] as number,
    quantityOfCode(block.quantity[row] as number).name,
    (block.ts[row] as number) - NOW,
    block.value[row] as number,
    qualityName(block.quality[row] as number),
  ]);
}

/** What ingest needs of the port: remembers, refuses a repeat of any but a misdated reading, tells what stands around a reading, and can be made slow, away or choosy. */
export class RecordingStore {
  readonly blocks: { readonly arrival: 'fresh' | 'late'; readonly rows: Row[] }[] = [];
  readonly #flags = new Map<string, string>();
  /** How many of the next writes fail as if the store were away. */
  awayFor = 0;
  attempts = 0;
  /** Questions for what stands around readings, by the number of readings; and whether they fail. */
  readonly questions: number[] = [];
  isMute = false;
  refuses: (row: Row) => boolean = () => false;
  #gate: Promise<void> | null = null;
  #open: () => void = () => {};

  hang(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  release(): void {
    this.#gate = null;
    this.#open();
  }

  get rows(): Row[] {
    return this.blocks.flatMap((block) => block.rows);
  }

  get size(): number {
    return this.#flags.size;
  }

  async write(block: ReadingBlock, arrival: 'fresh' | 'late') {
    this.attempts++;
    if (this.#gate !== null) await this.#gate;
    if (this.awayFor > 0) {
      this.awayFor--;
      throw new GreenparkError('STORE_UNREACHABLE', 'the store is away', { retryable: true });
    }
    const rows = rowsOf(block);
    if (rows.some(this.refuses)) throw new GreenparkError('STORE_REFUSED', 'the store does not like a row');
    const fresh = rows.filter(([meter, quantity, ts, , flag]) => {
      const key = `${meter} ${quantity} ${ts}`;
      const held = this.#flags.get(key);
      if (held !== undefined && (held !== 'clock' || flag === 'clock')) return false;
      this.#flags.set(key, flag);
      return true;
    });
    this.blocks.push({ arrival, rows: fresh });
    return { stored: fresh.length, duplicates: rows.length - fresh.length };
  }

  async neighbours({ points, reach }: NeighbourQuery): Promise<readonly Neighbours[]> {
    if (this.isMute) throw new GreenparkError('STORE_UNREACHABLE', 'the store is away', { retryable: true });
    this.questions.push(points.length);
    return points.map(({ meter, quantity, ts }) => {
      const near = this.rows
        .filter(([of, name, , , quality]) => of === meter && name === quantityOfCode(quantity).name && isUsable(QUALITY[quality as QualityName]))
        .map(([, , since, value]) => ({ ts: NOW + since, value }))
        .filter((point) => Math.abs(point.ts - ts) <= reach)
        .sort((a, b) => a.ts - b.ts);
      return { before: near.filter((point) => point.ts < ts).at(-1) ?? null, after: near.find((point) => point.ts >= ts) ?? null };
    });
  }
}

export class RecordingLetters {
  readonly letters: Letter[] = [];
  transactions = 0;
  awayFor = 0;

  async add(letters: readonly Letter[]): Promise<number> {
    this.transactions++;
    if (this.awayFor > 0) {
      this.awayFor--;
      throw new GreenparkError('STORE_UNREACHABLE', 'the registry is away', { retryable: true });
    }
    this.letters.push(...letters);
    return 0;
  }
}

export interface Rig {
  readonly pipeline: Pipeline;
  readonly store: RecordingStore;
  readonly letters: RecordingLetters;
  readonly latest: LatestReadings;
  readonly judged: Row[];
  /** Those of `judged` that were told to be history. */
  readonly history: Row[];
  readonly late: Row[];
  readonly directory: { current: ReturnType<typeof directoryOf> };
  /** Hands a message over and waits for its `done`; rejects with what `done` was given. */
  send(
    payload: unknown,
    override?: { readonly meter?: string; readonly topic?: string; readonly gateway?: string | null; readonly retained?: boolean },
  ): Promise<void>;
}

export function aRig(
  override: Partial<Omit<PipelineParts, 'limits' | 'store' | 'directory'>> & {
    readonly limits?: Partial<PipelineLimits>;
    readonly store?: RecordingStore;
    readonly meters?: RegisteredMeter[];
  } = {},
): Rig {
  const { meters, store: given, ...parts } = override;
  const store = given ?? new RecordingStore();
  const letters = new RecordingLetters();
  const latest = parts.latest ?? new LatestReadings();
  const judged: Row[] = [];
  const history: Row[] = [];
  const late: Row[] = [];
  const directory = { current: directoryOf(...(meters ?? [aMeter(1), aMeter(2)])) };
  const pipeline = new Pipeline({
    directory,
    latest,
    store,
    deadLetters: letters,
    clock: () => NOW,
    logger: quiet,
    judge: (block, isHistory) => {
      judged.push(...rowsOf(block));
      if (isHistory) history.push(...rowsOf(block));
    },
    late: (block) => late.push(...rowsOf(block)),
    retry: { firstMs: 1, longestMs: 4 },
    ...parts,
  });
  return {
    pipeline,
    store,
    letters,
    latest,
    judged,
    history,
    late,
    directory,
    send: (payload, { meter = 'm-1', topic = `parks/p-1/meters/${meter}/readings`, gateway = null, retained = false } = {}) =>
      new Promise((resolve, reject) => {
        const bytes = payload instanceof Uint8Array ? payload : Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload));
        pipeline.accept({ topic, payload: bytes, gateway, transport: 'test', receivedAt: NOW, retained }, (error) =>
          error === undefined ? resolve() : reject(error),
        );
      }),
  };
}

/** Waits for a condition, not for a duration. */
export async function until(condition: () => boolean, what: string, withinMs = 10_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`${what} did not come within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
