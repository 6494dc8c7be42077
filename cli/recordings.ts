import { Command, InvalidArgumentError, Option } from 'commander';
import type { ImportCommandOptions, ReplayCommandOptions } from './recording-runs.ts';

const common = (command: Command): Command =>
  command
    .argument('<file>', 'CSV file, plain or gzipped')
    .requiredOption('--mapping <file>', 'YAML file that says what the columns mean; see examples/recordings')
    .option('--park <id>', 'park of the meters, when it is not the mapping’s')
    .option('--rejects <file>', 'write every refused row and cell there, one a line')
    .option('--strict', 'fail when anything was refused');

export function importCommand(): Command {
  const description = 'take the history of a CSV file into the store; the service must not be running. An import that was broken off goes on';
  return common(new Command('import').description(description))
    .option('--from-start', 'begin at the first row, whatever an earlier import of this file and mapping came to')
    .action(async (file: string, options: ImportCommandOptions) => (await import('./recording-runs.ts')).runImport(file, options));
}

export function replayCommand(): Command {
  return common(new Command('replay').description('publish a CSV recording over MQTT as if its meters were reporting now'))
    .addOption(new Option('--speed <n>', 'times real speed; 0: as fast as possible').argParser(speedOf).makeOptionMandatory())
    .option('--url <url>', 'broker', 'mqtt://localhost:1883')
    .option('--username <name>')
    .addOption(new Option('--password <text>').env('MQTT_PASSWORD'))
    .option('--loop', 'begin again at the end, until Ctrl-C')
    .option('--as-recorded', 'keep the recording’s times; otherwise each reading carries the time at which it is sent')
    .action(async (file: string, options: ReplayCommandOptions) => (await import('./recording-runs.ts')).runReplay(file, options));
}

function speedOf(text: string): number {
  const speed = Number(text);
  if (!(speed >= 0) || !Number.isFinite(speed) || text.trim() === '') throw new InvalidArgumentError('expected a number, 0 or above');
  return speed;
}
