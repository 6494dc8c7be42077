import type { Principal } from '../../model/access.ts';
import type { Clock } from '../../model/clock.ts';
import type { EpochMs, GatewayId } from '../../model/ids.ts';
import { GatewaySecrets } from '../../store/registry/gateway-secret.ts';
import type { NewAuditEntry, Registry, User } from '../../store/registry/port.ts';
import { deviceSecret, sessionSecret } from './cookie.ts';
import { hashSecret, newSecret, verifyPassword } from './secrets.ts';
import { deviceOf, isDeviceOf, SignInPace } from './sign-in-pace.ts';

export interface AuthDeps {
  readonly registry: Pick<Registry, 'users' | 'sessions' | 'tokens' | 'gateways' | 'change'>;
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
  /** Value of the cookie by which the browser is known again. */
  readonly device: string;
  readonly principal: Principal;
  readonly expiresAt: EpochMs;
  readonly maxAgeSeconds: number;
}

export interface Auth {
  /** Who the request comes from, or null. An Authorization header counts alone: with a bad one the cookie is not looked at. */
  identify(cookieHeader: string | undefined, authorizationHeader: string | undefined): Promise<Identity | null>;
  /** The same for those who need no more than the principal: the socket's handshake. */
  authenticate(cookieHeader: string | undefined, authorizationHeader: string | undefined): Promise<Principal | null>;
  /** The gateway behind `Basic id:secret`, or null. Nobody else is known by Basic, and a gateway by nothing else. A logger is not: its way is HJ 212. */
  gateway(authorizationHeader: string | undefined): Promise<GatewayId | null>;
  /**
   * Begins a session; null when name or password are wrong, in the same time for a name that does not exist. Rejects RATE_LIMITED when
   * the name failed too often, unless the cookies show a browser from which it has signed in before.
   */
  signIn(username: string, password: string, cookieHeader: string | undefined): Promise<SignedIn | null>;
  /** Ends the session behind the cookie, if there is one. Both are in the audit trail, in one transaction with the session. */
  signOut(cookieHeader: string | undefined): Promise<void>;
}

const BASIC = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i;
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i;

export function createAuth({ registry, clock, sessionHours = 168 }: AuthDeps): Auth {
  const maxAgeSeconds = Math.round(sessionHours * 3600);
  const pace = new SignInPace(clock);
  const secrets = new GatewaySecrets();

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
    async gateway(authorizationHeader) {
      const encoded = BASIC.exec(authorizationHeader ?? '')?.[1];
      const [, id, secret] = /^([^:]+):(.+)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString()) ?? [];
      if (id === undefined || secret === undefined) return null;
      const kept = await registry.gateways.signInHash(id as GatewayId);
      return kept !== null && (await secrets.verify(kept, secret)) ? (id as GatewayId) : null;
    },
    async signIn(username, password, cookieHeader) {
      const user = await registry.users.get(username);
      const known = user !== null && isDeviceOf(user, deviceSecret(cookieHeader));
      if (!known) pace.begin(username);
      const fits = await verifyPassword(user?.passwordHash ?? null, password);
      if (!fits || user === null) return null;
      if (!known) pace.succeeded(username);
      const now = clock();
      const secret = newSecret();
      const expiresAt = now + maxAgeSeconds * 1000;
      await registry.change(async ({ sessions, audit }) => {
        await sessions.deleteExpired(now);
        await sessions.create({ idHash: hashSecret(secret), username: user.username, createdAt: now, expiresAt });
        await audit.append(entryFor('sign-in', user, now));
      });
      return { secret, device: deviceOf(user), principal: principalOf(user), expiresAt, maxAgeSeconds };
    },
    async signOut(cookieHeader) {
      const secret = sessionSecret(cookieHeader);
      if (secret === null) return;
      const now = clock();
      await registry.change(async ({ sessions, audit }) => {
        const user = await sessions.user(hashSecret(secret), now);
        if (user === null) return;
        await sessions.delete(hashSecret(secret));
        await audit.append(entryFor('sign-out', user, now));
      });
    },
  };
}

const entryFor = (action: 'sign-in' | 'sign-out', { username }: User, at: EpochMs): NewAuditEntry => ({
  ...{ at, actor: username, action, park: null, subject: 'session', subjectId: username, before: null, after: null },
});

const principalOf = (user: User): Principal => ({ name: user.username, role: user.role, scope: user.scope });
