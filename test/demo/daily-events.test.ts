import { expect } from 'chai';
import { meterId } from '../../demo/meters.ts';
import { dayStart, HOUR_MS } from '../../demo/physics/calendar.ts';
import { Plant } from '../../demo/plant.ts';
import { CAPS, RULES } from '../../demo/rules.ts';
import type { QuantityName } from '../../model/quantities.ts';

const FIVE_MINUTES = 300_000;
const DAYS = Array.from({ length: 28 }, (_, at) => 60 + at);

describe('a day of the demonstration park', () => {
  const plant = new Plant(1);
  const bound = (id: string): number => {
    const rule = RULES.find((each) => each.id === id);
    if (rule?.type !== 'limit') throw new Error(`no limit ${id}`);
    return rule.value;
  };
  /** Runs of five-minute readings above `over`, in minutes. */
  const runsAbove = (meter: string, quantity: QuantityName, over: number, day: number, fromHour = 0, toHour = 24): number[] => {
    const runs: number[] = [];
    let length = 0;
    for (let ts = dayStart(day) + fromHour * HOUR_MS; ts <= dayStart(day) + toHour * HOUR_MS; ts += FIVE_MINUTES) {
      const above = (plant.read(meterId(meter), ts)[quantity] ?? 0) > over;
      if (above) length += 5;
      if (length > 0 && (!above || ts === dayStart(day) + toHour * HOUR_MS)) {
        runs.push(length);
        length = 0;
      }
    }
    return runs;
  };
  const used = (meter: string, day: number, hour: number): number => {
    const flow = plant.flows.get(meterId(meter));
    return (flow?.total(dayStart(day) + hour * HOUR_MS) ?? 0) - (flow?.total(dayStart(day)) ?? 0);
  };
  const cap = (id: string): number => CAPS.find((each) => each.id === id)?.amount ?? Number.NaN;

  it('takes the kiln stack’s NOₓ over its limit twice, for about twenty minutes', () => {
    for (const day of DAYS) {
      const runs = runsAbove('lq-stack1', 'stack_nox', bound('stack-nox-warning'), day);
      expect(runs, `day ${day}`).to.have.length(2);
      for (const run of runs) expect(run, `day ${day}`).to.be.within(15, 25);
    }
  });

  it('takes the outfall’s COD over its limit once', () => {
    for (const day of DAYS) expect(runsAbove('lq-out1', 'cod', bound('outfall-cod'), day), `day ${day}`).to.have.length(1);
  });

  it('is loud once in the night at the north boundary and at no other boundary', () => {
    for (const day of DAYS) {
      expect(runsAbove('lq-n4', 'sound_level', bound('noise-north') + 1, day, 22, 29).length, `night of day ${day}`).to.be.at.least(1);
      expect(runsAbove('lq-n4', 'sound_level', bound('noise-north'), day, 6, 22), `day ${day}`).to.have.length(0);
      for (const point of ['lq-n1', 'lq-n2', 'lq-n3']) expect(runsAbove(point, 'sound_level', bound('noise-day'), day), point).to.have.length(0);
    }
  });

  it('keeps everything else of stacks and outfall within its limits', () => {
    for (const rule of RULES) {
      if (rule.type !== 'limit' || !('kind' in rule.subject)) continue;
      if (!['stack', 'outfall'].includes(rule.subject.kind) || ['stack_nox', 'cod'].includes(rule.quantity) || rule.side === 'below') continue;
      const meters = rule.subject.kind === 'stack' ? ['lq-stack1', 'lq-stack2'] : ['lq-out1'];
      for (const meter of meters) for (const day of DAYS.slice(0, 7)) expect(runsAbove(meter, rule.quantity, rule.value, day), rule.id).to.have.length(0);
    }
  });

  it('nears the battery works’ electricity cap and the kilns’ gas cap every evening without passing them', () => {
    for (const day of DAYS) {
      for (const [id, meter] of [
        ['cap-lixin-electricity-day', 'lq-e03-main'],
        ['cap-ciyun-gas-day', 'lq-e09-g'],
      ] as const) {
        expect(used(meter, day, 24) / cap(id), `${id} on day ${day}`).to.be.within(0.8, 0.99);
        expect(used(meter, day, 16) / cap(id), `${id} on day ${day}`).to.be.below(0.8);
      }
    }
  });

  it('passes the dye works’ water quota on some days and not on others', () => {
    const passed = DAYS.filter((day) => used('lq-e06-w', day, 24) > cap('cap-jinlan-water-day'));
    expect(passed.length).to.be.within(4, 20);
    expect(Math.min(...DAYS.map((day) => used('lq-e06-w', day, 24) / cap('cap-jinlan-water-day')))).to.be.above(0.8);
  });

  it('reaches nine tenths of the machining works’ electricity by the end of a working day', () => {
    // Day 61 is Tuesday 2026-03-03.
    expect(used('lq-e10-main', 61, 19) / cap('cap-jingrui-electricity-day')).to.be.within(0.75, 0.95);
  });
});
