import { createHash, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(pbkdf2);
/** What mosquitto_passwd takes by default; enough for 256 random bits, which no number of guesses reaches. */
const ROUNDS_GENERATED = 101;
/** For a secret that a person chose: the count of OWASP's password storage sheet for PBKDF2-HMAC-SHA512. */
const ROUNDS_CHOSEN = 210_000;
/** Bounds what a hash from elsewhere may cost. */
const MOST_ROUNDS = 10_000_000;
const MOSQUITTO = /^\$7\$(\d{1,8})\$([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]{86}==)$/;

/**
 * Hash of a gateway's secret as a Mosquitto 2 password file holds it: `$7$rounds$salt$hash`, PBKDF2 with HMAC-SHA-512.
 *
 * @param kind `generated`: 256 random bits, cheap to check; `chosen`: by a person, some 100 ms of one core
 */
export async function hashGatewaySecret(secret: string, kind: 'generated' | 'chosen' = 'generated'): Promise<string> {
  const rounds = kind === 'generated' ? ROUNDS_GENERATED : ROUNDS_CHOSEN;
  const salt = randomBytes(12);
  const hash = await derive(secret, salt, rounds, 64, 'sha512');
  return `$7$${rounds}$${salt.toString('base64')}$${hash.toString('base64')}`;
}

/** May the hash stand in a Mosquitto password file? The SHA-256 of earlier versions may not: those gateways need a new secret. */
export const isMosquittoHash = (hash: string): boolean => MOSQUITTO.test(hash);

/** Does the secret belong to the hash? Takes the SHA-256 in hex of earlier versions too. */
export async function verifyGatewaySecret(hash: string, secret: string): Promise<boolean> {
  const [, rounds, salt, expected] = MOSQUITTO.exec(hash) ?? [];
  if (rounds === undefined || salt === undefined || expected === undefined) {
    return equal(Buffer.from(hash), Buffer.from(createHash('sha256').update(secret).digest('hex')));
  }
  const count = Number(rounds);
  if (count < 1 || count > MOST_ROUNDS) return false;
  return equal(Buffer.from(expected, 'base64'), await derive(secret, Buffer.from(salt, 'base64'), count, 64, 'sha512'));
}

const equal = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b);

/** Answers remembered; the oldest go. */
const MOST_REMEMBERED = 10_000;

/**
 * Checks secrets and remembers which were right, so that five hundred gateways with chosen secrets that come back after a power cut cost
 * one check each per start of the service and not one per sign-in. Remembered is a SHA-256 under a key of this process, never a secret.
 */
export class GatewaySecrets {
  readonly #key = randomBytes(32);
  readonly #proven = new Map<string, Buffer>();

  async verify(hash: string, secret: string): Promise<boolean> {
    const mark = createHash('sha256').update(this.#key).update(secret).digest();
    const known = this.#proven.get(hash);
    if (known !== undefined && equal(known, mark)) return true;
    if (!(await verifyGatewaySecret(hash, secret))) return false;
    this.#proven.set(hash, mark);
    const [oldest] = this.#proven.keys();
    if (this.#proven.size > MOST_REMEMBERED && oldest !== undefined) this.#proven.delete(oldest);
    return true;
  }
}
