import type { FactorUsed } from '../model/live.ts';
import type { Carrier, Flow } from '../model/rules.ts';
import { CARBON_FACTORS, type CarbonFactor } from './carbon-factors.ts';

export interface Activity {
  readonly carrier: Carrier;
  readonly flow: Flow;
  /** In the carrier's unit. */
  readonly amount: number;
}

export interface Emission {
  /** kilograms of CO₂; null where no activity has a factor. */
  readonly kg: number | null;
  readonly factors: readonly FactorUsed[];
  /** Carriers consumed for which the tables hold no factor: they are missing from the figure, not zero in it. */
  readonly without: readonly Carrier[];
}

/**
 * CO₂ of what was consumed: purchased electricity (location-based) and heat, and gas burnt. What is made, stored or exported in the park
 * is no source of its own: on-site PV lowers the electricity bought, storage only moves it, export is reported separately.
 *
 * @param region the park's GB/T 2260 code: a provincial factor goes before the national one
 * @param year the year of the consumption: the newest factor of that year or before is taken
 */
export function carbonOf(activities: readonly Activity[], region: string, year: number): Emission {
  let kg: number | null = null;
  const factors = new Map<string, FactorUsed>();
  const without = new Set<Carrier>();
  for (const { carrier, flow, amount } of activities) {
    if (!isSource({ carrier, flow })) continue;
    const factor = factorFor(carrier, region, year);
    if (factor === null) {
      without.add(carrier);
      continue;
    }
    kg = (kg ?? 0) + amount * factor.value;
    factors.set(factor.name, {
      name: factor.name,
      value: factor.value,
      unit: factor.unit,
      source: factor.source,
      year: factor.year,
      confidence: factor.confidence,
    });
  }
  return { kg, factors: [...factors.values()], without: [...without] };
}

/** Does this flow enter the emissions at all, be its factor known or not? */
export const isSource = ({ carrier, flow }: Pick<Activity, 'carrier' | 'flow'>): boolean => flow === 'consumption' && carrier in CARBON_FACTORS;

/** The newest factor not after `year`, the longest matching region first; null where the tables hold none. */
export function factorFor(carrier: Carrier, region: string, year: number): CarbonFactor | null {
  const fitting = (CARBON_FACTORS[carrier] ?? []).filter((factor) => region.startsWith(factor.region) && factor.year <= year);
  return fitting.reduce<CarbonFactor | null>((best, factor) => {
    if (best === null || factor.region.length > best.region.length) return factor;
    return factor.region.length === best.region.length && factor.year > best.year ? factor : best;
  }, null);
}
