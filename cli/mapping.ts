import { Command } from 'commander';
import type { TryOptions } from './mapping-runs.ts';

/** `greenpark mapping`: needs no data directory and no service. */
export function mappingCommand(): Command {
  const attempt = new Command('try')
    .description('show what a mapping makes of a message, or where it fails')
    .argument('<file>', 'the message as it was published; - for standard input')
    .requiredOption('--mapping <mapping>', 'YAML or JSON file of a mapping, or the name of one that comes with Greenpark')
    .requiredOption('--topic <topic>', 'topic it was published on')
    .option('--gateway <id>', 'gateway that signed in, for mappings that ask for $gateway')
    .option('--json', 'print the whole answer as JSON')
    .action(async (file: string, options: TryOptions) => (await import('./mapping-runs.ts')).runTry(file, options));
  const list = new Command('list').description('the mappings that come with Greenpark').action(async () => (await import('./mapping-runs.ts')).listShipped());
  const show = new Command('show')
    .description('print a mapping that comes with Greenpark as YAML, to begin one of your own')
    .argument('<name>')
    .action(async (name: string) => (await import('./mapping-runs.ts')).showShipped(name));
  return new Command('mapping').description('how payloads of other forms become readings').addCommand(attempt).addCommand(list).addCommand(show);
}
