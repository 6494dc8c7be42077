import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { GreenparkError } from '../../../model/errors.ts';
import { ISO, read, timed, used } from './a-recording.ts';

const takenFrom = async (cell: string, use: string, more = ''): Promise<number | string | undefined> => {
  const { frames, rejections, counts } = await read(`t,v\n2020-01-01,${cell}\n`, used(use, more));
  const [frame] = frames;
  if (frame === undefined) return counts.missing === 1 ? 'missing' : rejections[0]?.reason;
  return Object.values(frame.values)[0];
};

const VALUES: readonly [what: string, cell: string, use: string, more: string, expected: number | string][] = [
  ['a number', '12.5', '{ quantity: pm2_5 }', '', 12.5],
  ['a number with spaces around it', ' 12.5 ', '{ quantity: pm2_5 }', '', 12.5],
  ['a number with an exponent', '1.6E-6', '{ quantity: pm2_5 }', '', 1.6e-6],
  ['a signed number', '-0.5', '{ quantity: air_temperature }', '', -0.5],
  ['a decimal comma', '"-3,25"', '{ quantity: air_temperature }', ", file: { decimal: ',' }", -3.25],
  ['µg/m³ as mg/m³', '300', '{ quantity: co, unit: µg/m³ }', '', 0.3],
  ['W as kW', '2500', '{ quantity: active_power, unit: W }', '', 2.5],
  ['°F as °C', '212', '{ quantity: air_temperature, unit: °F }', '', 100],
  ['scale and offset before the unit', '3', '{ quantity: active_power, unit: W, scale: 1000, offset: 500 }', '', 3.5],
  ['no unit: the value as the meter sends it', '2500', '{ quantity: active_power }', '', 2500],
  ['an empty cell', '', '{ quantity: pm2_5 }', '', 'missing'],
  ['a word for missing, for all columns', 'NA', '{ quantity: pm2_5 }', ', missing: [NA]', 'missing'],
  ['a word for missing, for this column', 'cv', '{ quantity: pm2_5, missing: [cv] }', '', 'missing'],
  ['a number for missing, however it is written', '0.00', '{ quantity: pm2_5, missing: [0] }', '', 'missing'],
  ['another number than the one for missing', '0.01', '{ quantity: pm2_5, missing: [0] }', '', 0.01],
  ['a word that stands for a number', 'NNE', '{ quantity: wind_direction, words: { NNE: 22.5 } }', '', 22.5],
  ['a word that stands for nothing', 'XYZ', '{ quantity: wind_direction, words: { NNE: 22.5 } }', '', 'not-a-number'],
  ['NaN', 'NaN', '{ quantity: pm2_5 }', '', 'not-a-number'],
  ['a hexadecimal number', '0x10', '{ quantity: pm2_5 }', '', 'not-a-number'],
  ['a thousands separator', '"1,000"', '{ quantity: pm2_5 }', '', 'not-a-number'],
  ['a number beyond all bounds', '1e999', '{ quantity: pm2_5 }', '', 'not-finite'],
];

const refusalOf = async (work: Promise<unknown>): Promise<GreenparkError> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof GreenparkError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('reading a recording', () => {
  for (const [what, cell, use, more, expected] of VALUES) {
    it(`takes ${what}: ${cell} → ${expected}`, async () => {
      const value = await takenFrom(cell, use, more);
      if (typeof expected === 'number') expect(value).to.be.closeTo(expected, 1e-12 * Math.max(1, Math.abs(expected)));
      else expect(value).to.equal(expected);
    });
  }

  const LAYOUTS: readonly [what: string, content: string | Uint8Array, mapping: string][] = [
    ['plain text', 't,v\n2020-01-01,1\n2020-01-02,2\n', ISO],
    ['gzipped text', gzipSync('t,v\n2020-01-01,1\n2020-01-02,2\n'), ISO],
    ['CR LF at the ends of lines, and none at the end', 't,v\r\n2020-01-01,1\r\n2020-01-02,2', ISO],
    ['CR CR LF, as of a file that was converted twice', '"t","v"\r\r\n"2020-01-01","1"\r\r\n2020-01-02,2\r\r\n', ISO],
    ['a byte-order mark', '\ufefft,v\n2020-01-01,1\n2020-01-02,2\n', ISO],
    ['UTF-16 with a byte-order mark', Buffer.from('\ufefft,v\n2020-01-01,1\n2020-01-02,2\n', 'utf16le'), ISO],
    ['blank lines', 't,v\n\n2020-01-01,1\n\n2020-01-02,2\n\n', ISO],
    ['quotes in the lines before the header', '5" gauge\nt,v\n2020-01-01,1\n2020-01-02,2\n', `${ISO.slice(0, -1)}, file: { skipLines: 1 } }`],
    ['quoted cells', '"t","v"\n"2020-01-01","1"\n"2020-01-02",2\n', ISO],
    ['semicolons', 't;v\n2020-01-01;1\n2020-01-02;2\n', `${ISO.slice(0, -1)}, file: { delimiter: ; } }`],
    ['tabs', 't\tv\n2020-01-01\t1\n2020-01-02\t2\n', `${ISO.slice(0, -1)}, file: { delimiter: "\\t" } }`],
    ['comments', '# station 7\nt,v\n2020-01-01,1\n# checked\n2020-01-02,2\n', `${ISO.slice(0, -1)}, file: { comment: '#' } }`],
    ['lines before the header', 'Logger 12\nin µg\nt,v\n2020-01-01,1\n2020-01-02,2\n', `${ISO.slice(0, -1)}, file: { skipLines: 2 } }`],
    [
      'no header',
      '2020-01-01,1\n2020-01-02,2\n',
      "{ park: p-1, meter: m-1, file: { header: false }, time: { columns: '1', format: iso, zone: UTC }, columns: { '2': { quantity: pm2_5 } } }",
    ],
    [
      'a header in GB 18030',
      Buffer.concat([Buffer.from('cab1bce4', 'hex'), Buffer.from(',v\n2020-01-01,1\n2020-01-02,2\n')]),
      `{ park: p-1, meter: m-1, file: { encoding: gb18030 }, time: { columns: 时间, format: iso, zone: UTC }, columns: { v: { quantity: pm2_5 } } }`,
    ],
  ];
  for (const [what, content, mapping] of LAYOUTS) {
    it(`reads ${what}`, async () => {
      const { frames, counts } = await read(content, mapping);
      expect(frames.map(({ ts, meter, values }) => [new Date(ts).toISOString().slice(0, 10), meter, values])).to.deep.equal([
        ['2020-01-01', 'm-1', { pm2_5: 1 }],
        ['2020-01-02', 'm-1', { pm2_5: 2 }],
      ]);
      expect(counts).to.include({ rows: 2, rowsTaken: 2, rowsEmpty: 0, rowsRefused: 0, readings: 2 });
    });
  }

  it('gives each column its own meter', async () => {
    const mapping =
      '{ park: p-1, meter: m-1, time: { columns: t, format: iso, zone: UTC }, columns: { a: { quantity: pm2_5 }, b: { quantity: pm2_5, meter: m-2 }, c: { quantity: pm10, meter: m-2 } } }';
    const { frames } = await read('t,a,b,c\n2020-01-01,1,2,3\n2020-01-02,,,4\n', mapping);
    expect(frames.map(({ line, meter, values }) => [line, meter, values])).to.deep.equal([
      [2, 'm-1', { pm2_5: 1 }],
      [2, 'm-2', { pm2_5: 2, pm10: 3 }],
      [3, 'm-2', { pm10: 4 }],
    ]);
  });

  it('takes the meter from a column, by a table or as it stands', async () => {
    const base = '{ park: p-1, time: { columns: t, format: iso, zone: UTC }, columns: { v: { quantity: pm2_5 } }, meterColumn: { column: s';
    const text = 't,s,v\n2020-01-01,Dongsi,1\n2020-01-01,Huairou,2\n';
    const byTable = await read(text, `${base}, ids: { Dongsi: m-1 } } }`);
    expect(byTable.frames.map(({ meter }) => meter)).to.deep.equal(['m-1']);
    expect(byTable.rejections).to.deep.equal([
      { file: 'small.csv', line: 3, column: 's', reason: 'unknown-meter', detail: 'the mapping has no meter for "Huairou"' },
    ]);
    const asItStands = await read(text, `${base} } }`, { meterFault: (meter) => (meter === 'Dongsi' ? 'not registered' : null) });
    expect(asItStands.frames.map(({ meter }) => meter)).to.deep.equal(['Huairou']);
    expect(asItStands.rejections.map(({ line, detail }) => [line, detail])).to.deep.equal([[2, 'not registered']]);
  });

  it('gives one column to several quantities, and sums intervals up to a register that begins at 0', async () => {
    const mapping = `{ park: p-1, meter: m-1, time: { columns: t, format: iso, zone: UTC, intervalSeconds: 900 },
      columns: { v: [{ quantity: interval_energy, unit: kWh }, { quantity: active_energy_import, unit: Wh, scale: 1000, accumulate: true }] } }`;
    const registers = new Map<string, number>();
    const text = 't,v\n2020-01-01 00:15,1.5\n2020-01-01 00:30,\n2020-01-01 00:45,2\n';
    const { frames, counts } = await read(text, mapping, { registers });
    expect(frames.map(({ ts, values }) => [new Date(ts).toISOString().slice(11, 16), values])).to.deep.equal([
      ['00:00', { active_energy_import: 0 }],
      ['00:15', { interval_energy: 1.5, active_energy_import: 1.5 }],
      ['00:45', { interval_energy: 2, active_energy_import: 3.5 }],
    ]);
    expect(counts).to.include({ readings: 5, missing: 2, rowsEmpty: 1 });
    const again = await read(text, mapping, { registers });
    expect(again.frames[0]?.values['active_energy_import'], 'a second pass goes on').to.equal(5);
  });

  it('sums up no interval that is not later than the one before: a register out of order would count as usage', async () => {
    const mapping = `{ park: p-1, meter: m-1, time: { columns: t, format: iso, zone: UTC, intervalSeconds: 900 },
      columns: { v: [{ quantity: interval_energy, unit: kWh }, { quantity: active_energy_import, unit: kWh, accumulate: true }] } }`;
    const { frames, rejections, counts } = await read('t,v\n2020-01-01 01:00,1\n2020-01-01 00:45,2\n2020-01-01 01:00,3\n2020-01-01 01:15,4\n', mapping);
    expect(frames.map(({ line, values }) => [line, values])).to.deep.equal([
      [2, { active_energy_import: 0 }],
      [2, { interval_energy: 1, active_energy_import: 1 }],
      [3, { interval_energy: 2 }],
      [4, { interval_energy: 3 }],
      [5, { interval_energy: 4, active_energy_import: 5 }],
    ]);
    expect(rejections.map(({ line, column, reason }) => [line, column, reason])).to.deep.equal([
      [3, 'v', 'not-in-order'],
      [4, 'v', 'not-in-order'],
    ]);
    expect(counts).to.include({ rowsTaken: 4, rowsRefused: 0, cellsRefused: 2 });
  });

  it('names file, line, column and why of what it refuses, and goes on', async () => {
    const text = 't,v\n2020-01-01,1\n2020-01-02,bad\nyesterday,3\n2020-01-04\n2020-01-05,5,6\n2020-01-06,"7"8\n2020-01-07,7\n';
    const { frames, rejections, counts } = await read(text, ISO);
    expect(frames.map(({ line }) => line)).to.deep.equal([2, 8]);
    expect(rejections.map(({ file, line, column, reason }) => [file, line, column, reason])).to.have.deep.members([
      ['small.csv', 3, 'v', 'not-a-number'],
      ['small.csv', 4, 't', 'bad-time'],
      ['small.csv', 5, null, 'cell-count'],
      ['small.csv', 6, null, 'cell-count'],
      ['small.csv', 7, null, 'bad-row'],
    ]);
    expect(counts).to.include({ rows: 7, rowsTaken: 2, rowsEmpty: 0, rowsRefused: 5, cellsRefused: 1 });
    expect(counts.rows).to.equal(counts.rowsTaken + counts.rowsEmpty + counts.rowsRefused);
  });

  it('counts lines with CR LF behind lines that are left out', async () => {
    const text = 'Logger 12\r\nin µg\r\nt,v\r\n2020-01-01,1\r\n2020-01-02,"2\r\nyesterday,3\r\n2020-01-04,4\r\n';
    const { frames, rejections } = await read(text, `${ISO.slice(0, -1)}, file: { skipLines: 2 } }`);
    expect(rejections.map(({ line, reason }) => [line, reason])).to.deep.equal([
      [5, 'bad-row'],
      [6, 'bad-time'],
    ]);
    expect(frames.map(({ line }) => line)).to.deep.equal([4, 7]);
  });

  it('gets past a line of nothing but carriage returns', async () => {
    const { frames, rejections } = await read(`t,v\n2020-01-01,1\n${'\r'.repeat(400_000)}x\n2020-01-02,2\n`, ISO);
    expect(frames.map(({ line }) => line)).to.deep.equal([2, 4]);
    expect(rejections.map(({ line, reason }) => [line, reason])).to.deep.equal([[3, 'cell-count']]);
  });

  it('keeps the rest of a row of which one cell is refused', async () => {
    const mapping = '{ park: p-1, meter: m-1, time: { columns: t, format: iso, zone: UTC }, columns: { a: { quantity: pm2_5 }, b: { quantity: pm10 } } }';
    const { frames, counts } = await read('t,a,b\n2020-01-01,x,2\n', mapping);
    expect(frames.map(({ values }) => values)).to.deep.equal([{ pm10: 2 }]);
    expect(counts).to.include({ rowsTaken: 1, rowsRefused: 0, cellsRefused: 1 });
  });

  it('tells every column in which mapping and file differ', async () => {
    const mapping =
      '{ park: p-1, meter: m-1, time: { columns: when, format: iso, zone: UTC }, ignored: [gone], columns: { a: { quantity: pm2_5 }, b: { quantity: pm10 } } }';
    const { code, faults } = await refusalOf(read('t,a,x,x\n', mapping));
    expect(code).to.equal('INPUT_INVALID');
    expect(faults.map(({ path, message }) => `${path}: ${message.split(';')[0]}`)).to.deep.equal([
      'time.columns: there is no column "when" in the file',
      'columns.b: there is no column "b" in the file',
      'ignored[0]: there is no column "gone" in the file',
      'columns: column "t" of the file is not used',
      'columns: column "x" of the file is not used',
      'columns: column "x" of the file is not used',
      'columns: column "x" stands twice in the file',
    ]);
  });

  const BROKEN: readonly [what: string, content: string | Uint8Array, message: RegExp][] = [
    ['an empty file', '', /is empty/],
    ['a gzipped file that ends early', gzipSync(`t,v\n${'2020-01-01,1\n'.repeat(5000)}`).subarray(0, -20), /cannot be read beyond line/],
  ];
  for (const [what, content, message] of BROKEN) {
    it(`refuses ${what}`, async () => {
      const error = await refusalOf(read(content, ISO));
      expect(error).to.include({ code: 'INPUT_INVALID' });
      expect(error.message).to.match(message);
    });
  }

  const QUOTES: readonly [what: string, line: string][] = [
    ['a quote that is never closed', '2020-01-01,"1'],
    ['a quote inside a cell', '2020-01-01,1"'],
    ['text behind a closing quote', '2020-01-01,"1"2'],
    ['two quotes that belong to nothing', '2020"01-01,"1'],
  ];
  for (const [what, line] of QUOTES) {
    it(`loses one line, and no more, by ${what}`, async () => {
      const { counts, rejections } = await read(`t,v\n2020-01-01,0\n${line}\n${'2020-01-02,2\n'.repeat(50_000)}`, ISO);
      expect(counts).to.include({ rows: 50_002, rowsTaken: 50_001, rowsRefused: 1 });
      expect(rejections.map(({ line: at, reason }) => [at, reason])).to.deep.equal([[3, 'bad-row']]);
    });
  }

  it('names a file that is not there', async () => {
    const { message } = await refusalOf(read('t,v\n', timed('{ columns: t, format: iso, zone: UTC }'), { file: '/nowhere/x.csv' }));
    expect(message).to.match(/^\/nowhere\/x\.csv cannot be read: ENOENT/);
  });
});
