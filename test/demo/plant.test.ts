import { expect } from 'chai';
import { METERS, meterId } from '../../demo/meters.ts';
import { DAY_MS, dayStart, EPOCH, HOUR_MS } from '../../demo/physics/calendar.ts';
import { SOC_MAX, SOC_MIN } from '../../demo/physics/renewables.ts';
import { clearSky, sinElevation } from '../../demo/physics/weather.ts';
import { LOSS_KW, LOSS_SHARE, Plant, type Values } from '../../demo/plant.ts';
import { BATTERIES, ENTERPRISES, PARK_PV } from '../../demo/roster.ts';
import type { MeterId } from '../../model/ids.ts';
import { findQuantity, type QuantityName } from '../../model/quantities.ts';

const SEED = 7;
// Early in the plant's life: few days to sum up. It holds a Spring Festival in days 46 to 52.
const DAY = 44;
const minutes = (from: number, to: number, step: number): number[] =>
  Array.from({ length: Math.ceil((to - from) / (step * 60_000)) }, (_, at) => from + at * step * 60_000);

function value(values: Values, name: QuantityName): number {
  const found = values[name];
  if (found === undefined) throw new Error(`${name} is absent`);
  return found;
}

describe('the demonstration plant', () => {
  const plant = new Plant(SEED);
  const power = (id: string, ts: number): number => plant.flows.get(meterId(id))?.at(ts) ?? Number.NaN;
  const week = minutes(dayStart(DAY), dayStart(DAY + 7), 20);

  it('reports finite values of the catalogue within their range for every meter', () => {
    for (const meter of METERS) {
      for (const ts of minutes(dayStart(DAY), dayStart(DAY + 2), 97)) {
        const values = plant.read(meter.id, ts);
        expect(Object.keys(values), meter.id).to.not.have.length(0);
        for (const [name, reading] of Object.entries(values)) {
          const quantity = findQuantity(name);
          expect(quantity, `${meter.id} ${name}`).to.not.equal(undefined);
          const scale = meter.units?.[name] === 'W' ? 1000 : 1;
          expect(reading / scale, `${meter.id} ${name}`).to.be.within(quantity?.range[0] ?? 0, quantity?.range[1] ?? 0);
        }
      }
    }
  });

  it('answers the same for the same seed and time, whatever was asked before', () => {
    const other = new Plant(SEED);
    const instants = [dayStart(DAY + 3) + 41_003_000, dayStart(DAY) + 1000, dayStart(DAY + 5) + 77_777_000];
    const asked = (which: Plant): Values[] => instants.flatMap((ts) => METERS.map((meter) => which.read(meter.id, ts)));
    for (const ts of instants.toReversed()) for (const meter of METERS) other.read(meter.id, ts);
    expect(asked(plant)).to.deep.equal(asked(other));
  });

  it('answers differently for another seed', () => {
    expect(new Plant(SEED + 1).read(meterId('lq-in1'), dayStart(3))).to.not.deep.equal(plant.read(meterId('lq-in1'), dayStart(3)));
  });

  it('refuses an instant before its registers began and a meter that is not its own', () => {
    expect(() => plant.read(meterId('lq-in1'), EPOCH - 1)).to.throw('begins at 2026-01-01');
    expect(() => plant.read(meterId('nobody'), EPOCH)).to.throw('nobody');
  });

  it('never lets a register fall, over a week in steps and over minutes in seconds', () => {
    const instants = [...week, ...Array.from({ length: 600 }, (_, at) => dayStart(DAY + 8) + 43_200_000 + at * 1000)];
    for (const meter of METERS) {
      const before = new Map<string, number>();
      for (const ts of instants) {
        for (const [name, reading] of Object.entries(plant.read(meter.id, ts))) {
          if (findQuantity(name)?.kind !== 'counter') continue;
          expect(reading, `${meter.id} ${name} at ${new Date(ts).toISOString()}`).to.be.at.least(before.get(name) ?? 0);
          before.set(name, reading);
        }
      }
    }
  });

  // Whole hours end at knots; the others begin and end between two.
  for (const [title, offset, span] of [
    ['over an hour', 0, HOUR_MS],
    ['over a hundred seconds within five minutes', 137_000, 100_000],
    ['over ten seconds, between two readings', 251_000, 10_000],
  ] as const) {
    it(`counts as energy what it reports as power, ${title}`, () => {
      const from = dayStart(DAY + 1) + 8 * HOUR_MS + offset;
      const step = span / 2000;
      for (const [id, flow] of plant.flows) {
        let sum = 0;
        for (let at = 0; at < 2000; at++) sum += (flow.at(from + (at + 0.5) * step) * step) / HOUR_MS;
        const counted = flow.total(from + span) - flow.total(from);
        expect(counted, id).to.be.closeTo(sum, Math.abs(sum) * 1e-4 + 1e-6);
      }
    });
  }

  it('shows the energy of the register in the units that the meter is registered with', () => {
    const meter = METERS.find((each) => each.multiplier > 1);
    if (meter === undefined) throw new Error('no meter with a multiplier');
    const flow = plant.flows.get(meter.id);
    const [from, to] = [dayStart(DAY), dayStart(DAY + 1)];
    const shownRise = value(plant.read(meter.id, to), 'active_energy_import') - value(plant.read(meter.id, from), 'active_energy_import');
    expect(shownRise * meter.multiplier).to.be.closeTo((flow?.total(to) ?? 0) - (flow?.total(from) ?? 0), meter.multiplier * 1e-3);
  });

  it('balances: an incomer sees what is below it and its losses', () => {
    for (const incomer of ['lq-in1', 'lq-in2']) {
      const children = METERS.filter((meter) => meter.parent === incomer);
      for (const ts of week) {
        const below = children.reduce((sum, child) => sum + (child.kind === 'pv' ? -1 : 1) * power(child.id, ts), 0);
        expect(power(incomer, ts), incomer).to.be.closeTo(below * (1 + LOSS_SHARE) + LOSS_KW, 1e-6);
        expect(power(incomer, ts)).to.be.above(0);
      }
    }
  });

  it('lets no enterprise feed back through its main meter, and none draw less than its sub-meters without its inverter', () => {
    for (const owner of ENTERPRISES) {
      const main = meterId(`${owner.code}-main`);
      const subs = METERS.filter((meter) => meter.parent === main);
      for (const ts of week) {
        expect(power(main, ts), main).to.be.above(0);
        const seen = subs.reduce((sum, sub) => sum + (sub.kind === 'pv' ? -1 : 1) * power(sub.id, ts), 0);
        expect(power(main, ts), main).to.be.at.least(seen);
      }
    }
  });

  it('reports voltages, currents and power factor that agree with the power', () => {
    const mains = METERS.filter((meter) => plant.read(meter.id, week[0] as number).current_a !== undefined);
    expect(mains).to.have.length(14);
    for (const meter of mains) {
      for (const ts of week.slice(0, 100)) {
        const read = (name: QuantityName): number => value(plant.read(meter.id, ts), name);
        const apparent = (read('voltage_a') * read('current_a') + read('voltage_b') * read('current_b') + read('voltage_c') * read('current_c')) / 1000;
        expect(apparent * read('power_factor'), meter.id).to.be.closeTo(read('active_power'), read('active_power') * 0.003);
        expect(Math.hypot(read('active_power'), read('reactive_power')), meter.id).to.be.closeTo(apparent, apparent * 0.003);
      }
    }
  });

  it('has no sun at night, and inverters that stay at or under their rated power by day', () => {
    let best = 0;
    for (const ts of minutes(dayStart(150), dayStart(153), 7)) {
      const dark = sinElevation(ts) < Math.sin((-2.5 * Math.PI) / 180);
      for (const inverter of PARK_PV) {
        const kw = power(inverter.id, ts);
        if (dark) expect(kw).to.equal(0);
        expect(kw).to.be.within(0, inverter.ratedKw);
        best = Math.max(best, kw / inverter.ratedKw);
      }
    }
    expect(best).to.be.above(0.5);
  });

  it('puts the sun highest near the park’s own noon, and higher in June than in December', () => {
    const noonOf = (day: number): number =>
      minutes(dayStart(day), dayStart(day + 1), 1).reduce((top, ts) => (clearSky(ts) > clearSky(top) ? ts : top), dayStart(day));
    const june = noonOf(171);
    // Longitude 104° in the zone of 120°: the sun stands highest about an hour after twelve.
    expect((june - dayStart(171)) / HOUR_MS).to.be.within(12.9, 13.2);
    expect(clearSky(june)).to.be.within(950, 1050);
    expect(clearSky(noonOf(354))).to.be.within(450, 650);
  });

  it('keeps the batteries within their limits, charges at noon and discharges in the evening', () => {
    for (const battery of BATTERIES) {
      for (const ts of week) {
        const values = plant.read(battery.id as MeterId, ts);
        expect(value(values, 'state_of_charge'), battery.id).to.be.within(SOC_MIN - 0.01, SOC_MAX + 0.01);
        expect(Math.abs(value(values, 'active_power'))).to.be.at.most(battery.ratedKw);
      }
      for (const day of [DAY, DAY + 1, DAY + 2]) {
        expect(power(battery.id, dayStart(day) + 12.5 * HOUR_MS)).to.be.above(0);
        expect(power(battery.id, dayStart(day) + 19.5 * HOUR_MS)).to.be.below(0);
        expect(power(battery.id, dayStart(day) + 3 * HOUR_MS)).to.equal(0);
      }
      const [first, last] = [plant.read(battery.id as MeterId, dayStart(DAY)), plant.read(battery.id as MeterId, dayStart(DAY + 7))];
      const given = value(last, 'active_energy_export') - value(first, 'active_energy_export');
      const taken = value(last, 'active_energy_import') - value(first, 'active_energy_import');
      expect(given / taken).to.be.closeTo(0.95 * 0.95, 0.001);
    }
  });

  it('makes hydrogen by day alone', () => {
    expect(power('lq-h2', dayStart(DAY) + HOUR_MS)).to.equal(0);
    const days = [0, 1, 2, 3, 4, 5, 6].map((at) => plant.flows.get(meterId('lq-h2'))?.total(dayStart(DAY + at) + DAY_MS - 1) ?? 0);
    expect(days.at(-1)).to.be.above(days[0] ?? 0);
  });

  it('works less on Sundays and in the Spring Festival where work is done in shifts', () => {
    const usage = (id: string, day: number): number => {
      const flow = plant.flows.get(meterId(id));
      return (flow?.total(dayStart(day + 1)) ?? 0) - (flow?.total(dayStart(day)) ?? 0);
    };
    // Day 41 is Wednesday 2026-02-11, day 45 a Sunday, day 49 within the festival.
    expect(usage('lq-e10-main', 45)).to.be.below(0.4 * usage('lq-e10-main', 41));
    expect(usage('lq-e10-main', 49)).to.be.below(0.4 * usage('lq-e10-main', 41));
    expect(usage('lq-e08-main', 49)).to.be.above(0.85 * usage('lq-e08-main', 41));
  });

  it('has its ozone in the afternoon and its fine dust in the night', () => {
    const mean = (name: QuantityName, from: number, to: number): number => {
      const readings = Array.from({ length: 30 }, (_, day) => minutes(dayStart(100 + day) + from * HOUR_MS, dayStart(100 + day) + to * HOUR_MS, 30))
        .flat()
        .map((ts) => value(plant.read(meterId('lq-air'), ts), name));
      return readings.reduce((sum, each) => sum + each, 0) / readings.length;
    };
    expect(mean('o3', 14, 17)).to.be.above(1.5 * mean('o3', 2, 5));
    expect(mean('pm2_5', 0, 4)).to.be.above(1.2 * mean('pm2_5', 12, 16));
  });
});
