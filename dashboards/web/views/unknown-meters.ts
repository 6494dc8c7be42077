import { METER_KINDS, type MeterKind } from '../../../model/meter-kinds.ts';
import type { QuantityName } from '../../../model/quantities.ts';
import type { Language } from '../i18n/text.ts';
import type { LoggerRecord, ReplayReport, UnknownMeter } from '../rest.ts';
import { payloadText } from './dead-letters.ts';
import { quantityName } from './meters.ts';
import type { Reader } from './reader.ts';

/** What a person fills in to register an unknown meter; the rest is known. */
export interface Registration {
  /** Of the meter; one that reports under an id has that. */
  id: string;
  /** Of a data logger: where it stands, what its gateway is called, and its password. */
  park: string;
  gateway: string;
  password: string;
  name: string;
  kind: MeterKind;
  /** Empty: the park itself. */
  enterprise: string;
  multiplier: number;
  intervalSeconds: number;
}

/** Report intervals that meters are set to, in seconds. */
const USUAL = [1, 5, 10, 15, 30, 60, 300, 600, 900, 1800, 3600, 86_400] as const;

/** How many are shown at first, so that what stands below is near, and with each "more". */
export const FIRST = 20;
export const MORE = 100;

/** Those whose id or one of whose topics holds what was typed; of letters the case does not count. */
export function foundBy(list: readonly UnknownMeter[], search: string): readonly UnknownMeter[] {
  const wanted = search.trim().toLowerCase();
  if (wanted === '') return list;
  return list.filter(({ meter, topics }) => [meter, ...topics].some((each) => each.toLowerCase().includes(wanted)));
}

/** Bytes of the last message that are shown: about what the API keeps. */
const KEPT = 4096;

/** The last message, with a sentence where less than all of it can be shown. */
export function lastMessage({ payload, payloadLength }: UnknownMeter, { text, format }: Pick<Reader, 'text' | 'format'>) {
  const cut = payloadLength > KEPT ? text('unknown.payload.cut', { count: format.number(payloadLength, 0) }) : null;
  return { shown: payloadText(payload), cut };
}

/** What came of a registration: what was stored of what was kept, and what of it cannot be. */
export function registeredTold(
  id: string,
  { accepted, partly, cut, refused, leftOut, failed }: ReplayReport,
  { text, format }: Pick<Reader, 'text' | 'format'>,
): string {
  const count = (value: number) => format.number(value, 0);
  const told = [text('unknown.registered', { id, count: count(accepted + partly) })];
  if (cut > 0) told.push(text('unknown.registered.cut', { count: count(cut) }));
  if (refused > 0) told.push(text('unknown.registered.refused', { count: count(refused) }));
  if (leftOut > 0) told.push(text('unknown.registered.leftout', { count: count(leftOut) }));
  if (failed > 0) told.push(text('unknown.registered.failed', { count: count(failed) }));
  return told.join(text('unknown.sentence'));
}

/** What the messages seen so far suggest: the kind of what they measure, the usual interval nearest to theirs. */
export function suggestion(one: UnknownMeter): Registration {
  const { meter, suggestedKind, firstSeen, lastSeen, count } = one;
  const kind = METER_KINDS.find((each) => each === suggestedKind) ?? 'electricity';
  const seen = count > 1 ? (Date.parse(lastSeen) - Date.parse(firstSeen)) / 1000 / (count - 1) : 60;
  const distance = (interval: number) => Math.abs(Math.log(interval / Math.max(seen, 0.5)));
  const intervalSeconds = USUAL.reduce((best, each) => (distance(each) < distance(best) ? each : best), 60);
  const ofLogger = { park: one.park ?? '', gateway: one.kind === 'logger' ? one.suggestedId : '', password: '' };
  return { ...ofLogger, id: idOf(one), name: meter, kind, enterprise: '', multiplier: 1, intervalSeconds };
}

/** The id that it reports under, or the one that is suggested for its name. */
const idOf = (one: UnknownMeter): string => (one.kind === 'device' ? one.suggestedId : one.kind === 'logger' ? `${one.suggestedId}-1` : one.meter);

/** What a value is called in the message, and what it probably is. */
export function measured(language: Language, name: string, quantity: QuantityName | null): string {
  if (quantity === null) return name;
  const known = quantityName(language, quantity);
  return name === quantity ? known : `${known} (${name})`;
}

/** The record as the API takes it. */
export const recordOf = ({ park, gateway }: UnknownMeter, filled: Registration) => ({ ...meterOf(filled), park, gateway });

/** A data logger as the API takes it: the gateway bears the name of its meter. */
export const loggerRecordOf = (filled: Registration): LoggerRecord => ({
  park: filled.park,
  gateway: { id: filled.gateway, name: filled.name },
  password: filled.password,
  meter: meterOf(filled),
});

const meterOf = ({ id, name, kind, multiplier, intervalSeconds, enterprise }: Registration) => ({
  ...{ id, name, kind, multiplier, intervalSeconds, parent: null },
  enterprise: enterprise === '' ? null : enterprise,
});
