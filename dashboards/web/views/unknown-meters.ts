import { METER_KINDS, type MeterKind } from '../../../model/meter-kinds.ts';
import type { QuantityName } from '../../../model/quantities.ts';
import type { Language } from '../i18n/text.ts';
import type { UnknownMeter } from '../rest.ts';
import { quantityName } from './meters.ts';

/** What a person fills in to register an unknown meter; the rest is known. */
export interface Registration {
  name: string;
  kind: MeterKind;
  /** Empty: the park itself. */
  enterprise: string;
  multiplier: number;
  intervalSeconds: number;
}

/** Report intervals that meters are set to, in seconds. */
const USUAL = [1, 5, 10, 15, 30, 60, 300, 600, 900, 1800, 3600, 86_400] as const;

/** What the messages seen so far suggest: the kind of what they measure, the usual interval nearest to theirs. */
export function suggestion({ meter, suggestedKind, firstSeen, lastSeen, count }: UnknownMeter): Registration {
  const kind = METER_KINDS.find((each) => each === suggestedKind) ?? 'electricity';
  const seen = count > 1 ? (Date.parse(lastSeen) - Date.parse(firstSeen)) / 1000 / (count - 1) : 60;
  const distance = (interval: number) => Math.abs(Math.log(interval / Math.max(seen, 0.5)));
  const intervalSeconds = USUAL.reduce((best, each) => (distance(each) < distance(best) ? each : best), 60);
  return { name: meter, kind, enterprise: '', multiplier: 1, intervalSeconds };
}

/** What a value is called in the message, and what it probably is. */
export function measured(language: Language, name: string, quantity: QuantityName | null): string {
  if (quantity === null) return name;
  const known = quantityName(language, quantity);
  return name === quantity ? known : `${known} (${name})`;
}

/** The record as the API takes it; its id is in the path. */
export const recordOf = ({ park, gateway }: UnknownMeter, { enterprise, ...filled }: Registration) => ({
  ...filled,
  park,
  gateway,
  parent: null,
  enterprise: enterprise === '' ? null : enterprise,
});
