import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { hashPassword, hashSecret, newSecret } from '../api/auth/secrets.ts';
import { readConfig } from '../config.ts';
import { ROLES, type Role, type Scope } from '../model/access.ts';
import { GreenparkError } from '../model/errors.ts';
import type { EnterpriseId, GatewayId, ParkId } from '../model/ids.ts';
import type { OpenRegistry } from '../store/registry/open.ts';
import { openRegistry } from '../store/registry/open.ts';
import type { Registry } from '../store/registry/port.ts';

interface ScopeOptions {
  readonly role: Role;
  readonly park?: string;
  readonly enterprise?: string;
  readonly region?: string;
}

const scopeOptions = (command: Command): Command =>
  command
    .addOption(new Option('--role <role>', 'who it is').choices([...ROLES]).makeOptionMandatory())
    .option('--park <id>', 'park of a committee or enterprise')
    .option('--enterprise <id>', 'enterprise in the park')
    .option('--region <code>', 'GB/T 2260 code of an auditor’s region: 2, 4 or 6 digits');

export function userCommand(): Command {
  const add = scopeOptions(new Command('add').description('create a user, or give an existing one a new password and scope'))
    .argument('<username>')
    .option('--password <text>', 'password of at least 10 characters; left out: one is made and shown once')
    .action((username: string, options: ScopeOptions & { readonly password?: string }) =>
      withRegistry(async (registry) => {
        if (!/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(username)) throw refused('the user name must be 1 to 64 letters, digits and . _ @ -');
        const password = options.password ?? newSecret();
        if (password.length < 10) throw refused('the password must have at least 10 characters');
        const scope = await scopeOf(options, registry);
        await registry.users.put({ username, role: options.role, scope, passwordHash: await hashPassword(password), createdAt: Date.now() });
        await audit(registry, 'user', username, { role: options.role, scope });
        console.log(options.password === undefined ? `${username} signs in with ${password} (shown once)` : `${username} may sign in`);
      }),
    );
  return new Command('user').description('people who sign in').addCommand(add);
}

export function tokenCommand(): Command {
  const add = scopeOptions(new Command('add').description('make an API token; its secret is shown once'))
    .argument('<name>')
    .option('--days <n>', 'days until it expires; left out: it does not')
    .action((name: string, options: ScopeOptions & { readonly days?: string }) =>
      withRegistry(async (registry) => {
        const days = options.days === undefined ? null : Number(options.days);
        if (days !== null && !(days > 0)) throw refused('--days must be a number above 0');
        const secret = newSecret();
        const now = Date.now();
        const scope = await scopeOf(options, registry);
        await registry.tokens.put({
          name,
          role: options.role,
          scope,
          secretHash: hashSecret(secret),
          createdAt: now,
          expiresAt: days === null ? null : now + days * 86_400_000,
        });
        await audit(registry, 'token', name, { role: options.role, scope, days });
        console.log(secret);
      }),
    );
  return new Command('token').description('API tokens').addCommand(add);
}

export function gatewayCommand(): Command {
  const secret = new Command('secret')
    .description('give a registered gateway a new secret for the broker; it is shown once')
    .argument('<gateway>')
    .action((id: string) =>
      withRegistry(async (registry) => {
        const made = newSecret();
        await registry.gateways.setSecret(id as GatewayId, hashSecret(made));
        await audit(registry, 'gateway', id, { secret: 'replaced' });
        console.log(made);
      }),
    );
  return new Command('gateway').description('gateways that publish readings').addCommand(secret);
}

/** The scope that belongs to a role; what is missing, does not belong to the role or does not exist is named. */
async function scopeOf(options: ScopeOptions, registry: Registry): Promise<Scope> {
  const { role, park, enterprise, region } = options;
  const knownPark = async (): Promise<ParkId> => {
    if (park === undefined) throw refused(`--park is needed for the role ${role}`);
    if ((await registry.parks.get(park as ParkId)) === null) throw refused(`there is no park ${park}`);
    return park as ParkId;
  };
  switch (role) {
    case 'operator':
      return { kind: 'installation' };
    case 'committee':
      return { kind: 'park', park: await knownPark() };
    case 'auditor':
      if (region === undefined || !/^([1-9]\d)(\d\d){0,2}$/.test(region)) throw refused('--region with 2, 4 or 6 digits is needed for the role auditor');
      return { kind: 'region', region };
    case 'enterprise': {
      const id = await knownPark();
      if (enterprise === undefined) throw refused('--enterprise is needed for the role enterprise');
      if ((await registry.enterprises.get(id, enterprise as EnterpriseId)) === null) throw refused(`there is no enterprise ${enterprise} in the park ${id}`);
      return { kind: 'enterprise', park: id, enterprise: enterprise as EnterpriseId };
    }
  }
}

const refused = (message: string): GreenparkError => new GreenparkError('INPUT_INVALID', message);

const audit = (registry: Registry, subject: string, subjectId: string, after: object): Promise<void> =>
  registry.audit.append({ at: Date.now(), actor: 'command line', action: 'put', park: null, subject, subjectId, before: null, after: JSON.stringify(after) });

/** Opens the registry of the configured data directory, beside a running service if need be, and closes it again. */
export async function withRegistry<T>(work: (registry: OpenRegistry) => Promise<T>): Promise<T> {
  const { dataDir } = readConfig(process.env);
  mkdirSync(dataDir, { recursive: true });
  const registry = await openRegistry(join(dataDir, 'registry.db'));
  try {
    return await work(registry);
  } finally {
    registry.close();
  }
}
