import { Command, InvalidArgumentError, Option } from 'commander';
import { CHECK_TOPICS, MOST_CHECK_MESSAGES } from '../ingest/transports/check-topics.ts';
import type { CheckOptions } from './broker-runs.ts';

/** `greenpark broker`: what an external broker does for the service, before anybody relies on it. */
export function brokerCommand(): Command {
  const check = new Command('check')
    .description('try whether the external broker keeps what the service has not acknowledged, and how much it hands over ahead')
    .addOption(new Option('--messages <n>', `messages to send to ${CHECK_TOPICS}/`).argParser(messages).default(MOST_CHECK_MESSAGES))
    .option('--json', 'print what was found as JSON')
    .action(async (options: CheckOptions) => (await import('./broker-runs.ts')).runCheck(options));
  return new Command('broker').description('an external broker').addCommand(check);
}

function messages(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > MOST_CHECK_MESSAGES) throw new InvalidArgumentError(`must be 1 to ${MOST_CHECK_MESSAGES}`);
  return value;
}
