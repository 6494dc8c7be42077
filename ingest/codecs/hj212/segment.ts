/** The fields of a data segment as they were sent; null where one is missing. */
export interface Segment {
  readonly qn: string | null;
  readonly st: string | null;
  readonly cn: string | null;
  readonly pw: string | null;
  readonly mn: string | null;
  /** Its lowest bit asks for an answer, the next says that PNUM and PNO follow, the rest is the version. */
  readonly flag: number | null;
  readonly pnum: number | null;
  readonly pno: number | null;
  /** Sent late on purpose (RF=1, HJ 212-2025). */
  readonly resent: boolean;
  /** Between `CP=&&` and the last `&&`. */
  readonly cp: string;
}

/** One part of a CP: `name=value`, or what stands in the place of one. */
export interface CpField {
  /** Empty where the part has none; the value is then the part as it stands. */
  readonly name: string;
  readonly value: string;
}

const MOST_CHARACTERS = 40;

/** Reads leniently: fields in any order, names in any case, stray commas and blanks. Never throws. */
export function parseSegment(text: string): Segment {
  const begin = text.indexOf('CP=&&');
  const head = begin < 0 ? text : text.slice(0, begin);
  const rest = begin < 0 ? '' : text.slice(begin + 5);
  const end = rest.lastIndexOf('&&');
  const fields = new Map<string, string>();
  for (const part of head.split(';', 32)) {
    const equals = part.indexOf('=');
    if (equals < 0) continue;
    const name = part.slice(0, equals).replace(/[,\s]/g, '').toUpperCase();
    const value = part.slice(equals + 1).replace(/^[,\s]+|[,\s]+$/g, '');
    if (value !== '' && value.length <= MOST_CHARACTERS && !fields.has(name)) fields.set(name, value);
  }
  const number = (name: string): number | null => {
    const value = fields.get(name) ?? '';
    return /^\d{1,4}$/.test(value) ? Number(value) : null;
  };
  return {
    qn: fields.get('QN') ?? null,
    st: fields.get('ST') ?? null,
    cn: fields.get('CN') ?? null,
    pw: fields.get('PW') ?? null,
    mn: fields.get('MN') ?? null,
    flag: number('FLAG'),
    pnum: number('PNUM'),
    pno: number('PNO'),
    resent: fields.get('RF') === '1',
    cp: end < 0 ? rest : rest.slice(0, end),
  };
}

/** As one packet would say it: what `parseSegment` reads again. The password is left out, as the message was let in already. */
export function segmentText({ qn, st, cn, mn, pnum, pno, resent, cp }: Segment): string {
  const fields = Object.entries({ QN: qn, ST: st, CN: cn, MN: mn, PNUM: pnum, PNO: pno, RF: resent ? '1' : null });
  return `${fields.map(([name, value]) => (value === null ? '' : `${name}=${value};`)).join('')}CP=&&${cp}&&`;
}

/** The groups of a CP, each with all of its parts: what stands twice is there twice, and only stray separators are passed over. */
export function parseCp(cp: string): CpField[][] {
  return cp.split(';').flatMap((group) => {
    const fields = group.split(',').flatMap((part) => fieldOf(part.trim()) ?? []);
    return fields.length === 0 ? [] : [fields];
  });
}

function fieldOf(part: string): CpField | null {
  if (part === '') return null;
  const equals = part.indexOf('=');
  return equals <= 0 ? { name: '', value: part } : { name: part.slice(0, equals).trim(), value: part.slice(equals + 1).trim() };
}

export const wantsAnswer = ({ flag }: Segment): boolean => flag !== null && (flag & 1) === 1;

/** Wall-clock time of `YYYYMMDDhhmmss` or with milliseconds behind, as if it were UTC; null for anything else. */
export function wallTime(text: string | null): number | null {
  const [, year, month, day, hour, minute, second, ms] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})?$/.exec(text ?? '') ?? [];
  if (year === undefined) return null;
  const at = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second), Number(ms ?? 0));
  const back = new Date(at);
  // A 13th month, a 25th hour or a 60th second would have been carried over.
  const isCarried = [month, day, hour, minute, second].some(
    (part, nth) => Number(part) !== [back.getUTCMonth() + 1, back.getUTCDate(), back.getUTCHours(), back.getUTCMinutes(), back.getUTCSeconds()][nth],
  );
  return isCarried ? null : at;
}
