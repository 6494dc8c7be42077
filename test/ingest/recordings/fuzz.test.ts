import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { LineFilter } from '../../../ingest/recordings/lines.ts';
import { fuzzRuns } from '../../fuzz-runs.ts';
import { inFolder, readFile } from './a-recording.ts';

/** What breaks readers of CSV: quotes, delimiters, ends of lines within a line, marks of comments, what is no text. */
const NASTY = fc.constantFrom(...'"",,;\r#\\\t\0 019.eE-+:TZü€', '\ufeff', '\u2028', '2020-01-01', '""');
const garbage = fc.string({ unit: NASTY, maxLength: 24 });
const DAY_ONE = Date.UTC(2020, 0, 1);
const MAPPING = `{ park: p-1, meter: m-1, time: { columns: t, format: iso, zone: UTC }, columns: { v: { quantity: active_power } }, file: { comment: '#' } }`;

/** A line as a logger means it, or one as a cut connection, an editor or a full disk leaves it. */
const line = fc.oneof(
  fc.record({ value: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0), quoted: fc.boolean() }),
  garbage.map((text) => text.replaceAll('\n', '')),
);
/** Lines are the cases: a file has hundreds. */
const LINES_A_FILE = 200;

describe('a recording with lines that nobody meant', () => {
  it('gives every good line’s value at its line and time, whatever stands around it, and ends every other line in one count', async () => {
    await inFolder(async (folder) => {
      const file = join(folder, 'damaged.csv');
      const property = fc.asyncProperty(fc.array(line, { minLength: LINES_A_FILE, maxLength: LINES_A_FILE }), async (lines) => {
        const good = new Map<number, { ts: number; value: number }>();
        const text = lines.map((one, index) => {
          if (typeof one === 'string') return one;
          const ts = DAY_ONE + index * 1000;
          good.set(index + 2, { ts, value: one.value });
          return one.quoted ? `"${new Date(ts).toISOString()}","${one.value}"` : `${new Date(ts).toISOString()},${one.value}`;
        });
        writeFileSync(file, `t,v\n${text.join('\n')}\n`);
        const { frames, rejections, counts } = await readFile(file, MAPPING);
        for (const { line: at, values, ts } of frames) {
          expect(Number.isFinite(values['active_power']) && Number.isSafeInteger(ts), `line ${at}`).to.equal(true);
        }
        const taken = frames.filter(({ line: at }) => good.has(at)).map(({ line: at, ts, values }) => [at, { ts, value: values['active_power'] }]);
        expect(taken).to.deep.equal([...good]);
        for (const { line: at } of rejections) expect(good.has(at), `line ${at} is good and was refused`).to.equal(false);
        expect(counts.rows).to.equal(counts.rowsTaken + counts.rowsEmpty + counts.rowsRefused);
        expect(frames.length).to.equal(counts.rowsTaken);
      });
      await fc.assert(property, { numRuns: Math.ceil(fuzzRuns() / LINES_A_FILE) });
    });
  }).timeout(120_000);

  it('keeps the number of every line, and every line without a quote or a mark as it is', () => {
    const filter = new LineFilter({ delimiter: ',', quote: '"', comment: '#', skipLines: 0 });
    const property = fc.property(fc.array(garbage, { minLength: 20, maxLength: 20 }), fc.nat(1_000_000), (lines, before) => {
      const { text, bad } = filter.filter(lines.join('\n'), before);
      const kept = text.split('\n');
      expect(kept.length).to.equal(lines.length);
      const badLines = new Set(bad.map(({ line: at }) => at - before - 1));
      for (const [index, content] of lines.entries()) {
        if (badLines.has(index) || content.startsWith('#')) expect(kept[index]).to.equal('');
        else expect(kept[index]).to.equal(content);
        if (!content.includes('"')) expect(badLines.has(index)).to.equal(false);
      }
    });
    fc.assert(property, { numRuns: Math.ceil(fuzzRuns() / 20) });
  }).timeout(120_000);
});
