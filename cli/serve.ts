import { Command } from 'commander';

export function serveCommand(): Command {
  return new Command('serve').description('run the service until it is told to stop').action(async () => (await import('./serving.ts')).serve());
}
