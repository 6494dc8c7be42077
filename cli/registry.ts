import { Command } from 'commander';

export function registryCommand(): Command {
  const take = new Command('import')
    .description('create or replace what a document holds (parks, enterprises, gateways, meters, rules, caps, entry terms); all of it or nothing')
    .argument('<file>', 'YAML or JSON; - for standard input')
    .action(async (file: string) => (await import('./registry-document.ts')).takeDocument(file));
  const give = new Command('export')
    .description('write the registry to standard output as a document that imports to the same; secrets and people are left out')
    .option('--json', 'as JSON instead of YAML: for programs, and for many thousand meters, which are read back in a fraction of the time')
    .option(
      '--mosquitto <folder>',
      'write the files passwords and acl for a Mosquitto broker into the folder instead, for the folder’s owner and group to read',
    )
    .action(async ({ json, mosquitto }: { json?: true; mosquitto?: string }) => {
      if (mosquitto === undefined) await (await import('./registry-document.ts')).giveDocument({ asJson: json === true });
      else await (await import('./registry-mosquitto.ts')).giveMosquittoFiles(mosquitto);
    });
  return new Command('registry').description('parks and what belongs to them, as one document').addCommand(take).addCommand(give);
}
