import type { EpochMs } from '../model/ids.ts';
import type { LatestReadings } from '../model/latest.ts';
import { isUsable } from '../model/quality.ts';
import type { ReadingStore } from '../store/port.ts';
import type { SeriesInstance } from './instances.ts';

const PAGE = 10_000;
/** Series asked for at the same time: the store answers several as fast as one, and memory stays bounded. */
const AT_ONCE = 8;
/** Readings may lie as far ahead of the clock as ingest allows, and some. */
const AHEAD_MS = 86_400_000;

/**
 * False where nothing is stored, or the newest stored reading was judged already and no window has to be filled: after a proper stop, nearly
 * everywhere.
 */
export function mayHaveMissed({ group, meter, last, mean }: SeriesInstance, latest: Pick<LatestReadings, 'find' | 'ts'> | undefined): boolean {
  if (latest === undefined) return true;
  const series = latest.find(meter.ordinal, group.rule.quantity);
  return series !== undefined && (mean !== null || last < (latest.ts[series] as number));
}

/**
 * Judges what was measured after each rule was judged last, series by series in order of time. Rolling means are first filled with the
 * window before. A rule that was never judged begins with the next reading.
 */
export async function replayMissed(
  seriesInstances: readonly (readonly SeriesInstance[])[],
  raw: ReadingStore['raw'],
  now: EpochMs,
  judge: (instance: SeriesInstance, ts: EpochMs, value: number, quality: number) => void,
): Promise<void> {
  const begun = seriesInstances.map((instances) => instances.filter(({ last }) => Number.isFinite(last))).filter(({ length }) => length > 0);
  let next = 0;
  const work = async (): Promise<void> => {
    for (let instances = begun[next++]; instances !== undefined; instances = begun[next++]) await replaySeries(instances, raw, now + AHEAD_MS, judge);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

async function replaySeries(
  instances: readonly SeriesInstance[],
  raw: ReadingStore['raw'],
  to: EpochMs,
  judge: (instance: SeriesInstance, ts: EpochMs, value: number, quality: number) => void,
): Promise<void> {
  const first = instances[0];
  if (first === undefined) return;
  const meter = first.meter.ordinal;
  const { quantity } = first.group.rule;
  const judgedUntil = new Map(instances.map((instance) => [instance, instance.last]));
  let from = Math.min(...instances.map(({ last, group }) => last - (group.rule.windowMs ?? 0))) + 1;
  for (;;) {
    const page = await raw({ meter, quantity, from, to, limit: PAGE });
    for (let row = 0; row < page.length; row++) {
      const [ts, value, quality] = [page.ts[row] as number, page.value[row] as number, page.quality[row] as number];
      for (const [instance, until] of judgedUntil) {
        if (ts > until) judge(instance, ts, value, quality);
        else if (instance.mean !== null && ts > until - (instance.group.rule.windowMs ?? 0) && isUsable(quality)) instance.mean.push(ts, value);
      }
    }
    if (page.length < PAGE) return;
    from = (page.ts[page.length - 1] as number) + 1;
  }
}
