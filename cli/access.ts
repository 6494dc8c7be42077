import { Command, Option } from 'commander';
import { ROLES } from '../model/access.ts';
import type { TokenOptions, UserOptions } from './grants.ts';

const scopeOptions = (command: Command): Command =>
  command
    .addOption(new Option('--role <role>', 'who it is').choices([...ROLES]).makeOptionMandatory())
    .option('--park <id>', 'park of a committee or enterprise; of an operator who looks after one park alone')
    .option('--enterprise <id>', 'enterprise in the park')
    .option('--region <code>', 'GB/T 2260 code of an auditor’s region: 2, 4 or 6 digits; of an operator who looks after one region alone');

export function userCommand(): Command {
  const add = scopeOptions(new Command('add').description('create a user, or give an existing one a new password and scope'))
    .argument('<username>')
    .option('--password <text>', 'password of at least 10 characters; left out: one is made and shown once')
    .action(async (username: string, options: UserOptions) => (await import('./grants.ts')).addUser(username, options));
  return new Command('user').description('people who sign in').addCommand(add);
}

export function tokenCommand(): Command {
  const add = scopeOptions(new Command('add').description('make an API token; its secret is shown once'))
    .argument('<name>')
    .option('--days <n>', 'days until it expires; left out: it does not')
    .action(async (name: string, options: TokenOptions) => (await import('./grants.ts')).addToken(name, options));
  return new Command('token').description('API tokens').addCommand(add);
}

export function gatewayCommand(): Command {
  const secret = new Command('secret')
    .description('give a registered gateway a new secret, for the broker or, of an HJ 212 logger, its password; it is shown once')
    .argument('<gateway>')
    .action(async (id: string) => (await import('./grants.ts')).renewGatewaySecret(id));
  return new Command('gateway').description('gateways that publish readings').addCommand(secret);
}
