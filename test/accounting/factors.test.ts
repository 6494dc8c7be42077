import { expect } from 'chai';
import { carbonOf } from '../../accounting/carbon.ts';
import { CARBON_FACTORS } from '../../accounting/carbon-factors.ts';
import { assessEntry } from '../../accounting/entry-assessment.ts';
import { flowOf, topMeters } from '../../accounting/flows.ts';
import type { EnterpriseId, MeterId, ParkId } from '../../model/ids.ts';
import type { MeterKind } from '../../model/meter-kinds.ts';
import type { Application, Criterion, EntryProfile } from '../../model/rules.ts';

describe('carbon', () => {
  const kWh = (amount: number) => [{ carrier: 'electricity', flow: 'consumption', amount }] as const;
  const cases = [
    { name: 'takes the province before the nation', region: '510112', year: 2023, kg: 156.4 },
    { name: 'takes the newest year that is known', region: '510112', year: 2026, kg: 156.4 },
    { name: 'takes the factor of the year itself', region: '510112', year: 2022, kg: 140.4 },
    { name: 'takes the nation where the province is not known', region: '320500', year: 2023, kg: 530.6 },
  ];
  for (const { name, region, year, kg } of cases) it(name, () => expect(carbonOf(kWh(1000), region, year).kg).to.be.closeTo(kg, 1e-9));

  it('is not known, and not zero, before the first factor', () =>
    expect(carbonOf(kWh(1000), '510112', 2018)).to.deep.equal({ kg: null, factors: [], without: ['electricity'] }));
  it('names what it used, with source and year', () => {
    expect(carbonOf(kWh(1), '510112', 2026).factors[0]).to.include({ value: 0.1564, year: 2023, unit: 'kgCO₂/kWh', confidence: 'high' });
  });
  it('names a carrier without a factor and counts the others', () => {
    const found = carbonOf([...kWh(1000), { carrier: 'steam', flow: 'consumption', amount: 5 }], '510112', 2026);
    expect([found.kg, found.without]).to.deep.equal([156.4, ['steam']]);
  });
  it('counts nothing for what is made, stored or given back', () => {
    for (const flow of ['generation', 'export', 'charge', 'discharge'] as const)
      expect(carbonOf([{ carrier: 'electricity', flow, amount: 9 }], '51', 2026).kg).to.equal(null);
  });
  it('has a source for every factor, and no two for one region and year', () => {
    for (const rows of Object.values(CARBON_FACTORS)) {
      expect(new Set(rows.map(({ region, year }) => `${region}/${year}`)).size).to.equal(rows.length);
      for (const row of rows) expect([row.source.length > 5, row.value > 0]).to.deep.equal([true, true]);
    }
  });
});

describe('flows', () => {
  const rows = [
    ['electricity', 'active_energy_import', 'electricity consumption'],
    ['electricity', 'active_energy_export', 'electricity export'],
    ['pv', 'active_energy_export', 'electricity generation'],
    ['battery', 'active_energy_import', 'electricity charge'],
    ['battery', 'active_energy_export', 'electricity discharge'],
    ['electrolyser', 'hydrogen_mass', 'hydrogen generation'],
    ['electrolyser', 'active_energy_import', 'electricity consumption'],
    ['gas', 'gas_volume', 'natural_gas consumption'],
    ['ambient', 'active_energy_import', 'none'],
    ['electricity', 'active_energy_day', 'none'],
  ] as const;
  for (const [kind, quantity, flow] of rows) {
    it(`of ${kind} ${quantity}: ${flow}`, () => {
      const found = flowOf(kind, quantity);
      expect(found === null ? 'none' : `${found.carrier} ${found.flow}`).to.equal(flow);
    });
  }
  const tree = (...meters: [id: string, kind: MeterKind, parent: string | null][]) =>
    meters.map(([id, kind, parent]) => ({ id: id as MeterId, kind, parent: parent as MeterId | null }));
  const top = (meters: ReturnType<typeof tree>, park = meters) =>
    topMeters(meters, { carrier: 'electricity', flow: 'consumption' }, (id) => park.find((meter) => meter.id === id)).map(({ id }) => id);
  it('leave out what a meter above counts, also past one that counts something else', () => {
    const meters = tree(
      ['main', 'electricity', null],
      ['battery', 'battery', 'main'],
      ['sub', 'electricity', 'battery'],
      ['other', 'electricity', 'elsewhere'],
    );
    expect(top(meters)).to.deep.equal(['main', 'other']);
  });
  it('leave out a grandchild', () => {
    expect(top(tree(['main', 'electricity', null], ['hall', 'electricity', 'main'], ['press', 'electricity', 'hall']))).to.deep.equal(['main']);
  });
  it('keep a meter below one of another carrier', () => {
    expect(top(tree(['gas', 'gas', null], ['blower', 'electricity', 'gas']))).to.deep.equal(['blower']);
  });
  it('keep a meter whose parent is another owner’s, as nothing above it is in the owner’s total', () => {
    const [main, own] = tree(['main', 'electricity', null], ['own', 'electricity', 'main']);
    if (main === undefined || own === undefined) throw new Error('two meters were made');
    expect(top([own], [main, own])).to.deep.equal(['own']);
  });
  it('leave out a meter below the owner’s own, also with another owner’s in between', () => {
    const park = tree(['own', 'electricity', null], ['tenant', 'electricity', 'own'], ['back', 'electricity', 'tenant']);
    expect(
      top(
        park.filter(({ id }) => id !== 'tenant'),
        park,
      ),
    ).to.deep.equal(['own']);
  });
  it('keep a generator below a meter of consumption', () => {
    const meters = tree(['main', 'electricity', null], ['roof', 'pv', 'main']);
    const generating = topMeters(meters, { carrier: 'electricity', flow: 'generation' }, (id) => meters.find((meter) => meter.id === id));
    expect(generating.map(({ id }) => id)).to.deep.equal(['roof']);
  });
});

describe('the assessment of an application', () => {
  const criterion = (id: string, over: Partial<Criterion> = {}): Criterion => ({
    id,
    name: id,
    unit: 't',
    side: 'at-most',
    threshold: 10,
    mandatory: true,
    ...over,
  });
  const outcome = (criteria: Criterion[], declared: Record<string, number>) => {
    const profile: EntryProfile = { id: 'p', park: 'p1' as ParkId, name: 'p', version: 1, criteria };
    const application: Application = { id: 'a', park: 'p1' as ParkId, enterprise: 'e' as EnterpriseId, profile: 'p', declared };
    return assessEntry(profile, application).outcome;
  };
  const cases = [
    { name: 'is met at the threshold itself', got: () => outcome([criterion('a'), criterion('b', { side: 'at-least' })], { a: 10, b: 10 }), want: 'met' },
    { name: 'refuses when a mandatory criterion fails', got: () => outcome([criterion('a')], { a: 10.1 }), want: 'refused' },
    {
      name: 'is conditional when only another one fails',
      got: () => outcome([criterion('a'), criterion('b', { mandatory: false, side: 'at-least' })], { a: 1, b: 9 }),
      want: 'conditional',
    },
    { name: 'counts what was not declared as not met, never as zero', got: () => outcome([criterion('a')], {}), want: 'refused' },
    { name: 'takes nothing from the prototype for declared', got: () => outcome([criterion('constructor')], {}), want: 'refused' },
  ];
  for (const { name, got, want } of cases) it(name, () => expect(got()).to.equal(want));
});
