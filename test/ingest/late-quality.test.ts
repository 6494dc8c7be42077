import { expect } from 'chai';
import fc from 'fast-check';
import { RegisterChanges } from '../../accounting/register-changes.ts';
import { usageOf } from '../../accounting/usage.ts';
import type { FoundMove } from '../../ingest/register-notes.ts';
import type { QuantityName } from '../../model/quantities.ts';
import { quantityOf } from '../../model/quantities.ts';
import type { ReadingBlock } from '../../model/reading.ts';
import type { NotedRegisterChange } from '../../model/register-change.ts';
import { notesOf } from '../../registers.ts';
import type { ReadingStore } from '../../store/port.ts';
import { ListedStore } from '../contract/listed-store.ts';
import { fuzzRuns } from '../fuzz-runs.ts';
import { aMeter, aRig, directoryOf, NOW, RecordingStore, rowsOf, until } from './harness.ts';

const MINUTE = 60_000;
const ENERGY = quantityOf('active_energy_import' as QuantityName).code;

/** Minutes from NOW, and the register at that time. */
type Read = readonly [minute: number, register: number];
const energy = ([minute, value]: Read) => ({ ts: NOW + minute * MINUTE, values: { active_energy_import: value } });
const power = ([minute, value]: Read) => ({ ts: NOW + minute * MINUTE, values: { active_power: value } });

/** Ingest with a store that answers as the port promises, and with the book of register changes as the service has it. */
async function aPark({ checks, multiplier = 1 }: { readonly checks?: object; readonly multiplier?: number } = {}) {
  const meters = [aMeter(1, { multiplier, ...(checks === undefined ? {} : { checks }) }), aMeter(2)];
  const directory = { current: directoryOf(...meters) };
  const listed = new ListedStore();
  const store = {
    write: async (block: ReadingBlock) => listed.write(block),
    neighbours: async (query: Parameters<ReadingStore['neighbours']>[0]) => listed.neighbours(query),
    counters: async (query: Parameters<ReadingStore['counters']>[0]) => listed.counters(query),
  };
  let number = 0;
  const changes = await RegisterChanges.open({ all: async () => [], add: async (noted) => noted.map(() => ++number) }, directory);
  const moves: FoundMove[] = [];
  const rig = aRig({
    store: Object.assign(new RecordingStore(), store),
    meters,
    noteMoves: (found) => {
      moves.push(...found);
      return changes.note(notesOf(found, directory.current, NOW));
    },
    declaredChanges: (...where) => changes.declaredBetween(...where),
  });
  const [from, to] = [NOW - 100 * MINUTE, NOW + 100 * MINUTE];
  return {
    rig,
    send: (...reads: Read[]) => rig.send(reads.map(energy)),
    declare: (change: Pick<NotedRegisterChange & { kind: 'exchange' }, 'closing' | 'opening'> & { readonly minute: number }) =>
      changes.note([
        {
          ...{ meter: meters[0]?.id as never, quantity: 'active_energy_import' as QuantityName, at: NOW + change.minute * MINUTE },
          ...{ author: '王芳', reason: 'calibrated', notedAt: NOW, kind: 'exchange', closing: change.closing, opening: change.opening },
        },
      ]),
    /** As when a person has said something of it. */
    reconsider: () => rig.pipeline.reconsider(rig.latest.seriesOf(1, ENERGY)),
    /** Minute, register and quality, in order of time. */
    rows: () => {
      const all = listed.all().filter(({ quantity }) => quantity === ENERGY);
      return all
        .sort((a, b) => a.ts - b.ts)
        .map(({ ts }) => {
          const [held] = listed.revisions(1, ENERGY, ts);
          return `${(ts - NOW) / MINUTE} ${held?.value} ${rowsOf(aRow(ts, held?.value ?? 0, held?.quality ?? 0))[0]?.[4]}`;
        });
    },
    moves: () => moves.map(({ at, move }) => `${(at - NOW) / MINUTE} ${move.kind}`),
    usage: async () => {
      const [series] = await changes.over(store).counters({ counters: [{ meter: 1, quantity: ENERGY }], from, to, step: to - from, origin: from });
      return series === undefined ? null : (usageOf(series, [{ from, to }], to)[0]?.amount ?? null);
    },
  };
}

const aRow = (ts: number, value: number, quality: number): ReadingBlock => ({
  length: 1,
  ...{ series: Int32Array.of(0), meter: Int32Array.of(1), quantity: Uint16Array.of(ENERGY) },
  ...{ ts: Float64Array.of(ts), value: Float64Array.of(value), quality: Uint8Array.of(quality) },
});

describe('late readings, held against those that are stored around them', () => {
  it('a momentary zero that comes alone is a slip', async () => {
    const park = await aPark();
    await park.send([-60, 53_700], [-20, 53_720]);
    await park.send([-40, 0]);
    expect(park.rows()).to.deep.equal(['-60 53700 good', '-40 0 backwards', '-20 53720 good']);
    expect([park.moves(), await park.usage()]).to.deep.equal([[], 20]);
  });

  for (const [order, minutes] of [
    ['in order', [-90, -70, -50, -40]],
    ['the newest first', [-40, -50, -70, -90]],
    ['in no order', [-50, -90, -40, -70]],
  ] as const) {
    it(`a buffer over the midnight at which its register begins again is good: ${order}`, async () => {
      // Whose midnight was an hour ago.
      const park = await aPark({ checks: { active_energy_import: { resetsDailyIn: 'Africa/Lagos' } } });
      const shown: Readonly<Record<number, number>> = { [-90]: 118, [-70]: 120, [-50]: 0, [-40]: 0.1 };
      await park.send([-95, 100], [0, 0.5]);
      for (const minute of minutes) await park.send([minute, shown[minute] as number]);
      expect(park.rows()).to.deep.equal(['-95 100 good', '-90 118 good', '-70 120 good', '-50 0 good', '-40 0.1 good', '0 0.5 good']);
      expect([park.moves(), await park.usage()]).to.deep.equal([[], 20.5]);
    });
  }

  it('one that stands above the next of the same day is a slip, also where its register had begun again at midnight', async () => {
    const park = await aPark({ checks: { active_energy_import: { resetsDailyIn: 'Africa/Lagos' } } });
    await park.send([-95, 100], [0, 0.5]);
    await park.send([-40, 30]);
    await park.send([-30, 0.4]);
    expect(park.rows()).to.deep.equal(['-95 100 good', '-40 30 backwards', '-30 0.4 good', '0 0.5 good']);
    expect([park.moves(), await park.usage()]).to.deep.equal([[], 0.5]);
  });

  it('a buffer that begins with one loses that one alone', async () => {
    const park = await aPark();
    await park.send([-60, 53_700], [-20, 53_720]);
    await park.send([-50, 0], [-40, 53_705], [-30, 53_710]);
    expect(park.rows()).to.deep.equal(['-60 53700 good', '-50 0 backwards', '-40 53705 good', '-30 53710 good', '-20 53720 good']);
    expect([park.moves(), await park.usage()]).to.deep.equal([[], 20]);
  });

  it('one too high is a slip too, also where nothing stands before it', async () => {
    const park = await aPark();
    await park.send([-60, 100], [-20, 120]);
    await park.send([-40, 5000], [-30, 110]);
    await park.send([-90, 900]);
    expect(park.rows()).to.deep.equal(['-90 900 backwards', '-60 100 good', '-40 5000 backwards', '-30 110 good', '-20 120 good']);
    expect([park.moves(), await park.usage()]).to.deep.equal([[], 20]);
  });

  it('two that are too high are slips, too, where one that fits stands between them', async () => {
    const park = await aPark();
    await park.send([-60, 100], [-20, 120]);
    await park.send([-50, 5000], [-40, 110], [-30, 6000]);
    expect(park.rows()).to.deep.equal(['-60 100 good', '-50 5000 backwards', '-40 110 good', '-30 6000 backwards', '-20 120 good']);
  });

  it('a register that began again in the gap is found there', async () => {
    const park = await aPark();
    await park.send([-60, 1000], [-10, 2000]);
    await park.send([-50, 1010], [-40, 3], [-30, 4], [-20, 1500]);
    expect(park.rows()).to.deep.equal(['-60 1000 good', '-50 1010 good', '-40 3 backwards', '-30 4 good', '-20 1500 good', '-10 2000 good']);
    expect([park.moves(), await park.usage()]).to.deep.equal([['-30 reset'], 10 + 2000]);
  });

  it('a register that stood higher in the gap fell before the reading that ends it', async () => {
    const park = await aPark();
    await park.send([-60, 100], [-10, 120]);
    await park.send([-50, 1000], [-40, 2000], [-30, 3000]);
    expect(park.rows()).to.deep.equal(['-60 100 good', '-50 1000 good', '-40 2000 good', '-30 3000 good', '-10 120 good']);
    expect([park.moves(), await park.usage()]).to.deep.equal([['-10 exchange', '-10 reset'], 2900 + 120]);
  });

  it('the register of the instrument before, delivered when another one reports already, makes nothing up', async () => {
    const park = await aPark();
    await park.send([-10, 20_000], [0, 20_010]);
    await park.send([-50, 50_000], [-40, 50_010], [-30, 50_020]);
    expect(park.rows()).to.deep.equal(['-50 50000 good', '-40 50010 good', '-30 50020 good', '-10 20000 good', '0 20010 good']);
    expect([park.moves(), await park.usage()]).to.deep.equal([['-10 exchange'], 20 + 10]);
  });

  it('the first one above the reading that ends the gap is flagged where the second comes by itself', async () => {
    const park = await aPark();
    await park.send([-10, 20_000], [0, 20_010]);
    for (const read of [
      [-50, 50_000],
      [-40, 50_010],
      [-30, 50_020],
    ] as const)
      await park.send(read);
    expect(park.rows()).to.deep.equal(['-50 50000 backwards', '-40 50010 good', '-30 50020 good', '-10 20000 good', '0 20010 good']);
  });

  it('a repeat and what follows it in one message are held against the same gap', async () => {
    const park = await aPark();
    await park.send([-60, 100], [0, 200]);
    await park.send([-50, 110]);
    await park.send([-55, 105], [-50, 110], [-40, 99_999], [-30, 130]);
    expect(park.rows()).to.deep.equal(['-60 100 good', '-55 105 good', '-50 110 good', '-40 99999 backwards', '-30 130 good', '0 200 good']);
  });

  it('a gap ends at the newest reading, whatever its quality and whatever comes after it', async () => {
    const park = await aPark();
    await park.send([-60, 1000], [-50, 5]);
    await park.send([-55, 1005]);
    await park.send([-49, 6], [-40, 10], [-20, 20], [-10, 30]);
    await park.send([-30, 15]);
    await park.send([-15, 99_999]);
    expect(park.rows().slice(3)).to.deep.equal(['-49 6 good', '-40 10 good', '-30 15 good', '-20 20 good', '-15 99999 backwards', '-10 30 good']);
    expect([park.moves(), await park.usage()]).to.deep.equal([['-49 reset'], 5 + 30]);
  });

  it('history of years ago is not held against today’s register', async () => {
    const park = await aPark();
    await park.send([0, 200]);
    const long = -200 * 24 * 60;
    await park.send([long, 9000]);
    expect(park.rows()).to.deep.equal([`${long} 9000 good`, '0 200 good']);
  });

  describe('sent the newest first, one by one', () => {
    const MOVED: readonly Read[] = [
      [-60, 1000],
      [-10, 500],
      [-5, 510],
      [0, 520],
    ];

    it('the readings of a new register are found as well, and count what they count in order of time', async () => {
      const park = await aPark();
      await park.send(...MOVED);
      for (const [minute, register] of [
        [-15, 450],
        [-20, 400],
        [-25, 300],
        [-30, 200],
        [-35, 100],
        [-40, 3],
      ] as const)
        await park.send([minute, register]);
      const flagged = park.rows().filter((row) => !row.endsWith('good'));
      expect(flagged, 'the first of the register, the first late one, and the one that settled it live').to.deep.equal([
        '-40 3 backwards',
        '-15 450 backwards',
        '-10 500 backwards',
      ]);
      expect(await park.usage()).to.equal(500 + 20);
    });

    it('a lone zero is not the first of a new register', async () => {
      const park = await aPark();
      await park.send([-60, 53_700], [-5, 20], [0, 30]);
      for (const read of [
        [-15, 11],
        [-20, 8],
        [-25, 5],
        [-50, 0],
        [-40, 53_710],
      ] as const)
        await park.send(read);
      expect(park.rows().slice(1, 5)).to.deep.equal(['-50 0 backwards', '-40 53710 good', '-25 5 good', '-20 8 good']);
      expect(await park.usage()).to.equal(10 + 5 + 25);
    });

    it('a zero at which nothing stands before it is a slip, and a register that begins there is found by its second reading', async () => {
      const park = await aPark();
      await park.send([0, 5100]);
      await park.send([-10, 5080], [-5, 5090]);
      await park.send([-20, 0], [-15, 5070]);
      await park.send([-30, 5050], [-25, 5060]);
      expect(park.rows().filter((row) => !row.endsWith('good'))).to.deep.equal(['-20 0 backwards']);
      expect([park.moves(), await park.usage()]).to.deep.equal([[], 50]);
      const other = await aPark();
      await other.send([0, 90]);
      await other.send([-50, 0], [-40, 0], [-30, 1], [-20, 2]);
      expect(other.rows()).to.deep.equal(['-50 0 backwards', '-40 0 good', '-30 1 good', '-20 2 good', '0 90 good']);
    });

    it('a register that began again twice is followed over both', async () => {
      const park = await aPark();
      await park.send([-60, 100], [-5, 20], [0, 30]);
      for (const read of [
        [-10, 10],
        [-15, 4],
        [-20, 70],
        [-25, 60],
        [-30, 50],
        [-35, 40],
      ] as const)
        await park.send(read);
      expect(park.rows().filter((row) => row.endsWith('good')).length, 'good').to.be.at.least(6);
      expect(await park.usage()).to.be.within(20 + 30, 30 + 30);
    });

    it('chunks in order of time, newest chunk first, lose a few readings and not one of each chunk', async () => {
      const rows = Array.from({ length: 40 }, (_, at): Read => [at - 50, at < 10 ? 1000 + at : at - 8]);
      for (const together of [2, 3, 5]) {
        const park = await aPark();
        await park.send([-60, 990], [-5, 40], [0, 50]);
        for (let to = rows.length; to > 0; to -= together) await park.send(...rows.slice(Math.max(0, to - together), to));
        expect(park.rows().filter((row) => !row.endsWith('good')).length, `chunks of ${together}`).to.be.at.most(4);
        expect(await park.usage(), `chunks of ${together}`).to.be.within(19 + 50 - 2, 19 + 50);
      }
    });

    it('a rollover counts its width once, whatever falls are found in its place later', async () => {
      const park = await aPark({ checks: { active_energy_import: { registerWidth: 1_000_000 } } });
      await park.send([-60, 999_900], [-10, 40], [-5, 45]);
      for (const read of [
        [-20, 30],
        [-25, 25],
        [-30, 0],
      ] as const)
        await park.send(read);
      await park.send([-40, 10], [-35, 20]);
      expect(await park.usage()).to.equal(145);
    });

    it('a zero between them is a slip', async () => {
      const park = await aPark();
      await park.send([-60, 53_700], [0, 53_720]);
      for (const [minute, register] of [
        [-20, 53_710],
        [-30, 0],
        [-40, 53_705],
      ] as const)
        await park.send([minute, register]);
      expect(park.rows()).to.deep.equal(['-60 53700 good', '-40 53705 good', '-30 0 backwards', '-20 53710 good', '0 53720 good']);
    });

    it('those of the instrument before are, too', async () => {
      const park = await aPark();
      await park.send([-10, 20_000], [0, 20_010]);
      for (const [minute, register] of [
        [-30, 50_020],
        [-40, 50_010],
        [-50, 50_000],
      ] as const)
        await park.send([minute, register]);
      expect(park.rows()).to.deep.equal(['-50 50000 good', '-40 50010 good', '-30 50020 backwards', '-10 20000 good', '0 20010 good']);
      expect(await park.usage()).to.equal(10 + 10);
    });
  });

  describe('where the register is known to have moved', () => {
    /** It passed its width between −40 and −20, which two readings told. */
    async function rolledOver() {
      const park = await aPark({ checks: { active_energy_import: { registerWidth: 1_000_000 } } });
      await park.send([-60, 999_900], [-20, 5], [-10, 10]);
      expect(park.rows()).to.deep.equal(['-60 999900 good', '-20 5 backwards', '-10 10 good']);
      expect([park.moves(), await park.usage()]).to.deep.equal([['-10 rollover'], 110]);
      return park;
    }

    it('its readings from before do not change what was used', async () => {
      const park = await rolledOver();
      await park.send([-50, 999_950]);
      await park.send([-40, 999_990]);
      expect(park.rows().slice(1, 3)).to.deep.equal(['-50 999950 good', '-40 999990 good']);
      expect(await park.usage()).to.equal(110);
    });

    it('nor do those from after it, and one alone is not taken for one', async () => {
      const park = await rolledOver();
      await park.send([-30, 1], [-25, 2]);
      expect(park.rows().slice(1, 4)).to.deep.equal(['-30 1 backwards', '-25 2 good', '-20 5 backwards']);
      expect(await park.usage()).to.equal(110);
    });

    it('a buffer that shows how far it stood says better what it did', async () => {
      const park = await aPark({ checks: { active_energy_import: { registerWidth: 1000 } } });
      await park.send([-60, 850], [-10, 5], [-5, 10]);
      expect([park.moves(), await park.usage()]).to.deep.equal([['-5 reset'], 10]);
      await park.send([-50, 870], [-40, 950], [-30, 990]);
      expect(await park.usage()).to.equal(150 + 10);
      await park.send([-45, 900]);
      expect(await park.usage(), 'and keeps to it').to.equal(150 + 10);
    });

    it('nor does a buffer that has it pass in between', async () => {
      const park = await rolledOver();
      await park.send([-50, 999_950], [-40, 999_990], [-30, 1], [-25, 2]);
      expect(await park.usage()).to.equal(110);
    });
  });

  describe('where people have said that another instrument took over', () => {
    async function exchanged() {
      const park = await aPark();
      await park.send([-60, 100]);
      await park.declare({ minute: -30, closing: 5000, opening: 7 });
      await park.send([-10, 120]);
      expect(await park.usage()).to.equal(4900 + 113);
      return park;
    }

    it('readings of the old one may stand as high as they do', async () => {
      const park = await exchanged();
      await park.send([-50, 1000]);
      await park.send([-40, 4000]);
      expect(park.rows()).to.deep.equal(['-60 100 good', '-50 1000 good', '-40 4000 good', '-10 120 good']);
      expect([park.moves(), await park.usage()]).to.deep.equal([[], 4900 + 113]);
    });

    it('it holds for a gap that late readings have come to already', async () => {
      const park = await aPark();
      await park.send([-60, 100], [-10, 120]);
      await park.send([-55, 101]);
      await park.declare({ minute: -30, closing: 5000, opening: 7 });
      park.reconsider();
      await park.send([-50, 1000], [-20, 8]);
      expect(park.rows()).to.deep.equal(['-60 100 good', '-55 101 good', '-50 1000 good', '-20 8 good', '-10 120 good']);
    });

    it('readings of the new one begin where it began', async () => {
      const park = await exchanged();
      await park.send([-40, 4000], [-30, 7], [-20, 60]);
      expect(park.rows()).to.deep.equal(['-60 100 good', '-40 4000 good', '-30 7 good', '-20 60 good', '-10 120 good']);
      expect([park.moves(), await park.usage()]).to.deep.equal([[], 4900 + 113]);
    });
  });

  describe('with bounds for jumps', () => {
    const checks = { active_power: { jump: { change: 50, perSeconds: 60 } }, active_energy_import: { jump: { change: 50, perSeconds: 60 } } };
    const flags = ({ store }: { readonly store: RecordingStore }) => [...store.rows].sort((a, b) => a[2] - b[2]).map(([, , , , quality]) => quality);

    it('one that leaves the level of those around it is flagged', async () => {
      const rig = aRig({ meters: [aMeter(1, { checks })] });
      await rig.send([power([-3, 20]), power([-1, 22])]);
      await rig.send(power([-2, 900]));
      expect(flags(rig)).to.deep.equal(['good', 'jump', 'good']);
    });

    it('one at which the level changed is not: the reading after it goes on from there', async () => {
      const rig = aRig({ meters: [aMeter(1, { checks })] });
      await rig.send([power([-3, 20]), power([-1, 920]), power([0, 921])]);
      await rig.send(power([-2, 900]));
      expect(flags(rig)).to.deep.equal(['good', 'good', 'jump', 'good']);
    });

    it('one that holds the value of the stored one before it for too long is stuck', async () => {
      const rig = aRig({ meters: [aMeter(1, { checks: { active_power: { stuckAfterSeconds: 600 } } })] });
      await rig.send([power([-60, 20]), power([0, 22])]);
      await rig.send(power([-55, 20]));
      await rig.send(power([-45, 20]));
      expect(flags(rig)).to.deep.equal(['good', 'good', 'stuck', 'good']);
    });
  });

  it('what the instrument says of a value stands, and one that it does not vouch for is not held against others', async () => {
    const rig = aRig();
    await rig.send([energy([-60, 100]), energy([-20, 120])]);
    await rig.send({ ...energy([-500 * 1440, 5]) });
    await rig.send(energy([-30, 110]));
    expect([...rig.store.rows].sort((a, b) => a[2] - b[2]).map((row) => row[4])).to.deep.equal(['clock', 'good', 'good', 'good']);
    expect(rig.pipeline.stats.flagged.reduce((sum, count) => sum + count, 0)).to.equal(1);
  });

  it('one is held against those before it that are on their way to the store', async () => {
    const rig = aRig({ limits: { writesAtOnce: 4 } });
    await rig.send([energy([-60, 1000]), energy([0, 2000])]);
    rig.store.hang();
    const first = rig.send(energy([-30, 1500]));
    await until(() => rig.store.attempts === 2, 'the write of the first');
    const second = rig.send(energy([-40, 1800]));
    await until(() => rig.pipeline.stats.pendingMessages === 2, 'the second');
    await new Promise((resolve) => setImmediate(resolve));
    rig.store.release();
    await Promise.all([first, second]);
    expect([...rig.store.rows].sort((a, b) => a[2] - b[2]).map((row) => [row[3], row[4]])).to.deep.equal([
      [1000, 'good'],
      [1800, 'backwards'],
      [1500, 'good'],
      [2000, 'good'],
    ]);
  });

  it('a gap costs one question, however many readings fall into it; gauges without checks cost none', async () => {
    const rig = aRig();
    await rig.send([energy([-60, 100]), energy([0, 200])]);
    for (let minute = -50; minute < -20; minute++) await rig.send(energy([minute, 150]));
    await rig.send([power([-50, 3]), power([-40, 2])]);
    await rig.send(power([-60, 1]));
    expect(rig.store.questions).to.deep.equal([1]);
    await rig.send([energy([-55, 120]), energy([-54, 121])]);
    expect(rig.store.questions, 'those that go back are a row of their own').to.deep.equal([1, 2]);
  });

  it('is judged by its own row while the store cannot say, and by the store again when it can', async () => {
    const rig = aRig();
    await rig.send([energy([-60, 1000]), energy([0, 2000])]);
    rig.store.isMute = true;
    await rig.send([energy([-50, 0])]);
    await rig.send([energy([-45, 1200])]);
    rig.store.isMute = false;
    await rig.send([energy([-40, 0])]);
    await rig.send([energy([-30, 1300])]);
    expect([...rig.store.rows].sort((a, b) => a[2] - b[2]).map((row) => [row[3], row[4]])).to.deep.equal([
      [1000, 'good'],
      [0, 'good'],
      [1200, 'good'],
      [0, 'backwards'],
      [1300, 'good'],
      [2000, 'good'],
    ]);
  });

  it('whatever the order in which a buffer is sent, its slips are flagged and nothing else, and usage is what it is', async () => {
    const read = fc.record({ step: fc.nat({ max: 3 }), isSlip: fc.boolean(), order: fc.nat() }, { noNullPrototype: true });
    await fc.assert(
      fc.asyncProperty(
        fc.array(read, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom(0, 1e6),
        async (reads, together, slip) => {
          const park = await aPark();
          const last = reads.reduce((sum, { step }) => sum + step, 100);
          await park.send([-60, 100], [0, last]);
          let register = 100;
          const rows = reads.map(({ step, isSlip }, at): Read => {
            register += step;
            // Of one value, as two that go on from each other are the truth.
            return [at - 50, isSlip ? slip : register];
          });
          const messages = Array.from({ length: Math.ceil(rows.length / together) }, (_, nth) => rows.slice(nth * together, (nth + 1) * together));
          for (const message of messages.map((rows, nth) => ({ rows, order: reads[nth]?.order ?? 0 })).sort((a, b) => a.order - b.order))
            await park.send(...message.rows);
          expect(park.rows().slice(1, -1)).to.deep.equal(rows.map(([minute, value], at) => `${minute} ${value} ${reads[at]?.isSlip ? 'backwards' : 'good'}`));
          expect([park.moves(), await park.usage()]).to.deep.equal([[], last - 100]);
        },
      ),
      { numRuns: fuzzRuns() / 20 },
    );
  });

  it('a register that rises is good in whatever order its readings come, however low it began and nothing stood before it', async () => {
    const read = fc.record({ rise: fc.nat({ max: 400 }), order: fc.nat() }, { noNullPrototype: true });
    await fc.assert(
      fc.asyncProperty(fc.array(read, { minLength: 2, maxLength: 25 }), fc.integer({ min: 1, max: 6 }), async (reads, together) => {
        const park = await aPark();
        let register = 1;
        const rows = reads.map(({ rise, order }, at): { readonly read: Read; readonly order: number } => {
          register += rise;
          return { read: [at - 50, register], order };
        });
        const sent = [...rows].sort((a, b) => a.order - b.order).map(({ read }) => read);
        for (let at = 0; at < sent.length; at += together) await park.send(...sent.slice(at, at + together));
        expect(park.rows()).to.deep.equal(rows.map(({ read: [minute, value] }) => `${minute} ${value} good`));
        expect(park.moves()).to.deep.equal([]);
      }),
      { numRuns: fuzzRuns() / 20 },
    );
  });

  describe('a store that hangs on the question', () => {
    /** It takes readings, and answers no question. */
    const hanging = () => Object.assign(new RecordingStore(), { neighbours: () => new Promise<never>(() => {}) });

    it('is waited for once, and left alone for as long by the blocks behind', async () => {
      let asked = 0;
      const store = Object.assign(hanging(), { neighbours: () => new Promise<never>(() => void asked++) });
      const rig = aRig({ store, limits: { storePatienceMs: 200 } });
      await rig.send([energy([0, 200])]);
      for (let minute = -50; minute < -20; minute++) await rig.send(energy([minute, 150 + minute]));
      expect([store.size, asked]).to.deep.equal([31, 1]);
    });

    it('holds up no stop longer than its grace', async () => {
      const rig = aRig({ store: hanging() });
      await rig.send(energy([0, 200]));
      const sent = rig.send(energy([-30, 150]));
      await rig.pipeline.stop(20);
      await sent.catch(() => {});
      expect(rig.pipeline.stats.pendingMessages).to.equal(0);
    });
  });
});
