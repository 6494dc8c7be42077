import { expect } from 'chai';
import type { FoundMove } from '../../ingest/register-notes.ts';
import type { NotedRegisterChange } from '../../model/register-change.ts';
import { aMeter, aRig, NOW, RecordingStore } from './harness.ts';

const DAY = 86_400_000;
const energy = (since: number, value: number, more: object = {}) => ({ ts: NOW + since, values: { active_energy_import: value }, ...more });
const qualitiesOf = ({ rows }: RecordingStore) => [...rows].sort((a, b) => a[2] - b[2]).map((row) => row[4]);

describe('ingest: readings from far back', () => {
  const OLD = -401 * DAY;

  it('are flagged as of a wrong clock when nothing marks them as backfill', async () => {
    const rig = aRig();
    await rig.send(energy(OLD, 5));
    await rig.send(energy(OLD + 2 * DAY, 6));
    expect(qualitiesOf(rig.store)).to.deep.equal(['clock', 'good']);
  });

  for (const [what, payload] of [
    ['one reading', energy(OLD, 5, { backfill: true })],
    ['readings of a buffer', [energy(OLD, 5, { backfill: true }), energy(OLD + 1, 6, { backfill: true })]],
  ] as const) {
    it(`are good when the gateway marks them: ${what}`, async () => {
      const rig = aRig();
      await rig.send(payload);
      expect(new Set(qualitiesOf(rig.store))).to.deep.equal(new Set(['good']));
    });
  }

  it('are flagged each by itself in a buffer that marks only some', async () => {
    const rig = aRig();
    await rig.send([energy(OLD, 5), energy(OLD + 1, 6, { backfill: true }), energy(OLD + 2, 7, { backfill: false })]);
    expect(qualitiesOf(rig.store)).to.deep.equal(['clock', 'good', 'clock']);
  });

  it('are good in a recording', async () => {
    const rig = aRig();
    const payload = Buffer.from(JSON.stringify([energy(OLD, 5)]));
    const topic = 'parks/p-1/meters/m-1/readings';
    await new Promise<void>((resolve) =>
      rig.pipeline.accept({ topic, payload, gateway: null, transport: 'import', receivedAt: NOW, history: true }, () => resolve()),
    );
    expect(qualitiesOf(rig.store)).to.deep.equal(['good']);
  });

  it('are judged as history when they are marked and older than an hour, what is of now in the same turn is not', async () => {
    const rig = aRig({ meters: [1, 2, 3, 4].map((n) => aMeter(n)) });
    const HOUR = 3_600_000;
    await Promise.all([
      rig.send(energy(-1, 1), { meter: 'm-1' }),
      rig.send([energy(-3 * HOUR, 2, { backfill: true }), energy(-2 * HOUR, 3, { backfill: true })], { meter: 'm-2' }),
      rig.send(energy(-HOUR, 4, { backfill: true }), { meter: 'm-3' }),
      rig.send(energy(-3 * HOUR, 5), { meter: 'm-4' }),
    ]);
    const values = (rows: readonly (readonly unknown[])[]) => rows.map((row) => row[3]);
    expect([values(rig.judged), values(rig.history)]).to.deep.equal([
      [1, 2, 3, 4, 5],
      [2, 3],
    ]);
  });

  it('lose nothing but the mark when it is not true or false', async () => {
    const rig = aRig();
    await rig.send(energy(-1, 5, { backfill: 'yes' }));
    expect(qualitiesOf(rig.store)).to.deep.equal(['good']);
    expect(rig.letters.letters.map(({ reason, detail }) => [reason, detail])).to.deep.equal([
      ['wrong-shape', '"backfill" is the text "yes"; expected true or false'],
    ]);
  });
});

describe('ingest: readings that come when newer ones are there', () => {
  it('are judged by each other as long as they come in order', async () => {
    const rig = aRig();
    await rig.send(energy(0, 2000));
    await rig.send([energy(-60, 1000), energy(-50, 0), energy(-40, 1001)]);
    expect(qualitiesOf(rig.store)).to.deep.equal(['good', 'backwards', 'good', 'good']);
  });

  it('begin anew when they go back in time', async () => {
    const rig = aRig();
    await rig.send(energy(0, 2000));
    await rig.send([energy(-60, 1000), energy(-50, 1010)]);
    await rig.send([energy(-90, 900), energy(-80, 910)]);
    expect(qualitiesOf(rig.store)).to.deep.equal(['good', 'good', 'good', 'good', 'good']);
  });

  it('are held against what their meter’s record asks, as it is now', async () => {
    const checks = { active_energy_import: { jump: { change: 10, perSeconds: 60 } } };
    const rig = aRig({ meters: [aMeter(1, { checks })] });
    await rig.send(energy(0, 2000));
    await rig.send([energy(-60, 1000), energy(-50, 1900), energy(-40, 1001)]);
    expect(qualitiesOf(rig.store)).to.deep.equal(['good', 'jump', 'good', 'good']);
  });
});

describe('ingest: a register that does not go on from where it stood', () => {
  /** A pipeline whose book of moves can be made to fail. */
  function aBook() {
    const noted: FoundMove[] = [];
    /** Readings that were stored at each attempt to note. */
    const book = { failures: 0, attempts: [] as number[] };
    const fresh: FoundMove[] = [];
    const store = new RecordingStore();
    const rig = aRig({
      store,
      noteMoves: async (moves) => {
        book.attempts.push(store.rows.length);
        if (book.attempts.length <= book.failures) throw new Error('the registry is away');
        noted.push(...moves);
      },
      onFreshMove: (move) => fresh.push(move),
    });
    return { rig, book, noted, fresh };
  }
  const told = ({ at, move }: Pick<FoundMove, 'at'> & { readonly move: Pick<NotedRegisterChange, 'kind'> }) => [at - NOW, move.kind];

  it('is told once, at the reading that settles it', async () => {
    const { rig, noted, fresh } = aBook();
    for (const [since, value] of [
      [-50, 1000],
      [-40, 3],
      [-30, 4],
      [-20, 5],
    ] as const)
      await rig.send(energy(since, value));
    expect(noted.map(told)).to.deep.equal([[-30, 'reset']]);
    expect(fresh).to.deep.equal(noted);
  });

  it('is noted before the readings that show it are stored', async () => {
    const { rig, book, noted } = aBook();
    await rig.send([energy(-50, 1000), energy(-40, 3)]);
    book.failures = 2;
    await rig.send(energy(-30, 4));
    expect(book.attempts, 'stored at each attempt').to.deep.equal([2, 2, 2]);
    expect([noted.length, rig.store.rows.length]).to.deep.equal([1, 3]);
  });

  it('has its readings looked up when they had to wait for the note: what was sent again meanwhile may have gone first', async () => {
    let noted = () => {};
    const noting = new Promise<void>((resolve) => {
      noted = resolve;
    });
    const rig = aRig({ limits: { maxBlockRows: 2 }, noteMoves: () => noting });
    await rig.send([energy(-50, 1000), energy(-40, 3)]);
    const first = rig.send(energy(-30, 4));
    await new Promise((resolve) => setImmediate(resolve));
    // Another group, which is full and goes past.
    await Promise.all([rig.send(energy(-30, 4)), rig.send({ ts: NOW, values: { active_power: 1 } }, { meter: 'm-2' })]);
    noted();
    await first;
    expect(rig.store.blocks.at(-1)).to.deep.equal({ arrival: 'late', rows: [] });
    expect([rig.store.size, rig.pipeline.stats.readingsDuplicate]).to.deep.equal([4, 1]);
  });

  it('is found in late readings too, where nothing running has to know', async () => {
    const { rig, noted, fresh } = aBook();
    await rig.send(energy(0, 2000));
    await rig.send([energy(-50, 1000), energy(-40, 3), energy(-30, 4)]);
    expect(noted.map(told)).to.deep.equal([[-30, 'reset']]);
    expect(fresh).to.deep.equal([]);
  });
});
