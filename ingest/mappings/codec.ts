import type { EpochMs, ParkId } from '../../model/ids.ts';
import type { Mapping } from '../../model/mapping.ts';
import { QUALITY } from '../../model/quality.ts';
import { findQuantity } from '../../model/quantities.ts';
import type { Meter } from '../../model/registry.ts';
import { conversion } from '../../model/units.ts';
import type { Decoded, DecodedFrame, DecodedRefusal, LeftOut, TopicCodec } from '../codecs/decoded.ts';
import type { StageTimes } from '../stage-times.ts';
import { type CompiledMapping, compileMapping } from './compile.ts';
import type { LeftOutNotes } from './left-out-notes.ts';
import { type ReadPayload, readPayload } from './payload.ts';
import { type Failure, type FoundFrame, type Ran, runMapping, SLICE_MS } from './run.ts';
import { placesIn } from './topic-filter.ts';

/** What the codec asks of the registry's in-memory view. */
export interface MappingSurroundings {
  /** Its park, where two parks map the same topics, and its own units, into which values go back. */
  meter(id: string): Pick<Meter, 'park' | 'units'> | undefined;
  /** A gateway's messages are mapped by its own park's mappings. */
  gateway(id: string): { readonly park: ParkId } | undefined;
}

export interface MappingCodecParts {
  /** Asked for each message, so that it may be replaced. */
  readonly surroundings: () => MappingSurroundings;
  /** Told of a stored mapping that cannot be compiled; it takes no messages. */
  readonly onFault: (mapping: Mapping, error: unknown) => void;
  /** Told of a mapping that was changed, or is taken no more. */
  readonly onChange?: (mapping: Pick<Mapping, 'park' | 'id'>, isGone: boolean) => void;
  readonly stages?: Pick<StageTimes, 'add'>;
}

interface Loaded {
  readonly mapping: Mapping;
  readonly text: string;
  readonly compiled: CompiledMapping;
  /** After it ran too long it rests, on the clock of `performance.now()`. */
  restsUntil: number;
}

interface Candidate {
  readonly loaded: Loaded;
  /** null: the mapping leaves the topic alone. */
  readonly places: Readonly<Record<string, string>> | null;
}

/** After a runaway the mapping rests this long, in milliseconds: so it never takes more than a small share of the service. */
export const REST_MS = 10_000;
/** Topics whose mappings are remembered, and how long one of them may be: anybody may publish on any topic. */
const REMEMBERED_TOPICS = 20_000;
const LONGEST_REMEMBERED = 256;

/** Decodes by the enabled mappings. Messages are worked on one after another, so that each has the processor while its limit runs. */
export class MappingCodec implements TopicCodec {
  readonly #parts: MappingCodecParts;
  #loaded: readonly Loaded[] = [];
  #topics: readonly string[] = [];
  readonly #candidates = new Map<string, readonly Candidate[]>();
  #tail: Promise<unknown> = Promise.resolve();
  #sliceStart = performance.now();

  constructor(parts: MappingCodecParts) {
    this.#parts = parts;
  }

  /** Filters that a broker is to be asked for, each once, in order. */
  get topics(): readonly string[] {
    return this.#topics;
  }

  /** Takes these mappings instead of those of before. Answers whether `topics` changed. */
  load(mappings: readonly Mapping[]): boolean {
    const before = new Map(this.#loaded.map((loaded) => [`${loaded.mapping.park}/${loaded.mapping.id}`, loaded]));
    const loaded: Loaded[] = [];
    for (const mapping of mappings) {
      if (!mapping.enabled) continue;
      const text = JSON.stringify(mapping);
      const old = before.get(`${mapping.park}/${mapping.id}`);
      if (old?.text === text) {
        loaded.push(old);
        continue;
      }
      try {
        const { id: _id, park: _park, ...body } = mapping;
        loaded.push({ mapping, text, compiled: compileMapping(body), restsUntil: 0 });
      } catch (error) {
        this.#parts.onFault(mapping, error);
      }
    }
    loaded.sort((a, b) => (a.mapping.park === b.mapping.park ? compare(a.mapping.id, b.mapping.id) : compare(a.mapping.park, b.mapping.park)));
    const topics = [...new Set(loaded.flatMap(({ compiled }) => compiled.topics.map(({ subscription }) => subscription)))].sort();
    const changed = topics.join('\n') !== this.#topics.join('\n');
    const kept = new Map(loaded.map((each) => [`${each.mapping.park}/${each.mapping.id}`, each]));
    for (const [key, old] of before) {
      const now = kept.get(key);
      if (now !== old) this.#parts.onChange?.(old.mapping, now === undefined);
    }
    this.#loaded = loaded;
    this.#topics = topics;
    this.#candidates.clear();
    return changed;
  }

  /** Does the park's mapping say which meter the device of this name is? */
  namesDevice(park: string | null, id: string, name: string): boolean {
    return this.#loaded.some(({ mapping, compiled }) => mapping.park === park && mapping.id === id && compiled.meters.has(name));
  }

  decode(message: {
    readonly topic: string;
    readonly payload: Uint8Array;
    readonly receivedAt: EpochMs;
    readonly gateway: string | null;
  }): Promise<Decoded> | null {
    const candidates = this.#ofGateway(this.#candidatesOf(message.topic), message.gateway);
    if (candidates.length === 0) return null;
    // Read now: the payload may be a view that ends with the call.
    const read = new Map<string, ReadPayload>();
    for (const { loaded, places } of candidates) {
      const as = loaded.compiled.payload;
      if (places !== null && !read.has(as)) read.set(as, readPayload(message.payload, as));
    }
    const { receivedAt, gateway } = message;
    const answer = this.#tail.then(() => this.#decode(candidates, read, receivedAt, gateway));
    this.#tail = answer.catch(() => undefined);
    return answer;
  }

  #candidatesOf(topic: string): readonly Candidate[] {
    const known = this.#candidates.get(topic);
    if (known !== undefined) return known;
    const found: Candidate[] = [];
    for (const loaded of this.#loaded) {
      const places = placesIn(loaded.compiled, topic);
      if (places !== undefined) found.push({ loaded, places });
    }
    if (this.#candidates.size >= REMEMBERED_TOPICS) this.#candidates.clear();
    if (topic.length <= LONGEST_REMEMBERED) this.#candidates.set(topic, found);
    return found;
  }

  #ofGateway(candidates: readonly Candidate[], gateway: string | null): readonly Candidate[] {
    const park = gateway === null || candidates.length === 0 ? undefined : this.#parts.surroundings().gateway(gateway)?.park;
    return park === undefined ? candidates : candidates.filter(({ loaded }) => loaded.mapping.park === park);
  }

  async #decode(candidates: readonly Candidate[], read: ReadonlyMap<string, ReadPayload>, receivedAt: EpochMs, gateway: string | null): Promise<Decoded> {
    if (performance.now() - this.#sliceStart > SLICE_MS) {
      await new Promise((resolve) => setImmediate(resolve));
      this.#sliceStart = performance.now();
    }
    const began = performance.now();
    const decoded = await this.#decodeNow(candidates, read, receivedAt, gateway);
    this.#parts.stages?.add('decode', performance.now() - began, 1);
    return decoded;
  }

  async #decodeNow(candidates: readonly Candidate[], read: ReadonlyMap<string, ReadPayload>, receivedAt: EpochMs, gateway: string | null): Promise<Decoded> {
    const surroundings = this.#parts.surroundings();
    const several = new Set(candidates.flatMap(({ loaded, places }) => (places === null ? [] : loaded.mapping.park))).size > 1;
    let first: Decoded | null = null;
    let declined: Decoded | null = null;
    for (const { loaded, places } of candidates) {
      if (places === null) continue;
      const { mapping } = loaded;
      const payload = read.get(loaded.compiled.payload) as ReadPayload;
      const ran = await runOne(loaded, payload, { topic: places, received: receivedAt, ...(gateway === null ? {} : { gateway }) });
      if (ran.leftAlone) {
        declined ??= declinedBy(mapping, 'reason' in payload ? null : payload.value, several);
        continue;
      }
      const decoded = decodedOf(mapping, ran, surroundings);
      const isOfIts = ({ meter }: { readonly meter: string | null }) => meter !== null && surroundings.meter(meter)?.park === mapping.park;
      if (!several || ran.frames.some(isOfIts) || decoded.leftOut?.notes.some(isOfIts) === true) return decoded;
      // Another park maps the same topics: its meters may be the ones that are meant, and its people alone the ones who may read it.
      first ??= { ...decoded, shared: true };
    }
    return first ?? declined ?? UNDERSTOOD;
  }
}

const UNDERSTOOD: Decoded = { frames: [], refusals: [], statuses: [], understood: true };

/** No mapping takes the message: told of the first of those whose topic it has. */
const declinedBy = ({ id, park }: Mapping, value: unknown, shared: boolean): Decoded => ({
  ...UNDERSTOOD,
  park,
  ...(shared ? { shared } : {}),
  leftOut: { mapping: id, notes: [{ kind: 'not-taken', name: null, meter: null, count: 1, value }], unnoted: 0, isWhole: true },
});

const NO_DEVICES: Ran['devices'] = new Map();

async function runOne(loaded: Loaded, payload: ReadPayload, bindings: Parameters<typeof runMapping>[2]): Promise<Ran> {
  const refused = (failure: Pick<Failure, 'at' | 'reason' | 'found' | 'expected'>): Ran => ({
    ...{ leftAlone: false, frames: [], understood: false, leftOut: null, runaway: false, devices: NO_DEVICES },
    failures: [{ where: '', expression: null, position: null, count: 1, ...failure }],
  });
  if ('reason' in payload) return refused({ at: 'payload', ...payload });
  if (performance.now() < loaded.restsUntil) {
    const found = 'a mapping that ran too long on a message before this one';
    return refused({ at: 'mapping', reason: 'mapping-failed', found, expected: `one that ends; it is tried again after ${REST_MS / 1000} s` });
  }
  const ran = await runMapping(loaded.compiled, payload.value, bindings);
  if (ran.runaway) loaded.restsUntil = performance.now() + REST_MS;
  return ran;
}

function decodedOf(mapping: Mapping, ran: Ran, surroundings: MappingSurroundings): Decoded {
  const refusals: DecodedRefusal[] = ran.failures.map((failure) => ({
    reason: failure.reason,
    detail: sentence(`mapping ${mapping.id}`, failure),
    count: failure.count,
  }));
  return {
    frames: ran.frames.map((frame) => frameOf(frame, surroundings)),
    refusals,
    statuses: [],
    park: mapping.park,
    ...(ran.devices.size === 0 ? {} : { devices: [...ran.devices].map(([name, quantities]) => ({ name, mapping: mapping.id, quantities: [...quantities] })) }),
    ...(ran.understood ? { understood: true } : {}),
    ...(ran.leftOut === null ? {} : { leftOut: leftOutOf(mapping.id, ran.leftOut, ran) }),
  };
}

function leftOutOf(mapping: string, left: LeftOutNotes, { frames, failures }: Pick<Ran, 'frames' | 'failures'>): LeftOut {
  return { mapping, notes: left.list(), unnoted: left.unnoted, isWhole: frames.length === 0 && failures.length === 0 && left.isUnknown };
}

/** What, where and what would be right, in one sentence. */
export function sentence(subject: string, { where, at, expression, position, found, expected }: Omit<Failure, 'reason' | 'count'>): string {
  const place = `${at}${where === '' ? '' : ` of item ${where}`}`;
  const of =
    expression === null ? '' : ` (${expression.length > 80 ? `${expression.slice(0, 80)}…` : expression}${position === null ? '' : `, character ${position}`})`;
  return `${subject}, ${place}${of}: found ${found}; expected ${expected}`;
}

function frameOf({ where, meter, ts, backfill, values }: FoundFrame, surroundings: MappingSurroundings): DecodedFrame {
  const units = surroundings.meter(meter)?.units;
  const made: Record<string, number> = {};
  let flags: Record<string, number> | null = null;
  for (const { quantity, value, unit, flag } of values) {
    const own = unit === null ? undefined : units?.[quantity];
    made[quantity] = own === undefined ? value : intoOwnUnit(quantity, value, own);
    if (flag === QUALITY.good) continue;
    flags ??= {};
    flags[quantity] = flag;
  }
  return { meter, ts, values: made, where, ...(flags === null ? {} : { flags }), ...(backfill ? { backfill } : {}) };
}

/** The pipeline takes values in the unit of the meter's record; the mapping knew the unit and brought it to the catalogue's. */
function intoOwnUnit(name: string, value: number, own: string): number {
  const unit = findQuantity(name)?.unit;
  const how = unit === undefined ? null : conversion(own, unit);
  return how === null ? value : Number(((value - how.offset) / how.factor).toPrecision(15));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
