import { readFileSync } from 'node:fs';
import { GreenparkError } from '../model/errors.ts';
import { formatRegistryDocument, importDocument, parseRegistryDocument } from '../store/registry/document.ts';
import { withRegistry } from './registry-file.ts';

export async function takeDocument(file: string): Promise<void> {
  const document = parseRegistryDocument(readText(file));
  const result = await withRegistry((registry) => importDocument(registry, document));
  console.log(`${result.created} created, ${result.replaced} replaced, ${result.unchanged} unchanged`);
}

export async function giveDocument({ asJson }: { readonly asJson: boolean }): Promise<void> {
  const document = await withRegistry((registry) => registry.export());
  process.stdout.write(asJson ? `${JSON.stringify(document)}\n` : formatRegistryDocument(document));
}

function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new GreenparkError('INPUT_INVALID', `cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}
