import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { compareTo, type FilePosition, fileLines } from '../../../ingest/recordings/file-lines.ts';
import type { ReadingState } from '../../../ingest/recordings/read.ts';
import { inFolder, readFile, timed } from './a-recording.ts';

/** Enough for several blocks. */
const ROWS = 6000;
const rows = (row: (n: number) => string): string => Array.from({ length: ROWS }, (_, n) => row(n)).join('');
const minute = (n: number): string => new Date(Date.UTC(2020, 0, 1) + n * 60_000).toISOString();
const utc = timed('{ columns: t, format: iso, zone: UTC }');
const withFile = (mapping: string, file: string): string => `${mapping.slice(0, -1)}, file: ${file} }`;
/** Something of everything: values, empty cells, cells and rows that are refused, lines that are no CSV. */
const mixed = (n: number, end = '\n'): string => {
  if (n % 97 === 0) return `${minute(n)},"${n}${end}`;
  if (n % 89 === 0) return `${minute(n)},${n},too much${end}`;
  if (n % 83 === 0) return `yesterday,${n}${end}`;
  return `${minute(n)},${n % 79 === 0 ? 'x' : n % 73 === 0 ? '' : n}${end}`;
};

const LAYOUTS: readonly [what: string, content: string | Uint8Array, mapping: string][] = [
  ['plain text with refused rows, cells and lines', `t,v\n${rows(mixed)}`, utc],
  ['CR LF, and no end of the last line', `t,v\r\n${rows((n) => mixed(n, '\r\n'))}2021-01-01,7`, utc],
  ['comments and lines before the header', `Logger\n7" pipe\nt,v\n${rows((n) => `# ${n}\n${mixed(n)}`)}`, withFile(utc, "{ skipLines: 2, comment: '#' }")],
  ['gzipped text', gzipSync(`t,v\n${rows(mixed)}`), utc],
  ['a byte-order mark', `\ufefft,v\n${rows(mixed)}`, utc],
  ['UTF-16', Buffer.from(`\ufefft,v,name\n${rows((n) => `${minute(n)},${n},上ਊ\n`)}`, 'utf16le'), withIgnored('name')],
  [
    'bytes that the encoding does not have',
    Buffer.concat([
      Buffer.from('t,v\n'),
      Buffer.from(
        rows((n) => `${minute(n)},${n % 7 === 0 ? '\xff' : n}\n`),
        'latin1',
      ),
    ]),
    utc,
  ],
  [
    'text that is not ASCII, in GB 18030',
    Buffer.concat([
      Buffer.from('t,v,name\n'),
      ...Array.from({ length: ROWS }, (_, n) => Buffer.from(`${minute(n)},${n},\xca\xb1\xbc\xe4\x81\x30\x81\x30\n`, 'latin1')),
    ]),
    withFile(withIgnored('name'), '{ encoding: gb18030 }'),
  ],
  [
    'rows that take their time from their number',
    `v,name\n${rows((n) => (n % 97 === 0 ? `"${n}\n` : `${n % 79 === 0 ? 'x' : n},${'a name '.repeat(4)}\n`))}`,
    withIgnored('name', timed("{ start: '2020-01-01T00:00:00Z', stepSeconds: 60 }")),
  ],
  [
    'no header',
    rows(mixed),
    "{ park: p-1, meter: m-1, file: { header: false }, time: { columns: '1', format: iso, zone: UTC }, columns: { '2': { quantity: pm2_5 } } }",
  ],
  [
    'intervals that sum up to registers, of several meters',
    `t,s,v\n${rows((n) => `${minute(n)},m-${n % 3},${n % 79 === 0 ? 'x' : n % 10}\n`)}`,
    `{ park: p-1, meterColumn: { column: s }, time: { columns: t, format: iso, zone: UTC, intervalSeconds: 60 },
      columns: { v: { quantity: active_energy_import, unit: kWh, accumulate: true } } }`,
  ],
  [
    'sums up to registers, where half an hour at a time stands the wrong way round',
    `t,v\n${rows((n) => `${minute(n - (n % 30) + 29 - (n % 30))},${n % 10}\n`)}`,
    `{ park: p-1, meter: m-1, time: { columns: t, format: iso, zone: UTC, intervalSeconds: 60 },
      columns: { v: { quantity: active_energy_import, unit: kWh, accumulate: true } } }`,
  ],
  ['an hour that the wall clock shows twice', `t,v\n${wallClock()}`, timed('{ columns: t, format: YYYY-MM-DD HH:mm:ss, zone: Europe/Berlin }')],
];

function withIgnored(column: string, mapping = utc): string {
  return `${mapping.slice(0, -1)}, ignored: [${column}] }`;
}

/** Seconds of 27 October 2019 in Berlin from 00:00 UTC on: 02:00 to 03:00 is shown from there on, and again an hour later. */
function wallClock(): string {
  return rows((n) => {
    const shown = new Date(Date.UTC(2019, 9, 27, n < 3600 ? 2 : 1) + n * 1000).toISOString();
    return `${shown.slice(0, 10)} ${shown.slice(11, 19)},${n}\n`;
  });
}

describe('a recording that is read in two goes', () => {
  for (const [what, content, mapping] of LAYOUTS) {
    it(`comes to the same, wherever the first one ended: ${what}`, () =>
      inFolder(async (folder) => {
        const file = join(folder, 'small.csv');
        writeFileSync(file, content);
        const whole = await readFile(file, mapping);
        let states = 0;
        for (let stopAt = 1; ; stopAt++) {
          let kept: string | undefined;
          let seen = 0;
          const first = await readFile(file, mapping, {
            onState: async (state) => {
              if (++seen === stopAt) kept = JSON.stringify(state());
              return kept === undefined;
            },
          });
          if (kept === undefined) break;
          states++;
          const from = JSON.parse(kept) as ReadingState;
          expect(await compareTo(from.position, file)).to.equal(first.frames.length === whole.frames.length ? 'same' : 'longer');
          const second = await readFile(file, mapping, { from, counts: first.counts });
          expect(second.counts).to.deep.equal(whole.counts);
          expect([...first.frames, ...second.frames]).to.deep.equal(whole.frames);
          expect([...first.rejections, ...second.rejections]).to.deep.equal(whole.rejections);
        }
        expect(states).to.be.above(2);
      }));
  }
});

describe('the place that a file was read up to', () => {
  const placeIn = async (file: string): Promise<FilePosition> => {
    let place: FilePosition | null = null;
    for await (const block of fileLines(file, 'utf-8', null)) place = block.position();
    if (place === null) throw new Error('the file is empty');
    return place;
  };
  const LATER: readonly [what: string, first: string, later: string, found: 'same' | 'longer' | 'other'][] = [
    ['the same', 'a\nb\n', 'a\nb\n', 'same'],
    ['further lines', 'a\nb\n', 'a\nb\nc\n', 'longer'],
    ['another line', 'a\nb\n', 'a\nB\n', 'other'],
    ['another line and further ones', 'a\nb\n', 'A\nb\nc\n', 'other'],
    ['less', 'a\nb\n', 'a\n', 'other'],
    ['nothing', 'a\nb\n', '', 'other'],
    ['the same without an end of the last line', 'a\nb', 'a\nb', 'same'],
    ['a last line that went on', 'a\n1', 'a\n12\n', 'other'],
    ['the same, packed', 'a\nb\n', 'gzip:a\nb\n', 'same'],
  ];
  for (const [what, first, later, found] of LATER) {
    it(`is known again: ${what} → ${found}`, () =>
      inFolder(async (folder) => {
        const file = join(folder, 'x.csv');
        writeFileSync(file, first);
        const place = await placeIn(file);
        writeFileSync(file, later.startsWith('gzip:') ? gzipSync(later.slice(5)) : later);
        expect(await compareTo(place, file)).to.equal(found);
      }));
  }

  it('does not change while the file grows behind it', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'x.csv');
      writeFileSync(file, 'a\nb\n');
      const place = await placeIn(file);
      appendFileSync(file, 'c\n'.repeat(100_000));
      const blocks: string[] = [];
      for await (const { text, before } of fileLines(file, 'utf-8', place)) {
        if (blocks.length === 0) expect(before).to.equal(2);
        blocks.push(text);
      }
      expect(blocks.join('')).to.equal('c\n'.repeat(100_000));
    }));
});
