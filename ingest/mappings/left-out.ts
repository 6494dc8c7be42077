import type { EpochMs, ParkId } from '../../model/ids.ts';
import { LEFT_OUT_KINDS, type LeftOutKind, type LeftOutSeen } from '../../model/ingest.ts';
import type { LeftOut, LeftOutNote } from '../codecs/decoded.ts';
import { suggestedQuantity } from '../suggested-quantity.ts';
import { cutTo, preview } from './preview.ts';

/** What a mapping left out of a message that has just come. */
export interface LeftOutSighting {
  /** Null where nobody knows whose the message is. */
  readonly park: ParkId | null;
  readonly topic: string;
  readonly at: EpochMs;
  readonly leftOut: LeftOut;
}

/** How often a mapping has left something out, since the start. */
export interface LeftOutCount {
  readonly park: ParkId | null;
  readonly mapping: string;
  readonly kind: LeftOutKind;
  readonly count: number;
}

/** Mappings that are remembered, and names, meters or topics of each kind of one. */
const MOST_MAPPINGS = 100;
const MOST_OF_A_KIND = 60;
const LONGEST_SAMPLE = 120;
/** Of a name, a topic, or a device that stands for no meter: a message may hold any. Names of a plant differ late, behind the path to them. */
const LONGEST = 200;
/** Writing out an object costs more than all else here. */
const SAMPLE_AGAIN_MS = 10_000;

interface Entry {
  readonly name: string | null;
  meter: string | null;
  topic: string;
  count: number;
  firstSeen: EpochMs;
  lastSeen: EpochMs;
  sample: string;
  sampledAt: EpochMs;
}

interface OfMapping {
  readonly park: ParkId | null;
  readonly mapping: string;
  /** By kind, then by name, meter or topic, in order of last sight: a Map keeps the order of insertion. */
  readonly entries: Map<LeftOutKind, Map<string, Entry>>;
  readonly counts: Map<LeftOutKind, number>;
  /** Names, meters and topics that had to leave, or never came in. */
  forgotten: number;
}

/**
 * What mappings leave out of the messages that come, so that an operator sees of which meter nothing is kept, and why. Bounded in mappings and
 * names: the one not seen for longest leaves. Nothing is stored; a start begins anew, and so does a mapping that is changed.
 */
export class LeftOutBook {
  /** In order of last sight. */
  readonly #mappings = new Map<string, OfMapping>();
  /** Of mappings that had to leave, by park. */
  readonly #forgotten = new Map<ParkId | null, number>();
  readonly #most: { readonly mappings: number; readonly ofAKind: number };

  constructor({ mappings = MOST_MAPPINGS, ofAKind = MOST_OF_A_KIND }: { readonly mappings?: number; readonly ofAKind?: number } = {}) {
    this.#most = { mappings, ofAKind };
  }

  see({ park, topic, at, leftOut: { mapping, notes, unnoted } }: LeftOutSighting): void {
    const key = keyOf(park, mapping);
    const known = this.#mappings.get(key) ?? { park, mapping, entries: new Map(), counts: new Map(), forgotten: 0 };
    const gone = renew(this.#mappings, key, known, this.#most.mappings);
    if (gone !== undefined) this.#forgotten.set(gone.park, (this.#forgotten.get(gone.park) ?? 0) + gone.forgotten + sizeOf(gone));
    known.forgotten += unnoted;
    for (const note of notes) {
      known.counts.set(note.kind, (known.counts.get(note.kind) ?? 0) + note.count);
      this.#enter(known, note, topic, at);
    }
  }

  /** What stands here of the mapping is not of how it is now; its counts go on unless it is gone. */
  forget({ park, id }: { readonly park: ParkId; readonly id: string }, isGone: boolean): void {
    for (const key of [keyOf(park, id), keyOf(null, id)]) {
      const known = this.#mappings.get(key);
      if (known === undefined) continue;
      known.entries.clear();
      known.forgotten = 0;
      if (isGone) this.#mappings.delete(key);
    }
  }

  /** Those that need somebody first, last seen first. */
  list(): LeftOutSeen[] {
    const of = (kind: LeftOutKind): LeftOutSeen[] =>
      [...this.#mappings.values()].flatMap(({ park, mapping, entries }) =>
        [...(entries.get(kind)?.values() ?? [])].map(({ sampledAt: _sampledAt, ...entry }) => {
          const suggested = entry.name === null ? null : suggestedQuantity(entry.name);
          return { park, mapping, kind, ...entry, suggested };
        }),
      );
    return LEFT_OUT_KINDS.flatMap((kind) => of(kind).sort((a, b) => b.lastSeen - a.lastSeen || compare(placeOf(a), placeOf(b))));
  }

  /** How many names, meters and topics of a park's mappings are not in the list, as there were too many. */
  forgottenOf(park: ParkId | null): number {
    return [...this.#mappings.values()].reduce((sum, each) => (each.park === park ? sum + each.forgotten : sum), this.#forgotten.get(park) ?? 0);
  }

  counts(): LeftOutCount[] {
    return [...this.#mappings.values()].flatMap(({ park, mapping, counts }) => [...counts].map(([kind, count]) => ({ park, mapping, kind, count })));
  }

  #enter(mapping: OfMapping, { kind, name, meter, count, value }: LeftOutNote, topic: string, at: EpochMs): void {
    const key = cutTo(name ?? meter ?? topic, LONGEST);
    let ofKind = mapping.entries.get(kind);
    if (ofKind === undefined) {
      ofKind = new Map();
      mapping.entries.set(kind, ofKind);
    }
    const entry = ofKind.get(key) ?? {
      name: name === null ? null : cutTo(name, LONGEST),
      ...{ meter: null, topic: '', count: 0, firstSeen: at, lastSeen: at, sample: '', sampledAt: Number.NEGATIVE_INFINITY },
    };
    if (renew(ofKind, key, entry, this.#most.ofAKind) !== undefined) mapping.forgotten++;
    entry.count += count;
    entry.meter = meter === null ? null : cutTo(meter, LONGEST);
    entry.topic = cutTo(topic, LONGEST);
    entry.lastSeen = Math.max(entry.lastSeen, at);
    if (typeof value === 'object' && value !== null && at - entry.sampledAt < SAMPLE_AGAIN_MS) return;
    entry.sample = preview(value, LONGEST_SAMPLE);
    entry.sampledAt = at;
  }
}

const keyOf = (park: ParkId | null, mapping: string): string => `${park ?? ''} ${mapping}`;

const placeOf = ({ park, mapping, name, meter, topic }: LeftOutSeen): string => [park ?? '', mapping, name ?? meter ?? topic].join(' ');
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const sizeOf = ({ entries }: OfMapping): number => [...entries.values()].reduce((sum, { size }) => sum + size, 0);

/** Puts it last; answers the first where it had to leave. */
function renew<T>(map: Map<string, T>, key: string, value: T, most: number): T | undefined {
  map.delete(key);
  map.set(key, value);
  if (map.size <= most) return undefined;
  const [[first, gone]] = map as unknown as readonly [[string, T]];
  map.delete(first);
  return gone;
}
