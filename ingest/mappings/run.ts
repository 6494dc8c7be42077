import { ID_PATTERN } from '../../model/ids.ts';
import type { MappingFailure } from '../../model/mapping.ts';
import { QUALITY } from '../../model/quality.ts';
import type { RejectReason } from '../reject-reasons.ts';
import { nameOf, quote } from '../wording.ts';
import type { CompiledFlag, CompiledMapping, CompiledValue } from './compile.ts';
import { type Bindings, type Expression, ExpressionFault } from './expression.ts';
import { LeftOutNotes } from './left-out-notes.ts';
import { flagOf, type Measured, measure, type Wrong } from './value.ts';

export interface FoundValue extends Measured {
  readonly quantity: string;
  /** Code of model/quality.ts. */
  readonly flag: number;
}

export interface FoundFrame {
  readonly where: string;
  readonly meter: string;
  readonly ts: number | null;
  readonly backfill: boolean;
  readonly values: readonly FoundValue[];
}

export interface Failure extends MappingFailure {
  readonly reason: RejectReason;
  /** Values that were lost by it. */
  readonly count: number;
}

export interface Ran {
  /** `when` was not true: the message is none of the mapping's. */
  readonly leftAlone: boolean;
  readonly frames: readonly FoundFrame[];
  readonly failures: readonly Failure[];
  /** An item had values, and the mapping leaves out each of them: null, missing, or a name that it ignores. */
  readonly understood: boolean;
  /** Null where nothing was. */
  readonly leftOut: LeftOutNotes | null;
  /** Quantities by the names of devices that are no ids and stand for no meter. */
  readonly devices: ReadonlyMap<string, ReadonlySet<string>>;
  /** It was stopped because it ran too long. */
  readonly runaway: boolean;
}

export type Note = (at: string, where: string, found: unknown) => void;

/** Most items taken of one message, and failures told of it; more failures are counted with the last of their reason. */
const MOST_ITEMS = 10_000;
export const MOST_FAILURES = 50;
/** Longest that one message may take, in milliseconds of the processor. */
export const MESSAGE_LIMIT_MS = 2000;
/** After this many milliseconds the work steps aside for everything else. */
export const SLICE_MS = 20;

/** Devices without a meter that are told of one message, and characters of the name of one: no longer than a mapping may have under `meters`. */
const MOST_DEVICES = 1000;
const LONGEST_DEVICE = 256;

/** Names that one refusal speaks of. */
const MOST_NAMES = 10;

const ID = new RegExp(ID_PATTERN);
const unknownName = (found: string): Wrong => ({
  ...{ reason: 'unknown-quantity', found },
  expected: 'a quantity of the catalogue, or what the name means under "named.names"',
});

/** Runs a mapping over one message whose payload was read. Never throws for what is in the message. */
export function runMapping(mapping: CompiledMapping, message: unknown, bindings: Omit<Bindings, 'message'>, note?: Note): Promise<Ran> {
  return new Run(mapping, { ...bindings, message }, note).run();
}

/** Stops the item; the failure is noted already. */
class Stopped extends Error {}
/** Stops the message. */
class Runaway extends Error {}

class Run {
  readonly #mapping: CompiledMapping;
  readonly #bindings: Bindings;
  readonly #note: Note | undefined;
  readonly #frames: FoundFrame[] = [];
  readonly #failures: Failure[] = [];
  readonly #devices = new Map<string, Set<string>>();
  #where = '';
  /** Where in `#failures` the newest stands, or is counted. */
  #newest = -1;
  #leftOut: LeftOutNotes | null = null;
  /** Of the item: its meter, names that the mapping ignores, and known ones without a value. */
  #meter = '';
  /** What `named.from` answered; null where it did not. */
  #values: object | null = null;
  #ignored = 0;
  #missing = 0;
  #understood = false;
  #worked = 0;
  #since = performance.now();

  constructor(mapping: CompiledMapping, bindings: Bindings, note: Note | undefined) {
    this.#mapping = mapping;
    this.#bindings = bindings;
    this.#note = note;
  }

  async run(): Promise<Ran> {
    let leftAlone = false;
    let runaway = false;
    try {
      leftAlone = !(await this.#message());
    } catch (error) {
      if (error instanceof Runaway) runaway = true;
      else if (!(error instanceof Stopped)) throw error;
    }
    const [frames, failures, devices] = [this.#frames, this.#failures, this.#devices];
    return { leftAlone, frames, failures, devices, understood: this.#understood, leftOut: this.#leftOut, runaway };
  }

  /** False where the message is none of the mapping's. */
  async #message(): Promise<boolean> {
    const { when, each } = this.#mapping;
    const { message } = this.#bindings;
    if (when !== null) {
      const found = await this.#ask(when, 'when', message, 1);
      if (found === undefined || found === false || found === null || found === 0 || found === '') return false;
    }
    if (each === null) {
      await this.#item(message);
      return true;
    }
    const found = await this.#ask(each, 'each', message, 1);
    if (found === undefined || found === null) this.#fail('each', each, { reason: 'empty', found: 'nothing', expected: 'the items of the message' }, 1);
    else if (!Array.isArray(found)) await this.#item(found);
    else if (found.length === 0) this.#fail('each', each, { reason: 'empty', found: 'an array of 0', expected: 'at least one item' }, 1);
    else await this.#items(found, each);
    return true;
  }

  async #items(items: readonly unknown[], each: Expression): Promise<void> {
    for (const [index, item] of items.entries()) {
      this.#where = `[${index}]`;
      if (index >= MOST_ITEMS) {
        const wrong: Wrong = { reason: 'mapping-failed', found: nameOf(items), expected: `at most ${MOST_ITEMS} items in a message` };
        this.#fail('each', each, wrong, items.length - index);
        return;
      }
      try {
        await this.#item(item);
      } catch (error) {
        if (!(error instanceof Stopped)) throw error;
      }
      const waiting = this.#giveWay();
      if (waiting !== null) await waiting;
    }
  }

  async #item(item: unknown): Promise<void> {
    const { meter: meterOf, named } = this.#mapping;
    const { meter, ts, late, overall } = await this.#head(item).catch(async (error: unknown) => {
      if (error instanceof Stopped) this.#countNewest((await this.#valuesIn(item)) - 1);
      throw error;
    });
    const found: FoundValue[] = [];
    const before = this.#failures.length;
    this.#meter = meter;
    this.#ignored = 0;
    this.#missing = 0;
    this.#values = null;
    for (const rule of this.#mapping.values) if (rule.from !== null) await this.#value(rule, rule.from, item, overall, found);
    if (named !== null) await this.#named(named, item, overall, found);
    if (!ID.test(meter)) this.#unknownDevice(meter, found, meterOf);
    else if (found.length > 0) this.#frames.push({ where: this.#where, meter, ts, backfill: late, values: found });
    else if (this.#failures.length !== before || this.#failures.length >= MOST_FAILURES) return;
    else if (named?.others === 'refuse-whole' && this.#ignored > 0 && this.#missing === 0) {
      const names = Object.keys(this.#values ?? {});
      this.#fail('named.from', named.from, unknownName(`only the names ${names.slice(0, MOST_NAMES).map(quote).join(', ')}`), names.length);
    } else if (this.#ignored + this.#missing > 0) {
      this.#understood = true;
      this.#notes.item(this.#missing > 0 ? 'nothing-measured' : 'nothing-mapped', meter, this.#values ?? item);
      this.#note?.('nothing to keep', this.#where, 'every value is null, missing or ignored');
    } else {
      this.#fail(named === null ? 'values' : 'named', null, { reason: 'empty', found: nameOf(item), expected: 'at least one of the values of the mapping' }, 1);
    }
  }

  /** What holds for all values of the item. */
  async #head(item: unknown) {
    const { meter: meterOf, meters, time, backfill, flag } = this.#mapping;
    const device = this.#deviceOf(await this.#ask(meterOf, 'meter', item, 1), meterOf);
    const meter = meters.get(device) ?? device;
    let ts: number | null = null;
    if (time !== null) {
      const found = await this.#ask(time.from, 'time', item, 1);
      const read = time.read(found, this.#bindings.received);
      if (typeof read === 'string') this.#stop('time', time.from, { reason: 'bad-time', found: nameOf(found), expected: read }, 1);
      if (read === null && time.required) this.#stop('time', time.from, { reason: 'bad-time', found: 'nothing', expected: 'a time of measurement' }, 1);
      ts = read;
    }
    const late = backfill !== null && (await this.#ask(backfill, 'backfill', item, 1)) === true;
    const overall = flag === null ? QUALITY.good : await this.#flag(flag, 'flag', item, 1);
    return { meter, ts, late, overall };
  }

  /** Values that are lost with an item of which the meter or the time is not known, as far as that can be told; 1 at least. */
  async #valuesIn(item: unknown): Promise<number> {
    const { values, named, decimal } = this.#mapping;
    const isValue = (found: unknown, rule: CompiledValue) => measure(found, rule, decimal) !== null;
    let count = 0;
    for (const rule of values) if (rule.from !== null && isValue(await this.#foundBy(rule.from, item), rule)) count++;
    const found = named === null ? null : await this.#foundBy(named.from, item);
    if (named !== null && typeof found === 'object' && found !== null && !Array.isArray(found)) {
      for (const [name, value] of Object.entries(found)) {
        const rule = named.names.get(name) ?? named.own(name);
        if (rule === undefined ? named.others === 'refuse' : isValue(value, rule)) count++;
      }
    }
    return Math.max(1, count);
  }

  /** What the expression answers; nothing where it fails, of which nobody is told. */
  async #foundBy(expression: Expression, input: unknown): Promise<unknown> {
    try {
      const found = await expression.evaluate(input, this.#bindings);
      await this.#giveWay();
      return found;
    } catch (error) {
      if (!(error instanceof ExpressionFault)) throw error;
      if (error.runaway) throw new Runaway();
      return undefined;
    }
  }

  #deviceOf(found: unknown, expression: Expression): string {
    const name = typeof found === 'number' ? String(found) : found;
    if (typeof name !== 'string') {
      const expected = found === undefined ? "a meter's id; is the expression's path right?" : "a meter's id as text";
      this.#stop('meter', expression, { reason: 'no-meter', found: found === undefined ? 'nothing' : nameOf(found), expected }, 1);
    }
    return name;
  }

  #unknownDevice(name: string, values: readonly FoundValue[], expression: Expression): void {
    const expected = 'an id of letters, digits and . _ : -; name the meter of this device under "meters"';
    this.#fail('meter', expression, { reason: 'no-meter', found: nameOf(name), expected }, Math.max(1, values.length));
    const known = this.#devices.get(name);
    if (known === undefined && (this.#devices.size >= MOST_DEVICES || name.length > LONGEST_DEVICE || name === '')) return;
    const quantities = known ?? new Set();
    for (const { quantity } of values) quantities.add(quantity);
    this.#devices.set(name, quantities);
  }

  async #value(rule: CompiledValue, from: Expression, item: unknown, overall: number, into: FoundValue[]): Promise<void> {
    try {
      const found = await this.#ask(from, rule.at, item, 1);
      await this.#take(rule, rule.quantity.name, from, found, item, overall, into);
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
    }
  }

  async #named({ from, names, own, others }: NonNullable<CompiledMapping['named']>, item: unknown, overall: number, into: FoundValue[]): Promise<void> {
    const found = await this.#ask(from, 'named.from', item, 1);
    if (found === null) this.#leave('no-value', 'named.from', null);
    if (found === undefined || found === null) return;
    if (typeof found !== 'object' || Array.isArray(found)) {
      this.#stop('named.from', from, { reason: 'wrong-shape', found: nameOf(found), expected: 'an object of values by name' }, 1);
    }
    this.#values = found;
    for (const [name, value] of Object.entries(found)) {
      const rule = names.get(name) ?? own(name);
      if (rule === undefined) {
        if (others === 'refuse') this.#fail('named.from', from, unknownName(`the name ${quote(name)}`), 1);
        else this.#leave('not-mapped', name, value);
        continue;
      }
      try {
        await this.#take(rule, name, from, value, item, overall, into);
      } catch (error) {
        if (!(error instanceof Stopped)) throw error;
      }
    }
  }

  /** @param name how the message calls it, or the mapping where the message does not */
  async #take(rule: CompiledValue, name: string, from: Expression, found: unknown, item: unknown, overall: number, into: FoundValue[]): Promise<void> {
    const measured = measure(found, rule, this.#mapping.decimal);
    if (measured === null) {
      // What is not there at all is not left out: few devices have every value that a mapping knows.
      if (found !== undefined) this.#leave('no-value', name, found);
      return;
    }
    if ('reason' in measured) {
      this.#fail(rule.at, from, measured, 1);
      return;
    }
    const flag = rule.flag === null ? overall : await this.#flag(rule.flag, `${rule.at}.flag`, item, 1);
    into.push({ quantity: rule.quantity.name, value: measured.value, unit: measured.unit, flag });
  }

  #leave(kind: 'not-mapped' | 'no-value', name: string, value: unknown): void {
    if (kind === 'no-value') this.#missing++;
    else this.#ignored++;
    this.#notes.name(kind, name, this.#meter, value);
    this.#note?.(kind === 'no-value' ? 'no value' : 'not mapped', this.#where, { [name]: value });
  }

  get #notes(): LeftOutNotes {
    this.#leftOut ??= new LeftOutNotes();
    return this.#leftOut;
  }

  async #flag(flag: CompiledFlag, at: string, item: unknown, count: number): Promise<number> {
    const code = flagOf(await this.#ask(flag.from, at, item, count), flag);
    return typeof code === 'number' ? code : this.#stop(at, flag.from, code, count);
  }

  /** What the expression answers; a failure of it is noted and stops the item. */
  #ask(expression: Expression, at: string, input: unknown, count: number): unknown {
    const answer = expression.evaluate(input, this.#bindings);
    if (!(answer instanceof Promise)) {
      this.#note?.(at, this.#where, answer);
      return answer;
    }
    return answer.then(
      (found: unknown) => {
        this.#note?.(at, this.#where, found);
        return this.#giveWay()?.then(() => found) ?? found;
      },
      (error: unknown) => {
        if (!(error instanceof ExpressionFault)) throw error;
        this.#fail(at, expression, { reason: 'mapping-failed', found: error.message, expected: 'an expression that can be evaluated' }, count, error.position);
        if (error.runaway) throw new Runaway();
        throw new Stopped();
      },
    );
  }

  #stop(at: string, expression: Expression, wrong: Wrong, count: number): never {
    this.#fail(at, expression, wrong, count);
    throw new Stopped();
  }

  #fail(at: string, expression: Expression | null, { reason, found, expected }: Wrong, count: number, position: number | null = null): void {
    if (this.#failures.length >= MOST_FAILURES) {
      const index = this.#failures.findLastIndex((failure) => failure.reason === reason);
      if (index >= 0) {
        this.#newest = index;
        this.#countNewest(count);
        return;
      }
    }
    this.#newest = this.#failures.length;
    this.#failures.push({ where: this.#where, at, expression: expression?.text ?? null, position, reason, found, expected, count });
  }

  /** More values are lost by the newest failure. */
  #countNewest(more: number): void {
    const newest = this.#failures[this.#newest];
    if (newest !== undefined && more > 0) this.#failures[this.#newest] = { ...newest, count: newest.count + more };
  }

  /** Behind each item, and behind each expression: one item may have hundreds. */
  #giveWay(): Promise<void> | null {
    return performance.now() - this.#since > SLICE_MS ? this.#stepAside() : null;
  }

  async #stepAside(): Promise<void> {
    this.#worked += performance.now() - this.#since;
    if (this.#worked > MESSAGE_LIMIT_MS) {
      const wrong: Wrong = {
        reason: 'mapping-failed',
        found: `${Math.round(this.#worked)} ms of work`,
        expected: `at most ${MESSAGE_LIMIT_MS} ms for a message`,
      };
      this.#fail('each', null, wrong, 1);
      throw new Runaway();
    }
    await new Promise((resolve) => setImmediate(resolve));
    this.#since = performance.now();
  }
}
