import { Command, InvalidArgumentError, Option } from 'commander';
import type { LetterOptions, ReplayLettersOptions } from './dead-letter-runs.ts';

const common = (command: Command): Command =>
  command
    .addOption(new Option('--url <url>', 'the running service').env('GREENPARK_URL').default('http://localhost:8080'))
    .addOption(new Option('--token <token>', 'API token (greenpark token add)').env('GREENPARK_TOKEN').makeOptionMandatory())
    .option('--park <id>')
    .option('--reason <reason>', 'e.g. unknown-meter')
    .option('--transport <name>', 'e.g. mqtt, http')
    .option('--gateway <id>')
    .option('--meter <id>')
    .option('--topic <prefix>', 'how the topic begins')
    .option('--text <text>', 'somewhere in the detail')
    .option('--from <time>', 'received at or after; ISO 8601 with offset')
    .option('--to <time>', 'received before')
    .addOption(new Option('--state <state>').choices(['waiting', 'replayed']));

export function deadLettersCommand(): Command {
  const list = common(new Command('list').description('refused messages, newest first'))
    .addOption(new Option('--limit <n>', 'how many').argParser(countOf).default(50))
    .action(async (options: LetterOptions & { limit: number }) => (await import('./dead-letter-runs.ts')).listLetters(options));
  const give = common(new Command('export').description('write them with their bytes to standard output, one JSON object a line, oldest first')).action(
    async (options: LetterOptions) => (await import('./dead-letter-runs.ts')).exportLetters(options),
  );
  const replay = common(new Command('replay').description('try them again, oldest first; fails when any could not be replayed wholly'))
    .argument('[ids...]', 'letters by number; left out: all that wait and fit the options')
    .action(async (ids: readonly string[], options: ReplayLettersOptions) => (await import('./dead-letter-runs.ts')).replayLetters(ids, options));
  return new Command('dead-letters').description('messages that a running service refused').addCommand(list).addCommand(give).addCommand(replay);
}

function countOf(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 1000) throw new InvalidArgumentError('expected a number from 1 to 1000');
  return count;
}
