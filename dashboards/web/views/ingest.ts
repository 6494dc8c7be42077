import { type Text, wordFor } from '../i18n/text.ts';

/** One line of the service's metrics that tells of what comes in. */
export interface Counter {
  readonly name: string;
  readonly labels: string;
  readonly value: number;
}

const LINE = /^(greenpark_[a-z0-9_]+)(?:\{(.*)\})? ([-+0-9.eE]+)$/;

/** The service's own metrics in Prometheus' text format, without histograms' buckets and what was only announced. */
export function countersOf(metrics: string): Counter[] {
  return metrics
    .split('\n')
    .map((line) => LINE.exec(line))
    .filter((match): match is RegExpExecArray => match !== null)
    .map(([, name = '', labels = '', value = '']) => ({ name, labels: labels.replaceAll('"', '').replaceAll(',', ', '), value: Number(value) }))
    .filter((counter) => Number.isFinite(counter.value) && !/_(bucket|sum|count)$/.test(counter.name));
}

/** What a counter counts, in words; the metric's own name stands where no word is known. */
export function counterName({ name, labels }: Counter, text: Text): string {
  const short = name.replace('greenpark_', '');
  const values = labels.split(', ').flatMap((label) => {
    const [key = '', value] = label.split('=');
    return value === undefined ? [] : [wordFor(text, key === 'reason' ? 'ingest.reason' : 'ingest.label', value)];
  });
  return [wordFor(text, 'ingest.counter', short), ...values].join(' · ');
}

/** Bytes as people can read them: the text where they are text, else two hex digits a byte. Cut at 4,000 characters. */
export function payloadText(base64: string): string {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const cut = bytes.subarray(0, 4000);
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
