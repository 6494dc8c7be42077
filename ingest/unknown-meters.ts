import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { type EpochMs, type GatewayId, ID_PATTERN, type MeterId, type ParkId } from '../model/ids.ts';
import type { MeterKind } from '../model/meter-kinds.ts';
import type { UnknownMeter, UnknownMeterKey } from '../model/unknown-meter.ts';
import { wholeLetters } from '../store/registry/letter-payloads.ts';
import type { DeadLetter, DeadLetterRecords, WholeDeadLetter } from '../store/registry/port.ts';
import type { DecodedDevice, TopicCodec } from './codecs/decoded.ts';
import { parseSegment } from './codecs/hj212/segment.ts';
import { frameIn } from './codecs/hj212/splitter.ts';
import { strangerIn } from './codecs/hj212/stranger.ts';
import { decodeAgain, originalOf } from './letter-decoding.ts';
import { MOST_DETAILS } from './message-state.ts';
import type { UnknownMeterSighting } from './port.ts';
import type { RejectReason } from './reject-reasons.ts';
import { suggestedQuantity } from './suggested-quantity.ts';
import { parseTopic } from './topics.ts';

const MOST_METERS = 1000;
const MOST_TOPICS = 5;
const MOST_NAMES = 50;
const PAYLOAD_BYTES = 4096;
const PAGE = 1000;
const NO_METER: RejectReason = 'no-meter';
const UNKNOWN_GATEWAY: RejectReason = 'unknown-gateway';
const MOST_LOGGERS = 100;
const ID = new RegExp(ID_PATTERN);
const NONE = new Uint8Array(0);

type LettersToRead = Pick<DeadLetterRecords, 'list' | 'payloads'>;

interface Seen {
  readonly kind: UnknownMeter['kind'];
  readonly meter: string;
  /** Of a device. */
  readonly mapping: string | null;
  meterKind: MeterKind | null;
  readonly park: string | null;
  firstSeen: EpochMs;
  lastSeen: EpochMs;
  count: number;
  readonly topics: Set<string>;
  transport: string;
  gateway: string | null;
  payload: Uint8Array;
  payloadLength: number;
  readonly names: Set<string>;
}

export interface UnknownMetersParts {
  isRegistered(meter: string): boolean;
  /** Does the park's mapping say by now which meter the device of this name is? */
  namesDevice?(park: string | null, mapping: string, name: string): boolean;
  /** Has a gateway this number by now? */
  hasLogger?(mn: string): boolean;
  parkOfGateway(gateway: string): string | null;
  /** How many are held at most. */
  readonly most?: number;
}

/** Bounded by number: the one not seen for longest leaves. Nothing is stored; a start reads it out of the dead letters. */
export class UnknownMeters {
  /**
   * By park and meter, as one park's people are to know nothing of what reports under the same id in another. In order of last sight: a Map
   * keeps the order of insertion.
   */
  readonly #seen = new Map<string, Seen>();
  readonly #parts: UnknownMetersParts & { readonly most: number };

  constructor(parts: UnknownMetersParts) {
    this.#parts = { ...parts, most: parts.most ?? MOST_METERS };
  }

  /** Answers the key under which it is listed. Ids that no meter could be registered by are passed over, for null. */
  see({
    kind = 'meter',
    meter,
    mapping = null,
    meterKind = null,
    park,
    topic,
    transport,
    gateway,
    at,
    quantities,
    again,
    payload,
  }: UnknownMeterSighting): string | null {
    if (kind === 'meter' && !ID.test(meter)) return null;
    const whose = park ?? (gateway === null ? null : this.#parts.parkOfGateway(gateway));
    const key = keyOf({ kind, park: whose, meter, mapping });
    const seen = this.#seen.get(key) ?? {
      ...{ kind, meter, mapping, meterKind },
      park: whose,
      firstSeen: at,
      lastSeen: at,
      count: 0,
      topics: new Set(),
      names: new Set(),
      transport,
      gateway,
      payload,
      payloadLength: 0,
    };
    this.#seen.delete(key);
    this.#seen.set(key, seen);
    this.#makeRoom(kind);
    if (again !== true) seen.count++;
    seen.firstSeen = Math.min(seen.firstSeen, at);
    seen.lastSeen = Math.max(seen.lastSeen, at);
    seen.transport = transport;
    seen.gateway = gateway;
    if (seen.topics.size < MOST_TOPICS) seen.topics.add(topic.slice(0, 1000));
    seen.meterKind = meterKind;
    const bytes = kind === 'logger' ? withoutPassword(payload) : payload;
    seen.payload = Uint8Array.from(bytes.subarray(0, PAYLOAD_BYTES));
    seen.payloadLength = bytes.length;
    for (const name of quantities) if (seen.names.size < MOST_NAMES) seen.names.add(name.slice(0, 64));
    return key;
  }

  #makeRoom(kind: Seen['kind']): void {
    if (kind === 'logger' && this.#hasPushedOutLogger()) return;
    if (this.#seen.size > this.#parts.most) this.#seen.delete(this.#seen.keys().next().value as string);
  }

  /** Anybody may connect and show a number: those who do are not to push out what gateways send. */
  #hasPushedOutLogger(): boolean {
    let oldest: string | null = null;
    let count = 0;
    for (const [key, { kind }] of this.#seen) {
      if (kind !== 'logger') continue;
      oldest ??= key;
      count++;
    }
    return oldest !== null && count > MOST_LOGGERS && this.#seen.delete(oldest);
  }

  /** Sees again what rests in the dead letters, oldest first. A letter that does not name all its meters is decoded again. */
  async seed(letters: LettersToRead, codecs: readonly TopicCodec[]): Promise<void> {
    const last = new Map<string, DeadLetter>();
    for await (const letter of waitingLetters(letters, 'unknown-meter')) {
      for (const [meter, quantities] of await sightingsIn(letters, letter, codecs)) {
        if (this.#parts.isRegistered(meter)) continue;
        const { topic, transport, gateway, receivedAt: at } = letter;
        const key = this.see({ meter, park: parkOf(letter), topic, transport, gateway, at, quantities, payload: NONE });
        if (key !== null) last.set(key, letter);
      }
    }
    // Of the last message alone: most of the bytes are read by nobody.
    for (const [key, seen] of this.#seen) {
      const letter = last.get(key);
      const whole = letter === undefined ? null : await wholeOf(letters, letter);
      if (whole === null) continue;
      seen.payload = Uint8Array.from(whole.payload.subarray(0, PAYLOAD_BYTES));
      seen.payloadLength = whole.payloadLength;
    }
    await this.#seedDevices(letters, codecs);
    await this.#seedLoggers(letters);
  }

  /** Only a codec knows them again; the latest letters have to do. */
  async #seedDevices(letters: LettersToRead, codecs: readonly TopicCodec[]): Promise<void> {
    for await (const letter of latestLetters(letters, NO_METER)) {
      for (const { name: meter, mapping, quantities } of await devicesIn(letter, codecs))
        this.#seeAgain(letter, { kind: 'device', meter, mapping, quantities });
    }
  }

  async #seedLoggers(letters: LettersToRead): Promise<void> {
    for await (const letter of latestLetters(letters, UNKNOWN_GATEWAY)) {
      // Those of earlier versions hold the data segment alone.
      const sent = Buffer.from(frameIn(letter.payload)?.segment ?? letter.payload).toString('latin1');
      for (const { mn: meter, kind: meterKind, quantities } of strangerIn(parseSegment(sent)).loggers ?? []) {
        this.#seeAgain(letter, { kind: 'logger', meter, meterKind, quantities });
      }
    }
  }

  #seeAgain(
    letter: WholeDeadLetter,
    what: Pick<UnknownMeterSighting, 'meter' | 'mapping' | 'meterKind' | 'quantities'> & { readonly kind: UnknownMeter['kind'] },
  ): void {
    const { topic, transport, gateway, receivedAt: at, payload } = letter;
    const park = what.kind === 'logger' ? null : parkOf(letter);
    if (!this.#isKnown({ ...what, mapping: what.mapping ?? null, park })) this.see({ ...what, park, topic, transport, gateway, at, payload });
  }

  /** Last seen first; those that were registered meanwhile are left out. */
  list(): UnknownMeter[] {
    for (const [key, seen] of [...this.#seen]) if (this.#isKnown(seen)) this.#seen.delete(key);
    return [...this.#seen.values()].map((seen) => shown(seen, (id) => this.#parts.isRegistered(id))).reverse();
  }

  /** It is listed again when it reports again. */
  forget({ kind, park, meter, mapping = null }: UnknownMeterKey): void {
    this.#seen.delete(keyOf({ kind, park, meter, mapping }));
  }

  #isKnown({ kind, park, meter, mapping }: Pick<Seen, 'kind' | 'park' | 'meter' | 'mapping'>): boolean {
    if (kind === 'logger') return this.#parts.hasLogger?.(meter) === true;
    return mapping === null ? this.#parts.isRegistered(meter) : this.#parts.namesDevice?.(park, mapping, meter) === true;
  }
}

const keyOf = ({ kind, park, meter, mapping }: Pick<Seen, 'kind' | 'park' | 'meter' | 'mapping'>): string => JSON.stringify([kind, park, mapping, meter]);

/** The letters of a list are read by more people than may know how a logger signs in. However it is written, where it would be read as the password. */
const withoutPassword = (payload: Uint8Array): Uint8Array =>
  Buffer.from(
    Buffer.from(payload)
      .toString('latin1')
      .replaceAll(/P[,\s]*W[,\s]*=[^;]*?(?=;|CP=&&|$)/gi, 'PW=***'),
    'latin1',
  );

/** Letters that were kept because this meter was not registered, oldest first; none that speak of another park, which may mean another meter. */
export async function lettersOfUnknown(letters: LettersToRead, codecs: readonly TopicCodec[], meter: string, park: ParkId): Promise<DeadLetter[]> {
  const found: DeadLetter[] = [];
  for await (const letter of waitingLetters(letters, 'unknown-meter')) {
    if ((parkOf(letter) ?? park) !== park) continue;
    if (metersIn(letter).includes(meter) || (await isUntold(letters, letter, codecs, meter))) found.push(letter);
  }
  return found;
}

/** Letters that were kept because the mapping did not say which meter this device is, oldest first. To be asked for before it does. */
export async function lettersOfDevice(
  letters: LettersToRead,
  codecs: readonly TopicCodec[],
  { meter, mapping, park }: { readonly meter: string; readonly mapping: string; readonly park: ParkId },
): Promise<DeadLetter[]> {
  const found: DeadLetter[] = [];
  const waiting: DeadLetter[] = [];
  for await (const letter of waitingLetters(letters, NO_METER)) if (letter.park === park && isWhole(letter)) waiting.push(letter);
  for await (const letter of wholeLetters(letters, waiting)) {
    const devices = await devicesIn(letter, codecs);
    if (devices.some((device) => device.name === meter && device.mapping === mapping)) found.push(letter);
  }
  return found;
}

/** Letters of a data logger whose number no gateway had, oldest first. */
export async function lettersOfLogger(letters: Pick<DeadLetterRecords, 'list'>, topic: string): Promise<DeadLetter[]> {
  const found: DeadLetter[] = [];
  for await (const letter of waitingLetters(letters, UNKNOWN_GATEWAY)) if (letter.topic === topic) found.push(letter);
  return found;
}

const devicesIn = async (letter: WholeDeadLetter, codecs: readonly TopicCodec[]): Promise<readonly DecodedDevice[]> =>
  isWhole(letter) ? ((await decodeAgain(originalOf(letter), codecs)).devices ?? []) : [];

/** The latest of a reason with their bytes, oldest first: what only decoding tells is not to take a start minutes. */
async function* latestLetters(letters: LettersToRead, reason: RejectReason): AsyncGenerator<WholeDeadLetter> {
  const latest = await letters.list({ parks: 'all', reason, waiting: true }, { limit: PAGE, after: null, order: 'newest' });
  yield* wholeLetters(letters, latest.toReversed());
}

/** The park that a letter speaks of, which need not exist: that of a native topic, else the one whose people may read it. */
function parkOf({ topic, park }: Pick<DeadLetter, 'topic' | 'park'>): string | null {
  const native = parseTopic(topic);
  return typeof native === 'string' ? park : native.park;
}

async function* waitingLetters(letters: Pick<DeadLetterRecords, 'list'>, reason: RejectReason): AsyncGenerator<DeadLetter> {
  for (let after: number | null = null; ; ) {
    const page: readonly DeadLetter[] = await letters.list({ parks: 'all', reason, waiting: true }, { limit: PAGE, after, order: 'oldest' });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.id;
  }
}

/** Meters that a letter names as not registered. */
export function metersIn({ topic, detail }: Pick<DeadLetter, 'topic' | 'detail'>): string[] {
  const native = parseTopic(topic);
  if (typeof native !== 'string') return [native.meter];
  return [...new Set([...detail.matchAll(/meter "?([A-Za-z0-9][A-Za-z0-9._:-]{0,63})"? is not registered/g)].map(([, meter]) => meter as string))];
}

/** The detail names only the first few, so a message of many meters may speak of others. Those of a native topic are in it. */
function namesOnlySome({ topic, detail }: DeadLetter): boolean {
  return !topic.startsWith('parks/') && / in all(;|$)/.test(detail) && detail.split(' is not registered').length > MOST_DETAILS;
}

const isWhole = ({ keptLength, payloadLength }: DeadLetter): boolean => keptLength >= payloadLength;

/** Meters that the letter is about, with the names of their values where it was decoded: those registered may be among them. */
async function sightingsIn(letters: LettersToRead, letter: DeadLetter, codecs: readonly TopicCodec[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>(metersIn(letter).map((meter) => [meter, []]));
  // Of a message that was cut only those named are known: nothing of it could be stored, and the others are seen when they report again.
  if (!namesOnlySome(letter) || !isWhole(letter)) return found;
  const whole = await wholeOf(letters, letter);
  if (whole === null) return found;
  const { frames, statuses } = await decodeAgain(originalOf(whole), codecs);
  for (const { meter } of statuses) found.set(meter, []);
  for (const { meter, values } of frames) found.set(meter, Object.keys(values));
  return found;
}

/** A meter that the detail leaves out. A message that was cut cannot be decoded: that its bytes hold the id has to do. */
async function isUntold(letters: LettersToRead, letter: DeadLetter, codecs: readonly TopicCodec[], meter: string): Promise<boolean> {
  if (!namesOnlySome(letter)) return false;
  if (isWhole(letter)) return (await sightingsIn(letters, letter, codecs)).has(meter);
  return Buffer.from((await wholeOf(letters, letter))?.payload ?? NONE).includes(meter);
}

/** Null where it has gone meanwhile. */
async function wholeOf(letters: LettersToRead, letter: DeadLetter): Promise<WholeDeadLetter | null> {
  for await (const whole of wholeLetters(letters, [letter])) return whole;
  return null;
}

function shown({ kind, names, topics, meter, mapping, meterKind, ...seen }: Seen, isTaken: (id: string) => boolean): UnknownMeter {
  const found = names.size > 0 ? [...names] : namesIn(seen.payload, seen.payloadLength);
  const suggested = found.map((name) => ({ name, quantity: suggestedQuantity(name) }));
  const suggestedKind = meterKind ?? kindOf(suggested.flatMap(({ quantity }) => quantity ?? []));
  const common = { ...seen, meter, topics: [...topics], suggested, suggestedKind };
  if (kind === 'logger') return { ...common, kind, suggestedId: suggestedId(meter, 'logger', () => false) as string as GatewayId };
  return mapping === null ? { ...common, kind: 'meter' } : { ...common, kind: 'device', mapping, suggestedId: suggestedId(meter, mapping, isTaken) };
}

/** An id that tells of the name where that can be written in one; else of the mapping, with a few digits that the name always comes to. */
function suggestedId(name: string, mapping: string, isTaken: (id: string) => boolean): MeterId {
  const written = name
    .normalize('NFKD')
    .replaceAll(/[^A-Za-z0-9._:-]+/g, '-')
    .replaceAll(/^[^A-Za-z0-9]+|-+$/g, '')
    .slice(0, 56);
  const digits = createHash('sha256').update(name).digest('hex').slice(0, 6);
  const base = /[A-Za-z0-9]{2}/.test(written) && written.length * 2 >= name.length ? written : `${mapping.slice(0, 48)}-${digits}`;
  let id = base;
  for (let next = 2; isTaken(id); next++) id = `${base}-${next}`;
  return id as MeterId;
}

/** Keys of values in a native payload; none where it is another form or was cut. */
function namesIn(payload: Uint8Array, length: number): string[] {
  if (payload.length < length || !isUtf8(payload)) return [];
  try {
    const parsed: unknown = JSON.parse(Buffer.from(payload).toString());
    const one = (Array.isArray(parsed) ? parsed[0] : parsed) as { readonly values?: unknown } | null;
    const values = typeof one === 'object' && one !== null ? (one.values ?? one) : null;
    return typeof values === 'object' && values !== null ? Object.keys(values).slice(0, MOST_NAMES) : [];
  } catch {
    // Not JSON: then there are no names to show, and the payload itself is shown.
    return [];
  }
}

/** First that fits; a battery or pv meter shows more than electricity, so it stands before it. */
const KINDS: readonly (readonly [MeterKind, RegExp])[] = [
  ['battery', /^state_of_charge$/],
  ['pv', /^(irradiance|module_temperature)$/],
  ['electrolyser', /^hydrogen_/],
  ['capture', /^captured_co2_/],
  ['stack', /^stack_/],
  ['ambient', /^(pm2_5|pm10|so2|no2|co|o3|tsp)$/],
  ['electricity', /^(active_|reactive_|apparent_|power_factor|voltage_|current_|interval_|frequency$)/],
  ['water', /^water_/],
  ['gas', /^gas_/],
  ['heat', /^heat_/],
  ['steam', /^steam_/],
  ['weather', /^(air_|wind_|precipitation|dew_point)/],
];

const kindOf = (quantities: readonly string[]): MeterKind | null => KINDS.find(([, of]) => quantities.some((name) => of.test(name)))?.[0] ?? null;
