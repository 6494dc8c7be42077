import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Rejection } from '../../../ingest/recordings/counts.ts';
import { type Beginning, type ImportOptions, type ImportSummary, importRecording } from '../../../ingest/recordings/import.ts';
import { parseMapping } from '../../../ingest/recordings/mapping.ts';
import { GreenparkError } from '../../../model/errors.ts';
import { LatestReadings } from '../../../model/latest.ts';
import { quantityOf } from '../../../model/quantities.ts';
import { aMeter, aRig, NOW, RecordingStore, type Row } from '../harness.ts';
import { ISO, importedBy, KeptProgress, listing, used } from './a-recording.ts';

const MINUTE = 60_000;
const LONG = 120_000;
/** The time of the n-th row, relative to NOW. */
const since = (n: number): number => (n - LONG) * MINUTE;
const row = (n: number): string => `${new Date(NOW + since(n)).toISOString()},${n % 1000 === 7 ? 'x' : n % 300}\n`;
const rowsFrom = (from: number, to: number): string => Array.from({ length: to - from }, (_, at) => row(from + at)).join('');

/** What lasts over several runs: the file, the store, the noted progress. */
class Runs {
  readonly folder = mkdtempSync(join(tmpdir(), 'greenpark-resume-'));
  readonly file = join(this.folder, 'long.csv');
  readonly imports = new KeptProgress();
  readonly begun: Beginning[] = [];
  readonly rejections: Rejection[] = [];
  store = new RecordingStore();
  /** Readings that the last run sent through the pipeline. */
  sent = 0;

  write(text: string): this {
    writeFileSync(this.file, `t,v\n${text}`);
    return this;
  }

  /** A run of its own: with what is latest from the store, as a process that starts. */
  async run(mapping = ISO, more: Partial<ImportOptions> = {}): Promise<ImportSummary> {
    const latest = new LatestReadings();
    for (const [meter, quantity, sinceNow, value] of this.store.rows) {
      latest.offer(latest.seriesOf(meter, quantityOf(quantity as 'pm2_5').code), NOW + sinceNow, value, 0);
    }
    const rig = aRig({ store: this.store, latest, meters: [aMeter(1), aMeter(2, { park: 'p-2' })] });
    try {
      return await importRecording({
        ...importedBy(rig),
        source: { file: this.file, mapping: 'test.yaml' },
        mapping: parseMapping(mapping, 'test'),
        imports: this.imports,
        rejects: listing(this.rejections),
        onBegin: async (beginning) => {
          this.begun.push(beginning);
        },
        ...more,
      });
    } finally {
      const { readingsFresh, readingsLate, readingsDuplicate } = rig.pipeline.stats;
      this.sent = readingsFresh + readingsLate + readingsDuplicate;
    }
  }

  /** Stopped as soon as the share of the file is read. */
  stoppedAt(share: number, mapping = ISO, more: Partial<ImportOptions> = {}): Promise<ImportSummary> {
    const stop = new AbortController();
    return this.run(mapping, { ...more, signal: stop.signal, onProgress: (read) => read >= share && stop.abort() });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

describe('an import that is broken off', () => {
  let runs: Runs;
  beforeEach(() => {
    runs = new Runs();
  });
  afterEach(() => runs.remove());

  /** Every row of the first `to` is stored once, with its value, and those to be refused are not. */
  const expectStored = (to: number): void => {
    const expected = Array.from({ length: to }, (_, n): Row => [1, 'pm2_5', since(n), n % 300, 'good']).filter((_, n) => n % 1000 !== 7);
    expect([...runs.store.rows].sort(([, , a], [, , b]) => a - b)).to.deep.equal(expected);
  };
  const lastBegun = (): Beginning | undefined => runs.begun.at(-1);

  it('by a store that is lost goes on behind the last commit, and sums up the whole file', async () => {
    runs.write(rowsFrom(0, LONG));
    const { write } = runs.store;
    runs.store.write = (block, arrival) =>
      runs.store.size > 80_000 ? Promise.reject(new GreenparkError('STORE_CLOSED', 'the store is closed')) : write.call(runs.store, block, arrival);
    let committed = 0;
    let message = '';
    await runs
      .run(ISO, {
        onCommit: (rows) => {
          committed = rows;
        },
      })
      .catch((error: Error) => {
        message = error.message;
      });
    expect(message).to.equal('the store is closed');
    expect(committed).to.be.within(50_000, 80_000);
    expect(runs.store.size, 'stored and not noted').to.be.above(committed);

    runs.store.write = write;
    const { counts, ...summary } = await runs.run();
    expect(lastBegun()).to.deep.equal({ at: 'progress', rows: committed, rejects: null });
    expect(runs.sent, 'sent by the second run').to.be.within(LONG - committed - 120, LONG - committed);
    expect(counts).to.include({ rows: LONG, rowsTaken: LONG - 120, rowsRefused: 120, readings: LONG - 120, cellsRefused: 120 });
    expect(counts.refused).to.deep.equal(new Map([['not-a-number', 120]]));
    expect(summary).to.include({ aborted: false, finishedEarlier: null });
    expect(summary.duplicates, 'sent again').to.be.above(0);
    expect(summary.stored + summary.duplicates).to.equal(LONG - 120);
    expectStored(LONG);
  });

  it('by a signal ends at a commit: what was read is stored, nothing is sent twice, each refusal is told once', async () => {
    runs.write(rowsFrom(0, 9000));
    const first = await runs.stoppedAt(0.3);
    expect(first.aborted).to.equal(true);
    expect(first.counts.rows).to.be.within(1000, 8000);
    expect(runs.store.size).to.equal(first.counts.readings);
    const second = await runs.stoppedAt(0.7);
    expect(second.aborted).to.equal(true);
    expect(second.counts.rows).to.be.above(first.counts.rows);
    const third = await runs.run();
    expect(runs.begun.map(({ at }) => at)).to.deep.equal(['start', 'progress', 'progress']);
    expect(third).to.include({ aborted: false, stored: 8991, duplicates: 0 });
    expect(third.counts).to.include({ rows: 9000, rowsTaken: 8991, rowsRefused: 9 });
    expect(runs.rejections.map(({ line }) => line)).to.deep.equal(Array.from({ length: 9 }, (_, n) => n * 1000 + 9));
    expectStored(9000);
  });

  it('at its very end has nothing left to read, and is finished by the next run', async () => {
    runs.write(rowsFrom(0, 100));
    expect(await runs.stoppedAt(1)).to.include({ aborted: true, stored: 100 - 1 });
    expect(await runs.run()).to.include({ aborted: false, stored: 100 - 1, finishedEarlier: null });
    expect(runs.sent).to.equal(0);
    expect(await runs.run()).to.include({ aborted: false, finishedEarlier: NOW });
  });

  it('and had put nothing into the store, as all was refused, goes on all the same', async () => {
    runs.write('x,1\n'.repeat(20_000));
    expect((await runs.stoppedAt(0.3)).aborted).to.equal(true);
    const { counts } = await runs.run();
    expect(lastBegun()?.at).to.equal('progress');
    expect(counts).to.include({ rows: 20_000, rowsRefused: 20_000 });
    expect(runs.rejections).to.have.length(20_000);
  });

  const CHANGES: readonly [what: string, change: () => { readonly mapping?: string; readonly more?: Partial<ImportOptions> }, why: string][] = [
    ['the mapping is another', () => ({ mapping: used('{ quantity: pm2_5, scale: 1 }') }), 'the mapping has changed'],
    [
      'the file is another before the place that was reached',
      () => {
        runs.write(`${rowsFrom(0, 10)}${row(10).replace(',10', ',11')}${rowsFrom(11, 9000)}`);
        return {};
      },
      'the file has changed',
    ],
    [
      'the store is another',
      () => {
        runs.store = new RecordingStore();
        return {};
      },
      'the store does not hold what it had brought',
    ],
  ];
  for (const [what, change, why] of CHANGES) {
    it(`begins at the first row, and says why, where ${what}`, async () => {
      runs.write(rowsFrom(0, 9000));
      await runs.stoppedAt(0.5);
      const { mapping, more } = change();
      const { counts } = await runs.run(mapping, more);
      expect(lastBegun()).to.deep.equal({ at: 'start-again', why });
      expect(counts.rows).to.equal(9000);
      expect(runs.sent).to.equal(8991);
      expect(runs.store.size).to.equal(8991);
    });
  }

  it('begins at the first row where the rows before went to another park', async () => {
    const mapping = ISO.replace('park: p-1, meter: m-1', 'meterColumn: { column: s }');
    writeFileSync(runs.file, `t,s,v\n${rowsFrom(0, 9000).replaceAll('Z,', 'Z,m-2,')}`);
    await runs.stoppedAt(0.5, mapping, { park: 'p-2' });
    await runs.run(mapping, { park: 'p-1' });
    expect(lastBegun()).to.deep.equal({ at: 'start-again', why: 'the rows before went to park "p-2"' });
  });

  it('begins at the first row where another version noted the progress', async () => {
    runs.write(rowsFrom(0, 100));
    await runs.imports.put({ file: runs.file, mapping: 'test.yaml' }, '{"version":2}');
    await runs.run();
    expect(lastBegun()?.at).to.equal('start-again');
    expectStored(100);
  });

  it('begins at the first row on demand, and a run that is broken off then does not take the old place for its own', async () => {
    runs.write(rowsFrom(0, 9000));
    await runs.run();
    await runs.stoppedAt(0.3, ISO, { fromStart: true });
    expect(lastBegun()).to.deep.equal({ at: 'start' });
    const { counts, stored, duplicates } = await runs.run();
    expect(lastBegun()?.at).to.equal('progress');
    expect({ rows: counts.rows, stored, duplicates }).to.deep.equal({ rows: 9000, stored: 0, duplicates: 8991 });
    expectStored(9000);
  });
});

describe('an import that was finished', () => {
  let runs: Runs;
  beforeEach(() => {
    runs = new Runs().write(rowsFrom(0, 2000));
  });
  afterEach(() => runs.remove());

  it('sends nothing the next time, and answers what it came to', async () => {
    const first = await runs.run();
    const second = await runs.run();
    expect(runs.sent).to.equal(0);
    expect(second).to.deep.equal({ ...first, finishedEarlier: NOW });
    expect(runs.begun).to.have.length(1);
  });

  it('is tried anew where nothing of it could be taken', async () => {
    const mapping = ISO.replace('park: p-1, meter: m-1', 'park: p-1, meterColumn: { column: s, ids: { a: m-1 } }');
    writeFileSync(runs.file, `t,s,v\n${rowsFrom(0, 100).replaceAll('Z,', 'Z,b,')}`);
    expect((await runs.run(mapping)).counts).to.include({ rows: 100, rowsRefused: 100 });
    await runs.run(mapping);
    expect(runs.begun.map(({ at }) => at)).to.deep.equal(['start', 'start']);
  });

  it('takes the further lines alone of a file that has grown', async () => {
    await runs.run();
    appendFileSync(runs.file, rowsFrom(2000, 2500));
    const { counts, stored, duplicates, finishedEarlier } = await runs.run();
    expect({ rows: counts.rows, stored, duplicates, finishedEarlier }).to.deep.equal({ rows: 2500, stored: 2497, duplicates: 0, finishedEarlier: null });
    expect(runs.sent).to.equal(499);
    expect(runs.store.size).to.equal(2497);
  });

  it('takes the file anew where its last line had no end and goes on', async () => {
    const text = rowsFrom(0, 100);
    runs.write(text.slice(0, -1));
    await runs.run();
    runs.write(`${text.slice(0, -1)}5\n`);
    await runs.run();
    expect(runs.begun.at(-1)).to.deep.equal({ at: 'start-again', why: 'the file has changed' });
  });
});
