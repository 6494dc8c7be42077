import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../model/clock.ts';
import { GreenparkError } from '../../model/errors.ts';
import type { EpochMs } from '../../model/ids.ts';
import type { User } from '../../store/registry/port.ts';

/** Failed sign-ins that a name may have at once, from all addresses together. */
const ALLOWANCE = 40;
/** One of them comes back this often. Twice as fast as one address may fail for good (20 in a quarter of an hour): it alone slows nobody. */
const ONE_BACK_AFTER_MS = 22_500;
/** Names remembered; beyond that the one that failed longest ago is forgotten. */
const MOST_NAMES = 10_000;

/**
 * Holds back whoever guesses one name's password from many addresses, where a limit per address sees nothing: after 40 failures
 * the name may be tried once in 22.5 seconds, below 4,000 guesses a day. Nobody is locked out: the allowance fills up by
 * itself, a sign-in that succeeds costs nothing, and a browser from which the name has signed in before is not held back at all
 * (see deviceOf). Names that do not exist are counted alike, so that a refusal does not tell which do.
 */
export class SignInPace {
  readonly #clock: Clock;
  /** By name: when its allowance will be whole again. In order of the last attempt. */
  readonly #wholeAt = new Map<string, EpochMs>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts an attempt as failed, before it is judged: many at once are no way around. Throws RATE_LIMITED when the name has to wait. */
  begin(name: string): void {
    const now = this.#clock();
    // No further ahead than an empty allowance: a clock that is set back locks nobody out.
    const wholeAt = Math.min(Math.max(now, this.#wholeAt.get(name) ?? now), now + ALLOWANCE * ONE_BACK_AFTER_MS);
    const wait = wholeAt + ONE_BACK_AFTER_MS - now - ALLOWANCE * ONE_BACK_AFTER_MS;
    if (wait > 0) {
      throw new GreenparkError('RATE_LIMITED', `too many failed sign-ins with this user name; try again in ${Math.ceil(wait / 1000)} seconds`, {
        retryable: true,
      });
    }
    this.#set(name, wholeAt + ONE_BACK_AFTER_MS);
  }

  /** Takes back what `begin` counted. */
  succeeded(name: string): void {
    const wholeAt = this.#wholeAt.get(name);
    if (wholeAt !== undefined) this.#set(name, wholeAt - ONE_BACK_AFTER_MS);
  }

  #set(name: string, wholeAt: EpochMs): void {
    this.#wholeAt.delete(name);
    if (wholeAt <= this.#clock()) return;
    this.#wholeAt.set(name, wholeAt);
    const [oldest] = this.#wholeAt.keys();
    if (this.#wholeAt.size > MOST_NAMES && oldest !== undefined) this.#wholeAt.delete(oldest);
  }
}

/**
 * What a browser keeps after the user signed in from it, to be known again. It opens nothing; it only frees from the pace above. Made of
 * the password's hash, which leaves the service in no other way and holds 128 random bits: nobody can make one up, nothing has to be
 * stored, and a new password ends it.
 */
export const deviceOf = ({ username, passwordHash }: Pick<User, 'username' | 'passwordHash'>): string =>
  createHmac('sha256', passwordHash).update(`device of ${username}`).digest('base64url');

export function isDeviceOf(user: Pick<User, 'username' | 'passwordHash'>, shown: string | null): boolean {
  const own = Buffer.from(deviceOf(user));
  const given = Buffer.from(shown ?? '');
  return own.length === given.length && timingSafeEqual(own, given);
}
