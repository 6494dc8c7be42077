import { expect } from 'chai';
import type { EpochMs } from '../../model/ids.ts';
import type { Application, EntryProfile, EntryRule } from '../../model/rules.ts';
import { aCap, aLimit, anEngine, type Bench, MAY, PARK, WORKS } from './setup.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const AT_LEAST: EntryRule = {
  ...{ id: 'kept', park: PARK, name: '准入', enabled: true, type: 'entry', level: 'red', enterprise: WORKS, application: 'a', criterion: 'c' },
  tolerancePercent: 10,
};
const PROFILE: EntryProfile = {
  ...{ id: 'p', park: PARK, name: 'p', version: 1 },
  criteria: [
    {
      ...{ id: 'c', name: 'c', unit: 'kWh', side: 'at-least', threshold: 1, mandatory: true },
      actual: { of: 'usage', carrier: 'electricity', flow: 'consumption', period: 'day' },
    },
  ],
};
const APPLICATION: Application = { id: 'a', park: PARK, enterprise: WORKS, profile: 'p', declared: { c: 100 } };

describe('alerts under a clock that is set', () => {
  let steady = 0;
  let at: Bench;
  /** Lets time go by on both clocks, a second at a time, as the service does. */
  const pass = (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      steady += 1000;
      at.passTo(at.now + 1000);
    }
  };
  const set = (byMs: number) => at.passTo(at.now + byMs);
  const begin = async (book: Parameters<typeof anEngine>[0], over: Parameters<typeof anEngine>[1] = {}) => {
    steady = 5000;
    at = await anEngine(book, { ...over, steady: () => steady });
  };

  for (const step of [2 * HOUR, -2 * HOUR]) {
    const by = `by ${step / HOUR} h`;

    it(`${by}: delays last as long as without`, async () => {
      await begin({ rules: [aLimit({ onDelaySeconds: 60, offDelaySeconds: 60 })] }, { now: MAY + DAY / 2 });
      at.judge(at.now, 120);
      pass(30);
      set(step);
      pass(29);
      expect(at.told).to.deep.equal([]);
      pass(1);
      expect(at.told).to.deep.equal(['fired too-much']);
      set(-step);
      at.judge(at.now, 50);
      pass(30);
      set(step);
      pass(29);
      expect(at.told).to.deep.equal(['fired too-much']);
      pass(1);
      expect(at.told).to.deep.equal(['fired too-much', 'resolved too-much']);
    });

    it(`${by}: a save that failed is tried again within seconds`, async () => {
      await begin({ rules: [aLimit()] }, { now: MAY + DAY / 2 });
      at.records.refuse = 1;
      at.judge(at.now, 120);
      await new Promise(setImmediate);
      expect(at.records.alerts.size).to.equal(0);
      set(step);
      pass(2);
      await new Promise(setImmediate);
      expect(at.records.alerts.size).to.equal(1);
    });

    it(`${by} over midnight and back: no stage of a cap is told twice, and a new one is`, async () => {
      await begin({ caps: [aCap()] }, { now: MAY + (step > 0 ? DAY - HOUR / 2 : HOUR / 2) });
      const usage = (today: number, other: number) => {
        const first = Math.floor((at.now - MAY) / DAY) === 0;
        at.used.amount = first ? today : other;
      };
      const told = (today: number, other: number) => {
        usage(today, other);
        at.engine.tick(at.now);
        return at.told.splice(0);
      };
      expect(told(850, 100)).to.deep.equal(['fired cap-day 80 %']);
      at.now += step;
      expect(told(850, 100)).to.deep.equal(['resolved cap-day 80 %']);
      at.now -= step;
      expect(told(900, 100)).to.deep.equal([]);
      expect(told(1000, 100)).to.deep.equal(['fired cap-day 100 %']);
      at.now += step;
      expect(told(1000, 850)).to.deep.equal(['resolved cap-day 100 %', 'fired cap-day 80 %']);
    });
  }

  it('goes on judging a series whose readings bore the time of a clock that was ahead', async () => {
    await begin({ rules: [aLimit({ onDelaySeconds: 60 }), aLimit({ id: 'mean', value: 90, judged: { by: 'rolling-mean', windowSeconds: 120 } })] });
    const noon: EpochMs = MAY + DAY / 2;
    at.now = noon + 2 * HOUR;
    at.judge(at.now, 120);
    at.now = noon;
    at.judge(noon, 120);
    at.judge(noon - 1000, 10);
    pass(59);
    expect(at.told).to.deep.equal([]);
    pass(1);
    expect(at.told).to.deep.equal(['fired too-much']);
    expect(at.engine.open()[0]?.since).to.equal(noon);
    at.judge(noon + 60_000, 120);
    at.judge(noon + 120_000, 120);
    expect(at.told).to.deep.equal(['fired too-much', 'fired mean']);
    at.judge(noon + 180_000, 50);
    expect(at.told.slice(2)).to.deep.equal(['resolved too-much', 'resolved mean']);
  });

  it('judges no period as ended that a clock which was ahead for a while seemed to end', async () => {
    const asked: EpochMs[] = [];
    await begin(
      { rules: [AT_LEAST], applications: [APPLICATION], entryProfiles: [PROFILE] },
      {
        now: MAY + DAY - HOUR,
        endedUsage: async (_what, from) => {
          asked.push(from);
          return 50;
        },
      },
    );
    pass(2);
    set(2 * HOUR);
    pass(14 * 60);
    set(-2 * HOUR);
    pass(2);
    expect(asked).to.deep.equal([]);
    set(2 * HOUR);
    pass(14 * 60);
    expect(asked).to.deep.equal([]);
    pass(2 * 60);
    expect(asked).to.deep.equal([MAY]);
    await new Promise(setImmediate);
    pass(2);
    expect(at.told).to.deep.equal(['fired kept']);
    set(-2 * HOUR);
    pass(2);
    set(2 * HOUR);
    pass(2);
    expect(at.told).to.deep.equal(['fired kept']);
  });
});
