import type { Application, EntryProfile } from '../model/rules.ts';

/** One criterion of a profile held against what the applicant declared. */
export interface CriterionResult {
  readonly criterion: string;
  readonly name: string;
  readonly unit: string;
  readonly side: 'at-most' | 'at-least';
  readonly threshold: number;
  readonly mandatory: boolean;
  /** null: not declared, which counts as not met. */
  readonly declared: number | null;
  readonly met: boolean;
}

export interface EntryAssessment {
  /** `refused`: a mandatory criterion is not met; `conditional`: only others are not met. The decision itself is the committee's. */
  readonly outcome: 'met' | 'conditional' | 'refused';
  readonly criteria: readonly CriterionResult[];
}

/** Judges an application's declared values criterion by criterion, in the profile's order. */
export function assessEntry(profile: EntryProfile, application: Application): EntryAssessment {
  const criteria = profile.criteria.map(({ id, name, unit, side, threshold, mandatory }): CriterionResult => {
    const declared = Object.hasOwn(application.declared, id) ? (application.declared[id] as number) : null;
    const met = declared !== null && (side === 'at-most' ? declared <= threshold : declared >= threshold);
    return { criterion: id, name, unit, side, threshold, mandatory, declared, met };
  });
  const failed = criteria.filter((criterion) => !criterion.met);
  const outcome = failed.length === 0 ? 'met' : failed.some((criterion) => criterion.mandatory) ? 'refused' : 'conditional';
  return { outcome, criteria };
}
