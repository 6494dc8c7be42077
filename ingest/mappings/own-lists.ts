import jsonata from 'jsonata';
import { Refused } from './bytes.ts';

/** Refuses where the expression has run long enough. */
export type InTime = () => void;

/** Values in what is copied at once: the same one a few times within itself, some levels deep, is more than there is memory for. */
const MOST_COPIED = 1_000_000;
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** JSONata has objects for functions, with all that was known where they stand. */
const isFunction = (value: unknown): boolean => isObject(value) && ('_jsonata_lambda' in value || '_jsonata_function' in value);

/** Marked as JSONata's own: with a single item it is that item. */
const sequence = <T>(items: T[]): T[] => Object.assign(items, { sequence: true });

/** Of lists in lists, too. */
function addKeys(value: unknown, into: Set<string>, inTime: InTime): void {
  inTime();
  if (Array.isArray(value)) for (const each of value as unknown[]) addKeys(each, into, inTime);
  else if (isObject(value) && !isFunction(value)) for (const key of Object.keys(value)) into.add(key);
}

function copied(value: unknown, count: () => void): unknown {
  count();
  if (typeof value === 'number') return Number(value.toPrecision(15));
  if (Array.isArray(value)) return value.map((each) => copied(each, count));
  if (typeof value === 'function' || isFunction(value)) return '';
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copied(each, count)]));
}

const areOf = (values: readonly unknown[], type: 'number' | 'string'): boolean => values.every((value) => typeof value === type);

type Comparator = (left: unknown, right: unknown) => unknown;

async function sortedBy(values: readonly unknown[], isBehind: Comparator, inTime: InTime): Promise<readonly unknown[]> {
  if (values.length <= 1) return values;
  const middle = values.length >> 1;
  const left = await sortedBy(values.slice(0, middle), isBehind, inTime);
  const right = await sortedBy(values.slice(middle), isBehind, inTime);
  const made: unknown[] = [];
  for (let l = 0, r = 0; l < left.length || r < right.length; ) {
    inTime();
    const takesRight = l === left.length || (r < right.length && Boolean(await isBehind(left[l], right[r])));
    made.push(takesRight ? right[r++] : left[l++]);
  }
  return made;
}

const ORIGINAL = jsonata('$toMillis($text, $picture)');
/** Together they keep small in how many ways a text can be cut into the components of a picture, of which JSONata makes a regular expression. */
const LONGEST_DATED = 64;
const LONG_RUN = /\d{18}|[A-Za-z]{21}|[^0-9A-Za-z]{5}/;
const MOST_COMPONENTS = 10;

function toMillis(text: string | undefined, picture?: string): unknown {
  if (text !== undefined && picture !== undefined) {
    if (text.length > LONGEST_DATED || LONG_RUN.test(text)) {
      throw new Refused(
        `$toMillis with a picture takes at most ${LONGEST_DATED} characters, and of one kind at most 17 digits, 20 letters or 4 others in a row`,
      );
    }
    if (picture.split('[').length - 1 > MOST_COMPONENTS) throw new Refused(`$toMillis takes at most ${MOST_COMPONENTS} components in a picture`);
  }
  return ORIGINAL.evaluate(undefined, { text, picture });
}

interface Own {
  /** As JSONata has it. */
  readonly signature: string;
  /** With the parameters that JSONata's own has: their number decides what it is given by another function. */
  readonly run: (inTime: InTime) => Parameters<jsonata.Expression['registerFunction']>[1];
}

/**
 * JSONata's own functions that go over whole lists in one step, between two looks at the watch: over what a few doublings have made long, and
 * some over the same again for each item. Here they stop in time.
 */
export const OWN_LISTS: Readonly<Record<string, Own>> = {
  append: {
    signature: '<xx:a>',
    run: (inTime) => (left: unknown, right: unknown) => {
      inTime();
      if (left === undefined || right === undefined) return left ?? right;
      return (Array.isArray(left) ? (left as unknown[]) : [left]).concat(right);
    },
  },
  sort: {
    signature: '<af?:a>',
    run: (inTime) => async (values: readonly unknown[] | undefined, isBehind?: Comparator) => {
      if (values === undefined || values.length <= 1) return values;
      if (isBehind !== undefined) return sortedBy(values, isBehind, inTime);
      if (!areOf(values, 'number') && !areOf(values, 'string'))
        throw new Refused('$sort takes numbers, or texts, or a function that says how others are put in order');
      return (values as readonly string[]).toSorted((left, right) => {
        inTime();
        return left > right ? 1 : left < right ? -1 : 0;
      });
    },
  },
  merge: {
    signature: '<a<o>:o>',
    run: (inTime) => (objects: readonly object[] | undefined) => {
      if (objects === undefined) return undefined;
      const found = new Map<string, unknown>();
      for (const object of objects) {
        inTime();
        for (const [key, value] of Object.entries(object)) found.set(key, value);
      }
      return Object.fromEntries(found);
    },
  },
  keys: {
    signature: '<x-:a<s>>',
    run: (inTime) => (value: unknown) => {
      const found = new Set<string>();
      addKeys(value, found, inTime);
      return sequence([...found]);
    },
  },
  clone: {
    signature: '<(oa)-:o>',
    run: (inTime) => (value: unknown) => {
      if (value === undefined) return undefined;
      let count = 0;
      return copied(value, () => {
        inTime();
        if (++count > MOST_COPIED) throw new Refused(`a copy would have more than ${MOST_COPIED} values`);
      });
    },
  },
  toMillis: { signature: '<s-s?:n>', run: () => toMillis },
};
