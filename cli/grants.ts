import { hashPassword, hashSecret, newSecret } from '../api/auth/secrets.ts';
import { GreenparkError } from '../model/errors.ts';
import type { GatewayId } from '../model/ids.ts';
import { hashGatewaySecret } from '../store/registry/gateway-secret.ts';
import type { NewAuditEntry } from '../store/registry/port.ts';
import { withRegistry } from './registry-file.ts';
import { type ScopeOptions, scopeOf } from './scope.ts';

export interface UserOptions extends ScopeOptions {
  readonly password?: string;
}

export interface TokenOptions extends ScopeOptions {
  readonly days?: string;
}

export function addUser(username: string, options: UserOptions): Promise<void> {
  return withRegistry(async (registry) => {
    if (!/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(username)) throw refused('the user name must be 1 to 64 letters, digits and . _ @ -');
    const password = options.password ?? newSecret();
    if (password.length < 10) throw refused('the password must have at least 10 characters');
    const scope = await scopeOf(options, registry);
    const passwordHash = await hashPassword(password);
    await registry.change(async ({ users, audit }) => {
      await users.put({ username, role: options.role, scope, passwordHash, createdAt: Date.now() });
      await audit.append(entryOf('user', username, { role: options.role, scope }));
    });
    console.log(options.password === undefined ? `${username} signs in with ${password} (shown once)` : `${username} may sign in`);
  });
}

export function addToken(name: string, options: TokenOptions): Promise<void> {
  return withRegistry(async (registry) => {
    const days = options.days === undefined ? null : Number(options.days);
    if (days !== null && !(days > 0)) throw refused('--days must be a number above 0');
    const secret = newSecret();
    const now = Date.now();
    const scope = await scopeOf(options, registry);
    const expiresAt = days === null ? null : now + days * 86_400_000;
    await registry.change(async ({ tokens, audit }) => {
      await tokens.put({ name, role: options.role, scope, secretHash: hashSecret(secret), createdAt: now, expiresAt });
      await audit.append(entryOf('token', name, { role: options.role, scope, days }));
    });
    console.log(secret);
  });
}

export function renewGatewaySecret(id: string): Promise<void> {
  return withRegistry(async (registry) => {
    const made = newSecret();
    const hash = await hashGatewaySecret(made);
    await registry.change(async ({ gateways, audit }) => {
      await gateways.setSecret(id as GatewayId, hash);
      await audit.append(entryOf('gateway', id, { secret: 'replaced' }));
    });
    console.log(made);
    const isPassword = (await registry.gateways.signInHash(id as GatewayId)) === null;
    if (isPassword) console.error(`${id} reports by HJ 212: until its logger has this password (PW), its messages are refused. No broker takes it`);
  });
}

const refused = (message: string): GreenparkError => new GreenparkError('INPUT_INVALID', message);

const entryOf = (subject: string, subjectId: string, after: object): NewAuditEntry => ({
  ...{ at: Date.now(), actor: 'command line', action: 'put', park: null, subject, subjectId, before: null, after: JSON.stringify(after) },
});
