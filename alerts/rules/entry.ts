import { CARRIER_UNITS } from '../../accounting/flows.ts';
import { quantityOf } from '../../model/quantities.ts';
import type { Enterprise } from '../../model/registry.ts';
import type { Application, Criterion, EntryProfile, EntryRule } from '../../model/rules.ts';
import { conversion } from '../../model/units.ts';

/** What an enterprise declared, as a bound on what it does. */
export interface EntryBound {
  readonly actual: NonNullable<Criterion['actual']>;
  /** True: the actual may not be above the bound; false: not below. */
  readonly above: boolean;
  /** Declared value with the tolerance, in the unit of the actual. */
  readonly bound: number;
  readonly unit: string;
}

/** The bound that a rule watches, or the reason why it watches nothing. */
export function entryBound(
  rule: EntryRule,
  enterprise: Enterprise | undefined,
  application: Application | undefined,
  profile: EntryProfile | undefined,
): EntryBound | string {
  if (enterprise === undefined) return `enterprise "${rule.enterprise}" is not registered`;
  if (enterprise.stage === 'applicant' || enterprise.stage === 'exited') return `enterprise "${enterprise.id}" is not in the park (${enterprise.stage})`;
  if (application === undefined) return `application "${rule.application}" does not exist`;
  if (application.enterprise !== rule.enterprise) return `application "${application.id}" is of enterprise "${application.enterprise}"`;
  const criterion = profile?.criteria.find(({ id }) => id === rule.criterion);
  if (criterion === undefined) return `criterion "${rule.criterion}" is not in profile "${application.profile}"`;
  const { actual } = criterion;
  if (actual === undefined) return `criterion "${criterion.id}" does not say what is compared`;
  const declared = Object.hasOwn(application.declared, criterion.id) ? application.declared[criterion.id] : undefined;
  if (declared === undefined) return `application "${application.id}" does not declare "${criterion.id}"`;
  const unit = actual.of === 'usage' ? CARRIER_UNITS[actual.carrier] : quantityOf(actual.quantity).unit;
  // The units of the carriers are units of the catalogue.
  const declaredUnit = actual.of === 'usage' ? withoutPeriod(criterion.unit, actual.period) : criterion.unit;
  const convert = conversion(declaredUnit, unit as Parameters<typeof conversion>[1]);
  if (convert === null) return `criterion "${criterion.id}" is in ${criterion.unit}, which cannot be compared with ${unit}`;
  const above = criterion.side === 'at-most';
  const slack = (Math.abs(declared) * rule.tolerancePercent) / 100;
  return { actual, above, unit, bound: (above ? declared + slack : declared - slack) * convert.factor + convert.offset };
}

const PER_PERIOD = { day: ['/d', '/day', '/日'], month: ['/month', '/月'], year: ['/a', '/year', '/年'] } as const;

/** `kWh/d` and `kWh` say the same of a day's usage; `kWh/month` of a day's usage says something else and stays as it is. */
function withoutPeriod(unit: string, period: keyof typeof PER_PERIOD): string {
  const suffix = PER_PERIOD[period].find((each) => unit.endsWith(each));
  return suffix === undefined ? unit : unit.slice(0, -suffix.length);
}
