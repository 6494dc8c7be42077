import type { Place } from '../../model/access.ts';
import type { EnterpriseId, MeterId, ParkId } from '../../model/ids.ts';
import type { Enterprise, Gateway, Meter, Park, RegisteredMeter } from '../../model/registry.ts';
import type { FormerMeter, Registry } from './port.ts';

const NONE: readonly never[] = [];
/** How often a load is begun again because the registry was changed meanwhile; then the last answer is taken. */
const LOAD_TRIES = 3;

interface ParkContents {
  readonly park: Park;
  readonly enterprises: Map<string, Enterprise>;
  readonly meters: RegisteredMeter[];
  readonly metersOf: Map<EnterpriseId | null, RegisteredMeter[]>;
}

/** What is registered, in memory and never changed: a change makes a new Directory. Look-ups are by map or array. */
export class Directory {
  readonly parks: ReadonlyMap<ParkId, Park>;
  /** The registry's version that this is the view of. */
  readonly version: number;
  readonly #contents = new Map<string, ParkContents>();
  readonly #meters = new Map<string, RegisteredMeter>();
  readonly #byOrdinal: (RegisteredMeter | undefined)[] = [];
  readonly #gateways = new Map<string, Gateway>();
  readonly #formerIds: ReadonlyMap<number, MeterId>;
  readonly #formerOrdinals: ReadonlyMap<string, number>;

  constructor(
    parks: readonly Park[],
    enterprises: readonly Enterprise[],
    gateways: readonly Gateway[],
    meters: readonly RegisteredMeter[],
    { version = 0, former = [] }: { readonly version?: number; readonly former?: readonly FormerMeter[] } = {},
  ) {
    this.version = version;
    this.#formerIds = new Map(former.map(({ id, ordinal }) => [ordinal, id]));
    this.#formerOrdinals = new Map(former.map(({ id, ordinal }) => [id, ordinal]));
    this.parks = new Map(parks.map((park) => [park.id, park]));
    for (const park of parks) this.#contents.set(park.id, { park, enterprises: new Map(), meters: [], metersOf: new Map() });
    for (const enterprise of enterprises) this.#contents.get(enterprise.park)?.enterprises.set(enterprise.id, enterprise);
    for (const gateway of gateways) this.#gateways.set(gateway.id, gateway);
    for (const meter of meters) this.#add(meter);
  }

  /** @param only ids of the parks that are in the view; left out: all */
  static async load(registry: Registry, only?: readonly string[]): Promise<Directory> {
    const isIn = (park: string) => only === undefined || only.includes(park);
    for (let attempt = 1; ; attempt++) {
      const version = registry.version();
      const directory = new Directory(
        (await registry.parks.list()).filter(({ id }) => isIn(id)),
        await registry.enterprises.all(),
        (await registry.gateways.all()).filter(({ park }) => isIn(park)),
        await registry.meters.all(only),
        { version, former: await registry.meters.former(only) },
      );
      if (attempt === LOAD_TRIES || registry.version() === version) return directory;
    }
  }

  park(id: string): Park | undefined {
    return this.#contents.get(id)?.park;
  }

  enterprise(park: string, id: string): Enterprise | undefined {
    return this.#contents.get(park)?.enterprises.get(id);
  }

  /** In order of id. */
  enterprisesOf(park: string): readonly Enterprise[] {
    return [...(this.#contents.get(park)?.enterprises.values() ?? NONE)];
  }

  get meterCount(): number {
    return this.#meters.size;
  }

  meter(id: string): RegisteredMeter | undefined {
    return this.#meters.get(id);
  }

  meterOf(ordinal: number): RegisteredMeter | undefined {
    return this.#byOrdinal[ordinal];
  }

  /** Of a meter that is registered, or was. */
  idOf(ordinal: number): MeterId | undefined {
    return this.#byOrdinal[ordinal]?.id ?? this.#formerIds.get(ordinal);
  }

  /** Of a meter that is registered, or was. */
  ordinalOf(id: string): number | undefined {
    return this.#meters.get(id)?.ordinal ?? this.#formerOrdinals.get(id);
  }

  /** Above the numbers of all meters that are registered, or were. */
  get nextOrdinal(): number {
    let next = this.#byOrdinal.length;
    for (const ordinal of this.#formerIds.keys()) next = Math.max(next, ordinal + 1);
    return next;
  }

  /** In order of id: all of the park's, one enterprise's, or with null those of the park itself. */
  metersOf(park: string, enterprise?: EnterpriseId | null): readonly RegisteredMeter[] {
    const contents = this.#contents.get(park);
    return (enterprise === undefined ? contents?.meters : contents?.metersOf.get(enterprise)) ?? NONE;
  }

  placeOf(meter: Meter): Place {
    return this.placeOfEnterprise(meter.park, meter.enterprise);
  }

  /** null: the park as a whole. An unknown park has no region, so that no region's scope covers it. */
  placeOfEnterprise(park: ParkId, enterprise: EnterpriseId | null): Place {
    return { park, region: this.park(park)?.region ?? '', enterprise };
  }

  get gateways(): Iterable<Gateway> {
    return this.#gateways.values();
  }

  gateway(id: string): Gateway | undefined {
    return this.#gateways.get(id);
  }

  #add(meter: RegisteredMeter): void {
    const contents = this.#contents.get(meter.park);
    if (contents === undefined) return;
    this.#meters.set(meter.id, meter);
    // Filled up first: an array with holes would turn into a slow dictionary.
    while (this.#byOrdinal.length < meter.ordinal) this.#byOrdinal.push(undefined);
    this.#byOrdinal[meter.ordinal] = meter;
    contents.meters.push(meter);
    const siblings = contents.metersOf.get(meter.enterprise);
    if (siblings === undefined) contents.metersOf.set(meter.enterprise, [meter]);
    else siblings.push(meter);
  }
}

/** What it answers is waited for, if it is a promise. */
type Listener = () => unknown;

/** Keeps `current` the view of the registry as it is now, within the interval it was started with. */
export class DirectoryWatch {
  current: Directory;
  readonly #registry: Registry;
  readonly #only: readonly string[] | undefined;
  readonly #onError: (error: unknown) => void;
  readonly #listeners = new Set<Listener>();
  /** A listener failed: it hears of the same view again at the next look. */
  #untold = false;
  #refreshing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;

  /** `onError` is told when a refresh on the timer failed; the view of before stays, and the next tick tries again. */
  constructor(registry: Registry, first: Directory, onError: (error: unknown) => void, only?: readonly string[]) {
    this.#registry = registry;
    this.#only = only;
    this.current = first;
    this.#onError = onError;
  }

  /** @param only ids of the parks that the view is of; left out: all */
  static async open(registry: Registry, onError: (error: unknown) => void, only?: readonly string[]): Promise<DirectoryWatch> {
    return new DirectoryWatch(registry, await Directory.load(registry, only), onError, only);
  }

  /**
   * The listener is called after `current` was replaced, and called again when any of them failed. Answers how to stop it. It must not
   * wait for `refresh`, which waits for it.
   */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolved: `current` shows every change that was committed before the call, and the listeners are done with it. Rejects when one of them failed. */
  async refresh(): Promise<void> {
    // A load under way may have begun before the caller's change: wait for it, then look again.
    while (this.#refreshing !== null) await this.#refreshing.catch(() => undefined);
    if (!this.#untold && this.#registry.version() === this.current.version) return;
    this.#refreshing = this.#load();
    try {
      await this.#refreshing;
    } finally {
      this.#refreshing = null;
    }
  }

  /** Looks for changes every `intervalMs`; the timer alone keeps no process alive. */
  start(intervalMs: number): void {
    this.stop();
    this.#timer = setInterval(() => {
      if (this.#refreshing === null) this.refresh().catch(this.#onError);
    }, intervalMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #load(): Promise<void> {
    this.current = await Directory.load(this.#registry, this.#only);
    this.#untold = true;
    const told = await Promise.allSettled([...this.#listeners].map(async (listener) => listener()));
    const failed = told.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    this.#untold = false;
  }
}
