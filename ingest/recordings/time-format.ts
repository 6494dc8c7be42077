import { offsetOf } from './zone.ts';

const DAY = 86_400_000;

/** What a text says: an instant, where it carries its own offset or counts seconds, or what a wall clock showed. */
export type WrittenTime = { readonly kind: 'instant' | 'wall'; readonly ms: number; readonly midnight: boolean };

export interface TimeFormat {
  /** The instant is in the text, so that no zone is needed. */
  readonly carriesZone: 'always' | 'maybe' | 'never';
  /** Null where the text does not fit, or names a day or an hour that no calendar has. */
  read(text: string): WrittenTime | null;
}

type Field = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second' | 'fraction' | 'half' | 'offset';

const TOKENS: Readonly<Record<string, readonly [Field, string]>> = {
  YYYY: ['year', '(\\d{4})'],
  MM: ['month', '(\\d{2})'],
  M: ['month', '(\\d{1,2})'],
  DD: ['day', '(\\d{2})'],
  D: ['day', '(\\d{1,2})'],
  HH: ['hour', '(\\d{2})'],
  H: ['hour', '(\\d{1,2})'],
  hh: ['hour', '(\\d{2})'],
  h: ['hour', '(\\d{1,2})'],
  mm: ['minute', '(\\d{2})'],
  m: ['minute', '(\\d{1,2})'],
  ss: ['second', '(\\d{2})'],
  s: ['second', '(\\d{1,2})'],
  SSS: ['fraction', '(\\d{1,9})'],
  A: ['half', '([AaPp][Mm])'],
  Z: ['offset', '(Z|[+-]\\d{2}:?\\d{2})'],
};
/** Runs of the letters that tokens are made of, text in brackets that stands for itself, and everything else. */
const PARTS = /\[([^\]]*)\]|(Y+|M+|D+|H+|h+|m+|s+|S+|A|Z)|([^[YMDHhmsSAZ]+)/gy;

export const FORMAT_HELP = `tokens ${Object.keys(TOKENS).join(', ')}, other letters of these kinds in [brackets], or one of iso, epoch-seconds, epoch-milliseconds`;

/** Compiles a format of FORMAT_HELP; a sentence that says what is wrong with it otherwise. */
export function compileTimeFormat(format: string): TimeFormat | string {
  if (format === 'iso') return ISO;
  if (format === 'epoch-seconds') return epoch(1000);
  if (format === 'epoch-milliseconds') return epoch(1);
  const fields: Field[] = [];
  let pattern = '';
  PARTS.lastIndex = 0;
  while (PARTS.lastIndex < format.length) {
    const at = PARTS.lastIndex;
    const [, quoted, letters, text] = PARTS.exec(format) ?? [];
    if (letters !== undefined) {
      const token = TOKENS[letters];
      if (token === undefined) return `"${letters}" at ${at + 1} is not a token; expected ${FORMAT_HELP}`;
      if (fields.includes(token[0])) return `"${letters}" at ${at + 1} gives the ${token[0]} a second time`;
      fields.push(token[0]);
      pattern += token[1];
    } else if (quoted !== undefined || text !== undefined) pattern += escaped(quoted ?? text ?? '');
    else return `the bracket at ${at + 1} is not closed; expected ${FORMAT_HELP}`;
  }
  for (const needed of ['year', 'month', 'day'] as const) if (!fields.includes(needed)) return `there is no ${needed} in "${format}"; expected ${FORMAT_HELP}`;
  const twelve = /h/.test(format.replaceAll(/\[[^\]]*\]/g, ''));
  if (twelve !== fields.includes('half')) return twelve ? 'h counts to twelve and needs A (AM or PM)' : 'A (AM or PM) needs h, hours that count to twelve';
  const regexp = new RegExp(`^${pattern}$`);
  return {
    carriesZone: fields.includes('offset') ? 'always' : 'never',
    read: (text) => {
      const found = regexp.exec(text);
      return found === null ? null : assemble(fields, found);
    },
  };
}

const ISO_FIELDS: readonly Field[] = ['year', 'month', 'day', 'hour', 'minute', 'second', 'fraction', 'offset'];
const ISO_PATTERN = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/;

const ISO: TimeFormat = {
  carriesZone: 'maybe',
  read: (text) => {
    const found = ISO_PATTERN.exec(text);
    return found === null ? null : assemble(ISO_FIELDS, found);
  },
};

const epoch = (unit: number): TimeFormat => ({
  carriesZone: 'always',
  read: (text) => {
    if (!/^-?\d+(\.\d+)?$/.test(text)) return null;
    return { kind: 'instant', ms: Math.round(Number(text) * unit), midnight: false };
  },
});

function assemble(fields: readonly Field[], found: readonly (string | undefined)[]): WrittenTime | null {
  let [year, month, day, hour, minute, second, fraction] = [0, 1, 1, 0, 0, 0, 0];
  let half: string | null = null;
  let offset: number | null = null;
  for (const [index, field] of fields.entries()) {
    const text = found[index + 1];
    if (text === undefined) continue;
    if (field === 'half') half = text.toUpperCase();
    else if (field === 'offset') {
      offset = text === 'Z' ? 0 : offsetOf(text.length === 3 ? `${text}:00` : text);
      if (offset === null) return null;
    } else if (field === 'fraction') fraction = Math.floor(Number(`0.${text}`) * 1000 + 1e-6);
    else if (field === 'year') year = Number(text);
    else if (field === 'month') month = Number(text);
    else if (field === 'day') day = Number(text);
    else if (field === 'hour') hour = Number(text);
    else if (field === 'minute') minute = Number(text);
    else second = Number(text);
  }
  if (half !== null) {
    if (hour < 1 || hour > 12) return null;
    hour = (hour % 12) + (half === 'PM' ? 12 : 0);
  }
  const start = Date.UTC(year, month - 1, day);
  const date = new Date(start);
  if (month < 1 || month > 12 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || minute > 59 || second > 59) return null;
  const inDay = ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
  // 24:00 is the end of its day, as ISO 8601 once allowed and many loggers still write.
  if (hour > 23 && inDay !== DAY) return null;
  const wall = start + inDay;
  return offset === null ? { kind: 'wall', ms: wall, midnight: inDay === 0 } : { kind: 'instant', ms: wall - offset, midnight: inDay === 0 };
}

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
