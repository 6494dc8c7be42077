import type { Principal } from '../model/access.ts';
import type { Alert, AlertChange } from '../model/alert.ts';
import type { EnterpriseId, EpochMs, ParkId } from '../model/ids.ts';
import type { AirQuality, CapState, LiveFigures } from '../model/live.ts';
import type { Enterprise, Park, RegisteredMeter } from '../model/registry.ts';

/** What the live view needs of the registry's view in memory. */
export interface LiveDirectory {
  park(id: string): Park | undefined;
  enterprise(park: ParkId, id: string): Enterprise | undefined;
  enterprisesOf(park: ParkId): Iterable<Enterprise>;
  /** Every meter of the park, its enterprises' included. */
  metersOf(park: ParkId): Iterable<RegisteredMeter>;
  meterOf(ordinal: number): RegisteredMeter | undefined;
}

/** What the live view needs of whoever judges readings. */
export interface LiveAlerts {
  /** Firing and acknowledged alerts of every park. */
  open(): readonly Alert[];
  /** Caps of one enterprise, or all of the park's when `enterprise` is undefined. */
  capStates(park: ParkId, enterprise: EnterpriseId | undefined, now: EpochMs): readonly CapState[];
  /** Tells every change once; answers how to stop listening. */
  onChange(listener: (change: AlertChange) => void): () => void;
}

/** Whose figures are asked for; `enterprise` null is the park as a whole. */
interface Owner {
  readonly park: ParkId;
  readonly enterprise: EnterpriseId | null;
}

/** Figures that accounting computes. Called every two seconds per watched room: they answer from memory. */
export interface LiveAccounting {
  /** Usage since the zone's midnight, one entry per carrier and flow that the owner has a meter for. */
  today(owner: Owner, now: EpochMs): LiveFigures['today'];
  /** Emissions since the zone's midnight with the factors used; null where nothing that emits is metered. */
  carbonToday(owner: Owner, now: EpochMs): LiveFigures['carbonToday'];
  /** Air quality at the owner's own ambient station; null without one. */
  air(owner: Owner, now: EpochMs): AirQuality | null;
}

/** Who is it? Null for nobody: default deny. `authorization` is a whole header, e.g. `Bearer abc`. */
export type Authenticate = (cookie: string | undefined, authorization: string | undefined) => Promise<Principal | null>;
