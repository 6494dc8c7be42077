import type { MeterId } from '../model/ids.ts';
import type { QuantityName } from '../model/quantities.ts';
import type { Carrier, Flow } from '../model/rules.ts';
import { countersOf, flowOf, type MeterInTree } from './flows.ts';

/** What one counter says of the flow between a meter and the meters right below it. */
export interface BalancePart {
  readonly meter: MeterId;
  readonly flow: Flow;
  /** Seen from between them: what the meter above takes from its supply comes in, what those below take goes out; what is made below comes in. */
  readonly side: 'in' | 'out';
  /** In the carrier's unit. */
  readonly amount: number;
  readonly estimated: boolean;
}

/**
 * What the remainder is:
 * - `unmetered`: more came in than went out: losses, and what has no meter of its own;
 * - `balanced`: within the tolerance;
 * - `exceeded`: the meters below show more than came in, which cannot be: a wrong multiplier, a meter in the wrong place, readings that are missing above;
 * - `unknown`: a meter has no reading in the span, or the one above a single one.
 */
export const REMAINDERS = ['unmetered', 'balanced', 'exceeded', 'unknown'] as const;
export type Remainder = (typeof REMAINDERS)[number];

export interface Balance {
  readonly in: number;
  readonly out: number;
  /** `in - out`, never below zero unless the meters contradict each other. */
  readonly remainder: number;
  readonly is: Remainder;
}

/**
 * Holds what came in against what went out. The tolerance is a share of the larger of them: meters and their transformers have errors, and readings
 * are not of one instant.
 *
 * @param complete every meter that belongs to it was read
 */
export function balanceOf(parts: readonly BalancePart[], tolerance: number, complete: boolean): Balance {
  const sum = (side: BalancePart['side']): number => parts.reduce((total, part) => (part.side === side ? total + part.amount : total), 0);
  const [into, out] = [sum('in'), sum('out')];
  const remainder = into - out;
  return { in: into, out, remainder, is: complete ? nameOf(remainder, tolerance * Math.max(into, out)) : 'unknown' };
}

const nameOf = (remainder: number, tolerated: number): Remainder => {
  if (Math.abs(remainder) <= tolerated) return 'balanced';
  return remainder > 0 ? 'unmetered' : 'exceeded';
};

/** The meter takes in what it consumes or stores; what it makes, gives back or draws from store comes out of it. */
const TAKES: Readonly<Record<Flow, boolean>> = { consumption: true, charge: true, generation: false, discharge: false, export: false };

/** On which side a flow stands, by whether its meter is the one above or one below. */
export const sideOf = (flow: Flow, isAbove: boolean): BalancePart['side'] => (TAKES[flow] === isAbove ? 'in' : 'out');

/** The counters of a kind of meter that count one carrier. */
export function countersFor(kind: MeterInTree['kind'], carrier: Carrier): { readonly quantity: QuantityName; readonly flow: Flow }[] {
  return countersOf(kind).flatMap((quantity) => {
    const counted = flowOf(kind, quantity);
    return counted?.carrier === carrier ? [{ quantity, flow: counted.flow }] : [];
  });
}

/**
 * The meters right below one for a carrier: those that have it above them with no other meter of the carrier between. A meter of another carrier in
 * between, or none that counts, hides nothing.
 *
 * @param meterOf looks up any meter of the park
 */
export function metersBelow<M extends MeterInTree>(
  meters: readonly M[],
  top: MeterId,
  carrier: Carrier,
  meterOf: (id: MeterId) => MeterInTree | undefined,
): M[] {
  const counts = ({ kind }: MeterInTree): boolean => countersFor(kind, carrier).length > 0;
  return meters.filter((meter) => {
    if (!counts(meter)) return false;
    for (let id = meter.parent; id !== null; ) {
      if (id === top) return true;
      const above = meterOf(id);
      if (above === undefined || counts(above)) return false;
      id = above.parent;
    }
    return false;
  });
}
