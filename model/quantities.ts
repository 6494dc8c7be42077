import { STATISTIC_ENTRIES, type StatisticName } from './instrument-statistics.ts';

/**
 * The one catalogue of what can be measured. A quantity has one unit; readings are converted at the door.
 *
 * `code` is stored with every reading: never change or reuse one; new quantities take the next free number below 208;
 * from there to 1023 are the instruments' own statistics (instrument-statistics.ts).
 * `range` is what is physically possible, not what is allowed: outside it a reading is flagged, never dropped.
 * `hj212` is the factor code of HJ 212-2017, `dlt645` the data identifier of DL/T 645-2007, `obis` that of IEC 62056-6-1;
 * null where there is none or it is not known.
 */
export interface Quantity {
  readonly name: string;
  readonly code: number;
  readonly unit: Unit;
  /** A gauge is a momentary value; a counter is a register that only rises. */
  readonly kind: 'gauge' | 'counter';
  readonly range: readonly [min: number, max: number];
  /** Digits after the point that a person is shown. */
  readonly digits: number;
  readonly zh: string;
  readonly en: string;
  readonly hj212: string | null;
  readonly dlt645: string | null;
  readonly obis: string | null;
}

export type Unit =
  | 'kWh'
  | 'kvarh'
  | 'kW'
  | 'kvar'
  | 'kVA'
  | 'V'
  | 'A'
  | 'Hz'
  | '1'
  | '%'
  | 'm³'
  | 'm³/h'
  | 'GJ'
  | 'GJ/h'
  | 't'
  | 't/h'
  | 'kg'
  | 'kg/h'
  | '°C'
  | 'hPa'
  | 'kPa'
  | 'MPa'
  | 'm/s'
  | '°'
  | 'mm'
  | 'W/m²'
  | 'µg/m³'
  | 'mg/m³'
  | 'mg/L'
  | 'dB(A)';

type Row = readonly [
  code: number,
  name: string,
  kind: 'gauge' | 'counter',
  unit: Unit,
  min: number,
  max: number,
  digits: number,
  zh: string,
  en: string,
  codes?: { readonly hj212?: string; readonly dlt645?: string; readonly obis?: string },
];

// Highest register a meter of any make shows; rollover is a matter of the meter's own register width.
const REGISTER = 1e12;

const ROWS = [
  [1, 'active_energy_import', 'counter', 'kWh', 0, REGISTER, 2, '正向有功总电能', 'Active energy, import', { dlt645: '00010000', obis: '1-0:1.8.0*255' }],
  [2, 'active_energy_export', 'counter', 'kWh', 0, REGISTER, 2, '反向有功总电能', 'Active energy, export', { dlt645: '00020000', obis: '1-0:2.8.0*255' }],
  [3, 'reactive_energy_import', 'counter', 'kvarh', 0, REGISTER, 2, '正向无功总电能', 'Reactive energy, import', { dlt645: '00030000', obis: '1-0:3.8.0*255' }],
  [4, 'reactive_energy_export', 'counter', 'kvarh', 0, REGISTER, 2, '反向无功总电能', 'Reactive energy, export', { dlt645: '00040000', obis: '1-0:4.8.0*255' }],
  [5, 'active_power', 'gauge', 'kW', -1e6, 1e6, 1, '有功功率', 'Active power', { dlt645: '02030000', obis: '1-0:16.7.0*255' }],
  [6, 'reactive_power', 'gauge', 'kvar', -1e6, 1e6, 1, '无功功率', 'Reactive power', { dlt645: '02040000', obis: '1-0:3.7.0*255' }],
  [7, 'apparent_power', 'gauge', 'kVA', 0, 1e6, 1, '视在功率', 'Apparent power', { dlt645: '02050000', obis: '1-0:9.7.0*255' }],
  [8, 'power_factor', 'gauge', '1', -1, 1, 3, '功率因数', 'Power factor', { dlt645: '02060000', obis: '1-0:13.7.0*255' }],
  [9, 'frequency', 'gauge', 'Hz', 0, 100, 2, '频率', 'Frequency', { dlt645: '02800002', obis: '1-0:14.7.0*255' }],
  [10, 'voltage_a', 'gauge', 'V', 0, 5e5, 1, 'A相电压', 'Voltage, phase A', { dlt645: '02010100', obis: '1-0:32.7.0*255' }],
  [11, 'voltage_b', 'gauge', 'V', 0, 5e5, 1, 'B相电压', 'Voltage, phase B', { dlt645: '02010200', obis: '1-0:52.7.0*255' }],
  [12, 'voltage_c', 'gauge', 'V', 0, 5e5, 1, 'C相电压', 'Voltage, phase C', { dlt645: '02010300', obis: '1-0:72.7.0*255' }],
  [13, 'current_a', 'gauge', 'A', -1e5, 1e5, 2, 'A相电流', 'Current, phase A', { dlt645: '02020100', obis: '1-0:31.7.0*255' }],
  [14, 'current_b', 'gauge', 'A', -1e5, 1e5, 2, 'B相电流', 'Current, phase B', { dlt645: '02020200', obis: '1-0:51.7.0*255' }],
  [15, 'current_c', 'gauge', 'A', -1e5, 1e5, 2, 'C相电流', 'Current, phase C', { dlt645: '02020300', obis: '1-0:71.7.0*255' }],
  // Starts again from zero each day: its usage is never taken across a day's end.
  [16, 'active_energy_day', 'gauge', 'kWh', 0, 1e9, 2, '当日有功电能', 'Active energy since midnight'],
  [17, 'interval_energy', 'gauge', 'kWh', -1e9, 1e9, 2, '时段电量', 'Energy of the interval ended'],
  [18, 'interval_reactive_energy_lagging', 'gauge', 'kvarh', -1e9, 1e9, 2, '时段感性无功电量', 'Lagging reactive energy of the interval ended'],
  [19, 'interval_reactive_energy_leading', 'gauge', 'kvarh', -1e9, 1e9, 2, '时段容性无功电量', 'Leading reactive energy of the interval ended'],
  [20, 'power_factor_lagging', 'gauge', '%', 0, 100, 1, '感性功率因数', 'Lagging power factor'],
  [21, 'power_factor_leading', 'gauge', '%', 0, 100, 1, '容性功率因数', 'Leading power factor'],

  [40, 'water_volume', 'counter', 'm³', 0, REGISTER, 2, '累计水量', 'Water volume'],
  [41, 'water_flow', 'gauge', 'm³/h', -1e6, 1e6, 2, '水流量', 'Water flow'],
  [42, 'gas_volume', 'counter', 'm³', 0, REGISTER, 2, '天然气累计量（标况）', 'Natural gas volume, standard conditions'],
  [43, 'gas_flow', 'gauge', 'm³/h', 0, 1e6, 2, '天然气流量（标况）', 'Natural gas flow, standard conditions'],
  [44, 'heat_energy', 'counter', 'GJ', 0, REGISTER, 3, '累计热量', 'Heat energy'],
  [45, 'heat_power', 'gauge', 'GJ/h', -1e5, 1e5, 3, '热功率', 'Heat power'],
  [46, 'flow_temperature', 'gauge', '°C', -50, 600, 1, '供水温度', 'Flow temperature'],
  [47, 'return_temperature', 'gauge', '°C', -50, 600, 1, '回水温度', 'Return temperature'],
  [48, 'steam_mass', 'counter', 't', 0, REGISTER, 2, '累计蒸汽量', 'Steam mass'],
  [49, 'steam_flow', 'gauge', 't/h', 0, 1e5, 2, '蒸汽流量', 'Steam flow'],

  [60, 'irradiance', 'gauge', 'W/m²', -20, 1600, 0, '总辐照度', 'Irradiance'],
  [61, 'module_temperature', 'gauge', '°C', -60, 120, 1, '组件温度', 'Module temperature'],
  [62, 'state_of_charge', 'gauge', '%', 0, 100, 1, '荷电状态', 'State of charge'],
  [63, 'dc_voltage', 'gauge', 'V', 0, 3000, 1, '直流电压', 'DC voltage'],
  [64, 'dc_current', 'gauge', 'A', -1e5, 1e5, 2, '直流电流', 'DC current'],
  [65, 'dc_power', 'gauge', 'kW', -1e6, 1e6, 2, '直流功率', 'DC power'],
  [66, 'device_temperature', 'gauge', '°C', -60, 200, 1, '设备温度', 'Device temperature'],
  [67, 'hydrogen_mass', 'counter', 'kg', 0, REGISTER, 2, '累计产氢量', 'Hydrogen produced'],
  [68, 'hydrogen_flow', 'gauge', 'kg/h', 0, 1e5, 2, '产氢速率', 'Hydrogen flow'],
  [69, 'captured_co2_mass', 'counter', 't', 0, REGISTER, 3, '累计捕集二氧化碳', 'CO₂ captured'],
  [70, 'captured_co2_flow', 'gauge', 't/h', 0, 1e5, 3, '二氧化碳捕集速率', 'CO₂ capture rate'],

  [100, 'pm2_5', 'gauge', 'µg/m³', 0, 10000, 0, 'PM₂.₅', 'PM₂.₅', { hj212: 'a34004' }],
  [101, 'pm10', 'gauge', 'µg/m³', 0, 20000, 0, 'PM₁₀', 'PM₁₀', { hj212: 'a34002' }],
  [102, 'so2', 'gauge', 'µg/m³', 0, 20000, 0, '二氧化硫', 'SO₂', { hj212: 'a21026' }],
  [103, 'no2', 'gauge', 'µg/m³', 0, 20000, 0, '二氧化氮', 'NO₂', { hj212: 'a21004' }],
  [104, 'co', 'gauge', 'mg/m³', 0, 1000, 1, '一氧化碳', 'CO', { hj212: 'a21005' }],
  [105, 'o3', 'gauge', 'µg/m³', 0, 5000, 0, '臭氧', 'O₃', { hj212: 'a05024' }],
  [106, 'air_temperature', 'gauge', '°C', -60, 70, 1, '气温', 'Air temperature', { hj212: 'a01001' }],
  [107, 'air_humidity', 'gauge', '%', 0, 100, 1, '相对湿度', 'Relative humidity', { hj212: 'a01002' }],
  [108, 'air_pressure', 'gauge', 'hPa', 400, 1100, 1, '气压', 'Air pressure', { hj212: 'a01006' }],
  [109, 'wind_speed', 'gauge', 'm/s', 0, 100, 1, '风速', 'Wind speed', { hj212: 'a01007' }],
  [110, 'wind_direction', 'gauge', '°', 0, 360, 0, '风向', 'Wind direction', { hj212: 'a01008' }],
  [111, 'precipitation', 'gauge', 'mm', 0, 500, 1, '降水量', 'Precipitation of the interval ended'],
  [112, 'dew_point', 'gauge', '°C', -90, 50, 1, '露点温度', 'Dew point'],
  [113, 'tsp', 'gauge', 'µg/m³', 0, 20000, 0, '总悬浮颗粒物', 'TSP', { hj212: 'a34001' }],
  [114, 'nmhc', 'gauge', 'mg/m³', 0, 1000, 2, '非甲烷总烃', 'NMHC', { hj212: 'a24088' }],

  [130, 'stack_so2', 'gauge', 'mg/m³', 0, 50000, 1, '烟气二氧化硫', 'Stack SO₂'],
  [131, 'stack_nox', 'gauge', 'mg/m³', 0, 50000, 1, '烟气氮氧化物', 'Stack NOₓ'],
  [132, 'stack_dust', 'gauge', 'mg/m³', 0, 50000, 1, '烟气颗粒物', 'Stack particulates'],
  [133, 'stack_co', 'gauge', 'mg/m³', 0, 50000, 1, '烟气一氧化碳', 'Stack CO'],
  [134, 'stack_nmhc', 'gauge', 'mg/m³', 0, 50000, 1, '烟气非甲烷总烃', 'Stack NMHC'],
  [135, 'stack_oxygen', 'gauge', '%', 0, 25, 2, '烟气含氧量', 'Stack oxygen', { hj212: 'a19001' }],
  [136, 'stack_temperature', 'gauge', '°C', -20, 1500, 1, '烟气温度', 'Stack temperature', { hj212: 'a01012' }],
  [137, 'stack_flow', 'gauge', 'm³/h', 0, 1e8, 0, '烟气流量', 'Stack gas flow', { hj212: 'a00000' }],
  [138, 'stack_velocity', 'gauge', 'm/s', 0, 100, 2, '烟气流速', 'Stack gas velocity', { hj212: 'a01011' }],
  [139, 'stack_humidity', 'gauge', '%', 0, 100, 2, '烟气湿度', 'Stack humidity', { hj212: 'a01014' }],
  // Converted to the reference oxygen content (折算) by the instrument itself.
  [140, 'stack_so2_converted', 'gauge', 'mg/m³', 0, 50000, 1, '烟气二氧化硫（折算）', 'Stack SO₂, converted'],
  [141, 'stack_nox_converted', 'gauge', 'mg/m³', 0, 50000, 1, '烟气氮氧化物（折算）', 'Stack NOₓ, converted'],
  [142, 'stack_dust_converted', 'gauge', 'mg/m³', 0, 50000, 1, '烟气颗粒物（折算）', 'Stack particulates, converted'],
  [143, 'stack_co_converted', 'gauge', 'mg/m³', 0, 50000, 1, '烟气一氧化碳（折算）', 'Stack CO, converted'],
  [144, 'stack_nmhc_converted', 'gauge', 'mg/m³', 0, 50000, 1, '烟气非甲烷总烃（折算）', 'Stack NMHC, converted'],
  [145, 'stack_pressure', 'gauge', 'kPa', -100, 200, 2, '烟气压力', 'Stack gas pressure', { hj212: 'a01013' }],
  [146, 'stack_no2', 'gauge', 'mg/m³', 0, 50000, 1, '烟气二氧化氮', 'Stack NO₂'],
  [147, 'stack_no2_converted', 'gauge', 'mg/m³', 0, 50000, 1, '烟气二氧化氮（折算）', 'Stack NO₂, converted'],
  [148, 'stack_no', 'gauge', 'mg/m³', 0, 50000, 1, '烟气一氧化氮', 'Stack NO', { hj212: 'a21003' }],
  [149, 'stack_no_converted', 'gauge', 'mg/m³', 0, 50000, 1, '烟气一氧化氮（折算）', 'Stack NO, converted'],
  [150, 'stack_hcl', 'gauge', 'mg/m³', 0, 50000, 2, '烟气氯化氢', 'Stack HCl', { hj212: 'a21024' }],
  [151, 'stack_hcl_converted', 'gauge', 'mg/m³', 0, 50000, 2, '烟气氯化氢（折算）', 'Stack HCl, converted'],
  [152, 'stack_fluorides', 'gauge', 'mg/m³', 0, 50000, 2, '烟气氟化物', 'Stack fluorides', { hj212: 'a21018' }],
  [153, 'stack_fluorides_converted', 'gauge', 'mg/m³', 0, 50000, 2, '烟气氟化物（折算）', 'Stack fluorides, converted'],

  [160, 'cod', 'gauge', 'mg/L', 0, 50000, 1, '化学需氧量', 'COD', { hj212: 'w01018' }],
  [161, 'ammonia_nitrogen', 'gauge', 'mg/L', 0, 5000, 2, '氨氮', 'Ammonia nitrogen', { hj212: 'w21003' }],
  [162, 'total_phosphorus', 'gauge', 'mg/L', 0, 1000, 2, '总磷', 'Total phosphorus', { hj212: 'w21011' }],
  [163, 'total_nitrogen', 'gauge', 'mg/L', 0, 5000, 2, '总氮', 'Total nitrogen', { hj212: 'w21001' }],
  [164, 'ph', 'gauge', '1', 0, 14, 2, 'pH 值', 'pH', { hj212: 'w01001' }],
  [165, 'outfall_flow', 'gauge', 'm³/h', 0, 1e7, 1, '排水流量', 'Outfall flow', { hj212: 'w00000' }],
  [166, 'outfall_volume', 'counter', 'm³', 0, REGISTER, 1, '累计排水量', 'Outfall volume'],
  [167, 'water_temperature', 'gauge', '°C', -5, 100, 1, '水温', 'Water temperature', { hj212: 'w01010' }],
  [168, 'bod5', 'gauge', 'mg/L', 0, 50000, 1, '五日生化需氧量', 'BOD₅', { hj212: 'w01017' }],
  [169, 'suspended_solids', 'gauge', 'mg/L', 0, 50000, 0, '悬浮物', 'Suspended solids', { hj212: 'w01012' }],

  [190, 'sound_level', 'gauge', 'dB(A)', 0, 150, 1, '等效声级', 'Equivalent sound level', { hj212: 'Leq' }],
  [191, 'sound_level_momentary', 'gauge', 'dB(A)', 0, 150, 1, '瞬时声级', 'Momentary sound level', { hj212: 'LA' }],
  // Levels that were exceeded in that share of the time.
  [192, 'sound_level_l5', 'gauge', 'dB(A)', 0, 150, 1, '累积百分声级 L₅', 'Sound level L₅', { hj212: 'L5' }],
  [193, 'sound_level_l10', 'gauge', 'dB(A)', 0, 150, 1, '累积百分声级 L₁₀', 'Sound level L₁₀', { hj212: 'L10' }],
  [194, 'sound_level_l50', 'gauge', 'dB(A)', 0, 150, 1, '累积百分声级 L₅₀', 'Sound level L₅₀', { hj212: 'L50' }],
  [195, 'sound_level_l90', 'gauge', 'dB(A)', 0, 150, 1, '累积百分声级 L₉₀', 'Sound level L₉₀', { hj212: 'L90' }],
  [196, 'sound_level_l95', 'gauge', 'dB(A)', 0, 150, 1, '累积百分声级 L₉₅', 'Sound level L₉₅', { hj212: 'L95' }],
  [197, 'sound_level_max', 'gauge', 'dB(A)', 0, 150, 1, '最大瞬时声级', 'Highest momentary sound level', { hj212: 'LMx' }],
  [198, 'sound_level_min', 'gauge', 'dB(A)', 0, 150, 1, '最小瞬时声级', 'Lowest momentary sound level', { hj212: 'LMn' }],
  [199, 'sound_level_daytime', 'gauge', 'dB(A)', 0, 150, 1, '昼间声级', 'Sound level by day', { hj212: 'Ld' }],
  [200, 'sound_level_nighttime', 'gauge', 'dB(A)', 0, 150, 1, '夜间声级', 'Sound level by night', { hj212: 'Ln' }],
  [201, 'sound_level_day_night', 'gauge', 'dB(A)', 0, 150, 1, '昼夜等效声级', 'Equivalent sound level of day and night', { hj212: 'Ldn' }],
] as const satisfies readonly Row[];

export type QuantityName = (typeof ROWS)[number][1] | StatisticName;

type CatalogueEntry = Quantity & { readonly name: QuantityName };

const MEASURED: readonly CatalogueEntry[] = ROWS.map((row) => {
  const [code, name, kind, unit, min, max, digits, zh, en] = row;
  const codes: NonNullable<Row[9]> = row[9] ?? {};
  return { name, code, kind, unit, range: [min, max], digits, zh, en, hj212: codes.hj212 ?? null, dlt645: codes.dlt645 ?? null, obis: codes.obis ?? null };
});

const measured = new Map<string, CatalogueEntry>(MEASURED.map((quantity) => [quantity.name, quantity]));

const COMPUTED: readonly CatalogueEntry[] = STATISTIC_ENTRIES.map(({ name, base, code, unit, zh, en }) => {
  const of = measured.get(base);
  if (of === undefined) throw new RangeError(`quantity "${base}" has statistics and is not in the catalogue`);
  const total = unit === null ? {} : ({ unit, range: [0, REGISTER], digits: 2 } as const);
  return { ...of, ...total, name, code, kind: 'gauge', zh: of.zh + zh, en: of.en + en, hj212: null };
});

/** The catalogue in order of code. */
export const QUANTITIES: readonly CatalogueEntry[] = [...MEASURED, ...COMPUTED].sort((a, b) => a.code - b.code);

const byName = new Map<string, (typeof QUANTITIES)[number]>(QUANTITIES.map((quantity) => [quantity.name, quantity]));
const byCode = new Map<number, (typeof QUANTITIES)[number]>(QUANTITIES.map((quantity) => [quantity.code, quantity]));

export const QUANTITY_NAMES: readonly QuantityName[] = QUANTITIES.map((quantity) => quantity.name);

/** The catalogue's entry, or undefined for a name that is not in it. */
export const findQuantity = (name: string): (typeof QUANTITIES)[number] | undefined => byName.get(name);

export function quantityOf(name: QuantityName): (typeof QUANTITIES)[number] {
  const found = byName.get(name);
  if (found === undefined) throw new RangeError(`quantity "${name}" is not in the catalogue`);
  return found;
}

export function quantityOfCode(code: number): (typeof QUANTITIES)[number] {
  const found = byCode.get(code);
  if (found === undefined) throw new RangeError(`quantity code ${code} is not in the catalogue`);
  return found;
}
