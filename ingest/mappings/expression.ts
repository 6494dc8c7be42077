import jsonata from 'jsonata';
import { CONCAT, LONGEST_TEXT, registerFunctions, sizeUpTo } from './functions.ts';

/** What expressions know beside the message, as `$topic`, `$gateway`, `$received` and `$message`. */
export interface Bindings {
  /** What stands in the filter's named places. */
  readonly topic: Readonly<Record<string, string>>;
  /** The gateway that signed in; not bound where there is none. */
  readonly gateway?: string;
  /** Time of arrival in UTC milliseconds. */
  readonly received: number;
  /** The message as a whole, for expressions on one of its items. */
  readonly message: unknown;
}

/**
 * Longest that one expression may run, in milliseconds. Expressions never wait for anything, so this is time of the processor. The backlog of a
 * gateway, 10,000 items of 700 kB in one message, takes 0.2 s; a usual one takes less than a thousandth of that.
 */
export const LIMIT_MS = 2000;
/** Most steps of one evaluation: ten thousand items of a gateway's backlog take half as many, and so on a busy machine, too. */
export const MOST_STEPS = 300_000;
/** Deepest nesting of calls, and most items that one step may make. */
const STACK = 300;
const SEQUENCE = 100_000;
/** Items of all lists in a list: a path, a condition and others go into each, as often as it stands there. */
const MOST_ITEMS = 10 * SEQUENCE;
/** Characters of all texts that the steps of one evaluation come to. */
const TEXTS = 32 * LONGEST_TEXT;
/** Characters, as JSON, on either side of a comparison: in a few steps an object can be made that holds another a million times. */
const MOST_COMPARED = 4 * LONGEST_TEXT;
const COMPARISONS: ReadonlySet<unknown> = new Set(['=', '!=', 'in']);
/** Called by JSONata behind every step. */
const AFTER_STEP = Symbol.for('jsonata.__evaluate_exit') as unknown as string;

export class ExpressionFault extends Error {
  /** Character of the expression, from 1; null where it is not known. */
  readonly position: number | null;
  /** It was stopped because it would not end: whoever runs it should not do so again at once. */
  readonly runaway: boolean;

  constructor(message: string, position: number | null, runaway = false) {
    super(message);
    this.position = position;
    this.runaway = runaway;
  }
}

/** An expression that was compiled. Answers at once where it is a plain path, and throws or rejects ExpressionFault. */
export interface Expression {
  readonly text: string;
  evaluate(input: unknown, bindings: Bindings): unknown | Promise<unknown>;
}

/**
 * Compiles JSONata with the functions of mappings. Throws ExpressionFault where the text is not JSONata, or holds a regular expression: one
 * of them on a text that a device chooses can keep the service from everything else, and no limit would stop it.
 */
export function compileExpression(text: string): Expression {
  let compiled: jsonata.Expression;
  let ast: unknown;
  try {
    compiled = jsonata(text, { timeout: LIMIT_MS, stack: STACK, sequence: SEQUENCE, RegexEngine: NoRegex as unknown as RegExpConstructor });
    ast = compiled.ast();
  } catch (error) {
    throw faultOf(error);
  }
  const regex = findRegex(ast, 0);
  if (regex !== null) {
    throw new ExpressionFault('regular expressions are not taken; $contains, $split and $substringBefore take texts', regex < 0 ? null : regex);
  }
  let characters = 0;
  let steps = 0;
  let began = 0;
  registerFunctions(compiled, () => {
    if (hasRunLong(began)) throw new ExpressionFault(TOO_LONG, null, true);
  });
  const path = plainPath(ast);
  boundConcatenation(ast, 0);
  const compared = comparedIn(ast);
  // A step of its own, such as $length or a comparison, is not looked at while it runs: what it works on has to be small.
  compiled.assign(AFTER_STEP, (expression: unknown, _input: unknown, _environment: unknown, found: unknown) => {
    if (++steps > MOST_STEPS) throw new ExpressionFault(`it takes more than ${MOST_STEPS} steps`, null, true);
    if (typeof found === 'string') {
      characters += found.length;
      if (found.length > LONGEST_TEXT) throw new ExpressionFault(`a text becomes longer than ${LONGEST_TEXT} characters`, null, true);
      if (characters > TEXTS) throw new ExpressionFault(`its texts together become longer than ${TEXTS} characters`, null, true);
    } else if (Array.isArray(found)) {
      if (found.length > SEQUENCE) throw new ExpressionFault(`a list becomes longer than ${SEQUENCE} items`, null, true);
      if (itemsIn(found) > MOST_ITEMS) throw new ExpressionFault(`lists in a list become longer than ${MOST_ITEMS} items together`, null, true);
    }
    if (typeof found === 'object' && compared.has(expression) && sizeUpTo(found, MOST_COMPARED) >= MOST_COMPARED)
      throw new ExpressionFault(`more than ${MOST_COMPARED} characters are compared at once`, null, true);
  });
  const general = async (input: unknown, bindings: Bindings): Promise<unknown> => {
    characters = 0;
    steps = 0;
    began = performance.now();
    let found: unknown;
    try {
      found = await compiled.evaluate(input, bindings as unknown as Record<string, unknown>);
    } catch (error) {
      const fault = faultOf(error);
      throw hasRunLong(began) ? new ExpressionFault(fault.message, fault.position, true) : fault;
    }
    if (hasRunLong(began)) throw new ExpressionFault(TOO_LONG, null, true);
    return plain(found);
  };
  if (path === null) return { text, evaluate: general };
  return {
    text,
    evaluate(input, bindings) {
      const found = walk(path, input, bindings);
      return found === UNDECIDED ? general(input, bindings) : found;
    },
  };
}

const TOO_LONG = `it takes longer than ${LIMIT_MS} ms`;

/** JSONata looks at its watch between steps alone: one step may have taken longer. */
const hasRunLong = (began: number): boolean => performance.now() - began > LIMIT_MS;

/** Has texts put together by a function that keeps them short: a few doublings make one that ends the process when it is looked at. */
function boundConcatenation(node: unknown, depth: number): void {
  if (typeof node !== 'object' || node === null || depth > 1000) return;
  if (isNode(node) && node['type'] === 'binary' && node['value'] === '&') {
    Object.assign(node, { type: 'function', value: '(', procedure: { type: 'variable', value: CONCAT }, arguments: [node['lhs'], node['rhs']] });
    node['lhs'] = undefined;
    node['rhs'] = undefined;
  }
  for (const child of Object.values(node)) boundConcatenation(child, depth + 1);
}

/** What a list comes to with the lists in it; a list is not changed once a step has come to it. */
const KNOWN_ITEMS = new WeakMap<object, number>();

function itemsIn(list: readonly unknown[]): number {
  const known = KNOWN_ITEMS.get(list);
  if (known !== undefined) return known;
  let items = list.length;
  for (const item of list) if (Array.isArray(item)) items += itemsIn(item as unknown[]);
  KNOWN_ITEMS.set(list, items);
  return items;
}

/** The sides of comparisons: one of them is one step, however much it goes through. */
function comparedIn(ast: unknown): ReadonlySet<unknown> {
  const found = new Set<unknown>();
  const look = (node: unknown, depth: number): void => {
    if (typeof node !== 'object' || node === null || depth > 1000) return;
    if (isNode(node) && node['type'] === 'binary' && COMPARISONS.has(node['value'])) found.add(node['lhs']).add(node['rhs']);
    for (const child of Object.values(node)) look(child, depth + 1);
  };
  look(ast, 0);
  return found;
}

class NoRegex {
  constructor() {
    throw new ExpressionFault('regular expressions are not taken', null);
  }
}

interface Path {
  /** The first step is a variable of the bindings. */
  readonly variable: keyof Bindings | null;
  readonly names: readonly string[];
}

const UNDECIDED = Symbol('a path that needs the rules of JSONata');
const VARIABLES: ReadonlySet<string> = new Set(['topic', 'gateway', 'received', 'message']);

/** Names joined by dots are nine expressions of ten, and are walked without the machinery of the others. */
function plainPath(ast: unknown): Path | null {
  if (!isNode(ast) || ast['type'] !== 'path' || !Array.isArray(ast['steps'])) return null;
  const names: string[] = [];
  let variable: keyof Bindings | null = null;
  for (const key of Object.keys(ast)) if (key !== 'type' && key !== 'steps') return null;
  for (const [index, step] of (ast['steps'] as unknown[]).entries()) {
    if (!isNode(step)) return null;
    for (const key of Object.keys(step)) if (key !== 'type' && key !== 'value' && key !== 'position') return null;
    const value = step['value'];
    if (typeof value !== 'string') return null;
    if (step['type'] === 'name') names.push(value);
    else if (index === 0 && step['type'] === 'variable' && VARIABLES.has(value)) variable = value as keyof Bindings;
    else return null;
  }
  return { variable, names };
}

function walk({ variable, names }: Path, input: unknown, bindings: Bindings): unknown {
  let at: unknown = variable === null ? input : bindings[variable];
  for (const name of names) {
    // Over the items of an array a path has rules of its own.
    if (Array.isArray(at)) return UNDECIDED;
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Record<string, unknown>)[name];
  }
  return at;
}

/** Position of a regular expression in the tree, -1 where it has none, null where there is no such expression. */
function findRegex(node: unknown, depth: number): number | null {
  if (typeof node !== 'object' || node === null || depth > 1000) return null;
  if (isNode(node) && (node['type'] === 'regex' || node['value'] instanceof RegExp)) {
    return typeof node['position'] === 'number' ? node['position'] : -1;
  }
  for (const child of Object.values(node)) {
    const found = findRegex(child, depth + 1);
    if (found !== null) return found;
  }
  return null;
}

/** What JSONata answers as a function, or as a list marked as its own, is of no use to anyone else. */
const plain = (value: unknown): unknown => (typeof value === 'function' ? undefined : value);

function faultOf(error: unknown): ExpressionFault {
  if (error instanceof ExpressionFault) return error;
  const { code, message, position } = isNode(error) ? error : {};
  const runaway = code === 'D1011' || code === 'D1012';
  const text = typeof message === 'string' && message !== '' ? message : String(error);
  return new ExpressionFault(text.slice(0, 300), typeof position === 'number' && position > 0 ? position : null, runaway);
}

const isNode = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
