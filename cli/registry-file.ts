import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../config.ts';
import { type OpenRegistry, openRegistry } from '../store/registry/open.ts';

/** Opens the registry of the configured data directory, beside a running service if need be, and closes it again. */
export async function withRegistry<T>(work: (registry: OpenRegistry) => Promise<T>): Promise<T> {
  const { dataDir } = readConfig(process.env);
  mkdirSync(dataDir, { recursive: true });
  const registry = await openRegistry(join(dataDir, 'registry.db'));
  try {
    return await work(registry);
  } finally {
    registry.close();
  }
}
