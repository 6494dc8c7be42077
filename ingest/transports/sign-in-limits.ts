export interface SignInLimitOptions {
  /** Failed sign-ins of one address within a minute, before it is refused unheard. */
  readonly failuresPerAddress: number;
  /** Failed sign-ins with one name within a minute, from wherever. */
  readonly failuresPerName: number;
}

interface Window {
  /** When the minute began. */
  since: number;
  failures: number;
}

const MINUTE = 60_000;
/** Windows and proven pairs remembered; the oldest go, so that nobody fills the memory with invented names. */
const MOST = 10_000;

/**
 * Bounds guessing: only failures count, so that five hundred gateways behind one address may all come back at once. A gateway that has
 * signed in from an address before is heard there though strangers elsewhere have used up its name's failures.
 */
export class SignInLimits {
  readonly #options: SignInLimitOptions;
  readonly #addresses = new Map<string, Window>();
  readonly #names = new Map<string, Window>();
  readonly #proven = new Set<string>();

  constructor(options: SignInLimitOptions) {
    this.#options = options;
  }

  /** @param now monotonic time in milliseconds */
  mayTry(address: string, name: string, now: number): boolean {
    if (failures(this.#addresses, address, now) >= this.#options.failuresPerAddress) return false;
    return this.#proven.has(pair(address, name)) || failures(this.#names, name, now) < this.#options.failuresPerName;
  }

  failed(address: string, name: string, now: number): void {
    count(this.#addresses, address, now);
    count(this.#names, name, now);
  }

  succeeded(address: string, name: string): void {
    const key = pair(address, name);
    this.#proven.delete(key);
    this.#proven.add(key);
    const [oldest] = this.#proven;
    if (this.#proven.size > MOST && oldest !== undefined) this.#proven.delete(oldest);
  }
}

const pair = (address: string, name: string): string => `${address} ${name}`;

function failures(windows: Map<string, Window>, key: string, now: number): number {
  const window = windows.get(key);
  return window === undefined || now - window.since >= MINUTE ? 0 : window.failures;
}

function count(windows: Map<string, Window>, key: string, now: number): void {
  const window = windows.get(key);
  if (window !== undefined && now - window.since < MINUTE) {
    window.failures++;
    return;
  }
  windows.delete(key);
  windows.set(key, { since: now, failures: 1 });
  const [oldest] = windows.keys();
  if (windows.size > MOST && oldest !== undefined) windows.delete(oldest);
}
