import { readFile, rename, writeFile } from 'node:fs/promises';

/** The topic filters that the broker holds in our session. A broker does not tell, and what is not given back comes for ever. */
export interface SubscriptionMemory {
  read(): Promise<readonly string[]>;
  write(topics: readonly string[]): Promise<void>;
}

/** Remembers them in a JSON file. A missing or damaged file stands for none: then at worst a filter is not given back. */
export function subscriptionsIn(file: string): SubscriptionMemory {
  return {
    read: async () => {
      try {
        const parsed: unknown = JSON.parse(await readFile(file, 'utf8'));
        return Array.isArray(parsed) ? parsed.filter((topic) => typeof topic === 'string') : [];
      } catch {
        return [];
      }
    },
    write: async (topics) => {
      await writeFile(`${file}.new`, JSON.stringify(topics));
      await rename(`${file}.new`, file);
    },
  };
}
