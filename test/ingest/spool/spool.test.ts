import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { packRows, seal, unpackRows } from '../../../ingest/spool/packed-rows.ts';
import { Spool } from '../../../ingest/spool/spool.ts';
import { type ReadingBlock, ReadingBlockBuilder } from '../../../model/reading.ts';
import { openSqlite } from '../../../store/registry/sqlite.ts';
import { quiet } from '../harness.ts';

/** `rows` readings from number `first` on: two quantities of each meter and time. */
function block(first: number, rows: number): ReadingBlock {
  const builder = new ReadingBlockBuilder(rows);
  for (let n = first; n < first + rows; n++) builder.push(0, n >> 3, n % 2, 1000 + (n >> 1), n + 0.5, n % 3);
  return builder.take();
}

const rowsOf = ({ length, meter, quantity, ts, value, quality }: ReadingBlock): number[][] =>
  Array.from({ length }, (_, row) => [meter, quantity, ts, value, quality].map((column) => column[row] as number));

describe('rows packed as bytes', () => {
  it('come back as they were, whatever their order', () => {
    for (const original of [block(0, 1), block(5, 1000), block(0, 70_000)]) {
      const bytes = packRows(original, 'late');
      expect(seal(bytes)).to.deep.equal({ rows: original.length, arrival: 'late', oldest: original.ts[0] });
      const unpacked = unpackRows(bytes);
      if ('fault' in unpacked) throw new Error(unpacked.fault);
      expect([unpacked.rows, unpacked.arrival]).to.deep.equal([original.length, 'late']);
      const copy = block(0, original.length);
      unpacked.into(copy, 0);
      expect(rowsOf(copy)).to.deep.equal(rowsOf(original));
    }
  });

  it('are not believed when one byte differs or is missing', () => {
    const bytes = packRows(block(0, 50), 'fresh');
    seal(bytes);
    for (let at = 0; at < bytes.byteLength; at++) {
      const other = Uint8Array.from(new Uint8Array(bytes));
      other[at] = (other[at] as number) ^ 1;
      expect(unpackRows(other.buffer), `byte ${at}`).to.have.property('fault');
      expect(unpackRows(bytes.slice(0, at)), `${at} bytes`).to.have.property('fault');
    }
  });
});

describe('the spool', () => {
  let directory: string;
  let spool: Spool;
  const open = (limitBytes = 1 << 30, keepFreeBytes = 0) => {
    spool = new Spool({ directory, limitBytes, keepFreeBytes, logger: quiet });
    return spool;
  };
  const everything = () => {
    const rows: number[][] = [];
    for (let window = spool.next(100); window !== null; window = spool.next(100)) {
      if (window.block !== null) rows.push(...rowsOf(window.block));
      spool.remove(window.last);
    }
    return rows;
  };
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'greenpark-spool-'));
  });
  afterEach(() => {
    spool.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('gives back in order what it took, also to the next process', () => {
    open();
    for (let at = 0; at < 10; at++) spool.append(block(at * 30, 30), at % 2 === 0 ? 'fresh' : 'late');
    expect([spool.readings, spool.oldestTs]).to.deep.equal([300, 1000]);
    spool.close();
    open();
    expect([spool.readings, spool.oldestTs]).to.deep.equal([300, 1000]);
    expect(everything()).to.deep.equal(rowsOf(block(0, 300)));
    expect([spool.readings, spool.oldestTs, spool.next(1)]).to.deep.equal([0, null, null]);
  });

  it('shows what it holds without forgetting it', () => {
    open();
    for (let at = 0; at < 10; at++) spool.append(block(at * 30, 30), 'fresh');
    const rows: number[][] = [];
    for (let window = spool.next(70); window !== null; window = spool.next(70, window.last)) rows.push(...rowsOf(window.block as ReadingBlock));
    expect(rows).to.deep.equal(rowsOf(block(0, 300)));
    expect(spool.readings).to.equal(300);
  });

  it('gives a block that is larger than what was asked for whole', () => {
    open().append(block(0, 500), 'fresh');
    expect(spool.next(10)?.block?.length).to.equal(500);
  });

  it('refuses what goes beyond its bound, says why, and takes again when it has been drained', () => {
    open(600_000);
    let kept = 0;
    expect(() => {
      for (; kept < 100; kept++) spool.append(block(kept * 5000, 5000), 'fresh');
    }).to.throw(/the spool has reached its bound of 1 MB/);
    expect(kept).to.be.within(2, 10);
    expect([spool.readings, spool.refusal]).to.deep.equal([kept * 5000, 'the spool has reached its bound of 1 MB']);
    expect(everything()).to.have.length(kept * 5000);
    expect(spool.refusal).to.equal(null);
    spool.append(block(0, 5000), 'fresh');
  });

  it('leaves the disk what it shall leave free', () => {
    open(1 << 30, 2 ** 60);
    expect(() => spool.append(block(0, 1), 'fresh')).to.throw(/has less than \d+ MB left/);
    expect(spool.readings).to.equal(0);
  });

  it('gives the disk its space back', () => {
    open();
    for (let at = 0; at < 20; at++) spool.append(block(at * 20_000, 20_000), 'fresh');
    const full = spool.bytes;
    everything();
    expect(spool.bytes).to.be.below(full / 100);
  });

  it('keeps a block that cannot be read in a file of its own, and goes on with the rest', () => {
    open();
    for (let at = 0; at < 3; at++) spool.append(block(at * 10, 10), 'fresh');
    spool.close();
    const database = openSqlite(join(directory, 'spool.db'));
    const [{ data }] = database.prepare('select data from block where seq = 2').all([]) as [{ data: ArrayBuffer }];
    const bytes = Uint8Array.from(new Uint8Array(data));
    bytes[40] = (bytes[40] as number) ^ 255;
    database.prepare('update block set data = ? where seq = 2').run([bytes]);
    database.close();
    open();
    expect(everything()).to.deep.equal([...rowsOf(block(0, 10)), ...rowsOf(block(20, 10))]);
    expect(readdirSync(directory)).to.include('damaged-2.block');
  });

  it('leaves such a block where it is as long as its file cannot be written', () => {
    open();
    spool.append(block(0, 10), 'fresh');
    spool.close();
    const database = openSqlite(join(directory, 'spool.db'));
    database.prepare('update block set data = zeroblob(length(data))').run([]);
    database.close();
    open();
    // In the way of the file, as a full disk would be.
    mkdirSync(join(directory, 'damaged-1.block'));
    for (let look = 0; look < 2; look++) expect(() => spool.next(100)).to.throw();
    expect(spool.readings).to.equal(10);
    rmSync(join(directory, 'damaged-1.block'), { recursive: true });
    expect(everything()).to.deep.equal([]);
    expect(readdirSync(directory)).to.include('damaged-1.block');
  });

  it('keeps a file that is no database any more, and begins anew', () => {
    open().append(block(0, 10), 'fresh');
    spool.close();
    for (const name of readdirSync(directory)) writeFileSync(join(directory, name), 'not a database at all'.repeat(500));
    open();
    expect(spool.readings).to.equal(0);
    spool.append(block(0, 10), 'fresh');
    expect(readdirSync(directory)).to.include.members(['spool.db', 'spool-1.db']);
    expect(readFileSync(join(directory, 'spool.db'), 'utf8')).to.match(/^not a database/);
    spool.close();
    open();
    expect(everything()).to.deep.equal(rowsOf(block(0, 10)));
  });

  /** Overwrites every third page of the database file, from the fifth on. */
  const damage = (name: string) => {
    const path = join(directory, name);
    const bytes = readFileSync(path);
    for (let page = 4; page * 4096 < bytes.length; page += 3) bytes.fill(0xa5, page * 4096, (page + 1) * 4096);
    const file = openSync(path, 'r+');
    writeSync(file, bytes);
    closeSync(file);
  };

  it('saves what can be read of a file that was damaged while it was in use, and takes readings as before', () => {
    // More than the library keeps in memory, in the file itself and not in its log.
    open();
    const rows = 20_000;
    const total = 20;
    for (let at = 0; at < total; at++) spool.append(block(at * 10, 10), 'fresh');
    for (let at = 0; at < total; at++) spool.append(block(at * rows, rows), 'fresh');
    openSqlite(join(directory, 'spool.db')).exec('pragma wal_checkpoint(truncate)');
    damage('spool.db');
    spool.append(block(0, 7), 'fresh');
    const back = everything();
    expect(back.slice(-7)).to.deep.equal(rowsOf(block(0, 7)));
    expect([spool.readings, spool.lost + back.length]).to.deep.equal([0, total * (10 + rows) + 7]);
    expect(spool.lost).to.be.within(1, total * (10 + rows));
    expect(readdirSync(directory)).to.include.members(['spool.db', 'spool-1.db']);
    spool.append(block(0, 9), 'fresh');
    spool.close();
    open();
    expect(everything()).to.deep.equal(rowsOf(block(0, 9)));
  });
});
