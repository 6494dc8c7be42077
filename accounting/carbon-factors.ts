import type { Carrier } from '../model/rules.ts';

/** An emission factor with its origin. Rows are never edited: a new figure is a new row. */
export interface CarbonFactor {
  readonly name: string;
  /** kilograms of CO₂ per unit of the carrier. */
  readonly value: number;
  readonly unit: string;
  /** Prefix of the GB/T 2260 codes that it holds for; empty: the whole country. */
  readonly region: string;
  /** Year of the data behind it. */
  readonly year: number;
  readonly source: string;
  readonly confidence: 'high' | 'medium' | 'low';
}

const grid = (year: number, value: number, published: string, confidence: CarbonFactor['confidence']): CarbonFactor => ({
  name: '全国电力平均二氧化碳排放因子',
  value,
  unit: 'kgCO₂/kWh',
  region: '',
  year,
  source: `生态环境部、国家统计局电力二氧化碳排放因子公告 (${published})`,
  confidence,
});

const sichuan = (year: number, value: number, published: string, confidence: CarbonFactor['confidence']): CarbonFactor => ({
  ...grid(year, value, published, confidence),
  name: '四川省级电力平均二氧化碳排放因子',
  region: '51',
});

/**
 * Carriers that carry emissions, location-based. Water is absent on purpose: it has none of its own here. Steam and hydrogen are present
 * without a row: their factors depend on where they come from and are not known, which is not the same as zero.
 */
export const CARBON_FACTORS: Partial<Record<Carrier, readonly CarbonFactor[]>> = {
  electricity: [
    grid(2021, 0.5568, '2024-04-12', 'high'),
    grid(2022, 0.5366, '2024-12-20', 'high'),
    grid(2023, 0.5306, '2025-12-31', 'high'),
    sichuan(2021, 0.1255, '2024-04-12', 'medium'),
    sichuan(2022, 0.1404, '2024-12-20', 'high'),
    sichuan(2023, 0.1564, '2025-12-31', 'high'),
  ],
  natural_gas: [
    {
      name: '天然气燃烧排放因子',
      value: 2.162,
      unit: 'kgCO₂/m³',
      region: '',
      year: 2015,
      source: 'GB/T 32150 计算式，低位发热量 389.31 GJ/10⁴Nm³、含碳量 15.3 tC/TJ、氧化率 99 %（省级指南缺省值）',
      confidence: 'high',
    },
  ],
  heat: [
    {
      name: '外购热力排放因子',
      value: 110,
      unit: 'kgCO₂/GJ',
      region: '',
      year: 2015,
      source: '企业温室气体排放核算指南缺省值 0.11 tCO₂/GJ',
      confidence: 'high',
    },
  ],
  steam: [],
  hydrogen: [],
};
