import { createHash, randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';

/** Memory in KiB, passes and lanes: the first choice of OWASP's password storage sheet for argon2id with 19 MiB. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** argon2id hash of a password in PHC form; about 25 ms of one core. */
export const hashPassword = (password: string): Promise<string> => hash(password, COST);

let nobody: Promise<string> | undefined;

/**
 * Does the password belong to the hash? null stands for a user that does not exist: the same work is done and the answer is false,
 * so that the time taken does not tell which names exist.
 */
export async function verifyPassword(passwordHash: string | null, password: string): Promise<boolean> {
  nobody ??= hashPassword(newSecret());
  const fits = await verify(passwordHash ?? (await nobody), password);
  return fits && passwordHash !== null;
}

/** 256 random bits in 43 characters that need no escaping: session cookies, API tokens, gateway secrets, passwords made for people. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

/**
 * SHA-256 in hex: what is stored in place of a secret made by newSecret. Never for a password that a person chose, which could be
 * guessed at billions a second; 256 random bits cannot.
 */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');
