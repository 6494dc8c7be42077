import type { Unit } from './quantities.ts';

/** value in catalogue unit = value × factor + offset */
export interface Conversion {
  readonly factor: number;
  readonly offset: number;
}

type FromUnits = Readonly<Record<string, number | Conversion>>;

// Per catalogue unit: what else instruments send. Exact by definition (SI), except where a line says otherwise.
const TO: Partial<Record<Unit, FromUnits>> = {
  kWh: { Wh: 1e-3, MWh: 1e3, GWh: 1e6, kJ: 1 / 3600, MJ: 1 / 3.6, GJ: 1000 / 3.6 },
  kvarh: { varh: 1e-3, Mvarh: 1e3 },
  kW: { W: 1e-3, MW: 1e3 },
  kvar: { var: 1e-3, Mvar: 1e3 },
  kVA: { VA: 1e-3, MVA: 1e3 },
  V: { mV: 1e-3, kV: 1e3 },
  A: { mA: 1e-3, kA: 1e3 },
  Hz: { mHz: 1e-3 },
  '1': { '%': 1e-2 },
  '%': { '1': 1e2 },
  'm³': { L: 1e-3, dm3: 1e-3, m3: 1, 'Nm³': 1, Nm3: 1 },
  'm³/h': { 'm3/h': 1, 'Nm³/h': 1, 'Nm3/h': 1, 'L/s': 3.6, 'L/min': 0.06, 'm³/s': 3600, 'm3/s': 3600 },
  GJ: { MJ: 1e-3, kWh: 0.0036, MWh: 3.6 },
  'GJ/h': { kW: 0.0036, MW: 3.6 },
  t: { kg: 1e-3 },
  't/h': { 'kg/h': 1e-3, 'kg/s': 3.6 },
  kg: { g: 1e-3, t: 1e3 },
  'kg/h': { 'g/s': 3.6 },
  '°C': { C: 1, K: { factor: 1, offset: -273.15 }, '°F': { factor: 5 / 9, offset: -160 / 9 } },
  hPa: { mbar: 1, Pa: 1e-2, kPa: 10, MPa: 1e4 },
  kPa: { Pa: 1e-3, hPa: 0.1, MPa: 1e3 },
  MPa: { kPa: 1e-3, Pa: 1e-6, bar: 0.1 },
  'm/s': { 'km/h': 1 / 3.6 },
  '°': { deg: 1 },
  mm: { cm: 10, m: 1e3 },
  'W/m²': { 'W/m2': 1, 'kW/m²': 1e3 },
  'µg/m³': { 'ug/m3': 1, 'μg/m³': 1, 'mg/m³': 1e3, 'mg/m3': 1e3, 'ng/m³': 1e-3, 'ng/m3': 1e-3 },
  'mg/m³': { 'mg/m3': 1, 'µg/m³': 1e-3, 'μg/m³': 1e-3, 'ug/m3': 1e-3, 'g/m³': 1e3 },
  'mg/L': { 'mg/l': 1, 'µg/L': 1e-3, 'ug/L': 1e-3, 'g/L': 1e3 },
  'dB(A)': { dB: 1, dBA: 1 },
};

// How units are written as well, where that cannot be mistaken: a milliwatt is no megawatt. The first µ is a sign of its own, the second a letter.
const SPELLED: ReadonlyMap<string, string> = new Map([
  ...(['kwh', 'KWH', 'KWh', 'kWH', '度', '千瓦时'] as const).map((text) => [text, 'kWh'] as const),
  ...(['kw', 'KW', '千瓦'] as const).map((text) => [text, 'kW'] as const),
  ...(['kVar', 'kVAr'] as const).map((text) => [text, 'kvar'] as const),
  ...(['kVarh', 'kVArh'] as const).map((text) => [text, 'kvarh'] as const),
  ...(['µg/m3', 'μg/m3', 'μg/m³', 'ug/m³'] as const).map((text) => [text, 'µg/m³'] as const),
  ...(['μg/L', 'μg/l', 'µg/l', 'ug/l'] as const).map((text) => [text, 'µg/L'] as const),
  ['吨', 't'],
  ['℃', '°C'],
  ['%RH', '%'],
]);

/** How to bring `from` to the catalogue's unit, or null where there is no such conversion. */
export function conversion(written: string, to: Unit): Conversion | null {
  const from = SPELLED.get(written) ?? written;
  if (from === to) return { factor: 1, offset: 0 };
  const known = TO[to]?.[from];
  if (known === undefined) return null;
  return typeof known === 'number' ? { factor: known, offset: 0 } : known;
}

/** The units that can be brought to `to`, itself first. */
export const unitsFor = (to: Unit): readonly string[] => [to, ...Object.keys(TO[to] ?? {})];
