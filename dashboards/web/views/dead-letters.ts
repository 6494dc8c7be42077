import { type TextKey, zh } from '../i18n/zh.ts';
import { instantOf } from '../local-time.ts';
import type { DeadLetterSummary, LetterFilter, ReplayReport } from '../rest.ts';
import type { Reader } from './reader.ts';

/** What a person fills in; empty fields say nothing. */
export interface LetterSearch {
  reason: string;
  gateway: string;
  meter: string;
  topic: string;
  text: string;
  /** As `datetime-local` writes it, in the zone in which times are shown. */
  from: string;
  to: string;
  state: '' | 'waiting' | 'replayed';
}

export const emptySearch = (): LetterSearch => ({ reason: '', gateway: '', meter: '', topic: '', text: '', from: '', to: '', state: 'waiting' });

/** Every reason that there is a word for, in the order of the words. */
export const REASONS: readonly string[] = Object.keys(zh)
  .filter((key) => key.startsWith('ingest.reason.'))
  .map((key) => key.slice('ingest.reason.'.length));

/** What was filled in, as the API takes it; null where a time is none that clocks in the zone show. */
export function filterOf(search: LetterSearch, zone: string): LetterFilter | null {
  const instant = (local: string) => (local === '' ? '' : (instantOf(local, zone)?.toString() ?? null));
  const [from, to] = [instant(search.from), instant(search.to)];
  if (from === null || to === null) return null;
  const given = { ...search, from, to };
  return Object.fromEntries(
    Object.entries(given)
      .map(([key, value]) => [key, value.trim()])
      .filter(([, value]) => value !== ''),
  );
}

const NONE: ReplayReport = { letters: 0, messages: 0, accepted: 0, partly: 0, refused: 0, leftOut: 0, cut: 0, notOriginal: 0, already: 0, failed: 0 };

/** One replay may be answered in several parts. */
export const together = (reports: readonly ReplayReport[]): ReplayReport =>
  reports.reduce(
    (sum, report) => Object.fromEntries(Object.entries(sum).map(([key, count]) => [key, count + report[key as keyof ReplayReport]])) as unknown as ReplayReport,
    NONE,
  );

const SORTED = ['accepted', 'partly', 'refused', 'leftOut', 'cut', 'notOriginal', 'already', 'failed'] as const;

/** What came of a replay, in a sentence that leaves out what did not happen. */
export function replayTold(report: ReplayReport, { text, format }: Pick<Reader, 'text' | 'format'>): string {
  const count = (value: number) => format.number(value, 0);
  if (report.letters === 0) return text('letters.told.none');
  const parts = SORTED.filter((key) => report[key] > 0).map((key) => text(`letters.told.${key}` satisfies TextKey, { count: count(report[key]) }));
  return text('letters.told', { letters: count(report.letters), messages: count(report.messages), parts: parts.join(text('letters.told.and')) });
}

/** Bytes of a payload that are shown as text. */
const SHOWN = 4000;

/** That a message was cut when it was kept, or that not all of it is shown; null where all of it is. */
export function lengthTold(
  { payloadLength, keptLength }: Pick<DeadLetterSummary, 'payloadLength' | 'keptLength'>,
  { text, format }: Pick<Reader, 'text' | 'format'>,
): string | null {
  const count = format.number(payloadLength, 0);
  if (keptLength < payloadLength) return text('letters.cut', { count, kept: format.number(keptLength, 0) });
  return payloadLength > SHOWN ? text('letters.beginning', { count }) : null;
}

/** Bytes as people can read them: the text where they are text, else two hex digits a byte. Cut at 4,000 bytes. */
export function payloadText(base64: string): string {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const cut = bytes.subarray(0, SHOWN);
  try {
    // A cut in the middle of a character is no fault of the message.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(cut, { stream: cut.length < bytes.length });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what tells binary from text
    if (!/[\u0000-\u0008\u000e-\u001f]/.test(text)) return text;
  } catch {
    // Not UTF-8: shown as bytes below.
  }
  return [...bytes.subarray(0, 1300)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
