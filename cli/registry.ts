import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { GreenparkError } from '../model/errors.ts';
import { formatRegistryDocument, importDocument, parseRegistryDocument } from '../store/registry/document.ts';
import { withRegistry } from './access.ts';

export function registryCommand(): Command {
  const take = new Command('import')
    .description('create or replace what a document holds (parks, enterprises, gateways, meters, rules, caps, entry terms); all of it or nothing')
    .argument('<file>', 'YAML or JSON; - for standard input')
    .action(async (file: string) => {
      const document = parseRegistryDocument(readText(file));
      const result = await withRegistry((registry) => importDocument(registry, document));
      console.log(`${result.created} created, ${result.replaced} replaced, ${result.unchanged} unchanged`);
    });
  const give = new Command('export')
    .description('write the registry to standard output as a document that imports to the same; secrets and people are left out')
    .action(async () => {
      process.stdout.write(formatRegistryDocument(await withRegistry((registry) => registry.export())));
    });
  return new Command('registry').description('parks and what belongs to them, as one document').addCommand(take).addCommand(give);
}

function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new GreenparkError('INPUT_INVALID', `cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}
