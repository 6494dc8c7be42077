import { expect } from 'chai';
import type { LeftOutNote } from '../../../ingest/codecs/decoded.ts';
import { LeftOutBook } from '../../../ingest/mappings/left-out.ts';
import type { ParkId } from '../../../model/ids.ts';
import type { LeftOutKind } from '../../../model/ingest.ts';
import { NOW } from '../harness.ts';

const aNote = (kind: LeftOutKind, name: string | null, change: Partial<LeftOutNote> = {}): LeftOutNote => ({
  ...{ kind, name, meter: 'm-1', count: 1, value: 5 },
  ...change,
});

describe('ingest/mappings, the book of what they leave out', () => {
  const [north, south] = ['north' as ParkId, 'south' as ParkId];
  const see = (book: LeftOutBook, mapping: string, notes: readonly LeftOutNote[], at = NOW, { park = north as ParkId | null, topic = 't', unnoted = 0 } = {}) =>
    book.see({ park, topic, at, leftOut: { mapping, notes, unnoted, isWhole: false } });
  const names = (book: LeftOutBook) => book.list().map(({ name, meter, topic }) => name ?? meter ?? topic);

  it('holds a name once, with count, first and last sight, last meter, topic and value, and the quantity that is probably meant', () => {
    const book = new LeftOutBook();
    see(book, 'lora', [aNote('not-mapped', 'kWh', { count: 3, value: 7 })], NOW, { topic: 'a' });
    see(book, 'lora', [aNote('not-mapped', 'kWh', { meter: 'm-2', value: 'x'.repeat(500) })], NOW + 5, { topic: 'b' });
    const [{ sample, ...seen }] = book.list() as [ReturnType<LeftOutBook['list']>[number]];
    expect(seen).to.deep.equal({
      ...{ park: north, mapping: 'lora', kind: 'not-mapped', name: 'kWh', meter: 'm-2', topic: 'b', count: 4 },
      ...{ firstSeen: NOW, lastSeen: NOW + 5, suggested: 'active_energy_import' },
    });
    expect([sample.length, sample.slice(-2)]).to.deep.equal([121, 'x…']);
  });

  it('holds of names, meters and topics no more than their beginnings, however long a message makes them', () => {
    const book = new LeftOutBook();
    const long = 'x'.repeat(1 << 20);
    see(book, 'a', [aNote('not-mapped', long, { meter: long }), aNote('nothing-mapped', null, { meter: long })], NOW, { topic: long });
    for (const { name, meter, topic } of book.list()) for (const text of [name, meter, topic]) expect((text ?? '').length).to.be.at.most(200);
  });

  it('tells names of a plant apart, which begin with the same long path', () => {
    const book = new LeftOutBook();
    const all = ['Active', 'Reactive'].map((last) => `ns=2;s=Objects.Plant.Line3.Machine7.Electrical.Measurement.Energy.${last}`);
    see(
      book,
      'opc',
      all.map((name) => aNote('not-mapped', name)),
    );
    expect(names(book)).to.deep.equal(all);
  });

  it('shows of a value what can be shown, however much it holds', () => {
    const book = new LeftOutBook();
    const sampleOf = (value: unknown): string => {
      see(book, 'lora', [aNote('not-mapped', 'x', { value })]);
      const [seen] = book.list();
      book.forget({ park: north, id: 'lora' }, true);
      return seen?.sample ?? '';
    };
    const value = { text: 'a "b"', list: [1, null, true, []], none: {}, bytes: Uint8Array.of(1, 2) };
    expect(sampleOf(value)).to.equal('{"text":"a \\"b\\"","list":[1,null,true,[]],"none":{},"bytes":"2 bytes"}');
    // In two places each of the level below: a million million in all.
    let nested: object = { x: 1 };
    for (let level = 0; level < 40; level++) nested = { x: nested, y: nested };
    const from = performance.now();
    expect(sampleOf(nested)).to.equal(`${'{"x":'.repeat(24)}…`);
    expect(performance.now() - from).to.be.below(100);
  });

  it('keeps parks, mappings and kinds apart, that first which needs somebody', () => {
    const book = new LeftOutBook();
    see(book, 'a', [aNote('no-value', 'x'), aNote('not-mapped', 'x')]);
    see(book, 'a', [aNote('not-mapped', 'x')], NOW + 1, { park: south });
    see(book, 'b', [aNote('nothing-mapped', null), aNote('not-taken', null, { meter: null })], NOW - 9, { topic: 'z/lamp' });
    expect(book.list().map(({ park, mapping, kind, name, meter }) => [park, mapping, kind, name, meter])).to.deep.equal([
      [north, 'b', 'nothing-mapped', null, 'm-1'],
      [north, 'b', 'not-taken', null, null],
      [south, 'a', 'not-mapped', 'x', 'm-1'],
      [north, 'a', 'not-mapped', 'x', 'm-1'],
      [north, 'a', 'no-value', 'x', 'm-1'],
    ]);
  });

  it('lets go of the name that was not seen for longest, of the same mapping and kind alone, and says how many left', () => {
    const book = new LeftOutBook({ ofAKind: 2 });
    see(book, 'a', [aNote('no-value', 'kept'), aNote('not-mapped', 'x'), aNote('not-mapped', 'y')]);
    see(book, 'a', [aNote('not-mapped', 'x')], NOW + 1);
    see(book, 'a', [aNote('not-mapped', 'z')], NOW + 2);
    expect(names(book)).to.deep.equal(['z', 'x', 'kept']);
    expect(book.forgottenOf(north)).to.equal(1);
    see(book, 'a', [], NOW + 3, { unnoted: 4 });
    expect([book.forgottenOf(north), book.forgottenOf(south), book.forgottenOf(null)]).to.deep.equal([5, 0, 0]);
  });

  it('lets go of the mapping that left nothing out for longest, and counts its names among those that left', () => {
    const book = new LeftOutBook({ mappings: 2 });
    see(book, 'a', [aNote('not-mapped', 'x'), aNote('not-mapped', 'y')]);
    see(book, 'b', [aNote('not-mapped', 'b')]);
    see(book, 'a', [aNote('not-mapped', 'x')]);
    see(book, 'c', [aNote('not-mapped', 'c')], NOW, { park: south });
    expect(names(book)).to.have.members(['x', 'y', 'c']);
    expect(book.forgottenOf(north)).to.equal(1);
    see(book, 'd', [aNote('not-mapped', 'd')], NOW, { park: south });
    expect(names(book)).to.have.members(['c', 'd']);
    expect(book.forgottenOf(north)).to.equal(3);
  });

  it('stays bounded whatever devices invent', () => {
    const book = new LeftOutBook();
    for (let n = 0; n < 20_000; n++) see(book, `m${n % 150}`, [aNote('not-mapped', `${n} ${'n'.repeat(1000)}`, { value: 'v'.repeat(1000) })]);
    const list = book.list();
    expect(list.length).to.be.at.most(6000);
    for (const { name, sample } of list) expect([name?.length, sample.length]).to.deep.equal([200, 121]);
    expect(list.length + book.forgottenOf(north)).to.equal(20_000);
  });

  it('writes out an object at most every ten seconds, other values always', () => {
    const book = new LeftOutBook();
    const sampleAfter = (value: unknown, at: number) => {
      see(book, 'a', [aNote('not-mapped', 'x', { value })], at);
      return book.list()[0]?.sample;
    };
    expect(sampleAfter({ n: 1 }, NOW)).to.equal('{"n":1}');
    expect(sampleAfter({ n: 2 }, NOW + 9999)).to.equal('{"n":1}');
    expect(sampleAfter({ n: 3 }, NOW + 10_000)).to.equal('{"n":3}');
    expect(sampleAfter(null, NOW + 10_001)).to.equal('null');
  });

  it('begins anew with a mapping that was changed, whose counts go on, and forgets one that is gone', () => {
    const book = new LeftOutBook();
    see(book, 'a', [aNote('not-mapped', 'x', { count: 3 })]);
    see(book, 'b', [aNote('not-mapped', 'y')]);
    book.forget({ park: north, id: 'a' }, false);
    expect(names(book)).to.deep.equal(['y']);
    see(book, 'a', [aNote('not-mapped', 'z')]);
    const counts = () => book.counts().map(({ park, mapping, kind, count }) => [park, mapping, kind, count]);
    expect(counts()).to.deep.equal([
      [north, 'b', 'not-mapped', 1],
      [north, 'a', 'not-mapped', 4],
    ]);
    book.forget({ park: north, id: 'a' }, true);
    expect(counts()).to.deep.equal([[north, 'b', 'not-mapped', 1]]);
  });
});
