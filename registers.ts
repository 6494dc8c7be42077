import type { UsageTally } from './accounting/running-usage.ts';
import type { Pipeline } from './ingest/pipeline.ts';
import type { FoundMove } from './ingest/register-notes.ts';
import type { EpochMs } from './model/ids.ts';
import type { LatestReadings } from './model/latest.ts';
import { isUsable } from './model/quality.ts';
import { type QuantityName, quantityOf, quantityOfCode } from './model/quantities.ts';
import { type NotedRegisterChange, type RegisterMove, SERVICE_AUTHOR } from './model/register-change.ts';
import type { CounterPoint, ReadingStore } from './store/port.ts';
import type { Directory } from './store/registry/directory.ts';
import type { Unnumbered } from './store/registry/port.ts';

export interface ExpectingParts {
  readonly directory: { readonly current: Pick<Directory, 'meter'> };
  readonly latest: LatestReadings;
  readonly pipeline: Pick<Pipeline, 'expectExchange'>;
  readonly usage: Pick<UsageTally, 'expectMove'>;
  usageTouched(from: EpochMs): void;
}

/**
 * A declared change that no usable reading has come after yet is met at the door; one that lies back changes figures that were computed.
 *
 * @param lastGood by series: the last usable register, where the newest reading is flagged
 */
export function expectDeclared(
  { directory, latest, pipeline, usage, usageTouched }: ExpectingParts,
  change: NotedRegisterChange,
  lastGood: ReadonlyMap<number, CounterPoint>,
): void {
  const meter = directory.current.meter(change.meter);
  if (meter === undefined) return;
  const series = latest.seriesOf(meter.ordinal, quantityOf(change.quantity).code);
  const isFlagged = !isUsable(latest.quality[series] as number);
  const last = (isFlagged ? lastGood.get(series)?.ts : undefined) ?? (latest.ts[series] as number);
  if (change.at <= last) {
    usageTouched(change.at);
    return;
  }
  pipeline.expectExchange(series, change.at);
  usage.expectMove(series, change.at, change);
}

/** The same while the service runs: of a register whose newest reading is flagged the store knows the last usable one. */
export async function expectDeclaredNow(
  parts: ExpectingParts & { readonly store: Pick<ReadingStore, 'counters'> },
  change: NotedRegisterChange,
): Promise<void> {
  const { directory, latest, store } = parts;
  const meter = directory.current.meter(change.meter);
  if (meter === undefined) return;
  const one = { meter: meter.ordinal, quantity: quantityOf(change.quantity).code };
  const series = latest.seriesOf(one.meter, one.quantity);
  const after = Math.max(latest.ts[series] as number, 0) + 1;
  const isFlagged = Number.isFinite(latest.ts[series]) && !isUsable(latest.quality[series] as number);
  const asked = { counters: [one], from: after, to: after, step: 86_400_000, origin: after };
  // A store that is away cannot say: then the newest reading counts, and usage is computed again once it is back.
  const [answer] = isFlagged ? await store.counters(asked).catch(() => []) : [];
  expectDeclared(parts, change, new Map(answer?.before ? [[series, answer.before]] : []));
}

/**
 * The last usable register of each counter whose newest reading is flagged: what the next one is to be judged by.
 *
 * @param waiting the same of what is on its way to the store, by series
 */
export async function lastGoodRegisters(
  store: Pick<ReadingStore, 'counters'>,
  latest: LatestReadings,
  waiting: ReadonlyMap<number, CounterPoint>,
): Promise<ReadonlyMap<number, CounterPoint>> {
  const counters = [];
  for (let series = 0; series < latest.count; series++) {
    const [meter, quantity] = [latest.meter[series] as number, latest.quantity[series] as number];
    if (!isUsable(latest.quality[series] as number) && quantityOfCode(quantity).kind === 'counter') counters.push({ meter, quantity });
  }
  if (counters.length === 0) return new Map();
  const after = latest.ts.reduce((newest, ts) => Math.max(newest, ts), 0) + 1;
  const answers = await store.counters({ counters, from: after, to: after, step: 86_400_000, origin: after });
  return new Map(
    answers.flatMap(({ meter, quantity, before }) => {
      const series = latest.seriesOf(meter, quantity);
      const last = newer(before, waiting.get(series) ?? null);
      return last === null ? [] : [[series, last]];
    }),
  );
}

const newer = (a: CounterPoint | null, b: CounterPoint | null): CounterPoint | null => (a === null || (b !== null && b.ts > a.ts) ? b : a);

export function notesOf(moves: readonly FoundMove[], directory: Pick<Directory, 'meterOf'>, now: EpochMs): Unnumbered[] {
  return moves.flatMap(({ meter, quantity, at, move }) => {
    const id = directory.meterOf(meter)?.id;
    if (id === undefined) return [];
    return [
      { meter: id, quantity: quantityOfCode(quantity).name as QuantityName, at, author: SERVICE_AUTHOR, reason: REASONS[move.kind], notedAt: now, ...move },
    ];
  });
}

/** Why the service takes a register for moved. */
const REASONS: Readonly<Record<RegisterMove['kind'], string>> = {
  reset: 'the register began again near zero and went on from there',
  rollover: 'the register passed its width',
  exchange: 'the register went on from elsewhere, neither near zero nor past its width; what was used in between is not known',
};
