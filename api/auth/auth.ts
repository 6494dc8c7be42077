import type { Principal } from '../../model/access.ts';
import type { Clock } from '../../model/clock.ts';
import type { EpochMs } from '../../model/ids.ts';
import type { Registry, User } from '../../store/registry/port.ts';
import { sessionSecret } from './cookie.ts';
import { hashSecret, newSecret, verifyPassword } from './secrets.ts';

export interface AuthDeps {
  readonly registry: Pick<Registry, 'users' | 'sessions' | 'tokens'>;
  readonly clock: Clock;
  /** How long a sign-in holds, in hours; a control room's screen should not go dark within a week. */
  readonly sessionHours?: number;
}

/** Somebody signed in, and by what: a cookie is sent by browsers unasked, so that changes made with it need the origin checked. */
export interface Identity {
  readonly principal: Principal;
  readonly via: 'session' | 'token';
}

export interface SignedIn {
  /** The cookie's value; only its SHA-256 is kept. */
  readonly secret: string;
  readonly principal: Principal;
  readonly expiresAt: EpochMs;
  readonly maxAgeSeconds: number;
}

export interface Auth {
  /** Who the request comes from, or null. An Authorization header counts alone: with a bad one the cookie is not looked at. */
  identify(cookieHeader: string | undefined, authorizationHeader: string | undefined): Promise<Identity | null>;
  /** The same for those who need no more than the principal: the socket's handshake. */
  authenticate(cookieHeader: string | undefined, authorizationHeader: string | undefined): Promise<Principal | null>;
  /** Begins a session; null when name or password are wrong, in the same time for a name that does not exist. */
  signIn(username: string, password: string): Promise<SignedIn | null>;
  /** Ends the session behind the cookie, if there is one. */
  signOut(cookieHeader: string | undefined): Promise<void>;
}

const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i;

export function createAuth({ registry, clock, sessionHours = 168 }: AuthDeps): Auth {
  const maxAgeSeconds = Math.round(sessionHours * 3600);

  const identify = async (cookieHeader: string | undefined, authorizationHeader: string | undefined): Promise<Identity | null> => {
    if (authorizationHeader !== undefined) {
      const secret = BEARER.exec(authorizationHeader)?.[1];
      if (secret === undefined) return null;
      const token = await registry.tokens.bySecretHash(hashSecret(secret), clock());
      return token === null ? null : { principal: { name: `token:${token.name}`, role: token.role, scope: token.scope }, via: 'token' };
    }
    const secret = sessionSecret(cookieHeader);
    if (secret === null) return null;
    const user = await registry.sessions.user(hashSecret(secret), clock());
    return user === null ? null : { principal: principalOf(user), via: 'session' };
  };

  return {
    identify,
    async authenticate(cookieHeader, authorizationHeader) {
      return (await identify(cookieHeader, authorizationHeader))?.principal ?? null;
    },
    async signIn(username, password) {
      const user = await registry.users.get(username);
      const fits = await verifyPassword(user?.passwordHash ?? null, password);
      if (!fits || user === null) return null;
      const now = clock();
      const secret = newSecret();
      const expiresAt = now + maxAgeSeconds * 1000;
      await registry.sessions.deleteExpired(now);
      await registry.sessions.create({ idHash: hashSecret(secret), username: user.username, createdAt: now, expiresAt });
      return { secret, principal: principalOf(user), expiresAt, maxAgeSeconds };
    },
    async signOut(cookieHeader) {
      const secret = sessionSecret(cookieHeader);
      if (secret !== null) await registry.sessions.delete(hashSecret(secret));
    },
  };
}

const principalOf = (user: User): Principal => ({ name: user.username, role: user.role, scope: user.scope });
