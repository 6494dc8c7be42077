/**
 * What an instrument computes itself over a minute interval, an hour or a day (HJ 212 commands 2051, 2061, 2031). Each is a quantity of
 * its own, `{quantity}_{period}_{statistic}`, so that it never stands in one series with momentary readings, nor enters our averages.
 */
export const STATISTIC_PERIODS = ['minute', 'hour', 'day'] as const;
export type StatisticPeriod = (typeof STATISTIC_PERIODS)[number];

/** Mean, lowest, highest; total is the volume or the mass that passed. */
export const STATISTICS = ['avg', 'min', 'max', 'total'] as const;
export type Statistic = (typeof STATISTICS)[number];

/**
 * Quantities that instruments send statistics of, and the unit of their totals (null: a total of them means nothing). Their place here
 * makes the stored codes: add behind, never move or remove one. There is room for 68.
 */
export const STATISTIC_BASES = {
  pm2_5: null,
  pm10: null,
  so2: null,
  no2: null,
  co: null,
  o3: null,
  air_temperature: null,
  air_humidity: null,
  air_pressure: null,
  wind_speed: null,
  wind_direction: null,
  stack_so2: 'kg',
  stack_nox: 'kg',
  stack_dust: 'kg',
  stack_co: 'kg',
  stack_nmhc: 'kg',
  stack_so2_converted: null,
  stack_nox_converted: null,
  stack_dust_converted: null,
  stack_co_converted: null,
  stack_nmhc_converted: null,
  stack_oxygen: null,
  stack_temperature: null,
  stack_flow: 'm³',
  stack_velocity: null,
  stack_humidity: null,
  stack_pressure: null,
  cod: 'kg',
  ammonia_nitrogen: 'kg',
  total_phosphorus: 'kg',
  total_nitrogen: 'kg',
  ph: null,
  outfall_flow: 'm³',
  water_temperature: null,
  suspended_solids: 'kg',
  sound_level: null,
  sound_level_momentary: null,
  tsp: null,
  stack_no2: 'kg',
  stack_no2_converted: null,
  nmhc: null,
  bod5: 'kg',
  sound_level_l5: null,
  sound_level_l10: null,
  sound_level_l50: null,
  sound_level_l90: null,
  sound_level_l95: null,
  sound_level_max: null,
  sound_level_min: null,
  sound_level_daytime: null,
  sound_level_nighttime: null,
  stack_no: 'kg',
  stack_no_converted: null,
  stack_hcl: 'kg',
  stack_hcl_converted: null,
  stack_fluorides: 'kg',
  stack_fluorides_converted: null,
} as const satisfies Readonly<Record<string, 'kg' | 'm³' | null>>;

export type StatisticBase = keyof typeof STATISTIC_BASES;
export type StatisticName = `${StatisticBase}_${StatisticPeriod}_${Statistic}`;

const PER_BASE = STATISTIC_PERIODS.length * STATISTICS.length;
/** The codes from 400 to 1023 came first; the bases behind those that fill them have 208 to 399. */
const firstCodeOf = (place: number): number => (place < 52 ? 400 + place * PER_BASE : 208 + (place - 52) * PER_BASE);
const BASES = Object.keys(STATISTIC_BASES) as StatisticBase[];

const PERIOD_WORDS = { minute: ['分钟', 'of the minutes'], hour: ['小时', 'of the hour'], day: ['日', 'of the day'] } as const;
const WORDS = { avg: ['均值', 'mean'], min: ['最小值', 'lowest'], max: ['最大值', 'highest'], total: ['累计', 'total'] } as const;

const isBase = (quantity: string): quantity is StatisticBase => Object.hasOwn(STATISTIC_BASES, quantity);

/** Name of a statistic of a quantity, or null where the catalogue has none. */
export function statisticName(quantity: string, period: StatisticPeriod, statistic: Statistic): StatisticName | null {
  if (!isBase(quantity) || (statistic === 'total' && STATISTIC_BASES[quantity] === null)) return null;
  return `${quantity}_${period}_${statistic}`;
}

/** A statistic in the catalogue; what it does not say is its quantity's. */
export interface StatisticEntry {
  readonly name: StatisticName;
  readonly base: StatisticBase;
  readonly code: number;
  /** Unit of a total; null: the quantity's own. */
  readonly unit: 'kg' | 'm³' | null;
  /** Behind the quantity's name. */
  readonly zh: string;
  readonly en: string;
}

/** All of them, in order of their bases. */
export const STATISTIC_ENTRIES: readonly StatisticEntry[] = BASES.flatMap((base, place) =>
  STATISTIC_PERIODS.flatMap((period, inBase) =>
    STATISTICS.flatMap((statistic, inPeriod) => {
      const name = statisticName(base, period, statistic);
      if (name === null) return [];
      const [zhPeriod, enPeriod] = PERIOD_WORDS[period];
      const [zh, en] = WORDS[statistic];
      return {
        name,
        base,
        code: firstCodeOf(place) + inBase * STATISTICS.length + inPeriod,
        unit: statistic === 'total' ? STATISTIC_BASES[base] : null,
        zh: `（仪器${zhPeriod}${zh}）`,
        en: `, instrument's ${en} ${enPeriod}`,
      };
    }),
  ),
);
