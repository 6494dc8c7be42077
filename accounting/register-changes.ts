import type { EpochMs, MeterId } from '../model/ids.ts';
import { type QuantityName, quantityOfCode } from '../model/quantities.ts';
import { type NotedRegisterChange, type RegisterMove, SERVICE_AUTHOR } from '../model/register-change.ts';
import type { Adjustment, CounterPoint, CounterQuery, CounterSeries, ReadingStore } from '../store/port.ts';
import type { RegisterChangeRecords, Unnumbered } from '../store/registry/port.ts';

/** What a register that stood at `a` and then at `b` has counted in between; without a move, one that fell counts from zero again. */
export function riseAcross(a: number, b: number, move?: RegisterMove): number {
  if (move?.kind === 'exchange') return move.closing - a + (b - move.opening);
  if (b >= a) return b - a;
  return move?.kind === 'rollover' ? move.width - a + b : b;
}

/**
 * The same with a change that was noted. An exchange that the service found says of the old register only where it stood: when that was
 * corrected, or later readings of it came since, the readings themselves tell how far it went, and whether it fell at all.
 */
function riseOf(change: NotedRegisterChange, a: number, b: number): number {
  if (change.author !== SERVICE_AUTHOR || change.kind !== 'exchange') return riseAcross(a, b, change);
  return b >= a ? b - a : b - change.opening;
}

/** Moves of one register that are noted within a day of each other. */
const MOST_A_DAY = 24;
const DAY = 86_400_000;

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

  /** Durable when resolved. What the service finds again, or a person has already said of that reading, is not noted a second time. */
  async note(changes: readonly Unnumbered[]): Promise<readonly NotedRegisterChange[]> {
    const fresh = changes.filter((change) => change.author !== SERVICE_AUTHOR || this.#isNews(change));
    if (fresh.length === 0) return [];
    const numbers = await this.#records.add(fresh);
    return fresh.map((change, index) => this.keep({ ...change, number: numbers[index] as number }));
  }

  /** A register that moves all day long is no register; what it did is not worth remembering each time. */
  #isNews({ meter, quantity, at }: Unnumbered): boolean {
    const noted = this.#listOf(meter, quantity);
    if (noted.some((other) => other.at === at)) return false;
    const near = noted.filter((other) => Math.abs(other.at - at) < DAY);
    return near.length < MOST_A_DAY;
  }

  /** The store's counters with what the changes add to their movement. */
  over(store: Counting): Counting {
    return {
      counters: async (query) => {
        const answers = await store.counters(query);
        if (this.#noted.size === 0) return answers;
        return Promise.all(answers.map((series) => this.#adjusted(store, series)));
      },
    };
  }

  async #adjusted(store: Counting, series: CounterSeries): Promise<CounterSeries> {
    const meter = this.#directory.current.meterOf(series.meter);
    const known = endsOf(series);
    if (meter === undefined || known === null) return series;
    const changes = this.#changesIn(meter.id, series.quantity, known);
    // A reset is what the readings show by themselves. Some registers begin again each midnight, which is not to cost a question each.
    if (changes.every(({ kind }) => kind === 'reset')) return series;
    const byStretch = new Map<EpochMs, { readonly change: NotedRegisterChange; readonly a: CounterPoint; readonly b: CounterPoint }>();
    for (const change of changes) {
      const [neighbours] = await store.counters({ ...only(series), from: change.at, to: change.at, step: DAY, origin: change.at });
      const { before: a, after: b } = neighbours ?? { before: null, after: null };
      if (a === null || b === null) continue;
      // Between two readings one change can be told from the other by nothing: the last word counts, and a person's before the service's.
      const other = byStretch.get(b.ts)?.change;
      if (other === undefined || other.author === SERVICE_AUTHOR || change.author !== SERVICE_AUTHOR) byStretch.set(b.ts, { change, a, b });
    }
    const adjustments = [...byStretch.values()].map(({ change, a, b }): Adjustment => {
      return { from: a.ts, to: b.ts, rise: riseOf(change, a.value, b.value) - riseAcross(a.value, b.value) };
    });
    return { ...series, adjustments };
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

const only = ({ meter, quantity }: CounterSeries): Pick<CounterQuery, 'counters'> => ({ counters: [{ meter, quantity }] });

/** First and last reading that the answer knows of; null where it knows none. */
function endsOf({ before, after, steps }: CounterSeries): { readonly from: EpochMs; readonly to: EpochMs } | null {
  const first = before ?? steps[0]?.first ?? after;
  const last = after ?? steps.at(-1)?.last ?? before;
  return first === null || last === null ? null : { from: first.ts, to: last.ts };
}
