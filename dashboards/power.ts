import type { MeterKind } from '../model/meter-kinds.ts';

/** A meter as far as its place in the tree of sub-meters matters. */
export interface PoweredMeter {
  readonly id: string;
  readonly kind: MeterKind;
  readonly parent: string | null;
}

/** kW; null where no such meter reports. Battery: as its meter signs it, positive while it takes in. */
export interface PowerNow {
  readonly consumption: number | null;
  readonly generation: number | null;
  readonly battery: number | null;
}

type Side = keyof PowerNow;

const SIDE: Partial<Record<MeterKind, Side>> = {
  electricity: 'consumption',
  electrolyser: 'consumption',
  capture: 'consumption',
  pv: 'generation',
  battery: 'battery',
};

/**
 * Power over a set of meters. A meter that has a parent of the same side in the set is not counted beside it; where a
 * parent is silent its children stand in for it. `powerOf` answers kW, or null for a meter without a fresh usable reading.
 */
export function powerNow<M extends PoweredMeter>(meters: Iterable<M>, powerOf: (meter: M) => number | null): PowerNow {
  const byId = new Map<string, M>();
  for (const meter of meters) if (SIDE[meter.kind] !== undefined) byId.set(meter.id, meter);
  const children = new Map<string, M[]>();
  const roots: M[] = [];
  for (const meter of byId.values()) {
    const parent = meter.parent === null ? undefined : byId.get(meter.parent);
    if (parent === undefined || SIDE[parent.kind] !== SIDE[meter.kind]) roots.push(meter);
    else {
      const siblings = children.get(parent.id);
      if (siblings === undefined) children.set(parent.id, [meter]);
      else siblings.push(meter);
    }
  }
  const of = (meter: M): number | null => powerOf(meter) ?? sum((children.get(meter.id) ?? []).map(of));
  const total = (side: Side) => sum(roots.filter((meter) => SIDE[meter.kind] === side).map(of));
  return { consumption: total('consumption'), generation: total('generation'), battery: total('battery') };
}

/** Missing stays missing: null only when every part is. */
function sum(parts: readonly (number | null)[]): number | null {
  let total: number | null = null;
  for (const part of parts) if (part !== null) total = (total ?? 0) + part;
  return total;
}
