import { findQuantity, type QuantityName } from '../model/quantities.ts';

/** Names that devices commonly use (from memory: a suggestion for a person, never applied by itself). Compared without case and signs. */
const ALIASES: ReadonlyMap<string, QuantityName> = new Map(
  Object.entries<QuantityName>({
    kwh: 'active_energy_import',
    energy: 'active_energy_import',
    activeenergy: 'active_energy_import',
    epi: 'active_energy_import',
    kvarh: 'reactive_energy_import',
    power: 'active_power',
    kw: 'active_power',
    p: 'active_power',
    ptotal: 'active_power',
    reactivepower: 'reactive_power',
    kvar: 'reactive_power',
    q: 'reactive_power',
    pf: 'power_factor',
    cosphi: 'power_factor',
    freq: 'frequency',
    hz: 'frequency',
    ua: 'voltage_a',
    ub: 'voltage_b',
    uc: 'voltage_c',
    ia: 'current_a',
    ib: 'current_b',
    ic: 'current_c',
    soc: 'state_of_charge',
    watervolume: 'water_volume',
    gasvolume: 'gas_volume',
    pm25: 'pm2_5',
    humidity: 'air_humidity',
  }),
);

/** The quantity of the catalogue that a device's name probably means; null where nothing comes near. */
export function suggestedQuantity(name: string): QuantityName | null {
  const known = findQuantity(name);
  if (known !== undefined) return known.name;
  const lower = name.toLowerCase().replace(/[\s.-]+/g, '_');
  return findQuantity(lower)?.name ?? ALIASES.get(lower.replace(/[^a-z0-9]/g, '')) ?? null;
}
