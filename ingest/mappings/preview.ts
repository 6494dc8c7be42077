/** A value in at most `longest` characters and a sign that it was cut; what JSON cannot write is told by its kind. */
export function preview(value: unknown, longest: number): string {
  if (value === undefined) return 'nothing';
  if (value instanceof Uint8Array) return `${value.length} bytes ${Buffer.from(value.subarray(0, 100)).toString('hex')}`;
  if (typeof value === 'function') return typeof value;
  let text: string;
  try {
    text = written(value, longest);
  } catch {
    // Nested deeper than can be written.
    text = 'a deeply nested value';
  }
  return text.length > longest ? `${cutTo(text, longest)}…` : text;
}

/** As JSON, and no further than is shown: an object may hold the same one in more places than anybody can go through. */
function written(value: unknown, longest: number): string {
  let text = '';
  const write = (inner: unknown): void => {
    if (inner instanceof Uint8Array) text += `"${inner.length} bytes"`;
    else if (Array.isArray(inner)) writeParts('[', inner as unknown[], write, ']');
    else if (typeof inner === 'object' && inner !== null) writeParts('{', Object.entries(inner).filter(isWritten), writeEntry, '}');
    else text += JSON.stringify(typeof inner === 'string' ? inner.slice(0, longest + 1) : inner) ?? 'null';
  };
  const writeEntry = ([key, inner]: readonly [string, unknown]): void => {
    text += `${JSON.stringify(key)}:`;
    write(inner);
  };
  const writeParts = <Part>(open: string, parts: readonly Part[], writePart: (part: Part) => void, close: string): void => {
    text += open;
    for (const [index, part] of parts.entries()) {
      if (text.length > longest) return;
      if (index > 0) text += ',';
      writePart(part);
    }
    text += close;
  };
  write(value);
  return text;
}

const isWritten = ([, inner]: readonly [string, unknown]): boolean => inner !== undefined && typeof inner !== 'function';

/** The text's beginning in memory of its own: a slice would keep all of it. */
export const cutTo = (text: string, longest: number): string => (text.length > longest ? Buffer.from(text.slice(0, longest)).toString() : text);
