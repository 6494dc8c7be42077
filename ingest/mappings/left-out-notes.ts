import type { LeftOutKind } from '../../model/ingest.ts';
import type { LeftOutNote } from '../codecs/decoded.ts';

/** Of one kind in one message. */
const MOST_NOTES = 100;

/** What is left out of one message, each name once; made when the first is. */
export class LeftOutNotes {
  readonly #notes = new Map<LeftOutKind, Map<string, { -readonly [key in keyof LeftOutNote]: LeftOutNote[key] }>>();
  #unnoted = 0;

  /** A name whose value is left out. */
  name(kind: LeftOutKind, name: string, meter: string, value: unknown): void {
    this.#add(kind, name, name, meter, value);
  }

  /** All that a meter sent for one time. */
  item(kind: LeftOutKind, meter: string, item: unknown): void {
    this.#add(kind, meter, null, meter, item);
  }

  list(): LeftOutNote[] {
    return [...this.#notes.values()].flatMap((notes) => [...notes.values()]);
  }

  /** How many times something was left out that is not in the list. */
  get unnoted(): number {
    return this.#unnoted;
  }

  /** Of all that is noted the mapping knows not one name. */
  get isUnknown(): boolean {
    return !this.#notes.has('nothing-measured') && !this.#notes.has('no-value');
  }

  #add(kind: LeftOutKind, key: string, name: string | null, meter: string, value: unknown): void {
    let ofKind = this.#notes.get(kind);
    if (ofKind === undefined) {
      ofKind = new Map();
      this.#notes.set(kind, ofKind);
    }
    const known = ofKind.get(key);
    if (known !== undefined) {
      known.count++;
      known.meter = meter;
      known.value = value;
    } else if (ofKind.size < MOST_NOTES) {
      ofKind.set(key, { kind, name, meter, count: 1, value });
    } else {
      this.#unnoted++;
    }
  }
}
