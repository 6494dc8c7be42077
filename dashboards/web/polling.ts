import { onBeforeUnmount } from 'vue';

/** How often figures that nobody pushes are asked for, in ms. */
const ASK_MS = 10_000;

/** Does it now and again and again, as long as the component that calls it is there. */
export function keepAsking(ask: () => Promise<void>): void {
  void ask();
  const timer = setInterval(() => void ask(), ASK_MS);
  onBeforeUnmount(() => clearInterval(timer));
}
