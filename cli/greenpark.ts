#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { GreenparkError } from '../model/errors.ts';
import { gatewayCommand, tokenCommand, userCommand } from './access.ts';
import { brokerCommand } from './broker.ts';
import { deadLettersCommand } from './dead-letters.ts';
import { hj212SendCommand } from './hj212.ts';
import { mappingCommand } from './mapping.ts';
import { importCommand, replayCommand } from './recordings.ts';
import { registryCommand } from './registry.ts';
import { serveCommand } from './serve.ts';

/**
 * One executable; exit code 0 only on success, an expected failure is one line on standard error without a stack trace. What a command
 * does is loaded when it runs: `--help` and a refused option answer without the database, the brokers and the rest.
 */
const program = new Command('greenpark')
  .description('Monitoring service for green, low-carbon industrial parks')
  .addCommand(serveCommand())
  .addCommand(registryCommand())
  .addCommand(importCommand())
  .addCommand(replayCommand())
  .addCommand(mappingCommand())
  .addCommand(hj212SendCommand())
  .addCommand(brokerCommand())
  .addCommand(deadLettersCommand())
  .addCommand(userCommand())
  .addCommand(tokenCommand())
  .addCommand(gatewayCommand())
  .configureHelp({ showGlobalOptions: true });

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode;
  else if (error instanceof GreenparkError && error.code !== 'INTERNAL') {
    console.error(`greenpark: ${error.message}`);
    process.exitCode = 1;
  } else {
    console.error(error);
    process.exitCode = 70;
  }
}
