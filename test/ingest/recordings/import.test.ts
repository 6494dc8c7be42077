import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Rejection } from '../../../ingest/recordings/counts.ts';
import { type ImportSummary, importRecording } from '../../../ingest/recordings/import.ts';
import { parseMapping } from '../../../ingest/recordings/mapping.ts';
import { GreenparkError } from '../../../model/errors.ts';
import { aMeter, aRig, NOW, type Rig } from '../harness.ts';
import { ISO, importedBy, inFolder, KeptProgress, listing, used } from './a-recording.ts';

const HOUR = 3_600_000;
const stamp = (hours: number): string => new Date(NOW + hours * HOUR).toISOString();

const run = (rig: Rig, text: string, mapping: string, more: { readonly park?: string; readonly rejections?: Rejection[] } = {}): Promise<ImportSummary> =>
  inFolder(async (folder) => {
    const file = join(folder, 'small.csv');
    writeFileSync(file, text);
    return importRecording({
      ...importedBy(rig),
      source: { file, mapping: 'test.yaml' },
      mapping: parseMapping(mapping, 'test'),
      imports: new KeptProgress(),
      rejects: listing(more.rejections ?? []),
      ...(more.park === undefined ? {} : { park: more.park }),
    });
  });

const refusalOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof GreenparkError && error.code === 'INPUT_INVALID') return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('importing a recording', () => {
  it('sends history through the pipeline: judged in order, stored, counted', async () => {
    const rig = aRig();
    const { counts, ...summary } = await run(rig, `t,v\n${stamp(-3)},1\n${stamp(-2)},-5\n${stamp(-1)},3\n`, ISO);
    expect(summary).to.deep.equal({ stored: 3, duplicates: 0, flagged: 1, refusedByPipeline: 0, aborted: false, finishedEarlier: null });
    expect(counts).to.include({ rows: 3, readings: 3 });
    expect(rig.judged).to.deep.equal([
      [1, 'pm2_5', -3 * HOUR, 1, 'good'],
      [1, 'pm2_5', -2 * HOUR, -5, 'range'],
      [1, 'pm2_5', -1 * HOUR, 3, 'good'],
    ]);
    expect(rig.store.rows).to.deep.equal(rig.judged);
  });

  it('takes a second import of the same file for what it is, where nobody remembers the first', async () => {
    const rig = aRig();
    const text = `t,v\n${stamp(-3)},1\n${stamp(-2)},2\n`;
    await run(rig, text, ISO);
    expect(await run(rig, text, ISO)).to.include({ stored: 0, duplicates: 2 });
    expect(rig.judged).to.have.length(2);
  });

  it('doubles nothing of what it sends again', async () => {
    const rig = aRig();
    await run(rig, `t,v\n${stamp(-3)},1\n`, ISO);
    expect(await run(rig, `t,v\n${stamp(-3)},1\n${stamp(-2)},2\n`, ISO)).to.include({ stored: 1, duplicates: 1 });
  });

  it('keeps the order of the file between meters', async () => {
    const rig = aRig();
    const mapping =
      '{ park: p-1, time: { columns: t, format: iso, zone: UTC }, columns: { a: { quantity: pm2_5, meter: m-1 }, b: { quantity: pm2_5, meter: m-2 } } }';
    await run(rig, `t,a,b\n${stamp(-2)},1,2\n${stamp(-1)},3,4\n`, mapping);
    expect(rig.judged.map(([meter, , , value]) => [meter, value])).to.deep.equal([
      [1, 1],
      [2, 2],
      [1, 3],
      [2, 4],
    ]);
  });

  it('refuses by file and line what the pipeline would refuse, and leaves the dead letters alone', async () => {
    const rig = aRig();
    const rejections: Rejection[] = [];
    const summary = await run(rig, `t,v\n${stamp(-1)},1\n${stamp(1)},2\n1999-01-01,3\n${stamp(-2)},NaN\n`, ISO, { rejections });
    expect(rejections.map(({ line, reason }) => [line, reason])).to.deep.equal([
      [3, 'time-in-future'],
      [4, 'time-too-old'],
      [5, 'not-a-number'],
    ]);
    expect(summary).to.include({ stored: 1, refusedByPipeline: 0 });
    expect(rig.letters.letters).to.deep.equal([]);
  });

  it('applies the registered multiplier, as for a live message', async () => {
    const rig = aRig({ meters: [aMeter(1, { multiplier: 100 })] });
    await run(rig, `t,v\n${stamp(-1)},1500\n`, used('{ quantity: active_power, unit: W }'));
    expect(rig.store.rows).to.deep.equal([[1, 'active_power', -HOUR, 150, 'good']]);
  });

  it('leaves a value without a unit to the meter’s registered unit', async () => {
    const rig = aRig({ meters: [aMeter(1, { units: { active_power: 'W' } })] });
    await run(rig, `t,v\n${stamp(-1)},1500\n`, used('{ quantity: active_power }'));
    expect(rig.store.rows).to.deep.equal([[1, 'active_power', -HOUR, 1.5, 'good']]);
  });

  it('waits while the pipeline is full, and loses nothing', async () => {
    const rig = aRig({ limits: { maxPendingReadings: 1000 } });
    const rows = Array.from({ length: 20_000 }, (_, at) => `${new Date(NOW - (20_000 - at) * 60_000).toISOString()},${at % 100}`);
    const summary = await run(rig, `t,v\n${rows.join('\n')}\n`, ISO);
    expect(summary).to.include({ stored: 20_000, duplicates: 0 });
    expect(rig.pipeline.stats.pressures).to.be.above(0);
    expect(rig.store.size).to.equal(20_000);
  });

  it('rejects with the store’s error when the store closes meanwhile', async () => {
    const rig = aRig();
    rig.store.write = () => Promise.reject(new GreenparkError('STORE_CLOSED', 'the store is closed'));
    let message = '';
    await run(rig, `t,v\n${stamp(-1)},1\n`, ISO).catch((error: Error) => {
      message = error.message;
    });
    expect(message).to.equal('the store is closed');
  });

  const MISFITS: readonly [what: string, mapping: string, park: string | undefined, message: RegExp][] = [
    ['a meter that is not registered', used('{ quantity: pm2_5, meter: m-9 }'), undefined, /meter "m-9" is not registered; greenpark registry import/],
    ['a meter of another park', ISO, 'p-2', /meter "m-1" is registered in park "p-1", not in "p-2"/],
    ['no park', ISO.replace('park: p-1, ', ''), undefined, /park: is missing: name it in the mapping or with --park/],
  ];
  for (const [what, mapping, park, message] of MISFITS) {
    it(`is refused before the first row for ${what}`, async () => {
      const rig = aRig();
      expect(await refusalOf(run(rig, `t,v\n${stamp(-1)},1\n`, mapping, park === undefined ? {} : { park }))).to.match(message);
      expect(rig.store.rows).to.deep.equal([]);
    });
  }

  it('is refused where a unit would be converted twice', async () => {
    const rig = aRig({ meters: [aMeter(1, { units: { active_power: 'W' } })] });
    expect(await refusalOf(run(rig, `t,v\n${stamp(-1)},1\n`, used('{ quantity: active_power, unit: W }')))).to.match(/leave "unit" out in the mapping/);
  });

  it('refuses the rows of a meter that the registry does not know, where a column names it', async () => {
    const rig = aRig();
    const rejections: Rejection[] = [];
    const mapping = '{ park: p-1, time: { columns: t, format: iso, zone: UTC }, meterColumn: { column: s }, columns: { v: { quantity: pm2_5 } } }';
    const summary = await run(rig, `t,s,v\n${stamp(-2)},m-1,1\n${stamp(-2)},m-9,2\n${stamp(-1)},m-9,3\n`, mapping, { rejections });
    expect(summary.stored).to.equal(1);
    expect(rejections.map(({ line, column, reason }) => [line, column, reason])).to.deep.equal([
      [3, 's', 'unknown-meter'],
      [4, 's', 'unknown-meter'],
    ]);
  });
});
