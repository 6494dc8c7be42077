import type { LatestReadings } from '../../model/latest.ts';
import { isUsable } from '../../model/quality.ts';
import { quantityOfCode } from '../../model/quantities.ts';
import type { ReadingBlock } from '../../model/reading.ts';
import type { CounterPoint } from '../../store/port.ts';
import type { Spool } from './spool.ts';

/** Readings that are looked at together. */
const WINDOW_ROWS = 50_000;

/** All that waits, in its order. */
export function* waitingIn(spool: Spool): Generator<ReadingBlock> {
  for (let window = spool.next(WINDOW_ROWS); window !== null; window = spool.next(WINDOW_ROWS, window.last)) {
    if (window.block !== null) yield window.block;
  }
}

/**
 * What waits in the spool is not in the store, and came before everything that comes from now on. Answers the last usable register of each
 * counter in it, by series.
 */
export function learnOf(spool: Spool, latest: LatestReadings): Map<number, CounterPoint> {
  const registers = new Map<number, CounterPoint>();
  for (const block of waitingIn(spool)) {
    for (let row = 0; row < block.length; row++) {
      const quantity = block.quantity[row] as number;
      const [ts, value, quality] = [block.ts[row] as number, block.value[row] as number, block.quality[row] as number];
      const series = latest.seriesOf(block.meter[row] as number, quantity);
      latest.offer(series, ts, value, quality);
      const isRegister = isUsable(quality) && quantityOfCode(quantity).kind === 'counter';
      if (isRegister && ts > (registers.get(series)?.ts ?? Number.NEGATIVE_INFINITY)) registers.set(series, { ts, value });
    }
  }
  return registers;
}
