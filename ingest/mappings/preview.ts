/** A value in at most `longest` characters and a sign that it was cut; what JSON cannot write is told by its kind. */
export function preview(value: unknown, longest: number): string {
  if (value === undefined) return 'nothing';
  if (value instanceof Uint8Array) return `${value.length} bytes ${Buffer.from(value.subarray(0, 100)).toString('hex')}`;
  let text: string;
  try {
    text = JSON.stringify(value, (_key, inner: unknown) => (inner instanceof Uint8Array ? `${inner.length} bytes` : inner)) ?? typeof value;
  } catch {
    // Nested deeper than can be written.
    text = 'a deeply nested value';
  }
  return text.length > longest ? `${cutTo(text, longest)}…` : text;
}

/** The text's beginning in memory of its own: a slice would keep all of it. */
export const cutTo = (text: string, longest: number): string => (text.length > longest ? Buffer.from(text.slice(0, longest)).toString() : text);
