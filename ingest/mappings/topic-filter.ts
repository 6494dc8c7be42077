/** A filter with named places, ready to match. */
export interface TopicFilter {
  readonly text: string;
  /** As a broker takes it: every level with a named place is `+`. */
  readonly subscription: string;
  /** The subscription takes topics that the filter does not: part of a level is text. */
  readonly wider: boolean;
  /** What stands in the named places, or null for a topic that does not fit; `rest` is what `#` stands for. */
  match(topic: string): Readonly<Record<string, string>> | null;
}

/**
 * What stands in the named places of the first filter that takes the topic; null where a mapping leaves it alone on purpose, undefined where
 * it is none of its topics.
 */
export function placesIn(
  { topics, except }: { readonly topics: readonly TopicFilter[]; readonly except: readonly TopicFilter[] },
  topic: string,
): Readonly<Record<string, string>> | null | undefined {
  for (const filter of topics) {
    const places = filter.match(topic);
    if (places !== null) return except.some((each) => each.match(topic) !== null) ? null : places;
  }
  return undefined;
}

type Level = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'any' } | { readonly kind: 'rest' } | Named;
interface Named {
  readonly kind: 'named';
  readonly before: string;
  readonly name: string;
  readonly after: string;
}

const PLACE = /^([^{}+#]*)\{([A-Za-z_][A-Za-z0-9_]{0,31})\}([^{}+#]*)$/;
const EXPECTED = 'expected levels of text, {name}, + or, at the end, #';
/** Topics that have a codec of their own; a mapping beside it would take what is not meant for it. */
const OTHERS = ['parks/p/meters/m/readings', 'parks/p/meters/m/status', 'spBv1.0/g/NDATA/n', 'spBv1.0/g/DDATA/n/d', '$SYS/broker', '$share/g/t'];
/** First levels of such topics: the broker's list would open them to every gateway of the mapping's park, whatever else the filter says. */
const isOthers = (first: string): boolean => first === 'parks' || first === 'spBv1.0' || first.startsWith('$');

/** Compiles a filter; a sentence that says what is wrong with it otherwise. */
export function compileTopicFilter(text: string): TopicFilter | string {
  const levels: Level[] = [];
  const names = new Set<string>();
  const parts = text.split('/');
  const [first = ''] = parts;
  if (isOthers(first)) return `"${text}": topics below ${first} are not a mapping's; begin it with another level of text`;
  for (const [index, part] of parts.entries()) {
    if (part === '+') levels.push({ kind: 'any' });
    else if (part === '#') {
      if (index !== parts.length - 1) return `"${text}": # may only be the last level; ${EXPECTED}`;
      levels.push({ kind: 'rest' });
    } else if (/[{}]/.test(part)) {
      const [, before = '', name, after = ''] = PLACE.exec(part) ?? [];
      if (name === undefined) return `"${text}": "${part}" is no named place such as {meter}; ${EXPECTED}`;
      if (names.has(name) || name === 'rest') return `"${text}": the name "${name}" is taken; each place needs a name of its own`;
      names.add(name);
      levels.push({ kind: 'named', before, name, after });
    } else if (/[+#\0]/.test(part)) return `"${text}": "${part}" mixes a wildcard with text; ${EXPECTED}`;
    else levels.push({ kind: 'text', text: part });
  }
  const match = (topic: string): Readonly<Record<string, string>> | null => matchLevels(levels, topic);
  const other = OTHERS.find((topic) => match(topic) !== null);
  if (other !== undefined) return `"${text}" would also take topics such as ${other}, which are not a mapping's; begin it with a level of text`;
  const subscription = levels.map((level) => (level.kind === 'text' ? level.text : level.kind === 'rest' ? '#' : '+')).join('/');
  const wider = levels.some((level) => level.kind === 'named' && level.before + level.after !== '');
  return { text, subscription, wider, match };
}

/** Is there a topic that both subscriptions take? */
export function overlap(one: string, other: string): boolean {
  const [a, b] = [one.split('/'), other.split('/')];
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [left, right] = [a[index], b[index]];
    if (left === '#' || right === '#') return true;
    if (left === undefined || right === undefined) return false;
    if (left !== right && left !== '+' && right !== '+') return false;
  }
  return true;
}

function matchLevels(levels: readonly Level[], topic: string): Readonly<Record<string, string>> | null {
  const parts = topic.split('/');
  const places: Record<string, string> = {};
  for (const [index, level] of levels.entries()) {
    if (level.kind === 'rest') {
      places['rest'] = parts.slice(index).join('/');
      return places;
    }
    const part = parts[index];
    if (part === undefined) return null;
    if (level.kind === 'text') {
      if (part !== level.text) return null;
    } else if (level.kind === 'named') {
      const { before, after } = level;
      if (part.length <= before.length + after.length || !part.startsWith(before) || !part.endsWith(after)) return null;
      places[level.name] = part.slice(before.length, part.length - after.length);
    }
  }
  return parts.length === levels.length ? places : null;
}
