import { Session } from 'node:inspector';
import { setFlagsFromString } from 'node:v8';

/** By how much a heap grows before all its garbage is collected, in percent. */
const SMALL_GROWTH_PERCENT = 20;

/**
 * Gives back what this thread's heap no longer needs. By itself V8 lets a heap grow to a multiple of what lives in it, so that whatever was
 * needed once, as at a start, stays taken for hours. The thread stands still meanwhile, about 1.5 ms for each MB that lives: for moments at
 * which nobody waits.
 */
export async function collectGarbage(): Promise<void> {
  const session = new Session();
  session.connect();
  await new Promise<void>((resolve) => session.post('HeapProfiler.collectGarbage', () => resolve()));
  // From the answer itself it would wait for itself.
  setImmediate(() => session.disconnect());
}

/**
 * From now on this process collects its garbage sooner. By itself V8 lets a heap double before it does. Where much lives in it that is a lot
 * of memory for nothing; where little does, collecting oftener is a lot of work for nothing.
 */
export function collectSooner(): void {
  setFlagsFromString(`--heap-growing-percent=${SMALL_GROWTH_PERCENT}`);
}
