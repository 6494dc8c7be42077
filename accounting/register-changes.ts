import type { EpochMs, MeterId } from '../model/ids.ts';
import { type QuantityName, quantityOfCode } from '../model/quantities.ts';
import { NEAR, type NotedRegisterChange, type RegisterMove } from '../model/register-change.ts';
import { SERVICE_AUTHOR } from '../model/service-author.ts';
import type { Adjustment, CounterPoint, CounterSeries, Neighbours, ReadingStore } from '../store/port.ts';
import type { RegisterChangeRecords, Unnumbered } from '../store/registry/port.ts';

/** What a register that stood at `a` and then at `b` has counted in between; without a move, one that fell counts from zero again. */
export function riseAcross(a: number, b: number, move?: RegisterMove): number {
  if (move?.kind === 'exchange') return move.closing - a + (b - move.opening);
  if (b >= a) return b - a;
  return move?.kind === 'rollover' ? move.width - a + b : b;
}

/**
 * The same with a change that was noted. An exchange that the service found says of the old register only where it stood: when that was
 * corrected, or later readings of it came since, the readings themselves tell how far it went, and whether it fell at all. So they do of a
 * rollover: where readings came since that lie between it and the fall, that is another one.
 */
function riseOf(change: NotedRegisterChange, a: number, b: number): number {
  if (change.author === SERVICE_AUTHOR && change.kind === 'rollover' && a < change.width * (1 - NEAR)) return riseAcross(a, b);
  if (change.author !== SERVICE_AUTHOR || change.kind !== 'exchange') return riseAcross(a, b, change);
  const { closing, opening } = change;
  if (opening <= closing) return b >= a ? b - a : b - opening;
  // It rose by more than it can: only from one side to the other nobody knows what was used.
  const middle = (closing + opening) / 2;
  return a < middle && b >= middle ? Math.max(0, b - opening) : riseAcross(a, b);
}

/** Moves of one register that are noted within a day of each other. */
const MOST_A_DAY = 24;
const DAY = 86_400_000;
/** How much a kind of change says: the higher a register is known to have stood before it fell, the more. */
const KNOWN: Readonly<Record<RegisterMove['kind'], number>> = { exchange: 0, reset: 1, rollover: 2 };

type Counting = Pick<ReadingStore, 'counters'>;

/** What is known of the meters as the changes name them. */
export interface RegisterDirectory {
  meter(id: string): { readonly ordinal: number } | undefined;
  meterOf(ordinal: number): { readonly id: MeterId } | undefined;
}

/** The book of register changes: noted durably, held in memory, and brought to bear on what the store says of counters. */
export class RegisterChanges {
  readonly #records: RegisterChangeRecords;
  readonly #directory: { readonly current: RegisterDirectory };
  /** In the order of noting, per meter and quantity. */
  readonly #noted = new Map<string, NotedRegisterChange[]>();

  private constructor(records: RegisterChangeRecords, directory: { readonly current: RegisterDirectory }) {
    this.#records = records;
    this.#directory = directory;
  }

  static async open(records: RegisterChangeRecords, directory: { readonly current: RegisterDirectory }): Promise<RegisterChanges> {
    const book = new RegisterChanges(records, directory);
    for (const change of await records.all()) book.keep(change);
    return book;
  }

  /** Of one meter, in order of time and then of noting. */
  of(meter: MeterId): readonly NotedRegisterChange[] {
    return this.all().filter((change) => change.meter === meter);
  }

  /** In order of time and then of noting. */
  all(): readonly NotedRegisterChange[] {
    return [...this.#noted.values()].flat().sort((a, b) => a.at - b.at || a.number - b.number);
  }

  /** When, after `from` and up to `to`, people have said of a counter that it does not go on from where it stood; in order of time. */
  declaredBetween(meter: number, quantity: number, from: EpochMs, to: EpochMs): readonly EpochMs[] {
    if (this.#noted.size === 0) return [];
    const id = this.#directory.current.meterOf(meter)?.id;
    if (id === undefined) return [];
    const declared = this.#changesIn(id, quantity, { from, to }).filter(({ author }) => author !== SERVICE_AUTHOR);
    return declared.map(({ at }) => at).sort((a, b) => a - b);
  }

  /** Durable when resolved. What the service finds again, or a person has already said of that reading, is not noted a second time. */
  async note(changes: readonly Unnumbered[]): Promise<readonly NotedRegisterChange[]> {
    const fresh = changes.filter((change) => change.author !== SERVICE_AUTHOR || this.#isNews(change));
    if (fresh.length === 0) return [];
    const numbers = await this.#records.add(fresh);
    return fresh.map((change, index) => this.keep({ ...change, number: numbers[index] as number }));
  }

  /**
   * Of one reading the service may find out better what kind of change it shows, as those that the register stood at before come late. A
   * register that moves all day long is no register; what it did is not worth remembering each time.
   */
  #isNews({ meter, quantity, at, kind }: Unnumbered): boolean {
    const noted = this.#listOf(meter, quantity);
    if (noted.some((other) => other.at === at && (other.author !== SERVICE_AUTHOR || KNOWN[other.kind] >= KNOWN[kind]))) return false;
    const near = noted.filter((other) => Math.abs(other.at - at) < DAY);
    return near.length < MOST_A_DAY;
  }

  /** The store's counters with what the changes add to their movement. */
  over(store: Pick<ReadingStore, 'counters' | 'neighbours'>): Counting {
    return {
      counters: async (query) => {
        const answers = await store.counters(query);
        if (this.#noted.size === 0) return answers;
        const changesOf = answers.map((series) => this.#changesTo(series));
        const points = answers.flatMap(({ meter, quantity }, at) => changesOf[at]?.map((change) => ({ meter, quantity, ts: change.at })) ?? []);
        if (points.length === 0) return answers;
        const around = (await store.neighbours({ points, reach: Number.POSITIVE_INFINITY }))[Symbol.iterator]();
        return answers.map((series, at) => {
          const changes = changesOf[at] ?? [];
          return changes.length === 0 ? series : { ...series, adjustments: adjustmentsBy(changes.map((change) => ({ change, ...around.next().value }))) };
        });
      },
    };
  }

  /** The changes without which the movement of a counter in the answer is not known. */
  #changesTo(series: CounterSeries): readonly NotedRegisterChange[] {
    const meter = this.#directory.current.meterOf(series.meter);
    const known = endsOf(series);
    if (meter === undefined || known === null) return [];
    const changes = this.#changesIn(meter.id, series.quantity, known);
    // A reset is what the readings show by themselves. Some registers begin again each midnight, which is not to cost a question each.
    return changes.every(({ kind }) => kind === 'reset') ? [] : changes;
  }

  #changesIn(meter: MeterId, quantity: number, { from, to }: { readonly from: EpochMs; readonly to: EpochMs }): readonly NotedRegisterChange[] {
    return this.#noted.get(keyOf(meter, quantityOfCode(quantity).name))?.filter(({ at }) => at > from && at <= to) ?? [];
  }

  #listOf(meter: MeterId, quantity: QuantityName): NotedRegisterChange[] {
    const key = keyOf(meter, quantity);
    let list = this.#noted.get(key);
    if (list === undefined) {
      list = [];
      this.#noted.set(key, list);
    }
    return list;
  }

  /** Takes a change that is in the registry already. */
  keep(change: NotedRegisterChange): NotedRegisterChange {
    this.#listOf(change.meter, change.quantity).push(change);
    return change;
  }
}

const keyOf = (meter: MeterId, quantity: QuantityName): string => `${meter}/${quantity}`;

/** @param changes of one counter, each with the readings between which it lies */
function adjustmentsBy(changes: readonly ({ readonly change: NotedRegisterChange } & Partial<Neighbours>)[]): Adjustment[] {
  const byStretch = new Map<EpochMs, { readonly change: NotedRegisterChange; readonly a: CounterPoint; readonly b: CounterPoint }>();
  for (const { change, before: a, after: b } of changes) {
    if (!a || !b) continue;
    // Between two readings one change can be told from the other by nothing: the last word counts, and a person's before the service's.
    const other = byStretch.get(b.ts)?.change;
    if (other === undefined || other.author === SERVICE_AUTHOR || change.author !== SERVICE_AUTHOR) byStretch.set(b.ts, { change, a, b });
  }
  return [...byStretch.values()].map(({ change, a, b }) => {
    return { from: a.ts, to: b.ts, rise: riseOf(change, a.value, b.value) - riseAcross(a.value, b.value) };
  });
}

/** First and last reading that the answer knows of; null where it knows none. */
function endsOf({ before, after, steps }: CounterSeries): { readonly from: EpochMs; readonly to: EpochMs } | null {
  const first = before ?? steps[0]?.first ?? after;
  const last = after ?? steps.at(-1)?.last ?? before;
  return first === null || last === null ? null : { from: first.ts, to: last.ts };
}
