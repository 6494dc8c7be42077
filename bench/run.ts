import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { benchAgainstNodeRed } from './against-node-red.ts';
import { type BenchResult, printTable } from './figures.ts';
import { benchGrowth } from './growth.ts';
import { benchInflux } from './influx.ts';
import { BATCH, benchIngest, SINGLE } from './ingest.ts';
import { benchLatency } from './latency.ts';
import { benchSoak } from './soak.ts';

const NAMES = ['ingest-single', 'ingest-batch', 'ingest-influx', 'ingest-nodered', 'latency', 'growth'] as const;
/** Too long to run with the others: by name alone. */
const BY_NAME = ['soak'] as const;
type Name = (typeof NAMES)[number] | (typeof BY_NAME)[number];

const program = new Command('bench')
  .description('what Greenpark does in a second, as a ratio to a limit taken in the same run')
  .argument('[names...]', `which of ${NAMES.join(', ')}; all of these without a name. Only by its name: ${BY_NAME.join(', ')}`)
  .option('--json <file>', 'write the results there as well')
  .option('--rounds <n>', 'rounds of each ratio', '5')
  .option('--minutes <n>', 'length of the soak', '30')
  .option('--rate <n>', 'messages a second of latency and soak; left out, half of what ingest-single comes to in the same run')
  .action(async (given: string[], options: { readonly json?: string; readonly rounds: string; readonly minutes: string; readonly rate?: string }) => {
    const known: readonly string[] = [...NAMES, ...BY_NAME];
    const unknown = given.filter((name) => !known.includes(name));
    if (unknown.length > 0) program.error(`there is no benchmark ${unknown.join(', ')}; known: ${known.join(', ')}`);
    const wanted = new Set<Name>(given.length === 0 ? NAMES : (given as Name[]));
    const rounds = Number(options.rounds);
    const results: BenchResult[] = [];
    if (wanted.has('ingest-single')) results.push(await benchIngest(SINGLE, rounds));
    if (wanted.has('ingest-batch')) results.push(await benchIngest(BATCH, rounds));
    if (wanted.has('ingest-influx')) results.push(await benchInflux(rounds));
    if (wanted.has('ingest-nodered')) results.push(await benchAgainstNodeRed(rounds));
    let half = options.rate === undefined ? null : Number(options.rate);
    const halfOfSaturation = async (): Promise<number> => {
      if (half === null) {
        const single = results.find((result) => result.name === 'ingest-single') ?? (await benchIngest(SINGLE, 1));
        half = Math.round((single.figures['messages_per_second'] as number) / 2);
      }
      return half;
    };
    if (wanted.has('latency')) results.push(await benchLatency(await halfOfSaturation()));
    if (wanted.has('growth')) results.push(await benchGrowth(rounds));
    if (wanted.has('soak')) results.push(await benchSoak(await halfOfSaturation(), Number(options.minutes)));
    printTable(results);
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
    if (!results.every((result) => result.met)) process.exitCode = 1;
  });

await program.parseAsync();
