import type { UsageTally } from './accounting/running-usage.ts';
import type { Pipeline } from './ingest/pipeline.ts';
import type { FoundMove } from './ingest/register-notes.ts';
import type { EpochMs } from './model/ids.ts';
import type { LatestReadings } from './model/latest.ts';
import { isUsable } from './model/quality.ts';
import { type QuantityName, quantityOf, quantityOfCode } from './model/quantities.ts';
import type { NotedRegisterChange, RegisterMove } from './model/register-change.ts';
import { SERVICE_AUTHOR } from './model/service-author.ts';
import type { CounterPoint, ReadingStore } from './store/port.ts';
import type { Directory } from './store/registry/directory.ts';
import type { Unnumbered } from './store/registry/port.ts';

export interface ExpectingParts {
  readonly directory: { readonly current: Pick<Directory, 'meter'> };
  readonly latest: LatestReadings;
  readonly pipeline: Pick<Pipeline, 'expectExchange' | 'reconsider'>;
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
  pipeline.reconsider(series);
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
  parts: ExpectingParts & { readonly store: Pick<ReadingStore, 'neighbours'> },
  change: NotedRegisterChange,
): Promise<void> {
  const { directory, latest, store } = parts;
  const meter = directory.current.meter(change.meter);
  if (meter === undefined) return;
  const series = latest.seriesOf(meter.ordinal, quantityOf(change.quantity).code);
  const isFlagged = Number.isFinite(latest.ts[series]) && !isUsable(latest.quality[series] as number);
  // A store that is away cannot say: then the newest reading counts, and usage is computed again once it is back.
  const lastGood = isFlagged ? await lastGoodOf(store, latest, [series]).catch(() => new Map<number, CounterPoint>()) : new Map<number, CounterPoint>();
  expectDeclared(parts, change, lastGood);
}

/**
 * The last usable register of each counter whose newest reading is flagged: what the next one is to be judged by.
 *
 * @param waiting the same of what is on its way to the store, by series
 */
export async function lastGoodRegisters(
  store: Pick<ReadingStore, 'neighbours'>,
  latest: LatestReadings,
  waiting: ReadonlyMap<number, CounterPoint>,
): Promise<ReadonlyMap<number, CounterPoint>> {
  const flagged = [];
  for (let series = 0; series < latest.count; series++) {
    const isCounter = quantityOfCode(latest.quantity[series] as number).kind === 'counter';
    if (isCounter && Number.isFinite(latest.ts[series]) && !isUsable(latest.quality[series] as number)) flagged.push(series);
  }
  const found = await lastGoodOf(store, latest, flagged);
  for (const series of flagged) {
    const last = newer(found.get(series) ?? null, waiting.get(series) ?? null);
    if (last !== null) found.set(series, last);
  }
  return found;
}

/** By series: the last usable reading before its newest one. */
async function lastGoodOf(store: Pick<ReadingStore, 'neighbours'>, latest: LatestReadings, some: readonly number[]): Promise<Map<number, CounterPoint>> {
  if (some.length === 0) return new Map();
  const points = some.map((series) => ({
    meter: latest.meter[series] as number,
    quantity: latest.quantity[series] as number,
    ts: latest.ts[series] as number,
  }));
  const around = await store.neighbours({ points, reach: Number.POSITIVE_INFINITY });
  return new Map(some.flatMap((series, at) => (around[at]?.before ? [[series, around[at].before]] : [])));
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
