import type { EpochMs } from '../../model/ids.ts';
import { findQuantity } from '../../model/quantities.ts';
import type { Language, Text } from './i18n/text.ts';

/** Clocks differ by as much without anybody's saying so. */
const UNSAID_AHEAD_S = 60;

/** How long ago something was, or how far ahead of now it stands, in the words of the language. */
export function ageText(text: Text, ageMs: number): string {
  const ahead = Math.floor(-ageMs / 1000);
  if (ahead > UNSAID_AHEAD_S) return ahead < 7200 ? text('ahead.minutes', { n: Math.floor(ahead / 60) }) : text('ahead.hours', { n: Math.floor(ahead / 3600) });
  const seconds = Math.max(0, Math.floor(ageMs / 1000));
  if (seconds < 5) return text('age.now');
  if (seconds < 120) return text('age.seconds', { n: seconds });
  if (seconds < 7200) return text('age.minutes', { n: Math.floor(seconds / 60) });
  if (seconds < 172_800) return text('age.hours', { n: Math.floor(seconds / 3600) });
  return text('age.days', { n: Math.floor(seconds / 86_400) });
}

/** A number apart from its unit, so that both can be set differently. `text` is a dash where there is none. */
export interface Figure {
  readonly text: string;
  readonly unit: string;
}

const DASH = '–';
// One of a dimensionless quantity has no unit that a person would read.
const shown = (unit: string): string => (unit === '1' ? '' : unit);

/**
 * The one place where numbers and times become text. Times are in the park's zone, whatever zone the screen stands in;
 * formatters are kept, as making one costs more than using it a thousand times.
 */
export class Format {
  readonly language: Language;
  readonly zone: string;
  readonly #numbers = new Map<string, Intl.NumberFormat>();
  readonly #times = new Map<string, Intl.DateTimeFormat>();

  constructor(language: Language, zone: string) {
    this.language = language;
    this.zone = zone;
  }

  number(value: number, digits: number): string {
    let format = this.#numbers.get(String(digits));
    if (format === undefined) {
      format = new Intl.NumberFormat(this.language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
      this.#numbers.set(String(digits), format);
    }
    // -0.04 rounded to one digit is no negative number.
    const text = format.format(value);
    return /^-[0.,]*$/.test(text) ? text.slice(1) : text;
  }

  /** Up to three digits that matter: 0.834, 83.4, 8,340. For figures of unknown size. */
  amount(value: number): string {
    const size = Math.abs(value);
    return this.number(value, size === 0 || size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3);
  }

  /** A value in its quantity's digits and unit. */
  quantity(name: string, value: number): Figure {
    const quantity = findQuantity(name);
    return quantity === undefined ? { text: this.amount(value), unit: '' } : { text: this.number(value, quantity.digits), unit: shown(quantity.unit) };
  }

  /** kW below 10,000, MW above. */
  power(kw: number | null): Figure {
    if (kw === null) return { text: DASH, unit: 'kW' };
    return Math.abs(kw) < 10_000 ? { text: this.number(kw, Math.abs(kw) < 100 ? 1 : 0), unit: 'kW' } : { text: this.number(kw / 1000, 2), unit: 'MW' };
  }

  /**
   * An amount of a carrier: kWh becomes MWh and kg becomes t where the number would be long.
   *
   * @param largest of the amounts that stand in one column and so have one unit
   */
  used(amount: number, unit: string, largest: number = Math.abs(amount)): Figure {
    if (unit === 'kWh' && largest >= 10_000) return { text: this.number(amount / 1000, 2), unit: 'MWh' };
    if (unit === 'kg' && largest >= 10_000) return { text: this.number(amount / 1000, 2), unit: 't' };
    return { text: this.amount(amount), unit };
  }

  /** As it was written, never rounded: thresholds, declarations. */
  exact(value: number, unit: string): string {
    return join(this.#number('exact', { maximumFractionDigits: 12 }).format(value), shown(unit));
  }

  withUnit(value: number, unit: string): string {
    return join(this.amount(value), shown(unit));
  }

  percent(ratio: number): string {
    return this.#number('percent', { style: 'percent', maximumFractionDigits: 1 }).format(ratio);
  }

  /** Always one digit after the point, so that shares in a column stand under each other. */
  share(ratio: number): string {
    return this.#number('share', { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(ratio);
  }

  /** 14:03:07 */
  clock(ts: EpochMs): string {
    return this.#time('clock', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).format(ts);
  }

  /** 14:03 */
  minute(ts: EpochMs): string {
    return this.#time('minute', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(ts);
  }

  /** Day and time, e.g. 01/31 14:03 in Chinese, 31 Jan, 14:03 in English. */
  dayMinute(ts: EpochMs): string {
    return this.#time('dayMinute', {
      month: this.language === 'en' ? 'short' : '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    }).format(ts);
  }

  day(ts: EpochMs): string {
    return this.#time('day', { month: this.language === 'en' ? 'short' : '2-digit', day: '2-digit' }).format(ts);
  }

  month(ts: EpochMs): string {
    return this.#time('month', { year: 'numeric', month: this.language === 'en' ? 'short' : '2-digit' }).format(ts);
  }

  /** Date and time to the second. */
  full(ts: EpochMs): string {
    return this.#time('full', {
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    }).format(ts);
  }

  #number(key: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
    let format = this.#numbers.get(key);
    if (format === undefined) {
      format = new Intl.NumberFormat(this.language, options);
      this.#numbers.set(key, format);
    }
    return format;
  }

  #time(key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
    let format = this.#times.get(key);
    if (format === undefined) {
      format = new Intl.DateTimeFormat(this.language === 'en' ? 'en-GB' : this.language, { ...options, timeZone: this.zone });
      this.#times.set(key, format);
    }
    return format;
  }
}

/** Number and unit in one text, with a space that does not break. */
const join = (text: string, unit: string): string => (unit === '' ? text : unit === '%' || unit === '°' ? `${text}${unit}` : `${text}\u00a0${unit}`);
export const whole = (figure: Figure): string => join(figure.text, figure.unit);
