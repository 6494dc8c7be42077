import { ReadingBlockBuilder } from '../../../model/reading.ts';
import { openEmbeddedStore } from '../../../store/embedded/open.ts';

// Writes blocks of so many rows to the folder, several at a time, until it is killed, and says "<block number>" for each that was acknowledged.
const [, , directory = '', first = '0', rows = '', writers = ''] = process.argv;
const ROWS = Number(rows);
// Opens its file anew now and then, so that it is killed in the middle of that, too.
const store = await openEmbeddedStore({ directory, renewAfterFrames: 20 * ROWS });
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
await Promise.all(Array.from({ length: Number(writers) }, write));
