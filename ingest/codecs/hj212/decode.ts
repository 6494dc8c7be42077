import type { Hj212Link } from '../../../model/gateway-link.ts';
import type { EpochMs, ParkId } from '../../../model/ids.ts';
import { type Statistic, statisticName } from '../../../model/instrument-statistics.ts';
import { QUALITY } from '../../../model/quality.ts';
import { findQuantity } from '../../../model/quantities.ts';
import type { Meter } from '../../../model/registry.ts';
import { conversion } from '../../../model/units.ts';
import type { RejectReason } from '../../reject-reasons.ts';
import { quote } from '../../wording.ts';
import type { Decoded, DecodedFrame, DecodedRefusal } from '../decoded.ts';
import { type Command, commandOf, requestName } from './commands.ts';
import { factorName } from './factor-names.ts';
import { factorOf } from './factors.ts';
import { isNormal, qualityOfFlag } from './flags.ts';
import { type CpField, parseCp, type Segment, wallTime } from './segment.ts';
import { isSealed } from './sm4.ts';

/** What is known of the logger that sent a message. */
export interface DeviceContext {
  readonly park: ParkId;
  readonly link: Hj212Link;
  meter(id: string): Pick<Meter, 'kind' | 'units'> | undefined;
  /** The instant at which a clock in the park shows this (local time as if it were UTC). */
  instant(wall: number): EpochMs | null;
}

const TAKEN = '2011, 2051, 2061, 2031 and notices';
/** In small letters. */
const NO_VALUES: ReadonlySet<string> = new Set(['eflag', 'sampletime', 'flag']);

type Meaning = {
  readonly converted: boolean;
  readonly statistic: Statistic | null;
  /** Of noise: the part of the day that it is of. */
  readonly partOfDay?: 'daytime' | 'nighttime';
};
/** By suffix, in small letters. */
const SUFFIXES: Readonly<Record<string, Meaning>> = {
  rtd: { converted: false, statistic: null },
  zsrtd: { converted: true, statistic: null },
  avg: { converted: false, statistic: 'avg' },
  min: { converted: false, statistic: 'min' },
  max: { converted: false, statistic: 'max' },
  cou: { converted: false, statistic: 'total' },
  zsavg: { converted: true, statistic: 'avg' },
  zsmin: { converted: true, statistic: 'min' },
  zsmax: { converted: true, statistic: 'max' },
  daydata: { converted: false, statistic: 'avg', partOfDay: 'daytime' },
  nightdata: { converted: false, statistic: 'avg', partOfDay: 'nighttime' },
};

/** What a value is of, before it is a statistic. Null: a part of the day of what is no noise. */
function measuredBy(base: string, { converted, partOfDay }: Meaning): string | null {
  if (partOfDay === undefined) return converted ? `${base}_converted` : base;
  return base === 'sound_level' || base === 'sound_level_momentary' ? `sound_level_${partOfDay}` : null;
}

/** Refused as a whole. */
export const refusedWhole = (reason: RejectReason, detail: string, park?: ParkId): Decoded => ({
  frames: [],
  statuses: [],
  refusals: [{ reason, detail, count: 1 }],
  ...(park === undefined ? {} : { park }),
});

/** What a message holds. */
export interface DecodedMessage extends Decoded {
  /** Values that are not there, and flagged as other than normal: the instrument is down, and its logger says so. */
  readonly missing?: number;
}

/** What a message holds, of one packet or of several joined. Never throws. */
export function decodeSegment(segment: Segment, device: DeviceContext): DecodedMessage {
  const command = commandOf(segment.cn);
  if (command === undefined) {
    const what = requestName(segment.cn);
    const named = what === null ? '' : ` (${what})`;
    return refusedWhole('unknown-command', `command CN=${segment.cn ?? ''}${named} is not taken; taken are ${TAKEN}`, device.park);
  }
  if (command.kind === 'unused') {
    const detail = `command CN=${segment.cn ?? ''} (${command.what}) is not used: the message rests here and was answered; taken are ${TAKEN}`;
    return { ...refusedWhole('unknown-command', detail, device.park), understood: true };
  }
  if (command.kind === 'notice') return { frames: [], refusals: [], statuses: [], park: device.park, understood: true };
  if (isSealed(segment.cp)) {
    const remedy = 'give it the key that the logger has now, or send it plain, over TLS';
    return refusedWhole('encrypted', `the CP is encrypted (SM4, HJ 212-2025), and the gateway has no key that fits; ${remedy}`, device.park);
  }
  return new MessageDecoder(segment, command, device).decode();
}

const isTime = (name: string): boolean => name.toLowerCase() === 'datatime';
const timeIn = (group: readonly CpField[]): string | undefined => group.find(({ name }) => isTime(name))?.value;

/** By factor, in small letters. */
const flagsIn = (fields: readonly CpField[]): ReadonlyMap<string, string> =>
  new Map(fields.flatMap(({ name, value }) => (name.toLowerCase().endsWith('-flag') ? [[name.slice(0, -5).toLowerCase(), value]] : [])));

/** What the link says of the factor, however its code is written there. */
function ownFactor({ factors }: Hj212Link, code: string): NonNullable<Hj212Link['factors']>[string] | undefined {
  if (factors === undefined) return undefined;
  if (Object.hasOwn(factors, code)) return factors[code];
  const key = Object.keys(factors).find((each) => each.toLowerCase() === code.toLowerCase());
  return key === undefined ? undefined : factors[key];
}

/** Is it what a comma has cut off a number? */
const isRestOfNumber = (field: CpField | undefined): field is CpField => field?.name === '' && /^\d[\d.]*(e[+-]?\d+)?$/i.test(field.value);

type DataCommand = Exclude<Command, { kind: 'notice' | 'unused' }>;

class MessageDecoder {
  readonly #segment: Segment;
  readonly #command: DataCommand;
  readonly #device: DeviceContext;
  readonly #refusals: DecodedRefusal[] = [];
  /** Where in the refusals it is said of a factor that it is not taken. */
  readonly #untaken = new Map<string, number>();
  /** By meter and time. */
  readonly #found = new Map<string, { meter: string; ts: EpochMs | null; values: Record<string, unknown>; flags: Record<string, number> }>();
  /** Of the group that is being taken, and of those behind it until another one is told. */
  #ts: EpochMs | null = null;
  /** Flags that stand in groups of their own; null where the message has several times, so that nobody knows which they are of. */
  #looseFlags: ReadonlyMap<string, string> | null = null;
  #ignored = 0;
  #missing = 0;
  /** By time and factor: what has values, and what is flagged as other than normal. */
  readonly #valued = new Set<string>();
  readonly #flagged = new Set<string>();

  constructor(segment: Segment, command: DataCommand, device: DeviceContext) {
    this.#segment = segment;
    this.#command = command;
    this.#device = device;
  }

  decode(): DecodedMessage {
    const groups = parseCp(this.#segment.cp);
    const timeFault = this.#readTime(groups);
    if (timeFault !== null) return refusedWhole('bad-time', timeFault, this.#device.park);
    for (const group of groups) this.#takeGroup(group);
    const frames: DecodedFrame[] = [...this.#found.values()].map(({ meter, ts, values, flags }) => ({
      meter,
      ts,
      values,
      flags,
      // Nothing else marks history: a QN of long ago is what a logger writes that lost its clock.
      ...(this.#segment.resent ? { backfill: true } : {}),
      where: '',
    }));
    for (const flagged of this.#flagged) if (!this.#valued.has(flagged)) this.#missing++;
    const isLeftOut = this.#ignored > 0 || this.#missing > 0;
    if (frames.length === 0 && this.#refusals.length === 0 && !isLeftOut) this.#refuse('empty', 'there is no value in the CP');
    // Beside values it is theirs to say what becomes of the message.
    const understood = isLeftOut && frames.length === 0 && this.#refusals.length === 0;
    return {
      ...{ frames, refusals: this.#refusals, statuses: [], park: this.#device.park, missing: this.#missing },
      ...(understood ? { understood } : {}),
    };
  }

  /** Every time that the message tells has to be one; the first of them, or that of its QN, is where it begins. */
  #readTime(groups: readonly (readonly CpField[])[]): string | null {
    const times = groups.flatMap((group) => timeIn(group) ?? []);
    for (const sent of times) {
      const wall = wallTime(sent);
      if (wall === null) return `DataTime is ${quote(sent)}; expected YYYYMMDDhhmmss`;
      if (this.#device.instant(wall) === null) return `DataTime is ${quote(sent)}, which no clock in the park shows`;
    }
    if (times.length === 0 && this.#command.kind === 'statistics') return 'there is no DataTime, without which a statistic belongs to no period';
    const at = wallTime(times[0] ?? this.#segment.qn);
    this.#ts = at === null ? null : this.#device.instant(at);
    if (at !== null && this.#ts === null) return `QN is ${quote(this.#segment.qn ?? '')}, which no clock in the park shows`;
    if (new Set(times).size <= 1) this.#looseFlags = flagsIn(groups.flat());
    return null;
  }

  #takeGroup(group: readonly CpField[]): void {
    const sent = timeIn(group);
    if (sent !== undefined) this.#ts = this.#device.instant(wallTime(sent) ?? Number.NaN);
    const flags = flagsIn(group);
    for (const [code, flag] of flags) {
      // A flag of no factor is refused below.
      if (isNormal(flag) || code === '') continue;
      if (ownFactor(this.#device.link, code)?.ignore === true) this.#ignored++;
      else this.#flagged.add(`${this.#ts} ${code}`);
    }
    for (let at = 0; at < group.length; at++) {
      const { name, value } = group[at] as CpField;
      if (name === '') {
        this.#refuse('wrong-shape', `${quote(value)} is no name=value; expected e.g. a01012-Rtd=121.7, with "," or ";" before the next one`);
        continue;
      }
      const dash = name.lastIndexOf('-');
      if (dash < 0) {
        this.#takeBare(name, value);
        continue;
      }
      const code = name.slice(0, dash);
      const suffix = name.slice(dash + 1);
      if (code !== '' && NO_VALUES.has(suffix.toLowerCase())) continue;
      // The first half of a number alone would be a wrong value; the whole is refused as none.
      let text = value;
      for (let next = group[at + 1]; isRestOfNumber(next); next = group[++at + 1]) text += `,${next.value}`;
      if (code === '') {
        this.#refuse('wrong-shape', `${quote(`${name}=${text}`)} has no factor code before the dash; expected e.g. a01012-Rtd`);
        continue;
      }
      const key = code.toLowerCase();
      this.#valued.add(`${this.#ts} ${key}`);
      this.#takeValue(code, suffix, text, flags.get(key) ?? this.#looseFlags?.get(key));
    }
  }

  /** A name without what it is of: nothing of ours, unless it is a factor's. */
  #takeBare(name: string, value: string): void {
    if (isTime(name)) return;
    const { link } = this.#device;
    const own = ownFactor(link, name);
    const kind = this.#device.meter(link.meter)?.kind ?? null;
    const isFactor = own === undefined ? factorOf(name, kind, this.#segment.st) !== undefined || factorName(name) !== null : own.ignore !== true;
    if (isFactor)
      this.#refuse('unknown-quantity', `${quote(`${name}=${value}`)} does not say what it is of ${name}; expected ${name}-Rtd, ${name}-Avg and so on`);
    else this.#ignored++;
  }

  #takeValue(code: string, suffix: string, text: string, flag: string | undefined): void {
    const key = suffix.toLowerCase();
    const meaning = Object.hasOwn(SUFFIXES, key) ? SUFFIXES[key] : undefined;
    if (meaning === undefined || !this.#fits(meaning)) {
      this.#refuse('unknown-quantity', `${quote(`${code}-${suffix}`)} is no value of command ${this.#segment.cn}`);
      return;
    }
    const { link } = this.#device;
    const own = ownFactor(link, code);
    if (own?.ignore === true) {
      this.#ignored++;
      return;
    }
    const meter = own?.meter ?? link.meter;
    const record = this.#device.meter(meter);
    const factor = factorOf(code, record?.kind ?? null, this.#segment.st);
    const base = own?.quantity ?? factor?.quantity;
    if (base === undefined) {
      this.#refuseFactor(code);
      return;
    }
    const measured = measuredBy(base, meaning);
    const quantity =
      measured === null || this.#command.kind === 'realtime' || meaning.statistic === null
        ? measured
        : statisticName(measured, this.#command.period, meaning.statistic);
    if (quantity === null && meaning.statistic === 'total') {
      // Loggers send totals of temperatures too; they mean nothing.
      this.#ignored++;
      return;
    }
    if (measured === null || quantity === null || findQuantity(quantity) === undefined) {
      this.#refuse('unknown-quantity', `the catalogue has no ${quote(suffix)} of ${quote(base)}`);
      return;
    }
    if (!isNormal(flag) && !/\d/.test(text)) {
      // Empty, NaN or dashes: no number is lost, and a refusal would have the logger repeat it for as long as the instrument is down.
      this.#missing++;
      return;
    }
    if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i.test(text)) {
      const hint = text.includes(',') ? ' with a decimal point: a decimal comma cuts it in two' : '';
      this.#refuse('not-a-number', `${quote(`${code}-${suffix}`)} is ${quote(text)}; expected a number${hint}`);
      return;
    }
    const value = this.#inUnit(Number(text), { quantity, base: measured, total: meaning.statistic === 'total' }, record?.units, own, factor?.unit ?? null);
    if (value !== null) this.#put(meter, quantity, value, flag, code, suffix);
  }

  /** Is it what a message of this command holds? */
  #fits({ statistic, partOfDay }: Meaning): boolean {
    if (this.#command.kind === 'realtime') return statistic === null;
    return statistic !== null && (partOfDay === undefined || this.#command.period === 'day');
  }

  /** In the unit in which the pipeline expects it; null when it was refused. */
  #inUnit(
    raw: number,
    { quantity, base, total }: { readonly quantity: string; readonly base: string; readonly total: boolean },
    units: Readonly<Record<string, string>> | undefined,
    own: { readonly scale?: number; readonly offset?: number } | undefined,
    standard: string | null,
  ): number | null {
    const scaled = own?.scale !== undefined || own?.offset !== undefined;
    const value = total ? raw : raw * (own?.scale ?? 1) + (own?.offset ?? 0);
    // The pipeline converts what the record names itself; a statistic comes in the unit of its quantity.
    if (units?.[quantity] !== undefined) return value;
    const to = findQuantity(quantity)?.unit;
    const from = total ? null : (units?.[base] ?? (scaled ? null : standard));
    if (from === null || to === undefined) return value;
    const known = conversion(from, to);
    if (known === null) {
      this.#refuse('unknown-unit', `${quantity} cannot be converted from ${quote(from)} to ${to}`);
      return null;
    }
    return value * known.factor + known.offset;
  }

  #put(meter: string, quantity: string, value: number, flag: string | undefined, code: string, suffix: string): void {
    const key = `${this.#ts} ${meter}`;
    let found = this.#found.get(key);
    if (found === undefined) {
      found = { meter, ts: this.#ts, values: {}, flags: {} };
      this.#found.set(key, found);
    }
    if (Object.hasOwn(found.values, quantity)) {
      this.#refuse('repeated-key', `${quote(`${code}-${suffix}`)} is a second value of ${quantity} (${value}); the first is kept`);
      return;
    }
    found.values[quantity] = value;
    const quality = qualityOfFlag(flag) ?? QUALITY.fault;
    if (quality !== QUALITY.good) found.flags[quantity] = quality;
  }

  /** Once, however many of its statistics came: a letter has room for few sentences. */
  #refuseFactor(code: string): void {
    const key = code.toLowerCase();
    const at = this.#untaken.get(key);
    const before = at === undefined ? undefined : this.#refusals[at];
    if (at !== undefined && before !== undefined) {
      this.#refusals[at] = { ...before, count: before.count + 1 };
      return;
    }
    this.#untaken.set(key, this.#refusals.length);
    const name = factorName(code);
    const fault =
      name === null
        ? `factor ${quote(code)} is not known; name its quantity`
        : `factor ${quote(code)} (${name}) has no quantity at a meter of this kind; name one`;
    this.#refuse('unknown-quantity', `${fault} under "factors" of the gateway's link, or ignore it there`);
  }

  #refuse(reason: RejectReason, detail: string): void {
    this.#refusals.push({ reason, detail, count: 1 });
  }
}

/** Data flags of a message that the standard does not know, as they stand. */
export function unknownFlags(segment: Segment): readonly string[] {
  const found = new Set<string>();
  for (const match of segment.cp.matchAll(/-Flag=([^,;&]*)/gi)) if (qualityOfFlag(match[1]?.trim()) === null && found.size < 8) found.add(match[1] ?? '');
  return [...found];
}
