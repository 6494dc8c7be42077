import { expect } from 'chai';
import fc from 'fast-check';
import { QUALITY } from '../../model/quality.ts';
import { type ReadingBlock, ReadingBlockBuilder } from '../../model/reading.ts';
import { CLOCK_CORRECTION, type Correction, type ReadingStore, type Revision, type SeriesQuery } from '../../store/port.ts';
import { fuzzRuns } from '../fuzz-runs.ts';
import { CLOCK_CORRECTED_AT, ListedStore } from './listed-store.ts';
import { storeTargets } from './store-targets.ts';

const T0 = Date.UTC(2026, 2, 1);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const FOR_EVER = { from: T0 - 1000 * DAY, to: T0 + 1000 * DAY };

/** Quantities that one frame brings: one, more than a row of the embedded store takes, and the same ones in another order. */
const FRAMES = [[1], [1, 2, 3, 5, 8, 10, 13], [2, 5], [5, 2], [8, 10, 13]];
const QUANTITIES = [1, 2, 3, 5, 8, 10, 13];
const METERS = 3;

/** As it is written down in a report. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> => fc.record<T>(model, { noNullPrototype: true });
const meter = fc.integer({ min: 1, max: METERS });
const quantity = fc.constantFrom(...QUANTITIES);
/** In units of the run. */
const moment = fc.integer({ min: 0, max: 7 });
const quality = fc.oneof(
  { weight: 5, arbitrary: fc.constant(QUALITY.good) },
  { weight: 2, arbitrary: fc.constant(QUALITY.clock) },
  { weight: 2, arbitrary: fc.constantFrom(...Object.values(QUALITY)) },
);
const value = fc.integer({ min: 0, max: 40 }).map((quarters) => quarters / 4);
const frame = record({ meter, at: moment, kind: fc.nat({ max: FRAMES.length - 1 }), value, quality });
const range = record({ from: fc.integer({ min: -2, max: 9 }), to: fc.integer({ min: -2, max: 10 }), off: fc.constantFrom(0, 0, 1) });
const steps = record({ step: fc.constantFrom(1, 3, 7), origin: fc.integer({ min: -4, max: 9 }) });

const act = fc.oneof(
  {
    weight: 8,
    arbitrary: record({
      kind: fc.constant('write' as const),
      arrival: fc.constantFrom('fresh' as const, 'late' as const),
      frames: fc.array(frame, { minLength: 1, maxLength: 10 }),
    }),
  },
  { weight: 3, arbitrary: record({ kind: fc.constant('correct' as const), which: fc.nat(), value, quality }) },
  { weight: 1, arbitrary: record({ kind: fc.constant('delete' as const), before: moment }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
  { weight: 2, arbitrary: record({ kind: fc.constant('raw' as const), meter, quantity, range, limit: fc.constantFrom(1, 3, 1000) }) },
  { weight: 2, arbitrary: record({ kind: fc.constant('steps' as const), meter, quantity, range, steps }) },
  {
    weight: 2,
    arbitrary: record({
      kind: fc.constant('counters' as const),
      counters: fc.uniqueArray(record({ meter, quantity }), { maxLength: 6, selector: (of) => `${of.meter}/${of.quantity}` }),
      range,
      steps,
    }),
  },
  {
    weight: 2,
    arbitrary: record({
      kind: fc.constant('neighbours' as const),
      points: fc.array(record({ meter, quantity, at: fc.integer({ min: -2, max: 9 }), off: fc.constantFrom(0, 0, 1) }), { maxLength: 12 }),
      reach: fc.constantFrom(1, 3, 40, Number.POSITIVE_INFINITY),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'latest' as const }) },
);
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;
type Frame = typeof frame extends fc.Arbitrary<infer T> ? T : never;

/** The same acts upon a store and upon a list, which must answer alike. Times count in `unit` from T0. */
class Pair {
  readonly #list = new ListedStore();
  readonly #unit: number;
  #store: ReadingStore;
  readonly #reopen: () => Promise<ReadingStore>;

  constructor(store: ReadingStore, reopen: () => Promise<ReadingStore>, unit: number) {
    this.#store = store;
    this.#reopen = reopen;
    this.#unit = unit;
  }

  async act(act: Act): Promise<void> {
    switch (act.kind) {
      case 'write': {
        const block = this.#block(act.frames, act.arrival);
        expect(await this.#store.write(block, act.arrival)).to.deep.equal(this.#list.write(block));
        return;
      }
      case 'correct': {
        const all = this.#list.all();
        const which = all[act.which % all.length];
        if (which === undefined) return;
        const correction = { ...which, value: act.value, quality: act.quality, author: '王芳', reason: 'read "off"', at: T0 + (act.which % 1e9) };
        this.#list.correct(correction);
        await this.#store.correct(correction);
        await this.#compareRevisions(which);
        return;
      }
      case 'delete':
        expect(await this.#store.deleteBefore(this.#at(act.before))).to.equal(this.#list.deleteBefore(this.#at(act.before)));
        return;
      case 'reopen':
        this.#store = await this.#reopen();
        return;
      case 'raw':
        await this.#compareRaw({ meter: act.meter, quantity: act.quantity, ...this.#range(act.range), limit: act.limit });
        return;
      case 'steps': {
        const query = { meter: act.meter, quantity: act.quantity, ...this.#range(act.range), ...this.#steps(act.steps) };
        expect(await this.#store.steps(query)).to.deep.equal(this.#list.steps(query));
        return;
      }
      case 'counters': {
        const query = { counters: act.counters, ...this.#range(act.range), ...this.#steps(act.steps) };
        expect(await this.#store.counters(query)).to.deep.equal(this.#list.counters(query));
        return;
      }
      case 'neighbours': {
        const points = act.points.map(({ at, off, ...which }) => ({ ...which, ts: this.#at(at) + off }));
        const query = { points, reach: act.reach * this.#unit };
        expect(await this.#store.neighbours(query)).to.deep.equal(this.#list.neighbours(query));
        return;
      }
      case 'latest':
        await this.#compareLatest();
        return;
    }
  }

  /** All that was written reads alike, after a stop, too; then it is gone. */
  async end(): Promise<void> {
    await this.#compareLatest();
    this.#store = await this.#reopen();
    await this.#compareLatest();
    for (const which of this.#list.all()) await this.#compareRevisions(which);
    for (let of = 1; of <= METERS; of++) for (const code of QUANTITIES) await this.#compareRaw({ meter: of, quantity: code, ...FOR_EVER, limit: 1000 });
    expect(await this.#store.deleteBefore(FOR_EVER.to)).to.equal(this.#list.deleteBefore(FOR_EVER.to));
  }

  async #compareLatest(): Promise<void> {
    const found = [...(await this.#store.latest())].sort((a, b) => a.meter - b.meter || a.quantity - b.quantity);
    expect(found).to.deep.equal(this.#list.latest());
  }

  async #compareRaw(query: SeriesQuery & { readonly limit: number }): Promise<void> {
    const { length, ts, value, quality } = await this.#store.raw(query);
    const found = Array.from({ length }, (_, at) => ({ meter: query.meter, quantity: query.quantity, ts: ts[at], value: value[at], quality: quality[at] }));
    expect(found).to.deep.equal(this.#list.raw(query));
  }

  async #compareRevisions({ meter, quantity, ts }: Pick<Correction, 'meter' | 'quantity' | 'ts'>): Promise<void> {
    const found = (await this.#store.revisions(meter, quantity, ts)).map((revision): Revision => {
      const { correction } = revision;
      return correction?.author === CLOCK_CORRECTION.author ? { ...revision, correction: { ...correction, at: CLOCK_CORRECTED_AT } } : revision;
    });
    expect(found).to.deep.equal(this.#list.revisions(meter, quantity, ts));
  }

  /** Of fresh ones only what is newer than all of its series, and once: that is promised for them. */
  #block(frames: readonly Frame[], arrival: 'fresh' | 'late'): ReadingBlock {
    const block = new ReadingBlockBuilder();
    const newest = new Map(this.#list.latest().map(({ meter, quantity, ts }) => [`${meter}/${quantity}`, ts]));
    const taken = new Set<string>();
    for (const { meter, at, kind, value, quality } of frames) {
      for (const [slot, code] of (FRAMES[kind] ?? []).entries()) {
        const ts = this.#at(at);
        const row = `${meter}/${code}/${ts}`;
        if (arrival === 'fresh' && (taken.has(row) || ts <= (newest.get(`${meter}/${code}`) ?? Number.NEGATIVE_INFINITY))) continue;
        taken.add(row);
        block.push(0, meter, code, ts, value + slot, quality);
      }
    }
    return block.take();
  }

  #at(units: number): number {
    return T0 + units * this.#unit;
  }

  /** `off`: a millisecond later than a reading may be. */
  #range({ from, to, off }: { readonly from: number; readonly to: number; readonly off: number }): { readonly from: number; readonly to: number } {
    return { from: this.#at(Math.min(from, to)) + off, to: this.#at(Math.max(from, to)) + off };
  }

  #steps({ step, origin }: { readonly step: number; readonly origin: number }): { readonly step: number; readonly origin: number } {
    return { step: step * this.#unit, origin: this.#at(origin) };
  }
}

for (const target of storeTargets()) {
  describe(`${target.name} beside a list`, function () {
    this.timeout(400_000); // a hundred openings a minute, and as many again to make a fault small
    let store: ReadingStore;
    before(async function () {
      await target.start(this);
      store = await target.open();
    });
    after(async () => {
      await store?.close();
      await target.stop();
    });

    it('answers what a list of the same readings answers, whatever is written, corrected, deleted and asked, over restarts', async () => {
      const reopen = async (): Promise<ReadingStore> => {
        await store.close();
        store = await target.open();
        return store;
      };
      await fc.assert(
        fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 14 }), fc.constantFrom(1, MINUTE, 5 * HOUR, 3 * DAY), async (acts, unit) => {
          const pair = new Pair(store, reopen, unit);
          try {
            for (const each of acts) await pair.act(each);
            await pair.end();
          } finally {
            await store.deleteBefore(FOR_EVER.to); // where it failed there is something left
          }
        }),
        { numRuns: fuzzRuns(10_000) / 500, skipAllAfterTimeLimit: 300_000 },
      );
    });
  });
}
