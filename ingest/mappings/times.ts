import type { EpochMs } from '../../model/ids.ts';
import { compileTimeFormat, type TimeFormat } from '../recordings/time-format.ts';
import type { WallClock } from '../recordings/zone.ts';
import { compactForm } from '../time-fits.ts';

/** Reads one value as a time: an instant, null where there is none, or a sentence that says what would be right. */
export type TimeReader = (value: unknown, receivedAt: EpochMs) => EpochMs | null | string;

const PER_UNIT: Readonly<Record<string, number>> = { seconds: 1000, milliseconds: 1, microseconds: 1e-3, nanoseconds: 1e-6 };
const ISO = compileTimeFormat('iso') as TimeFormat;
const ISO_FORM = 'ISO 8601, e.g. 2026-01-15T12:00:00+08:00; set time.as for another form';
const NUMBER = /^-?\d{1,20}(\.\d{1,9})?$/;
export const TIME_HELP = 'auto, seconds, milliseconds, microseconds, nanoseconds, iso, or a pattern such as YYYY-MM-DD HH:mm:ss';

/** Compiles how times are written; a sentence that says what is wrong with it otherwise. `clock` shows times without a zone. */
export function compileTime(as: string, clock: WallClock | null): TimeReader | string {
  const unit = PER_UNIT[as];
  if (unit !== undefined) return (value) => (isEmpty(value) ? null : numberTime(value, () => unit, as));
  if (as === 'auto') {
    return (value, receivedAt) => {
      if (isEmpty(value)) return null;
      const text = typeof value === 'string' ? value.trim() : null;
      if (text !== null && !NUMBER.test(text)) return textTime(text, ISO, ISO_FORM, clock, receivedAt);
      return numberTime(value, unitOfSize, 'auto');
    };
  }
  const format = compileTimeFormat(as);
  if (typeof format === 'string') return `${format} — or ${TIME_HELP}`;
  const form = as === 'iso' ? ISO_FORM : `a time of the form ${as}`;
  return (value, receivedAt) => {
    if (isEmpty(value)) return null;
    if (typeof value !== 'string') return `a text, ${form}`;
    return textTime(value.trim(), format, form, clock, receivedAt);
  };
}

const isEmpty = (value: unknown): boolean => value === undefined || value === null || value === '';

function numberTime(value: unknown, perUnit: (size: number) => number, as: string): EpochMs | string {
  const found = typeof value === 'number' ? value : typeof value === 'string' && NUMBER.test(value.trim()) ? Number(value) : Number.NaN;
  const right = as === 'auto' ? 'seconds or milliseconds since 1970' : `${as} since 1970`;
  if (!Number.isFinite(found)) return as === 'auto' ? `${right}, or ISO 8601` : `${right} as a number`;
  const form = compactForm(String(value).trim());
  if (form !== null) return `${right}; ${compactHint(form, typeof value === 'number')}`;
  const at = Math.round(found * perUnit(Math.abs(found)));
  return Math.abs(at) <= 8.64e15 ? at : `${as} since 1970 that a calendar has`;
}

function compactHint(form: string, isNumber: boolean): string {
  const asText = isNumber ? ' and send it through $string(…), as a pattern reads texts' : '';
  return `this looks like ${form}: set "as" to that and "zone" to the clock's, e.g. Asia/Shanghai${asText}`;
}

/** Seconds until the year 5138, milliseconds from 1973, each thousandfold: between them no time that a meter sends is uncertain. */
const unitOfSize = (size: number): number => (size < 1e11 ? 1000 : size < 1e14 ? 1 : size < 1e17 ? 1e-3 : 1e-6);

/** @param form what would be right */
function textTime(text: string, format: TimeFormat, form: string, clock: WallClock | null, receivedAt: EpochMs): EpochMs | string {
  const written = text.length > 64 ? null : format.read(text);
  if (written === null) return form;
  if (written.kind === 'instant') return Math.round(written.ms);
  if (clock === null) return 'a zone: the time carries none; set "zone" in the mapping, e.g. Asia/Shanghai';
  const instants = clock.instants(written.ms);
  const [first, second] = instants;
  if (first === undefined) return 'a time that the zone has: its clocks were set forward past this one';
  // An hour that the clock shows twice: the reading came just now, so the instant that lies closer to now is meant.
  const closest = second !== undefined && Math.abs(second - receivedAt) < Math.abs(first - receivedAt) ? second : first;
  return Math.round(closest);
}
