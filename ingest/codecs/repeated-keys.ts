/** Objects deeper than this are no part of any contract; what repeats below is of no consequence. */
const DEEPEST = 8;

export interface RepeatedKey {
  /** Keys and indexes from the root to the object. */
  readonly path: readonly string[];
  readonly key: string;
}

interface Level {
  readonly keys: Set<string> | null;
  /** Key or index under which the present child stands. */
  at: string;
  index: number;
}

/**
 * Keys that stand more than once in one object, which JSON.parse passes over in silence; each once, at most 100.
 * `text` must have been accepted by JSON.parse.
 */
export function findRepeatedKeys(text: string): readonly RepeatedKey[] {
  const found = new Map<string, RepeatedKey>();
  const levels: Level[] = [];
  let depth = 0;
  let expectKey = false;
  for (let at = 0; at < text.length && found.size < 100; at++) {
    const level = levels[levels.length - 1];
    switch (text[at]) {
      case '{':
      case '[':
        depth++;
        if (depth <= DEEPEST) levels.push({ keys: text[at] === '{' ? new Set() : null, at: '0', index: 0 });
        expectKey = text[at] === '{';
        break;
      case '}':
      case ']':
        if (depth <= DEEPEST) levels.pop();
        depth--;
        expectKey = false;
        break;
      case ',':
        if (depth > DEEPEST || level === undefined) break;
        expectKey = level.keys !== null;
        if (level.keys === null) level.at = String(++level.index);
        break;
      case '"': {
        const end = endOfString(text, at);
        if (expectKey && depth <= DEEPEST && level?.keys != null) {
          const key = JSON.parse(text.slice(at, end + 1)) as string;
          if (level.keys.has(key)) note(found, levels, key);
          level.keys.add(key);
          level.at = key;
        }
        expectKey = false;
        at = end;
        break;
      }
    }
  }
  return [...found.values()];
}

/** Position of the closing quotation mark of the string that opens at `from`. */
function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

function note(found: Map<string, RepeatedKey>, levels: readonly Level[], key: string): void {
  const path = levels.slice(0, -1).map((level) => level.at);
  found.set(JSON.stringify([path, key]), { path, key });
}
