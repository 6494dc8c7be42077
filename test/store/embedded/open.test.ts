import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { GreenparkError } from '../../../model/errors.ts';
import { ReadingBlockBuilder } from '../../../model/reading.ts';
import { openEmbeddedStore } from '../../../store/embedded/open.ts';

/** From here another program finds the libraries. */
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const CHILD = fileURLToPath(new URL('./writing-child.js', import.meta.url));
/** What the child writes: small blocks go through the database's log, large ones past it. */
const LOADS = [
  { name: 'small blocks', rows: 500, writers: 3, acknowledged: (round: number) => 40 + 60 * round },
  { name: 'blocks of whole row groups', rows: 100_000, writers: 6, acknowledged: (round: number) => 8 + 6 * round },
];

async function refusalOf(opening: Promise<unknown>): Promise<GreenparkError> {
  try {
    await opening;
  } catch (error) {
    if (error instanceof GreenparkError) return error;
    throw error;
  }
  throw new Error('expected a rejection');
}

describe('the embedded store and its folder', function () {
  this.timeout(60_000);
  let directory: string;
  let child: ChildProcess | undefined;

  /** Starts the child; `acknowledged` grows while it lives, `reached(n)` resolves once it holds n blocks. */
  function writingChild(first = 0, { rows, writers }: Pick<(typeof LOADS)[number], 'rows' | 'writers'> = { rows: 500, writers: 3 }) {
    const acknowledged: number[] = [];
    const made = spawn(process.execPath, [CHILD, directory, String(first), String(rows), String(writers)], { stdio: ['ignore', 'pipe', 'inherit'] });
    child = made;
    const lines = createInterface({ input: made.stdout });
    const opened = once(lines, 'line');
    let tell = (): void => undefined;
    lines.on('line', (line) => {
      if (line !== 'open') acknowledged.push(Number(line));
      tell();
    });
    const reached = (count: number) =>
      new Promise<void>((resolve) => {
        tell = () => {
          if (acknowledged.length >= count) resolve();
        };
        tell();
      });
    const kill = async () => {
      made.kill('SIGKILL');
      await Promise.all([once(made, 'exit'), once(lines, 'close')]);
    };
    return { acknowledged, opened, reached, kill };
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'greenpark-folder-'));
  });
  afterEach(async () => {
    if (child !== undefined && child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });

  it('makes a folder that is missing', async () => {
    const store = await openEmbeddedStore({ directory: join(directory, 'a', 'b') });
    await store.ping();
    await store.close();
  });

  it('begins anew where it was killed while it made its file', async () => {
    await writeFile(join(directory, 'readings.duckdb'), Buffer.alloc(4096));
    const store = await openEmbeddedStore({ directory });
    expect([...(await store.latest())]).to.deep.equal([]);
    await store.close();
  });

  it('says that a folder cannot be written', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    const error = await refusalOf(openEmbeddedStore({ directory: join(file, 'data') }));
    expect(error.code).to.equal('DATA_DIR_UNWRITABLE');
    expect(error.message).to.contain(join(file, 'data'));
  });

  it('says that a folder is in use, in this process and in another, and opens it when it is free again', async () => {
    const store = await openEmbeddedStore({ directory });
    expect((await refusalOf(openEmbeddedStore({ directory }))).code).to.equal('DATA_DIR_IN_USE');
    await store.close();
    const other = writingChild();
    await other.opened;
    const error = await refusalOf(openEmbeddedStore({ directory }));
    expect(error.code).to.equal('DATA_DIR_IN_USE');
    expect(error.message).to.contain(directory);
    await other.kill();
    await (await openEmbeddedStore({ directory })).close();
  });

  it('lets no other process in while it opens its file anew', async () => {
    const other = writingChild();
    await other.opened;
    let tries = 0;
    // Its file is opened anew every 20 blocks.
    for (; other.acknowledged.length < 200; tries++) {
      expect((await refusalOf(openEmbeddedStore({ directory }))).code).to.equal('DATA_DIR_IN_USE');
      await setImmediate();
    }
    expect(tries).to.be.greaterThan(20);
    await other.kill();
  });

  it('goes on after another program has taken hold of the file while it was opened anew, and asks for what comes meanwhile to be tried again', async () => {
    const store = await openEmbeddedStore({ directory, renewAfterFrames: 500 });
    const program = `import { DuckDBInstance } from '@duckdb/node-api';
      const open = () => DuckDBInstance.create(${JSON.stringify(join(directory, 'readings.duckdb'))}, { access_mode: 'READ_ONLY' }).catch(open);
      const instance = await open();
      console.log('held');
      setTimeout(() => { instance.closeSync(); console.log('free'); }, 300);`;
    child = spawn(process.execPath, ['--input-type=module', '-e', program], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
    const said: string[] = [];
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => said.push(line));
    const refused = new Set<string>();
    let stored = 0;
    while (!said.includes('free')) {
      const builder = new ReadingBlockBuilder(100);
      for (let i = 0; i < 100; i++) builder.push(0, i, 1, 1000 * stored, stored, 0);
      try {
        await store.write(builder.take(), 'fresh');
        stored++;
      } catch (error) {
        refused.add(`${(error as GreenparkError).code}, ${(error as GreenparkError).retryable ? 'to be tried again' : 'for good'}`);
      }
    }
    expect([...refused]).to.deep.equal(['STORE_UNREACHABLE, to be tried again']);
    const builder = new ReadingBlockBuilder(1);
    builder.push(0, 0, 1, 1000 * stored, stored, 0);
    await store.write(builder.take(), 'fresh');
    expect((await store.raw({ meter: 0, quantity: 1, from: 0, to: 1e12, limit: 1e6 })).length).to.equal(stored + 1);
    await store.close();
  });

  for (const load of LOADS) {
    it(`loses nothing that was acknowledged when it is killed in the middle of writing, and keeps whole blocks only: ${load.name}`, async () => {
      let expectedAtLeast = 0;
      for (let round = 0; round < 3; round++) {
        const writer = writingChild(round * 1_000_000, load);
        await writer.reached(load.acknowledged(round));
        await writer.kill();
        expectedAtLeast += writer.acknowledged.length;
        const store = await openEmbeddedStore({ directory });
        const blocks = new Set<number>();
        for (const meter of [0, load.rows - 1]) {
          const { value, length } = await store.raw({ meter, quantity: 5, from: 0, to: 1e13, limit: 1e6 });
          expect(length).to.be.at.least(expectedAtLeast);
          expect(new Set(value).size, 'no block twice').to.equal(length);
          for (const number of value) blocks.add(number);
          expect(blocks.size, 'first and last row of every block').to.equal(length);
        }
        for (const number of writer.acknowledged) expect(blocks.has(number), `block ${number}`).to.equal(true);
        const latest = [...(await store.latest())];
        expect(latest.length).to.equal(load.rows);
        expect(Math.max(...blocks)).to.equal(latest[0]?.value);
        await store.close();
      }
    });
  }

  it('goes on answering short questions and writing while a long question runs', async () => {
    const store = await openEmbeddedStore({ directory });
    const rows = 50_000;
    for (let n = 0; n < 20; n++) {
      const builder = new ReadingBlockBuilder(rows);
      for (let i = 0; i < rows; i++) builder.push(0, i % 50, 1, n * 1e9 + i * 1000, i, 0);
      await store.write(builder.take(), 'fresh');
    }
    let done = false;
    const counters = Array.from({ length: 50 }, (_, meter) => ({ meter, quantity: 1 }));
    const long = store.counters({ counters, from: 0, to: 1e12, step: 86_400_000, origin: 0 }).then((answer) => {
      done = true;
      return answer;
    });
    const builder = new ReadingBlockBuilder(1);
    builder.push(0, 1000, 1, 1, 1, 0);
    await store.write(builder.take(), 'fresh');
    expect((await store.raw({ meter: 1000, quantity: 1, from: 0, to: 10, limit: 10 })).length).to.equal(1);
    expect(done, 'the long question is still running').to.equal(false);
    expect((await long).length).to.equal(50);
    await store.close();
  });

  it('opens the file anew after so many frames, while others write and ask, and loses nothing', async () => {
    const store = await openEmbeddedStore({ directory, renewAfterFrames: 2500 });
    const rows = 100;
    const bytesAtFirst = (await stat(join(directory, 'readings.duckdb'))).size;
    let asked = 0;
    const writer = async (meter: number) => {
      for (let n = 0; n < 100; n++) {
        const builder = new ReadingBlockBuilder(rows);
        for (let i = 0; i < rows; i++) builder.push(0, meter, 1, n * 1e6 + i * 1000, n * rows + i, 0);
        const { stored } = await store.write(builder.take(), n % 10 === 9 ? 'late' : 'fresh');
        expect(stored).to.equal(rows);
        const { length } = await store.raw({ meter, quantity: 1, from: 0, to: 1e12, limit: 1e6 });
        expect(length).to.equal((n + 1) * rows);
        asked++;
      }
    };
    await Promise.all([writer(1), writer(2), writer(3)]);
    expect(asked).to.equal(300);
    expect([...(await store.latest())].map(({ meter, value }) => [meter, value])).to.have.deep.members([1, 2, 3].map((meter) => [meter, 100 * rows - 1]));
    // Blocks so small rest in DuckDB's log: only closing brings them into the file.
    expect((await stat(join(directory, 'readings.duckdb'))).size).to.be.greaterThan(bytesAtFirst);
    await store.close();
  });
});
