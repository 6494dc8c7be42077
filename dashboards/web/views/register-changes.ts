import type { Role } from '../../../model/access.ts';
import type { Fault } from '../../../model/errors.ts';
import type { EpochMs } from '../../../model/ids.ts';
import { type QuantityName, quantityOf } from '../../../model/quantities.ts';
import type { RegisterMove } from '../../../model/register-change.ts';
import { SERVICE_AUTHOR } from '../../../model/service-author.ts';
import type { Text } from '../i18n/text.ts';
import type { ModelMeter } from '../live/live-model.ts';
import { instantOf, localTime } from '../local-time.ts';
import type { ExchangeDeclaration, RegisterChangeJson } from '../rest.ts';
import { quantitiesOf, quantityName } from './meters.ts';
import type { Reader } from './reader.ts';

export interface RegisterRow {
  readonly number: number;
  readonly time: string;
  readonly quantity: string;
  readonly kind: RegisterMove['kind'];
  readonly kindName: string;
  /** What the registers showed, or where they begin again. */
  readonly figures: readonly string[];
  readonly author: string;
  readonly reason: string;
  readonly noted: string;
  /** Somebody said otherwise of the same time later. */
  readonly overruled: boolean;
  /** What a person may know better: an exchange that only the service saw, whose usage is therefore not known. */
  readonly open: Pick<Declaration, 'quantity' | 'at'> | null;
}

/** May this role say that a meter was exchanged? The service asks again. */
export const mayDeclare = (role: Role): boolean => role === 'operator' || role === 'committee';

/** What this meter reports that has a register: its counters. */
export const registersOf = (meter: ModelMeter): QuantityName[] => quantitiesOf(meter).filter((name) => quantityOf(name).kind === 'counter');

/** Newest first; of several for the same quantity and time the last one noted holds and stands first. */
export function registerRows(changes: readonly RegisterChangeJson[], reader: Reader): RegisterRow[] {
  const lasts = new Map<string, number>();
  for (const change of changes) lasts.set(placeOf(change), Math.max(change.number, lasts.get(placeOf(change)) ?? 0));
  return [...changes]
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at) || b.number - a.number)
    .map((change) => registerRow(change, lasts.get(placeOf(change)) !== change.number, reader));
}

const placeOf = ({ quantity, at }: RegisterChangeJson): string => `${quantity} ${Date.parse(at)}`;

function registerRow(change: RegisterChangeJson, overruled: boolean, { text, format, language }: Reader): RegisterRow {
  const at = Date.parse(change.at);
  const ofService = change.author === SERVICE_AUTHOR;
  const value = (amount: number) => format.exact(amount, change.unit);
  return {
    number: change.number,
    time: format.full(at),
    quantity: quantityName(language, change.quantity),
    kind: change.kind,
    kindName: text(`register.kind.${change.kind}`),
    figures: figuresOf(change, text, value),
    author: ofService ? text('register.service') : change.author,
    reason: ofService ? text(`register.why.${change.kind}`) : change.reason,
    noted: text('register.noted', { time: format.full(Date.parse(change.notedAt)) }),
    overruled,
    open: ofService && change.kind === 'exchange' && !overruled ? { quantity: change.quantity, at: localTime(at, format.zone) } : null,
  };
}

function figuresOf(move: RegisterMove, text: Text, value: (amount: number) => string): string[] {
  switch (move.kind) {
    case 'reset':
      return [];
    case 'rollover':
      return [text('register.width.of', { value: value(move.width) })];
    case 'exchange':
      return [text('register.closing.of', { value: value(move.closing) }), text('register.opening.of', { value: value(move.opening) })];
  }
}

/** What a person fills in to declare an exchange. A number that is not there is an empty text, as its field says it. */
export interface Declaration {
  quantity: QuantityName;
  /** What clocks in the park's zone showed. */
  at: string;
  closing: number | '';
  opening: number | '';
  reason: string;
}

const FIELDS = ['quantity', 'at', 'closing', 'opening', 'reason'] as const satisfies readonly (keyof Declaration)[];
/** What is wrong, by field. */
export type FieldFaults = Partial<Record<(typeof FIELDS)[number], string>>;

const MINUTE = 60_000;

/** An empty form: the exchange is declared when it was made, so that the time begins with this minute. */
export function blank(quantity: QuantityName, { now, format }: Reader): Declaration {
  return { quantity, at: localTime(now - (now % MINUTE), format.zone), closing: '', opening: '', reason: '' };
}

/** The declaration as the API takes it, or what is wrong with it in the reader's words. */
export function declarationOf(filled: Declaration, { text, format, now }: Reader): ExchangeDeclaration | { readonly faults: FieldFaults } {
  const faults: FieldFaults = {};
  const at: EpochMs | null = instantOf(filled.at, format.zone);
  if (at === null) faults.at = text('register.fault.time');
  else if (at > now) faults.at = text('register.fault.future');
  if (!isRegister(filled.closing)) faults.closing = text('register.fault.number');
  if (!isRegister(filled.opening)) faults.opening = text('register.fault.number');
  const reason = filled.reason.trim();
  if (reason.length < 2) faults.reason = text('register.fault.reason');
  const { quantity, closing, opening } = filled;
  if (at === null || closing === '' || opening === '' || Object.keys(faults).length > 0) return { faults };
  return { quantity, at: new Date(at).toISOString(), closing, opening, reason };
}

const isRegister = (value: number | ''): boolean => typeof value === 'number' && value >= 0 && value <= 1e15;

/** Faults that the API told, at their fields where they have one. */
export function atFields(faults: readonly Fault[]): FieldFaults {
  const known: FieldFaults = {};
  for (const { path, message } of faults) {
    const field = FIELDS.find((each) => path === `body.${each}`);
    if (field !== undefined) known[field] = message;
  }
  return known;
}
