import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { benchAgainstNodeRed } from './against-node-red.ts';
import { type BenchResult, printTable } from './figures.ts';
import { benchGrowth } from './growth.ts';
import { benchInflux } from './influx.ts';
import { BATCH, benchIngest, SINGLE } from './ingest.ts';
import { benchLatency } from './latency.ts';

const NAMES = ['ingest-single', 'ingest-batch', 'ingest-influx', 'ingest-nodered', 'latency', 'growth'] as const;
type Name = (typeof NAMES)[number];

const program = new Command('bench')
  .description('what Greenpark does in a second, as a ratio to a limit taken in the same run')
  .argument('[names...]', `which of ${NAMES.join(', ')}; all without a name`)
  .option('--json <file>', 'write the results there as well')
  .option('--rounds <n>', 'rounds of each ratio', '5')
  .action(async (given: string[], options: { readonly json?: string; readonly rounds: string }) => {
    const unknown = given.filter((name) => !(NAMES as readonly string[]).includes(name));
    if (unknown.length > 0) program.error(`there is no benchmark ${unknown.join(', ')}; known: ${NAMES.join(', ')}`);
    const wanted = new Set<Name>(given.length === 0 ? NAMES : (given as Name[]));
    const rounds = Number(options.rounds);
    const results: BenchResult[] = [];
    if (wanted.has('ingest-single')) results.push(await benchIngest(SINGLE, rounds));
    if (wanted.has('ingest-batch')) results.push(await benchIngest(BATCH, rounds));
    if (wanted.has('ingest-influx')) results.push(await benchInflux(rounds));
    if (wanted.has('ingest-nodered')) results.push(await benchAgainstNodeRed(rounds));
    if (wanted.has('latency')) {
      const single = results.find((result) => result.name === 'ingest-single') ?? (await benchIngest(SINGLE, 1));
      results.push(await benchLatency(single.figures['messages_per_second'] as number));
    }
    if (wanted.has('growth')) results.push(await benchGrowth(rounds));
    printTable(results);
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
    if (!results.every((result) => result.met)) process.exitCode = 1;
  });

await program.parseAsync();
