import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { AlertEngineDeps } from '../../alerts/port.ts';
import type { GreenparkError } from '../../model/errors.ts';
import type { MeterId } from '../../model/ids.ts';
import { QUALITY } from '../../model/quality.ts';
import type { Application, EntryProfile, EntryRule } from '../../model/rules.ts';
import { Directory } from '../../store/registry/directory.ts';
import { openRegistry } from '../../store/registry/open.ts';
import { aCap, aLimit, aMeter, anEngine, anEnterprise, aPark, MAY, MemoryRecords, PARK, WORKS } from './setup.ts';

const refusal = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
    return 'done';
  } catch (error) {
    return (error as GreenparkError).code;
  }
};
const DAY = 86_400_000;

describe('the alert engine', () => {
  it('tells a limit once when it is broken and once when it is kept again', async () => {
    const at = await anEngine({ rules: [aLimit({ deadband: 5 })] });
    for (const [n, value] of [90, 120, 130, 98, 120, 94, 90].entries()) at.judge(MAY + n * 1000, value);
    expect(at.told).to.deep.equal(['fired too-much', 'resolved too-much']);
    await at.engine.flush();
    const [alert] = at.records.alerts.values();
    expect(alert).to.include({
      since: MAY + 1000,
      until: MAY + 5000,
      value: 120,
      peak: 130,
      bound: 100,
      unit: 'kW',
      state: 'resolved',
      enterprise: WORKS,
      level: 'orange',
    });
  });

  it('tells with an alert what was judged and its English name, and of a cap the same', async () => {
    const at = await anEngine({ rules: [aLimit({ nameEn: 'Power too high' })], caps: [aCap({ nameEn: 'Electricity of the day' })] });
    at.judge(MAY, 120);
    expect(at.engine.open()[0]).to.include({ nameEn: 'Power too high', quantity: 'active_power' });
    expect(at.engine.capStates(PARK, undefined, at.now)[0]).to.include({ nameEn: 'Electricity of the day' });
  });

  it('judges all rules of a series in their order, also after one of them changed', async () => {
    const rules = [aLimit({ id: 'high' }), aLimit({ id: 'higher', value: 110 }), aLimit({ id: 'elsewhere', quantity: 'voltage_a' })];
    const at = await anEngine({ rules });
    at.judge(MAY, 120);
    at.judge(MAY + 1000, 50);
    at.reload({ rules: [aLimit({ id: 'high' }), aLimit({ id: 'higher', value: 200 })] });
    at.judge(MAY + 2000, 120);
    at.judge(MAY + 3000, 220);
    expect(at.told).to.deep.equal(['fired high', 'fired higher', 'resolved high', 'resolved higher', 'fired high', 'fired higher']);
  });

  it('judges neither readings of bad quality nor late ones', async () => {
    const at = await anEngine({ rules: [aLimit()] });
    at.judge(MAY, 9999, { quality: QUALITY.range });
    at.judge(MAY + 1000, 50);
    at.judge(MAY + 500, 9999);
    expect(at.told).to.deep.equal([]);
  });

  it('judges what comes after a reading of a clock that was ahead, though it is older', async () => {
    const at = await anEngine({ rules: [aLimit({ onDelaySeconds: 10 })] });
    at.now = MAY;
    at.judge(MAY, 120);
    at.judge(MAY + 600_000, 120, { quality: QUALITY.clock });
    expect(at.told).to.deep.equal([]);
    at.judge(MAY + 10_000, 120);
    expect(at.told).to.deep.equal(['fired too-much']);
    at.judge(MAY + 11_000, 50);
    expect(at.told).to.deep.equal(['fired too-much', 'resolved too-much']);
  });

  it('judges every meter of a kind, and those that are registered later', async () => {
    const at = await anEngine({ rules: [aLimit({ subject: { kind: 'electricity' } })] });
    at.judge(MAY, 120, { meter: 2 });
    at.judge(MAY, 120, { meter: 3 });
    expect(at.engine.open().map(({ meter }) => meter)).to.deep.equal(['m2']);
    at.directory.current = new Directory([aPark], [anEnterprise()], [], [aMeter(1), aMeter(2), aMeter(3)]);
    at.reload({ rules: [aLimit({ subject: { kind: 'electricity' } })] });
    at.judge(MAY + 1000, 120, { meter: 3 });
    expect(at.engine.open().map(({ meter }) => meter)).to.deep.equal(['m2', 'm3']);
  });

  it('lets delays elapse without messages, in the time of the readings', async () => {
    const at = await anEngine({ rules: [aLimit({ onDelaySeconds: 60, offDelaySeconds: 60 })] });
    // The reading lies an hour behind the clock, as in a backlog.
    at.now = MAY + 3_600_000;
    at.judge(MAY, 120);
    at.passTo(at.now + 59_000);
    expect(at.told).to.deep.equal([]);
    at.passTo(at.now + 1000);
    expect(at.told).to.deep.equal(['fired too-much']);
    at.judge(MAY + 90_000, 50);
    at.passTo(at.now + 61_000);
    expect(at.told).to.deep.equal(['fired too-much', 'resolved too-much']);
    await at.engine.flush();
    expect([...at.records.alerts.values()].map(({ since, until }) => [since - MAY, (until ?? Number.NaN) - MAY])).to.deep.equal([[0, 90_000]]);
  });

  it('judges a rolling mean, not its spikes', async () => {
    const at = await anEngine({ rules: [aLimit({ judged: { by: 'rolling-mean', windowSeconds: 600 } })] });
    for (let minute = 0; minute < 30; minute++) at.judge(MAY + minute * 60_000, minute === 12 ? 400 : minute > 20 ? 200 : 50);
    // The spike lifts the mean to 100 at most; of the ten values in the window four are 200 from minute 24 on.
    expect(at.told).to.deep.equal(['fired too-much']);
    expect(at.engine.open()[0]?.since).to.equal(MAY + 24 * 60_000);
  });

  it('resolves what is open when its rule is switched off, deleted or its meter goes', async () => {
    for (const rules of [[aLimit({ enabled: false })], [], [aLimit({ subject: { meter: 'gone' as MeterId } })]]) {
      const at = await anEngine({ rules: [aLimit()] });
      at.judge(MAY, 120);
      at.reload({ rules });
      expect(at.told).to.deep.equal(['fired too-much', 'resolved too-much']);
      await at.engine.flush();
      expect([...at.records.rows.keys()].filter((key) => key.startsWith('limit'))).to.deep.equal([]);
    }
  });

  it('keeps what is firing when the rule is only reworded', async () => {
    const at = await anEngine({ rules: [aLimit()] });
    at.judge(MAY, 120);
    at.reload({ rules: [aLimit({ name: 'another name' })] });
    at.judge(MAY + 1000, 130);
    expect(at.told).to.deep.equal(['fired too-much']);
  });

  describe('with caps', () => {
    it('tells each stage once a period and resolves them at its end', async () => {
      const at = await anEngine({ caps: [aCap()] });
      for (const amount of [100, 799, 800, 850, 1001, 1100]) {
        at.used.amount = amount;
        at.passTo(at.now + 1000);
      }
      expect(at.told).to.deep.equal(['fired cap-day 80 %', 'fired cap-day 100 %']);
      expect(at.engine.capStates(PARK, undefined, at.now)).to.deep.include({
        ...{ id: 'cap-day', name: '日用电', enterprise: WORKS, carrier: 'electricity', flow: 'consumption', period: 'day' },
        ...{ from: MAY, to: MAY + DAY, amount: 1000, used: 1100, unit: 'kWh' },
        stages: [
          { percent: 80, level: 'yellow', reached: true },
          { percent: 100, level: 'red', reached: true },
        ],
      });
      at.used.amount = 5;
      at.passTo(MAY + DAY);
      expect(at.told.slice(2)).to.deep.equal(['resolved cap-day 80 %', 'resolved cap-day 100 %']);
      expect([...at.records.alerts.values()].every(({ periodStart }) => periodStart === MAY)).to.equal(true);
      at.used.amount = 900;
      at.passTo(at.now + 1000);
      expect(at.told.at(-1)).to.equal('fired cap-day 80 %');
    });

    it('takes a stage back when the cap is raised', async () => {
      const at = await anEngine({ caps: [aCap()] });
      at.used.amount = 850;
      at.engine.tick(at.now);
      at.reload({ caps: [aCap({ amount: 2000 })] });
      expect(at.told).to.deep.equal(['fired cap-day 80 %', 'resolved cap-day 80 %']);
    });

    it('shows an enterprise its own caps alone', async () => {
      const at = await anEngine({ caps: [aCap(), aCap({ id: 'whole', enterprise: null })] });
      expect(at.engine.capStates(PARK, WORKS, MAY).map(({ id }) => id)).to.deep.equal(['cap-day']);
      expect(at.engine.capStates(PARK, undefined, MAY)).to.have.length(2);
    });
  });

  describe('with what was declared at entry', () => {
    const rule: EntryRule = {
      id: 'kept',
      park: PARK,
      name: '准入',
      enabled: true,
      type: 'entry',
      level: 'red',
      enterprise: WORKS,
      application: 'a',
      criterion: 'c',
      tolerancePercent: 10,
    };
    const profile = (side: 'at-most' | 'at-least', actual: EntryProfile['criteria'][number]['actual'], unit: string): EntryProfile => ({
      ...{ id: 'p', park: PARK, name: 'p', version: 1 },
      criteria: [{ id: 'c', name: 'c', unit, side, threshold: 1, mandatory: true, ...(actual === undefined ? {} : { actual }) }],
    });
    const application: Application = { id: 'a', park: PARK, enterprise: WORKS, profile: 'p', declared: { c: 100 } };
    const daily = { of: 'usage', carrier: 'electricity', flow: 'consumption', period: 'day' } as const;

    it('fires for a reading beyond the declared value and its tolerance', async () => {
      const at = await anEngine({
        rules: [rule],
        applications: [application],
        entryProfiles: [profile('at-most', { of: 'reading', quantity: 'active_power' }, 'kW')],
      });
      at.judge(MAY, 110);
      at.judge(MAY + 1, 111);
      expect(at.engine.open().map(({ ruleType, value }) => [ruleType, value])).to.deep.equal([['entry', 111]]);
    });

    it('fires once a period for a usage beyond it', async () => {
      const at = await anEngine({ rules: [rule], applications: [application], entryProfiles: [profile('at-most', daily, 'kWh')] });
      for (const amount of [100, 110, 111, 200]) {
        at.used.amount = amount;
        at.passTo(at.now + 1000);
      }
      expect(at.told).to.deep.equal(['fired kept']);
    });

    it('judges what must be at least so much when the period is over', async () => {
      const at = await anEngine({ rules: [rule], applications: [application], entryProfiles: [profile('at-least', daily, 'MWh')] });
      at.used.amount = 80_000;
      at.engine.tick(at.now);
      expect(at.told).to.deep.equal([]);
      at.passTo(at.now + DAY);
      expect(at.told).to.deep.equal(['fired kept']);
      at.used.amount = 95_000;
      at.engine.tick(at.now);
      at.passTo(at.now + DAY);
      expect(at.told).to.deep.equal(['fired kept', 'resolved kept']);
    });

    describe('of a usage that must be at least so much, when the service was down at the end of the period', () => {
      const book = { rules: [rule], applications: [application], entryProfiles: [profile('at-least', daily, 'kWh')] };
      const QUARTER = 15 * 60_000;
      /** Half of it was used when the service went down; it comes back six hours into the next day. */
      const cameBack = async (endedUsage?: AlertEngineDeps['endedUsage'], downDays = 1) => {
        const first = await anEngine(book);
        first.used.amount = 50;
        first.passTo(MAY + DAY / 2);
        await first.engine.stop();
        const at = await anEngine(book, { records: first.records, now: MAY + downDays * DAY + DAY / 4, ...(endedUsage === undefined ? {} : { endedUsage }) });
        at.engine.tick(at.now);
        return at;
      };
      const settled = () => new Promise(setImmediate);

      it('is not judged by what was seen before', async () => {
        const at = await cameBack();
        expect(at.told).to.deep.equal([]);
        expect(at.warnings.join()).to.contain('the service was not running when it ended');
        at.passTo(at.now + DAY);
        expect(at.told).to.deep.equal(['fired kept']);
      });

      const answers = [
        { name: 'fires for what is stored when that is too little', used: 80, told: ['fired kept'] },
        { name: 'stays quiet when what is stored is enough', used: 95, told: [] },
        { name: 'says nothing of what was never measured', used: null, told: [] },
      ] as const;
      for (const { name, used, told } of answers) {
        it(`${name}, after waiting for what gateways held back`, async () => {
          const asked: string[] = [];
          const at = await cameBack(async ({ enterprise, carrier, period }, from) => {
            asked.push([enterprise, carrier, period, from - MAY].join(' '));
            return used;
          });
          at.passTo(at.now + QUARTER - 1);
          expect(asked).to.deep.equal([]);
          at.passTo(at.now + 1);
          await settled();
          at.passTo(at.now + 1000);
          expect(asked).to.deep.equal(['works electricity day 0']);
          expect(at.told).to.deep.equal(told);
          if (told.length > 0) expect(at.engine.open()).to.deep.include.members([{ ...at.engine.open()[0], value: used, since: MAY, periodStart: MAY }]);
        });
      }

      it('is judged for each of several periods that ended meanwhile', async () => {
        const at = await cameBack(async (_what, from) => (from === MAY + DAY ? 10 : 100), 3);
        at.now += QUARTER;
        for (let tick = 0; tick < 8; tick++) {
          at.passTo(at.now + 1000);
          await settled();
        }
        expect(at.told).to.deep.equal(['fired kept', 'resolved kept']);
      });

      it('asks again when the store cannot answer', async () => {
        let away = true;
        const at = await cameBack(async () => {
          if (away) throw new Error('the store is away');
          return 80;
        });
        at.passTo(at.now + QUARTER);
        await settled();
        away = false;
        at.passTo(at.now + 59_000);
        await settled();
        at.passTo(at.now + 500);
        expect(at.told).to.deep.equal([]);
        at.passTo(at.now + 1000);
        await settled();
        at.passTo(at.now + 1000);
        expect(at.told).to.deep.equal(['fired kept']);
      });
    });

    it('names a rule that can watch nothing', async () => {
      const at = await anEngine({ rules: [rule] });
      expect(at.warnings.join()).to.contain('application "a" does not exist');
    });
  });

  describe('in people’s hands', () => {
    it('keeps who acknowledged first, and when', async () => {
      const at = await anEngine({ rules: [aLimit()] });
      at.judge(MAY, 120);
      const id = at.engine.open()[0]?.id ?? '';
      at.now = MAY + 5000;
      expect(await at.engine.acknowledge(id, 'li')).to.include({ state: 'acknowledged', acknowledgedBy: 'li', acknowledgedAt: MAY + 5000 });
      expect(await at.engine.acknowledge(id, 'wang')).to.include({ acknowledgedBy: 'li' });
      expect(at.records.alerts.get(id)).to.include({ state: 'acknowledged' });
      expect(at.told).to.deep.equal(['fired too-much', 'acknowledged too-much']);
    });

    it('shelves for a time with a reason, and takes down by itself or by hand', async () => {
      const at = await anEngine({ rules: [aLimit()] });
      at.judge(MAY, 120);
      const id = at.engine.open()[0]?.id ?? '';
      expect(await refusal(at.engine.shelve(id, 'li', MAY - 1, 'r'))).to.equal('INPUT_INVALID');
      expect(await refusal(at.engine.shelve(id, 'li', MAY + 1, ' '))).to.equal('INPUT_INVALID');
      expect(await refusal(at.engine.unshelve(id))).to.equal('CONFLICT');
      expect(await at.engine.shelve(id, 'li', MAY + 60_000, 'repair')).to.include({ shelvedBy: 'li', shelvedReason: 'repair' });
      at.passTo(MAY + 60_000);
      expect(at.engine.open()[0]?.shelvedUntil).to.equal(null);
      await at.engine.shelve(id, 'li', MAY + 90_000, 'repair');
      await at.engine.unshelve(id);
      expect(at.told).to.deep.equal(['fired', 'shelved', 'unshelved', 'shelved', 'unshelved'].map((kind) => `${kind} too-much`));
    });

    it('refuses an unknown alert and one that is resolved', async () => {
      const at = await anEngine({ rules: [aLimit()] });
      at.judge(MAY, 120);
      const id = at.engine.open()[0]?.id ?? '';
      at.judge(MAY + 1, 50);
      await at.engine.flush();
      expect(await refusal(at.engine.acknowledge('x', 'li'))).to.equal('NOT_FOUND');
      expect(await refusal(at.engine.acknowledge(id, 'li'))).to.equal('CONFLICT');
    });
  });

  describe('over a restart', () => {
    it('fires nothing twice and resolves what ended meanwhile, with the registry on disk', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'greenpark-alerts-'));
      const registry = await openRegistry(join(folder, 'registry.db'));
      try {
        await registry.parks.put(aPark);
        await registry.enterprises.put(anEnterprise());
        await registry.meters.put(withoutOrdinal(aMeter(1)));
        const meters = [...(await registry.meters.all())];
        const ordinal = meters[0]?.ordinal ?? 0;
        const book = { rules: [aLimit(), aLimit({ id: 'held', onDelaySeconds: 300 })], caps: [aCap()] };
        const before = await anEngine(book, { records: registry.alerts, meters });
        before.used.amount = 850;
        before.engine.tick(before.now);
        before.judge(MAY, 120, { meter: ordinal });
        await before.engine.stop();
        expect(before.told).to.deep.equal(['fired cap-day 80 %', 'fired too-much']);

        // What was measured while it was down: still beyond after 5 minutes, then back.
        const stored = [0, 200, 400, 500].map((second) => ({ ts: MAY + second * 1000, value: second === 500 ? 50 : 130 }));
        const replay = async ({ from, to }: { from: number; to: number }) => {
          const rows = stored.filter(({ ts }) => ts >= from && ts < to);
          return {
            length: rows.length,
            ts: Float64Array.from(rows, ({ ts }) => ts),
            value: Float64Array.from(rows, ({ value }) => value),
            quality: new Uint8Array(rows.length),
          };
        };
        const after = await anEngine(book, { records: registry.alerts, meters, replay, now: MAY + 600_000 });
        after.used.amount = 860;
        after.engine.tick(after.now);
        await after.engine.stop();
        const { items } = await registry.alerts.list({ parks: [PARK] }, { limit: 10, after: null });
        expect(items.map(({ rule, state, since, until, peak }) => [rule, state, since - MAY, until && until - MAY, peak]).sort()).to.deep.equal([
          ['cap-day', 'firing', 0, null, 860],
          ['held', 'resolved', 0, 500_000, 130],
          ['too-much', 'resolved', 0, 500_000, 130],
        ]);

        const third = await anEngine(book, { records: registry.alerts, meters, replay, now: MAY + 700_000 });
        third.used.amount = 870;
        third.engine.tick(third.now);
        expect(third.told).to.deep.equal([]);
      } finally {
        registry.close();
        rmSync(folder, { recursive: true });
      }
    });

    it('fills a rolling mean again from the store', async () => {
      const records = new MemoryRecords();
      const book = { rules: [aLimit({ judged: { by: 'rolling-mean', windowSeconds: 600 } })] };
      const before = await anEngine(book, { records });
      const stored: { ts: number; value: number }[] = [];
      for (let minute = 0; minute < 15; minute++) {
        stored.push({ ts: MAY + minute * 60_000, value: 110 });
        if (minute < 12) before.judge(MAY + minute * 60_000, 90);
      }
      await before.engine.stop();
      const replay = async ({ from, to }: { from: number; to: number }) => {
        const rows = stored.filter(({ ts }) => ts >= from && ts < to);
        return {
          length: rows.length,
          ts: Float64Array.from(rows, ({ ts }) => ts),
          value: Float64Array.from(rows, ({ value }) => value),
          quality: new Uint8Array(rows.length),
        };
      };
      const after = await anEngine(book, { records, replay, now: MAY + 900_000 });
      // The mean over the whole window is 110 at the first replayed reading: a window of one would not be judged.
      expect(after.engine.open().map(({ since }) => since)).to.deep.equal([MAY + 12 * 60_000]);
    });

    it('resolves what its rule was deleted from while it was down, and forgets the state', async () => {
      const records = new MemoryRecords();
      const before = await anEngine({ rules: [aLimit()] }, { records });
      before.judge(MAY, 120);
      await before.engine.stop();
      const after = await anEngine({}, { records });
      await after.engine.flush();
      expect([...records.alerts.values()].map(({ state }) => state)).to.deep.equal(['resolved']);
      expect(records.rows.size).to.equal(0);
    });
  });

  it('keeps every transition when saving fails, and tries again', async () => {
    const at = await anEngine({ rules: [aLimit()] });
    at.records.refuse = 2;
    at.judge(MAY, 120);
    expect(await refusal(at.engine.flush())).to.equal(undefined);
    at.judge(MAY + 1000, 50);
    at.judge(MAY + 2000, 120);
    for (let n = 0; n < 4; n++) {
      at.passTo(at.now + 1500);
      await new Promise(setImmediate);
    }
    expect([...at.records.alerts.values()].map(({ state }) => state)).to.deep.equal(['resolved', 'firing']);
    expect(at.warnings).to.have.length.above(0);
  });

  it('writes states of quiet series together, and only now and then', async () => {
    const at = await anEngine({ rules: [aLimit({ subject: { kind: 'electricity' } })] });
    for (let second = 1; second <= 25; second++) {
      at.judge(MAY + second * 1000, 50);
      at.judge(MAY + second * 1000, 50, { meter: 2 });
      at.passTo(at.now + 1000);
      await new Promise(setImmediate);
    }
    expect(at.records.saves).to.deep.equal([
      { alerts: 0, states: 1 },
      { alerts: 0, states: 1 },
    ]);
  });

  it('goes on when a listener fails', async () => {
    const at = await anEngine({ rules: [aLimit()] });
    at.engine.onChange(() => {
      throw new Error('no');
    });
    const told: string[] = [];
    at.engine.onChange(({ kind }) => told.push(kind));
    at.judge(MAY, 120);
    expect(told).to.deep.equal(['fired']);
  });
});

function withoutOrdinal({ ordinal: _, ...meter }: ReturnType<typeof aMeter>) {
  return meter;
}
