import type { MeterKind } from '../../../model/meter-kinds.ts';
import type { QuantityName } from '../../../model/quantities.ts';

/** What a factor code stands for. */
export interface Factor {
  readonly quantity: QuantityName;
  /** Unit in which loggers send it where the meter's record names none; null: the catalogue's. */
  readonly unit: string | null;
}

type Row = readonly [code: string, old: string | null, quantity: QuantityName, unit?: string];

// HJ 212-2017 Appendix B with the codes of the 2005 edition. The units of ambient factors are those of practice (public frames), µg/m³
// and for CO mg/m³, as the standard's ng/m³ is met nowhere.
const ROWS: readonly Row[] = [
  ['w00000', 'B01', 'outfall_flow', 'L/s'],
  ['w01001', '001', 'ph'],
  ['w01010', null, 'water_temperature'],
  ['w01012', '003', 'suspended_solids'],
  // Medium: one source.
  ['w01017', '010', 'bod5'],
  ['w01018', '011', 'cod'],
  ['w21001', '065', 'total_nitrogen'],
  ['w21003', '060', 'ammonia_nitrogen'],
  ['w21011', '101', 'total_phosphorus'],
  ['a01001', null, 'air_temperature'],
  ['a01002', null, 'air_humidity'],
  ['a01006', null, 'air_pressure', 'kPa'],
  ['a01007', null, 'wind_speed'],
  ['a01008', null, 'wind_direction'],
  ['a01011', 'S02', 'stack_velocity'],
  ['a01012', 'S03', 'stack_temperature'],
  ['a01013', 'S08', 'stack_pressure'],
  ['a01014', 'S05', 'stack_humidity'],
  ['a00000', 'B02', 'stack_flow', 'm³/s'],
  ['a19001', 'S01', 'stack_oxygen'],
  // Medium: restated by one source.
  ['a05024', null, 'o3'],
  ['a34001', null, 'tsp'],
  ['a34002', null, 'pm10'],
  ['a34004', null, 'pm2_5'],
  ['LA', 'B03', 'sound_level_momentary'],
  ['Leq', null, 'sound_level'],
  // Medium: one source, for the names of the levels below.
  ['L5', null, 'sound_level_l5'],
  ['L10', null, 'sound_level_l10'],
  ['L50', null, 'sound_level_l50'],
  ['L90', null, 'sound_level_l90'],
  ['L95', null, 'sound_level_l95'],
  ['LMx', null, 'sound_level_max'],
  ['LMn', null, 'sound_level_min'],
  ['Ld', null, 'sound_level_daytime'],
  ['Ln', null, 'sound_level_nighttime'],
  ['Ldn', null, 'sound_level_day_night'],
  // Low: noise of dust monitors, seen in one source.
  ['a50001', null, 'sound_level'],
];

/** The same code in a stack, in the standard's unit, and in the open air, in that of practice. */
const STACK: readonly Row[] = [
  ['a34013', '01', 'stack_dust'],
  ['a21026', '02', 'stack_so2'],
  ['a21002', '03', 'stack_nox'],
  ['a21004', null, 'stack_no2'],
  ['a21005', '04', 'stack_co'],
  ['a24088', null, 'stack_nmhc'],
  ['a21003', null, 'stack_no'],
  ['a21018', '06', 'stack_fluorides'],
  ['a21024', '08', 'stack_hcl'],
];
const AMBIENT: readonly Row[] = [
  ['a21026', null, 'so2'],
  ['a21004', null, 'no2'],
  ['a21005', null, 'co'],
  ['a24088', null, 'nmhc'],
];

const tableOf = (rows: readonly Row[]): ReadonlyMap<string, Factor> =>
  new Map(
    rows.flatMap(([code, old, quantity, unit = null]) =>
      [code, ...(old === null ? [] : [old])].map((name) => [name.toLowerCase(), { quantity, unit }] as const),
    ),
  );

const BY_PLACE = { stack: tableOf([...ROWS, ...STACK]), air: tableOf([...ROWS, ...AMBIENT]), water: tableOf(ROWS) } as const;
type Place = keyof typeof BY_PLACE;

/** System codes (ST) of what a meter of another kind measures: air sources and flue process; surface water, water sources and sewage process. */
const STACK_SYSTEMS = new Set(['31', '51']);
const WATER_SYSTEMS = new Set(['21', '32', '33', '52']);

function placeOf(kind: MeterKind | null, system: string | null): Place {
  if (kind === 'stack') return 'stack';
  if (kind === 'ambient' || kind === 'weather') return 'air';
  if (system !== null && STACK_SYSTEMS.has(system)) return 'stack';
  // Loggers of stacks are seen to write the code of water: read as open air, their SO₂ would be a thousandth of what it is.
  return kind === 'outfall' || (system !== null && WATER_SYSTEMS.has(system)) ? 'water' : 'air';
}

/** What a factor is at a meter of this kind; the kind counts more than the system code, which loggers are seen to mix up. */
export const factorOf = (code: string, kind: MeterKind | null, system: string | null): Factor | undefined =>
  BY_PLACE[placeOf(kind, system)].get(code.toLowerCase());
