import type { Role } from '../../../model/access.ts';
import type { Alert } from '../../../model/alert.ts';
import { isStale } from '../../../model/live.ts';
import type { Level } from '../../../model/rules.ts';
import { ageText, whole } from '../format.ts';
import { nameIn } from '../i18n/text.ts';
import type { LiveModel } from '../live/live-model.ts';
import type { Reader } from './reader.ts';

export interface AlertRow {
  readonly id: string;
  readonly level: Level;
  readonly levelName: string;
  readonly name: string;
  readonly where: string;
  readonly enterprise: string | null;
  readonly meter: string | null;
  /** What was judged when it fired, and the bound it is held against. */
  readonly value: string;
  readonly bound: string;
  /** The newest reading, or the usage so far; null for what is over or cannot be told. */
  readonly present: string | null;
  readonly peak: string | null;
  readonly since: string;
  readonly age: string;
  readonly until: string | null;
  readonly state: Alert['state'];
  readonly stateName: string;
  /** Who acknowledged or shelved it, when and why; null where nobody did. */
  readonly note: string | null;
}

const RANK: Readonly<Record<Level, number>> = { red: 0, orange: 1, yellow: 2, blue: 3 };
export const LEVELS_WORST_FIRST = ['red', 'orange', 'yellow', 'blue'] as const satisfies readonly Level[];

/** Not acknowledged before acknowledged before resolved; then the worst level; then the newest. */
export function byUrgency(a: Alert, b: Alert): number {
  const order = { firing: 0, acknowledged: 1, resolved: 2 } as const;
  return order[a.state] - order[b.state] || RANK[a.level] - RANK[b.level] || b.since - a.since || (a.id < b.id ? -1 : 1);
}

/** Newest first, as the alert list is read page by page. */
export const byTime = (a: Alert, b: Alert): number => b.since - a.since || (a.id < b.id ? 1 : -1);

/** The value that stands now behind an open alert: the meter's newest reading, or what the period has used so far. */
function presentOf(alert: Alert, model: LiveModel | null, { text, now }: Reader, figure: (value: number) => string): string | null {
  if (alert.state === 'resolved') return null;
  // A usage that had to reach what was declared is judged when its period is over: nothing goes on.
  if (alert.meter === null) return alert.ruleType === 'entry' && alert.value < alert.bound ? null : text('alert.present', { value: figure(alert.peak) });
  const meter = model?.meters.get(alert.meter);
  const latest = alert.quantity === undefined ? undefined : meter?.values.get(alert.quantity);
  if (meter === undefined || latest === undefined) return null;
  const [, ts, value] = latest;
  return isStale(ts, meter.intervalSeconds, now)
    ? text('alert.last', { value: figure(value), age: ageText(text, now - ts) })
    : text('alert.present', { value: figure(value) });
}

export function alertRow(alert: Alert, model: LiveModel | null, reader: Reader): AlertRow {
  const { text, format, language, now } = reader;
  const figure = (value: number) => whole(alert.quantity === undefined ? format.used(value, alert.unit) : format.quantity(alert.quantity, value));
  const enterprise = model?.enterprises.find((each) => each.id === alert.enterprise);
  const meter = alert.meter === null ? undefined : model?.meters.get(alert.meter);
  const places = [
    alert.enterprise === null ? text('meter.park') : enterprise === undefined ? alert.enterprise : nameIn(language, enterprise),
    ...(alert.meter === null ? [] : [meter === undefined ? alert.meter : nameIn(language, meter)]),
  ];
  const shelved = alert.shelvedUntil !== null && alert.shelvedUntil > now;
  const notes = [
    ...(alert.acknowledgedBy !== null && alert.acknowledgedAt !== null
      ? [text('alert.acknowledged', { name: alert.acknowledgedBy, time: format.dayMinute(alert.acknowledgedAt) })]
      : []),
    ...(shelved && alert.shelvedUntil !== null ? [text('alert.shelved', { time: format.dayMinute(alert.shelvedUntil) })] : []),
    ...(shelved && alert.shelvedBy !== null ? [text('alert.shelved.by', { name: alert.shelvedBy, reason: alert.shelvedReason ?? '' })] : []),
  ];
  return {
    id: alert.id,
    level: alert.level,
    levelName: text(`level.${alert.level}`),
    name: nameIn(language, alert),
    where: places.join(' · '),
    enterprise: alert.enterprise,
    meter: alert.meter,
    value: text('alert.value', { value: figure(alert.value) }),
    bound:
      alert.stage === null
        ? text(alert.ruleType === 'entry' ? 'alert.bound.entry' : 'alert.bound', { bound: figure(alert.bound) })
        : `${text('alert.stage', { percent: format.percent(alert.stage / 100) })} · ${text('alert.bound.cap', { bound: figure((alert.bound * 100) / alert.stage) })}`,
    present: presentOf(alert, model, reader, figure),
    // A usage only grows: its worst is what it is now.
    peak: alert.meter === null && alert.state !== 'resolved' ? null : text('alert.peak', { peak: figure(alert.peak) }),
    since: text('alert.since', { time: format.dayMinute(alert.since) }),
    age: ageText(text, now - alert.since),
    until: alert.until === null ? null : text('alert.until', { time: format.dayMinute(alert.until) }),
    state: alert.state,
    stateName: text(`alert.state.${alert.state}`),
    note: notes.length === 0 ? null : notes.join(' · '),
  };
}

/** May this role say that it has seen an alert? The service asks again. */
export const mayAcknowledge = (role: Role): boolean => role === 'operator' || role === 'committee';

export interface AlertFilter {
  readonly state: 'all' | 'open' | Alert['state'];
  readonly level: 'all' | Level;
  readonly enterprise: string;
}

export function fits(alert: Alert, filter: AlertFilter): boolean {
  const state = filter.state === 'all' || (filter.state === 'open' ? alert.state !== 'resolved' : alert.state === filter.state);
  return state && (filter.level === 'all' || alert.level === filter.level) && (filter.enterprise === '' || alert.enterprise === filter.enterprise);
}
