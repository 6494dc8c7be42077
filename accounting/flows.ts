import type { MeterId } from '../model/ids.ts';
import type { MeterKind } from '../model/meter-kinds.ts';
import type { QuantityName } from '../model/quantities.ts';
import type { Carrier, Flow } from '../model/rules.ts';

/** What a counter of a meter counts. */
export interface CountedFlow {
  readonly carrier: Carrier;
  readonly flow: Flow;
}

export const CARRIER_UNITS: Readonly<Record<Carrier, string>> = {
  electricity: 'kWh',
  water: 'm³',
  natural_gas: 'm³',
  heat: 'GJ',
  steam: 't',
  hydrogen: 'kg',
};

const electricity = (flow: Flow): CountedFlow => ({ carrier: 'electricity', flow });

/** Counters by kind of meter. What makes electricity counts its output as export of its own, which for the park is generation. */
const BY_KIND: Partial<Record<MeterKind, Partial<Record<QuantityName, CountedFlow>>>> = {
  electricity: { active_energy_import: electricity('consumption'), active_energy_export: electricity('export') },
  pv: { active_energy_export: electricity('generation') },
  battery: { active_energy_import: electricity('charge'), active_energy_export: electricity('discharge') },
  electrolyser: { active_energy_import: electricity('consumption'), hydrogen_mass: { carrier: 'hydrogen', flow: 'generation' } },
  capture: { active_energy_import: electricity('consumption') },
  water: { water_volume: { carrier: 'water', flow: 'consumption' } },
  gas: { gas_volume: { carrier: 'natural_gas', flow: 'consumption' } },
  heat: { heat_energy: { carrier: 'heat', flow: 'consumption' } },
  steam: { steam_mass: { carrier: 'steam', flow: 'consumption' } },
};

/** Carrier and flow of a meter's counter, or null for a quantity that is not part of the energy accounts. */
export const flowOf = (kind: MeterKind, quantity: QuantityName): CountedFlow | null => BY_KIND[kind]?.[quantity] ?? null;

/** The counters of a kind of meter that enter the accounts. */
export const countersOf = (kind: MeterKind): readonly QuantityName[] => Object.keys(BY_KIND[kind] ?? {}) as QuantityName[];

export interface MeterInTree {
  readonly id: MeterId;
  readonly kind: MeterKind;
  readonly parent: MeterId | null;
}

/**
 * The meters of an owner's set whose readings make its total for one flow: a meter is left out when a meter above it in the same
 * set counts the same flow already, however many steps above and whoever owns the meters between.
 *
 * @param meterOf looks up any meter of the park, so that the way up does not end at a meter of another owner
 */
export function topMeters<M extends MeterInTree>(meters: readonly M[], { carrier, flow }: CountedFlow, meterOf: (id: MeterId) => MeterInTree | undefined): M[] {
  const counting = new Map<string, M>();
  for (const meter of meters) if (counts(meter.kind, carrier, flow)) counting.set(meter.id, meter);
  return [...counting.values()].filter((meter) => {
    for (let above = meter.parent; above !== null; above = meterOf(above)?.parent ?? null) if (counting.has(above)) return false;
    return true;
  });
}

/** The quantity by which a kind of meter counts a flow, or null. */
export function quantityFor(kind: MeterKind, { carrier, flow }: CountedFlow): QuantityName | null {
  return countersOf(kind).find((quantity) => flowOf(kind, quantity)?.carrier === carrier && flowOf(kind, quantity)?.flow === flow) ?? null;
}

const counts = (kind: MeterKind, carrier: Carrier, flow: Flow): boolean => quantityFor(kind, { carrier, flow }) !== null;
