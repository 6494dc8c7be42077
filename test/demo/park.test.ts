import { expect } from 'chai';
import type { TSchema } from 'typebox';
import { METERS } from '../../demo/meters.ts';
import { DEMO_PARK, type ParkDocument } from '../../demo/park.ts';
import { QUANTITIES } from '../../model/quantities.ts';
import { EnterpriseSchema, GatewaySchema, MeterSchema, ParkSchema } from '../../model/registry.ts';
import { ApplicationSchema, CapSchema, type Criterion, EntryProfileSchema, RuleSchema } from '../../model/rules.ts';
import { checkOf } from '../../model/schema.ts';
import { conversion } from '../../model/units.ts';

const SCHEMAS: Record<keyof ParkDocument, TSchema> = {
  parks: ParkSchema,
  enterprises: EnterpriseSchema,
  gateways: GatewaySchema,
  meters: MeterSchema,
  rules: RuleSchema,
  caps: CapSchema,
  entryProfiles: EntryProfileSchema,
  applications: ApplicationSchema,
};

const ids = (records: readonly { readonly id: string }[]): Set<string> => new Set(records.map((record) => record.id));

describe('the demonstration park as a registry document', () => {
  for (const [list, schema] of Object.entries(SCHEMAS)) {
    it(`has ${list} that fit their schema, each with an id of its own`, () => {
      const records = DEMO_PARK[list as keyof ParkDocument];
      const check = checkOf(schema);
      const faults = records.flatMap((record) => check(record).map((fault) => `${record.id} ${fault.path}: ${fault.message}`));
      expect(faults).to.deep.equal([]);
      expect(ids(records).size).to.equal(records.length);
    });
  }

  it('has about 12 enterprises and 120 meters of every kind', () => {
    expect(DEMO_PARK.enterprises.length).to.be.within(12, 16);
    expect(METERS.length).to.be.within(115, 125);
    expect(new Set(METERS.map((meter) => meter.kind)).size).to.equal(14);
  });

  it('shows every stage of entry', () => {
    expect([...new Set(DEMO_PARK.enterprises.map((each) => each.stage))].sort()).to.deep.equal([
      'admitted',
      'applicant',
      'conditional',
      'exited',
      'on-notice',
      'restricted',
    ]);
  });

  it('names only what it holds, parents before their children', () => {
    const { enterprises, gateways, applications, entryProfiles, rules, caps, parks } = DEMO_PARK;
    const seen = new Set<string>();
    for (const meter of METERS) {
      if (meter.parent !== null) expect(seen, `parent of ${meter.id}`).to.include(meter.parent);
      if (meter.enterprise !== null) expect(ids(enterprises), meter.id).to.include(meter.enterprise);
      expect(ids(gateways), meter.id).to.include(meter.gateway);
      seen.add(meter.id);
    }
    const park = parks[0]?.id;
    for (const owned of [...enterprises, ...gateways, ...METERS, ...rules, ...caps, ...entryProfiles, ...applications]) {
      expect(owned.park, owned.id).to.equal(park);
    }
    for (const cap of caps) if (cap.enterprise !== null) expect(ids(enterprises), cap.id).to.include(cap.enterprise);
    for (const rule of rules) {
      if (rule.type === 'limit') {
        if ('meter' in rule.subject) expect(seen, rule.id).to.include(rule.subject.meter);
        continue;
      }
      const application = applications.find((each) => each.id === rule.application);
      expect(application?.enterprise, rule.id).to.equal(rule.enterprise);
      expect(Object.keys(application?.declared ?? {}), rule.id).to.include(rule.criterion);
      expect(entryProfiles[0]?.criteria.find((each) => each.id === rule.criterion)?.actual, `${rule.id} has something to watch`).to.not.equal(undefined);
    }
    for (const application of applications) {
      expect(ids(enterprises), application.id).to.include(application.enterprise);
      const criteria = ids(entryProfiles.find((each) => each.id === application.profile)?.criteria ?? []);
      for (const criterion of Object.keys(application.declared)) expect(criteria, application.id).to.include(criterion);
    }
  });

  it('gives each limit and cap the source of its figure', () => {
    for (const rule of [...DEMO_PARK.rules, ...DEMO_PARK.caps]) expect(rule.source?.text, rule.id).to.be.a('string');
  });

  it('registers only units that can be converted', () => {
    for (const meter of METERS) {
      for (const [name, unit] of Object.entries(meter.units ?? {})) {
        const quantity = QUANTITIES.find((each) => each.name === name);
        expect(quantity === undefined ? null : conversion(unit, quantity.unit), `${meter.id} ${name}`).to.not.equal(null);
      }
    }
  });

  it('holds applications that pass, that pass on conditions and that are refused', () => {
    const criteria = DEMO_PARK.entryProfiles[0]?.criteria ?? [];
    const meets = (criterion: Criterion, value: number | undefined): boolean =>
      value !== undefined && (criterion.side === 'at-most' ? value <= criterion.threshold : value >= criterion.threshold);
    const verdicts = DEMO_PARK.applications.map(({ declared }) => {
      const missed = criteria.filter((criterion) => !meets(criterion, declared[criterion.id]));
      return missed.some((criterion) => criterion.mandatory) ? 'refused' : missed.length > 0 ? 'conditional' : 'pass';
    });
    const count = (verdict: string): number => verdicts.filter((each) => each === verdict).length;
    expect({ pass: count('pass'), conditional: count('conditional'), refused: count('refused') }).to.deep.equal({ pass: 3, conditional: 4, refused: 2 });
  });
});
