import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
/** Collects all garbage now, in every test process, however it was started. */
export const collect = runInNewContext('gc') as () => void;

/** Bytes of the heap that are still in use once all garbage is collected: what was allocated in passing counts for nothing. */
export function heapInUse(): number {
  collect();
  return process.memoryUsage().heapUsed;
}
