import type { EpochMs } from '../model/ids.ts';
import type { LatestReadings } from '../model/latest.ts';
import { isUsable } from '../model/quality.ts';
import type { ReadingStore } from '../store/port.ts';
import type { SeriesRule } from './instances.ts';
import type { RollingMean } from './rules/rolling-mean.ts';

const PAGE = 10_000;
/** Series asked for at the same time: the store answers several as fast as one, and memory stays bounded. */
const AT_ONCE = 8;
/** Readings may lie as far ahead of the clock as ingest allows, and some. */
const AHEAD_MS = 86_400_000;

/** One rule on one series, as it stood before what it missed. */
export interface Missed {
  readonly place: number;
  /** Ordinal of the series' meter. */
  readonly meter: number;
  readonly rule: SeriesRule;
  /** Time judged last, -Infinity where it never was. */
  readonly last: EpochMs;
  readonly mean: RollingMean | null;
}

/**
 * False where nothing is stored, or the newest stored reading was judged already and no window has to be filled: after a proper stop, nearly
 * everywhere.
 */
export function mayHaveMissed({ rule, meter, last, mean }: Missed, latest: Pick<LatestReadings, 'find' | 'ts'> | undefined): boolean {
  if (latest === undefined) return true;
  const series = latest.find(meter, rule.quantity);
  return series !== undefined && (mean !== null || last < (latest.ts[series] as number));
}

/**
 * Judges what was measured after each rule was judged last, series by series in order of time. Rolling means are first filled with the
 * window before. A rule that was never judged begins with the next reading.
 */
export async function replayMissed(
  missed: readonly (readonly Missed[])[],
  raw: ReadingStore['raw'],
  now: EpochMs,
  judge: (place: number, ts: EpochMs, value: number, quality: number) => void,
): Promise<void> {
  const begun = missed.map((rules) => rules.filter(({ last }) => Number.isFinite(last))).filter(({ length }) => length > 0);
  let next = 0;
  const work = async (): Promise<void> => {
    for (let rules = begun[next++]; rules !== undefined; rules = begun[next++]) await replaySeries(rules, raw, now + AHEAD_MS, judge);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

async function replaySeries(
  rules: readonly Missed[],
  raw: ReadingStore['raw'],
  to: EpochMs,
  judge: (place: number, ts: EpochMs, value: number, quality: number) => void,
): Promise<void> {
  const first = rules[0];
  if (first === undefined) return;
  const { meter } = first;
  const { quantity } = first.rule;
  let from = Math.min(...rules.map(({ last, rule }) => last - (rule.windowMs ?? 0))) + 1;
  for (;;) {
    const page = await raw({ meter, quantity, from, to, limit: PAGE });
    for (let row = 0; row < page.length; row++) {
      const [ts, value, quality] = [page.ts[row] as number, page.value[row] as number, page.quality[row] as number];
      for (const { place, last, mean, rule } of rules) {
        if (ts > last) judge(place, ts, value, quality);
        else if (mean !== null && ts > last - (rule.windowMs ?? 0) && isUsable(quality)) mean.push(ts, value);
      }
    }
    if (page.length < PAGE) return;
    from = (page.ts[page.length - 1] as number) + 1;
  }
}
