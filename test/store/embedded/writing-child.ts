import { ReadingBlockBuilder } from '../../../model/reading.ts';
import { openEmbeddedStore } from '../../../store/embedded/open.ts';

// Writes blocks of ROWS rows to the folder in argv[2] until it is killed, and says "<block number>" for each that was acknowledged.
const ROWS = 500;
const [, , directory = '', first = '0'] = process.argv;
const store = await openEmbeddedStore({ directory });
process.stdout.write('open\n');

let next = Number(first);
async function write(): Promise<void> {
  for (;;) {
    const number = next++;
    const builder = new ReadingBlockBuilder(ROWS);
    for (let i = 0; i < ROWS; i++) builder.push(0, i, 5, number * 1000, number, 0);
    await store.write(builder.take(), 'fresh');
    process.stdout.write(`${number}\n`);
  }
}
await Promise.all([write(), write(), write()]);
