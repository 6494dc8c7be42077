import { hashPassword, newSecret } from './api/auth/secrets.ts';
import type { EpochMs } from './model/ids.ts';
import type { Registry } from './store/registry/port.ts';

/** Makes the administrator of a new installation. Answers what to print; the password is shown this once and kept nowhere. */
export async function firstAdministrator(registry: Registry, configured: string | undefined, now: EpochMs): Promise<string[]> {
  if ((await registry.users.get('admin')) !== null)
    return ['Sign in as admin with the password of the first start, shown or configured then (`greenpark user add admin --role operator` makes a new one)'];
  if ((await registry.users.count()) > 0) return [];
  const password = configured ?? newSecret().slice(0, 20);
  const passwordHash = await hashPassword(password);
  await registry.change(async ({ users, audit }) => {
    await users.put({ username: 'admin', role: 'operator', scope: { kind: 'installation' }, passwordHash, createdAt: now });
    await audit.append({
      at: now,
      actor: 'first start',
      action: 'put',
      park: null,
      subject: 'user',
      subjectId: 'admin',
      before: null,
      after: '{"role":"operator"}',
    });
  });
  return [configured === undefined ? `Sign in as admin with ${password} (shown once)` : 'Sign in as admin with the password that was configured'];
}
