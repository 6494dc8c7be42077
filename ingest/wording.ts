/** A name as somebody else wrote it, cut and with its control characters escaped, for a sentence. */
export const quote = (text: string): string => JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);

/** What was found, in a few words, whatever its size. */
export function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string') return `the text ${quote(value)}`;
  if (typeof value === 'number' && !Number.isFinite(value)) return 'a number too large to be represented';
  return String(value);
}
