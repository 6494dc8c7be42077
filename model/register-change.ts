import type { EpochMs, MeterId } from './ids.ts';
import type { QuantityName } from './quantities.ts';

export const REGISTER_CHANGES = ['reset', 'rollover', 'exchange'] as const;

/**
 * A counter's register does not go on from where it stood. `at` is the first reading that counts on the new register; what lies between
 * it and the last one before is usage as follows, in the catalogue's unit, with `a` and `b` the registers read before and at `at`:
 * - reset: it began again at zero: b
 * - rollover: it passed its width: width − a + b
 * - exchange: another instrument took over: (closing − a) + (b − opening)
 */
export type RegisterChange = {
  readonly meter: MeterId;
  readonly quantity: QuantityName;
  readonly at: EpochMs;
} & RegisterMove;

export type RegisterMove =
  | { readonly kind: 'reset' }
  | { readonly kind: 'rollover'; readonly width: number }
  | { readonly kind: 'exchange'; readonly closing: number; readonly opening: number };

/**
 * A register that passed its width stood in its last tenth before and stands in its first after; one that began again at zero stands below
 * a tenth of what it was. From anywhere else to anywhere else another instrument has taken over. Ours, no standard's.
 */
export const NEAR = 0.1;

/** A change as it was noted: told from the readings by the service itself, or by a person. */
export type NotedRegisterChange = RegisterChange & {
  /** In the order of noting; of several for the same meter, quantity and time the last one holds. */
  readonly number: number;
  readonly author: string;
  readonly reason: string;
  readonly notedAt: EpochMs;
};
