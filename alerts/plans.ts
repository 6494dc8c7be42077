import { CARRIER_UNITS } from '../accounting/flows.ts';
import { quantityOf } from '../model/quantities.ts';
import type { RegisteredMeter } from '../model/registry.ts';
import type { Cap, EntryRule, LimitRule } from '../model/rules.ts';
import { JOINT, type PeriodPlan, type SeriesRule } from './instances.ts';
import type { AlertDirectory, AlertEngineDeps, RuleBook } from './port.ts';
import { entryBound } from './rules/entry.ts';

/** A rule, and the meters whose series it watches. */
export interface SeriesPlan {
  readonly rule: SeriesRule;
  readonly meters: readonly RegisteredMeter[];
}

export interface Plans {
  readonly series: readonly SeriesPlan[];
  readonly periods: readonly PeriodPlan[];
}

/** Lays the rules over the registry's meters. A rule that cannot be judged is named in the log and left out. */
export function planAll(book: RuleBook, directory: AlertDirectory, logger: Pick<AlertEngineDeps['logger'], 'warn'>): Plans {
  const series: SeriesPlan[] = [];
  const periods: PeriodPlan[] = [];
  for (const rule of book.rules) {
    if (!rule.enabled) continue;
    if (rule.type === 'limit') series.push(limitPlan(rule, directory));
    else {
      const plans = entryPlans(rule, book, directory);
      if (typeof plans === 'string') logger.warn({ park: rule.park, rule: rule.id }, `entry rule watches nothing: ${plans}`);
      else {
        series.push(...plans.series);
        periods.push(...plans.periods);
      }
    }
  }
  for (const cap of book.caps) if (cap.enabled) periods.push(...capPlans(cap, directory));
  return { series, periods };
}

const keyOf = (...parts: readonly string[]): string => parts.join(JOINT);

function limitPlan(rule: LimitRule, directory: AlertDirectory): SeriesPlan {
  const { subject } = rule;
  const meters =
    'meter' in subject
      ? [directory.meter(subject.meter)].filter((meter): meter is RegisteredMeter => meter?.park === rule.park)
      : directory.metersOf(rule.park).filter(({ kind }) => kind === subject.kind);
  const { code, unit } = quantityOf(rule.quantity);
  const bound = {
    above: rule.side === 'above',
    value: rule.value,
    deadband: rule.deadband,
    onDelayMs: rule.onDelaySeconds * 1000,
    offDelayMs: rule.offDelaySeconds * 1000,
  };
  return {
    meters,
    rule: {
      park: rule.park,
      rule: rule.id,
      ruleType: 'limit',
      name: rule.name,
      nameEn: rule.nameEn,
      level: rule.level,
      quantity: code,
      unit,
      bound,
      windowMs: rule.judged.by === 'instant' ? null : rule.judged.windowSeconds * 1000,
    },
  };
}

function entryPlans(rule: EntryRule, book: RuleBook, directory: AlertDirectory): Plans | string {
  const application = book.applications.find(({ park, id }) => park === rule.park && id === rule.application);
  const profile = book.entryProfiles.find(({ park, id }) => park === rule.park && id === application?.profile);
  const found = entryBound(rule, directory.enterprise(rule.park, rule.enterprise), application, profile);
  if (typeof found === 'string') return found;
  const { actual, above, bound: value, unit } = found;
  const label = { park: rule.park, rule: rule.id, ruleType: 'entry', name: rule.name, nameEn: rule.nameEn, unit } as const;
  if (actual.of === 'reading') {
    const { code } = quantityOf(actual.quantity);
    const bound = { above, value, deadband: 0, onDelayMs: 0, offDelayMs: 0 };
    const watched: SeriesRule = { ...label, level: rule.level, quantity: code, bound, windowMs: null };
    return { periods: [], series: [{ rule: watched, meters: directory.metersOf(rule.park, rule.enterprise) }] };
  }
  const park = directory.park(rule.park);
  if (park === undefined) return `park "${rule.park}" is not registered`;
  const { carrier, flow, period } = actual;
  const plan: PeriodPlan = {
    ...label,
    enterprise: rule.enterprise,
    key: keyOf('entry', rule.park, rule.id),
    carrier,
    flow,
    period,
    zone: park.timeZone,
    bound: { amount: value, percents: above ? [100] : [], reachedAt: 'beyond' },
    levels: new Map([[100, rule.level]]),
    judgedAtEnd: !above,
  };
  return { series: [], periods: [plan] };
}

function capPlans(cap: Cap, directory: AlertDirectory): PeriodPlan[] {
  const park = directory.park(cap.park);
  if (park === undefined) return [];
  const stages = [...cap.stages].sort((a, b) => a.percent - b.percent);
  return [
    {
      key: keyOf('cap', cap.park, cap.id),
      park: cap.park,
      rule: cap.id,
      ruleType: 'cap',
      name: cap.name,
      nameEn: cap.nameEn,
      enterprise: cap.enterprise,
      carrier: cap.carrier,
      flow: cap.flow,
      period: cap.period,
      zone: park.timeZone,
      unit: CARRIER_UNITS[cap.carrier],
      bound: { amount: cap.amount, percents: stages.map(({ percent }) => percent), reachedAt: 'amount' },
      levels: new Map(stages.map(({ percent, level }) => [percent, level])),
      judgedAtEnd: false,
    },
  ];
}
