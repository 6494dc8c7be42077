import type { Criterion, EntryProfile } from '../../../model/rules.ts';
import { nameIn, wordFor } from '../i18n/text.ts';
import type { Assessment } from '../rest.ts';
import type { Reader } from './reader.ts';

export interface CriterionRow {
  readonly id: string;
  readonly name: string;
  readonly required: string;
  readonly kind: string;
  readonly source: string;
}

export interface JudgedRow extends CriterionRow {
  readonly declared: string;
  readonly met: boolean;
  readonly result: string;
}

export const criterionRows = (profile: EntryProfile, reader: Reader): CriterionRow[] => profile.criteria.map((criterion) => criterionRow(criterion, reader));

/** The assessment's judgement beside what the profile says of each criterion. */
export function judgedRows(assessment: Assessment, profile: EntryProfile | undefined, reader: Reader): JudgedRow[] {
  const { text, format } = reader;
  return assessment.criteria.map((judged) => {
    const known = profile?.criteria.find((criterion) => criterion.id === judged.criterion);
    const row = criterionRow(known ?? { ...judged, id: judged.criterion }, reader);
    return {
      ...row,
      declared: judged.declared === null ? text('entry.undeclared') : format.exact(judged.declared, judged.unit),
      met: judged.met,
      result: text(judged.met ? 'entry.met' : 'entry.notmet'),
    };
  });
}

function criterionRow(
  criterion: Pick<Criterion, 'id' | 'name' | 'unit' | 'side' | 'threshold' | 'mandatory'> & Partial<Criterion>,
  reader: Reader,
): CriterionRow {
  const { text, format, language } = reader;
  const { source } = criterion;
  return {
    id: criterion.id,
    name: nameIn(language, criterion),
    required: text(`entry.${criterion.side}`, { value: format.exact(criterion.threshold, criterion.unit) }),
    kind: text(criterion.mandatory ? 'entry.mandatory' : 'entry.conditional'),
    source:
      source === undefined
        ? ''
        : source.confidence === 'read'
          ? source.text
          : text('entry.source.note', { source: source.text, note: wordFor(text, 'confidence', source.confidence) }),
  };
}
