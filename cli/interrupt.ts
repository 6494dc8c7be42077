/** Longest time that a clean end may take, in milliseconds: a store that is silent keeps its connections for longer. */
const STOP_WITHIN_MS = 30_000;

/** Ctrl-C asks for a clean end; a second one ends at once. Where it takes too long, `onLate` says what there is to say and the process ends. */
export function onInterrupt(onLate?: () => void): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  let late: NodeJS.Timeout | undefined;
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
    if (onLate === undefined) return;
    late = setTimeout(() => {
      onLate();
      process.exit(1);
    }, STOP_WITHIN_MS);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return {
    signal: controller.signal,
    end: () => {
      clearTimeout(late);
      process.removeListener('SIGINT', stop);
      process.removeListener('SIGTERM', stop);
    },
  };
}
